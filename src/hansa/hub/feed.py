"""The change feed for those who follow it: every committed change, in order, to any number of readers.

A follower says after which change it wants to start and gets batches as they are committed. The store
wakes the feed from its writer's thread; each follower then reads the changes itself, at its own pace,
so a slow one delays nobody and misses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from hansa.store.port import Change, Reader

__all__ = ["follow"]


async def follow(
    store: Reader, after: int | None = None, batch: int = 1000
) -> AsyncGenerator[list[Change], None]:
    """Batches of changes after number `after` (default: from now on), for ever."""
    position = store.last_change() if after is None else after
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()

    def wake(_: int) -> None:
        loop.call_soon_threadsafe(woken.set)

    stop = store.watch(wake)
    try:
        while True:
            newest, changes = await asyncio.to_thread(_next, store, position, batch)
            if changes:
                position = changes[-1].seq
                yield changes
            else:
                position = max(position, newest)
                await woken.wait()
                woken.clear()
    finally:
        stop()


def _next(store: Reader, position: int, batch: int) -> tuple[int, list[Change]]:
    """The next changes, and how far has been looked at where there are none.

    A store that shows some changes only has looked at all that were there before it was asked.
    """
    newest = store.last_change()
    return newest, store.changes(position, batch)
