"""Who asks for a page: by an Authorization header, else by the cookie of a session, else nobody in particular.

The cookie works for pages and what they ask for; the NGSI-LD API knows the header alone, so that no foreign
site can make a browser write there. Who logged in by less than the setting ``second_factor`` asks for has their
account's page, and is the public everywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hansa.kernel.errors import Unauthorized
from hansa.trust.gate import Gate
from hansa.trust.identity.accounts import Account
from hansa.trust.identity.desk import Desk
from hansa.trust.identity.sessions import Session
from hansa.trust.principals import PUBLIC, Principal

__all__ = ["Asker", "as_nobody", "asking", "forget", "is_secure", "remember", "renew"]

_SAFE: Final = "__Host-hansa"
"""Over HTTPS: the prefix keeps other hosts of the domain, and plain HTTP, from setting it."""
_PLAIN: Final = "hansa_session"
_KEPT: Final = "hansa.asker"
_COUNTED: Final = "hansa.counted"
_RENEWED: Final = "hansa.renewed"


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody at a page, with the session they came by."""

    principal: Principal
    session: Session | None = None
    account: Account | None = None
    lacks: bool = False
    """Whether they must show more before they are anybody to the gate."""

    @property
    def form(self) -> str:
        """What the forms of a page carry; "" without a session."""
        return self.session.form if self.session else ""

    def own(self) -> tuple[Session, Account]:
        """The session and the account of somebody who logged in.

        Raises:
            Unauthorized: nobody did.
        """
        if self.session is None or self.account is None:
            raise Unauthorized("this page", "is for somebody who is logged in", "log in first")
        return self.session, self.account


def asking(gate: Gate, desk: Desk, request: Request) -> Asker:
    """Who sends `request`.

    Raises:
        Unauthorized: there is an Authorization header, but it proves nothing.
    """
    kept = request.scope.get(_KEPT)
    if isinstance(kept, Asker):
        return kept
    found = _asking(gate, desk, request)
    request.scope[_KEPT] = found
    return found


def as_nobody(request: Request) -> None:
    """Take `request` for anybody's: for the page that says why it proved nothing."""
    request.scope[_KEPT] = Asker(PUBLIC)


def _asking(gate: Gate, desk: Desk, request: Request) -> Asker:
    header = request.headers.get("authorization")
    secret = request.scope.get(_RENEWED) or request.cookies.get(
        _SAFE if is_secure(request) else _PLAIN
    )
    if header is None and secret:
        counted = bool(request.scope.get(_COUNTED))
        request.scope[_COUNTED] = True
        found = desk.session(secret, counted=counted)
        if found and desk.entrance.lacks(*found):
            return Asker(PUBLIC, *found, lacks=True)
        if found:
            return Asker(found[1].principal(), *found)
    return Asker(gate.identify(header))


def is_secure(request: Request) -> bool:
    """Whether the browser came over HTTPS."""
    return request.url.scheme == "https"


def remember(request: Request, response: Response, secret: str) -> None:
    """Let the browser keep the secret of its session."""
    safe = is_secure(request)
    response.set_cookie(
        _SAFE if safe else _PLAIN, secret, path="/", secure=safe, httponly=True, samesite="lax"
    )
    request.scope.pop(_KEPT, None)


def renew(request: Request, secret: str) -> None:
    """Answer the rest of `request` for the session that goes on where its own ended."""
    request.scope[_RENEWED] = secret
    request.scope.pop(_KEPT, None)


def forget(request: Request, response: Response) -> None:
    """Let the browser drop the session's cookie."""
    safe = is_secure(request)
    response.delete_cookie(
        _SAFE if safe else _PLAIN, path="/", secure=safe, httponly=True, samesite="lax"
    )
    request.scope.pop(_KEPT, None)
