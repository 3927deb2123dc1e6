"""Subscriptions to the entities of a snapshot: clauses 5.5.15 and 6.3.22, and table 4.3.5-1."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hansa.hub.notify import service
from hansa.kernel.settings import Settings
from tests.notify.receiver import Receiver
from tests.notify.told import ID, subscribe
from tests.web.api.client import ApiClient, problem_of, served
from tests.web.api.test_snapshots import make, ready, within

CARS = {"type": "Query", "entities": [{"type": "Car"}]}
SPEED = "/entities/urn:ngsi-ld:Car:1/attrs"


def faster(api: ApiClient, speed: int, headers: dict[str, str] | None = None) -> None:
    response = api.patch(SPEED, {"speed": speed}, headers=headers or {})
    assert response.status_code == 204, response.text


def test_a_change_in_the_snapshot_is_told_and_one_outside_is_not(
    api: ApiClient, receiver: Receiver
) -> None:
    api.create(speed=1)
    id = make(api, CARS)
    subscribe(api, receiver, headers=within(id))
    faster(api, 2)
    faster(api, 3, within(id))
    (got,) = receiver.wait(1)
    assert got.headers["ngsild-snapshot"] == id
    assert "ngsild-tenant" not in got.headers
    assert got.entity["speed"]["value"] == 3


def test_one_outside_is_not_told_of_the_snapshot_and_has_another_identifier(
    api: ApiClient, receiver: Receiver
) -> None:
    api.create(speed=1)
    id = make(api, CARS)
    subscribe(api, receiver)
    subscribe(api, receiver, headers=within(id))
    faster(api, 2, within(id))
    receiver.wait(1)
    faster(api, 3)
    first, second = receiver.wait(2)
    assert [got.headers.get("ngsild-snapshot") for got in (first, second)] == [id, None]
    assert first.body["id"] != second.body["id"]


def test_subscriptions_of_a_snapshot_are_its_own(api: ApiClient, receiver: Receiver) -> None:
    api.create(speed=1)
    id = make(api, CARS)
    subscribe(api, receiver, headers=within(id))
    assert api.get("/subscriptions").json() == []
    assert api.get(f"/subscriptions/{ID}").status_code == 404
    (found,) = api.get("/subscriptions", headers=within(id)).json()
    assert found["id"] == ID
    change = api.patch(f"/subscriptions/{ID}", {"isActive": False}, headers=within(id))
    assert change.status_code == 204
    shown = api.get(f"/subscriptions/{ID}", headers=within(id)).json()
    assert shown["status"] == "paused"
    assert api.delete(f"/subscriptions/{ID}", headers=within(id)).status_code == 204
    assert api.get("/subscriptions", headers=within(id)).json() == []


def test_a_snapshot_of_a_tenant_names_both(api: ApiClient, receiver: Receiver) -> None:
    tenant = {"ngsild-tenant": "port"}
    api.post("/entities", {"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": 1}, headers=tenant)
    id = make(api, CARS, headers=tenant)
    subscribe(api, receiver, headers=tenant | within(id))
    faster(api, 2, tenant | within(id))
    (got,) = receiver.wait(1)
    assert (got.headers["ngsild-tenant"], got.headers["ngsild-snapshot"]) == ("port", id)


def test_a_copy_of_a_snapshot_has_none_of_its_subscriptions(
    api: ApiClient, receiver: Receiver
) -> None:
    api.create(speed=1)
    id = make(api, CARS)
    subscribe(api, receiver, headers=within(id))
    cloned = api.post(f"/snapshots/{id}/clone", {"type": "Snapshot"})
    copy = cloned.headers["location"].rpartition("/")[2]
    ready(api, copy)
    assert api.get("/subscriptions", headers=within(copy)).json() == []
    faster(api, 2, within(copy))
    faster(api, 3, within(id))
    (got,) = receiver.wait(1)
    assert got.headers["ngsild-snapshot"] == id


def test_a_snapshot_that_is_deleted_tells_nothing_more(api: ApiClient, receiver: Receiver) -> None:
    api.create(speed=1)
    id = make(api, CARS, id="urn:s:1")
    subscribe(api, receiver, headers=within(id))
    assert api.delete(f"/snapshots/{id}").status_code == 204
    assert problem_of(api.get("/subscriptions", headers=within(id))) == (404, "ResourceNotFound")
    make(api, CARS, id="urn:s:1")
    assert api.get("/subscriptions", headers=within(id)).json() == []
    faster(api, 2, within(id))
    subscribe(api, receiver, headers=within(id))
    faster(api, 3, within(id))
    (got,) = receiver.wait(1)
    assert got.entity["speed"]["value"] == 3


def test_one_that_has_outlived_its_time_tells_nothing_more(
    api: ApiClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.create(speed=1)
    id = make(api, CARS)
    regular = {"entities": [{"type": "Car"}], "timeInterval": 0.1}
    subscribe(api, receiver, headers=within(id), **regular)
    receiver.wait(2)
    desk = (None, id)
    assert desk in api.node.notifier._desks
    monkeypatch.setattr(service, "_SWEEP", 0.05)
    assert api.patch(f"/snapshots/{id}", {"snapshotLifetime": "PT1S"}).status_code == 200
    until = time.monotonic() + 20
    while (
        desk in api.node.notifier._desks and time.monotonic() < until
    ):  # nobody asks for it meanwhile
        time.sleep(0.05)
    told = len(receiver.got)
    time.sleep(0.5)
    assert len(receiver.got) == told


def test_subscriptions_to_registrations_are_no_part_of_it(api: ApiClient) -> None:
    id = make(api, CARS)
    for path in ("/csourceSubscriptions", "/csourceRegistrations"):
        refused = api.get(path, headers=within(id))
        assert problem_of(refused) == (422, "OperationNotSupported")


def test_they_are_taken_up_again_after_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    settings = Settings(dev=True, context="core")
    with served(tmp_path, settings) as api:
        api.create(speed=1)
        id = make(api, CARS)
        subscribe(api, receiver, headers=within(id))
    with served(tmp_path, settings) as api:
        faster(api, 2, within(id))
        (got,) = receiver.wait(1)
    assert got.entity["speed"]["value"] == 2
