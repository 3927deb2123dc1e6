"""The information model: what an entity and an attribute are, in Hansa's internal form.

Internal form is plain JSON data. It differs from the normalized representation of ETSI GS CIM 009
(clause 4.5) only in being uniform, so that nothing has to guess:

* names of types, attributes and sub-attributes are IRIs; so are the values of VocabProperties and
  ``objectType``; members that the core @context defines keep their short names;
* ``type`` of an entity and ``scope`` are lists;
* every attribute and sub-attribute is a *list of instances*, the default instance (without
  ``datasetId``) first if there is one;
* an instance has ``type`` (one of :data:`KINDS`) and the value member of its kind;
* ``createdAt``, ``modifiedAt`` stand on the entity and on each attribute instance, in fixed-width UTC.

::

    {"id": "urn:ngsi-ld:Stop:1", "type": ["https://smartdatamodels.org/.../GtfsStop"],
     "createdAt": "2026-...Z", "modifiedAt": "2026-...Z",
     "https://uri.etsi.org/ngsi-ld/location": [
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [-71.3, -29.9]}, ...}]}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = [
    "DEFAULT_VOCABULARY",
    "ENTITY_MEMBERS",
    "INSTANCE_MEMBERS",
    "KINDS",
    "LOCATION",
    "NGSI_LD",
    "NULL",
    "VALUE_MEMBER",
    "Entity",
    "Instance",
    "attribute_names",
    "attributes",
    "declared_kind",
    "sub_attributes",
]

Entity = dict[str, Any]
Instance = dict[str, Any]

NGSI_LD: Final = "https://uri.etsi.org/ngsi-ld/"
DEFAULT_VOCABULARY: Final = NGSI_LD + "default-context/"
LOCATION: Final = NGSI_LD + "location"

NULL: Final = "urn:ngsi-ld:null"
"""NGSI-LD Null (clause 4.5.0): in a patch, the value that says "remove this"."""

VALUE_MEMBER: Final[dict[str, str]] = {
    "Property": "value",
    "Relationship": "object",
    "GeoProperty": "value",
    "LanguageProperty": "languageMap",
    "VocabProperty": "vocab",
    "JsonProperty": "json",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}
"""The member that carries the value, by kind of attribute (clause 4.5)."""

KINDS: Final = frozenset(VALUE_MEMBER)

ENTITY_MEMBERS: Final = frozenset(
    {"id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt", "@context"}
)
"""Members of an entity that are not attributes."""

INSTANCE_MEMBERS: Final = frozenset(VALUE_MEMBER.values()) | {
    "type",
    "datasetId",
    "observedAt",
    "unitCode",
    "valueType",
    "objectType",
    "createdAt",
    "modifiedAt",
    "deletedAt",
    "instanceId",
    "expiresAt",
    "entityIdSealed",
    "entityTypeSealed",
    "entity",
    "entityList",
    "previousValue",
    "previousObject",
    "previousLanguageMap",
    "previousVocab",
    "previousJson",
    "previousValueList",
    "previousObjectList",
    "lang",
}
"""Members of an attribute instance that are not sub-attributes."""


def attributes(entity: Entity) -> Iterator[tuple[str, list[Instance]]]:
    """The attributes of an entity: (IRI, instances)."""
    return ((k, v) for k, v in entity.items() if k not in ENTITY_MEMBERS)


def attribute_names(entity: Entity) -> set[str]:
    """The IRIs of the attributes of an entity."""
    return entity.keys() - ENTITY_MEMBERS


def sub_attributes(instance: Instance) -> Iterator[tuple[str, list[Instance]]]:
    """The sub-attributes of an attribute instance: (IRI, instances)."""
    return ((k, v) for k, v in instance.items() if k not in INSTANCE_MEMBERS)


def declared_kind(item: Mapping[str, Any]) -> str:
    """The kind of attribute that a JSON object says it is; empty if it says none, or anything else."""
    said = item.get("type", item.get("@type"))
    return said if isinstance(said, str) and said in KINDS else ""
