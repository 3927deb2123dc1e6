"""Answers to queries: statements put together from conditions and order, run, and unpacked.

An answer comes out of the database as one text, however many entities it holds: between two steps
of a statement the interpreter may go to another thread for milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import apsw

from hansa.ngsild.model import VALUE_MEMBER
from hansa.ngsild.query import Query
from hansa.store.port import Feature, Page
from hansa.store.sqlite.ordering import Ordered, order_by
from hansa.store.sqlite.places import Box, features
from hansa.store.sqlite.plan import Planner
from hansa.store.sqlite.select import Selection, lacking, select, with_geometry
from hansa.store.sqlite.shapes import Catalogue, kinds_of
from hansa.store.sqlite.sql import any_of_literal, path

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
        f"SELECT json(entity.doc) FROM (SELECT key AS found FROM {rows} ORDER BY key)"
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
) -> list[Feature]:
    """The features of a box; see the port."""
    of_types = frozenset().union(*(catalogue.by_type.get(name, ()) for name in types))
    shapes = of_types & with_geometry(attribute, catalogue) & lacking(without, catalogue)
    if not shapes or limit == 0:
        return []
    wanted = [_first_value(name, shapes, catalogue) for name in values]
    return features(
        connection,
        attribute,
        box,
        any_of_literal("place.shape", shapes),
        f"json_array({', '.join(wanted)})",
        limit,
    )


def _first_value(attribute: str, shapes: frozenset[int], catalogue: Catalogue) -> str:
    """The SQL of the value of an attribute's first instance, as JSON."""
    having = catalogue.by_attribute.get(attribute, {})
    kinds = {kind for shape in shapes & having.keys() for kind in kinds_of(having[shape])}
    members = sorted({VALUE_MEMBER[kind] for kind in kinds})
    values = [f"doc -> {path(attribute, f'[0].{member}')}" for member in members]
    return f"coalesce({', '.join(values)})" if len(values) > 1 else values[0] if values else "NULL"
