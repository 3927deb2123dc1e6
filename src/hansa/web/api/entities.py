"""``/entities/`` and ``/entities/{id}`` (clauses 6.4 and 6.5)."""

from __future__ import annotations

import asyncio
from dataclasses import replace as with_changes
from typing import Any
from urllib.parse import quote

import orjson

from hansa.hub import entities as hub
from hansa.hub.federation.entitymaps import HERE
from hansa.hub.targets import found
from hansa.kernel.errors import BadRequest, HansaError, NotFound
from hansa.kernel.ids import is_uri
from hansa.ngsild.adapt import Common
from hansa.ngsild.context import Context
from hansa.ngsild.expand import Rules, expand_entity, expand_fragment
from hansa.ngsild.model import Entity
from hansa.ngsild.query import Query, TypeFilter
from hansa.ngsild.represent import is_empty, represent
from hansa.ngsild.values import check_datetime, check_language, check_name
from hansa.store.port import Reader, Store, Write
from hansa.web.api.answer import Answer, created, document, nothing, tagged
from hansa.web.api.call import GEO_JSON, JSON, LD_JSON, MERGE_JSON, Call
from hansa.web.api.distribution import Reach, reach_of, shown_attributes
from hansa.web.api.entitymaps import keep_map, known_map, location_of, wants_map
from hansa.web.api.everywhere import (
    change_everywhere,
    create_everywhere,
    delete_everywhere,
    purge_everywhere,
    told,
)
from hansa.web.api.look import geometry_property, read_look
from hansa.web.api.params import names
from hansa.web.api.rendering import render_one
from hansa.web.api.selection import read_query, read_types

__all__ = [
    "create",
    "delete",
    "entity_id",
    "merge",
    "purge",
    "replace",
    "retrieve",
]

_PURGE_STEP = 1000


def entity_id(call: Call) -> str:
    """The identifier in the path."""
    id = call.path[0]
    if not is_uri(id):
        raise BadRequest(
            f"entity id {id[:120]!r}", "is not a URI", "use for example urn:ngsi-ld:Stop:17"
        )
    return id


async def create(call: Call) -> Answer:
    """Create Entity: 6.4.3.1, 5.6.1."""
    payload = await call.json()
    context = await call.body_context(payload)
    entity = expand_entity(payload, Rules(context))
    store = call.taker(make=True)
    made = created(f"/ngsi-ld/v1/entities/{quote(entity['id'], safe=':')}")
    if (reach := reach_of(call, context, store)) is not None:
        spread = await create_everywhere(reach, store, entity, payload)
        if spread is not None:
            return told(spread, entity["id"], made)
    await call.commit(store, hub.create(entity, call.now))
    return made


async def retrieve(call: Call) -> Answer:
    """Retrieve Entity: 6.5.3.1, 5.7.1."""
    kind = call.accepted(JSON, LD_JSON, GEO_JSON)
    id = entity_id(call)
    context = await call.link_context()
    look = read_look(call, context)
    types = read_types(call, context)
    geometry = geometry_property(call, context, kind)
    store = call.reader()
    local = present = call.alive(store.get(id))
    if (reach := reach_of(call, context, store)) is not None or wants_map(call):
        present = await _everywhere(call, context, id, types, present, reach)
    entity = found(id, present, types)
    if "attrs" in call.query and is_empty(entity, look.view):
        raise NotFound(f"entity {id}", "has none of the attributes asked for")
    if look.may_leave_nothing and not represent(entity, look.view):
        raise NotFound(f"entity {id}", "has none of the members asked for")
    shown = await render_one(call, entity, look, kind, geometry)
    answer = document(call, shown, context, kind, status=look.status_of([entity]))
    return tagged(call, answer, entity) if entity is local else answer


async def _everywhere(
    call: Call,
    context: Context,
    id: str,
    types: TypeFilter | None,
    present: Entity | None,
    reach: Reach | None,
) -> Entity | None:
    """The entity as everyone knows it, or those that an entity map names (clause 5.7.1.4)."""
    known = known_map(call)
    origins: list[str] = []
    here = [HERE] if present is not None else []
    if reach is not None:
        attributes = shown_attributes(call, context)
        present, origins = await reach.retrieve(id, types, attributes, present, known)
    if wants_map(call):
        found_map = known or keep_map(call, {id: [*here, *origins]} if present else {})
        call.extra.append((b"ngsild-entitymap", location_of(found_map)))
    return present


