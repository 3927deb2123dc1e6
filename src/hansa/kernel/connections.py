"""HTTP/1.1 exchanges over connections that are kept for the next one: the lower half of the way out.

This is for what goes to the same few servers again and again (notifications, requests to other
nodes); which addresses may be contacted is not decided here, see :mod:`hansa.kernel.egress`. A
connection belongs to one origin (scheme, host *name*, port), so that what was proven about a TLS
peer holds for everything sent to it.

A server is not trusted: the head and the body of an answer are limited, an answer that goes on after
its end, or comes unasked, ends the connection, and compressed bodies are refused. Where only the status
matters, it counts as soon as the head is there; what follows is given a moment, and is not kept.

A kept connection may be closed by the server in the moment in which it is used again. The request is
then sent once more over a new one, if nothing came back *and* it may be repeated.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

import httptools

__all__ = ["Answered", "BrokenExchange", "Connections", "Origin", "TooMuch", "request_bytes"]

_KEPT_SECONDS: Final = 4.0
"""Most servers close an idle connection after five seconds or later."""

_KEPT_EACH: Final = 64
_KEPT_ALL: Final = 512
_MOST_HEAD: Final = 65_536
_MOST_FRAMING: Final = 8
"""Bytes on the wire for a byte of the body, at most: chunks of one byte have six."""
_REST_SECONDS: Final = 1.0
"""How long the body of an answer is waited for of which only the status matters."""


class BrokenExchange(OSError):
    """The connection broke, or what came over it is not an answer of HTTP."""


class TooMuch(Exception):
    """The answer is larger than wanted."""


class Origin(NamedTuple):
    """What a connection belongs to, and the addresses at which it may be had, in order."""

    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]


@dataclass(slots=True)
class Answered:
    """An answer as it came: status, lower-case headers (repeated ones joined), body."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""


