"""The only way out.

Whatever the node fetches (an @context, a feed) passes here, because the address often comes from
someone else. Each hop of a request is checked in this order: scheme (http, https), no user name in
the address, host, port; then the name is resolved *here*, every address of the answer is checked,
and the connection is made to a checked address, so that a second answer cannot lead elsewhere. The
Host header and the name in TLS stay those of the URL. Redirects are followed one by one through the
same checks. Size and total time are capped, so a slow server cannot hold the node.

There are two ways: :meth:`Egress.fetch` gets a document, following redirects; :meth:`Egress.request`
makes one exchange of any method over connections that are kept, and hands back whatever status came.

What speaks another protocol than HTTP (MQTT) asks :meth:`Egress.pin` first: the same checks, and the
addresses to connect to instead of the name.

Proxies of the environment are not used: they would resolve names themselves.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

import httpx

from hansa.kernel.addresses import AllowList, Pinned, address_fault, host_fault
from hansa.kernel.connections import Connections, Origin, TooMuch, request_bytes
from hansa.kernel.reasons import AnswerTooLarge, FetchFailed, TimedOut, reason_of
from hansa.kernel.settings import Settings
from hansa.kernel.urls import EgressRefused, origin_of, parse_url, split_url

__all__ = [
    "AnswerTooLarge",
    "Egress",
    "EgressRefused",
    "FetchFailed",
    "Pinned",
    "Resolver",
    "Response",
    "TimedOut",
]

Resolver = Callable[[str, int], Sequence[str]]
"""Host and port to IP addresses as text; raises OSError when the name is unknown."""

_MAX_REDIRECTS: Final = 5
_MAX_ADDRESSES: Final = 4
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LOOK_UPS: Final = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolver")
_THIS_MACHINE: Final = ("127.0.0.0/8", "::1")
_FIXED: Final = {"user-agent": "hansa", "accept-encoding": "identity"}
_REPEATABLE: Final = frozenset({"GET", "PUT", "DELETE"})
_CHECKED_SECONDS: Final = 10.0
_CHECKED_MOST: Final = 1000
logging.getLogger("httpx").setLevel(logging.WARNING)  # its log names addresses with their keys
logging.getLogger("httpcore").setLevel(logging.WARNING)
_PATIENCE: Final = httpx.Timeout(None, connect=10.0)
"""An address that does not answer leaves time for the next one; the rest is the caller's limit."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: the last URL of the redirects, status 2xx, lower-case headers, whole body."""

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def media_type(self) -> str:
        """The media type without parameters, lower-case; empty when the server named none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class _Hop:
    """One checked step: the URL and where it may be fetched from."""

    url: httpx.URL
    to: Pinned


class Egress:
    """Fetches documents from addresses that are public or on the allow-list.

    Args:
        allow: hosts, addresses and networks that may be contacted although they are not public.
        encrypted: whether everything must be TLS, but to what is on the allow-list.
        resolver: how names become addresses; the system's way by default.
        trust: certificate authorities for TLS; the well-known ones by default.
    """

    def __init__(
        self,
        allow: Iterable[str] | AllowList = (),
        *,
        encrypted: bool = False,
        resolver: Resolver = _look_up,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._encrypted = encrypted
        self._allow = allow if isinstance(allow, AllowList) else AllowList(allow)
        self._resolver = resolver
        self._given_trust = trust
        self._connections: Connections | None = None
        self._checked: dict[tuple[str, str, int | None], tuple[float, Pinned]] = {}

    @classmethod
    def for_node(cls, settings: Settings) -> Egress:
        """The guard that a node's settings describe; a node for experiments may reach its machine."""
        allow = (*settings.egress_allow, *(_THIS_MACHINE if settings.dev else ()))
        return cls(allow, encrypted=settings.egress_encrypted)

    def apart(self) -> Egress:
        """The same guard with connections of its own, for another event loop."""
        more: dict[str, Any] = {"resolver": self._resolver, "trust": self._given_trust}
        return Egress(self._allow, encrypted=self._encrypted, **more)

    async def fetch(
        self,
        url: str,
        *,
        accept: str = "*/*",
        max_bytes: int = 10_000_000,
        timeout: float = 30.0,  # noqa: ASYNC109 - one limit for every step together
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """GET a document.

        Args:
            url: http or https.
            accept: the media types wanted.
            max_bytes: largest body accepted.
            timeout: seconds for everything together: looking up, connecting, redirects, body.
            headers: further headers; they are not sent on to another host by a redirect.

        Raises:
            EgressRefused: the URL, or one that it redirects to, may not be contacted.
            FetchFailed: no answer, not in time, too large, or a status other than 2xx.
        """
        subject = f"address {url[:200]}"
        try:
            async with asyncio.timeout(timeout):
                return await self._follow(url, accept, max_bytes, dict(headers or {}))
        except TimeoutError:
            raise TimedOut(
                subject, f"gave no whole answer within {timeout:g} seconds", "try again later"
            ) from None
        except (httpx.HTTPError, ssl.SSLError, OSError) as fault:
            raise FetchFailed(subject, f"cannot be reached ({reason_of(fault)})") from None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        max_bytes: int = 10_000_000,
        timeout: float | None = 30.0,  # noqa: ASYNC109 - one limit for every step together
        repeatable: bool | None = None,
        status_only: bool = False,
    ) -> Response:
        """One exchange, over a kept connection where there is one; no redirect is followed.

        A host is looked up and checked anew every ten seconds. To be used from one event loop at a
        time; :meth:`close` lets go of what is kept.

        Args:
            method: in capitals.
            url: http or https.
            headers: those beside Host, Content-Length, User-Agent and Accept-Encoding.
            body, max_bytes: the whole body to send; largest body accepted of the answer.
            timeout: seconds for everything together; None where the caller sets a limit itself.
            repeatable: whether the request may be sent again when a kept connection turns out to be
                closed; by default the methods that HTTP calls idempotent may.
            status_only: whether the status is all that matters; then a body that does not end, is too
                large or compressed is no failure, and need not be whole in what comes back.

        Raises:
            EgressRefused: the URL may not be contacted.
            FetchFailed: no answer, not in time, or too large.
        """
        subject = f"address {url[:200]}"
        again = method in _REPEATABLE if repeatable is None else repeatable
        try:
            async with asyncio.timeout(timeout):
                target, path = split_url(url)
                to = await self._known(target)
                head = {"host": target.netloc.decode("ascii"), **_FIXED, **(headers or {})}
                message = request_bytes(method, path, head, body)
                origin = Origin(target.scheme, to.host, to.port, to.addresses)
                answer = await self._kept().exchange(
                    origin, message, max_bytes, repeatable=again, status_only=status_only
                )
        except TimeoutError:
            if timeout is None:
                raise
            raise TimedOut(
                subject, f"gave no whole answer within {timeout:g} seconds", "try again later"
            ) from None
        except TooMuch:
            raise AnswerTooLarge(subject, f"is larger than {max_bytes} bytes") from None
        except (ssl.SSLError, OSError) as fault:
            raise FetchFailed(subject, f"cannot be reached ({reason_of(fault)})") from None
        except ValueError as fault:
            raise EgressRefused(subject, f"the header {fault} breaks out of its line") from None
        compressed = answer.headers.get("content-encoding", "identity").lower() != "identity"
        if compressed and not status_only:
            raise FetchFailed(subject, "answered compressed although asked not to")
        return Response(url, answer.status, answer.headers, answer.content)

    def close(self) -> None:
        """Let go of the connections that are kept; to be called in their event loop."""
        if self._connections is not None:
            self._connections.close()
            self._connections = None

    def _kept(self) -> Connections:
        if self._connections is None or self._connections.loop is not asyncio.get_running_loop():
            self._connections = Connections(lambda: self.trust)
        return self._connections

    async def _known(self, url: httpx.URL) -> Pinned:
        """The checked addresses of `url`, from a check that is not older than a few seconds."""
        origin = origin_of(url)
        now = asyncio.get_running_loop().time()
        known = self._checked.get(origin)
        if known is not None and known[0] > now and not url.userinfo:
            return known[1]
        to = (await self._check(url)).to
        if len(self._checked) >= _CHECKED_MOST:
            self._checked.clear()
        self._checked[origin] = (now + _CHECKED_SECONDS, to)
        return to

    def fetch_now(
        self,
        url: str,
        *,
        accept: str = "*/*",
        max_bytes: int = 10_000_000,
        timeout: float = 30.0,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The same as :meth:`fetch`, waiting for it; for threads that run no event loop."""
        return asyncio.run(
            self.fetch(url, accept=accept, max_bytes=max_bytes, timeout=timeout, headers=headers)
        )

    async def _follow(
        self, url: str, accept: str, max_bytes: int, extra: dict[str, str]
    ) -> Response:
        common = {"accept": accept, "accept-encoding": "identity", "user-agent": "hansa"}
        target = parse_url(url)
        for _ in range(_MAX_REDIRECTS + 1):
            hop = await self._check(target)
            answer = await self._get(hop, common | extra, max_bytes)
            if isinstance(answer, Response):
                return answer
            following = parse_url(str(target.join(parse_url(answer, relative=True))))
            if origin_of(following) != origin_of(target):
                extra = {}
            target = following
        raise FetchFailed(
            f"address {url[:200]}", f"redirects more than {_MAX_REDIRECTS} times", "name its end"
        )

    async def _check(self, url: httpx.URL) -> _Hop:
        """The addresses that `url` may be fetched from, after every check."""
        host = url.raw_host.decode("ascii").rstrip(".")
        subject = f"address {str(url)[:200]}"
        if url.scheme not in _DEFAULT_PORTS:
            raise EgressRefused(subject, f"'{url.scheme}' is not http or https")
        if url.userinfo:
            raise EgressRefused(subject, "carries a user name or password", "leave it out")
        port, plain = url.port or _DEFAULT_PORTS[url.scheme], url.scheme == "http"
        return _Hop(url, await self._pin(host, port, subject, plain=plain))

    async def pin(self, host: str, port: int, *, plain: bool = False) -> Pinned:
        """Where `host` may be contacted by something that does not speak HTTP.

        The caller connects to one of the addresses, never to the name (which a second look-up could
        lead elsewhere), and gives TLS the name to verify.

        Raises:
            EgressRefused: it may not be contacted.
            FetchFailed: the host is unknown.
        """
        subject = f"address {host[:200]}:{port}"
        if not 0 < port < 65536:
            raise EgressRefused(subject, f"{port} is not a port", "give one from 1 to 65535")
        return await self._pin(host.rstrip("."), port, subject, plain=plain)

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """The certificate authorities that the node trusts. Not to be changed."""
        return self._given_trust or httpx.create_ssl_context(trust_env=False)

    async def _pin(self, host: str, port: int, subject: str, *, plain: bool) -> Pinned:
        fault = host_fault(host)
        if fault:
            raise EgressRefused(subject, fault)
        trusted = self._allow.has_host(host)
        addresses = await self._resolve(host, port, subject)
        for address in addresses:
            if trusted or self._allow.has_address(address):
                continue
            if plain and self._encrypted:
                fact, remedy = "is without TLS, which this node does not use", "name it by https"
                raise EgressRefused(subject, fact, remedy)
            fault = address_fault(address)
            if fault:
                raise EgressRefused(
                    subject,
                    f"leads to an address that is not public ({fault})",
                    "ask the node's operator to allow this host (setting egress_allow)",
                )
            if port not in _DEFAULT_PORTS.values() and port < 1024:
                raise EgressRefused(subject, f"port {port} is not one for the web")
        return Pinned(host, port, tuple(map(str, addresses[:_MAX_ADDRESSES])))

    async def _resolve(self, host: str, port: int, subject: str) -> list[IPv4Address | IPv6Address]:
        try:
            return [ipaddress.ip_address(host)]
        except ValueError:
            pass
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(_LOOK_UPS, self._resolver, host, port)
            addresses = [ipaddress.ip_address(text) for text in found]
        except (OSError, UnicodeError, ValueError):
            addresses = []
        if not addresses:
            raise FetchFailed(subject, "its host is unknown", "check the spelling")
        return addresses

    async def _get(self, hop: _Hop, headers: dict[str, str], max_bytes: int) -> Response | str:
        """The answer, or where it redirects to; the addresses of `hop` are tried in turn."""
        async with httpx.AsyncClient(
            verify=self.trust, trust_env=False, follow_redirects=False, timeout=_PATIENCE
        ) as client:
            for address in hop.to.addresses[:-1]:
                try:
                    return await _ask(client, hop, address, headers, max_bytes)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    continue
            return await _ask(client, hop, hop.to.addresses[-1], headers, max_bytes)


async def _ask(
    client: httpx.AsyncClient, hop: _Hop, address: str, headers: dict[str, str], max_bytes: int
) -> Response | str:
    subject = f"address {str(hop.url)[:200]}"
    request = client.build_request(
        "GET",
        hop.url.copy_with(host=address),
        headers={**headers, "host": hop.url.netloc.decode("ascii")},
        extensions={"sni_hostname": hop.to.host},
    )
    response = await client.send(request, stream=True)
    try:
        if response.is_redirect and "location" in response.headers:
            return response.headers["location"]
        if not response.is_success:
            raise FetchFailed(subject, f"answered with status {response.status_code}")
        content = await _body(response, max_bytes, subject)
    finally:
        await response.aclose()
    return Response(str(hop.url), response.status_code, dict(response.headers), content)


async def _body(response: httpx.Response, max_bytes: int, subject: str) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchFailed(subject, "answered compressed although asked not to")
    too_large = FetchFailed(subject, f"is larger than {max_bytes} bytes")
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and len(announced) < 20 and int(announced) > max_bytes:
        raise too_large
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > max_bytes:
            raise too_large
    return bytes(content)
