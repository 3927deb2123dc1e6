"""A group of writes worked out in memory, before any of it is stored.

The writer stages the requests of a group one after the other: each edit sees the entity as the
edits before it left it. What comes out are rows, to be stored by a handful of statements. A stage
holds everything that a group changes, also the numbers it takes, so that dropping the stage undoes
the group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, NamedTuple

import orjson

from hansa.kernel.errors import HansaError
from hansa.ngsild.model import ENTITY_MEMBERS, Entity
from hansa.store.outbox import Image
from hansa.store.port import Outcome, Screen, Write, Written
from hansa.store.sqlite.aside import aside
from hansa.store.sqlite.ready import Place, Ready, geometries, places_of, ready, text_of, whole
from hansa.store.sqlite.shapes import PLACE, Profile, Signature, profile, shape_of, signature

__all__ = ["CREATED", "DELETED", "UPDATED", "ChangeRow", "Marks", "Record", "Stage"]

CREATED, UPDATED, DELETED = 0, 1, 2


class Record(NamedTuple):
    """An entity as it is, or will be, stored.

    ``placed`` is the number of its geometries; ``places`` are these, or ``None`` while they are the
    ones that the database holds already.
    """

    key: int
    shape: int
    text: str
    placed: int
    created: str | None = None
    modified: str | None = None
    places: list[Place] | None = None


class ChangeRow(NamedTuple):
    """A row of the change feed."""

    seq: int
    at: int
    entity: str
    shape: int
    kind: int
    keep: bool
    attributes: str
    aside: str | None


@dataclass(slots=True)
class Marks:
    """The numbers that the next writes take, and the shapes that have one."""

    key: int
    seq: int
    shapes: dict[Signature, int]
    spellings: dict[Signature, int] = field(default_factory=dict)
    """Shapes by signature in the order that some entity happened to use: a shortcut."""


class Stage:
    """What a group of requests makes of the entities they touch.

    Args:
        stored: the entities touched, as the database has them.
        marks: the state of numbering; not changed (see :meth:`settled`).
        at: the time of the group [microseconds].
        imaging: whether to keep what each change made of its entity (see :mod:`hansa.store.outbox`).
        screen: what every entity is shown to before it is stored.
    """

    def __init__(
        self,
        stored: Mapping[str, Record],
        marks: Marks,
        at: int,
        *,
        imaging: bool = False,
        screen: Screen | None = None,
    ) -> None:
        self.stored = stored
        self.now: dict[str, Record | None] = dict(stored)
        self.changes: list[ChangeRow] = []
        self.deleted: list[Entity] = []
        """Entities as they were when they were deleted."""
        self.new_shapes: dict[Signature, int] = {}
        self.images: list[Image] | None = [] if imaging else None
        self._marks, self._screen = marks, screen
        self._key, self.at = marks.key, at

    # -- requests ----------------------------------------------------------------------------------

    def apply(self, writes: Sequence[Write], readied: Sequence[Ready | None] = ()) -> list[Outcome]:
        """Apply a request's writes in order; on an error that is no refusal, none of them count.

        `readied` is, in the same order, what was made ready of the entities that they make.
        """
        before = {write.id: self.now.get(write.id) for write in writes}
        count, key, gone = len(self.changes), self._key, len(self.deleted)
        try:
            return [self._write(write, found) for write, found in zip_longest(writes, readied)]
        except BaseException:
            self.now.update(before)
            self._key = key
            del self.changes[count:]
            del self.deleted[gone:]
            if self.images is not None:
                del self.images[count:]
            raise

    def _write(self, write: Write, readied: Ready | None) -> Outcome:
        record = self.now.get(write.id)
        try:
            old = None if record is None else orjson.loads(record.text)
            edited = write.edit(old)
            new = edited.entity
            if new is old:
                return Written(0, created=False, deleted=False, detail=edited.detail)
            if new is not None and self._screen is not None:
                self._screen(new, old, write.passed)
            seq = (
                self._delete(write, record, old)
                if new is None
                else self._put(write, record, old, new, readied if new is write.made else None)
            )
        except HansaError as refusal:
            return refusal
        if self.images is not None:
            self._keep_image(seq, record, self.now[write.id])
        return Written(seq, created=record is None, deleted=new is None, detail=edited.detail)

    def _keep_image(self, seq: int, before: Record | None, after: Record | None) -> None:
        if self.images is not None:
            old = None if before is None else before.text
            new = None if after is None else after.text
            self.images.append(Image(seq, self.at, old, new))

    # -- one entity --------------------------------------------------------------------------------

    def _delete(self, write: Write, record: Record | None, old: Entity | None) -> int:
        self.now[write.id] = None
        if old is not None and write.keep_history:
            self.deleted.append(old)
        shape = 0 if record is None else record.shape
        return self._log(write, shape, DELETED, "{}", aside(old, None, {}))

    def _put(
        self,
        write: Write,
        record: Record | None,
        old: Entity | None,
        new: Entity,
        readied: Ready | None,
    ) -> int:
        if new["id"] != write.id:
            raise ValueError(f"the edit of {write.id} returned {new['id']}")
        if record is None or old is None:
            return self._insert(write, new, readied or ready(new))
        return self._update(write, record, old, new)

    def _insert(self, write: Write, new: Entity, readied: Ready) -> int:
        attributes, spelling, places = readied
        text = whole(new, attributes)
        shape = self._shape(spelling)
        key, self._key = self._key, self._key + 1
        self.now[write.id] = Record(
            key, shape, text, len(places), new.get("createdAt"), new.get("modifiedAt"), places
        )
        note = aside(None, new, {}) if "scope" in new else None
        return self._log(write, shape, CREATED, attributes, note)

    def _update(self, write: Write, record: Record, old: Entity, new: Entity) -> int:
        changed = _differences(old, new)
        shape, placed, places = record.shape, record.placed, record.places
        looks = [(profile(old.get(name, ())), profile(now)) for name, now in changed.items()]
        if old["type"] != new["type"] or any(before != after for before, after in looks):
            shape = self._shape(signature(new))
        if _is_placed(looks) and geometries(old, changed) != geometries(new, changed):
            places = places_of(new, signature(new))
            placed = len(places)
        if len(changed) == len(new.keys() - ENTITY_MEMBERS) and all(changed.values()):
            attributes = text_of(new, changed)
            text = whole(new, attributes)
        else:
            text, attributes = text_of(new, new), text_of(new, changed)
        created, modified = new.get("createdAt"), new.get("modifiedAt")
        self.now[write.id] = Record(record.key, shape, text, placed, created, modified, places)
        return self._log(write, shape, UPDATED, attributes, aside(old, new, changed))

    def _log(
        self, write: Write, shape: int, kind: int, attributes: str, note: str | None = None
    ) -> int:
        seq = self._marks.seq + len(self.changes) + 1
        self.changes.append(
            ChangeRow(seq, self.at, write.id, shape, kind, write.keep_history, attributes, note)
        )
        return seq

    def _shape(self, spelling: Signature) -> int:
        marks = self._marks
        number = marks.spellings.get(spelling)
        if number is not None:
            return number
        shape = shape_of(spelling)
        number = marks.shapes.get(shape) or self.new_shapes.get(shape)
        if number is None:
            number = len(marks.shapes) + len(self.new_shapes) + 1
            self.new_shapes[shape] = number
        elif shape not in self.new_shapes:
            marks.spellings[spelling] = number
        return number

    # -- results -----------------------------------------------------------------------------------

    def moved(self) -> Counter[int]:
        """By how much the number of entities of each shape changes."""
        moved: Counter[int] = Counter()
        for id, after in self.now.items():
            before = self.stored.get(id)
            if before is not None:
                moved[before.shape] -= 1
            if after is not None:
                moved[after.shape] += 1
        return Counter({shape: count for shape, count in moved.items() if count})

    def settled(self) -> Marks:
        """The state of numbering once this stage is stored."""
        marks = self._marks
        marks.shapes.update(self.new_shapes)
        marks.key, marks.seq = self._key, marks.seq + len(self.changes)
        return marks


def _differences(old: Entity, new: Entity) -> dict[str, Any]:
    """The attributes that differ, as they become; an empty list where one is gone."""
    changed = {
        name: value
        for name, value in new.items()
        if (before := old.get(name)) is not value
        and name not in ENTITY_MEMBERS
        and not _same(before, value)
    }
    if not old.keys() <= new.keys():
        changed.update((name, []) for name in old if name not in new and name not in ENTITY_MEMBERS)
    return changed


def _is_placed(looks: Sequence[tuple[Profile, Profile]]) -> bool:
    """Whether one of the attributes that look so is, or was, a place."""
    return any(PLACE in before or PLACE in after for before, after in looks)


def _same(old: Any, new: Any) -> bool:
    """Whether two JSON values are the same; Python alone takes 1, 1.0 and true for equal."""
    return bool(old == new and orjson.dumps(old) == orjson.dumps(new))
