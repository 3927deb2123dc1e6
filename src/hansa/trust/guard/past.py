"""The past of what there is for somebody: a source of history that shows nothing else.

Whether something of the past may be seen is decided by what its entity is like now, and by the types that it had before; of
an entity that is gone only its types and its identifier are known, so what depends on more stays hidden. Where it lay and
which scopes it had before is not asked: a rule by area or scope is about the present.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import orjson

from hansa.ngsild.model import Entity
from hansa.ngsild.temporal_periods import Periods
from hansa.store.history import SCOPE, Bucket, Head, Heads, Moment, Selection, Source, Span
from hansa.trust.guard.sieve import Sieve
from hansa.trust.guard.witness import Notes

__all__ = ["GuardedSource"]


class GuardedSource:
    """Implements :class:`~hansa.store.history.Source` over another one.

    Args:
        source: all of the past.
        sieve: what may be seen.
        present: an entity as it is now, serialised.
        notes: where readings are put down.
    """

    def __init__(
        self, source: Source, sieve: Sieve, present: Callable[[str], bytes | None], notes: Notes
    ) -> None:
        self._source, self._sieve, self._present, self._notes = source, sieve, present, notes
        self._entities: dict[str, Entity | None] = {}
        self._types: dict[str, tuple[str, ...] | None] = {}
        self._shown: dict[tuple[str, str], bool] = {}
        self._noted_ones: set[str] = set()

    def heads(self, wanted: Heads) -> Iterator[Head]:
        """The entities with a past that may be seen, in order of their identifiers."""
        for head in self._source.heads(wanted):
            self._types[head.id] = head.types
            if self._is_there(head.id):
                yield self._cut(head)

    def head(self, id: str) -> Head | None:
        """The head of one entity."""
        head = self._source.head(id) if self._is_there(id) else None
        return None if head is None else self._cut(head)

    def spans(self, wanted: Selection) -> Iterator[Span]:
        """Counts and ends of each series."""
        left = self._noted(wanted) if wanted.summed else self._left(wanted)
        return (s for s in self._source.spans(left) if self._shows(s.entity, s.attribute))

    def series(self, wanted: Selection) -> Iterator[Moment]:
        """The instances, in order."""
        left = self._noted(wanted)
        return (m for m in self._source.series(left) if self._shows(m.entity, m.attribute))

    def tallies(
        self, wanted: Selection, periods: Periods, *, distinct: bool = False
    ) -> Iterator[Bucket]:
        """Instances summed up by period."""
        left = self._noted(wanted)
        found = self._source.tallies(left, periods, distinct=distinct)
        return (b for b in found if self._shows(b.entity, b.attribute))

    # -- what may be seen ---------------------------------------------------------------------------

    def _cut(self, head: Head) -> Head:
        """A head that does not tell when something hidden changed."""
        if self._sieve.seen.all_attributes:
            return head
        entity = self._entity(head.id)
        if entity is None:
            return replace(head, modified=head.deleted)
        shown = self._sieve.uncovered(entity)
        return head if shown is entity else replace(head, modified=shown["modifiedAt"])

    def _left(self, wanted: Selection) -> Selection:
        there = tuple(id for id in wanted.entities if self._is_there(id))
        return wanted if len(there) == len(wanted.entities) else replace(wanted, entities=there)

    def _noted(self, wanted: Selection) -> Selection:
        """What is left of a selection, once it is put down that it was read."""
        left = self._left(wanted)
        new = [id for id in left.entities if id not in self._noted_ones]
        self._noted_ones.update(new)
        self._notes.entities(id for id in new if self._is_restricted(id))
        return left

    def _is_restricted(self, id: str) -> bool:
        entity = self._entity(id)
        if entity is None:
            return not self._notes.is_public(self._types_of(id), id)
        shown = self._sieve.shown(entity)
        return shown is not None and self._notes.is_restricted(entity, shown)

    def _is_there(self, id: str) -> bool:
        if not all(self._sieve.knows((type,), id) for type in self._former(id)):
            return False
        known = self._sieve.knows(self._types_of(id), id)
        if known is not None:
            return known
        entity = self._entity(id)
        return entity is not None and self._sieve.shown(entity) is not None

    def _shows(self, id: str, attribute: str) -> bool:
        key = id, attribute
        if key not in self._shown:
            self._shown[key] = attribute == SCOPE or self._is_shown(id, attribute)
        return self._shown[key]

    def _is_shown(self, id: str, attribute: str) -> bool:
        if not self._sieve.hides_some([attribute]):
            return True
        entity = self._entity(id)
        if entity is None:
            return bool(self._sieve.names_known(self._types_of(id), id, [attribute]))
        former = (self._sieve.names_known((type,), id, [attribute]) for type in self._former(id))
        return all(former) and bool(self._sieve.names_shown(entity, [attribute]))

    def _former(self, id: str) -> list[str]:
        """The types that an entity which is there once had, and has no more."""
        entity = self._entity(id)
        if entity is None or self._sieve.is_whole:
            return []
        return [type for type in self._types_of(id) if type not in entity["type"]]

    def _types_of(self, id: str) -> tuple[str, ...]:
        if id not in self._types:
            head = next(self._source.heads(Heads(ids=(id,))), None)
            self._types[id] = None if head is None else head.types
        return self._types[id] or ()

    def _entity(self, id: str) -> Entity | None:
        if id not in self._entities:
            raw = self._present(id)
            self._entities[id] = None if raw is None else orjson.loads(raw)
        return self._entities[id]
