"""The rounds of the gate: every hour, while a node is served, and soon after an import, counts go to the vault, sources
are surveyed, and it is measured how well people are hidden.

What fails is logged once, until it goes well again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from hansa.kernel.errors import HansaError
from hansa.trust.reads import Reads
from hansa.trust.sources.survey import Surveyor

__all__ = ["Rounds"]

_LOG: Final = logging.getLogger(__name__)
_FIRST: Final = 20.0
_EVERY: Final = 3_600.0


class Rounds:
    """Looks after what Open book shows.

    Args:
        reads: what was read and refused.
        surveyor: what the sources hold.
        measure: measures k, l and t of what is stored; and what breaks it off.
        first, every: seconds until the first round, and between two rounds.
    """

    def __init__(
        self,
        reads: Reads,
        surveyor: Surveyor,
        measure: tuple[Callable[[], object], Callable[[], object]],
        first: float = _FIRST,
        every: float = _EVERY,
    ) -> None:
        self._reads, self._surveyor = reads, surveyor
        self._measure, self._break_off = measure
        self._first, self._every = first, every
        self._failing = ""
        self._wanted: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def hurry(self) -> None:
        """Have the next round begin now, if rounds are gone on; from any thread."""
        if self._wanted is not None:
            loop, event = self._wanted
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(event.set)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Go on rounds for as long as the context lasts."""
        event = asyncio.Event()
        self._wanted = asyncio.get_running_loop(), event
        going = asyncio.create_task(self._go(event))
        try:
            yield
        finally:
            self._wanted = None
            going.cancel()
            self._break_off()
            with suppress(asyncio.CancelledError):
                await going
            await asyncio.to_thread(self._surveyor.stop)

    async def _go(self, wanted: asyncio.Event) -> None:
        wait = self._first
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await wanted.wait()
            wanted.clear()
            for task in (self._reads.flush, self._surveyor.look, self._measure):
                await asyncio.to_thread(self._do, task)
            wait = self._every

    def _do(self, task: Callable[[], object]) -> None:
        try:
            task()
        except HansaError as error:
            if error.sentence != self._failing:
                self._failing = error.sentence
                _LOG.warning(
                    "what Open book shows could not be brought up to date: %s", error.sentence
                )
        else:
            self._failing = ""
