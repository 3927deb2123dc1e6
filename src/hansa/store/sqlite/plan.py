"""The way to the rows: which index a statement starts from.

SQLite keeps no statistics here, and could not have good ones for conditions on documents. We know
better: populations of shapes are counted, the keys of a geoquery are at hand, and how many rows a hot
index offers is counted up to a bound. So each statement is told its way, by the rows it would look at:

* *drive*: take the rows of the most selective condition, test the rest, sort;
* *walk*: follow an index that has the wanted order, test everything, stop when the page is full.

Unary ``+`` keeps SQLite from starting at a condition that is only to be tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import apsw

from hansa.store.sqlite.select import Selection
from hansa.store.sqlite.sql import TRUE, Served, any_of, conjunction

__all__ = ["Orderly", "Planner", "Way"]

_BOUND: Final = 5_000
"""Rows of a hot index that are counted at most, for an estimate."""

_BY_ID: Final = "entity INDEXED BY sqlite_autoindex_entity_1"

_SORTING: Final = 2.0
"""Cost of fetching a row to sort it, against that of looking at it on a walk."""


@dataclass(frozen=True, slots=True)
class Orderly:
    """An index that has the wanted order; only rows for which `condition` holds are in it."""

    index: str
    condition: str = TRUE


@dataclass(frozen=True, slots=True)
class Way:
    """A condition to start from: with which index, and how it reads when only tested.

    ``rows`` is how many rows it offers, where that is known without asking.
    """

    source: str
    start: str
    tested: str
    rows: int | None = None


class Planner:
    """Finds the way for one selection in the snapshot that `connection` sees.

    Args:
        hot: the numbers of the hot attributes' indexes.
    """

    def __init__(
        self, connection: apsw.Connection, selection: Selection, hot: Mapping[str, int]
    ) -> None:
        self._connection, self._selection, self._hot = connection, selection, hot
        self._every = Way("entity NOT INDEXED", TRUE, TRUE)
        self._by_shape = self._shape_way()
        self._ways = [way for way in (*self._listed(), self._by_shape) if way]
        self._ways += self._hot_ways()
        self._counted: dict[Way, int] = {}

    def for_all(self) -> str:
        """FROM and WHERE of a statement that looks at all matches."""
        return self._from(self._best())

    def for_page(self, wanted: int, orderly: Orderly | None, *, by_creation: bool) -> str:
        """FROM and WHERE of a statement that orders its rows and stops after `wanted`.

        Args:
            orderly: the index that has the order, if one has.
            by_creation: whether the order is that of the keys.
        """
        if by_creation:
            walk = self._in_order()
        elif orderly is not None:
            walk = Way(f"entity INDEXED BY {orderly.index}", orderly.condition, TRUE)
        else:
            return self.for_all()
        if by_creation and all(way is walk for way in self._ways):
            return self._from(walk)
        drive = self._best()
        rows = self._rows(drive)
        ahead = self._rows(walk if by_creation else self._every)
        if drive is walk or wanted * ahead < _SORTING * rows * rows:
            return self._from(walk)
        return self._from(drive)

    def _in_order(self) -> Way:
        """The rows in order of creation; of many shapes together no index has them so."""
        shapes, by_shape = self._selection.shapes, self._by_shape
        if by_shape is None or shapes is None:
            return self._every
        if len(shapes) > 1 and 2 * self._rows(by_shape) > self._rows(self._every):
            return self._every
        return by_shape

    # -- ways --------------------------------------------------------------------------------------

    def _listed(self) -> list[Way]:
        selection, bind = self._selection, self._selection.bind
        ways = []
        if selection.keys is not None:
            test = f"key IN carray({bind(apsw.carray(selection.keys))})"
            ways.append(Way("entity NOT INDEXED", test, f"+{test}", len(selection.keys)))
        if selection.ids:
            test = f"id IN carray({bind(apsw.carray(selection.ids))})"
            ways.append(Way(_BY_ID, test, f"+{test}", len(selection.ids)))
        return ways

    def _shape_way(self) -> Way | None:
        shapes, bind = self._selection.shapes, self._selection.bind
        if shapes is None:
            return None
        test = any_of("shape", shapes, bind)
        return Way("entity INDEXED BY entity_shape", test, f"+{test}")

    def _hot_ways(self) -> list[Way]:
        """One way for each hot attribute; a lower and an upper bound on it make one range."""
        served: dict[str, list[str]] = {}
        for part in self._selection.parts:
            if isinstance(part, Served):
                served.setdefault(part.attribute, []).append(part)
        tests = ((name, conjunction(parts)) for name, parts in served.items())
        return [Way(f"entity INDEXED BY hot_{self._hot[name]}", t, t) for name, t in tests]

    def _best(self) -> Way:
        """The way with the fewest rows."""
        if len(self._ways) <= 1:
            return self._ways[0] if self._ways else self._every
        return min(self._ways, key=self._rows)

    def _from(self, way: Way) -> str:
        rest = [other.tested for other in self._ways if other is not way]
        rest += [part for part in self._selection.parts if not isinstance(part, Served)]
        return f"{way.source} WHERE {conjunction([way.start, *rest])}"

    # -- how many rows -----------------------------------------------------------------------------

    def _rows(self, way: Way) -> int:
        """About how many rows a way offers; a hot index, up to the bound."""
        if way.rows is not None:
            return way.rows
        if way not in self._counted:
            self._counted[way] = self._count(way)
        return self._counted[way]

    def _count(self, way: Way) -> int:
        if way is self._every:
            return self._one("SELECT sum(count) FROM population")
        if way is self._by_shape:
            shapes = any_of("shape", self._selection.shapes or (), self._selection.bind)
            return self._one(f"SELECT sum(count) FROM population WHERE {shapes}")
        bounded = f"SELECT 1 FROM {way.source} WHERE {way.start} LIMIT {_BOUND}"
        return self._one(f"SELECT count(*) FROM ({bounded})")

    def _one(self, statement: str) -> int:
        return int(self._connection.execute(statement, self._selection.bind.values).get or 0)
