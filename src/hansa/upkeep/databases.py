"""Looking at a tenant's database from outside, also while a node has it open."""

from __future__ import annotations

from pathlib import Path

import apsw

__all__ = ["faults"]


def faults(path: Path, most: int = 5) -> list[str]:
    """What SQLite's own full check finds wrong with the database in `path`; empty when it is sound."""
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.Error as error:
        return [str(error)]
    try:
        connection.setbusytimeout(10_000)
        found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({most})")]
    except apsw.Error as error:
        return [str(error)]
    finally:
        connection.close()
    return [] if found == ["ok"] else found
