"""Noting what came of attempts, for many lanes in few transactions.

Results that arrive while a transaction is under way make up the next one. Under load transactions are a
little apart, because each makes the store's writer, and so every client that writes, wait for the disk.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from hansa.hub.notify.trouble import Trouble
from hansa.kernel.errors import HansaError
from hansa.store.outbox import Outbox, Settled

__all__ = ["Pace", "Settler"]

_APART: Final = 0.025  # seconds

_LOG = logging.getLogger(__name__)


class Pace:
    """Keeps things that happen again and again at least some seconds apart."""

    def __init__(self, apart: float) -> None:
        self._apart = apart
        self._next = 0.0

    async def wait(self) -> None:
        """Wait until it may happen again; at once when the last time was long ago."""
        now = asyncio.get_running_loop().time()
        if now < self._next:
            await asyncio.sleep(self._next - now)
        self._next = max(now, self._next) + self._apart


class Settler:
    """Writes results to an outbox; used by the tasks of one event loop."""

    def __init__(self, outbox: Outbox, trouble: Trouble) -> None:
        self._outbox, self._trouble = outbox, trouble
        self._waiting: list[Settled] = []
        self._task: asyncio.Task[None] | None = None
        self._pace = Pace(_APART)

    def put(self, result: Settled) -> None:
        """Note a result soon."""
        self._waiting.append(result)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def settled(self) -> None:
        """Wait until everything that was put in so far is durable."""
        while self._task is not None and not self._task.done():
            await asyncio.shield(self._task)

    async def _work(self) -> None:
        while self._waiting:
            await self._pace.wait()
            batch, self._waiting = self._waiting, []
            try:
                await asyncio.wrap_future(self._outbox.settle(batch))
                self._trouble.over()
            # Else the messages stay in the outbox, so they are sent again: late, but not lost.
            except HansaError as fault:
                self._trouble.met(fault)
            except Exception:
                _LOG.exception("results of %d notifications could not be noted", len(batch))
