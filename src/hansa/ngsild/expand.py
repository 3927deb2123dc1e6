"""From what a client writes to the internal form (clauses 4.5, 5.2 and 5.5.4).

Normalized, concise and simplified input are read by the same rules, in this order:

1. an object with ``type`` naming a kind of attribute is normalized;
2. an object with the value member of a kind is concise, and the kind is inferred (a geometry as
   ``value`` makes a GeoProperty);
3. a bare GeoJSON geometry is a GeoProperty;
4. a list of such objects is a multi-attribute; any other value is a Property with that value.

Whatever is not well-formed is refused, with the name of the attribute; nothing is dropped except the
members that the specification calls system-generated, which are ignored on input.
"""

from __future__ import annotations

from typing import Any, Final

from hansa.kernel.errors import BadRequest, InvalidRequest, TooLarge
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context
from hansa.ngsild.geojson import GEOMETRY_TYPES
from hansa.ngsild.members import MEMBERS, check_proof, refuse_null
from hansa.ngsild.model import (
    INSTANCE_MEMBERS,
    NULL,
    VALUE_MEMBER,
    Entity,
    Instance,
    declared_kind,
)
from hansa.ngsild.plain import plain_instance
from hansa.ngsild.rules import Rules
from hansa.ngsild.values import (
    CHECKS,
    check_datetime,
    check_name,
    check_scopes,
    contains_null,
    is_null_value,
    without_nulls,
)

__all__ = ["Rules", "expand_attribute", "expand_entity", "expand_fragment", "is_deletion"]

_MAX_DEPTH: Final = 12
_GENERATED: Final = frozenset({"createdAt", "modifiedAt", "deletedAt"})
_GENERATED_INSIDE: Final = _GENERATED | {"instanceId"}
_ENTITY_KEYWORDS: Final = frozenset(
    {"id", "type", "scope", "expiresAt", "@context", "@id", "@type"}
)
_NOT_ATTRIBUTE_NAMES: Final = frozenset({"datasetId", "instanceId", "observedAt", "unitCode"})
_KIND_OF_MEMBER: Final = {
    member: kind for kind, member in VALUE_MEMBER.items() if member != "value"
} | {"value": "Property"}
_FORBIDDEN: Final = frozenset(
    {"entity", "entityList", "entityIdSealed", "entityTypeSealed", "@context"}
    | {f"previous{m[0].upper()}{m[1:]}" for m in VALUE_MEMBER.values()}
)
_MERGEABLE: Final = frozenset({"Property", "JsonProperty", "LanguageProperty"})
_UNITLESS: Final = frozenset({"Relationship", "ListRelationship", "JsonProperty"})
_PLACES: Final = frozenset({"location", "observationSpace", "operationSpace"})
_NUMBERS: Final = frozenset({bool, int, float})
_PROOF: Final = "ngsildproof"
_SEALED: Final = ("entityIdSealed", "entityTypeSealed")
_NEVER_PLAIN: Final = (
    INSTANCE_MEMBERS | _FORBIDDEN | _ENTITY_KEYWORDS | {_PROOF, *MEMBERS, *_KIND_OF_MEMBER}
)
"""Names that have rules of their own, as attributes or as members of one."""


def expand_entity(payload: Any, rules: Rules) -> Entity:
    """A whole entity; ``id`` and ``type`` must be there.

    Raises:
        BadRequest: the payload breaks a rule of the information model.
    """
    entity = expand_fragment(payload, rules)
    if "id" not in entity:
        raise BadRequest("entity", "it has no id", "give it an 'id' that is a URI")
    if "type" not in entity:
        raise BadRequest(f"entity {entity['id']}", "it has no type", "give it a 'type'")
    return entity


