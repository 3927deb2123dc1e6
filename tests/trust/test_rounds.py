"""The rounds of the gate: one soon after the start, one when it is asked for, and what fails does not end them."""

from __future__ import annotations

import asyncio
from typing import Any

from hansa.kernel.errors import Unavailable
from hansa.trust.rounds import Rounds


class Work:
    """Counts its rounds, and fails in the first."""

    def __init__(self) -> None:
        self.looked = self.flushed = self.measured = self.stopped = 0

    def flush(self) -> None:
        self.flushed += 1
        raise Unavailable("the vault", "is away")

    def look(self) -> None:
        self.looked += 1

    def measure(self) -> None:
        self.measured += 1

    def stop(self) -> None:
        self.stopped += 1


async def until(said: Any) -> None:
    async with asyncio.timeout(10):
        while not said():  # noqa: ASYNC110  what is waited for is done by threads
            await asyncio.sleep(0.01)


def test_a_round_begins_by_itself_and_another_when_it_is_asked_for() -> None:
    work: Any = Work()
    rounds = Rounds(work, work, (work.measure, lambda: None), first=0.0, every=3_600.0)

    async def go() -> None:
        rounds.hurry()  # nobody goes on rounds yet
        async with rounds.running():
            await until(lambda: work.measured == 1)
            await asyncio.to_thread(rounds.hurry)
            await until(lambda: work.measured == 2)
            assert work.looked == work.flushed == 2, "what fails does not keep the rest back"

    asyncio.run(go())
    rounds.hurry()
    assert work.stopped == 1
    assert work.measured == 2
