"""Notifications of a whole node: a desk for each tenant, opened when the node starts or the tenant comes.

While the node is not running (a command works on its folder), changes of subscriptions and entities are
only written; the desks take them up when it starts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from hansa.hub.contexts import ContextRegistry
from hansa.hub.notify.desk import Desk
from hansa.hub.subscriptions.model import Subscription
from hansa.kernel.clock import Clock, micros
from hansa.kernel.egress import Egress
from hansa.store.port import Store

__all__ = ["Notifier"]

_LOG = logging.getLogger(__name__)


class Notifier:
    """The desks of a node's tenants.

    Args:
        store: the store of a tenant; None is the city's own.
        tenants: all tenants.
    """

    def __init__(
        self,
        *,
        store: Callable[[str | None], Store],
        tenants: Callable[[], list[str | None]],
        egress: Egress,
        contexts: ContextRegistry,
        clock: Clock,
    ) -> None:
        self._store, self._tenants = store, tenants
        self._egress, self._contexts, self._clock = egress, contexts, clock
        self._desks: dict[str | None, asyncio.Task[Desk]] = {}
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
        opening = asyncio.create_task(self._open_all(tenants))
        try:
            yield
        finally:
            self._running = False
            opening.cancel()
            desks, self._desks = list(self._desks.values()), {}
            await asyncio.gather(opening, return_exceptions=True)
            for task in desks:
                found = (await asyncio.gather(task, return_exceptions=True))[0]
                if isinstance(found, Desk):
                    await found.stop()

    async def _open_all(self, tenants: list[str | None]) -> None:
        for tenant in tenants:
            try:
                await self.desk(tenant)
            except asyncio.CancelledError:
                raise
            except Exception:
                _LOG.exception("the notifications of tenant %s could not start", tenant)

    async def desk(self, tenant: str | None) -> Desk:
        """The desk of a tenant, started if need be."""
        task = self._desks.get(tenant)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._desks[tenant] = asyncio.create_task(self._open(tenant))
        return await asyncio.shield(task)

    async def _open(self, tenant: str | None) -> Desk:
        store = await asyncio.to_thread(self._store, tenant)
        desk = Desk(
            store,
            self._egress,
            self._contexts,
            lambda: micros(self._clock.now()),
            partial(self._other, tenant),
        )
        await desk.start()
        return desk

    def _other(self, tenant: str | None, kind: str, id: str) -> Subscription | None:
        find = self._others.get(kind)
        return None if find is None else find(tenant, id)

    async def changed(self, tenant: str | None, id: str) -> None:
        """A subscription was made, changed or deleted."""
        if self._running:
            await (await self.desk(tenant)).refresh(id)
        else:  # what changes until the node runs is matched when it does
            store = await asyncio.to_thread(self._store, tenant)
            await asyncio.to_thread(store.outbox.keep_images, True)

    async def settled(self, tenant: str | None) -> None:
        """Wait until what is known about a tenant's deliveries can be read from its store."""
        if self._running and tenant in self._desks:
            await (await self.desk(tenant)).settled()
