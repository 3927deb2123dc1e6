"""A reader of one tenant that shows only what the rules leave somebody.

What is asked of entities goes to the store together with what may be seen, so that filters, orders, counts and pages are
right; what comes back whole is cut (:mod:`.sieve`). A *change* is shown if the entity, as it is now, may be seen; of
one that is gone only types and identifier decide. Records say how the node works: they are no entities and not cut here.
Cuts of the history, which whoever moves it asks for, are for the node alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime

import orjson

from hansa.kernel.errors import Forbidden
from hansa.ngsild.model import LOCATION, Entity
from hansa.ngsild.query import And, AttributePath, Every, Filter, Or, Query, Seen
from hansa.store.history import Cut, Line, Source
from hansa.store.port import Change, Feature, Page, Reader, Shape
from hansa.trust.guard.heads import head_of
from hansa.trust.guard.past import GuardedSource
from hansa.trust.guard.sieve import Sieve
from hansa.trust.guard.veil import Veil
from hansa.trust.guard.witness import Notes

__all__ = ["GuardedReader"]


class GuardedReader:
    """Implements :class:`~hansa.store.port.Reader` for one principal. It is made for a request, or for long.

    Args:
        store: everything.
        sieve: what may be seen.
        notes: where readings of what not everybody may see are put down.
        obligations: what goes with all that is read, in words for machines; "" if nothing does.
    """

    __slots__ = ("_notes", "_sieve", "_store", "obligations")

    def __init__(self, store: Reader, sieve: Sieve, notes: Notes, obligations: str = "") -> None:
        self._store, self._sieve, self._notes = store, sieve, notes
        self.obligations = obligations

    # -- entities -----------------------------------------------------------------------------------

    def get(self, id: str) -> bytes | None:
        """What is left of an entity, serialised; ``None`` if there is none for whoever asks."""
        raw = self._store.get(id)
        if raw is None:
            return None
        shown = self._sieve.shown_raw(raw)
        if shown is not None and self._notes.is_restricted_raw(raw, shown):
            self._notes.entities([id])
        return shown

    def query(self, query: Query) -> Page:
        """The entities that match, of those that there are for whoever asks."""
        page = self._store.query(self._veiled(query))
        if query.count or not page.documents:
            self._note_question(query)
        return Page(self._cut(page.documents), page.total)

    def matching(self, queries: Sequence[Query]) -> Iterator[tuple[int, bytes]]:
        """Every entity that a query matches, of those that there are."""
        for place, raw in self._store.matching([self._veiled(query) for query in queries]):
            yield place, self._cut([raw])[0]

    def scan(self) -> Iterator[bytes]:
        """Every entity that there is."""
        return (raw for _, raw in self.matching([Query()]))

    def shapes(self, seen: Seen | None = None) -> list[Shape]:
        """All shapes of what there is."""
        return self._store.shapes(self._together(seen))

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
        """Geometries in a box, of what there is."""
        seen = self._together(seen)
        found = self._store.features(types, box, values, attribute, limit, without, seen)
        if found and self._notes.hides_some([attribute, *values], types):
            self._notes.entities(feature.id for feature in found)
        return found

    # -- changes and the past -----------------------------------------------------------------------

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """The changes that may be seen; empty only if none of those made so far may be."""
        while found := self._store.changes(after, limit):
            shown = self._changes(found)
            if shown:
                return shown
            after = found[-1].seq
        return []

    def history(
        self, id: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[Change]:
        """The changes of one entity that may be seen."""
        return self._changes(self._store.history(id, since=since, until=until))

    @contextmanager
    def past(self) -> Iterator[Source]:
        """The history of what there is."""
        with self._store.past() as source:
            yield GuardedSource(source, self._sieve, self._store.get, self._notes)

    def cut(self, before: int, most: int = 100_000) -> Cut:
        """Refused: it is for the node alone."""
        raise _for_the_node()

    def past_of(self, cut: Cut) -> AbstractContextManager[Source]:
        """Refused: it is for the node alone."""
        raise _for_the_node()

    def lines_of(self, cut: Cut) -> AbstractContextManager[Iterator[list[Line]]]:
        """Refused: it is for the node alone."""
        raise _for_the_node()

    def last_change(self) -> int:
        """The number of the newest change, whether it may be seen or not."""
        return self._store.last_change()

    def watch(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """Call `listener` after each commit, whether what changed may be seen or not."""
        return self._store.watch(listener)

    # -- records ------------------------------------------------------------------------------------

    def record(self, kind: str, id: str) -> bytes | None:
        """The serialised record, or ``None``."""
        return self._store.record(kind, id)

    def records(self, kind: str) -> list[bytes]:
        """All records of a kind, serialised, in order of creation."""
        return self._store.records(kind)

    # -- entities from elsewhere --------------------------------------------------------------------

    @property
    def veil(self) -> Veil:
        """What cuts what others tell."""
        return Veil(self._store, self._sieve, self._notes)

    @property
    def seen(self) -> Seen:
        """What may be seen."""
        return self._sieve.seen

    def allowed(self, id: str, entity: Entity, names: Collection[str]) -> Collection[str] | None:
        """Those of these attributes that may be told of an entity, which may have lost them; ``None``: it is not there."""
        if self._sieve.shown(entity) is None and not self._sieve.knows(entity["type"], id):
            return None
        return self._sieve.names_shown(entity, names)

    def shown(self, entity: Entity) -> Entity | None:
        """What is left of an entity that another node told this one."""
        return self._sieve.shown(entity)

    def told(self, entity: Entity) -> None:
        """Put down that whoever reads is told of an entity, of which this is all that there is."""
        shown = self._sieve.shown(entity)
        if shown is not None and self._notes.is_restricted(entity, shown):
            self._notes.entities([entity["id"]])

    # -- what is done with them ---------------------------------------------------------------------

    def _veiled(self, query: Query) -> Query:
        return query if self._sieve.is_whole else replace(query, seen=self._together(query.seen))

    def _together(self, seen: Seen | None) -> Seen | None:
        """What may be seen by the rules, and as whoever asks wants it besides."""
        own = self._sieve.seen
        if self._sieve.is_whole:
            return seen
        if seen is None:
            return own
        names = own.attributes.keys() | seen.attributes.keys()
        return Seen(
            Every((own.entities, seen.entities)),
            {name: Every((own.attribute(name), seen.attribute(name))) for name in names},
            Every((own.otherwise, seen.otherwise)),
        )

    def _cut(self, documents: Sequence[bytes]) -> list[bytes]:
        whole = self._sieve.is_whole
        left = list(documents) if whole else [self._sieve.uncovered_raw(raw) for raw in documents]
        if not self._notes.is_idle:
            pairs = zip(documents, left, strict=True)
            restricted = self._notes.is_restricted_raw
            self._notes.entities([_id_of(raw) for raw, shown in pairs if restricted(raw, shown)])
        return left

    def _note_question(self, query: Query) -> None:
        """A count, or that nothing was found, tells something too of what is asked about."""
        names = [*query.attributes, *(path.names[0] for path in _paths(query.q))]
        names += [query.geo.attribute] if query.geo is not None else []
        types = _type_names(query.types)
        if self._notes.hides_some(names, types):
            self._notes.kinds(types)

    def _changes(self, found: Sequence[Change]) -> list[Change]:
        shown: list[Change] = []
        noted: list[str] = []
        for change in found:
            left = self._change(change, noted)
            if left is not None:
                shown.append(left)
        self._notes.entities(noted)
        return shown

    def _change(self, change: Change, noted: list[str]) -> Change | None:
        sieve = self._sieve
        known = sieve.knows(change.types, change.id)
        if known is False:
            return None
        raw = None
        if known is None or sieve.hides_some(change.attributes.keys()) or not self._notes.is_idle:
            raw = self._store.get(change.id)
        if raw is None:
            return self._change_of_the_gone(change, noted) if known else None
        entity = orjson.loads(raw)
        left = sieve.shown(entity)
        if left is None:
            return None
        if self._notes.is_restricted(entity, left):
            noted.append(change.id)
        names = sieve.names_shown(entity, change.attributes.keys())
        return _with(change, names)

    def _change_of_the_gone(self, change: Change, noted: list[str]) -> Change | None:
        sieve = self._sieve
        names = set(change.attributes)
        if sieve.hides_some(names):
            names = sieve.names_known(change.types, change.id, names)
        if not self._notes.is_public(change.types, change.id):
            noted.append(change.id)
        return _with(change, names)


def _id_of(raw: bytes) -> str:
    head = head_of(raw)
    return str(orjson.loads(raw)["id"]) if head is None else head[0].decode()


def _with(change: Change, names: set[str]) -> Change | None:
    """A change of these attributes; ``None`` if nothing is left that anybody could tell."""
    if len(names) == len(change.attributes):
        return change
    if not names and change.kind == "updated":
        return None
    left = {name: value for name, value in change.attributes.items() if name in names}
    return replace(change, attributes=left)


def _paths(q: Filter | None) -> Iterator[AttributePath]:
    if isinstance(q, And | Or):
        for part in q.parts:
            yield from _paths(part)
    elif q is not None:
        yield q.path
        if q.path.linked is not None:
            yield q.path.linked


def _type_names(types: object) -> list[str]:
    if isinstance(types, And | Or):
        return [name for part in types.parts for name in _type_names(part)]
    name = getattr(types, "name", None)
    return [] if name is None else [name]


def _for_the_node() -> Forbidden:
    return Forbidden(
        "the history as it is stored",
        "is moved and summed up by the node alone",
        "ask for the temporal representation of entities",
    )
