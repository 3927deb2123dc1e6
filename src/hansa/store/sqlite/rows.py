"""Between a stage and the tables: fetching what a group touches, storing what it makes of it.

Whatever the size of the group, there is one statement per kind of row. Deletions come first, so
that an entity deleted and created again in one group finds its identifier free.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import apsw
import orjson

from hansa.store.sqlite.evolutions import remember
from hansa.store.sqlite.many import Value, insert
from hansa.store.sqlite.schema import PLACE_BITS
from hansa.store.sqlite.shapes import dump
from hansa.store.sqlite.stage import Record, Stage

__all__ = ["fetch", "store"]

_FETCH: Final = (
    "SELECT group_concat(json_array(id, key, shape, places, created, modified)"
    " || char(10) || json(doc), char(10)) FROM entity WHERE id "
)
"""One text for all, a line for each entity's columns and one for its document: neither has breaks."""

_ENTITY: Final = "INSERT INTO entity (id, shape, places, created, modified, doc, key)"
_ENTITY_FORM: Final = "(?, ?, ?, ?, ?, jsonb(?), ?)"
_UPDATE: Final = "UPDATE entity SET places = ?, modified = ?, doc = jsonb(?) WHERE key = ?"
_RESHAPE: Final = (
    "UPDATE entity SET shape = ?, places = ?, created = ?, modified = ?, doc = jsonb(?)"
    " WHERE key = ?"
)
_PLACE: Final = "INSERT INTO place (id, west, east, south, north, attribute, shape, wkb)"
_CHANGE: Final = "INSERT INTO change (seq, at, entity, shape, kind, keep, attributes, aside)"
_EIGHT: Final = "(?, ?, ?, ?, ?, ?, ?, ?)"
_POPULATION: Final = (
    "INSERT INTO population VALUES (?, ?)"
    " ON CONFLICT (shape) DO UPDATE SET count = count + excluded.count"
)


def fetch(connection: apsw.Connection, ids: Iterable[str]) -> dict[str, Record]:
    """The stored records of those of `ids` that exist."""
    wanted = tuple(ids)
    if not wanted:
        return {}
    many = len(wanted) > 1
    found: str | None = connection.execute(
        _FETCH + ("IN carray(?)" if many else "= ?"),
        (apsw.carray(wanted),) if many else wanted,
    ).get
    lines = iter(found.split("\n")) if found else iter(())
    records = {}
    for columns, document in zip(lines, lines, strict=True):
        id, key, shape, *rest = orjson.loads(columns)
        records[id] = Record(key, shape, document, *rest)
    return records


def store(connection: apsw.Connection, stage: Stage) -> None:
    """Store everything that `stage` changes, in the transaction that is open."""
    inserts, updates, reshapes, gone = _sort(stage)
    if gone:
        connection.executemany("DELETE FROM entity WHERE key = ?", gone)
    if stage.new_shapes:
        connection.executemany(
            "INSERT INTO shape (id, signature) VALUES (?, ?)",
            [(number, dump(shape)) for shape, number in stage.new_shapes.items()],
        )
    insert(connection, _ENTITY, _ENTITY_FORM, inserts)
    for statement, rows in ((_UPDATE, updates), (_RESHAPE, reshapes)):
        if rows:
            connection.executemany(statement, rows)
    _store_places(connection, stage)
    insert(connection, _CHANGE, _EIGHT, stage.changes)
    if stage.deleted:
        remember(connection, stage.deleted, stage.at)
    if stage.images:
        insert(connection, "INSERT INTO image", "(?, ?, ?, ?)", stage.images)
    if moved := stage.moved():
        connection.executemany(_POPULATION, moved.items())
    connection.execute(
        "UPDATE counter SET value = ? WHERE name = 'change'", (stage.changes[-1].seq,)
    )


Rows = list[tuple[Value, ...]]


def _sort(stage: Stage) -> tuple[Rows, Rows, Rows, Rows]:
    """Rows to insert, to update in place, to update with another shape, and keys to delete."""
    inserts: Rows = []
    updates: Rows = []
    reshapes: Rows = []
    gone: Rows = []
    for id, after in stage.now.items():
        before = stage.stored.get(id)
        if after is before:
            continue
        if before is not None and (after is None or after.key != before.key):
            gone.append((before.key,))
        if after is None:
            continue
        key, shape, text, count, created, modified, _ = after
        if before is None or before.key != key:
            inserts.append((id, shape, count, created, modified, text, key))
        elif before.shape == shape and before.created == created:
            updates.append((count, modified, text, key))
        else:
            reshapes.append((shape, count, created, modified, text, key))
    return inserts, updates, reshapes, gone


def _store_places(connection: apsw.Connection, stage: Stage) -> None:
    gone: Rows = []
    new: Rows = []
    reshaped: Rows = []
    for id, after in stage.now.items():
        before = stage.stored.get(id)
        if after is before:
            continue
        if after is not None and after.places is None:
            if before is not None and before.shape != after.shape:
                reshaped.extend((after.shape, number) for number in _numbers(after))
            continue
        if before is not None and before.placed:
            gone.extend((number,) for number in _numbers(before))
        if after is not None and after.places:
            new.extend(
                (number, *packed[:4], attribute, after.shape, packed.wkb)
                for number, (attribute, packed) in zip(_numbers(after), after.places, strict=True)
            )
    if gone:
        connection.executemany("DELETE FROM place WHERE id = ?", gone)
    if reshaped:
        connection.executemany("UPDATE place SET shape = ? WHERE id = ?", reshaped)
    insert(connection, _PLACE, _EIGHT, new)


def _numbers(record: Record) -> range:
    """The identifiers of a record's rows in the R*Tree."""
    first = record.key << PLACE_BITS
    return range(first, first + record.placed)