async def replace(call: Call) -> Answer:
    """Replace Entity: 6.5.3.3 (PUT), 5.6.18."""
    id, fragment, context = await _fragment(call)
    entity = expand_fragment(fragment, Rules(context))
    _same_id(id, entity)
    types = read_types(call, context)
    store = call.taker()

    def write(left: Entity) -> Write:
        return hub.replace(id, left, call.now, types)

    if (reach := reach_of(call, context, store)) is not None:
        spread = await change_everywhere(
            reach, store, "replaceEntity", "PUT", id, entity, fragment, types, write
        )
        if spread is not None:
            return told(spread, id, nothing())
    await call.commit(store, write(entity))
    return nothing()


async def merge(call: Call) -> Answer:
    """Merge Entity: 6.5.3.4 (PATCH), 5.6.17."""
    id, payload, context = await _fragment(call, MERGE_JSON)
    common = _common(call, context)
    rules = Rules(context, nulls=True, nested_nulls=True, simplified=common.simplified)
    fragment = expand_fragment(payload, rules)
    _same_id(id, fragment)
    types = read_types(call, context)
    store = call.taker()

    def write(left: Entity) -> Write:
        return hub.merge(id, left, call.now, types, common)

    if (reach := reach_of(call, context, store)) is not None:
        spread = await change_everywhere(
            reach, store, "mergeEntity", "PATCH", id, fragment, payload, types, write
        )
        if spread is not None:
            return told(spread, id, nothing())
    await call.commit(store, write(fragment))
    return nothing()


def _common(call: Call, context: Context) -> Common:
    """What the parameters say of all attributes of a merge."""
    observed_at, language = call.query.get("observedAt"), call.query.get("lang")
    if observed_at is not None:
        check_datetime(observed_at, "the parameter 'observedAt'")
    if language is not None:
        check_language(language, "the parameter 'lang'")
    simplified = bool(call.options & {"keyValues", "simplified"})
    return Common(simplified, language, observed_at, context)


async def _fragment(call: Call, *more: str) -> tuple[str, Any, Context]:
    id = entity_id(call)
    payload = await call.json(JSON, LD_JSON, *more)
    return id, payload, await call.body_context(payload)


def _same_id(id: str, entity: Entity) -> None:
    if entity.get("id", id) != id:
        raise BadRequest(
            f"entity {id}", f"the body speaks of {entity['id']}", "leave the id out of the body"
        )


async def delete(call: Call) -> Answer:
    """Delete Entity: 6.5.3.2, 5.6.6."""
    id = entity_id(call)
    context = await call.link_context()
    types = read_types(call, context)
    store = call.taker()
    if (reach := reach_of(call, context, store)) is not None:
        spread = await delete_everywhere(reach, store, id, types)
        if spread is not None:
            return told(spread, id, nothing())
    await call.commit(store, hub.delete(id, call.now, types))
    return nothing()


async def purge(call: Call) -> Answer:
    """Purge Entities: 6.4.3.3, 5.6.21."""
    context = await call.link_context()
    wanted = read_query(call, context)
    keep, drop = (
        frozenset(context.expand(check_name(term)) for term in names(call.query, name))
        for name in ("keep", "drop")
    )
    if keep and drop:
        raise BadRequest("the parameters 'keep' and 'drop'", "stand together", "use one")
    store = call.taker()
    if (reach := reach_of(call, context, store)) is not None and call.query.get("type") != "*":

        async def here() -> None:
            await _purge(call, store, wanted, keep, drop)

        spread = await purge_everywhere(reach, wanted, keep, drop, here)
        if spread is not None:
            return told(spread, "", nothing())
    await _purge(call, store, wanted, keep, drop)
    return nothing()


async def _purge(
    call: Call, store: Store, wanted: Query, keep: frozenset[str], drop: frozenset[str]
) -> None:
    """Purge what is here."""
    ids = await asyncio.to_thread(_matching_ids, store, wanted)
    for start in range(0, len(ids), _PURGE_STEP):
        step = ids[start : start + _PURGE_STEP]
        writes = [hub.purge(id, call.now, keep=keep, drop=drop, types=wanted.types) for id in step]
        for outcome in await call.commit_all(store, writes):
            if isinstance(outcome, HansaError):
                raise outcome


def _matching_ids(store: Reader, wanted: Query) -> list[str]:
    found: list[str] = []
    while True:
        page = store.query(with_changes(wanted, limit=_PURGE_STEP, offset=len(found)))
        found += [orjson.loads(raw)["id"] for raw in page.documents]
        if len(page.documents) < _PURGE_STEP:
            return found
