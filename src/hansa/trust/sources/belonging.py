"""Which source an entity belongs to: it says so itself, by a Relationship to the source's own entity.

What says nothing is the operator's.
"""

from __future__ import annotations

from hansa.ngsild.model import Entity, Instance
from hansa.trust.sources.register import OPERATOR_SOURCE
from hansa.trust.sources.shown import IMPORTED_FROM, entity_id

__all__ = ["IMPORTED_FROM", "belongs", "given", "owners"]


def owners(entity: Entity) -> list[str]:
    """The identifiers of the sources that an entity says that it came from."""
    return [str(each.get("object", "")) for each in entity.get(IMPORTED_FROM, ())]


def belongs(entity: Entity, source: str) -> bool:
    """Whether an entity came from a source, and from no other."""
    named = owners(entity)
    return named == [entity_id(source)] or (not named and source == OPERATOR_SOURCE)


def given(entity: Entity, source: str, instance: Instance | None = None) -> Entity:
    """An entity, made one of `source`, by an earlier `instance` of the attribute if there was one."""
    if instance is None and source == OPERATOR_SOURCE:
        return entity
    if instance is None:
        moment = entity["modifiedAt"]
        instance = {
            "type": "Relationship",
            "object": entity_id(source),
            "createdAt": moment,
            "modifiedAt": moment,
        }
    return {**entity, IMPORTED_FROM: [instance]}
