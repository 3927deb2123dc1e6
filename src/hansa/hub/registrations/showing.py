"""A registration as a client reads it (clause 5.2.9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hansa.hub.registrations.operations import DEFAULT
from hansa.hub.registrations.reading import READ_ONLY, own_properties
from hansa.ngsild.context import Context

__all__ = ["shown"]

_TIMES = frozenset({"createdAt", "modifiedAt"})


def shown(
    record: Mapping[str, Any],
    context: Context,
    status: Mapping[str, Any],
    *,
    times: bool = False,
) -> dict[str, Any]:
    """`record` in the terms of `context`, with what became of the requests to it (`status`).

    It is shown whole in the answer to a query too: clause 5.10.2.5 would rather have the matching
    information alone, but what a client reads it may want to write back.
    """
    own = own_properties(dict(record))
    body: dict[str, Any] = {}
    for name, value in record.items():
        if name == "information":
            body[name] = [_info(item, context) for item in value]
        elif name in own:
            body[context.compact(name)] = value
        elif name == "scope":
            body[name] = value[0] if len(value) == 1 else value
        elif name not in READ_ONLY or (times and name in _TIMES):
            body[name] = value
    body.setdefault("mode", "inclusive")
    body.setdefault("operations", list(DEFAULT))
    return {**body, **status}


def _info(info: Mapping[str, Any], context: Context) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if "entities" in info:
        body["entities"] = [_entity(entity, context) for entity in info["entities"]]
    for member in ("propertyNames", "relationshipNames"):
        if member in info:
            body[member] = [context.compact(name) for name in info[member]]
    return body


def _entity(entity: Mapping[str, Any], context: Context) -> dict[str, Any]:
    types = [context.compact(name) for name in entity["type"]]
    return {**entity, "type": types[0] if len(types) == 1 else types}
