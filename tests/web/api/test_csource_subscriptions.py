"""Subscriptions to registrations: what is told, of what, and when (clause 5.11)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from tests.notify.receiver import Receiver, receiving
from tests.web.api.client import ApiClient

PLACE = "/csourceSubscriptions"
ID = "urn:ngsi-ld:Subscription:1"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def registration(name: str = "1", type: str = "Car", **members: Any) -> dict[str, Any]:
    return {
        "id": f"urn:r:{name}",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": type}]}],
        "endpoint": "http://source.example",
        **members,
    }


def subscription(url: str = "http://127.0.0.1:9/", **members: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "notification": {"endpoint": {"uri": url}},
        **members,
    }


def subscribe(api: ApiClient, receiver: Receiver, **members: Any) -> None:
    answer = api.post(PLACE, subscription(receiver.url, **members))
    assert answer.status_code == 201, answer.text


def reasons(receiver: Receiver, count: int) -> list[tuple[str, list[str]]]:
    return [
        (got.body["triggerReason"], [each["id"] for each in got.body["data"]])
        for got in receiver.wait(count)
    ]


def test_a_subscription_comes_back_as_it_was_written(api: ApiClient) -> None:
    temporal = {"timerel": "before", "timeAt": "2026-01-01T00:00:00Z"}
    written = subscription(
        watchedAttributes=["speed"], csf='sourceType=="sensor"', temporalQ=temporal
    )
    answer = api.post(PLACE, written)
    assert answer.headers["location"] == f"/ngsi-ld/v1{PLACE}/{ID}"
    found = api.get(f"{PLACE}/{ID}").json()
    for name in ("entities", "watchedAttributes", "csf", "temporalQ"):
        assert found[name] == written[name]
    assert found["status"] == "active"
    assert [each["id"] for each in api.get(PLACE).json()] == [ID]
    assert api.get("/subscriptions").json() == []
    assert api.post(PLACE, written).status_code == 409


def test_a_subscriber_hears_of_what_comes_changes_and_goes(
    api: ApiClient, receiver: Receiver
) -> None:
    api.post("/csourceRegistrations", registration("0"))
    subscribe(api, receiver)
    assert reasons(receiver, 1) == [("newlyMatching", ["urn:r:0"])]
    api.post("/csourceRegistrations", registration("1"))
    api.post("/csourceRegistrations", registration("2", "House"))
    api.patch("/csourceRegistrations/urn:r:1", {"description": "new"})
    house = {"information": [{"entities": [{"type": "House"}]}]}
    api.patch("/csourceRegistrations/urn:r:1", house)
    api.delete("/csourceRegistrations/urn:r:0")
    api.delete("/csourceRegistrations/urn:r:2")
    assert reasons(receiver, 5)[1:] == [
        ("newlyMatching", ["urn:r:1"]),
        ("updated", ["urn:r:1"]),
        ("noLongerMatching", ["urn:r:1"]),
        ("noLongerMatching", ["urn:r:0"]),
    ]
    told = receiver.got[1].body
    assert (told["type"], told["subscriptionId"]) == ("ContextSourceNotification", ID)
    standing = api.get(f"{PLACE}/{ID}").json()["notification"]
    assert (standing["status"], standing["timesSent"]) == ("ok", 5)


def test_only_what_matches_is_told_and_no_secret(api: ApiClient, receiver: Receiver) -> None:
    subscribe(api, receiver, watchedAttributes=["speed"])
    information = [
        {"entities": [{"type": "Car"}], "propertyNames": ["speed"]},
        {"entities": [{"type": "Car"}], "propertyNames": ["colour"]},
        {"entities": [{"type": "House"}]},
    ]
    info = [{"key": "Authorization", "value": "secret"}]
    body = registration("1", information=information, contextSourceInfo=info)
    api.post("/csourceRegistrations", body)
    (got,) = receiver.wait(1)
    (told,) = got.body["data"]
    assert told["information"] == information[:1]
    assert "secret" not in str(got.body)


def test_conditions_on_sources_hold(api: ApiClient, receiver: Receiver) -> None:
    subscribe(
        api,
        receiver,
        csf='sourceType=="sensor"',
        scopeQ="/Madrid/#",
        geoQ={"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": [1, 1]},
    )
    point = {"type": "Point", "coordinates": [1, 1]}
    api.post("/csourceRegistrations", registration("1", sourceType="sensor", scope="/Madrid/a"))
    fitting = registration("2", sourceType="sensor", scope="/Madrid/a", location=point)
    api.post("/csourceRegistrations", fitting)
    assert reasons(receiver, 1) == [("newlyMatching", ["urn:r:2"])]


def test_sources_of_history_are_told_to_who_asks_for_a_time(
    api: ApiClient, receiver: Receiver
) -> None:
    temporal = {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}
    subscribe(api, receiver, temporalQ=temporal)
    interval = {"startAt": "2025-01-01T00:00:00Z"}
    api.post("/csourceRegistrations", registration("1"))
    api.post("/csourceRegistrations", registration("2", observationInterval=interval))
    assert reasons(receiver, 1) == [("newlyMatching", ["urn:r:2"])]


def test_a_subscriber_may_be_told_regularly(api: ApiClient, receiver: Receiver) -> None:
    api.post("/csourceRegistrations", registration("1"))
    subscribe(api, receiver, timeInterval=1)
    assert reasons(receiver, 2)[:2] == [("newlyMatching", ["urn:r:1"])] * 2


def test_who_pauses_hears_nothing_until_it_goes_on(api: ApiClient, receiver: Receiver) -> None:
    subscribe(api, receiver, isActive=False)
    api.post("/csourceRegistrations", registration("1"))
    assert api.patch(f"{PLACE}/{ID}", {"isActive": True}).status_code == 204
    assert reasons(receiver, 1) == [("newlyMatching", ["urn:r:1"])]


def test_a_restart_loses_no_subscriber(tmp_path: Path, receiver: Receiver) -> None:
    settings = Settings(dev=True, context="core")
    for number in (1, 2):
        node = Node.open(tmp_path / "node", settings)
        try:
            with TestClient(node.app, base_url="http://127.0.0.1:1356") as client:
                api = ApiClient(node, client)
                if number == 1:
                    subscribe(api, receiver)
                api.post("/csourceRegistrations", registration(str(number)))
                receiver.wait(number)
        finally:
            node.close()
    assert reasons(receiver, 2)[1] == ("newlyMatching", ["urn:r:2"])


@pytest.mark.parametrize(
    "members",
    [
        {"type": "Other"},
        {"entities": []},
        {"entities": [{"type": "Car", "id": "nonsense"}]},
        {"notification": None},
        {"notification": {"endpoint": {"uri": "nonsense"}}},
        {"csf": "("},
        {"temporalQ": {}},
        {"temporalQ": []},
        {"temporalQ": {"timerel": "sometime", "timeAt": "2026-01-01T00:00:00Z"}},
        {"temporalQ": {"timerel": "before"}},
        {"geoQ": {"georel": "near"}},
        {"timeInterval": -1},
        {"expiresAt": "2020-01-01T00:00:00Z"},
    ],
)
def test_a_malformed_subscription_is_refused(api: ApiClient, members: dict[str, Any]) -> None:
    body = {k: v for k, v in subscription(**members).items() if v is not None}
    answer = api.post(PLACE, body)
    assert answer.status_code == 400, answer.text
    assert api.get(PLACE).json() == []


def test_changes_and_deletions(api: ApiClient) -> None:
    api.post(PLACE, subscription(temporalQ={"timerel": "before", "timeAt": "2026-01-01T00:00:00Z"}))
    assert api.patch(f"{PLACE}/{ID}", {"temporalQ": {"timerel": "x"}}).status_code == 400
    assert api.patch(f"{PLACE}/{ID}", {"description": "new"}).status_code == 204
    assert "temporalQ" in api.get(f"{PLACE}/{ID}").json()
    assert api.patch(f"{PLACE}/{ID}", {"temporalQ": "urn:ngsi-ld:null"}).status_code == 204
    found = api.get(f"{PLACE}/{ID}").json()
    assert ("temporalQ" in found, found["description"]) == (False, "new")
    assert api.delete(f"{PLACE}/{ID}").status_code == 204
    for verb in (api.get, api.delete):
        assert verb(f"{PLACE}/{ID}").status_code == 404
        assert verb(f"{PLACE}/nonsense").status_code == 400
