"""Entities as an earlier version of NGSI-LD knew them (ETSI GS CIM 009, clause 4.3.6.8).

What a version did not have yet is written in its terms where the clause names a fallback, and left
out where it does not: kinds of attribute become Properties and Relationships, members go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hansa.ngsild.model import INSTANCE_MEMBERS, VALUE_MEMBER, Entity, Instance, attributes

__all__ = ["CURRENT", "Version", "conform"]

Version = tuple[int, int]
"""Major and minor version of the specification."""

CURRENT: Final[Version] = (1, 9)

_KIND_SINCE: Final[dict[str, Version]] = {
    "LanguageProperty": (1, 4),
    "JsonProperty": (1, 8),
    "VocabProperty": (1, 8),
    "ListProperty": (1, 8),
    "ListRelationship": (1, 8),
}
_MEMBER_SINCE: Final[dict[str, Version]] = {
    "datasetId": (1, 3),
    "observedAt": (1, 3),
    "unitCode": (1, 3),
    "scope": (1, 4),
    "objectType": (1, 8),
    "valueType": (1, 9),
    "expiresAt": (1, 9),
}
_MANY_SINCE: Final[Version] = (1, 3)
"""Several types of an entity, and several instances of an attribute."""


def conform(entity: Entity, version: Version, compact: Callable[[str], str]) -> Entity:
    """`entity` as `version` has it; the very same object when nothing had to change."""
    if version >= CURRENT:
        return entity
    changed = {k: v for k, v in entity.items() if _MEMBER_SINCE.get(k, version) <= version}
    for name, instances in attributes(entity):
        shown = instances if version >= _MANY_SINCE else instances[:1]
        changed[name] = [_conform(instance, version, compact) for instance in shown]
    if version < _MANY_SINCE:
        changed["type"] = entity["type"][:1]
    return entity if changed == entity else changed


def _conform(instance: Instance, version: Version, compact: Callable[[str], str]) -> Instance:
    kind = instance["type"]
    changed: Instance = {}
    for member, content in instance.items():
        if member not in INSTANCE_MEMBERS:
            changed[member] = [_conform(inner, version, compact) for inner in content]
        elif _MEMBER_SINCE.get(member, version) <= version:
            changed[member] = content
    if _KIND_SINCE.get(kind, version) > version:
        content = changed.pop(VALUE_MEMBER[kind])
        older = "Relationship" if kind == "ListRelationship" else "Property"
        changed["type"] = older
        changed[VALUE_MEMBER[older]] = (
            _named(content, compact) if kind == "VocabProperty" else content
        )
    return changed


def _named(content: Any, compact: Callable[[str], str]) -> Any:
    return [compact(iri) for iri in content] if isinstance(content, list) else compact(content)
