"""What the two collections of subscriptions have in common: to entities (5.8) and to registrations (5.11).

A subscription names addresses and may hold what proves who sends to them, so it is seen and changed by who may write
the tenant's entities, and by whoever made it: for everybody else it is not there. A change is durable before it is answered, and holds for whatever changes from
there on.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import orjson

from hansa.hub.federation.trail import read_via
from hansa.hub.subscriptions.showing import show
from hansa.hub.subscriptions.writing import Origin, delete, existing
from hansa.kernel.errors import BadRequest, Forbidden, HansaError
from hansa.ngsild.context import Context
from hansa.ngsild.query import Query
from hansa.store.port import Edited, Store, Write
from hansa.trust.identity.owners import owner_of
from hansa.trust.principals import LOCAL
from hansa.web.api.answer import Answer, created, document, nothing
from hansa.web.api.call import JSON, LD_JSON, MERGE_JSON, Call
from hansa.web.api.contexts import lasting_url
from hansa.web.api.listing import paging
from hansa.web.api.params import flag, number

__all__ = ["SubscriptionKind"]

_MOST: Final = 100
"""Subscriptions that somebody may have who may not write."""

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
        personal: whether those who may subscribe have subscriptions of their own; else it is for those who may write.
    """

    records: str
    path: str
    create: Written
    update: Written
    committed: Callable[[Call, str, bool], Awaitable[None]]
    hidden: frozenset[str] = frozenset()
    own: Callable[[Call, Store], list[dict[str, Any]]] = lambda _call, _store: []
    personal: bool = False

    async def subscribe(self, call: Call) -> Answer:
        """Make one, under the identifier that the subscriber gives or one that is made here."""
        payload = await call.json()
        context = await call.body_context(payload)
        given = payload.get("id") if isinstance(payload, dict) else None
        id = given if isinstance(given, str) else f"urn:ngsi-ld:Subscription:{uuid.uuid4()}"
        store = self._store(call, make=True)
        write = self.create(id, payload, await _origin(call, context, store), call.now)
        await asyncio.to_thread(self._check_number, call, store)
        await _check_context(call, payload)
        await lasting_url(call, call.service.gate.writer(LOCAL, call.tenant), context)
        await self._commit(call, store, write)
        return created(f"{self.path}/{quote(id, safe=':')}")

    async def retrieve(self, call: Call) -> Answer:
        """Show one."""
        kind = call.accepted(JSON, LD_JSON)
        context = await call.link_context()
        id = call.path[0]
        store = self._shown_store(call)
        existing(id, {})
        await call.service.notifier.settled(call.tenant, call.snapshot)
        raw = await asyncio.to_thread(store.record, self.records, id)
        own = {each["id"]: each for each in await asyncio.to_thread(self.own, call, store)}
        found = own.get(id) if raw is None else orjson.loads(raw)
        record = existing(id, found if found is None or self._concerns(call)(found) else None)
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
        store = self._shown_store(call)
        await call.service.notifier.settled(call.tenant, call.snapshot)
        found = await asyncio.to_thread(store.records, self.records)
        records = [*map(orjson.loads, found), *await asyncio.to_thread(self.own, call, store)]
        records = list(filter(self._concerns(call), records))
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
        store = self._store(call)
        write = self.update(id, fragment, await _origin(call, context, store), call.now)
        await _check_context(call, fragment)
        await self._commit(call, store, self._of_theirs(call, write))
        return nothing()

    async def remove(self, call: Call) -> Answer:
        """Delete one."""
        write = self._of_theirs(call, delete(call.path[0]))
        await self._commit(call, self._store(call), write, remains=False)
        return nothing()

    # -- whose they are -----------------------------------------------------------------------------

    def _shown_store(self, call: Call) -> Store:
        """For those who look: a token that only writes sees nothing."""
        call.service.gate.admit(call.principal, "read", call.tenant)
        return self._store(call)

    def _store(self, call: Call, *, make: bool = False) -> Store:
        return call.subscriber(make=make) if self.personal else call.writer(make=make)

    def _concerns(self, call: Call) -> Callable[[dict[str, Any]], bool]:
        """Whether whoever asks may know of a subscription: all of them, or those that they made."""
        if call.service.gate.decide(call.principal, "write", call.tenant).allowed:
            return lambda record: True
        who = call.principal.kind, call.principal.name
        return lambda record: _maker(record) == who

    def _of_theirs(self, call: Call, write: Write) -> Write:
        """The write, which finds no subscription that is another's."""
        concerns = self._concerns(call)

        def edit(current: dict[str, Any] | None) -> Edited:
            return write.edit(current if current is None or concerns(current) else None)

        return Write(write.id, edit)

    def _check_number(self, call: Call, store: Store) -> None:
        """Refuse more subscriptions of somebody than one could look after."""
        if call.service.gate.decide(call.principal, "write", call.tenant).allowed:
            return
        concerns = self._concerns(call)
        if sum(concerns(orjson.loads(raw)) for raw in store.records(self.records)) >= _MOST:
            raise Forbidden(
                f"{call.principal.name}",
                f"has {_MOST} subscriptions here already",
                "delete one of them first",
            )

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


def _maker(record: dict[str, Any]) -> tuple[Any, Any]:
    owner = record.get("owner") or {}
    return owner.get("kind"), owner.get("name")


async def _origin(call: Call, context: Context, store: Store) -> Origin:
    since = await asyncio.to_thread(store.last_change)
    via = read_via(call.headers.get(b"via"))
    owner = owner_of(call.principal)
    if via and owner["kind"] in ("service", "city"):
        owner["passes_on"] = True  # what a machine is told goes to somebody else
    return Origin(context, call.base, call.tenant, since, via, call.snapshot, owner)


async def _check_context(call: Call, payload: dict[str, Any]) -> None:
    """See that the @context of the notifications can be had (5.8.1.4)."""
    source = payload.get("jsonldContext")
    if isinstance(source, str) and source != "urn:ngsi-ld:null":
        await call.service.context(source, call.base, call.tenant)
