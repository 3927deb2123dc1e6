"""Notifications by MQTT (clause 7.2).

The message is a JSON object with the notification as ``body`` and as ``metadata`` what HTTP would say in
headers. One connection to the broker is kept while there is something to publish, and a little longer;
messages go over it one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final, NamedTuple

import orjson

from hansa.hub.notify.endpoint import Endpoint
from hansa.hub.notify.sending import Failure, headers_of
from hansa.hub.subscriptions.model import Subscription
from hansa.kernel.egress import Egress
from hansa.kernel.errors import HansaError
from hansa.kernel.mqtt import Broker, MqttFailed, connected
from hansa.store.outbox import Notice

__all__ = ["MqttSender", "broker_of", "message"]

_IDLE: Final = 5.0  # seconds for which an unused connection is kept


def message(notice: Notice, subscription: Subscription) -> bytes:
    """The MQTT message of a notification."""
    metadata = headers_of(notice, subscription)
    return orjson.dumps({"metadata": metadata, "body": orjson.Fragment(notice.body)})


def broker_of(endpoint: Endpoint) -> Broker:
    """The broker of an endpoint, and how to speak to it."""
    return Broker(
        host=endpoint.host,
        port=endpoint.port,
        tls=endpoint.scheme == "mqtts",
        username=endpoint.user or "",
        password=endpoint.password or "",
        version="5" if endpoint.version == "mqtt5.0" else "3.1.1",
    )


class _Job(NamedTuple):
    payload: bytes
    done: asyncio.Future[None]


class MqttSender:
    """Publishes to the broker of one endpoint."""

    def __init__(self, egress: Egress, endpoint: Endpoint) -> None:
        self._egress, self._endpoint = egress, endpoint
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def send(self, notice: Notice, subscription: Subscription) -> Failure | None:
        """Publish a notification; None when the broker took it, as its QoS can tell.

        A kept connection that turns out to be broken is replaced at once.
        """
        payload = message(notice, subscription)
        endpoint = subscription.endpoint
        if endpoint != self._endpoint:
            await self.close()
            self._endpoint = endpoint
        kept = self._task is not None
        failure = await self._try(payload)
        return await self._try(payload) if failure is not None and kept else failure

    async def _try(self, payload: bytes) -> Failure | None:
        job = _Job(payload, asyncio.get_running_loop().create_future())
        self._jobs.put_nowait(job)
        if self._task is None:
            self._task = asyncio.create_task(self._serve())
        try:
            async with asyncio.timeout(self._endpoint.timeout):
                await job.done
        except TimeoutError:
            await self.close()
            return Failure(f"no answer within {self._endpoint.timeout:g} seconds", endpoint=True)
        except HansaError as fault:
            return Failure(fault.fact, endpoint=True)
        return None

    async def _serve(self) -> None:
        """Keep a connection and publish what comes, until it breaks or nothing has come for a while."""
        endpoint = self._endpoint
        fault: HansaError = MqttFailed(endpoint.shown, "the connection was closed")
        jobs: list[_Job] = []
        try:
            async with connected(
                self._egress, broker_of(endpoint), timeout=endpoint.timeout
            ) as client:
                watch = asyncio.create_task(_broken(client))
                try:
                    while (job := await self._next(watch)) is not None:
                        jobs = [job]
                        await client.publish(endpoint.topic, job.payload, qos=endpoint.qos)
                        if not job.done.done():
                            job.done.set_result(None)
                        jobs = []
                finally:
                    watch.cancel()
        except HansaError as found:
            fault = found
        finally:
            self._task = None
            while not self._jobs.empty():
                jobs.append(self._jobs.get_nowait())
            for job in jobs:
                if not job.done.done():
                    job.done.set_exception(fault)

    async def _next(self, broken: asyncio.Task[None]) -> _Job | None:
        """The next message; None when none comes for a while, or the connection breaks."""
        coming = asyncio.create_task(self._jobs.get())
        try:
            await asyncio.wait({coming, broken}, timeout=_IDLE, return_when=asyncio.FIRST_COMPLETED)
            return coming.result() if coming.done() else None
        finally:
            coming.cancel()

    async def close(self) -> None:
        """Let go of the connection."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _broken(client: Any) -> None:
    """Wait until the broker hangs up; it is not meant to send anything."""
    with contextlib.suppress(Exception):
        async for _ in client.messages:
            pass
