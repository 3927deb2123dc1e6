"""From the temporal representation that a client writes to instances (clauses 4.5.6 to 4.5.8, 5.2.20).

Each attribute is one instance or an array of them, any number to a dataset. Unlike in the present, an
instance may be NGSI-LD Null: it tells that the attribute was deleted, and may say when in
``deletedAt``. Nothing else may be null. The scope is written as such, or as instances of a Property
whose values are scopes and that know nothing but their times.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from hansa.kernel.errors import BadRequest, InvalidRequest
from hansa.ngsild.expand import Rules, expand_attribute, expand_fragment, is_deletion
from hansa.ngsild.members import refuse_null
from hansa.ngsild.model import INSTANCE_MEMBERS, NULL, VALUE_MEMBER, Instance
from hansa.ngsild.values import check_datetime, check_name, check_scopes, null_value

__all__ = ["Evolution", "expand_evolution", "expand_instance"]

_HEAD: Final = frozenset({"id", "type", "expiresAt", "@id", "@type"})
_LEFT_OUT: Final = frozenset({"@context", "createdAt", "modifiedAt", "deletedAt"})
_RESERVED: Final = frozenset({"datasetId", "instanceId", "observedAt", "unitCode"})
_SCOPE_MEMBERS: Final = frozenset(
    {"type", "value", "observedAt", "createdAt", "modifiedAt", "deletedAt", "instanceId"}
)


@dataclass(frozen=True, slots=True)
class Evolution:
    """What a client tells of the past of an entity; names are IRIs, ``scope`` stands for itself."""

    id: str | None
    types: tuple[str, ...]
    attributes: dict[str, list[Instance]] = field(default_factory=dict)


def expand_evolution(payload: Any, rules: Rules) -> Evolution:
    """The temporal representation of an entity, or a fragment of it.

    Raises:
        InvalidRequest: the payload is not a JSON object.
        BadRequest: it breaks a rule of the information model.
    """
    if not isinstance(payload, dict):
        raise InvalidRequest("the temporal entity", "is not a JSON object", "send one object")
    head = expand_fragment({k: v for k, v in payload.items() if k in _HEAD}, rules)
    found: dict[str, list[Instance]] = {}
    for name, value in payload.items():
        if name == "scope":
            found["scope"] = _scopes(value)
        elif name not in _HEAD and name not in _LEFT_OUT:
            iri = _attribute_name(name, rules)
            if iri in found:
                raise BadRequest(f"attribute '{name}'", f"two names stand for {iri}", "keep one")
            found[iri] = [expand_instance(name, item, rules) for item in _items(name, value)]
    return Evolution(head.get("id"), tuple(head.get("type", ())), found)


def _attribute_name(name: str, rules: Rules) -> str:
    if name in _RESERVED:
        raise BadRequest(
            f"attribute '{name}'", "the core @context reserves this name", "choose another name"
        )
    return rules.context.expand(check_name(name))


def _items(name: str, value: Any) -> list[Any]:
    """The instances of an attribute as written; a list of plain values is the value of one."""
    if not isinstance(value, list):
        return [value]
    if not value:
        raise BadRequest(f"attribute '{name}'", "has no instance", "leave it out or give instances")
    return value if all(isinstance(item, dict) for item in value) else [value]


def expand_instance(name: str, item: Any, rules: Rules) -> Instance:
    """One instance of an attribute.

    Raises:
        BadRequest: it breaks a rule of the information model.
    """
    (found,) = expand_attribute(name, item, replace(rules, nulls=True))
    own = VALUE_MEMBER[found["type"]]
    if is_deletion(found):
        found[own] = null_value(found["type"])
        if isinstance(item, dict) and "deletedAt" in item:
            found["deletedAt"] = check_datetime(item["deletedAt"], f"attribute '{name}', deletedAt")
    for member, content in found.items():
        inner = content if isinstance(content, list) and member not in INSTANCE_MEMBERS else []
        if member != own and (content == NULL or any(is_deletion(each) for each in inner)):
            raise refuse_null(f"attribute '{name}', member {member}")
    return found


def _scopes(value: Any) -> list[Instance]:
    items = value if isinstance(value, list) else [value]
    if not any(isinstance(item, dict) for item in items):
        return [{"type": "Property", "value": _scope_value(value)}]
    return [_scope(item) for item in items]


def _scope(item: Any) -> Instance:
    if not isinstance(item, dict) or item.get("type", "Property") != "Property":
        raise BadRequest(
            "scope", "an instance of it is no Property", 'write {"type": "Property", …}'
        )
    other = item.keys() - _SCOPE_MEMBERS
    if "value" not in item or other:
        fact = (
            f"an instance of it has '{min(other)}'" if other else "an instance of it has no value"
        )
        raise BadRequest("scope", fact, "give a value and its times alone")
    found: Instance = {"type": "Property", "value": item["value"]}
    if item["value"] in (NULL, []):
        found["value"] = []
        if "deletedAt" in item:
            found["deletedAt"] = check_datetime(item["deletedAt"], "scope, deletedAt")
    else:
        found["value"] = _scope_value(item["value"])
    if "observedAt" in item:
        found["observedAt"] = check_datetime(item["observedAt"], "scope, observedAt")
    return found


def _scope_value(value: Any) -> Any:
    scopes = check_scopes(value)
    return scopes if len(scopes) > 1 else scopes[0]
