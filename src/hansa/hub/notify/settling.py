"""Noting what came of attempts, for many lanes in few transactions.

Results that arrive while a transaction is under way make up the next one.
"""

from __future__ import annotations

import asyncio
import logging

from hansa.store.outbox import Outbox, Settled

__all__ = ["Settler"]

_LOG = logging.getLogger(__name__)


class Settler:
    """Writes results to an outbox; used by the tasks of one event loop."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._waiting: list[Settled] = []
        self._task: asyncio.Task[None] | None = None

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
            batch, self._waiting = self._waiting, []
            try:
                await asyncio.wrap_future(self._outbox.settle(batch))
            except Exception:
                # The messages stay in the outbox, so they are sent again: late, but not lost.
                _LOG.exception("results of %d notifications could not be noted", len(batch))
