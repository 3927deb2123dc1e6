"""Writing history: ``/temporal/entities`` and what is below (clauses 5.6.11 to 5.6.16, 6.18 to 6.22)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from hansa.kernel.errors import BadRequest, HansaError
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context
from hansa.ngsild.expand import Rules
from hansa.ngsild.temporal_input import expand_evolution
from hansa.ngsild.values import check_name
from hansa.store.history import Added, Recording, Removed, Replaced
from hansa.store.port import Written
from hansa.web.api.answer import Answer, created, nothing
from hansa.web.api.call import JSON, LD_JSON, MERGE_JSON, Call
from hansa.web.api.entities import entity_id
from hansa.web.api.params import flag

__all__ = ["add", "change_instance", "remove", "remove_attribute", "remove_instance", "upsert"]


async def upsert(call: Call) -> Answer:
    """Create or Update Temporal Evolution of an Entity: 6.18.3.1, 5.6.11."""
    payload = await call.json()
    context = await call.body_context(payload)
    found = expand_evolution(payload, Rules(context))
    if found.id is None:
        raise BadRequest("the temporal entity", "has no id", "give it an 'id' that is a URI")
    if not found.types:
        raise BadRequest(f"entity {found.id}", "has no type", "give it a 'type'")
    done = await _record(call, Added(found.id, found.types, found.attributes), make=True)
    if not done.created:
        return nothing()
    return created(f"/ngsi-ld/v1/temporal/entities/{quote(found.id, safe=':')}")


async def add(call: Call) -> Answer:
    """Add Attributes to Temporal Evolution of an Entity: 6.20.3.1, 5.6.12."""
    id = entity_id(call)
    payload = await call.json()
    context = await call.body_context(payload)
    found = expand_evolution(payload, Rules(context))
    if found.id not in (None, id):
        raise BadRequest(f"entity {id}", f"the body speaks of {found.id}", "leave the id out of it")
    await _record(call, Added(id, found.types, found.attributes, create=False))
    return nothing()


async def remove_attribute(call: Call) -> Answer:
    """Delete Attribute from Temporal Evolution of an Entity: 6.21.3.1, 5.6.13."""
    id = entity_id(call)
    name = _attribute(call, await call.link_context())
    dataset = call.query.get("datasetId")
    if dataset is not None and dataset != "@none" and not is_uri(dataset):
        raise BadRequest(f"datasetId {dataset[:80]!r}", "is not a URI", "correct it")
    every = flag(call.query, "deleteAll")
    chosen = None if dataset == "@none" else dataset
    await _record(call, Removed(id, name, dataset=chosen, all=every))
    return nothing()


async def change_instance(call: Call) -> Answer:
    """Modify Attribute Instance in Temporal Evolution of an Entity: 6.22.3.1, 5.6.14."""
    id = entity_id(call)
    instance_id = _instance_id(call)
    payload = await call.json(JSON, LD_JSON, MERGE_JSON)
    context = await call.body_context(payload)
    name = _attribute(call, context)
    found = expand_evolution(_wrapped(call.path[1], payload), Rules(context))
    instances = found.attributes.pop(name, [])
    if len(instances) != 1 or found.attributes or found.id not in (None, id):
        raise BadRequest(
            f"the fragment for attribute '{call.path[1][:80]}'",
            "does not hold exactly one instance of that attribute",
            'send {"attribute": [{ … }]}, or the instance alone',
        )
    await _record(call, Replaced(id, name, instance_id, instances[0]))
    return nothing()


def _wrapped(name: str, payload: Any) -> Any:
    """A fragment of the entity; the bare instance is taken, too, as attributes are elsewhere."""
    if isinstance(payload, dict) and name not in payload and "type" in payload:
        bare = {k: v for k, v in payload.items() if k != "@context"}
        return {name: [bare]}
    return payload


async def remove_instance(call: Call) -> Answer:
    """Delete Attribute Instance from Temporal Evolution of an Entity: 6.22.3.2, 5.6.15."""
    id = entity_id(call)
    instance_id = _instance_id(call)
    name = _attribute(call, await call.link_context())
    await _record(call, Removed(id, name, instance_id))
    return nothing()


async def remove(call: Call) -> Answer:
    """Delete Temporal Evolution of an Entity: 6.19.3.2, 5.6.16."""
    await _record(call, Removed(entity_id(call)))
    return nothing()


def _attribute(call: Call, context: Context) -> str:
    name = check_name(call.path[1])
    return name if name == "scope" else context.expand(name)


def _instance_id(call: Call) -> str:
    id = call.path[2]
    if not is_uri(id):
        raise BadRequest(f"instanceId {id[:120]!r}", "is not a URI", "take it from the history")
    return id


async def _record(call: Call, recording: Recording, *, make: bool = False) -> Written:
    store = call.writer(make=make)
    (outcome,) = await call.service.commits().settled(store.record_history([recording]))
    if isinstance(outcome, HansaError):
        raise outcome
    return outcome
