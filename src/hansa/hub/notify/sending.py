"""Carrying one notification over: by HTTP (clause 6.3.8), or by MQTT (clause 7.2).

What can go wrong is of two sorts. *The endpoint fails*: no connection, no answer in time, an answer that
is not HTTP, a 5xx, 408 or 429; then nothing else would get through now either. *The message is refused*:
any other answer that is not a 2xx, also a redirect, which is never followed; then only this message is in
trouble. What a receiver says beside its status is not looked at, however long it is or takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from hansa.hub.notify.endpoint import GEO_JSON, LD_JSON, Endpoint
from hansa.hub.subscriptions.model import Subscription
from hansa.kernel.egress import Egress
from hansa.kernel.errors import HansaError
from hansa.store.outbox import Notice

__all__ = ["Failure", "HttpSender", "Sender", "context_link", "headers_of"]

_AWAY: Final = frozenset({408, 425, 429})
_MOST_ANSWER: Final = 65_536


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something was not delivered, and whether nothing else would be."""

    fault: str
    endpoint: bool


class Sender(Protocol):
    """Sends to one endpoint."""

    async def send(self, notice: Notice, subscription: Subscription) -> Failure | None:
        """Send a notification; None when it was taken."""

    async def close(self) -> None:
        """Let go of connections."""


def context_link(url: str) -> str:
    """The value of a Link header that names a @context (JSON-LD 1.1, 6.1)."""
    safe = url.replace("<", "%3C").replace(">", "%3E").replace("\r", "").replace("\n", "")
    return f'<{safe}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


def headers_of(notice: Notice, subscription: Subscription) -> dict[str, str]:
    """What goes with the body: its type, its @context, the tenant and the snapshot (clauses 6.3.14 and
    6.3.22), and what the receiver wants."""
    endpoint = subscription.endpoint
    found = {"Content-Type": notice.media_type}
    if notice.link is not None and _wants_link(notice, endpoint):
        found["Link"] = context_link(notice.link)
    if subscription.tenant is not None:
        found["NGSILD-Tenant"] = subscription.tenant
    if subscription.snapshot is not None:
        found["NGSILD-Snapshot"] = subscription.snapshot
    return found | dict(endpoint.receiver)


def _wants_link(notice: Notice, endpoint: Endpoint) -> bool:
    """Whether the @context is named beside the body: in JSON, and in GeoJSON without one inside."""
    if notice.media_type == LD_JSON:
        return False
    if notice.media_type != GEO_JSON:
        return True
    return any(k.lower() == "prefer" and "body=json" in v for k, v in endpoint.receiver)


class HttpSender:
    """Posts to one http(s) address."""

    def __init__(self, egress: Egress, endpoint: Endpoint) -> None:
        self._egress, self._url = egress, endpoint.uri

    async def send(self, notice: Notice, subscription: Subscription) -> Failure | None:
        """Send a notification; None when it was taken.

        A connection that was found closed is replaced and the notification sent again: its identifier
        stays the same, so a receiver that got it twice can tell.
        """
        try:
            answer = await self._egress.request(
                "POST",
                self._url,
                headers=headers_of(notice, subscription),
                body=notice.body,
                max_bytes=_MOST_ANSWER,
                timeout=subscription.endpoint.timeout,
                repeatable=True,
                status_only=True,
            )
        except HansaError as fault:
            return Failure(fault.fact, endpoint=True)
        if 200 <= answer.status < 300:
            return None
        fact = f"the receiver answered with status {answer.status}"
        if 300 <= answer.status < 400:
            fact += ", a redirect, which is not followed"
        return Failure(fact, endpoint=answer.status >= 500 or answer.status in _AWAY)

    async def close(self) -> None:
        """Nothing to do: connections are kept by the guard of the way out, and not for long."""