def expand_fragment(payload: Any, rules: Rules) -> Entity:
    """An entity fragment: any of id, type, scope and attributes (clause 5.4).

    Raises:
        InvalidRequest: the payload is not a JSON object.
        BadRequest: it breaks a rule of the information model.
    """
    if not isinstance(payload, dict):
        raise InvalidRequest(
            "entity", "it is not a JSON object", "send one object with id and type"
        )
    entity: Entity = {}
    if (id := payload.get("id", payload.get("@id"))) is not None or "id" in payload:
        entity["id"] = _id(id)
    if (type := payload.get("type", payload.get("@type"))) is not None or "type" in payload:
        entity["type"] = _types(type, rules.context)
    if "scope" in payload:
        entity["scope"] = _scope(payload["scope"], rules)
    if "expiresAt" in payload:
        entity["expiresAt"] = _expiry(payload["expiresAt"], rules)
    known, born = rules.context.names, rules.born
    for name, value in payload.items():
        iri = known.get(name)
        if iri is not None and iri not in entity:
            instance = plain_instance(value, known)
            if instance is not None and (name not in _PLACES or _is_place(instance)):
                if born is not None:
                    instance["createdAt"] = instance["modifiedAt"] = born
                entity[iri] = [instance]
                continue
        if name not in _ENTITY_KEYWORDS and name not in _GENERATED:
            _add(entity, name, value, rules)
            if name in _PLACES:
                _check_place(name, entity[rules.context.expand(name)])
    return entity


def expand_attribute(name: str, payload: Any, rules: Rules) -> list[Instance]:
    """The instances of one attribute, as sent to ``/attrs/{name}``.

    In a partial update an instance without ``type`` is one whose payload names none.
    """
    found = _instances(name, payload, rules, depth=0)
    if rules.partial and not (isinstance(payload, dict) and {"type", "@type"} & payload.keys()):
        return [{k: v for k, v in instance.items() if k != "type"} for instance in found]
    if name in _PLACES:
        _check_place(name, found)
    return found


def is_deletion(instance: Instance) -> bool:
    """Whether a patch's instance is NGSI-LD Null and so asks for removal."""
    kind = instance["type"]
    member = VALUE_MEMBER[kind]
    return member in instance and is_null_value(kind, instance[member])


def _id(value: Any) -> str:
    if not is_uri(value) or value == NULL:
        raise BadRequest(
            f"entity id {str(value)[:120]!r}",
            "is not the URI of a thing",
            "use for example urn:ngsi-ld:Stop:17",
        )
    return str(value)


def _types(value: Any, context: Context) -> list[str]:
    if not isinstance(value, list):
        return [context.expand(check_name(value))]
    if not value:
        raise BadRequest("entity", "its list of types is empty", "name at least one type")
    return list(dict.fromkeys(context.expand(check_name(name)) for name in value))


def _scope(value: Any, rules: Rules) -> list[str]:
    if value != NULL:
        return check_scopes(value)
    if not rules.nulls:
        raise refuse_null("scope")
    return [NULL]


def _expiry(value: Any, rules: Rules) -> str:
    return NULL if value == NULL and rules.nulls else check_datetime(value, "member expiresAt")


def _check_place(name: str, instances: list[Instance]) -> None:
    """Clause 4.7.1 defines these attributes as GeoProperties."""
    for instance in instances:
        if not _is_place(instance) and not is_deletion(instance):
            raise BadRequest(
                f"attribute '{name}'",
                f"it is a {instance['type']}, but the core @context makes it a GeoProperty",
                "give it a GeoJSON geometry, or another name",
            )


def _is_place(instance: Instance) -> bool:
    return bool(instance["type"] == "GeoProperty")


def _add(target: Entity | Instance, name: str, value: Any, rules: Rules, depth: int = 0) -> None:
    if name in _NOT_ATTRIBUTE_NAMES:
        raise BadRequest(
            f"attribute '{name}'", "the core @context reserves this name", "choose another name"
        )
    iri = rules.context.expand(check_name(name))
    if iri in target:
        raise BadRequest(f"attribute '{name}'", f"two names stand for {iri}", "keep one of them")
    target[iri] = found = _instances(name, value, rules, depth)
    if rules.born is not None and not depth:
        for instance in found:
            instance["createdAt"] = instance["modifiedAt"] = rules.born
    if name not in _NEVER_PLAIN:
        rules.context.remember(name, iri)


def _instances(name: str, value: Any, rules: Rules, depth: int) -> list[Instance]:
    if depth > _MAX_DEPTH:
        raise TooLarge(
            f"attribute '{name}'",
            f"sub-attributes are nested deeper than {_MAX_DEPTH} levels",
            "flatten them or use a JsonProperty",
        )
    if not isinstance(value, list) or not _is_multiple(value):
        return [_instance(name, value, rules, depth)]
    found = [_instance(name, item, rules, depth) for item in value]
    datasets = [instance.get("datasetId") for instance in found]
    if len(set(datasets)) < len(datasets):
        raise BadRequest(
            f"attribute '{name}'", "two instances have the same datasetId", "give each its own"
        )
    found.sort(key=lambda instance: "datasetId" in instance)
    return found


