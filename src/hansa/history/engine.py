"""DuckDB, as this room uses it: one engine in the process, read-only questions, no network.

The engine keeps the footers of the files that it has read; segments never change under a name. It
takes a quarter of the machine's memory at most, and spills to the disk what does not fit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from hansa.kernel.errors import MissingExtra, Unavailable

if TYPE_CHECKING:
    import duckdb
    import pyarrow

__all__ = ["ask", "cursor", "failures", "run", "table"]

_EXTRA: Final = "history"
_SUBJECT: Final = "the history archive"
_SETTINGS: Final = (
    "autoinstall_known_extensions = false",
    "autoload_known_extensions = false",
    "allow_community_extensions = false",
    "enable_progress_bar = false",
    "parquet_metadata_cache = true",
    "TimeZone = 'UTC'",
)
_MEMORY: Final = 4
"""A part of the machine's memory that the engine may take: one in so many."""
_PORTION: Final = 2_048
"""Rows that are taken from the engine at once."""

_starting: Final = Lock()


def failures() -> tuple[type[Exception], ...]:
    """What the engine and the reading of Parquet raise when a file is damaged or the disk full."""
    import duckdb
    import pyarrow

    return (duckdb.Error, pyarrow.ArrowException, OSError)


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    try:
        import duckdb
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        package = "duckdb" if (error.name or "").endswith("duckdb") else "pyarrow"
        raise MissingExtra(_SUBJECT, package, _EXTRA) from error
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    engine = duckdb.connect(":memory:")
    for setting in (*_SETTINGS, f"memory_limit = '{pages * size // _MEMORY}B'"):
        engine.execute(f"SET {setting}")
    return engine


def cursor() -> duckdb.DuckDBPyConnection:
    """A connection of one's own to the engine.

    Raises:
        MissingExtra: the packages of the extra are not installed.
    """
    with _starting:
        return _engine().cursor()


def ask(question: str, values: Mapping[str, Any] | None = None) -> Iterator[tuple[Any, ...]]:
    """The rows of an answer, taken in portions.

    Raises:
        Unavailable: a file of the archive cannot be read.
    """
    with _mine() as mine:
        mine.execute(question, dict(values or {}))
        while rows := mine.fetchmany(_PORTION):
            yield from rows


def run(statement: str, values: Mapping[str, Any] | None = None) -> int:
    """Run a statement that writes a file; how many rows it wrote."""
    with _mine() as mine:
        found = mine.execute(statement, dict(values or {})).fetchone()
        return int(found[0]) if found else 0


def table(question: str, values: Mapping[str, Any] | None = None) -> pyarrow.Table:
    """An answer as an Arrow table."""
    with _mine() as mine:
        return mine.sql(question, params=dict(values or {})).to_arrow_table()


@contextmanager
def _mine() -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor for the time of a block, in which the engine's errors become ours."""
    mine = cursor()
    try:
        yield mine
    except failures() as error:
        first = str(error).partition("\n")[0]
        raise Unavailable(
            _SUBJECT,
            f"a file cannot be read or written ({first[:200]})",
            "look at the disk, run `hansa doctor`, and restore a backup if a file is damaged",
        ) from error
    finally:
        mine.close()
