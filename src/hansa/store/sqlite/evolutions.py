"""The tables of the past beside the change feed, and the entities that have one.

``instance`` holds instances that were written as history, one row each: those of the temporal API, and
those that were taken out of a row of the feed to be changed one by one (``origin`` is then their
identifier). ``evolution`` holds the entities that are known by their past alone: written as history,
or deleted. ``erased`` lists instances of an archive that must not be shown any more.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Any, Final

import apsw
import orjson

from hansa.kernel.clock import from_micros, iso
from hansa.ngsild.model import Entity
from hansa.ngsild.query import And, Or, TypeFilter
from hansa.store.history import Head, Heads

__all__ = ["TABLES", "erased", "head", "heads", "remember"]

TABLES: Final = """
ALTER TABLE change ADD COLUMN aside TEXT;
CREATE TABLE evolution (
  entity TEXT PRIMARY KEY,
  types TEXT NOT NULL,
  created TEXT,
  modified TEXT,
  deleted TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO evolution
  SELECT entity, signature -> '$[0]', NULL, NULL,
    strftime('%Y-%m-%dT%H:%M:%S', max(at) / 1000000, 'unixepoch')
    || printf('.%06dZ', max(at) % 1000000)
  FROM change JOIN shape ON shape.id = change.shape WHERE kind = 2 AND keep = 1 GROUP BY entity;
CREATE TABLE instance (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  entity TEXT NOT NULL,
  attribute TEXT NOT NULL,
  observed INTEGER,
  dataset TEXT,
  written INTEGER NOT NULL,
  origin TEXT,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX instance_series ON instance (entity, attribute, observed);
CREATE UNIQUE INDEX instance_origin ON instance (origin) WHERE origin IS NOT NULL;
CREATE TABLE erased (entity TEXT, instance TEXT, PRIMARY KEY (entity, instance)) STRICT, WITHOUT ROWID;
"""

_UNITED: Final = (
    "(SELECT json_group_array(DISTINCT value) FROM (SELECT value FROM json_each(types)"
    " UNION ALL SELECT value FROM json_each(excluded.types)))"
)
_REMEMBER: Final = (
    "INSERT INTO evolution VALUES (?, ?, ?, ?, ?) ON CONFLICT (entity) DO UPDATE SET"
    f" types = {_UNITED}, modified = excluded.modified, deleted = excluded.deleted"
)
_LIVING: Final = (
    "SELECT e.id AS id, e.shape, e.created, e.modified, v.types, NULL FROM entity AS e"
    " LEFT JOIN evolution AS v ON v.entity = e.id"
)
_KNOWN: Final = (
    "SELECT v.entity AS id, NULL, v.created, v.modified, v.types, v.deleted FROM evolution AS v"
    " WHERE NOT EXISTS (SELECT 1 FROM entity WHERE id = v.entity)"
)
_HAS_PAST: Final = (
    "SELECT EXISTS (SELECT 1 FROM change WHERE entity = ?1 AND keep = 1)"
    " OR EXISTS (SELECT 1 FROM evolution WHERE entity = ?1)"
    " OR EXISTS (SELECT 1 FROM instance WHERE entity = ?1)"
)


def remember(connection: apsw.Connection, deleted: Iterable[Entity], at: int) -> None:
    """Keep what is known of entities that are deleted [`at` in microseconds]."""
    when = iso(from_micros(at))
    connection.executemany(
        _REMEMBER,
        [
            (
                entity["id"],
                orjson.dumps(entity["type"]).decode(),
                entity.get("createdAt"),
                entity.get("modifiedAt"),
                when,
            )
            for entity in deleted
        ],
    )


def erased(connection: apsw.Connection, entities: Iterable[str]) -> frozenset[str]:
    """The identifiers of archived instances of `entities` that must not be shown any more."""
    wanted = tuple(entities)
    if not wanted:
        return frozenset()
    rows = connection.execute(
        "SELECT instance FROM erased WHERE entity IN carray(?)", (apsw.carray(wanted),)
    )
    return frozenset(instance for (instance,) in rows)


def head(connection: apsw.Connection, id: str) -> Head | None:
    """The head of an entity that has a past."""
    if not connection.execute(_HAS_PAST, (id,)).get:
        return None
    return next(heads(connection, Heads(ids=(id,))), Head(id, ()))


def heads(connection: apsw.Connection, wanted: Heads) -> Iterator[Head]:
    """The entities that are there, and those that are known by their past alone, by identifier."""
    types = {
        number: tuple(orjson.loads(text))
        for number, text in connection.execute("SELECT id, signature -> '$[0]' FROM shape")
    }
    condition, values = _condition(wanted, types)
    direction = "DESC" if wanted.backwards else "ASC"
    rows = connection.execute(
        f"SELECT * FROM ({_LIVING}{condition} UNION ALL {_KNOWN}) WHERE true{_within(wanted)}"
        f" ORDER BY id {direction}",
        {**values, **_bounds(wanted)},
    )
    for row in rows:
        found = _read(row, types)
        if satisfies(found.types, wanted.types):
            yield found


def _condition(wanted: Heads, types: dict[int, tuple[str, ...]]) -> tuple[str, dict[str, Any]]:
    """The condition on living entities that narrows a type selection down."""
    if wanted.types is None:
        return "", {}
    fit = [number for number, names in types.items() if satisfies(names, wanted.types)]
    if not fit:
        return " WHERE v.entity IS NOT NULL", {}
    return " WHERE (e.shape IN carray(:shapes) OR v.entity IS NOT NULL)", {
        "shapes": apsw.carray(array("q", fit))
    }


def _within(wanted: Heads) -> str:
    text = " AND id IN carray(:ids)" if wanted.ids else ""
    if wanted.after is not None:
        text += f" AND id {'<' if wanted.backwards else '>'} :after"
    return text


def _bounds(wanted: Heads) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if wanted.ids:
        found["ids"] = apsw.carray(wanted.ids)
    if wanted.after is not None:
        found["after"] = wanted.after
    return found


def _read(row: tuple[Any, ...], types: dict[int, tuple[str, ...]]) -> Head:
    id, shape, created, modified, more, deleted = row
    names = types.get(shape, ()) + (tuple(orjson.loads(more)) if more else ())
    return Head(id, tuple(dict.fromkeys(names)), created, modified, deleted)


def satisfies(types: tuple[str, ...], wanted: TypeFilter | None) -> bool:
    """Whether an entity of these types is meant by a type selection (clause 4.17)."""
    if wanted is None:
        return True
    if isinstance(wanted, And):
        return all(satisfies(types, part) for part in wanted.parts)
    if isinstance(wanted, Or):
        return any(satisfies(types, part) for part in wanted.parts)
    return wanted.name in types
