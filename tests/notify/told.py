"""Subscribing in tests."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import Any

from tests.notify.receiver import Receiver
from tests.web.api.client import ApiClient

ID = "urn:ngsi-ld:Subscription:1"


def subscribe(
    api: ApiClient,
    to: Receiver | str,
    id: str = ID,
    headers: dict[str, str] | None = None,
    **members: Any,
) -> None:
    """Subscribe to cars, unless other `entities` are named; `notification` adds to the endpoint."""
    told = deepcopy(members.pop("notification", {}))
    uri = to if isinstance(to, str) else to.url
    endpoint = {"uri": uri, **told.pop("endpoint", {})}
    body = {
        "id": id,
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        **members,
        "notification": {"endpoint": endpoint, **told},
    }
    response = api.post("/subscriptions", body, headers=headers or {})
    assert response.status_code == 201, response.json()


def standing(api: ApiClient, id: str = ID) -> dict[str, Any]:
    """What the node says about the notifications of a subscription."""
    found: dict[str, Any] = api.get(f"/subscriptions/{id}").json()["notification"]
    return found


def settled(api: ApiClient, id: str = ID) -> dict[str, Any]:
    """The same, once the first attempt is over: a receiver has a message before the node knows that."""
    end = time.monotonic() + 20
    while "status" not in (found := standing(api, id)) and time.monotonic() < end:
        time.sleep(0.02)
    return found
