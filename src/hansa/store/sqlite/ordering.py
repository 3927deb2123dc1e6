"""The order of answers (ETSI GS CIM 009, clause 4.23).

Each sort key becomes one or more SQL terms, then the key of creation breaks ties. Entities that lack
what is sorted by come last, whatever the direction. Values of different types are ordered as clause
4.23.2 says; texts by code point.
"""

from __future__ import annotations

from typing import Any, Final

import apsw

from hansa.ngsild.query import Order
from hansa.store.meaning import ordering_key
from hansa.store.sqlite.places import distances
from hansa.store.sqlite.shapes import Catalogue
from hansa.store.sqlite.sql import Bindings, path, plain_value

__all__ = ["order_by"]

_COLUMNS: Final = {
    "id": "id",
    "createdAt": "created",
    "modifiedAt": "modified",
    "type": "doc ->> '$.type[0]'",
    "scope": "doc ->> '$.scope[0]'",
}
_ALWAYS_THERE: Final = {"id", "type", "createdAt", "modifiedAt"}
_UNIFORM: Final = {"Property/number", "Property/text", "Property/boolean"}


class Ordering:
    """Compiles the sort keys of one query."""

    def __init__(
        self,
        connection: apsw.Connection,
        catalogue: Catalogue,
        hot: frozenset[str],
        bind: Bindings,
    ) -> None:
        self._connection, self._catalogue = connection, catalogue
        self._hot, self._bind = hot, bind

    def terms(self, order: Order, shapes: frozenset[int]) -> list[str]:
        """The SQL terms of one sort key for rows whose shape is one of `shapes`."""
        direction = " DESC" if order.descending else ""
        name = order.path.names[0]
        if order.origin is not None:
            return self._by_distance(order, direction)
        if len(order.path.names) == 1 and name in _COLUMNS:
            column = _COLUMNS[name]
            absent = [] if name in _ALWAYS_THERE else [f"{column} IS NULL"]
            return [*absent, column + direction]
        having = self._catalogue.by_attribute.get(name, {})
        profiles = {having.get(shape) for shape in shapes}
        uniform = profiles - {None}
        plain = len(order.path.names) == 1 and not order.path.trail
        if plain and len(uniform) == 1 and uniform <= _UNIFORM:
            value = (
                plain_value("entity", name)
                if name in self._hot
                else f"json_extract(entity.doc, {path(name, '[0].value')})"
            )
            return [value + direction] if None not in profiles else _absent_last(value, direction)
        return self._general(order, direction)

    def _by_distance(self, order: Order, direction: str) -> list[str]:
        assert order.origin is not None  # noqa: S101 - for the type checker
        metres = distances(self._connection, order.path.names[0], order.origin)
        value = f"lookup({self._bind.object(metres)}, key)"
        return _absent_last(value, direction)

    def _general(self, order: Order, direction: str) -> list[str]:
        find = ordering_key(order.path)

        def rank(instances: Any) -> int | None:
            key = find(instances)
            return None if key is None else key[0]

        def value(instances: Any) -> Any:
            key = find(instances)
            return None if key is None or isinstance(key[1], dict | list) else key[1]

        instances = f"doc -> {path(order.path.names[0])}"
        ranked = f"derive({self._bind.object(rank)}, {instances})"
        valued = f"derive({self._bind.object(value)}, {instances})"
        return [*_absent_last(ranked, direction), valued + direction]


def _absent_last(value: str, direction: str) -> list[str]:
    return [f"{value} IS NULL", value + direction]


def order_by(
    connection: apsw.Connection,
    orders: tuple[Order, ...],
    catalogue: Catalogue,
    hot: frozenset[str],
    shapes: frozenset[int] | None,
    bind: Bindings,
) -> str:
    """The ORDER BY clause."""
    ordering = Ordering(connection, catalogue, hot, bind)
    among = catalogue.every if shapes is None else shapes
    terms = [term for order in orders for term in ordering.terms(order, among)]
    return "ORDER BY " + ", ".join([*terms, "key"])
