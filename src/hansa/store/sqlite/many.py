"""Many rows in one step of SQLite.

The interpreter's lock is let go for each step of a statement, and taking it back from a busy loop may
take a millisecond. A statement for every row would so have the writer wait after every row; one that
takes many rows lets SQLite work beside the loop, and waits once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Final

import apsw

__all__ = ["Value", "insert"]

Value = str | int | float | bytes | None

_CHUNKS: Final = (64, 32, 16, 8, 4, 2, 1)
"""Rows per statement: few texts to prepare, and the rows of a group in few steps."""


def insert(
    connection: apsw.Connection, into: str, form: str, rows: Sequence[Sequence[Value]]
) -> None:
    """Insert `rows`; `into` is the statement up to VALUES, `form` the placeholders of one row."""
    at = 0
    for size in _CHUNKS:
        while len(rows) - at >= size:
            values = tuple(chain.from_iterable(rows[at : at + size]))
            connection.execute(_statement(into, form, size), values)
            at += size


@cache
def _statement(into: str, form: str, rows: int) -> str:
    return f"{into} VALUES {', '.join([form] * rows)}"
