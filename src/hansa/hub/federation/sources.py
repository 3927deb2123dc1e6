"""Sending requests to sources: deadlines, pauses after failures, kept answers, and the count of it all.

The limits of a registration hold (clause 5.2.34): its ``timeout`` (at most the node's own), the
``cooldown`` of its endpoint after a failure, and ``cacheDuration``, for which an answer to the very
same question is given again. The number of requests under way is limited for the node as a whole; who
comes later waits, within its deadline.

With each broker that a request has passed the time halves, so that who asks in somebody's name still
answers in time when one of its own sources does not.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Literal

from hansa.hub.federation.outgoing import Outgoing
from hansa.hub.federation.warnings import Code, Warned
from hansa.hub.registrations.model import Registration
from hansa.hub.registrations.registry import Health, Registry
from hansa.kernel.egress import AnswerTooLarge, Egress, Response, TimedOut
from hansa.kernel.errors import HansaError

__all__ = ["Answer", "Failure", "Limits", "Sources"]

Key = tuple[str | None, str, tuple[str, str, bytes, str]]
"""Tenant, registration and question."""

_AT_ONCE: Final = 256
_KEPT_BYTES: Final = 32_000_000
_ENTRY: Final = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What the node grants a source: seconds, bytes of an answer, levels of nesting."""

    seconds: float = 5.0
    bytes: int = 16_000_000
    depth: int = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with a status of 2xx; `kept` when it is one from before."""

    response: Response
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A source did not do what was asked.

    Attributes:
        code: of the warning that says so; 0 when it is nothing abnormal (404 to a question).
        status: what the source answered, or what a gateway says in its place (502, 504).
        fact: in words safe to show.
    """

    code: Code | Literal[0]
    status: int
    fact: str

    def warned(self, registration: Registration) -> Warned | None:
        """The warning for an answer that lacks what this source has."""
        return Warned(self.code, registration.id, self.fact) if self.code else None


class Sources:
    """The way to the sources of all registrations of a node."""

    def __init__(self, egress: Egress, registry: Registry, limits: Limits) -> None:
        self.limits = limits
        self._egress = egress
        self._registry = registry
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._paused: dict[str, float] = {}
        self._kept: OrderedDict[Key, tuple[float, Response]] = OrderedDict()
        self._weight = 0

    async def send(
        self,
        tenant: str | None,
        registration: Registration,
        request: Outgoing,
        now: str,
        *,
        asks: bool,
        hops: int = 0,
    ) -> Answer | Failure:
        """Send `request` to the source of `registration`; never raises what the source causes.

        `asks` says that it changes nothing, so that an answer may be kept and given again; `hops` is how
        many brokers the request has passed before this one.
        """
        source = registration.source
        clock = asyncio.get_running_loop().time()
        key = (tenant, registration.id, request.key)
        if asks and source.cache > 0 and (kept := self._kept_answer(key, clock)) is not None:
            return Answer(kept, kept=True)
        health = self._registry.health(tenant, registration.id)
        if self._paused.get(source.base, 0.0) > clock:
            return Failure(199, 504, "it is left alone for a while after a failure")
        outcome = await self._exchange(registration, request, asks, hops)
        _count(health, now, failed=isinstance(outcome, Failure) and outcome.code != 0)
        if isinstance(outcome, Failure):
            if source.cooldown and outcome.code == 199:
                self._paused[source.base] = asyncio.get_running_loop().time() + source.cooldown
        elif asks and source.cache > 0:
            self._keep(key, asyncio.get_running_loop().time() + source.cache, outcome.response)
        return outcome

    def seconds(self, registration: Registration, hops: int = 0) -> float:
        """How long a request to the source may take."""
        own = registration.source.timeout
        seconds = self.limits.seconds if own is None else min(own, self.limits.seconds * 6)
        return seconds / float(2**hops)

    async def _exchange(
        self, registration: Registration, request: Outgoing, asks: bool, hops: int
    ) -> Answer | Failure:
        seconds = self.seconds(registration, hops)
        try:
            async with asyncio.timeout(seconds):
                async with self._gate:
                    response = await self._egress.request(
                        request.method,
                        request.url,
                        headers=request.headers,
                        body=request.body,
                        max_bytes=self.limits.bytes,
                        timeout=None,
                        repeatable=asks or None,
                    )
        except (TimeoutError, TimedOut):
            return Failure(199, 504, f"there was no answer within {seconds:g} seconds")
        except AnswerTooLarge:
            return Failure(111, 502, f"its answer is larger than {self.limits.bytes:,} bytes")
        except HansaError as error:
            return Failure(199, 502, error.fact[:200])
        if 200 <= response.status < 300:
            return Answer(response)
        missing = asks and response.status == 404
        return Failure(
            0 if missing else 299, response.status, f"it answered with status {response.status}"
        )

    def _kept_answer(self, key: Key, clock: float) -> Response | None:
        found = self._kept.get(key)
        if found is None:
            return None
        if found[0] <= clock:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return found[1]

    def _keep(self, key: Key, until: float, response: Response) -> None:
        self._drop(key)
        self._kept[key] = (until, response)
        self._weight += len(response.content) + _ENTRY
        while self._weight > _KEPT_BYTES and self._kept:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._weight -= len(gone[1].content) + _ENTRY

    def forget(self, registration: str) -> None:
        """Forget the kept answers to requests for a registration."""
        for key in [key for key in self._kept if key[1] == registration]:
            self._drop(key)


def _count(health: Health, now: str, *, failed: bool) -> None:
    health.sent += 1
    health.is_failing = failed
    if failed:
        health.failed += 1
        health.last_failure = now
    else:
        health.last_success = now
