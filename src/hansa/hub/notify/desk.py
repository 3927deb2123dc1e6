"""The desk of a tenant: it follows the tenant's changes for its subscriptions, and sends what is due.

Three tasks: one turns images of changes into notices, one looks at the clock for subscriptions with a
``timeInterval``, and the courier delivers. A change of a subscription is taken up between two rounds of
matching, so that it holds for every change after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson

from hansa.hub.contexts import ContextRegistry
from hansa.hub.notify.courier import Courier
from hansa.hub.notify.leave import Leave
from hansa.hub.notify.settling import Pace
from hansa.hub.notify.trouble import Trouble
from hansa.hub.own_contexts import single_url
from hansa.hub.subscriptions.eyes import Eyes, everything
from hansa.hub.subscriptions.interval import Timetable, interval_notices
from hansa.hub.subscriptions.matcher import Matcher, Watcher
from hansa.hub.subscriptions.model import KIND, Subscription
from hansa.hub.subscriptions.showing import compiled
from hansa.kernel.clock import from_micros, iso
from hansa.kernel.egress import Egress
from hansa.kernel.errors import HansaError
from hansa.store.outbox import Notice, Standing
from hansa.store.port import Store

__all__ = ["Desk"]

_IMAGES: Final = 500
_TAKEN_UP: Final = 20
_DAY: Final = 86_400 * 1_000_000
_KEPT_DEAD: Final = 7 * _DAY
_MOST_DEAD: Final = 10_000
_PATIENCE: Final = 3600.0
_SWEEP: Final = 5.0
_APART: Final = 0.025

_LOG = logging.getLogger(__name__)


class _Stored(NamedTuple):
    """A subscription as it stands in the store, and to which endpoints its notices there go."""

    raw: bytes | None
    endpoints: list[str]


class Desk:
    """Everything about notifications of one tenant.

    Args:
        others: finds the subscriptions of further kinds, whose notices somebody else puts into the outbox.
        eyes: what the owner of a subscription may see.
    """

    def __init__(
        self,
        store: Store,
        egress: Egress,
        contexts: ContextRegistry,
        now: Callable[[], int],
        others: Callable[[str, str], Subscription | None] = lambda _kind, _id: None,
        eyes: Eyes = everything,
    ) -> None:
        self.leave = Leave(eyes, store, now)
        self.store, self._contexts, self._now, self._others = store, contexts, now, others
        self.trouble = Trouble()
        self.courier = Courier(store.outbox, egress, now, self._find, self.trouble, self.leave.left)
        self.matcher = Matcher(store, now, self.leave.look)
        self._timetable = Timetable()
        self._changed, self._clock = asyncio.Event(), asyncio.Event()
        self._lock = asyncio.Lock()
        self._renewals: list[tuple[str, asyncio.Future[_Stored]]] = []
        self._stop_watching: Callable[[], None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take up the work where it was left."""
        for number, raw in enumerate(await asyncio.to_thread(self.store.records, KIND)):
            await self._take_up_again(orjson.loads(raw))
            if number % _TAKEN_UP == 0:  # requests are answered meanwhile
                await asyncio.sleep(0)
        await self._attend()
        await self.courier.start()
        work = (
            self._match_for_ever,
            self._tell_for_ever,
            self._tidy_for_ever,
            self._sweep_for_ever,
        )
        self._tasks = [asyncio.create_task(self._guarded(each)) for each in work]

    async def stop(self) -> None:
        """End the work; what is not done stays in the store."""
        if self._stop_watching is not None:
            self._stop_watching()
            self._stop_watching = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.courier.stop()

    async def refresh(self, id: str) -> None:
        """A subscription was made, changed or deleted: see what it is now, together with others that wait."""
        renewal: asyncio.Future[_Stored] = asyncio.get_running_loop().create_future()
        self._renewals.append((id, renewal))
        async with self._lock:
            if not renewal.done():
                await self._renew()
        found = renewal.result()
        if found.raw is None:
            await asyncio.wrap_future(self.store.outbox.forget(KIND, id))
        elif found.endpoints:
            await self._redirect(id, found.endpoints)
        self._clock.set()

    async def _renew(self) -> None:
        """Take up all subscriptions that wait for it; each meets its own error alone."""
        taken, self._renewals = self._renewals, []
        try:
            ids = list(dict.fromkeys(id for id, _ in taken))
            stored = await asyncio.to_thread(lambda: {id: self._stored(id) for id in ids})
            faults = {id: await self._met(id, found.raw) for id, found in stored.items()}
            await self._attend()
            for id, renewal in taken:
                if (fault := faults[id]) is None:
                    renewal.set_result(stored[id])
                else:
                    renewal.set_exception(fault)
        finally:  # what was not done is done by whoever waits for it
            self._renewals = [each for each in taken if not each[1].done()] + self._renewals

    async def _met(self, id: str, raw: bytes | None) -> Exception | None:
        """Take up a subscription, or drop it; the error that it met."""
        try:
            if raw is None:
                self.matcher.drop(id)
                self._timetable.drop(id)
            else:
                await self._take_up(orjson.loads(raw))
        except Exception as fault:
            return fault
        return None

    def _stored(self, id: str) -> _Stored:
        return _Stored(self.store.record(KIND, id), self.store.outbox.endpoints(KIND, id))

    def post(self, notices: list[Notice]) -> asyncio.Future[None]:
        """Have notices of another kind delivered; they are durable when the future is done."""
        return asyncio.ensure_future(self._post(notices, 0))

    async def settled(self) -> None:
        """Wait until what is known about deliveries can be read from the store."""
        await self.courier.settler.settled()

    # -- subscriptions -----------------------------------------------------------------------------

    def _find(self, kind: str, id: str) -> Subscription | None:
        if kind != KIND:
            return self._others(kind, id)
        watcher = self.matcher.index.get(id)
        return None if watcher is None else watcher.subscription

    async def _take_up(self, record: dict[str, Any]) -> None:
        subscription = await compiled(record, self._contexts)
        standing = Standing()
        if subscription.interval or subscription.throttling:  # for these the last time matters
            standing = await asyncio.to_thread(self.store.outbox.standing, KIND, subscription.id)
        self.matcher.put(subscription, standing.last)
        self._timetable.put(subscription, standing, self._now())

    async def _take_up_again(self, record: dict[str, Any]) -> None:
        """Take up a subscription of an earlier run; one that broke a rule since then stops no other."""
        try:
            await self._take_up(record)
        except HansaError as fault:
            _LOG.error("subscription %s is not followed: %s", record.get("id"), fault)

    async def _redirect(self, id: str, endpoints: list[str]) -> None:
        """What still waits goes to where the subscription points now."""
        subscription = self._find(KIND, id)
        if subscription is not None:
            uri = subscription.endpoint.uri
            if endpoints != [uri]:
                await asyncio.wrap_future(self.store.outbox.move(KIND, id, uri))
            self.courier.wake(uri)

    async def _attend(self) -> None:
        """Follow the store's changes as long as a subscription wants them.

        A subscription is acknowledged after this, so no change that follows is without an image.
        """
        wanted = self.matcher.follows
        if self.store.outbox.keeps_images != wanted:
            await asyncio.to_thread(self.store.outbox.keep_images, wanted)
        if wanted and self._stop_watching is None:
            loop = asyncio.get_running_loop()

            def wake(_: int) -> None:
                loop.call_soon_threadsafe(self._changed.set)

            self._stop_watching = self.store.watch(wake)
            self._changed.set()
        elif not wanted and self._stop_watching is not None:
            self._stop_watching()
            self._stop_watching = None

    # -- tasks -------------------------------------------------------------------------------------

    async def _guarded(self, work: Callable[[], Any]) -> None:
        """Do `work` for ever; what hinders it is said once, a defect is logged, and it goes on after a moment."""
        while True:
            try:
                await work()
            except asyncio.CancelledError:
                raise
            except HansaError as fault:
                self.trouble.met(fault)
                await asyncio.sleep(1.0)
            except Exception:
                _LOG.exception("the notifications of a tenant met a defect; they go on")
                await asyncio.sleep(1.0)

    async def _match_for_ever(self) -> None:
        pace = Pace(_APART)  # each round ends with a transaction, for which every writer waits
        while True:
            await pace.wait()
            self._changed.clear()
            if not await self._match_some():
                await self._changed.wait()

    async def _match_some(self) -> bool:
        """One round of matching; False when there was nothing to match."""
        async with self._lock:
            images = await asyncio.to_thread(self.store.outbox.images, _IMAGES)
            if not images:
                return False
            notices = await asyncio.to_thread(self.matcher.match, images)
            await self._post(notices, images[-1].seq)
        return True

    async def _post(self, notices: list[Notice], until: int) -> None:
        self._keep_contexts(notices)
        endpoints = await asyncio.wrap_future(self.store.outbox.post(notices, until))
        self.trouble.over()
        for endpoint in endpoints:
            self.courier.wake(endpoint)

    def _keep_contexts(self, notices: list[Notice]) -> None:
        """See that the @contexts which notifications name by a Link are served, also if somebody deleted
        them: who is told needs them (5.13.1)."""
        for id in {notice.subscription for notice in notices if notice.kind == KIND}:
            watcher = self.matcher.index.get(id)
            if watcher is not None:
                subscription = watcher.subscription
                if single_url(subscription.context.source) is None:
                    self._contexts.host(subscription.context.source, subscription.tenant)

    async def _tell_for_ever(self) -> None:
        while True:
            self._clock.clear()
            due = self._timetable.next()
            seconds = _PATIENCE if due is None else (due - self._now()) / 1_000_000
            with contextlib.suppress(TimeoutError):  # wait_for may swallow that it is cancelled
                async with asyncio.timeout(min(max(seconds, 0.0), _PATIENCE)):
                    await self._clock.wait()
            for id, since in self._timetable.take(self._now()):
                try:
                    await self._tell(id, since)
                except HansaError as fault:
                    self.trouble.met(fault)
                except Exception:  # the others that are due are told all the same
                    _LOG.exception("subscription %s could not be told at its interval", id)

    async def _tell(self, id: str, due: int) -> None:
        watcher = self.matcher.index.get(id)
        if watcher is None:
            return
        now = self._now()
        self._timetable.again(watcher.subscription, due, now)
        if watcher.subscription.status(iso(from_micros(now))) != "active":
            return
        standing = await asyncio.to_thread(self.store.outbox.standing, KIND, id)
        if not standing.waiting:
            notices = await asyncio.to_thread(self._at_interval, watcher, due, now)
            await self._post(notices, 0)

    def _at_interval(self, watcher: Watcher, due: int, now: int) -> list[Notice]:
        owner = watcher.subscription.owner
        seen = None if owner is None else self.leave.look(owner, self.store)
        return interval_notices(watcher, self.store if seen is None else seen, due, now)

    async def _tidy_for_ever(self) -> None:
        while True:
            await asyncio.wrap_future(
                self.store.outbox.thin_out(self._now() - _KEPT_DEAD, _MOST_DEAD)
            )
            await asyncio.sleep(_PATIENCE)

    async def _sweep_for_ever(self) -> None:
        """Open lanes for what came in by another way: a replay from the command line."""
        while True:
            await asyncio.sleep(_SWEEP)
            await self.courier.start()
