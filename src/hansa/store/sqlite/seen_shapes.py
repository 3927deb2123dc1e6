"""The shapes of what there is for somebody, for the discovery of types and attributes.

Most shapes are told from shapes alone: all their entities are there, or none, and so is each attribute. Of the
rest the entities are counted, by which of their attributes are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import apsw
import orjson

from hansa.ngsild.query import Seen, Within
from hansa.store.port import Shape
from hansa.store.sqlite.shapes import Catalogue, kinds_of
from hansa.store.sqlite.sql import FALSE, Bindings, any_of
from hansa.store.sqlite.within import Portions, Shapes, Veil

__all__ = ["seen_shapes"]


def seen_shapes(connection: apsw.Connection, catalogue: Catalogue, seen: Seen) -> list[Shape]:
    """All shapes with at least one entity that is there, with the attributes that are there."""
    signatures: Any = connection.execute(
        "SELECT id, signature, count FROM population JOIN shape ON id = shape WHERE count > 0 ORDER BY id"
    ).fetchall()
    looks = {number: orjson.loads(text) for number, text, _ in signatures}
    counts = {number: count for number, _, count in signatures}
    together: dict[tuple[Any, ...], int] = defaultdict(int)
    for number, shown, count in _Counter(connection, catalogue, seen).counted(counts):
        types, profiles = looks[number]
        kinds = tuple((name, kinds_of(profiles[name])) for name in profiles if name in shown)
        together[tuple(types), kinds] += count
    return [Shape(types, dict(kinds), count) for (types, kinds), count in together.items()]


class _Counter:
    """Counts what there is by shape, and by the attributes that are there."""

    def __init__(self, connection: apsw.Connection, catalogue: Catalogue, seen: Seen) -> None:
        self._connection, self._catalogue, self._bind = connection, catalogue, Bindings()
        self._portions = Portions(connection, catalogue, self._bind)
        self._veil = Veil(self._portions, catalogue, seen)
        self._names = self._veil.by_portion(catalogue.by_attribute)
        self._sides = {portion: self._portions.sides(portion) for portion in self._names}
        self._possible, self._certain = self._portions.sides(seen.entities)

    def counted(self, population: dict[int, int]) -> Iterator[tuple[int, set[str], int]]:
        """Numbers of shapes, with the attributes that are there, and how many entities are so."""
        there = self._possible & population.keys()
        unsure = (there - self._certain) | {
            number for portion in self._names for number in self._open(portion, there)
        }
        for number in sorted(there - unsure):
            yield number, self._shown(number, {}), population[number]
        if not unsure:
            return
        open_ones = [portion for portion in self._names if self._open(portion, unsure)]
        tests = [self._portions.condition(portion, among=unsure) for portion in open_ones]
        where = self._veil.there(among=unsure)
        columns = ", ".join(["shape", *tests])
        order = ", ".join(str(place + 1) for place in range(len(tests) + 1))
        rows: Any = self._connection.execute(
            f"SELECT {columns}, count(*) FROM entity WHERE {any_of('shape', unsure, self._bind)}"
            f" AND {where} GROUP BY {order}",
            self._bind.values,
        )
        for number, *found, count in rows if where != FALSE else ():
            yield number, self._shown(number, dict(zip(open_ones, found, strict=True))), count

    def _open(self, portion: Within, among: Shapes) -> Shapes:
        """The shapes with attributes of `portion` of which some entities are in it, and some are not."""
        possible, certain = self._sides[portion]
        having = (self._catalogue.by_attribute[name] for name in self._names[portion])
        return among & (possible - certain) & frozenset().union(*having)

    def _shown(self, number: int, found: dict[Within, int]) -> set[str]:
        """The attributes that are there on the entities of a shape with this outcome."""
        return {
            name
            for portion, names in self._names.items()
            if found.get(portion, number in self._sides[portion][1])
            for name in names
        }
