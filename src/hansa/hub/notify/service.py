"""Notifications of a whole node: a desk for each tenant, opened when the node starts or the tenant comes.

A snapshot with subscriptions of its own (clause 5.5.15) has a desk too, until it is deleted or has outlived
its time: the clock is looked at every second, so that it tells nothing more although nobody asks for it.

While the node is not running (a command works on its folder), changes of subscriptions and entities are
only written; the desks take them up when it starts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from hansa.hub.contexts import ContextRegistry
from hansa.hub.notify.desk import Desk
from hansa.hub.subscriptions.eyes import Eyes, everything
from hansa.hub.subscriptions.model import KIND, Subscription
from hansa.kernel.clock import Clock, micros
from hansa.kernel.egress import Egress
from hansa.store.port import Store

__all__ = ["Notifier"]

_SWEEP: Final = 1.0

_LOG = logging.getLogger(__name__)

Place = tuple[str | None, str | None]
"""A tenant, and the snapshot of it if one is meant."""


class Notifier:
    """The desks of a node's tenants.

    Args:
        store: the store of a tenant (None is the city's own), or of a snapshot of it.
        tenants: all tenants.
        snapshots: a tenant's snapshots that are ready.
        eyes: in a tenant, what the owner of a subscription may see.
    """

    def __init__(
        self,
        *,
        store: Callable[[str | None, str | None], Store],
        tenants: Callable[[], list[str | None]],
        snapshots: Callable[[str | None], list[str]],
        egress: Egress,
        contexts: ContextRegistry,
        clock: Clock,
        eyes: Callable[[str | None], Eyes] = lambda _tenant: everything,
    ) -> None:
        self._eyes = eyes
        self._store, self._tenants, self._snapshots = store, tenants, snapshots
        self._egress, self._contexts, self._clock = egress, contexts, clock
        self._desks: dict[Place, asyncio.Task[Desk]] = {}
        self._others: dict[str, Callable[[str | None, str], Subscription | None]] = {}
        self._running = False

    def also(self, kind: str, find: Callable[[str | None, str], Subscription | None]) -> None:
        """Deliver notices of another kind too; `find` knows its subscriptions by tenant and id."""
        self._others[kind] = find

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow changes and deliver, for as long as the context lasts."""
        self._running = True
        tenants = await asyncio.to_thread(
            self._tenants
        )  # those that come later come with their desk
        work = [asyncio.create_task(self._open_all(tenants))]
        work.append(asyncio.create_task(self._leave_for_ever()))
        try:
            yield
        finally:
            self._running = False
            for each in work:
                each.cancel()
            desks, self._desks = list(self._desks.values()), {}
            await asyncio.gather(*work, return_exceptions=True)
            for task in desks:
                found = (await asyncio.gather(task, return_exceptions=True))[0]
                if isinstance(found, Desk):
                    await found.stop()

    async def _open_all(self, tenants: list[str | None]) -> None:
        for tenant in tenants:
            try:
                await self.desk(tenant)
                for snapshot in await asyncio.to_thread(self._followed, tenant):
                    await self.desk(tenant, snapshot)
            except asyncio.CancelledError:
                raise
            except Exception:
                _LOG.exception("the notifications of tenant %s could not start", tenant)

    async def _leave_for_ever(self) -> None:
        """End the desks of snapshots that have outlived their time."""
        while True:
            await asyncio.sleep(_SWEEP)
            places = [place for place in self._desks if place[1] is not None]
            for tenant in {tenant for tenant, _ in places}:
                try:
                    there = await asyncio.to_thread(self._snapshots, tenant)
                    for place in places:
                        if place[0] == tenant and place[1] not in there:
                            await self.leave(*place)
                except Exception:
                    _LOG.exception("the snapshots of tenant %s could not be looked at", tenant)

    def _followed(self, tenant: str | None) -> list[str]:
        """The snapshots of a tenant to which somebody has subscribed."""
        found = self._snapshots(tenant)
        return [id for id in found if self._store(tenant, id).records(KIND)]

    async def desk(self, tenant: str | None, snapshot: str | None = None) -> Desk:
        """The desk of a tenant or of a snapshot of it, started if need be."""
        task = self._desks.get((tenant, snapshot))
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = asyncio.create_task(self._open(tenant, snapshot))
            self._desks[tenant, snapshot] = task
        return await asyncio.shield(task)

    async def leave(self, tenant: str | None, snapshot: str | None) -> None:
        """End the desk of a snapshot, which is about to be deleted, or has outlived its time."""
        task = self._desks.pop((tenant, snapshot), None)
        if task is not None:
            await (await task).stop()

    async def _open(self, tenant: str | None, snapshot: str | None) -> Desk:
        store = await asyncio.to_thread(self._store, tenant, snapshot)
        desk = Desk(
            store,
            self._egress,
            self._contexts,
            lambda: micros(self._clock.now()),
            partial(self._other, tenant),
            self._eyes(tenant),
        )
        await desk.start()
        return desk

    def _other(self, tenant: str | None, kind: str, id: str) -> Subscription | None:
        find = self._others.get(kind)
        return None if find is None else find(tenant, id)

    async def changed(self, tenant: str | None, snapshot: str | None, id: str) -> None:
        """A subscription to a tenant's entities, or to a snapshot's, was made, changed or deleted."""
        if self._running:
            await (await self.desk(tenant, snapshot)).refresh(id)
        else:  # what changes until the node runs is matched when it does
            store = await asyncio.to_thread(self._store, tenant, snapshot)
            await asyncio.to_thread(store.outbox.keep_images, True)

    async def settled(self, tenant: str | None, snapshot: str | None) -> None:
        """Wait until what is known about deliveries can be read from the store."""
        if self._running and (tenant, snapshot) in self._desks:
            await (await self.desk(tenant, snapshot)).settled()
