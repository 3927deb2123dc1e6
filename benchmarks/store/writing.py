"""Writes: single creates by many submitters, partial updates, batches; with and without a busy thread."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.store.city import ROAD, put, roads
from benchmarks.store.gauge import say, span
from hansa.store.port import Edited, Store, Write
from hansa.store.sqlite import open_store

__all__ = ["measure"]

_SUBMITTERS = 32


def measure(folder: Path) -> None:
    """Print the figures of this group."""
    store = open_store(folder / "writing.sqlite")
    try:
        _creates(store, 0, 20_000, "")
        _updates(store, 20_000)
        _batches(store, 20_000, 20_000)
        _batches(store, 20_000, 20_000, turn=1)
        with _busy_thread():
            _creates(store, 100_000, 4_000, " beside a busy thread")
            _batches(store, 120_000, 10_000, " beside a busy thread")
    finally:
        store.close()


def submit(store: Store, writes: list[Write]) -> None:
    """Keep `_SUBMITTERS` single writes under way until all are durable."""
    waiting = iter(writes)
    done = threading.Event()
    left = len(writes)
    lock = threading.Lock()

    def next_one(_: Any = None) -> None:
        nonlocal left
        if _ is not None:
            _.result()
            with lock:
                left -= 1
                if not left:
                    done.set()
        with lock:
            write = next(waiting, None)
        if write is not None:
            store.write([write]).add_done_callback(next_one)

    for _ in range(_SUBMITTERS):
        next_one()
    done.wait()


def _creates(store: Store, first: int, count: int, beside: str) -> None:
    writes = [put(entity) for entity in roads(first, count)]
    gc.freeze()  # the garbage collector shall not walk through what only the benchmark holds
    with span() as taken:
        submit(store, writes)
    _say(f"create, {_SUBMITTERS} submitters{beside}", count, taken, "" if beside else "8,000/s")


def _updates(store: Store, count: int) -> None:
    flow = ROAD + "flow"

    def partial(number: int) -> Write:
        def edit(old: Any) -> Edited:
            instance = {**old[flow][0], "value": number * 3.5}
            return Edited({**old, flow: [instance]})

        return Write(f"urn:ngsi-ld:RoadSegment:{number}", edit)

    writes = [partial(number) for number in range(count)]
    with span() as taken:
        submit(store, writes)
    _say(f"partial update, {_SUBMITTERS} submitters", count, taken)


def _batches(store: Store, first: int, count: int, beside: str = "", turn: int = 0) -> None:
    writes = [put(entity) for entity in roads(first, count, turn=turn)]
    gc.freeze()
    with span() as taken:
        for start in range(0, count, 1_000):
            store.write(writes[start : start + 1_000]).result()
    what = "upsert over what is there" if turn else "upsert"
    _say(f"{what}, batches of 1,000{beside}", count, taken, "" if beside else "20,000/s")


def _say(what: str, count: int, taken: Any, goal: str = "") -> None:
    say(what, f"{count / taken.wall:9,.0f}/s  {taken.cpu / count * 1e6:6.1f} µs CPU each", goal)


@contextmanager
def _busy_thread() -> Iterator[None]:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            sum(range(1_000))

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()
