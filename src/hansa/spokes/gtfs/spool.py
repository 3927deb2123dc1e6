"""Rows of a table that may be larger than memory: kept in a file of the system's once they are many.

Rows are appended block by block, and given back in the order of trips, with those of a trip in the order of
their sequence. Few rows stay in memory and are sorted there. Many are in a file without a name, which goes with
the process; they are put in order by counting (each trip's place follows from how many rows it has), block by
block, so that memory holds a block, and the system as much of the file as it has room for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any, Final, cast

import numpy as np

__all__ = ["ROW", "Spool"]

ROW: Final = np.dtype(
    [
        ("trip", "i8"), ("sequence", "i8"), ("arrival", "i8"), ("departure", "i8"),
        ("stop", "i8"), ("line", "i8"), ("stated", "f8"),
    ]
)  # fmt: skip

_BLOCK: Final = 65_536
_IN_MEMORY: Final = 1_000_000
"""Rows that stay in memory (56 MB)."""


class Spool:
    """Rows, first written and then read.

    Args:
        most: how many rows stay in memory.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = _IN_MEMORY if most is None else most
        size = max(self._most * ROW.itemsize, 1)
        self._file: Any = tempfile.SpooledTemporaryFile(max_size=size)  # noqa: SIM115 - until ordered
        self._block: list[tuple[float, ...]] = []
        self._rows = 0

    def add(self, *values: float) -> None:
        """One more row, in the order of its columns."""
        self._block.append(values)
        if len(self._block) == _BLOCK:
            self._flush()

    def _flush(self) -> None:
        self._file.write(np.array(self._block, ROW).tobytes())
        self._rows += len(self._block)
        self._block.clear()

    def ordered(self, trips: int) -> Any:
        """All rows by trip (of so many) and sequence, as an array that may be written to; ends the spool."""
        self._flush()
        with self._file as file:
            if self._rows <= self._most:
                file.seek(0)
                rows = np.frombuffer(file.read(), ROW)
                return rows[np.lexsort((rows["sequence"], rows["trip"]))]
            file.flush()
            return _counted(np.memmap(file, ROW, "r", shape=(self._rows,)), trips)


def _counted(rows: Any, trips: int) -> Any:
    counts = np.zeros(trips, np.int64)
    for block in _blocks(rows):
        counts += np.bincount(block["trip"], minlength=trips)
    ends = np.cumsum(counts)
    next_place = ends - counts
    with tempfile.TemporaryFile() as file:
        made: Any = np.memmap(file, ROW, "w+", shape=rows.shape)
    for block in _blocks(rows):
        sorted_block = block[np.argsort(block["trip"], kind="stable")]
        trip = sorted_block["trip"]
        first = np.searchsorted(trip, trip)
        made[next_place[trip] + np.arange(len(trip)) - first] = sorted_block
        next_place += np.bincount(trip, minlength=trips)
    for start, end in zip((ends - counts).tolist(), ends.tolist(), strict=True):
        sequence = made["sequence"][start:end]
        if (np.diff(sequence) < 0).any():
            made[start:end] = made[start:end][np.argsort(sequence, kind="stable")]
    return np.asarray(made)  # views of it are plain arrays, which are lighter


def _blocks(rows: Any) -> Iterator[Any]:
    for start in range(0, len(rows), _BLOCK):
        yield cast(Any, np.array(rows[start : start + _BLOCK]))
