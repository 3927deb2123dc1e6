"""What is left of an entity at hand for somebody who sees so much. Pure.

Most entities are told from the first bytes of their text, and are not read further. Where an attribute is hidden, the
entity's *modifiedAt* is that of what is left.

The store has the same rule in its own language (:class:`~hansa.ngsild.query.Seen`); a test compares the two.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import orjson

from hansa.ngsild.model import ENTITY_MEMBERS, Entity
from hansa.ngsild.query import Either, Every, Outside, Portion, Seen, Within
from hansa.store.within import Test, has_types, known_of, last_change, within_test
from hansa.trust.guard.heads import head_of, types_in

__all__ = ["Sieve"]

_ALL: Final = Every()
_NONE: Final = Either()
_MOST_KEPT: Final = 2_000


class Sieve:
    """Cuts entities to what `seen` says. Safe to use from any thread."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.is_whole = seen.entities == _ALL and seen.all_attributes
        """Whether it leaves everything as it is."""
        self._there = within_test(seen.entities)
        self._tests: dict[Within, Test] = {
            portion: within_test(portion)
            for portion in (*seen.attributes.values(), seen.otherwise)
            if portion != _ALL
        }
        self._named = [name for name, within in seen.attributes.items() if within != _ALL]
        self._marks = tuple(orjson.dumps(name) for name in self._named)
        self._never = {name for name in self._named if seen.attributes[name] == _NONE}
        self._only_named = seen.otherwise == _ALL
        """Whether only attributes that are named may be hidden."""
        self._asks_ids = _asks_ids(seen.entities)
        self._known: dict[bytes, bool | None] = {}

    def shown(self, entity: Entity) -> Entity | None:
        """What is left of an entity, the very same object if that is all; ``None`` if it is not there."""
        return self.uncovered(entity) if self._there(entity) else None

    def uncovered(self, entity: Entity) -> Entity:
        """What is left of an entity that is known to be there."""
        hidden = self.hidden(entity)
        if not hidden:
            return entity
        left = entity.copy()
        for name in hidden:
            del left[name]
        if "modifiedAt" in left:
            left["modifiedAt"] = last_change(left) or left["modifiedAt"]
        return left

    def hidden(self, entity: Entity) -> list[str]:
        """The attributes of an entity that is known to be there, that are not."""
        if not self._tests:
            return []
        found: dict[Within, bool] = {}
        open_ones = [n for n in self._named if n in entity] if self._only_named else entity
        return [
            name
            for name in open_ones
            if name in self._never or not self._shows(name, entity, found)
        ]

    def has(self, entity: Entity) -> bool:
        """Whether an entity is there."""
        return self._there(entity)

    def shown_raw(self, raw: bytes) -> bytes | None:
        """What is left of a serialised entity, the very same bytes if that is all; ``None`` if it is not there."""
        known = self.knows_raw(raw)
        if known is None:
            entity = orjson.loads(raw)
            left = self.shown(entity)
            return raw if left is entity else None if left is None else orjson.dumps(left)
        return self.uncovered_raw(raw) if known else None

    def uncovered_raw(self, raw: bytes) -> bytes:
        """The same for a serialised entity; the very same bytes if that is all."""
        if self.may_leave(raw):
            return raw
        entity = orjson.loads(raw)
        left = self.uncovered(entity)
        return raw if left is entity else orjson.dumps(left)

    def may_leave(self, raw: bytes) -> bool:
        """Whether a look at the text tells that no attribute is hidden."""
        if not self._only_named:
            return False
        for mark in self._marks:  # noqa: SIM110  a plain loop, for it is done for every entity of a page
            if mark in raw:
                return False
        return True

    def is_open(self, raw: bytes) -> bool:
        """Whether a look at the text tells that all of an entity is there."""
        return self.is_whole or (self.may_leave(raw) and self.knows_raw(raw) is True)

    def knows_raw(self, raw: bytes) -> bool | None:
        """Whether a serialised entity is there; ``None``: it must be read to tell."""
        if self.is_whole:
            return True
        head = head_of(raw)
        if head is None:
            return None
        id, text = head
        if not self._asks_ids and text in self._known:
            return self._known[text]
        types = types_in(text)
        if types is None:
            return None
        found = self.knows(types, id.decode())
        if not self._asks_ids:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[text] = found
        return found

    def knows(self, types: Collection[str], id: str) -> bool | None:
        """Whether such an entity is there; ``None``: that depends on more than its types and its id."""
        return known_of(self.seen.entities, types, id)

    def names_shown(self, entity: Entity, names: Collection[str]) -> set[str]:
        """Those of `names` that may be seen as attributes of an entity that is there."""
        found: dict[Within, bool] = {}
        return {name for name in names if self._shows(name, entity, found)}

    def names_known(self, types: Collection[str], id: str, names: Collection[str]) -> set[str]:
        """Those of `names` that may be seen whatever else the entity is like."""
        return {n for n in names if known_of(self.seen.attribute(n), types, id) is True}

    def hides_some(self, names: Collection[str]) -> bool:
        """Whether there may be entities on which one of these attributes is hidden."""
        return any(self.seen.attribute(name) != _ALL for name in names)

    def denies(self, types: Collection[str], id: str, names: Collection[str]) -> bool:
        """Whether such an entity, or one of these attributes of it, is surely not there."""
        if self.knows(types, id) is False:
            return True
        return any(known_of(self.seen.attribute(name), types, id) is False for name in names)

    def sure_of(self, type: str) -> bool:
        """Whether every entity of this type is there, whatever else it is like."""
        return _has_all(self.seen.entities, type)

    def _shows(self, name: str, entity: Mapping[str, Any], found: dict[Within, bool]) -> bool:
        if name in ENTITY_MEMBERS:
            return True
        portion = self.seen.attribute(name)
        if portion == _ALL:
            return True
        if portion not in found:
            found[portion] = self._tests[portion](entity)
        return found[portion]


def _asks_ids(node: Within) -> bool:
    match node:
        case Every(parts) | Either(parts):
            return any(map(_asks_ids, parts))
        case Outside(part):
            return _asks_ids(part)
        case Portion():
            return bool(node.ids) or node.id_pattern is not None


def _has_all(node: Within, type: str) -> bool:
    match node:
        case Every(parts):
            return all(_has_all(part, type) for part in parts)
        case Either(parts):
            return any(_has_all(part, type) for part in parts)
        case Portion(types=types):
            bare = node == Portion(types=types)
            return bare and (types is None or has_types([type], types))
        case _:
            return False
