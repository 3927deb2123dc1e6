"""Writes to the attributes of an entity: append, update, replace, delete (clauses 5.6.2 to 5.6.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hansa.hub.targets import existing
from hansa.kernel.errors import NotFound
from hansa.ngsild import merge as merging
from hansa.ngsild.model import NGSI_LD, NULL, Entity, Instance, attribute_names
from hansa.ngsild.query import TypeFilter
from hansa.store.port import Edited, Write

__all__ = ["UpdateResult", "append", "delete", "partial_update", "replace", "update"]

_SCOPE: Final = NGSI_LD + "scope"


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """Which attributes were written and which not, with the reason (clause 5.2.18). Names are IRIs."""

    updated: tuple[str, ...]
    not_updated: tuple[tuple[str, str], ...] = ()


def append(
    id: str,
    fragment: Entity,
    now: str,
    *,
    overwrite: bool = True,
    types: TypeFilter | None = None,
) -> Write:
    """Append Attributes (5.6.3)."""

    def edit(current: Entity | None) -> Edited:
        changed, kept = merging.append(
            existing(id, current, now, types), fragment, now, overwrite=overwrite
        )
        done = tuple(name for name in attribute_names(fragment) if name not in kept)
        reason = "the attribute exists and overwriting is off"
        return Edited(changed, UpdateResult(done, tuple((name, reason) for name in kept)))

    return Write(id, edit)


def update(id: str, fragment: Entity, now: str, types: TypeFilter | None = None) -> Write:
    """Update Attributes (5.6.2)."""

    def edit(current: Entity | None) -> Edited:
        present = existing(id, current, now, types)
        changed = merging.update(present, fragment, now)
        left = ((_SCOPE, "the entity has no scope"),) if _adds_scope(present, fragment) else ()
        return Edited(changed, UpdateResult(tuple(attribute_names(fragment)), left))

    return Write(id, edit)


def _adds_scope(current: Entity, fragment: Entity) -> bool:
    """Whether an update names a scope for an entity without one, which is left as it is (5.6.2.4)."""
    return fragment.get("scope", [NULL]) != [NULL] and "scope" not in current


def partial_update(
    id: str, name: str, patch: Instance, now: str, types: TypeFilter | None = None
) -> Write:
    """Partial Attribute Update (5.6.4)."""
    return _write(id, now, types, lambda entity: merging.partial_update(entity, name, patch, now))


def replace(
    id: str, name: str, instances: list[Instance], now: str, types: TypeFilter | None = None
) -> Write:
    """Replace Attribute (5.6.19)."""
    return _write(
        id, now, types, lambda entity: merging.replace_attribute(entity, name, instances, now)
    )


def delete(
    id: str,
    name: str,
    now: str,
    *,
    dataset_id: str | None = None,
    all: bool = False,
    types: TypeFilter | None = None,
) -> Write:
    """Delete Attribute (5.6.5); the name may be ``scope``."""

    def change(entity: Entity) -> Entity:
        if name != "scope":
            return merging.delete_attribute(entity, name, now, dataset_id=dataset_id, all=all)
        if "scope" not in entity:
            raise NotFound(f"entity {id}", "it has no scope")
        return {k: v for k, v in entity.items() if k != "scope"} | {"modifiedAt": now}

    return _write(id, now, types, change)


def _write(
    id: str, now: str, types: TypeFilter | None, change: Callable[[Entity], Entity]
) -> Write:
    return Write(id, lambda current: Edited(change(existing(id, current, now, types))))
