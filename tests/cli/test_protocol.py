"""What is written to a connection in one round of the loop is sent at once, in order, and not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hansa.cli.protocol import Joining


class Wire(asyncio.Transport):
    """A transport that remembers what it was asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bytes] = []
        self.closed = False

    def write(self, data: object) -> None:
        assert isinstance(data, bytes)
        assert not self.closed
        self.seen.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: object = None) -> object:
        return "127.0.0.1" if name == "peername" else default


def sent(work: Callable[[Joining], None]) -> tuple[list[bytes], Wire]:
    """What went over the wire in two rounds of the loop."""

    async def run() -> Wire:
        wire = Wire()
        work(Joining(wire, asyncio.get_running_loop()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return wire

    wire = asyncio.run(run())
    return wire.seen, wire


def test_what_is_written_in_one_round_goes_out_at_once() -> None:
    def work(joining: Joining) -> None:
        joining.write(b"head ")
        joining.write(b"")
        joining.write(b"body")

    assert sent(work)[0] == [b"head body"]


def test_closing_sends_what_is_held_first() -> None:
    def work(joining: Joining) -> None:
        joining.write(b"last words")
        joining.close()

    seen, wire = sent(work)
    assert seen == [b"last words"]
    assert wire.closed


def test_nothing_is_written_to_a_connection_that_is_gone() -> None:
    async def run() -> list[bytes]:
        wire = Wire()
        joining = Joining(wire, asyncio.get_running_loop())
        joining.write(b"too late")
        wire.close()
        await asyncio.sleep(0)
        return wire.seen

    assert asyncio.run(run()) == []


def test_everything_else_is_asked_of_the_real_connection() -> None:
    async def run() -> object:
        return Joining(Wire(), asyncio.get_running_loop()).get_extra_info("peername")

    assert asyncio.run(run()) == "127.0.0.1"


def test_the_place_of_what_was_created_is_named_as_old_clients_look_for_it() -> None:
    head = b"HTTP/1.1 201 Created\r\nlocation: /a\r\ncontent-length: 0\r\n\r\n"
    other = b"HTTP/1.1 200 OK\r\nlocation: /a\r\n\r\n"

    def work(joining: Joining) -> None:
        joining.write(head)
        joining.write(other)

    assert sent(work)[0] == [head.replace(b"\r\nlocation", b"\r\nLocation") + other]