class Connections:
    """The connections of one event loop.

    Args:
        trust: makes the TLS context, when it is first needed.
        connect_seconds: how long an address may take to answer when there is another one to try.
    """

    def __init__(self, trust: Callable[[], ssl.SSLContext], connect_seconds: float = 5.0) -> None:
        self.loop = asyncio.get_running_loop()
        self._trust = trust
        self._patience = connect_seconds
        self._idle: dict[tuple[str, str, int], deque[_Connection]] = {}
        self._count = 0
        self._sweep: asyncio.TimerHandle | None = None

    async def exchange(
        self,
        origin: Origin,
        message: bytes,
        max_bytes: int,
        *,
        repeatable: bool,
        status_only: bool = False,
    ) -> Answered:
        """Send a whole request and wait for its answer, or for its status.

        Raises:
            OSError: there is no connection, or it broke (:class:`BrokenExchange`).
            TooMuch: the body is larger than `max_bytes`.
        """
        kept = self._take(origin)
        if kept is not None:
            try:
                return await self._over(kept, message, max_bytes, status_only)
            except BrokenExchange:
                if kept.heard or not repeatable:
                    raise
        return await self._over(await self._connect(origin), message, max_bytes, status_only)

    def close(self) -> None:
        """Close what is kept."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for waiting in self._idle.values():
            for connection in waiting:
                connection.drop()
        self._idle.clear()
        self._count = 0

    async def _over(
        self, connection: _Connection, message: bytes, max_bytes: int, status_only: bool
    ) -> Answered:
        answered: Answered | None = None
        try:
            answered = await connection.exchange(message, max_bytes, status_only)
        finally:
            if answered is None or not connection.reusable:
                connection.drop()
        if connection.reusable:
            self._give(connection)
        return answered

    # -- what is kept ------------------------------------------------------------------------------

    def _take(self, origin: Origin) -> _Connection | None:
        waiting = self._idle.get(origin[:3])
        while waiting:
            connection = waiting.pop()
            self._count -= 1
            if connection.reusable and connection.good_until > self.loop.time():
                return connection
            connection.drop()
        return None

    def _give(self, connection: _Connection) -> None:
        waiting = self._idle.setdefault(connection.key, deque())
        if len(waiting) >= _KEPT_EACH or self._count >= _KEPT_ALL:
            connection.drop()
            return
        connection.good_until = self.loop.time() + _KEPT_SECONDS
        waiting.append(connection)
        self._count += 1
        if self._sweep is None:
            self._sweep = self.loop.call_later(_KEPT_SECONDS, self._sweep_old)

    def _sweep_old(self) -> None:
        self._sweep = None
        now = self.loop.time()
        for key, waiting in list(self._idle.items()):
            while waiting and (waiting[0].good_until <= now or not waiting[0].reusable):
                waiting.popleft().drop()
                self._count -= 1
            if not waiting:
                del self._idle[key]
        if self._idle:
            self._sweep = self.loop.call_later(_KEPT_SECONDS, self._sweep_old)

    async def _connect(self, origin: Origin) -> _Connection:
        """A new connection to the first of the addresses that answers."""
        secure: dict[str, Any] = {}
        if origin.scheme == "https":
            secure = {"ssl": self._trust(), "server_hostname": origin.host}
        *others, last = origin.addresses
        for address in others:
            try:
                async with asyncio.timeout(self._patience):
                    return await self._open(origin, address, secure)
            except (TimeoutError, OSError):
                continue
        return await self._open(origin, last, secure)

    async def _open(self, origin: Origin, address: str, secure: dict[str, Any]) -> _Connection:
        _, connection = await self.loop.create_connection(
            lambda: _Connection(self.loop, origin[:3]), address, origin.port, **secure
        )
        return connection


class _Connection(asyncio.Protocol):
    """One connection, and the answer that is coming in over it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, key: tuple[str, str, int]) -> None:
        self.key = key
        self.good_until = 0.0
        self.reusable = True
        self.heard = False
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answered] | None = None
        self._most = 0
        self._status_only = False
        self._rest: asyncio.TimerHandle | None = None

    async def exchange(self, message: bytes, max_bytes: int, status_only: bool) -> Answered:
        """Send `message`; one exchange at a time."""
        if self._transport is None or self._transport.is_closing():
            raise BrokenExchange("the connection is closed")
        self._waiting = self._loop.create_future()
        self._most = max_bytes
        self._status_only = status_only
        self._begin()
        self.heard = False
        self._transport.write(message)
        return await self._waiting

    def drop(self) -> None:
        """Close the connection at once."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    def _begin(self) -> None:
        self._answer = Answered()
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._head = 0
        self._seen = 0
        self._in_body = False
        self._complete = False

    # -- the event loop calls ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Part of an answer, or something unasked for."""
        if self._waiting is None or self._waiting.done():
            self.drop()
            return
        self.heard = True
        self._seen += len(data)
        if not self._in_body:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(BrokenExchange("the server wants to change the protocol"))
        except httptools.HttpParserCallbackError as fault:
            inner = fault.__context__
            self._broken(inner if isinstance(inner, TooMuch) else None)
        except httptools.HttpParserError:
            self._broken()
        else:
            if not self._in_body and self._head > _MOST_HEAD:
                self._fail(BrokenExchange("the head of the answer is too long"))
            elif self._seen > 2 * _MOST_HEAD + _MOST_FRAMING * self._most:
                self._broken(TooMuch())
        if self._complete:
            self._finish()

    def eof_received(self) -> bool:
        """The server sends no more."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; an answer without a length ends here."""
        self.reusable = False
        if self._waiting is None or self._waiting.done():
            return
        if exc is None and self._in_body and not self._has_length():
            self._finish()
        else:
            self._fail(BrokenExchange("the connection broke"))

    def _has_length(self) -> bool:
        headers = self._answer.headers
        return "content-length" in headers or "transfer-encoding" in headers

    def _broken(self, fault: Exception | None = None) -> None:
        """What came is no answer; after the end of one the answer counts, the connection does not."""
        self.reusable = False
        if not self._complete:
            self._fail(fault or BrokenExchange("the answer breaks the rules of HTTP"))

    def _fail(self, fault: Exception) -> None:
        self.reusable = False
        if self._status_only and self._in_body:
            self._finish()
        elif self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(fault)

    def _enough(self) -> None:
        """The status is known, and the rest has had its moment."""
        if not self._complete:
            self.reusable = False
            self._finish()

    def _finish(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        self._answer.content = bytes(self._body)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(self._answer)

    # -- the parser calls --------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        headers = self._answer.headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        """The head is complete; 1xx is followed by another one."""
        self._answer.status = self._parser.get_status_code()
        if self._answer.status >= 200:
            self._in_body = True
            if self._status_only:
                self._rest = self._loop.call_later(_REST_SECONDS, self._enough)
            announced = self._answer.headers.get("content-length", "")
            if announced.isdigit() and len(announced) < 20 and int(announced) > self._most:
                raise TooMuch

    def on_body(self, data: bytes) -> None:
        """Part of the body."""
        self._body += data
        if len(self._body) > self._most:
            raise TooMuch

    def on_message_begin(self) -> None:
        """A message begins; a second one after the answer is one too many."""
        if self._complete:
            raise BrokenExchange("more than one answer")
        if self._answer.status:
            self._answer = Answered()

    def on_message_complete(self) -> None:
        """A message is complete."""
        if self._answer.status >= 200:
            self._complete = True
            self.reusable = self.reusable and self._parser.should_keep_alive()


def request_bytes(method: str, target: bytes, headers: Mapping[str, str], body: bytes) -> bytes:
    """A request as it goes over the wire.

    Raises:
        ValueError: a header would break out of its line.
    """
    lines = [method.encode("ascii") + b" " + target + b" HTTP/1.1"]
    for name, value in headers.items():
        line = f"{name}: {value}".encode("latin-1")
        if b"\r" in line or b"\n" in line or b"\0" in line:
            raise ValueError(name)
        lines.append(line)
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
