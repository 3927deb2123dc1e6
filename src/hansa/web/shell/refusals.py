"""Requests that fail a check, as lines of the process's log: who knocks at what, and how often.

Told are those that are malformed, too large, meant for another host, of a media type that is not read, or too many. What
the gate refuses to somebody is in its own log. A line has the status, the verb, the path and the address that it came from;
no header, no query, no body, and of a path that is a secret only its beginning. Of more than 60 lines in a minute the
number is told, so that nobody fills the disk by knocking.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from threading import Lock
from time import monotonic
from typing import Any, Final

__all__ = ["told"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_LOG: Final = logging.getLogger("hansa.refused")
_TOLD: Final = frozenset({400, 408, 413, 415, 421, 422, 429, 431})
_SECRET: Final = ("/link/", "/hansa/v1/told/")
_MOST: Final = 60
_WHILE: Final = 60.0
_LONGEST: Final = 200


def told(app: App) -> App:
    """`app`, whose refusals are told."""
    teller = _Teller()

    async def telling(scope: Message, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _TOLD:
                teller.tell(scope, message["status"])
            await send(message)

        await app(scope, receive, sending if scope["type"] == "http" else send)

    return telling


class _Teller:
    """Writes so many lines a minute, and how many more there were."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._since, self._count = monotonic(), 0

    def tell(self, scope: Message, status: int) -> None:
        """Write a line about a request, or only count it."""
        with self._lock:
            more = 0
            if monotonic() - self._since >= _WHILE:
                more, self._since, self._count = self._count - _MOST, monotonic(), 0
            self._count += 1
            silent = self._count > _MOST
        if more > 0:
            _LOG.warning("%d more requests were refused in the minute before", more)
        if not silent:
            client = scope.get("client")
            address = client[0] if client else "?"
            where = _shown(scope["path"])
            _LOG.warning("refused (%d) %s %s from %s", status, scope["method"], where, address)


def _shown(path: str) -> str:
    """The path on one line, without what is secret in it."""
    for each in _SECRET:
        if path.startswith(each):
            return f"{each}…"
    return ascii(path[:_LONGEST])[1:-1]
