"""``/types/`` and ``/attributes/`` (clauses 6.25 to 6.28)."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from hansa.hub.discovery import AttributeUse, TypeUse, attribute_uses, type_uses
from hansa.kernel.errors import NotFound
from hansa.ngsild.context import Context
from hansa.ngsild.model import ENTITY_MEMBERS
from hansa.ngsild.query import Query
from hansa.ngsild.values import check_name
from hansa.web.api.answer import Answer, document
from hansa.web.api.call import JSON, LD_JSON, Call
from hansa.web.api.distribution import reach_of
from hansa.web.api.params import flag

__all__ = ["attribute", "attributes", "type", "types"]


async def types(call: Call) -> Answer:
    """Available types, as names or with their attributes: 6.25.3.1, 5.7.5 and 5.7.6."""
    kind, context, found = await _found(call, type_uses, "types")
    if flag(call.query, "details"):
        body: Any = [_type(use, context) for use in found]
    else:
        body = {
            "id": _list_id("EntityTypeList", (use.name for use in found)),
            "type": "EntityTypeList",
            "typeList": [context.compact(use.name) for use in found],
        }
    return document(call, body, context, kind)


async def type(call: Call) -> Answer:
    """What is known of one type: 6.26.3.1, 5.7.7."""
    kind, context, found = await _found(call, type_uses, "types")
    name = context.expand(check_name(call.path[0]))
    use = next((use for use in found if use.name == name), None)
    if use is None:
        raise NotFound(f"type {call.path[0]}", "no entity here has it", "see /ngsi-ld/v1/types")
    body = {
        "id": use.name,
        "type": "EntityTypeInfo",
        "typeName": context.compact(use.name),
        "entityCount": use.count,
        "attributeDetails": [
            {
                "id": attribute,
                "type": "Attribute",
                "attributeName": context.compact(attribute),
                "attributeTypes": sorted(kinds),
            }
            for attribute, kinds in use.attributes.items()
        ],
    }
    return document(call, body, context, kind)


async def attributes(call: Call) -> Answer:
    """Available attributes, as names or with details: 6.27.3.1, 5.7.8 and 5.7.9."""
    kind, context, found = await _found(call, attribute_uses, "attributes")
    if flag(call.query, "details"):
        body: Any = [
            {
                "id": use.name,
                "type": "Attribute",
                "attributeName": context.compact(use.name),
                "typeNames": [context.compact(name) for name in use.types],
            }
            for use in found
        ]
    else:
        body = {
            "id": _list_id("AttributeList", (use.name for use in found)),
            "type": "AttributeList",
            "attributeList": [context.compact(use.name) for use in found],
        }
    return document(call, body, context, kind)


async def attribute(call: Call) -> Answer:
    """What is known of one attribute: 6.28.3.1, 5.7.10."""
    kind, context, found = await _found(call, attribute_uses, "attributes")
    name = call.path[0]
    name = name if name in ENTITY_MEMBERS else context.expand(check_name(name))
    use = next((use for use in found if use.name == name), None)
    if use is None:
        raise NotFound(
            f"attribute {call.path[0]}", "no entity here has it", "see /ngsi-ld/v1/attributes"
        )
    return document(call, _attribute(use, context), context, kind)


async def _found(call: Call, count: Any, what: str) -> tuple[str, Context, list[Any]]:
    kind = call.accepted(JSON, LD_JSON)
    context = await call.link_context()
    store = call.summed_reader(Query())
    shapes = await asyncio.to_thread(store.shapes)
    is_member = bool(call.path) and call.path[0] in ENTITY_MEMBERS
    if not is_member and (reach := reach_of(call, context, store)) is not None:
        name = context.expand(check_name(call.path[0])) if call.path else None
        shapes = shapes + await reach.shapes(what, details=flag(call.query, "details"), name=name)
    return kind, context, count(shapes)


def _type(use: TypeUse, context: Context) -> dict[str, Any]:
    return {
        "id": use.name,
        "type": "EntityType",
        "typeName": context.compact(use.name),
        "attributeNames": [context.compact(name) for name in use.attributes],
    }


def _attribute(use: AttributeUse, context: Context) -> dict[str, Any]:
    return {
        "id": use.name,
        "type": "Attribute",
        "attributeName": context.compact(use.name),
        "attributeCount": use.count,
        "attributeTypes": sorted(use.kinds),
        "typeNames": [context.compact(name) for name in use.types],
    }


def _list_id(kind: str, parts: Any) -> str:
    """A stable identifier of a list: the same content has the same one."""
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return f"urn:ngsi-ld:{kind}:{digest}"
