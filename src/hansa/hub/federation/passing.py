"""Passing subscriptions on to sources, and keeping what they have in step (clauses 5.8.1.4, 5.8.2.4, 5.8.5.4).

Which source has which copy is a record of the tenant (:data:`KIND`), written before the copy is sent: so a
notification that comes back is understood after a restart, and what could not be sent, changed or
deleted is tried again. Whenever a subscription or a registration changes, what should be is compared with
what is. The identifier of a copy is known to its source alone; it is what a notification is believed by.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import orjson

from hansa.hub.contexts import ContextRegistry
from hansa.hub.federation.asker import Asker
from hansa.hub.federation.asks import Question
from hansa.hub.federation.copies import PATH, goes_out, reduced, wanted_by
from hansa.hub.federation.federation import Federation
from hansa.hub.federation.sources import Failure
from hansa.hub.registrations.model import Registration
from hansa.hub.subscriptions.model import KIND as SUBSCRIPTION
from hansa.hub.subscriptions.model import Subscription
from hansa.hub.subscriptions.showing import compiled
from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import HansaError
from hansa.ngsild.model import NULL
from hansa.ngsild.q import expand_q, parse_q
from hansa.store.port import Edited, Store, Write

__all__ = ["KIND", "Passing"]

KIND: Final = "subscription-copy"
"""The kind of the records: one for each copy at a source."""

_AGAIN: Final = 20.0
_MOST_TRIES: Final = 200
_LOG = logging.getLogger(__name__)

Copy = dict[str, Any]


class Passing:
    """The copies of a node's subscriptions.

    Args:
        store: the store of a tenant; None is the city's own.
        tenants: all tenants.
    """

    def __init__(
        self,
        federation: Federation,
        contexts: ContextRegistry,
        clock: Clock,
        *,
        store: Callable[[str | None], Store],
        tenants: Callable[[], list[str | None]],
    ) -> None:
        self.federation, self._contexts, self._clock = federation, contexts, clock
        self._store, self._tenants = store, tenants
        self._dirty: dict[tuple[str | None, str], None] = {}
        self._waiting: set[str | None] = set()
        self._known: dict[str | None, dict[str, dict[str, Copy]]] = {}
        self._woken = asyncio.Event()
        self._hindered = False
        federation.registry.watchers.append(self._registered)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep copies in step, for as long as the context lasts."""
        self._woken = asyncio.Event()
        task = asyncio.create_task(self._work_for_ever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def changed(self, tenant: str | None, id: str) -> None:
        """A subscription was made, changed or deleted."""
        self._dirty[tenant, id] = None
        self._woken.set()

    def copies(self, store: Store) -> list[Copy]:
        """The copies of a tenant's subscriptions."""
        return [orjson.loads(raw) for raw in store.records(KIND)]

    async def _of(self, tenant: str | None, store: Store) -> dict[str, dict[str, Copy]]:
        """The copies of a tenant by subscription and registration, read once."""
        known = self._known.get(tenant)
        if known is None:
            known = {}
            for copy in await asyncio.to_thread(self.copies, store):
                known.setdefault(copy["subscription"], {})[copy["registration"]] = copy
            self._known[tenant] = known
        return known

    async def _registered(
        self, tenant: str | None, before: Registration | None, after: Registration | None
    ) -> None:
        store = await asyncio.to_thread(self._store, tenant)
        for raw in await asyncio.to_thread(store.records, SUBSCRIPTION):
            self._dirty[tenant, orjson.loads(raw)["id"]] = None
        self._woken.set()

    # -- the work ----------------------------------------------------------------------------------

    async def _work_for_ever(self) -> None:
        for tenant in await asyncio.to_thread(self._tenants):
            self._waiting.add(tenant)
            store = await asyncio.to_thread(self._store, tenant)
            if self.federation.registry.book(tenant, store):  # something may have been cut off
                await self._registered(tenant, None, None)
        while True:
            try:
                await self._work()
                self._hindered = False
            except asyncio.CancelledError:
                raise
            except HansaError as fault:
                if not self._hindered:
                    _LOG.error(
                        "passing subscriptions on waits: %s; it goes on later", fault.sentence
                    )
                self._hindered = True
            except Exception:
                _LOG.exception("passing subscriptions on met a defect; it goes on")
            try:
                async with asyncio.timeout(_AGAIN if self._waiting or self._hindered else None):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def _work(self) -> None:
        self._woken.clear()
        for tenant in list(self._waiting):
            self._waiting.discard(tenant)
            store = await asyncio.to_thread(self._store, tenant)
            for id, copies in (await self._of(tenant, store)).items():
                if any(copy["state"] != "there" for copy in copies.values()):
                    self._dirty[tenant, id] = None
        while self._dirty:
            group = list(self._dirty)[:50]
            for key in group:
                del self._dirty[key]
            try:
                await asyncio.gather(*(self._settle(tenant, id) for tenant, id in group))
            except BaseException:
                self._dirty |= dict.fromkeys(group)
                raise

    async def _settle(self, tenant: str | None, id: str) -> None:
        """Bring the copies of one subscription to where they should be."""
        store = await asyncio.to_thread(self._store, tenant)
        mine = dict((await self._of(tenant, store)).get(id, {}))
        book = self.federation.registry.book(tenant, store)
        if not mine and not book:
            return
        raw = await asyncio.to_thread(store.record, SUBSCRIPTION, id)
        record = None if raw is None else orjson.loads(raw)
        wanted = {} if record is None else await self._wanted(tenant, store, record)
        work = []
        for registration, copy in mine.items():
            if registration not in wanted:
                work.append(self._remove(store, copy, book.get(registration), tenant))
        for registration, (source, asker, subscription) in wanted.items():
            there = mine.get(registration)
            work.append(self._send(store, source, asker, subscription, record or {}, there))
        if not all(await asyncio.gather(*work)):
            self._waiting.add(tenant)

    async def _wanted(
        self, tenant: str | None, store: Store, record: dict[str, Any]
    ) -> dict[str, tuple[Registration, Asker, Subscription]]:
        """The sources that a subscription concerns, by registration."""
        members = record["members"]
        if not goes_out(members):
            return {}
        subscription = await compiled(record, self._contexts)
        now = iso(self._clock.now())
        if subscription.status(now) == "expired":
            return {}
        asker = Asker(tenant, subscription.context, tuple(record.get("via", ())), {}, now)
        csf = members.get("csf")
        chosen = expand_q(parse_q(csf, "csf"), subscription.context.expand) if csf else None
        found = self.federation.concerned(
            asker, store, wanted_by(subscription), chosen, geo=subscription.geo
        )
        return {
            each.id: (each, asker, subscription)
            for each in found
            if "createSubscription" in each.operations and each.mode != "auxiliary"
        }

    # -- one copy ----------------------------------------------------------------------------------

    async def _send(
        self,
        store: Store,
        registration: Registration,
        asker: Asker,
        subscription: Subscription,
        record: Mapping[str, Any],
        there: Copy | None,
    ) -> bool:
        """Create or change a copy at its source; whether that is done with."""
        dispatch = self.federation.dispatch
        speech = await dispatch.speech(registration, asker)
        if isinstance(speech, Failure):
            return False
        id = there["id"] if there else f"urn:ngsi-ld:Subscription:{secrets.token_hex(16)}"
        members = record["members"]
        body = reduced(
            registration,
            subscription,
            members,
            id=id,
            endpoint=str(record["base"]).rstrip("/") + PATH,
            context=speech.context,
            link=speech.url,
            splits=members.get("splitEntities", self.federation.splits) is True,
        )
        if body is None:
            return there is None or await self._remove(store, there, registration, asker.tenant)
        if there is not None and there["state"] == "there":
            if there["sent"] == body:
                return True
            question = _change(there["sent"], body)
            done = ("updateSubscription" not in registration.operations) or await self._ask(
                registration, asker, question
            )
        else:
            copy = {"id": id, "subscription": subscription.id, "registration": registration.id}
            tries = there["tries"] + 1 if there and there["sent"] == body else 0
            if tries > _MOST_TRIES:
                return True
            await self._keep(
                asker.tenant, store, copy | {"state": "going", "sent": body, "tries": tries}
            )
            there = copy
            done = await self._ask(
                registration, asker, Question("POST", "/subscriptions", {}, body), exists=409
            )
        if done:
            context = speech.url
            there = {**there, "state": "there", "sent": body, "tries": 0, "context": context}
            await self._keep(asker.tenant, store, there)
        return done

    async def _remove(
        self, store: Store, copy: Copy, registration: Registration | None, tenant: str | None
    ) -> bool:
        """Delete a copy at its source; whether that is done with."""
        done = True
        if registration is not None and "deleteSubscription" in registration.operations:
            if copy["state"] != "leaving":  # nothing that it tells counts from here on
                copy = {**copy, "state": "leaving", "tries": 0}
                await self._keep(tenant, store, copy)
            now = iso(self._clock.now())
            asker = Asker(tenant, self._contexts.default, (), {}, now)
            path = f"/subscriptions/{quote(copy['id'], safe=':')}"
            done = await self._ask(registration, asker, Question("DELETE", path, {}), exists=404)
            if not done and copy["tries"] < _MOST_TRIES:
                await self._keep(tenant, store, {**copy, "tries": copy["tries"] + 1})
                return False
        await _written(store, Write(copy["id"], lambda _: Edited(None)))
        (await self._of(tenant, store)).get(copy["subscription"], {}).pop(
            copy["registration"], None
        )
        return True

    async def _keep(self, tenant: str | None, store: Store, copy: Copy) -> None:
        await _written(store, Write(copy["id"], lambda _: Edited(copy)))
        known = await self._of(tenant, store)
        known.setdefault(copy["subscription"], {})[copy["registration"]] = copy

    async def _ask(
        self, registration: Registration, asker: Asker, question: Question, exists: int = 0
    ) -> bool:
        dispatch = self.federation.dispatch
        speech = await dispatch.speech(registration, asker)
        if isinstance(speech, Failure):
            return False
        answer = await dispatch.send(registration, asker, speech, question, asks=False)
        return not isinstance(answer, Failure) or answer.status == exists


def _change(before: Mapping[str, Any], after: Mapping[str, Any]) -> Question:
    fragment: dict[str, Any] = {k: v for k, v in after.items() if k != "id"}
    fragment |= dict.fromkeys(before.keys() - after.keys(), NULL)
    return Question("PATCH", f"/subscriptions/{quote(str(after['id']), safe=':')}", {}, fragment)


async def _written(store: Store, write: Write) -> None:
    (outcome,) = await asyncio.wrap_future(store.write_records(KIND, [write]))
    if isinstance(outcome, HansaError):
        raise outcome
