"""How long a body may take: a minute, and longer only while it comes at some pace.

A client that sends a byte now and then would otherwise hold a request, and what stands behind it, for ever. What has
no body, and the wait for the end of a stream, are not timed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from hansa.kernel.errors import TooSlow

__all__ = ["patient"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_SECONDS: Final = 60.0
_PACE: Final = 10_000.0
"""Bytes for which a body is given another second."""
_BODY: Final = frozenset({b"content-length", b"transfer-encoding"})


def patient(app: App, seconds: float = _SECONDS) -> App:
    """`app`, for which no body takes longer."""

    async def timed(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not any(name in _BODY for name, _ in scope["headers"]):
            await app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == TooSlow.status:
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        await app(scope, _Body(receive, seconds).receive, sending)

    return timed


class _Body:
    """What comes of one request."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive, self._seconds = receive, seconds
        self._end: float | None = None
        self._is_whole = False

    async def receive(self) -> Message:
        """The next part of it.

        Raises:
            TooSlow: it takes too long.
        """
        if self._is_whole:
            return await self._receive()
        if self._end is None:
            self._end = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._end):
                message = await self._receive()
        except TimeoutError:
            fact = f"took longer than {self._seconds:g} seconds to come"
            raise TooSlow("the body of the request", fact, "send it again, faster") from None
        self._end += len(message.get("body", b"")) / _PACE
        self._is_whole = not message.get("more_body")
        return message
