"""A store to which a source brings its entities: it changes those, and no others.

Rules for each write, in order; the first that is broken refuses it, and of a batch only that one:

1. an entity that is there, and all that its identifier ever stood for, came from this source: who takes up an
   identifier gets its past, too;
2. it is not the entity of a source, which is the register's;
3. its types, as it was and as it becomes, are among those that the token names;
4. what becomes of it came from this source still; what is new is given to it.

The past is written of entities that are there alone, and never where they came from. Of what the store holds
besides, a query here finds only what the source brought. Nothing else of a store can be reached.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Final, cast

import orjson

from hansa.kernel.errors import Forbidden, HansaError, NotFound
from hansa.ngsild.city import city_iri
from hansa.ngsild.model import Entity
from hansa.ngsild.query import And, AttributePath, Compare, Query, Uri
from hansa.store.history import Added, Recording, Removed, Selection
from hansa.store.port import Edit, Edited, Outcome, Page, Store, Write
from hansa.trust.sources.belonging import IMPORTED_FROM, belongs, given, owners
from hansa.trust.sources.register import OPERATOR_SOURCE
from hansa.trust.sources.shown import entity_id

__all__ = ["SourceStore", "brought_by"]

_SOURCE: Final = city_iri("DataSource")
_READ: Final = frozenset({"get", "past", "record", "records"})
"""What may be reached of the store behind, unchanged: it is asked by what carries a write out."""


def brought_by(store: Store, source: str, types: frozenset[str] | None) -> Store:
    """A tenant's entities, as far as a source may write them.

    Args:
        store: all of them.
        source: its name in the register.
        types: the only types (IRIs) it may write; ``None``: any.
    """
    return cast(Store, SourceStore(store, source, types))


class SourceStore:
    """The part of :class:`~hansa.store.port.Store` that writing entities takes, for one source."""

    def __init__(self, store: Store, source: str, types: frozenset[str] | None) -> None:
        self._store, self._source, self._types = store, source, types

    def __getattr__(self, name: str) -> Any:
        if name not in _READ:
            raise AttributeError(name)
        return getattr(self._store, name)

    def query(self, query: Query) -> Page:
        """The entities that match, of those that the source brought."""
        own = Compare(AttributePath((IMPORTED_FROM,)), "==", (Uri(entity_id(self._source)),))
        return self._store.query(replace(query, q=own if query.q is None else And((query.q, own))))

    def write(self, writes: Sequence[Write]) -> Future[list[Outcome]]:
        """Apply the edits that the rules let through; each of the others is refused by itself."""
        known = self._pasts({each.id for each in writes if self._store.get(each.id) is None})
        return self._store.write([self._bound(each, known) for each in writes])

    def record_history(self, recordings: Sequence[Recording]) -> Future[list[Outcome]]:
        """Write history of what the source brought.

        If one of them is not to be written, none is.
        """
        try:
            for each in recordings:
                self._check_recording(each)
        except HansaError as refusal:
            refused: Future[list[Outcome]] = Future()
            refused.set_result([refusal for _ in recordings])
            return refused
        return self._store.record_history(recordings)

    # -- the rules ----------------------------------------------------------------------------------

    def _pasts(self, ids: Collection[str]) -> dict[str, bool]:
        """Of identifiers, whether all that they ever stood for was of this source."""
        found: dict[str, bool] = {}
        if not ids:  # as for every change of what is there
            return found
        with self._store.past() as past:
            for id in ids:
                known, named = past.head(id) is not None, set[str]()
                if known:
                    marks = Selection((id,), frozenset({IMPORTED_FROM}), property="modifiedAt")
                    told = (each.instance for each in past.series(marks))
                    named = {str(each["object"]) for each in told if "deletedAt" not in each}
                own = set() if self._source == OPERATOR_SOURCE else {entity_id(self._source)}
                found[id] = not known or named == own
        return found

    def _bound(self, write: Write, pasts: Mapping[str, bool]) -> Write:
        made = None if write.made is None else self._given(write.made, None)
        return write._replace(edit=self._edit(write, made, pasts.get(write.id, False)), made=made)

    def _edit(self, write: Write, made: Entity | None, is_free: bool) -> Edit:
        """The edit of a write, between the rules.

        `made` is what becomes of its own `made`. `is_free`: whether its identifier may be taken up.
        """

        def edit(current: Entity | None) -> Edited:
            if current is not None:
                self._check(current)
            elif not is_free:
                raise _taken(write.id)
            edited = write.edit(current)
            left = edited.entity
            if left is None or left is current:
                return edited
            if left is write.made and current is None:
                left = made or left
            else:
                left = self._given(left, current)
            self._check(left)
            return edited._replace(entity=left)

        return edit

    def _given(self, entity: Entity, before: Entity | None) -> Entity:
        """An entity that says where it came from; what says so itself is left, and checked like the rest."""
        if IMPORTED_FROM in entity:
            return entity
        instances = (before or {}).get(IMPORTED_FROM)
        return given(entity, self._source, instances[0] if instances else None)

    def _check(self, entity: Entity) -> None:
        if _SOURCE in entity["type"] or entity["id"].startswith(entity_id("")):
            raise Forbidden(
                f"entity {entity['id']}",
                "is that of a source, which the register keeps",
                "declare the source",
            )
        if not belongs(entity, self._source):
            named = ", ".join(owners(entity))[:200]
            raise Forbidden(
                f"entity {entity['id']}",
                f"belongs to {named or 'no source'}, and not to the source {self._source}",
                "a token changes what its own source brought",
            )
        self._check_types(entity["id"], entity["type"])

    def _check_types(self, id: str, types: Sequence[str]) -> None:
        if self._types is not None and not self._types.issuperset(types):
            raise Forbidden(
                f"entity {id}",
                "is of a type that the token does not name",
                "use a token for that type",
            )

    def _check_recording(self, recording: Recording) -> None:
        id = recording.entity
        raw = self._store.get(id)
        if raw is None:
            raise NotFound(
                f"entity {id}",
                "is not there",
                "create it first: a source writes the past of its own",
            )
        self._check(orjson.loads(raw))
        if not self._pasts([id])[id]:
            raise _taken(id)
        if isinstance(recording, Added):
            self._check_types(id, recording.types)
            touched = set(recording.attributes)
        else:
            touched = set() if recording.attribute is None else {recording.attribute}
        if IMPORTED_FROM in touched or (isinstance(recording, Removed) and not touched):
            raise Forbidden(
                f"the past of entity {id}",
                "says where it came from, and is not taken away by a source",
                "write or remove the past of other attributes",
            )


def _taken(id: str) -> Forbidden:
    return Forbidden(
        f"entity {id}",
        "has a past that others brought",
        "choose another identifier; if it was deleted this very moment, send it again",
    )
