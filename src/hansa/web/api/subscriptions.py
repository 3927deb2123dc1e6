"""``/subscriptions``: clauses 6.10 and 6.11.

A subscription names addresses and may hold what proves who sends to them, so only who may write the
tenant's entities sees it.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any
from urllib.parse import quote

import orjson

from hansa.hub.subscriptions.model import KIND
from hansa.hub.subscriptions.showing import show
from hansa.hub.subscriptions.writing import Origin, create, delete, existing, update
from hansa.kernel.errors import BadRequest, HansaError
from hansa.ngsild.context import Context
from hansa.ngsild.query import Query
from hansa.store.port import Store, Write
from hansa.web.api.answer import Answer, created, document, nothing
from hansa.web.api.call import JSON, LD_JSON, MERGE_JSON, Call
from hansa.web.api.listing import paging
from hansa.web.api.params import flag, number

__all__ = ["change", "query", "remove", "retrieve", "subscribe"]


async def subscribe(call: Call) -> Answer:
    """Create Subscription: 6.10.3.1, 5.8.1."""
    payload = await call.json()
    context = await call.body_context(payload)
    id = _new_id(payload)
    store = call.writer(make=True)
    origin = await _origin(call, context, store)
    write = create(id, payload, origin, call.now)
    await _check_context(call, payload)
    await _commit(call, store, write)
    return created(f"/ngsi-ld/v1/subscriptions/{quote(id, safe=':')}")


async def retrieve(call: Call) -> Answer:
    """Retrieve Subscription: 6.11.3.1, 5.8.3."""
    kind = call.accepted(JSON, LD_JSON)
    context = await call.link_context()
    id = call.path[0]
    store = call.writer()
    existing(id, {})
    await call.service.notifier.settled(call.tenant)
    raw = await asyncio.to_thread(store.record, KIND, id)
    record = existing(id, None if raw is None else orjson.loads(raw))
    shown = await asyncio.to_thread(_shown, call, store, record, context)
    return document(call, shown, context, kind)


async def query(call: Call) -> Answer:
    """Query Subscriptions: 6.10.3.2, 5.8.4."""
    kind = call.accepted(JSON, LD_JSON)
    context = await call.link_context()
    settings = call.service.settings
    limit = number(call.query, "limit", settings.page_limit, 0, settings.page_limit_max)
    offset = number(call.query, "offset", 0, 0, 2**31)
    counted = flag(call.query, "count") or "count" in call.options
    if limit == 0 and not counted:
        raise BadRequest("the parameter 'limit'", "is 0 without count", "ask for count=true too")
    store = call.writer()
    await call.service.notifier.settled(call.tenant)
    found = await asyncio.to_thread(store.records, KIND)
    page = [orjson.loads(raw) for raw in found[offset : offset + limit]]
    body = await asyncio.to_thread(lambda: [_shown(call, store, r, context) for r in page])
    more = len(found) > offset + limit and limit > 0
    headers = paging(call, Query(limit=limit, offset=offset), more, kind)
    if counted:
        headers.append((b"ngsild-results-count", str(len(found)).encode()))
    return document(call, body, context, kind, headers)


async def change(call: Call) -> Answer:
    """Update Subscription: 6.11.3.2, 5.8.2."""
    id = call.path[0]
    existing(id, {})
    fragment = await call.json(JSON, LD_JSON, MERGE_JSON)
    context = await call.body_context(fragment)
    store = call.writer()
    write = update(id, fragment, await _origin(call, context, store), call.now)
    await _check_context(call, fragment)
    await _commit(call, store, write)
    return nothing()


async def remove(call: Call) -> Answer:
    """Delete Subscription: 6.11.3.3, 5.8.5."""
    await _commit(call, call.writer(), delete(call.path[0]))
    return nothing()


def _new_id(payload: Any) -> str:
    """The identifier that the subscriber gives, or one that is made here (5.8.1.4)."""
    given = payload.get("id") if isinstance(payload, dict) else None
    return given if isinstance(given, str) else f"urn:ngsi-ld:Subscription:{uuid.uuid4()}"


async def _origin(call: Call, context: Context, store: Store) -> Origin:
    since = await asyncio.to_thread(store.last_change)
    return Origin(context, call.base, call.tenant, since)


async def _check_context(call: Call, payload: dict[str, Any]) -> None:
    """See that the @context of the notifications can be had (5.8.1.4)."""
    source = payload.get("jsonldContext")
    if isinstance(source, str) and source != "urn:ngsi-ld:null":
        await call.service.context(source, call.base, call.tenant)


async def _commit(call: Call, store: Store, write: Write) -> None:
    """Make a change durable, and have it hold for every change of an entity from here on."""
    (outcome,) = await call.service.commits().settled(store.write_records(KIND, [write]))
    if isinstance(outcome, HansaError):
        raise outcome
    await call.service.notifier.changed(call.tenant, write.id)


def _shown(call: Call, store: Store, record: dict[str, Any], context: Context) -> dict[str, Any]:
    standing = store.outbox.standing(KIND, record["id"])
    system = "sysAttrs" in call.options or flag(call.query, "sysAttrs")
    return show(record, standing, context, call.now, system=system)
