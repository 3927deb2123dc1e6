"""What proves nothing is refused: a request with a wrong ``Authorization`` header is answered 401 at every address.

Also where everybody gets the same answer, so that a program whose token has ended learns of it at once, and nobody
takes a public answer for what their token shows. Who asks is kept for whoever handles the request. Exempt is
where others come who have to prove something else, or nothing: :data:`_OTHERS`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from hansa.kernel.errors import HansaError
from hansa.spokes.mailboxes import PATH as TOLD
from hansa.trust.gate import Gate
from hansa.trust.identity.desk import Desk
from hansa.web.shell.who import asking

__all__ = ["proving"]

_HEADER: Final = b"authorization"
_OTHERS: Final = (TOLD, "/oauth/token")
"""Where services send what their own operators configured, and where clients prove who they are (RFC 6749 5.2)."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Say = Callable[[Request, HansaError], Awaitable[Response]]


def proving(app: App, gate: Gate, desk: Desk, say: Say) -> App:
    """`app`, for requests whose ``Authorization`` header, if there is one, proves something; `say` words the refusal."""

    async def proved(scope: Message, receive: Receive, send: Send) -> None:
        if _proves(scope):
            request = Request(scope, receive)
            try:
                asking(gate, desk, request)
            except HansaError as error:
                await (await say(request, error))(scope, receive, send)
                return
        await app(scope, receive, send)

    return proved


def _proves(scope: Message) -> bool:
    """Whether a request says that it proves something to this node."""
    if scope["type"] != "http" or scope["path"].startswith(_OTHERS):
        return False
    return any(name == _HEADER for name, _ in scope["headers"])
