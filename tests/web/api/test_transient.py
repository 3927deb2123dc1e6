"""Transient entities and attributes over HTTP: clause 4.22, with a clock that is set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hansa.kernel.clock import Clock
from hansa.kernel.settings import Settings
from hansa.node import Node
from tests.web.api.client import ApiClient, problem_of

CAR = "/entities/urn:ngsi-ld:Car:1"
SOON, LATER = "2026-11-23T08:00:10Z", "2100-01-01T00:00:00Z"


class Watch(Clock):
    """A clock that stands still until it is moved."""

    at = datetime(2026, 11, 23, 8, tzinfo=UTC)

    def now(self) -> datetime:
        return Watch.at


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiClient]:
    """A node at eight o'clock."""
    monkeypatch.setattr(Watch, "at", datetime(2026, 11, 23, 8, tzinfo=UTC))
    monkeypatch.setattr("hansa.node.Clock", Watch)
    node = Node.open(tmp_path / "node", Settings(dev=True, context="core"))
    try:
        with TestClient(node.app, base_url="http://127.0.0.1:1356") as client:
            yield ApiClient(node, client)
    finally:
        node.close()


def wait(seconds: int) -> None:
    Watch.at += timedelta(seconds=seconds)


def names(api: ApiClient) -> list[str]:
    return [e["id"] for e in api.get("/entities?type=Car").json()]


def test_an_entity_is_there_until_it_expires(api: ApiClient) -> None:
    api.create(speed=1, expiresAt=SOON)
    api.create("urn:ngsi-ld:Car:2", near={"object": "urn:ngsi-ld:Car:1"})
    assert len(names(api)) == 2
    wait(11)
    assert names(api) == ["urn:ngsi-ld:Car:2"]
    assert problem_of(api.get(CAR)) == (404, "ResourceNotFound")
    joined = api.get("/entities/urn:ngsi-ld:Car:2?join=inline").json()
    assert "entity" not in joined["near"]


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("PATCH", "", {"speed": 2}),
        ("PUT", "", {"id": "urn:ngsi-ld:Car:1", "type": "Car"}),
        ("DELETE", "", None),
        ("POST", "/attrs", {"rpm": 2}),
        ("PATCH", "/attrs", {"rpm": 2}),
        ("PATCH", "/attrs/speed", {"value": 2}),
        ("PUT", "/attrs/speed", {"type": "Property", "value": 2}),
        ("DELETE", "/attrs/speed", None),
    ],
)
def test_an_expired_entity_cannot_be_changed(
    api: ApiClient, verb: str, path: str, body: Any
) -> None:
    api.create(speed=1, expiresAt=SOON)
    wait(11)
    assert problem_of(api.request(verb, CAR + path, body))[0] == 404


def test_its_identifier_is_free_again(api: ApiClient) -> None:
    api.create(speed=1, expiresAt=SOON)
    wait(11)
    api.create(speed=2)
    assert api.get(CAR).json()["speed"]["value"] == 2


def test_attributes_and_their_datasets_expire_alone(api: ApiClient) -> None:
    flash = {"value": 1, "expiresAt": SOON}
    both = [{"value": 10}, {"value": 20, "datasetId": "urn:d:1", "expiresAt": SOON}]
    api.create(flash=flash, speed=both, steady={"value": 1, "of": flash}, lasting=1)
    wait(11)
    found = api.get(CAR + "?options=concise").json()
    assert found == {
        "id": "urn:ngsi-ld:Car:1",
        "type": "Car",
        "speed": 10,
        "steady": 1,
        "lasting": 1,
    }
    history = api.get("/temporal" + CAR + "?options=temporalValues").json()
    assert "flash" not in history
    assert len(history["speed"]["values"]) == 1


def test_what_a_read_met_is_deleted_for_good(api: ApiClient) -> None:
    api.create(speed=1, flash={"value": 1, "expiresAt": SOON})
    api.create("urn:ngsi-ld:Car:2", expiresAt=SOON)
    wait(11)
    names(api)
    store = api.node.local_store()
    store.write([]).result()
    assert store.get("urn:ngsi-ld:Car:2") is None
    assert b"flash" not in (store.get("urn:ngsi-ld:Car:1") or b"")


def test_the_history_of_an_expired_entity_stays(api: ApiClient) -> None:
    api.create(speed=7, expiresAt=SOON)
    wait(11)
    assert problem_of(api.get(CAR))[0] == 404
    history = api.get("/temporal" + CAR + "?options=temporalValues").json()
    assert [value for value, _ in history["speed"]["values"]] == [7]


def test_expiry_can_be_put_off_and_brought_forward(api: ApiClient) -> None:
    api.create(speed=1, expiresAt=SOON)
    assert api.patch(CAR, {"expiresAt": LATER}).status_code == 204
    wait(11)
    assert api.get(CAR).status_code == 200
    assert api.patch(CAR, {"expiresAt": "2020-01-01T00:00:00Z"}).status_code == 204
    assert problem_of(api.get(CAR))[0] == 404