def _is_multiple(value: list[Any]) -> bool:
    """Whether a list holds attribute instances rather than being itself a Property's value."""
    return bool(value) and all(isinstance(item, dict) and _is_instance(item) for item in value)


def _is_instance(item: dict[str, Any]) -> bool:
    return bool(declared_kind(item)) or not _KIND_OF_MEMBER.keys().isdisjoint(item)


def _instance(name: str, value: Any, rules: Rules, depth: int) -> Instance:
    if not isinstance(value, dict):
        return _bare(name, value, rules)
    kind = declared_kind(value) or _inferred(name, value, rules, depth)
    if not kind:
        return _bare(name, value, rules)
    return _read(name, value, kind, rules, depth)


def _bare(name: str, value: Any, rules: Rules) -> Instance:
    """A value without any attribute around it (concise, clause 4.5.2.3)."""
    if value == NULL and rules.nulls:
        return {"type": "Property", "value": NULL}
    kind = "Property"
    if isinstance(value, dict) and value.get("type") in GEOMETRY_TYPES and "coordinates" in value:
        kind = "GeoProperty"
    return _read(name, {"value": value}, kind, rules, depth=0)


def _inferred(name: str, value: dict[str, Any], rules: Rules, depth: int) -> str:
    """The kind of an attribute object without a type; empty if it is itself a Property's value."""
    if (value.get("type") in GEOMETRY_TYPES and "coordinates" in value) or not value:
        return ""
    members = _KIND_OF_MEMBER.keys() & value.keys()
    if len(members) == 1 and ("type" not in value or rules.simplified):
        (member,) = members
        inner = value[member]
        if member == "value" and isinstance(inner, dict) and inner.get("type") in GEOMETRY_TYPES:
            return "GeoProperty"
        return _KIND_OF_MEMBER[member]
    if rules.partial and depth == 0 and "type" not in value:
        return "Property"
    if members or (isinstance(value.get("type"), str) and not rules.simplified):
        raise BadRequest(
            f"attribute '{name}'",
            f"its type {value.get('type')!r:.80} is not a kind of attribute",
            f"use one of {', '.join(VALUE_MEMBER)}",
        )
    return ""


def _read(name: str, value: dict[str, Any], kind: str, rules: Rules, depth: int) -> Instance:
    instance: Instance = {"type": kind}
    own = VALUE_MEMBER[kind]
    if own in value:
        instance[own] = _value(name, kind, value[own], rules)
    elif not rules.partial or depth:
        raise BadRequest(f"attribute '{name}'", f"a {kind} must have '{own}'", f"add '{own}'")
    for member, content in value.items():
        if member == own or member in ("type", "@type") or member in _GENERATED_INSIDE:
            continue
        reader = MEMBERS.get(member)
        if reader is not None:
            reader(instance, name, member, content, rules)
        elif member in _FORBIDDEN or member in _KIND_OF_MEMBER:
            _refuse_member(instance, name, member, content, rules)
        else:
            _add(instance, member, content, rules, depth + 1)
    if kind in _UNITLESS and "unitCode" in instance:
        raise BadRequest(f"attribute '{name}'", f"a {kind} has no unit", "leave out 'unitCode'")
    return instance


def _value(name: str, kind: str, value: Any, rules: Rules) -> Any:
    if kind == "Property" and type(value) in _NUMBERS and name != _PROOF:
        return value
    if rules.nulls and is_null_value(kind, value):
        return value
    if kind != "JsonProperty" or rules.nested_nulls:
        left = without_nulls(value) if rules.nested_nulls and kind in _MERGEABLE else value
        if contains_null(left):
            raise refuse_null(f"attribute '{name}'")
        if left is not value and left != value:
            if left:
                CHECKS[kind](left, name, rules.context)
            return value
    if name == _PROOF:
        check_proof(name, value)
    return CHECKS[kind](value, name, rules.context)


def _refuse_member(at: Instance, name: str, member: str, content: Any, rules: Rules) -> None:
    if name == _PROOF and member in _SEALED and isinstance(content, str):
        at[member] = rules.context.expand(content) if member == "entityTypeSealed" else content
        return
    raise BadRequest(
        f"attribute '{name}'",
        f"a {at['type']} cannot have '{member}'",
        f"leave '{member}' out, or change the attribute's type",
    )
