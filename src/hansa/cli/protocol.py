"""HTTP on a connection, with the head and the body of an answer sent in one packet.

uvicorn writes the two one after the other, which costs a system call more and wakes the client twice.
Here what is written is held until the event loop comes round, and sent at once: a quarter more
entities retrieved per second.

uvicorn also writes the names of header fields in small letters. That is allowed, but some clients look
for the ``Location`` of what they created in the text of the head, so there it gets its capital back.

What is no HTTP never reaches the application, so it is refused here, in the same form and with the same header fields.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, ClassVar, Final

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hansa.kernel.errors import InvalidRequest
from hansa.web.api.problem import problem

__all__ = ["Joining", "OnePacket", "with_fields"]

_CREATED: Final = b"HTTP/1.1 201 "
_SMALL: Final = b"\r\nlocation: "
_CAPITAL: Final = b"\r\nLocation: "


class Joining:
    """A transport that joins what is written in one round of `loop`; all else goes to the real one."""

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send `data` soon, with what else is written until then."""
        if not data:
            return
        if not self._held:
            self._loop.call_soon(self._flush)
        if data.startswith(_CREATED):  # a head: what answers with a body begins with none like it
            data = data.replace(_SMALL, _CAPITAL, 1)
        self._held.append(data)

    def close(self) -> None:
        """Close the connection when everything is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        held, self._held = self._held, []
        if held and not self._transport.is_closing():
            self._transport.write(b"".join(held))


class OnePacket(HttpToolsProtocol):
    """uvicorn's HTTP protocol on a :class:`Joining` transport."""

    fields: ClassVar[tuple[tuple[bytes, bytes], ...]] = ()
    """Header fields of the answer to what is no HTTP."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Joining(transport, self.loop))  # type: ignore[arg-type]

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read as a request, and hang up."""
        error = InvalidRequest("the request", "is no HTTP that can be read", "send HTTP/1.1")
        body = orjson.dumps(problem(error))
        fields = [
            *self.server_state.default_headers,
            *self.fields,
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        head = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + head + b"\r\n" + body)
        self.transport.close()


def with_fields(fields: Iterable[tuple[bytes, bytes]]) -> type[OnePacket]:
    """The protocol of a node whose answers all have these header fields."""
    return type("OnePacket", (OnePacket,), {"fields": tuple(fields)})
