"""Telling subscribers of registrations that come, change and go (clause 5.11.7).

A change of a registration is matched right after it was made, and what is due goes into the durable outbox
of the tenant before the change is acknowledged; the courier delivers it as it does for entities. Those with
a ``timeInterval`` are told by the clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

import orjson

from hansa.hub.contexts import ContextRegistry
from hansa.hub.notify.service import Notifier
from hansa.hub.registrations.model import Info, Registration
from hansa.hub.registrations.registry import Registry
from hansa.hub.registrations.subscribing import (
    KIND,
    Reason,
    Watch,
    matching_infos,
    notice,
    watch_in,
)
from hansa.hub.subscriptions.interval import Timetable
from hansa.hub.subscriptions.model import Subscription
from hansa.kernel.clock import Clock, iso, micros
from hansa.store.outbox import Notice
from hansa.store.port import Store

__all__ = ["Watching"]

_LOG = logging.getLogger(__name__)
_PATIENCE: Final = 3600.0


class Watching:
    """The subscriptions to registrations of a node."""

    def __init__(
        self,
        registry: Registry,
        notifier: Notifier,
        contexts: ContextRegistry,
        clock: Clock,
        *,
        store: Callable[[str | None], Store],
        tenants: Callable[[], list[str | None]],
    ) -> None:
        self._registry, self._notifier, self._contexts = registry, notifier, contexts
        self._clock, self._store, self._tenants = clock, store, tenants
        self._watches: dict[str | None, dict[str, Watch]] = {}
        self._timetables: dict[str | None, Timetable] = {}
        self._woken = asyncio.Event()
        self._running = False
        registry.watchers.append(self.changed)
        notifier.also(KIND, self._find)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell by the clock, for as long as the context lasts."""
        self._woken = asyncio.Event()
        self._running = True
        task = asyncio.create_task(self._tell_for_ever())
        try:
            yield
        finally:
            self._running = False
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _find(self, tenant: str | None, id: str) -> Subscription | None:
        watch = self._watches.get(tenant, {}).get(id)
        return None if watch is None else watch.subscription

    # -- subscriptions -----------------------------------------------------------------------------

    async def refresh(self, tenant: str | None, id: str, *, tell: bool) -> None:
        """A subscription was made, changed or deleted; with `tell` it hears of what there is."""
        watches = await self._of(tenant)
        store = await asyncio.to_thread(self._store, tenant)
        raw = await asyncio.to_thread(store.record, KIND, id)
        timetable = self._timetables.setdefault(tenant, Timetable())
        if raw is None:
            watches.pop(id, None)
            timetable.drop(id)
            await asyncio.wrap_future(store.outbox.forget(KIND, id))
            return
        watch = watches[id] = await watch_in(orjson.loads(raw), self._contexts)
        standing = await asyncio.to_thread(store.outbox.standing, KIND, id)
        timetable.put(watch.subscription, standing, micros(self._clock.now()))
        self._woken.set()
        if tell:
            await self._tell(tenant, watch, "initial")

    async def _of(self, tenant: str | None) -> dict[str, Watch]:
        watches = self._watches.get(tenant)
        if watches is None:
            watches = {}
            store = await asyncio.to_thread(self._store, tenant)
            timetable = Timetable()
            for raw in await asyncio.to_thread(store.records, KIND):
                watch = await watch_in(orjson.loads(raw), self._contexts)
                id = watch.subscription.id
                watches[id] = watch
                standing = await asyncio.to_thread(store.outbox.standing, KIND, id)
                timetable.put(watch.subscription, standing, micros(self._clock.now()))
            self._watches[tenant], self._timetables[tenant] = watches, timetable
        return watches

    # -- what is told ------------------------------------------------------------------------------

    async def changed(
        self, tenant: str | None, before: Registration | None, after: Registration | None
    ) -> None:
        """Tell whom a change of a registration concerns."""
        now = iso(self._clock.now())
        due = micros(self._clock.now())
        notices = []
        for watch in (await self._of(tenant)).values():
            if watch.subscription.interval is not None or not _is_active(watch, now):
                continue
            reason, registration, infos = _reason(watch, before, after)
            if reason is not None and registration is not None:
                number = f"{registration.id} {now} {reason}"
                matches = [(registration, infos)]
                notices.append(notice(watch, reason, matches, now, due, number))
        await self._post(tenant, notices)

    async def _tell(self, tenant: str | None, watch: Watch, why: str) -> None:
        """Tell one subscriber of everything that matches."""
        moment = self._clock.now()
        now = iso(moment)
        if not _is_active(watch, now):
            return
        store = await asyncio.to_thread(self._store, tenant)
        book = self._registry.book(tenant, store)
        matches = [(r, infos) for r in book.all(now) if (infos := matching_infos(watch, r))]
        if matches or watch.subscription.interval is not None:
            due = micros(moment)
            told = notice(watch, "newlyMatching", matches, now, due, f"{why} {now}")
            await self._post(tenant, [told])

    async def _post(self, tenant: str | None, notices: Iterable[Notice]) -> None:
        listed = list(notices)
        if not listed:
            return
        if self._running:
            await (await self._notifier.desk(tenant)).post(listed)
        else:  # a command works on the folder: what is due is sent when the node runs
            store = await asyncio.to_thread(self._store, tenant)
            await asyncio.wrap_future(store.outbox.post(listed, 0))

    async def _tell_for_ever(self) -> None:
        for tenant in await asyncio.to_thread(self._tenants):
            try:
                await self._of(tenant)
            except Exception:
                _LOG.exception("subscriptions to registrations of tenant %s are unreadable", tenant)
        while True:
            self._woken.clear()
            due = [at for each in self._timetables.values() if (at := each.next()) is not None]
            now = micros(self._clock.now())
            seconds = (min(due) - now) / 1_000_000 if due else _PATIENCE
            with contextlib.suppress(TimeoutError):  # wait_for may swallow that it is cancelled
                async with asyncio.timeout(min(max(seconds, 0.0), _PATIENCE)):
                    await self._woken.wait()
            try:
                await self._tell_due()
            except Exception:
                _LOG.exception("a subscription to registrations could not be told")
                await asyncio.sleep(1.0)

    async def _tell_due(self) -> None:
        now = micros(self._clock.now())
        for tenant, timetable in list(self._timetables.items()):
            for id, due in timetable.take(now):
                watch = self._watches[tenant].get(id)
                if watch is not None:
                    timetable.again(watch.subscription, due, now)
                    await self._tell(tenant, watch, f"interval {due}")


def _is_active(watch: Watch, now: str) -> bool:
    return watch.subscription.status(now) == "active"


def _reason(
    watch: Watch, before: Registration | None, after: Registration | None
) -> tuple[Reason | None, Registration | None, list[Info]]:
    """Why a subscriber is told of a change, with the registration that is shown."""
    was = matching_infos(watch, before) if before is not None else []
    now = matching_infos(watch, after) if after is not None else []
    if now:
        return ("updated" if was else "newlyMatching"), after, now
    return ("noLongerMatching", before, was) if was else (None, None, [])
