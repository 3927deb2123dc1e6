"""The order of answers (ETSI GS CIM 009, clause 4.23).

Each sort key becomes one or more SQL terms, then the key of creation breaks ties. Entities that lack
what is sorted by come last, whatever the direction. Values of different types are ordered as clause
4.23.2 says; texts by code point, or as the collation of the key has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import apsw
from shapely.geometry.base import BaseGeometry

from hansa.ngsild.collation import collation_key
from hansa.ngsild.model import ENTITY_MEMBERS
from hansa.ngsild.query import Order
from hansa.store.meaning import ordering_key
from hansa.store.sqlite.places import Distances
from hansa.store.sqlite.plan import Orderly
from hansa.store.sqlite.select import Selection
from hansa.store.sqlite.shapes import Catalogue
from hansa.store.sqlite.sql import TRUE, bindable, path, plain_value

__all__ = ["Ordered", "order_by"]

_COLUMNS: Final = {
    "id": "id",
    "createdAt": "created",
    "modifiedAt": "modified",
    "type": "doc ->> '$.type[0]'",
    "scope": "doc ->> '$.scope[0]'",
}
_ALWAYS_THERE: Final = {"id", "type", "createdAt", "modifiedAt"}
_INDEXES: Final = {
    "id": "sqlite_autoindex_entity_1",
    "createdAt": "entity_created",
    "modifiedAt": "entity_modified",
}
_ABSENT: Final = " IS NULL"
"""How the term ends that puts what is absent last."""
_UNIFORM: Final = {"Property/number", "Property/text", "Property/boolean"}


@dataclass(frozen=True, slots=True)
class Ordered:
    """The terms of ORDER BY, and the index that has this order, if one has."""

    terms: str
    index: Orderly | None = None


class _Ordering:
    """Compiles the sort keys of one query."""

    def __init__(
        self,
        connection: apsw.Connection,
        catalogue: Catalogue,
        hot: Mapping[str, int],
        selection: Selection,
    ) -> None:
        self._connection, self._catalogue, self._hot = connection, catalogue, hot
        self._shapes = catalogue.every if selection.shapes is None else selection.shapes
        self._bind = selection.bind
        self._veil = selection.veil
        self._collation: str | None = None
        self.index: Orderly | None = None
        """The index that has the order of the key compiled last."""

    def terms(self, order: Order) -> list[str]:
        """The SQL terms of one sort key; entities whose attribute is hidden lack what is sorted by."""
        found = self._terms(order)
        shown = self._veil.shows(order.path.names[0])
        if shown == TRUE:
            return found
        self.index = None
        if found and not found[0].endswith(_ABSENT):
            found.insert(0, f"FALSE{_ABSENT}")
        return [_only(shown, term) for term in found]

    def _terms(self, order: Order) -> list[str]:
        self.index = None
        self._collation = order.collation
        direction = " DESC" if order.descending else ""
        name = order.path.names[0]
        if order.origin is not None:
            return self._by_distance(name, order.origin, direction)
        if len(order.path.names) == 1 and not order.path.trail:
            if name in _COLUMNS:
                return self._by_column(name, direction)
            having = self._catalogue.by_attribute.get(name, {})
            profiles = {having.get(shape) for shape in self._shapes}
            if len(profiles - {None}) == 1 and profiles - {None} <= _UNIFORM:
                return self._by_value(name, direction, everywhere=None not in profiles)
        return self._general(order, direction)

    def _by_column(self, name: str, direction: str) -> list[str]:
        changed = self._veil.moment("entity") if name == "modifiedAt" else None
        column = self._collated(changed or _COLUMNS[name])
        if name in _INDEXES and self._collation is None and changed is None:
            self.index = Orderly(_INDEXES[name])
        return [column + direction] if name in _ALWAYS_THERE else _absent_last(column, direction)

    def _by_value(self, name: str, direction: str, *, everywhere: bool) -> list[str]:
        """By the single plain value that the attribute has wherever it is."""
        if name not in self._hot:
            value = f"json_extract(entity.doc, {path(name, '[0].value')})"
        else:
            value = plain_value("entity", name)
            if everywhere and self._collation is None:
                self.index = Orderly(f"hot_{self._hot[name]}", f"{value} IS NOT NULL")
        value = self._collated(value)
        return [value + direction] if everywhere else _absent_last(value, direction)

    def _collated(self, value: str) -> str:
        """`value` such that texts come in the order of the key's collation, if it has one."""
        if self._collation is None:
            return value
        return f"collated({self._bind.object(collation_key(self._collation))}, {value})"

    def _by_distance(self, name: str, origin: BaseGeometry, direction: str) -> list[str]:
        metres = self._bind.object(Distances(self._connection, name, origin))
        return _absent_last(f"lookup({metres}, key)", direction)

    def _general(self, order: Order, direction: str) -> list[str]:
        find = ordering_key(order.path)

        def rank(instances: Any) -> int | None:
            key = find(instances)
            return None if key is None else key[0]

        def value(instances: Any) -> Any:
            key = find(instances)
            return None if key is None or isinstance(key[1], dict | list) else bindable(key[1])

        if order.path.names[0] in ENTITY_MEMBERS:
            return []  # core members have nothing inside: every entity lacks what is sorted by
        instances = f"doc -> {path(order.path.names[0])}"
        ranked = f"derive({self._bind.object(rank)}, {instances})"
        valued = f"derive({self._bind.object(value)}, {instances})"
        return [*_absent_last(ranked, direction), self._collated(valued) + direction]


def _only(shown: str, term: str) -> str:
    """A term of those rows where the attribute is shown; all others lack it alike."""
    value = term.removesuffix(" DESC")
    instead = " ELSE TRUE" if term.endswith(_ABSENT) else ""
    return f"CASE WHEN {shown} THEN {value}{instead} END{term[len(value) :]}"


def _absent_last(value: str, direction: str) -> list[str]:
    return [f"{value}{_ABSENT}", value + direction]


def order_by(
    connection: apsw.Connection,
    orders: tuple[Order, ...],
    catalogue: Catalogue,
    hot: Mapping[str, int],
    selection: Selection,
) -> Ordered:
    """The order of the rows of `selection`."""
    ordering = _Ordering(connection, catalogue, hot, selection)
    terms = [ordering.terms(order) for order in orders]
    index = ordering.index if len(orders) == 1 else None
    return Ordered(", ".join([*chain.from_iterable(terms), "key"]), index)
