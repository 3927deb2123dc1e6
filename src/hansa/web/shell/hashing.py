"""Where passwords are compared for pages: in two threads of their own, with a short line before them.

A comparison takes 64 MiB and a large part of a second, whoever asks for it. Many at once would fill the memory,
and the threads in which everything else is read. Who finds the line full is told when to come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from threading import Lock
from typing import Any, Final, ParamSpec, TypeVar

from hansa.kernel.errors import TooManyRequests

__all__ = ["HASHING", "Hashing"]

P = ParamSpec("P")
R = TypeVar("R")


class Hashing:
    """Does work that hashes.

    Args:
        at_once: how many at a time.
        waiting: how many may wait for their turn.
    """

    def __init__(self, at_once: int = 2, waiting: int = 14) -> None:
        self._most, self._held, self._lock = at_once + waiting, 0, Lock()
        self._threads = ThreadPoolExecutor(at_once, "hashing")

    async def run(self, work: Callable[P, R], *args: P.args, **more: P.kwargs) -> R:
        """What `work` gives.

        Raises:
            TooManyRequests: too many wait already.
        """
        with self._lock:
            if self._held >= self._most:
                fact, remedy = "is asked for by too many just now", "try again in 3 seconds"
                raise TooManyRequests("logging in", fact, remedy, after=3)
            self._held += 1
        call: Callable[[], R] = partial(work, *args, **more)
        found: Future[R] = self._threads.submit(copy_context().run, call)
        found.add_done_callback(self._let_in)
        return await asyncio.wrap_future(found)

    def _let_in(self, _: Future[Any]) -> None:
        with self._lock:
            self._held -= 1


HASHING: Final = Hashing()
"""That of the process."""
