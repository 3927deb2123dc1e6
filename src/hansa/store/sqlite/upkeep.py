"""Looking after a database: indexes on demand, copies, and the search for faults.

``check`` looks first at the file (SQLite's own check), then at what must hold between the tables: a
document is JSON and bears its row's identifier, it looks as its shape says, its geometries are in
the R*Tree, shapes are counted rightly, and the feed's numbers end where the counter stands.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import apsw
import orjson

from hansa.kernel.errors import AlreadyExists
from hansa.store.sqlite.faults import faults
from hansa.store.sqlite.schema import PLACE_BITS, connect
from hansa.store.sqlite.shapes import dump, shape_of, signature
from hansa.store.sqlite.sql import plain_value

__all__ = ["backup", "check", "hot_attributes", "make_hot"]

_DOCUMENTS: Final = (
    "SELECT key, id, shape, places, CASE WHEN json_valid(doc, 8) THEN CAST(json(doc) AS BLOB) END"
    " FROM entity"
)
_AT_MOST: Final = 100
"""Faults that a check names."""


def hot_attributes(connection: apsw.Connection) -> dict[str, int]:
    """The attributes declared hot so far, with the numbers of their indexes."""
    rows: Any = connection.execute("SELECT attribute, number FROM hot").fetchall()
    return dict(rows)


def make_hot(connection: apsw.Connection, attribute: str) -> dict[str, int]:
    """Make the index of a hot attribute unless there is one; all hot attributes."""
    if attribute in (hot := hot_attributes(connection)):
        return hot
    number = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM hot").get
    connection.execute("INSERT INTO hot VALUES (?, ?)", (attribute, number))
    value = plain_value("entity", attribute).replace("entity.doc", "doc")
    connection.execute(
        f"CREATE INDEX hot_{number} ON entity ({value}, shape) WHERE {value} IS NOT NULL"
    )
    return hot_attributes(connection)


def backup(connection: apsw.Connection, target: Path) -> None:
    """Copy the database to the new file `target`; a copy that fails leaves nothing behind.

    Raises:
        AlreadyExists: there is such a file.
        Unavailable: it cannot be written.
    """
    if target.exists():
        raise AlreadyExists(f"backup {target.name}", "this file exists", "choose another name")
    unfinished = target.with_name(target.name + ".part")
    try:
        with faults(unfinished):
            copy = connect(unfinished)
            try:
                with copy.backup("main", connection, "main") as work:
                    while not work.done:
                        work.step(-1)
                copy.execute("PRAGMA journal_mode = DELETE")
            finally:
                copy.close()
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)


def check(connection: apsw.Connection) -> list[str]:
    """The faults of the snapshot that `connection` sees."""
    found = [
        f"the file is damaged: {line}"
        for (line,) in connection.execute(f"PRAGMA integrity_check({_AT_MOST})")
        if line != "ok"
    ]
    if found:
        return found
    shapes = dict(connection.execute("SELECT id, signature FROM shape"))
    places = _places(connection)
    counted: Counter[int] = Counter()
    for row in connection.execute(_DOCUMENTS):
        found += _faults_of(row, shapes, places.pop(row[0], 0))
        counted[row[2]] += 1
    found += [f"the geometries of the missing entity number {key} remain" for key in places]
    found += _miscounted(connection, counted)
    found += _feed_faults(connection)
    return found[:_AT_MOST]


def _places(connection: apsw.Connection) -> Counter[int]:
    """How many geometries each entity has in the spatial index, those with its own shape."""
    rows = connection.execute(
        f"SELECT place.id >> {PLACE_BITS}, count(*) FROM place LEFT JOIN entity ON key = place.id >> {PLACE_BITS}"
        " WHERE entity.shape IS NULL OR entity.shape = place.shape GROUP BY 1"
    )
    return Counter(dict(rows))


def _faults_of(row: tuple[Any, ...], shapes: dict[int, str], places: int) -> list[str]:
    _, id, shape, expected, text = row
    found = []
    try:
        entity = orjson.loads(text or b"")
    except orjson.JSONDecodeError:
        return [f"the document of {id} is damaged"]
    if entity.get("id") != id:
        found.append(f"the document of {id} bears another identifier")
    if shapes.get(shape) != dump(shape_of(signature(entity))):
        found.append(f"the shape noted for {id} is not the shape of its document")
    if places != expected:
        found.append(f"{id} has {places} geometries in the spatial index instead of {expected}")
    return found


def _miscounted(connection: apsw.Connection, counted: Counter[int]) -> list[str]:
    noted = dict(connection.execute("SELECT shape, count FROM population WHERE count != 0"))
    return [
        f"{noted.get(shape, 0)} entities are noted for shape {shape}, but there are {counted[shape]}"
        for shape in noted.keys() | counted.keys()
        if noted.get(shape, 0) != counted[shape]
    ]


def _feed_faults(connection: apsw.Connection) -> list[str]:
    newest = connection.execute("SELECT coalesce(max(seq), 0) FROM change").get
    counter = connection.execute("SELECT value FROM counter WHERE name = 'change'").get
    if newest > counter:
        return [f"the change feed reaches number {newest}, beyond its counter {counter}"]
    return []
