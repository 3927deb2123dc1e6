"""Answers to queries: statements put together from conditions and order, run, and unpacked.

An answer comes out of the database as one text, however many entities it holds: between two steps
of a statement the interpreter may go to another thread for milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import apsw

from hansa.ngsild.model import VALUE_MEMBER
from hansa.ngsild.query import Query, Seen
from hansa.store.port import Feature, Page
from hansa.store.sqlite.conditions import lacking, with_geometry
from hansa.store.sqlite.ordering import Ordered, order_by
from hansa.store.sqlite.places import Box, features
from hansa.store.sqlite.plan import Planner
from hansa.store.sqlite.select import Selection, select
from hansa.store.sqlite.shapes import Catalogue, kinds_of
from hansa.store.sqlite.sql import FALSE, TRUE, Bindings, any_of_literal, conjunction, path
from hansa.store.sqlite.within import Portions, Veil

__all__ = ["answer", "drawn", "every", "explain"]

_SEPARATOR: Final = b"\x1e"
_POPULATION: Final = "SELECT shape, count FROM population"


def answer(
    connection: apsw.Connection, query: Query, catalogue: Catalogue, hot: Mapping[str, int]
) -> Page:
    """The page that `query` asks for, from the snapshot that `connection` sees."""
    selection = select(connection, query, catalogue, hot)
    if selection.is_empty:
        return Page([], 0 if query.count else None)
    planner = Planner(connection, selection, hot)
    total = _count(connection, selection, planner) if query.count else None
    if query.limit == 0 or (total is not None and query.offset >= total):
        return Page([], total)
    order = order_by(connection, query.order, catalogue, hot, selection)
    found = connection.execute(_page(query, selection, planner, order), selection.bind.values).get
    return Page(found.encode().split(_SEPARATOR) if found else [], total)


def every(
    connection: apsw.Connection, query: Query, catalogue: Catalogue, hot: Mapping[str, int]
) -> Iterator[bytes]:
    """All that `query` matches, in order of creation, from the snapshot that `connection` sees."""
    selection = select(connection, query, catalogue, hot)
    if selection.is_empty:
        return
    rows = Planner(connection, selection, hot).for_all()
    statement = (
        # A bound, for SQLite leaves out the order of a part that has none and is joined.
        f"SELECT json(entity.doc) FROM (SELECT key AS found FROM {rows} ORDER BY key LIMIT -1)"
        " CROSS JOIN entity ON entity.key = found"
    )
    for (text,) in connection.execute(statement, selection.bind.values):
        yield text.encode()


def explain(
    connection: apsw.Connection, query: Query, catalogue: Catalogue, hot: Mapping[str, int]
) -> list[str]:
    """The database's plan for the page that `query` asks for; empty when nothing can match."""
    selection = select(connection, query, catalogue, hot)
    if selection.is_empty:
        return []
    order = order_by(connection, query.order, catalogue, hot, selection)
    statement = _page(query, selection, Planner(connection, selection, hot), order)
    rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", selection.bind.values)
    return [str(row[3]) for row in rows]


def _count(connection: apsw.Connection, selection: Selection, planner: Planner) -> int:
    if selection.by_shape_alone:
        counts: Any = connection.execute(_POPULATION).fetchall()
        shapes = selection.shapes
        return sum(count for shape, count in counts if shapes is None or shape in shapes)
    statement = f"SELECT count(*) FROM {planner.for_all()}"
    return int(connection.execute(statement, selection.bind.values).get)


def _page(query: Query, selection: Selection, planner: Planner, order: Ordered) -> str:
    wanted = query.offset + query.limit
    rows = planner.for_page(wanted, order.index, by_creation=not query.order)
    bind = selection.bind
    return (
        "SELECT group_concat(json(entity.doc), char(30)) FROM"
        f" (SELECT key AS found FROM {rows} ORDER BY {order.terms}"
        f" LIMIT {bind(query.limit)} OFFSET {bind(query.offset)})"
        " CROSS JOIN entity ON entity.key = found"
    )


def drawn(
    connection: apsw.Connection,
    catalogue: Catalogue,
    types: Sequence[str],
    box: Box,
    values: Sequence[str],
    attribute: str,
    limit: int,
    without: Sequence[str] = (),
    seen: Seen | None = None,
) -> list[Feature]:
    """The features of a box; see the port."""
    bind = Bindings()
    veil = Veil(Portions(connection, catalogue, bind), catalogue, seen)
    of_types = frozenset().union(*(catalogue.by_type.get(name, ()) for name in types))
    in_sight = [name for name in without if not veil.hides(name)]
    shapes = of_types & with_geometry(attribute, catalogue) & lacking(in_sight, catalogue)
    shapes &= veil.having(attribute)
    shapes = veil.narrowed(shapes) or frozenset()
    if not shapes or limit == 0:
        return []
    conditions = [any_of_literal("place.shape", shapes), veil.there(among=shapes)]
    conditions.append(veil.shows(attribute, among=shapes))
    for name in without:
        if veil.hides(name) and (having := veil.having(name) & shapes):
            has = any_of_literal("place.shape", having)
            conditions.append(f"NOT {conjunction((has, veil.shows(name)))}")
    inside = conjunction(conditions)
    if inside == FALSE:
        return []
    wanted = [_first_value(name, shapes, catalogue, veil.shows(name)) for name in values]
    return features(
        connection,
        attribute,
        box,
        inside,
        f"json_array({', '.join(wanted)})",
        limit,
        bind.values,
    )


def _first_value(attribute: str, shapes: frozenset[int], catalogue: Catalogue, shown: str) -> str:
    """The SQL of the value of an attribute's first instance, as JSON, where it is shown."""
    having = catalogue.by_attribute.get(attribute, {})
    kinds = {kind for shape in shapes & having.keys() for kind in kinds_of(having[shape])}
    members = sorted({VALUE_MEMBER[kind] for kind in kinds})
    values = [f"doc -> {path(attribute, f'[0].{member}')}" for member in members]
    value = f"coalesce({', '.join(values)})" if len(values) > 1 else values[0] if values else "NULL"
    return value if shown == TRUE else f"CASE WHEN {shown} THEN {value} END"
