"""Writes to whole entities: create, upsert, replace, merge, delete, purge (clauses 5.6.1, 5.6.6 ff.)."""

from __future__ import annotations

from typing import Final

from hansa.hub.expiry import is_over
from hansa.hub.targets import existing, matches
from hansa.kernel.errors import AlreadyExists
from hansa.ngsild import merge as merging
from hansa.ngsild.adapt import Common, adapted
from hansa.ngsild.model import Entity, attribute_names
from hansa.ngsild.query import TypeFilter
from hansa.store.port import Edited, Write

__all__ = ["create", "delete", "merge", "purge", "replace", "upsert"]

_NOTHING: Final = Common()


def create(entity: Entity, now: str, *, born: bool = False) -> Write:
    """Create Entity (5.6.1); refused with AlreadyExists. `born`: it was read as one born `now`."""
    made = merging.newborn(entity, now) if born else merging.create(entity, now)

    def edit(current: Entity | None) -> Edited:
        if current is not None and not is_over(current, now):
            raise AlreadyExists(
                f"entity {entity['id']}",
                "exists already",
                "change it with PATCH or replace it with PUT",
            )
        return Edited(made)

    return Write(entity["id"], edit, made=made)


def upsert(entity: Entity, now: str, *, update: bool = False, born: bool = False) -> Write:
    """Create the entity, or replace it (or, with `update`, append to it) if it exists (5.6.8).

    `born`: it was read as one born `now`.
    """
    make = merging.newborn if born else merging.create
    made = make(entity, now)  # here, and not in the writer's thread: most are new

    def edit(current: Entity | None) -> Edited:
        if current is None or is_over(current, now):
            return Edited(made)
        if update:
            return Edited(merging.append(current, entity, now)[0])
        return Edited(made | {"createdAt": current["createdAt"]})  # as merging.replace does

    return Write(entity["id"], edit, made=made)


def replace(id: str, entity: Entity, now: str, types: TypeFilter | None = None) -> Write:
    """Replace Entity (5.6.18); the types may be left out of `entity` and then stay."""

    def edit(current: Entity | None) -> Edited:
        present = existing(id, current, now, types)
        return Edited(
            merging.replace(present, {"type": present["type"]} | entity | {"id": id}, now)
        )

    return Write(id, edit)


def merge(
    id: str,
    fragment: Entity,
    now: str,
    types: TypeFilter | None = None,
    common: Common = _NOTHING,
) -> Write:
    """Merge Entity (5.6.17); `common` holds for all attributes of `fragment`."""

    def edit(current: Entity | None) -> Edited:
        present = existing(id, current, now, types)
        return Edited(merging.merge_patch(present, adapted(fragment, present, common), now))

    return Write(id, edit)


def delete(id: str, now: str, types: TypeFilter | None = None) -> Write:
    """Delete Entity (5.6.6)."""

    def edit(current: Entity | None) -> Edited:
        existing(id, current, now, types)
        return Edited(None)

    return Write(id, edit)


def purge(
    id: str,
    now: str,
    *,
    keep: frozenset[str] = frozenset(),
    drop: frozenset[str] = frozenset(),
    types: TypeFilter | None = None,
) -> Write:
    """Purge one matching entity (5.6.21): delete it, or only its attributes in `drop` or not in `keep`.

    An entity that is gone, or no longer of those types, is left alone.
    """

    def edit(current: Entity | None) -> Edited:
        if current is None or not matches(current, types):
            return Edited(current)
        if not keep and not drop:
            return Edited(None)
        doomed = attribute_names(current) & drop if drop else attribute_names(current) - keep
        if not doomed:
            return Edited(current)
        left = {name: value for name, value in current.items() if name not in doomed}
        return Edited({**left, "modifiedAt": now})

    return Write(id, edit)
