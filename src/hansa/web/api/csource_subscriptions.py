"""``/csourceSubscriptions``: clauses 6.12 and 6.13, 5.11."""

from __future__ import annotations

from typing import Any

import orjson

from hansa.hub.federation.copies import PATH
from hansa.hub.registrations.subscribing import KIND, change_write, creation_write
from hansa.hub.subscriptions.model import KIND as SUBSCRIPTION
from hansa.store.port import Store
from hansa.web.api.answer import Answer
from hansa.web.api.call import Call
from hansa.web.api.subscription_kind import SubscriptionKind

__all__ = ["change", "query", "remove", "retrieve", "subscribe"]


async def _committed(call: Call, id: str, remains: bool) -> None:
    """Watch the registrations anew, and tell of those that match already (5.11.2.4)."""
    await call.service.watching.refresh(call.tenant, id, tell=remains)


def _own(call: Call, store: Store) -> list[dict[str, Any]]:
    """For each subscription that is with sources, the node's own one to registrations (5.8.1.4)."""
    found = []
    for id in dict.fromkeys(c["subscription"] for c in call.service.passing.copies(store)):
        raw = store.record(SUBSCRIPTION, id)
        if raw is not None:
            record = orjson.loads(raw)
            told = {"endpoint": {"uri": str(record["base"]).rstrip("/") + PATH}}
            members = {**record["members"], "notification": told}
            found.append({**record, "id": f"{id}:sources", "members": members})
    return found


_KIND = SubscriptionKind(
    KIND,
    "/ngsi-ld/v1/csourceSubscriptions",
    creation_write,
    change_write,
    _committed,
    hidden=frozenset({"notificationTrigger"}),  # registrations are told of in every case (5.11.7)
    own=_own,
)


async def subscribe(call: Call) -> Answer:
    """Create Context Source Registration Subscription: 6.12.3.1, 5.11.2."""
    return await _KIND.subscribe(call)


async def retrieve(call: Call) -> Answer:
    """Retrieve Context Source Registration Subscription: 6.13.3.1, 5.11.4."""
    return await _KIND.retrieve(call)


async def query(call: Call) -> Answer:
    """Query Context Source Registration Subscriptions: 6.12.3.2, 5.11.5."""
    return await _KIND.query(call)


async def change(call: Call) -> Answer:
    """Update Context Source Registration Subscription: 6.13.3.2, 5.11.3."""
    return await _KIND.change(call)


async def remove(call: Call) -> Answer:
    """Delete Context Source Registration Subscription: 6.13.3.3, 5.11.6."""
    return await _KIND.remove(call)
