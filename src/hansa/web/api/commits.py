"""From the store's writer to the event loop: one wake-up of the loop for a whole group of commits.

The writer resolves the futures of a group one after the other, in its own thread. Each is put into a
box; only the first of them wakes the loop, which then empties the box. To wake the loop for each would
cost both threads more than all the rest of the hand-over.

A request that is given up does not take its write back: what was handed to the store is written.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

__all__ = ["Commits"]

T = TypeVar("T")


class Commits:
    """Awaits a store's futures on `loop`; used by the tasks of that loop only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._box: deque[tuple[asyncio.Future[Any], Future[Any]]] = deque()
        self._called = False

    async def settled(self, future: Future[T]) -> T:
        """The result of `future`; raises the error that it holds."""
        waiting: asyncio.Future[T] = self.loop.create_future()
        future.add_done_callback(partial(self._arrived, waiting))
        return await waiting

    def _arrived(self, waiting: asyncio.Future[T], done: Future[T]) -> None:
        """Called in the writer's thread, or at once in the loop's when the future was done."""
        self._box.append((waiting, done))
        if not self._called:
            self._called = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(self._empty)

    def _empty(self) -> None:
        self._called = False  # before the box is looked at: what arrives now calls again
        while self._box:
            waiting, done = self._box.popleft()
            if waiting.done():
                continue
            error = done.exception()
            if error is not None:
                waiting.set_exception(error)
            else:
                waiting.set_result(done.result())
