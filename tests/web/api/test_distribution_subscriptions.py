"""Subscriptions over several brokers: passed on, kept in step, and what sources tell handed on (5.8.1.4, 5.8.6)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hansa.kernel.settings import Settings
from tests.web.api.client import ApiClient, served
from tests.web.api.source import Asked, MockSource, mock_source
from tests.web.api.test_distribution_reads import register

SUB = "urn:x:s:1"
CAR = "urn:ngsi-ld:Car:1"


@pytest.fixture
def source() -> Iterator[MockSource]:
    with mock_source() as found:
        yield found


@pytest.fixture
def receiver() -> Iterator[MockSource]:
    with mock_source() as found:
        found.says("POST", "/told", b"", 200)
        yield found


def await_request(source: MockSource, method: str, number: int = 1) -> Asked:
    """The `number`-th request of a method; waits until it is there."""
    for _ in range(400):
        found = [each for each in source.asked if each.method == method]
        if len(found) >= number:
            return found[number - 1]
        time.sleep(0.02)
    raise AssertionError(f"{method} did not come; only {source.asked}")


def subscribe(api: ApiClient, receiver: MockSource, /, **members: Any) -> None:
    uri = f"{receiver.url}/ngsi-ld/v1/told"
    body = {
        "id": SUB,
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "notification": {"endpoint": {"uri": uri, "receiverInfo": [{"key": "k", "value": "v"}]}},
    }
    answer = api.post("/subscriptions", json=body | members)
    assert answer.status_code == 201, answer.text


def tell(api: ApiClient, copy: str, *data: Any, **members: Any) -> Any:
    body = {"id": "urn:n:1", "type": "Notification", "subscriptionId": copy, "data": list(data)}
    return api._client.post("/ngsi-ld/ex/remote-notify", json=body | members)


def car(id: str = CAR, /, **attributes: Any) -> dict[str, Any]:
    made = {name: {"type": "Property", "value": value} for name, value in attributes.items()}
    return {"id": id, "type": "Car", **made}


def accepted(source: MockSource) -> None:
    source.says("POST", "/subscriptions", b"", 201)


def test_a_copy_is_reduced_to_what_is_registered(
    api: ApiClient, source: MockSource, receiver: MockSource
) -> None:
    accepted(source)
    info = [{"entities": [{"type": "Car"}], "propertyNames": ["speed", "fuel"]}]
    register(api, source, information=info)
    more = {"watchedAttributes": ["speed", "colour"], "q": "speed>50", "throttling": 2}
    subscribe(api, receiver, entities=[{"type": "Car"}, {"type": "Bus"}], **more)
    copy = await_request(source, "POST").body
    assert copy["entities"] == [{"type": "Car"}]
    assert copy["watchedAttributes"] == ["speed"]
    assert (copy["q"], copy["throttling"]) == ("speed>50", 2)
    told = copy["notification"]
    assert sorted(told["attributes"]) == ["fuel", "speed"]
    assert told["endpoint"]["uri"] == "http://127.0.0.1:1356/ngsi-ld/ex/remote-notify"
    assert receiver.url not in str(copy)
    assert copy["id"] != SUB
    assert source.only("POST").headers["via"].startswith("1.1 hansa-")


def test_subscriptions_for_here_alone_stay_here(
    api: ApiClient, source: MockSource, receiver: MockSource
) -> None:
    accepted(source)
    register(api, source)
    subscribe(api, receiver, id="urn:x:s:0", localOnly=True)
    subscribe(api, receiver, id="urn:x:s:2", entities=[{"type": "Bus"}])
    subscribe(api, receiver, id="urn:x:s:3", csf='contextSourceAlias=="other"')
    subscribe(api, receiver)
    await_request(source, "POST")
    assert len(source.asked) == 1


def test_a_source_may_be_asked_for_its_own_alone(
    api: ApiClient, source: MockSource, receiver: MockSource
) -> None:
    accepted(source)
    register(api, source, management={"localOnly": True})
    subscribe(api, receiver)
    asked = await_request(source, "POST")
    assert asked.query == {}
    assert asked.body["localOnly"] is True


def test_copies_follow_their_subscription(
    api: ApiClient, source: MockSource, receiver: MockSource
) -> None:
    accepted(source)
    source.says("GET", "/x", b"")
    register(api, source)
    subscribe(api, receiver, q="speed>50")
    id = await_request(source, "POST").body["id"]
    source.says("PATCH", f"/subscriptions/{id}", b"", 204)
    source.says("DELETE", f"/subscriptions/{id}", b"", 204)
    own = api.get("/csourceSubscriptions").json()
    assert [each["id"] for each in own] == [f"{SUB}:sources"]
    assert api.get(f"/csourceSubscriptions/{SUB}:sources").status_code == 200
    change = {"q": "urn:ngsi-ld:null", "isActive": False}
    assert api.patch(f"/subscriptions/{SUB}", json=change).status_code == 204
    fragment = await_request(source, "PATCH").body
    assert (fragment["q"], fragment["isActive"]) == ("urn:ngsi-ld:null", False)
    assert api.delete(f"/subscriptions/{SUB}").status_code == 204
    await_request(source, "DELETE")
    assert api.get("/csourceSubscriptions").json() == []


def test_a_registration_that_comes_or_goes_counts(
    api: ApiClient, source: MockSource, receiver: MockSource
) -> None:
    accepted(source)
    subscribe(api, receiver)
    register(api, source)
    id = await_request(source, "POST").body["id"]
    tell(api, id, car(speed=1))
    assert api.delete("/csourceRegistrations/urn:r:1").status_code == 204
    assert tell(api, id, car(speed=2)).status_code == 404


def test_what_a_source_tells_is_handed_on(
    api: ApiClient, source: MockSource, receiver: MockSource
) -> None:
    accepted(source)
    register(api, source)
    told = {"endpoint": {"uri": f"{receiver.url}/ngsi-ld/v1/told"}, "format": "keyValues"}
    subscribe(api, receiver, notification={**told, "attributes": ["speed"]})
    id = await_request(source, "POST").body["id"]
    assert tell(api, id, car(speed=3, fuel=9), car("urn:x:2", speed=4)).status_code == 200
    body = await_request(receiver, "POST").body
    assert body["subscriptionId"] == SUB
    assert body["data"] == [
        {"id": CAR, "type": "Car", "speed": 3},
        {"id": "urn:x:2", "type": "Car", "speed": 4},
    ]
    assert id not in str(body)
    tell(api, id, car(speed=3), id="urn:n:2")
    first, second = receiver.asked[0].body["id"], await_request(receiver, "POST", 2).body["id"]
    assert first != second


def test_a_removed_entity_is_handed_on(
    api: ApiClient, source: MockSource, receiver: MockSource
) -> None:
    accepted(source)
    register(api, source)
    subscribe(api, receiver)
    id = await_request(source, "POST").body["id"]
    gone = {"id": CAR, "type": "Car", "deletedAt": "2026-01-01T00:00:00Z"}
    assert tell(api, id, gone).status_code == 200
    (entity,) = await_request(receiver, "POST").body["data"]
    assert entity["deletedAt"].startswith("2026-01-01T00:00:00")


def test_split_entities_are_put_together_and_filtered(
    api: ApiClient, source: MockSource, receiver: MockSource
) -> None:
    accepted(source)
    register(api, source)
    subscribe(api, receiver, q='speed>50;brand=="T"', splitEntities=True)
    copy = await_request(source, "POST").body
    assert "q" not in copy
    assert copy["splitEntities"] is True
    api.post("/entities?local=true", json=car(brand="T"))
    tell(api, copy["id"], car(speed=10), id="urn:n:1")
    tell(api, copy["id"], car(speed=99), id="urn:n:2")
    (entity,) = await_request(receiver, "POST").body["data"]
    assert (entity["speed"]["value"], entity["brand"]["value"]) == (99, "T")
    assert len(receiver.asked) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"subscriptionId": "urn:x:s:1"}, 404),
        ({"subscriptionId": 7}, 404),
        ({"subscriptionId": "urn:nobody"}, 404),
        ({"type": "Alarm"}, 400),
        ({"data": {"id": CAR}}, 400),
        ({"data": [car("urn:x:bus", speed=1) | {"type": "Bus"}]}, 200),
        ({"data": [7, None, [], {"id": CAR}, {"type": "Car"}, car("no uri")]}, 200),
        ({"data": [{**car(speed=1), "@context": "http://127.0.0.1:9/gone"}]}, 200),
    ],
)
def test_nonsense_is_not_handed_on(
    api: ApiClient, source: MockSource, receiver: MockSource, body: dict[str, Any], status: int
) -> None:
    accepted(source)
    register(api, source)
    subscribe(api, receiver)
    id = await_request(source, "POST").body["id"]
    assert tell(api, id, **body).status_code == status
    tell(api, id, car(speed=5), id="urn:n:9")
    assert await_request(receiver, "POST").body["data"][0]["speed"]["value"] == 5
    assert len(receiver.asked) == 1


def test_a_subscription_that_comes_back_is_refused(
    api: ApiClient, source: MockSource, receiver: MockSource
) -> None:
    alias = api.get("/info/sourceIdentity").json()["contextSourceAlias"]
    uri = f"{receiver.url}/ngsi-ld/v1/told"
    body = {
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "notification": {"endpoint": {"uri": uri}},
    }
    answer = api.post("/subscriptions", json=body, headers={"Via": f"1.1 {alias}"})
    assert answer.status_code == 508


def test_only_posting_is_offered(api: ApiClient) -> None:
    answer = api._client.get("/ngsi-ld/ex/remote-notify")
    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")
    assert api._client.post("/ngsi-ld/ex/remote-notify", json=[]).status_code == 400


def test_what_could_not_be_sent_is_sent_after_a_restart(
    tmp_path: Path, source: MockSource, receiver: MockSource
) -> None:
    settings = Settings(dev=True, context="core")
    source.says("POST", "/subscriptions", b"", 503)
    with served(tmp_path / "node", settings) as api:
        register(api, source)
        subscribe(api, receiver)
        first = await_request(source, "POST").body["id"]
    accepted(source)
    with served(tmp_path / "node", settings) as api:
        again = await_request(source, "POST", 2).body["id"]
        assert again == first
        assert tell(api, first, car(speed=3)).status_code == 200
        await_request(receiver, "POST")
