"""DuckDB, as this room uses it: one engine in the process, read-only questions, no network.

The engine keeps the footers of the files that it has read; segments never change under a name. It
takes a quarter of the machine's memory at most, and spills to the disk what does not fit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from hansa.kernel.errors import MissingExtra, Unavailable

if TYPE_CHECKING:
    import duckdb
    import pyarrow

__all__ = ["Follow", "ask", "cursor", "failures", "followed", "run", "table"]

Follow = Callable[[float], None]
"""Takes how much of a statement is done, from 0 to 1; what it raises breaks the statement off."""

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

_FOLLOWED: Final = (
    "enable_progress_bar = true",
    "enable_progress_bar_print = false",
    "progress_bar_time = 1",
)
"""So that the engine counts how far it is, and shows it nowhere."""
_LOOKS: Final = 0.3
"""Seconds between two looks at how far a statement is."""

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


def run(
    statement: str, values: Mapping[str, Any] | None = None, follow: Follow | None = None
) -> int:
    """Run a statement that writes a file; how many rows it wrote."""
    with _mine() as mine:
        if follow is None:
            done = mine.execute(statement, dict(values or {}))
        else:
            done = followed(mine, statement, dict(values or {}), follow)
        found = done.fetchone()
        return int(found[0]) if found else 0


def followed(
    mine: duckdb.DuckDBPyConnection, statement: str, values: dict[str, Any], follow: Follow
) -> duckdb.DuckDBPyConnection:
    """Execute a statement and tell meanwhile how far it is.

    It runs in a thread beside, so that Ctrl-C and whatever `follow` raises break it off at once.
    """
    for setting in _FOLLOWED:
        mine.execute(f"SET {setting}")
    with ThreadPoolExecutor(1) as beside:
        running = beside.submit(mine.execute, statement, values)
        try:
            while wait([running], _LOOKS).not_done:
                follow(min(max(mine.query_progress(), 0.0) / 100, 1.0))
        except BaseException:
            mine.interrupt()
            raise
        return running.result()


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
