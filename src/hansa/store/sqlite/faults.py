"""What SQLite's failures mean to the person who runs the node.

Every call into SQLite is made where its errors are translated by :func:`fault`, so that callers
meet :class:`~hansa.kernel.errors.HansaError` only. Errors that no disk, lock or damage explains are
faults of this program; they are not disguised.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from hansa.kernel.errors import HansaError, TooLarge, Unavailable

__all__ = ["HOPELESS", "fault", "faults"]

HOPELESS: Final = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ReadOnlyError,
)
"""Failures that would meet every other write just the same, so that trying them one by one is idle."""

_MEANINGS: Final[dict[type[apsw.Error], tuple[str, str]]] = {
    apsw.FullError: (
        "the disk is full",
        "free some space and try again; nothing was half written",
    ),
    apsw.BusyError: (
        "another process keeps the database locked",
        "end that process, or wait for it, and try again",
    ),
    apsw.LockedError: (
        "another process keeps the database locked",
        "end that process, or wait for it, and try again",
    ),
    apsw.ReadOnlyError: (
        "the database cannot be written",
        "give the node's user the right to write this file and its folder",
    ),
    apsw.CorruptError: (
        "the database is damaged",
        "stop the node and restore the last backup (hansa restore)",
    ),
    apsw.NotADBError: (
        "this file is not a database",
        "move it away, or restore the last backup (hansa restore)",
    ),
    apsw.CantOpenError: (
        "the database cannot be opened",
        "check that the folder exists and that the node's user may read and write it",
    ),
    apsw.PermissionsError: (
        "the database cannot be opened",
        "give the node's user the right to read and write this file",
    ),
    apsw.IOError: (
        "reading or writing the disk failed",
        "check the disk and its free space; nothing was half written",
    ),
    apsw.NoMemError: (
        "there is not enough memory",
        "give the node more memory, or ask for less at once",
    ),
    apsw.ConnectionClosedError: ("the store is closed", "start the node again"),
}


def fault(error: Exception, path: Path) -> HansaError | None:
    """The translation of `error`, or ``None`` when it is a fault of this program."""
    subject = f"store {path.name}"
    if isinstance(error, apsw.TooBigError):
        return TooLarge(subject, "an entity is larger than the database can hold", "send less")
    if _is_damage(error):
        return Unavailable(subject, *_MEANINGS[apsw.CorruptError])
    for kind, (fact, remedy) in _MEANINGS.items():
        if isinstance(error, kind):
            return Unavailable(subject, fact, remedy)
    return None


def _is_damage(error: Exception) -> bool:
    """Whether a stored document turned out not to be one."""
    return isinstance(error, UnicodeDecodeError) or (
        isinstance(error, apsw.SQLError) and "malformed JSON" in str(error)
    )


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Translate errors of the database that leave this block."""
    try:
        yield
    except (apsw.Error, UnicodeDecodeError) as error:
        meaning = fault(error, path)
        if meaning is None:
            raise
        raise meaning from error
