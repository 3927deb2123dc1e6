"""Finding the entity that a write is meant for."""

from __future__ import annotations

from hansa.hub.expiry import is_over
from hansa.kernel.errors import NotFound
from hansa.ngsild.model import Entity
from hansa.ngsild.query import And, Or, TypeFilter

__all__ = ["existing", "found", "matches"]


def existing(id: str, current: Entity | None, now: str, types: TypeFilter | None = None) -> Entity:
    """`current`, or NotFound when there is no such entity of those types, or it has expired."""
    if current is not None and is_over(current, now):
        current = None
    return found(id, current, types)


def found(id: str, entity: Entity | None, types: TypeFilter | None = None) -> Entity:
    """`entity`, or NotFound when there is none of those types."""
    if entity is None:
        raise NotFound(f"entity {id}", "does not exist here", "check the id, or create it first")
    if not matches(entity, types):
        raise NotFound(f"entity {id}", "is of another type", "leave out or correct the type")
    return entity


def matches(entity: Entity, types: TypeFilter | None) -> bool:
    """Whether the types of `entity` satisfy a type selection (clause 4.17)."""
    if types is None:
        return True
    if isinstance(types, And):
        return all(matches(entity, part) for part in types.parts)
    if isinstance(types, Or):
        return any(matches(entity, part) for part in types.parts)
    return types.name in entity["type"]
