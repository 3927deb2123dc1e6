"""The courier of a tenant: a lane for each endpoint for which something waits in the outbox.

A lane sends what is due, in order for each subscription and entity, several entities at a time. When the
endpoint fails, only its own lane rests, longer each time and never quite as long as another (jitter), and
then tries with a single message. A message that is refused is tried again a few times and then given up,
as is one that is a day old; both become dead letters. Lanes that have nothing to do end.

Nothing is kept here that a restart would need: it all stands in the outbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from typing import Final

from hansa.hub.notify.endpoint import Endpoint
from hansa.hub.notify.leave import Left
from hansa.hub.notify.mqtt import MqttSender
from hansa.hub.notify.sending import Failure, HttpSender, Sender
from hansa.hub.notify.settling import Settler
from hansa.hub.notify.trouble import Trouble
from hansa.hub.subscriptions.model import Subscription
from hansa.kernel.clock import from_micros, iso
from hansa.kernel.egress import Egress
from hansa.kernel.errors import HansaError
from hansa.store.outbox import Outbox, Queued, Settled

__all__ = ["Courier"]

_AT_ONCE: Final = 8  # messages under way to one endpoint
_BATCH: Final = 64
_IDLE: Final = 20.0  # seconds after which a lane without work ends
_FIRST_REST: Final = 1.0
_LONGEST_REST: Final = 300.0
_LAST_MOMENT: Final = 1.0
_REFUSALS: Final = 3
_GIVE_UP: Final = 24 * 3600 * 1_000_000  # microseconds
_SECOND: Final = 1_000_000

_LOG = logging.getLogger(__name__)

Find = Callable[[str, str], Subscription | None]
"""The subscription of a kind, by its identifier."""

Leaving = Callable[[Queued, Subscription], Left | None]
"""What may still be told of a notification."""


class Courier:
    """Delivers what stands in an outbox, until it is stopped."""

    def __init__(
        self,
        outbox: Outbox,
        egress: Egress,
        now: Callable[[], int],
        find: Find,
        trouble: Trouble | None = None,
        left: Leaving | None = None,
    ) -> None:
        self.outbox, self.egress, self.now, self.find = outbox, egress, now, find
        self.left = left
        self.trouble = trouble or Trouble()
        self.settler = Settler(outbox, self.trouble)
        self.stopping = asyncio.Event()
        self._lanes: dict[str, tuple[_Lane, asyncio.Task[None]]] = {}

    async def start(self) -> None:
        """Open a lane for everything that waited already."""
        for endpoint in await asyncio.to_thread(self.outbox.endpoints):
            self.wake(endpoint)

    def wake(self, endpoint: str) -> None:
        """There is something new for an endpoint."""
        if self.stopping.is_set():
            return
        found = self._lanes.get(endpoint)
        if found is None:
            lane = _Lane(self, endpoint)
            task = asyncio.create_task(lane.run())
            self._lanes[endpoint] = (lane, task)
            task.add_done_callback(lambda _: self._ended(endpoint, lane))
        else:
            found[0].woken.set()

    def _ended(self, endpoint: str, lane: _Lane) -> None:
        found = self._lanes.get(endpoint)
        if found is not None and found[0] is lane:
            del self._lanes[endpoint]
            if lane.woken.is_set():
                self.wake(endpoint)

    async def stop(self) -> None:
        """Begin nothing more; what has no answer within a moment is sent again later."""
        self.stopping.set()
        lanes, self._lanes = list(self._lanes.values()), {}
        for lane, _ in lanes:
            lane.woken.set()
        tasks = [task for _, task in lanes]
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_MOMENT)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.settler.settled()


class _Lane:
    """What goes to one endpoint."""

    def __init__(self, courier: Courier, endpoint: str) -> None:
        self.woken = asyncio.Event()
        self._courier, self._endpoint = courier, endpoint
        self._sender: Sender | None = None
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._failures = 0
        self._failed = False
        self._pause = 0.0

    async def run(self) -> None:
        try:
            while await self._turn():
                pass
        except asyncio.CancelledError:
            raise
        except HansaError as fault:
            self._courier.trouble.met(fault)
        except Exception:
            _LOG.exception(
                "the queue of an endpoint stopped; it starts again with its next message"
            )
        finally:
            if self._sender is not None:
                with contextlib.suppress(Exception):
                    await self._sender.close()

    async def _turn(self) -> bool:
        """Send what is due, or wait; False when there is nothing to wait for."""
        courier = self._courier
        if courier.stopping.is_set():
            return False
        self.woken.clear()
        limit = 1 if self._failures else _BATCH
        now = courier.now()
        rows = await asyncio.to_thread(courier.outbox.due, self._endpoint, now, limit)
        if rows:
            await self._deliver(rows)
            return True
        due = await asyncio.to_thread(courier.outbox.next_due, self._endpoint)
        if due is None:
            return await self._woken_within(_IDLE)
        await self._woken_within(max((due - now) / _SECOND, 0.1))
        return True

    async def _woken_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(min(seconds, 3600.0)):
                await self.woken.wait()
        except TimeoutError:
            return False
        return True

    async def _deliver(self, rows: list[Queued]) -> None:
        queues: dict[tuple[str, str], list[Queued]] = {}
        for row in rows:
            queues.setdefault((row.notice.subscription, row.notice.entity), []).append(row)
        self._failed = False
        rest = self._rest()
        async with asyncio.TaskGroup() as group:
            for queue in queues.values():
                group.create_task(self._send_queue(queue, rest))
        await self._courier.settler.settled()
        self._note_health()
        if self._failed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause):
                    await self._courier.stopping.wait()

    async def _send_queue(self, queue: list[Queued], rest: float) -> None:
        """Send the messages of one entity one after the other, up to the first that fails."""
        for row in queue:
            async with self._room:
                if self._failed or self._courier.stopping.is_set():
                    return
                result = await self._attempt(row, rest)
            self._courier.settler.put(result)
            if result.fault is not None and result.again is not None:
                return

    async def _attempt(self, row: Queued, rest: float) -> Settled:
        courier, notice = self._courier, row.notice
        subscription = courier.find(notice.kind, notice.subscription)
        head = (row.number, notice.kind, notice.subscription)
        if subscription is None:
            return Settled(*head, courier.now(), "its subscription is gone", sent=False)
        status = subscription.status(iso(from_micros(courier.now())))
        if status != "active":
            return Settled(*head, courier.now(), f"its subscription is {status}", sent=False)
        endpoint = subscription.endpoint
        if courier.left is not None and subscription.owner is not None:
            left = await asyncio.to_thread(courier.left, row, subscription)
            if left is None:
                fact = "its subscriber may not be told of it any more"
                return Settled(*head, courier.now(), fact, sent=False)
            notice, subscription = left
        failure = await self._sender_for(endpoint).send(notice, subscription)
        at = courier.now()
        if failure is None:
            return Settled(*head, at)
        if failure.endpoint:
            self._failed = True
            self._pause = max(rest, endpoint.cooldown)
        return Settled(*head, at, failure.fault, self._again(row, failure, endpoint, rest, at))

    def _again(
        self, row: Queued, failure: Failure, endpoint: Endpoint, rest: float, at: int
    ) -> int | None:
        """When a message that failed is tried again; None gives it up."""
        if at - row.made > _GIVE_UP:
            return None
        if not failure.endpoint and row.attempts + 1 >= _REFUSALS:
            return None
        pause = max(rest, endpoint.cooldown) if failure.endpoint else 2.0**row.attempts
        return at + round(pause * _SECOND)

    def _sender_for(self, endpoint: Endpoint) -> Sender:
        if self._sender is None:
            make = MqttSender if endpoint.is_mqtt else HttpSender
            self._sender = make(self._courier.egress, endpoint)
        return self._sender

    def _rest(self) -> float:
        """How long to rest if the endpoint fails now [seconds]."""
        most = min(_LONGEST_REST, _FIRST_REST * 2.0 ** min(self._failures, 20))
        return most * random.uniform(0.5, 1.0)  # noqa: S311 - no secret, only jitter

    def _note_health(self) -> None:
        """Count failures in a row; the log says once that an endpoint is away, and once that it is back."""
        if self._failed:
            self._failures += 1
            if self._failures == 1:
                _LOG.warning("a notification endpoint fails: %s", _shown(self._endpoint))
        elif self._failures:
            self._failures = 0
            _LOG.info("a notification endpoint is back: %s", _shown(self._endpoint))


def _shown(endpoint: str) -> str:
    scheme, _, rest = endpoint.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
