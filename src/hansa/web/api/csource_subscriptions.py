"""``/csourceSubscriptions``: clauses 6.12 and 6.13, 5.11.

As for subscriptions to entities, only who may write the tenant sees them.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, Final
from urllib.parse import quote

import orjson

from hansa.hub.registrations.subscribing import KIND, change_write, creation_write
from hansa.hub.subscriptions.showing import show
from hansa.hub.subscriptions.writing import Origin, delete, existing
from hansa.kernel.errors import BadRequest, HansaError
from hansa.ngsild.context import Context
from hansa.ngsild.query import Query
from hansa.store.port import Store, Write
from hansa.web.api.answer import Answer, created, document, nothing
from hansa.web.api.call import JSON, LD_JSON, MERGE_JSON, Call
from hansa.web.api.listing import paging
from hansa.web.api.params import flag, number

__all__ = ["change", "query", "remove", "retrieve", "subscribe"]

_PLACE: Final = "/ngsi-ld/v1/csourceSubscriptions/"


async def subscribe(call: Call) -> Answer:
    """Create Context Source Registration Subscription: 6.12.3.1, 5.11.2."""
    payload = await call.json()
    context = await call.body_context(payload)
    given = payload.get("id") if isinstance(payload, dict) else None
    id = given if isinstance(given, str) else f"urn:ngsi-ld:Subscription:{uuid.uuid4()}"
    write = creation_write(id, payload, Origin(context, call.base, call.tenant), call.now)
    await _commit(call, call.writer(make=True), write)
    await call.service.watching.refresh(call.tenant, id, tell=True)
    return created(_PLACE + quote(id, safe=":"))


async def retrieve(call: Call) -> Answer:
    """Retrieve Context Source Registration Subscription: 6.13.3.1, 5.11.4."""
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
    """Query Context Source Registration Subscriptions: 6.12.3.2, 5.11.5."""
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
    """Update Context Source Registration Subscription: 6.13.3.2, 5.11.3."""
    id = call.path[0]
    existing(id, {})
    fragment = await call.json(JSON, LD_JSON, MERGE_JSON)
    context = await call.body_context(fragment)
    write = change_write(id, fragment, Origin(context, call.base, call.tenant), call.now)
    await _commit(call, call.writer(), write)
    await call.service.watching.refresh(call.tenant, id, tell=True)
    return nothing()


async def remove(call: Call) -> Answer:
    """Delete Context Source Registration Subscription: 6.13.3.3, 5.11.6."""
    id = call.path[0]
    await _commit(call, call.writer(), delete(id))
    await call.service.watching.refresh(call.tenant, id, tell=False)
    return nothing()


async def _commit(call: Call, store: Store, write: Write) -> None:
    (outcome,) = await call.service.commits().settled(store.write_records(KIND, [write]))
    if isinstance(outcome, HansaError):
        raise outcome


def _shown(call: Call, store: Store, record: dict[str, Any], context: Context) -> dict[str, Any]:
    standing = store.outbox.standing(KIND, record["id"])
    system = "sysAttrs" in call.options or flag(call.query, "sysAttrs")
    shown = show(record, standing, context, call.now, system=system)
    shown.pop("notificationTrigger", None)  # registrations are told of in every case (5.11.7)
    return shown
