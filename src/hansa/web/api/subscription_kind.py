"""What the two collections of subscriptions have in common: to entities (5.8) and to registrations (5.11).

A subscription names addresses and may hold what proves who sends to them, so only who may write the
tenant's entities sees it. A change is durable before it is answered, and holds for whatever changes from
there on.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from hansa.hub.federation.trail import read_via
from hansa.hub.subscriptions.showing import show
from hansa.hub.subscriptions.writing import Origin, delete, existing
from hansa.kernel.errors import BadRequest, HansaError
from hansa.ngsild.context import Context
from hansa.ngsild.query import Query
from hansa.store.port import Store, Write
from hansa.trust.identity.owners import owner_of
from hansa.web.api.answer import Answer, created, document, nothing
from hansa.web.api.call import JSON, LD_JSON, MERGE_JSON, Call
from hansa.web.api.contexts import lasting_url
from hansa.web.api.listing import paging
from hansa.web.api.params import flag, number

__all__ = ["SubscriptionKind"]

Written = Callable[[str, Any, Origin, str], Write]
"""The write that a document orders: identifier, document, where it came from, now."""


@dataclass(frozen=True, slots=True)
class SubscriptionKind:
    """One collection of subscriptions, and its operations.

    Attributes:
        records: the kind of its records in the store.
        path: of the collection.
        create: the write that makes one.
        update: the write that changes one.
        committed: is called when a change is durable, with the identifier and whether it still exists.
        hidden: members that mean nothing here.
        own: records beside those of clients: what the node has of its own in this collection.
    """

    records: str
    path: str
    create: Written
    update: Written
    committed: Callable[[Call, str, bool], Awaitable[None]]
    hidden: frozenset[str] = frozenset()
    own: Callable[[Call, Store], list[dict[str, Any]]] = lambda _call, _store: []

    async def subscribe(self, call: Call) -> Answer:
        """Make one, under the identifier that the subscriber gives or one that is made here."""
        payload = await call.json()
        context = await call.body_context(payload)
        given = payload.get("id") if isinstance(payload, dict) else None
        id = given if isinstance(given, str) else f"urn:ngsi-ld:Subscription:{uuid.uuid4()}"
        store = call.writer(make=True)
        write = self.create(id, payload, await _origin(call, context, store), call.now)
        await _check_context(call, payload)
        await lasting_url(call, call.tenant_writer(), context)
        await self._commit(call, store, write)
        return created(f"{self.path}/{quote(id, safe=':')}")

    async def retrieve(self, call: Call) -> Answer:
        """Show one."""
        kind = call.accepted(JSON, LD_JSON)
        context = await call.link_context()
        id = call.path[0]
        store = call.writer()
        existing(id, {})
        await call.service.notifier.settled(call.tenant, call.snapshot)
        raw = await asyncio.to_thread(store.record, self.records, id)
        own = {each["id"]: each for each in await asyncio.to_thread(self.own, call, store)}
        record = existing(id, own.get(id) if raw is None else orjson.loads(raw))
        shown = await asyncio.to_thread(self._shown, call, store, record, context)
        return document(call, shown, context, kind)

    async def query(self, call: Call) -> Answer:
        """List them, page by page."""
        kind = call.accepted(JSON, LD_JSON)
        context = await call.link_context()
        settings = call.service.settings
        limit = number(call.query, "limit", settings.page_limit, 0, settings.page_limit_max)
        offset = number(call.query, "offset", 0, 0, 2**31)
        counted = flag(call.query, "count") or "count" in call.options
        if limit == 0 and not counted:
            raise BadRequest(
                "the parameter 'limit'", "is 0 without count", "ask for count=true too"
            )
        store = call.writer()
        await call.service.notifier.settled(call.tenant, call.snapshot)
        found = await asyncio.to_thread(store.records, self.records)
        records = [*map(orjson.loads, found), *await asyncio.to_thread(self.own, call, store)]
        page = records[offset : offset + limit]
        body = await asyncio.to_thread(lambda: [self._shown(call, store, r, context) for r in page])
        more = len(records) > offset + limit and limit > 0
        headers = paging(call, Query(limit=limit, offset=offset), more, kind)
        if counted:
            headers.append((b"ngsild-results-count", str(len(records)).encode()))
        return document(call, body, context, kind, headers)

    async def change(self, call: Call) -> Answer:
        """Change members of one."""
        id = call.path[0]
        existing(id, {})
        fragment = await call.json(JSON, LD_JSON, MERGE_JSON)
        context = await call.body_context(fragment)
        store = call.writer()
        write = self.update(id, fragment, await _origin(call, context, store), call.now)
        await _check_context(call, fragment)
        await self._commit(call, store, write)
        return nothing()

    async def remove(self, call: Call) -> Answer:
        """Delete one."""
        await self._commit(call, call.writer(), delete(call.path[0]), remains=False)
        return nothing()

    async def _commit(
        self, call: Call, store: Store, write: Write, *, remains: bool = True
    ) -> None:
        writes = store.write_records(self.records, [write])
        (outcome,) = await call.service.commits().settled(writes)
        if isinstance(outcome, HansaError):
            raise outcome
        await self.committed(call, write.id, remains)

    def _shown(
        self, call: Call, store: Store, record: dict[str, Any], context: Context
    ) -> dict[str, Any]:
        standing = store.outbox.standing(self.records, record["id"])
        system = "sysAttrs" in call.options or flag(call.query, "sysAttrs")
        shown = show(record, standing, context, call.now, system=system)
        return {name: value for name, value in shown.items() if name not in self.hidden}


async def _origin(call: Call, context: Context, store: Store) -> Origin:
    since = await asyncio.to_thread(store.last_change)
    via = read_via(call.headers.get(b"via"))
    return Origin(
        context, call.base, call.tenant, since, via, call.snapshot, owner_of(call.principal)
    )


async def _check_context(call: Call, payload: dict[str, Any]) -> None:
    """See that the @context of the notifications can be had (5.8.1.4)."""
    source = payload.get("jsonldContext")
    if isinstance(source, str) and source != "urn:ngsi-ld:null":
        await call.service.context(source, call.base, call.tenant)
