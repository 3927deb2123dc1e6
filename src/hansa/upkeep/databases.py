"""Looking at a tenant's database from outside, also while a node has it open."""

from __future__ import annotations

from pathlib import Path

import apsw

from hansa.history.archive import PARTS
from hansa.history.segment import Segment
from hansa.kernel.errors import HansaError
from hansa.store.sqlite.records import listed
from hansa.store.sqlite.schema import APPLICATION_ID, connect
from hansa.store.sqlite.upkeep import check

__all__ = ["faults", "segments"]


def faults(path: Path) -> list[str]:
    """What is wrong with the database in `path`: its file, its tables, and what must hold between them.

    Nothing is raised: a file that cannot even be opened is a fault too. Empty when it is sound.
    """
    try:
        connection = connect(path)
    except (HansaError, apsw.Error) as error:
        return [str(error)]
    try:
        connection.execute("BEGIN")
        if connection.pragma("application_id") != APPLICATION_ID:
            return ["the file is no database of Hansa's"]
        return check(connection)
    except (HansaError, apsw.Error, ValueError) as error:
        return [str(error)]
    finally:
        connection.close()


def segments(path: Path) -> list[Segment]:
    """The segments of old history that the database in `path` lists.

    Raises:
        apsw.Error: it cannot be read.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.setbusytimeout(10_000)
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'record'").get:
            return []
        return [Segment.from_json(part) for part in listed(connection, PARTS)]
    finally:
        connection.close()
