"""A reader for those who may have entities summed up, and may read none: it knows groups, and no single entity.

A group is all entities of exactly the same types that the rules let somebody sum up. Groups have no entity in common,
and what is told of their past (:mod:`.group_past`) is cut into cells that have no value in common either. So no two
answers can be subtracted from each other to learn of something smaller than a cell. For the same reason no condition is
taken but on types: with conditions of one's own one entity could be told apart (Denning and Schlörer's trackers).

Rules, in order: what asks for anything but sums is refused with the reason; a group of fewer entities than the rule asks
for is as if it were not there; where several rules ask for several sizes, each group is shown by the first that it is
large enough for. Records say how the node works; they are no entities, and pass as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

from hansa.kernel.errors import BadRequest, Forbidden
from hansa.ngsild.model import LOCATION
from hansa.ngsild.query import Query, Seen
from hansa.store.history import Cut, Line, Source
from hansa.store.port import Change, Feature, Page, Reader, Shape
from hansa.store.within import has_types
from hansa.trust.guard.group_past import GroupSource, Layer
from hansa.trust.guard.witness import Notes

__all__ = ["GroupReader"]

_OF_ONE: Final = frozenset({"min", "max"})
"""What is the value of a single entity, however many others there are."""


class GroupReader:
    """Implements :class:`~hansa.store.port.Reader` for one principal.

    Args:
        store: everything.
        layers: what may be summed up, to how large groups; the smallest groups first.
        notes: where it is put down that something was asked.
        reason: why these may be summed up.
    """

    looks_closer: Final = True
    is_of_groups: Final = True
    """Whether it knows groups in place of entities."""

    def __init__(self, store: Reader, layers: Sequence[Layer], notes: Notes, reason: str) -> None:
        self._store, self._layers, self._notes, self._reason = store, layers, notes, reason

    @property
    def warning(self) -> str:
        """What goes with every answer."""
        least = self._layers[0].least
        return f"summed up by groups; what fewer than {least} entities stand behind is left out"

    def check_methods(self, methods: Collection[str]) -> None:
        """Refuse what shows the value of one entity.

        Raises:
            Forbidden: one of the methods does.
        """
        for method in sorted(_OF_ONE.intersection(methods)):
            raise Forbidden(
                f"the aggregation method '{method}'",
                f"shows the value of one entity, and {self._reason} for groups only",
                "ask for totalCount, distinctCount, sum, avg, sumsq or stddev",
            )

    # -- what groups there are -----------------------------------------------------------------------

    def shapes(self, seen: Seen | None = None) -> list[Shape]:
        """The types, and how many entities there are of them; attributes are not told."""
        if seen is not None:
            raise self._single("a part of the entities")
        self._notes.kinds(())
        return [Shape(types, {}, count) for types, count in sorted(self._sizes().items())]

    def query(self, query: Query) -> Page:
        """How many entities there are, and nothing of them."""
        if query.limit or not query.count:
            raise self._single("the entities")
        _check_bare(query)
        types = query.types
        self._notes.kinds(_names(types))
        counts = self._sizes().items()
        return Page([], sum(n for own, n in counts if types is None or has_types(own, types)))

    def _sizes(self) -> dict[tuple[str, ...], int]:
        """How many entities there are in each group that is large enough."""
        found: dict[tuple[str, ...], int] = {}
        for layer in self._layers:
            sizes: Counter[tuple[str, ...]] = Counter()
            for shape in self._store.shapes(layer.sieve.seen):
                sizes[tuple(sorted(shape.types))] += shape.count
            for types, size in sizes.items():
                if size >= layer.least:
                    found.setdefault(types, size)
        return found

    @contextmanager
    def past(self) -> Iterator[Source]:
        """The history of groups."""
        with self._store.past() as source:
            yield GroupSource(source, self._layers, self._store.get, self._notes, self._single)

    # -- what is refused ----------------------------------------------------------------------------

    def _single(self, what: str) -> Forbidden:
        return Forbidden(
            what,
            f"may be summed up, and not read one by one: {self._reason}",
            "ask for a count (limit=0 and count=true), or for the history with "
            "format=aggregatedValues, by whole days (aggrPeriodDuration=P1D)",
        )

    def get(self, id: str) -> bytes | None:
        """Refused, whether there is such an entity or not."""
        raise self._single(f"entity {id[:200]}")

    def matching(self, queries: Sequence[Query]) -> Iterator[tuple[int, bytes]]:
        """Refused."""
        raise self._single("the entities")

    def scan(self) -> Iterator[bytes]:
        """Refused."""
        raise self._single("the entities")

    def features(
        self,
        types: Sequence[str],
        box: tuple[float, float, float, float],
        values: Sequence[str] = (),
        attribute: str = LOCATION,
        limit: int = 1_000_000,
        without: Sequence[str] = (),
        seen: Seen | None = None,
    ) -> list[Feature]:
        """Refused."""
        raise self._single("the places of entities")

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """Refused."""
        raise self._single("the changes")

    def history(
        self, id: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[Change]:
        """Refused."""
        raise self._single(f"entity {id[:200]}")

    def cut(self, before: int, most: int = 100_000) -> Cut:
        """Refused."""
        raise self._single("the history as it is stored")

    def past_of(self, cut: Cut) -> AbstractContextManager[Source]:
        """Refused."""
        raise self._single("the history as it is stored")

    def lines_of(self, cut: Cut) -> AbstractContextManager[Iterator[list[Line]]]:
        """Refused."""
        raise self._single("the history as it is stored")

    # -- what is no entity --------------------------------------------------------------------------

    def last_change(self) -> int:
        """The number of the newest change."""
        return self._store.last_change()

    def watch(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """Call `listener` after each commit."""
        return self._store.watch(listener)

    def record(self, kind: str, id: str) -> bytes | None:
        """The serialised record, or ``None``."""
        return self._store.record(kind, id)

    def records(self, kind: str) -> list[bytes]:
        """All records of a kind, serialised, in order of creation."""
        return self._store.records(kind)


def _check_bare(query: Query) -> None:
    """Refuse every condition but that on types."""
    plain = Query(types=query.types, limit=0, count=True)
    if replace(query, offset=0, order=()) != plain:
        raise BadRequest(
            "the question",
            "has another condition than types, by which one entity could be told apart from a group",
            "ask by type alone",
        )


def _names(types: object) -> list[str]:
    parts = getattr(types, "parts", None)
    if parts is not None:
        return [name for part in parts for name in _names(part)]
    name = getattr(types, "name", None)
    return [] if name is None else [name]
