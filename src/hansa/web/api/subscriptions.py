"""``/subscriptions``: clauses 6.10 and 6.11."""

from __future__ import annotations

from hansa.hub.federation.trail import read_via
from hansa.hub.subscriptions.model import KIND
from hansa.hub.subscriptions.writing import create, update
from hansa.kernel.errors import LoopDetected
from hansa.web.api.answer import Answer
from hansa.web.api.call import Call
from hansa.web.api.subscription_kind import SubscriptionKind

__all__ = ["change", "query", "remove", "retrieve", "subscribe"]


async def _committed(call: Call, id: str, remains: bool) -> None:
    """Have it hold for every change of an entity from here on."""
    await call.service.notifier.changed(call.tenant, call.snapshot, id)
    if call.snapshot is None:  # a snapshot is local: no source has anything to do with it (5.5.15)
        call.service.passing.changed(call.tenant, id)


_KIND = SubscriptionKind(
    KIND, "/ngsi-ld/v1/subscriptions", create, update, _committed, personal=True
)


async def subscribe(call: Call) -> Answer:
    """Create Subscription: 6.10.3.1, 5.8.1."""
    via = read_via(call.headers.get(b"via"))
    if call.service.federation.dispatch.alias(call.tenant) in via:
        raise LoopDetected(
            "the subscription", "leads back to this node", "correct the registrations on its way"
        )
    return await _KIND.subscribe(call)


async def retrieve(call: Call) -> Answer:
    """Retrieve Subscription: 6.11.3.1, 5.8.3."""
    return await _KIND.retrieve(call)


async def query(call: Call) -> Answer:
    """Query Subscriptions: 6.10.3.2, 5.8.4."""
    return await _KIND.query(call)


async def change(call: Call) -> Answer:
    """Update Subscription: 6.11.3.2, 5.8.2."""
    return await _KIND.change(call)


async def remove(call: Call) -> Answer:
    """Delete Subscription: 6.11.3.3, 5.8.5."""
    return await _KIND.remove(call)
