"""Measuring: wall clock, CPU time of the process, memory."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import apsw

__all__ = ["Span", "machine", "median_ms", "memory_mib", "say", "span"]


class Span:
    """Seconds that a block took, on the wall and of CPU."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0


@contextmanager
def span() -> Iterator[Span]:
    """Time a block."""
    result = Span()
    wall, cpu = time.perf_counter(), time.process_time()
    yield result
    result.wall, result.cpu = time.perf_counter() - wall, time.process_time() - cpu


def median_ms(work: Callable[[int], object], times: int) -> tuple[float, float]:
    """Median milliseconds of `work(n)` on the wall, and the mean of CPU."""
    walls = []
    with span() as all:
        for n in range(times):
            start = time.perf_counter()
            work(n)
            walls.append(time.perf_counter() - start)
    return median(walls) * 1e3, all.cpu / times * 1e3


def memory_mib() -> float:
    """Resident memory of this process [MiB]."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def say(what: str, figure: str, goal: str = "") -> None:
    """Print one line of the report."""
    print(f"{what:<58} {figure:<44} {goal}", flush=True)


def machine() -> str:
    """The machine, in a line."""
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}, "
        f"{os.cpu_count()} cores, load {load}"
    )
