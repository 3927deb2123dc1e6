"""Headers that keep a page to itself: nothing inline, nothing from elsewhere, nothing sniffed.

Pages bring their own (:data:`PAGE_HEADERS`). :func:`guarded` gives every other answer (the API, tiles, files,
streams, errors) what it lacks, so that no route can forget it: it is not sniffed, is no page, stands in no
frame. What is answered to somebody who proves who they are, or tries to, is kept by no cache, except the pages' own
files, tiles and the log's files, which are the same for everybody. A node whose public address is https tells browsers to come by https alone, for a year.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

__all__ = ["PAGE_HEADERS", "guarded", "headers_of"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    # MapLibre starts its worker from a blob.
    "worker-src": "blob:",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

PAGE_HEADERS: Final = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Language, Cookie, Accept-Encoding",
}
"""Sent with every page."""

_EVERYWHERE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"same-origin"),
)
_SAME_FOR_ALL: Final = ("/static/", "/tiles/", "/log/")
_PROOFS: Final = (b"__Host-hansa=", b"hansa_session=")
_BY_HTTPS_ALONE: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


def headers_of(base_url: str) -> tuple[tuple[bytes, bytes], ...]:
    """What every answer has that does not bring its own, also one to what is no HTTP at all."""
    return _EVERYWHERE + ((_BY_HTTPS_ALONE,) if base_url.lower().startswith("https://") else ())


def guarded(app: App, base_url: str) -> App:
    """`app`, with these headers on every answer that does not have its own.

    Args:
        app: an ASGI application.
        base_url: the node's public address, if it is known.
    """
    wanted = headers_of(base_url)

    async def guard(scope: Message, receive: Receive, send: Send) -> None:
        personal = scope["type"] == "http" and _is_personal(scope)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if personal:
                    headers = [pair for pair in headers if pair[0].lower() != b"cache-control"]
                    headers.append((b"cache-control", b"no-store"))
                there = {name.lower() for name, _ in headers}
                headers += [pair for pair in wanted if pair[0] not in there]
                message["headers"] = headers
            await send(message)

        await app(scope, receive, sending if scope["type"] == "http" else send)

    return guard


def _is_personal(scope: Message) -> bool:
    """Whether a request comes with something that says who sends it, for something that could depend on that."""
    if scope["path"].startswith(_SAME_FOR_ALL):
        return False
    return any(
        name == b"authorization" or (name == b"cookie" and any(each in value for each in _PROOFS))
        for name, value in scope["headers"]
    )
