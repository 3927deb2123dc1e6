"""Writing history: ``/temporal/entities`` and what is below (clauses 5.6.11 to 5.6.16, 6.18 to 6.22)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from hansa.hub.federation.asks import Question, entity_path
from hansa.hub.federation.plan import Forward
from hansa.hub.federation.sources import Answer as Answered
from hansa.hub.federation.speech import Speech, reworded
from hansa.hub.federation.writes import Spread, Told
from hansa.kernel.errors import BadRequest, HansaError
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context
from hansa.ngsild.expand import Rules
from hansa.ngsild.model import ENTITY_MEMBERS
from hansa.ngsild.temporal_input import expand_evolution
from hansa.ngsild.values import check_name
from hansa.store.history import SCOPE, Added, Recording, Removed, Replaced
from hansa.store.port import Reader, Written
from hansa.web.api.answer import Answer, created, nothing
from hansa.web.api.call import JSON, LD_JSON, MERGE_JSON, Call
from hansa.web.api.distribution import Target, reach_of
from hansa.web.api.entities import entity_id
from hansa.web.api.everywhere import told, told_attributes
from hansa.web.api.params import flag

__all__ = ["add", "change_instance", "remove", "remove_attribute", "remove_instance", "upsert"]


_ALL: Final = "/temporal/entities"


async def upsert(call: Call) -> Answer:
    """Create or Update Temporal Evolution of an Entity: 6.18.3.1, 5.6.11."""
    payload = await call.json()
    context = await call.body_context(payload)
    found = expand_evolution(payload, Rules(context))
    if found.id is None:
        raise BadRequest("the temporal entity", "has no id", "give it an 'id' that is a URI")
    if not found.types:
        raise BadRequest(f"entity {found.id}", "has no type", "give it a 'type'")
    adding = Added(found.id, found.types, found.attributes)
    names = frozenset(found.attributes)
    place = _Place(found.id, frozenset(found.types), names, "upsertTemporal", "POST", _ALL, payload)
    done = await _write(call, context, place, adding, make=True)
    success = nothing()
    if any(_made(part) for part in done.parts):
        success = created(f"/ngsi-ld/v1/temporal/entities/{quote(found.id, safe=':')}")
    return told(done, found.id, success)


async def add(call: Call) -> Answer:
    """Add Attributes to Temporal Evolution of an Entity: 6.20.3.1, 5.6.12."""
    id = entity_id(call)
    payload = await call.json()
    context = await call.body_context(payload)
    found = expand_evolution(payload, Rules(context))
    if found.id not in (None, id):
        raise BadRequest(f"entity {id}", f"the body speaks of {found.id}", "leave the id out of it")
    adding = Added(id, found.types, found.attributes, create=False)
    types, names = frozenset(found.types) or None, frozenset(found.attributes)
    path = _path(id) + "/attrs"
    place = _Place(id, types, names, "appendAttrsTemporal", "POST", path, payload)
    return told_attributes(await _write(call, context, place, adding), names, nothing())


async def remove_attribute(call: Call) -> Answer:
    """Delete Attribute from Temporal Evolution of an Entity: 6.21.3.1, 5.6.13."""
    id = entity_id(call)
    context = await call.link_context()
    name = _attribute(call, context)
    dataset = call.query.get("datasetId")
    if dataset is not None and dataset != "@none" and not is_uri(dataset):
        raise BadRequest(f"datasetId {dataset[:80]!r}", "is not a URI", "correct it")
    every = flag(call.query, "deleteAll")
    chosen = None if dataset == "@none" else dataset
    removing = Removed(id, name, dataset=chosen, all=every)
    place = _Place(id, None, frozenset({name}), "deleteAttrsTemporal", "DELETE", _path(id))
    return told(await _write(call, context, place, removing), id, nothing())


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
    replacing = Replaced(id, name, instance_id, instances[0])
    names = frozenset({name})
    operation = "updateAttrInstanceTemporal"
    place = _Place(id, None, names, operation, "PATCH", _path(id), payload, instance_id)
    return told(await _write(call, context, place, replacing), id, nothing())


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
    context = await call.link_context()
    name = _attribute(call, context)
    names, operation = frozenset({name}), "deleteAttrInstanceTemporal"
    place = _Place(id, None, names, operation, "DELETE", _path(id), None, instance_id)
    return told(await _write(call, context, place, Removed(id, name, instance_id)), id, nothing())


async def remove(call: Call) -> Answer:
    """Delete Temporal Evolution of an Entity: 6.19.3.2, 5.6.16."""
    id = entity_id(call)
    context = await call.link_context()
    place = _Place(id, None, None, "deleteTemporal", "DELETE", _path(id))
    return told(await _write(call, context, place, Removed(id)), id, nothing())


def _attribute(call: Call, context: Context) -> str:
    name = check_name(call.path[1])
    return name if name == "scope" else context.expand(name)


def _instance_id(call: Call) -> str:
    id = call.path[2]
    if not is_uri(id):
        raise BadRequest(f"instanceId {id[:120]!r}", "is not a URI", "take it from the history")
    return id


# -- here and elsewhere ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """What a write is about, and how a source is told of it.

    Attributes:
        names: the attributes; None when it is the entity's whole past.
        path: of the entity, or of the collection; a single attribute is added to it.
        instance: the instance that it is about.
    """

    id: str
    types: frozenset[str] | None
    names: frozenset[str] | None
    operation: str
    method: str
    path: str
    payload: Any = None
    instance: str | None = None


async def _write(
    call: Call, context: Context, place: _Place, recording: Recording, *, make: bool = False
) -> Spread:
    """Record something here, and at the sources that it concerns.

    Raises:
        HansaError: it has one part alone, and that failed.
    """
    store = call.taker(make=make)
    reach = reach_of(call, context, store)

    async def local(rest: frozenset[str]) -> Written:
        mine = recording
        if rest and isinstance(recording, Added):
            left = {k: v for k, v in recording.attributes.items() if k in rest}
            mine = replace(recording, attributes=left)
        (outcome,) = await call.service.commits().settled(store.record_history([mine]))
        if isinstance(outcome, HansaError):
            raise outcome
        return outcome

    if reach is not None:
        types = place.types
        if types is None:
            types = await asyncio.to_thread(_types_before, store, place.id)
        target = Target(place.id, types, place.names)
        question = partial(_question, call, context, place)
        spread = await reach.write(target, place.operation, question, local, past=True)
        if spread is not None:
            return spread
    return Spread((Told(None, detail=await local(frozenset())),))


def _question(
    call: Call, context: Context, place: _Place, forward: Forward, speech: Speech
) -> Question:
    """What a source is sent: its part, in its words."""
    path = place.path
    given: dict[str, str] = {}
    if place.operation.startswith(("deleteAttr", "updateAttr")):
        (name,) = place.names or ("",)
        term = name if name == SCOPE else speech.context.compact(name)
        path += f"/attrs/{quote(term, safe=':')}"
    if place.instance is not None:
        path += f"/{quote(place.instance, safe=':')}"
    if place.operation == "deleteAttrsTemporal":
        given = {k: v for k, v in call.query.items() if k in ("datasetId", "deleteAll")}
    body = place.payload
    if isinstance(body, dict):
        kept = {
            name: value
            for name, value in body.items()
            if not forward.attributes
            or name in ENTITY_MEMBERS - {SCOPE}
            or (name if name == SCOPE else context.expand(name)) in forward.attributes
            or place.instance is not None
        }
        body = reworded(kept, context, speech.context)
    return Question(place.method, path, given, body)


def _types_before(store: Reader, id: str) -> frozenset[str] | None:
    """The types of an entity, as its past here knows them."""
    with store.past() as past:
        head = past.head(id)
    return None if head is None else frozenset(head.types)


def _made(part: Told) -> bool:
    """Whether a part of an upsert created something."""
    if part.registration is None:
        return isinstance(part.detail, Written) and part.detail.created
    return isinstance(part.detail, Answered) and part.detail.response.status == 201


def _path(id: str) -> str:
    return "/temporal" + entity_path(id)
