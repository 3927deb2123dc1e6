"""What lies outside hinders notifications: said once, and once that it is over; nothing is lost."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future
from typing import Any

import pytest

from hansa.hub.notify import trouble
from hansa.kernel.errors import Unavailable
from hansa.store.sqlite.outbox import SqliteOutbox
from tests.notify.receiver import Receiver
from tests.notify.told import subscribe
from tests.web.api.client import ApiClient

CAR = "/entities/urn:ngsi-ld:Car:1"


def full(*_: Any) -> Future[Any]:
    failed: Future[Any] = Future()
    failed.set_exception(Unavailable("store city.sqlite", "the disk is full", "free some space"))
    return failed


@pytest.mark.parametrize("work", ["post", "settle"])
def test_a_full_disk_is_one_line_in_the_log(
    api: ApiClient,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    work: str,
) -> None:
    caplog.set_level(logging.INFO, "hansa")
    monkeypatch.setattr(trouble, "_CALM", 1.0)
    subscribe(api, receiver)
    calls = 0
    whole = getattr(SqliteOutbox, work)

    def sometimes(self: Any, *given: Any) -> Any:
        nonlocal calls
        calls += 1
        return full() if calls <= 2 else whole(self, *given)

    monkeypatch.setattr(SqliteOutbox, work, sometimes)
    api.create(speed=0)
    receiver.wait_for(lambda seen: len(seen) >= 1)
    for speed in range(1, 4):
        api.patch(f"{CAR}/attrs", {"speed": speed})
    receiver.wait_for(lambda seen: any(g.entity["speed"]["value"] == 3 for g in seen))
    time.sleep(1.1)
    api.patch(f"{CAR}/attrs", {"speed": 4})
    receiver.wait_for(lambda seen: any(g.entity["speed"]["value"] == 4 for g in seen))
    said = [record for record in caplog.records if "notifications" in record.getMessage()]
    waits = [r for r in said if "the disk is full" in r.getMessage() and r.levelname == "ERROR"]
    assert len(waits) == 1
    assert not any(record.exc_info for record in said)
    assert any("go on" in r.getMessage() and r.levelname == "INFO" for r in said)


def test_a_deleted_context_is_served_again_when_a_notification_names_it(
    api: ApiClient, receiver: Receiver
) -> None:
    context = [{"speed": "https://example.org/speed"}, {"Car": "https://example.org/Car"}]
    made = api.post(
        "/subscriptions",
        {
            "type": "Subscription",
            "entities": [{"type": "Car"}],
            "notification": {"endpoint": {"uri": receiver.url}},
            "@context": context,
        },
        type="application/ld+json",
    )
    assert made.status_code == 201, made.text
    [url] = api.get("/jsonldContexts?kind=ImplicitlyCreated").json()
    path = url.partition("/ngsi-ld/v1")[2]
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    car = {"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": 1, "@context": context}
    api.post("/entities", car, type="application/ld+json")
    [got] = receiver.wait_for(lambda seen: len(seen) == 1)
    assert url in got.headers["link"]
    assert api.get(path).json() == {"@context": context}
