"""Plain values out of entities in internal form."""

from __future__ import annotations

from typing import Any

from hansa.ngsild.model import VALUE_MEMBER, Entity, Instance

__all__ = ["first", "text", "value_of"]


def value_of(instance: Instance) -> Any:
    """The value that an attribute instance carries, whatever its kind."""
    return instance.get(VALUE_MEMBER[instance["type"]])


def first(entity: Entity, iri: str) -> Any:
    """The value of the first instance of an attribute, or ``None``."""
    instances = entity.get(iri)
    return value_of(instances[0]) if instances else None


def text(entity: Entity, *iris: str) -> str:
    """The first of these attributes that has a value, as text; "" when none has."""
    for iri in iris:
        value = first(entity, iri)
        if isinstance(value, dict) and "@value" in value:
            value = value["@value"]
        if isinstance(value, dict):
            value = next((v for v in value.values() if isinstance(v, str)), None)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
    return ""
