"""``/entities/{id}/attrs/`` and ``/entities/{id}/attrs/{name}`` (clauses 6.6 and 6.7)."""

from __future__ import annotations

from typing import Any

from hansa.hub import attributes as hub
from hansa.kernel.errors import BadRequest
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context
from hansa.ngsild.expand import Rules, expand_attribute, expand_fragment
from hansa.ngsild.model import Entity, attribute_names
from hansa.ngsild.query import TypeFilter
from hansa.ngsild.values import check_name
from hansa.store.port import Write
from hansa.web.api.answer import Answer, nothing, plain
from hansa.web.api.call import JSON, LD_JSON, MERGE_JSON, Call
from hansa.web.api.distribution import reach_of
from hansa.web.api.entities import entity_id
from hansa.web.api.everywhere import attribute_everywhere, change_everywhere, told_attributes
from hansa.web.api.params import flag
from hansa.web.api.selection import read_types

__all__ = ["append", "delete", "partial_update", "replace", "update"]


async def append(call: Call) -> Answer:
    """Append Attributes: 6.6.3.1 (POST), 5.6.3."""
    id, payload, context = await _body(call)
    fragment = expand_fragment(payload, Rules(context))
    overwrite = "noOverwrite" not in call.options
    types = read_types(call, context)
    store = call.taker()

    def write(left: Entity) -> Write:
        return hub.append(id, left, call.now, overwrite=overwrite, types=types)

    if (reach := reach_of(call, context, store)) is not None:
        spread = await change_everywhere(
            reach, store, "appendAttrs", "POST", id, fragment, payload, types, write, "/attrs/"
        )
        if spread is not None:
            return told_attributes(spread, frozenset(attribute_names(fragment)), nothing())
    return _result((await call.commit(store, write(fragment))).detail)


async def update(call: Call) -> Answer:
    """Update Attributes: 6.6.3.2 (PATCH), 5.6.2."""
    id, payload, context = await _body(call, MERGE_JSON)
    fragment = expand_fragment(payload, Rules(context, nulls=True))
    types = read_types(call, context)
    store = call.taker()

    def write(left: Entity) -> Write:
        return hub.update(id, left, call.now, types)

    if (reach := reach_of(call, context, store)) is not None:
        spread = await change_everywhere(
            reach, store, "updateEntity", "PATCH", id, fragment, payload, types, write, "/attrs/"
        )
        if spread is not None:
            return told_attributes(spread, frozenset(attribute_names(fragment)), nothing())
    return _result((await call.commit(store, write(fragment))).detail)


async def partial_update(call: Call) -> Answer:
    """Partial Attribute Update: 6.7.3.1 (PATCH), 5.6.4."""
    id, payload, context = await _body(call, MERGE_JSON)
    name = _attribute(call, context)
    rules = Rules(context, nulls=True, partial=True)
    instances = expand_attribute(call.path[1], _without_context(payload), rules)
    if len(instances) != 1:
        raise BadRequest(f"attribute '{call.path[1]}'", "several instances are given", "give one")
    types = read_types(call, context)
    write = hub.partial_update(id, name, instances[0], call.now, types)
    return await _one(call, context, "updateAttrs", "PATCH", id, name, payload, types, write)


async def replace(call: Call) -> Answer:
    """Replace Attribute: 6.7.3.3 (PUT), 5.6.19."""
    id, payload, context = await _body(call)
    name = _attribute(call, context)
    instances = expand_attribute(call.path[1], _without_context(payload), Rules(context))
    types = read_types(call, context)
    write = hub.replace(id, name, instances, call.now, types)
    return await _one(call, context, "replaceAttrs", "PUT", id, name, payload, types, write)


async def delete(call: Call) -> Answer:
    """Delete Attribute: 6.7.3.2, 5.6.5."""
    id = entity_id(call)
    context = await call.link_context()
    name = "scope" if call.path[1] == "scope" else _attribute(call, context)
    dataset = call.query.get("datasetId")
    if dataset is not None and dataset != "@none" and not is_uri(dataset):
        raise BadRequest(f"datasetId {dataset[:80]!r}", "is not a URI", "correct it")
    types = read_types(call, context)
    write = hub.delete(
        id,
        name,
        call.now,
        dataset_id=None if dataset == "@none" else dataset,
        all=flag(call.query, "deleteAll"),
        types=types,
    )
    return await _one(call, context, "deleteAttrs", "DELETE", id, name, None, types, write)


async def _one(
    call: Call,
    context: Context,
    operation: str,
    method: str,
    id: str,
    name: str,
    payload: Any,
    types: TypeFilter | None,
    write: Write,
) -> Answer:
    """A write to one attribute, here and wherever it is registered."""
    store = call.taker()
    if (reach := reach_of(call, context, store)) is not None:
        spread = await attribute_everywhere(
            reach, store, operation, method, id, name, payload, types, write
        )
        if spread is not None:
            return told_attributes(spread, frozenset({name}), nothing())
    await call.commit(store, write)
    return nothing()


async def _body(call: Call, *more: str) -> tuple[str, Any, Context]:
    id = entity_id(call)
    payload = await call.json(JSON, LD_JSON, *more)
    return id, payload, await call.body_context(payload)


def _without_context(payload: Any) -> Any:
    if isinstance(payload, dict) and "@context" in payload:
        return {k: v for k, v in payload.items() if k != "@context"}
    return payload


def _attribute(call: Call, context: Context) -> str:
    name = check_name(call.path[1])
    if name == "scope":
        raise BadRequest("scope", "is not an attribute", "change it by updating the entity")
    return context.expand(name)


def _result(result: hub.UpdateResult) -> Answer:
    """204 when everything was written, else 207 saying what was not (clause 5.2.18)."""
    if not result.not_updated:
        return nothing()
    body = {
        "updated": list(result.updated),
        "notUpdated": [{"attributeName": n, "reason": r} for n, r in result.not_updated],
    }
    return plain(207, body)
