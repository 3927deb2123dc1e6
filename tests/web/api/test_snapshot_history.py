"""History and linked entities in snapshots (clauses 5.16.1.4, 5.2.41, 4.5.23 and 5.5.15)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.api.client import ApiClient
from tests.web.api.source import MockSource, mock_source
from tests.web.api.test_distribution_reads import register
from tests.web.api.test_snapshots import PLACE, ready, within

CAR = "urn:ngsi-ld:Car:1"
ALL = "/temporal/entities"
WINDOW = "timerel=after&timeAt=2025-01-01T00:00:00Z"


def at(day: int, value: Any, **more: Any) -> dict[str, Any]:
    seen = f"2026-01-{day:02}T00:00:00Z"
    return {"type": "Property", "value": value, "observedAt": seen, **more}


def asks(day: int = 1, **more: Any) -> dict[str, Any]:
    time = {"timerel": "after", "timeAt": f"2026-01-{day:02}T00:00:00Z", **more}
    return {"type": "Query", "entities": [{"type": "Car"}], "temporalQ": time}


def make(api: ApiClient, **members: Any) -> Any:
    answer = api.post(PLACE, {"type": "Snapshot", **members})
    assert answer.status_code == 201, answer.text
    return ready(api, answer.headers["location"].rsplit("/", 1)[-1])


def values(api: ApiClient, id: str, path: str = f"{ALL}/{CAR}") -> list[Any]:
    found = api.get(f"{path}?{WINDOW}&options=temporalValues", headers=within(id)).json()
    return [value for value, _ in found["speed"]["values"]]


@pytest.fixture
def past(api: ApiClient) -> ApiClient:
    speeds = [at(day, day * 10) for day in range(1, 6)]
    body = {"id": CAR, "type": "Car", "speed": speeds, "fuel": [at(1, 3)]}
    assert api.post(ALL, body).status_code == 201
    return api


def test_a_temporal_query_freezes_a_past(past: ApiClient) -> None:
    made = make(past, snapshotTemporalQueries=[asks(3)])
    assert made["snapshotStatus"] == "success"
    assert made["snapshotTemporalQueriesDetails"] == [{"resultStatus": "success"}]
    assert "snapshotQueriesDetails" not in made
    past.post(f"{ALL}/{CAR}/attrs", {"speed": [at(7, 70)]})
    assert values(past, made["id"]) == [30, 40, 50]
    sums = past.get(f"{ALL}/{CAR}?{WINDOW}&aggrMethods=sum", headers=within(made["id"])).json()
    assert sums["speed"]["sum"][0][0] == 120
    assert past.get("/entities?type=Car", headers=within(made["id"])).json() == []


def test_instances_keep_their_times(past: ApiClient) -> None:
    made = make(past, snapshotTemporalQueries=[asks()])
    path = f"{ALL}/{CAR}?{WINDOW}&options=sysAttrs"
    here, there = past.get(path).json(), past.get(path, headers=within(made["id"])).json()
    for mine, frozen in zip(here["speed"], there["speed"], strict=True):
        assert frozen["modifiedAt"] == mine["modifiedAt"]
        assert frozen["instanceId"] == mine["instanceId"] + ":frozen"


def test_overlapping_queries_copy_nothing_twice(past: ApiClient) -> None:
    made = make(past, snapshotTemporalQueries=[asks(1), asks(3), asks(1, lastN=2)])
    assert values(past, made["id"]) == [10, 20, 30, 40, 50]


def test_what_is_shown_is_what_is_kept(past: ApiClient) -> None:
    made = make(past, snapshotTemporalQueries=[{**asks(1, lastN=2), "omit": ["fuel"]}])
    assert values(past, made["id"]) == [40, 50]
    found = past.get(f"{ALL}/{CAR}?{WINDOW}", headers=within(made["id"])).json()
    assert "fuel" not in found


def test_the_present_is_in_the_past_once(api: ApiClient) -> None:
    api.create(CAR, "Car", speed=at(2, 20))
    api.patch(f"/entities/{CAR}/attrs/speed", at(3, 30))
    cars = {"type": "Query", "entities": [{"type": "Car"}]}
    made = make(api, snapshotQueries=[cars], snapshotTemporalQueries=[asks()])
    assert values(api, made["id"]) == [20, 30]


def test_one_of_several_that_finds_nothing_makes_it_partial(past: ApiClient) -> None:
    ships = {"type": "Query", "entities": [{"type": "Ship"}]}
    made = make(past, snapshotQueries=[ships], snapshotTemporalQueries=[asks()])
    assert made["snapshotStatus"] == "partial"
    assert made["snapshotQueriesDetails"] == [{"resultStatus": "empty"}]
    nothing = make(past, snapshotTemporalQueries=[{**asks(), "q": "speed>1000"}])
    assert nothing["snapshotStatus"] == "empty"


def test_a_clone_has_the_past_too(past: ApiClient) -> None:
    made = make(past, snapshotTemporalQueries=[asks(4)])
    answer = past.post(f"{PLACE}/{made['id']}/clone", {"type": "Snapshot"})
    clone = ready(past, answer.headers["location"].rsplit("/", 1)[-1])
    assert clone["snapshotTemporalQueriesDetails"] == [{"resultStatus": "success"}]
    assert values(past, clone["id"]) == [40, 50]


@pytest.fixture
def source() -> Iterator[MockSource]:
    with mock_source() as found:
        yield found


def test_what_sources_remember_is_frozen_too(past: ApiClient, source: MockSource) -> None:
    register(past, source, operations=["queryTemporal"])
    source.says("GET", ALL, [{"id": CAR, "type": "Car", "speed": [at(9, 90)]}])
    made = make(past, snapshotTemporalQueries=[asks(4)])
    assert made["snapshotStatus"] == "success"
    assert values(past, made["id"]) == [40, 50, 90]
    source.says("GET", ALL, b"garbage")
    assert make(past, snapshotTemporalQueries=[asks()])["snapshotStatus"] == "partial"


# -- linked entities ----------------------------------------------------------------------------------


def test_linked_entities_come_along(api: ApiClient) -> None:
    link = {"type": "Relationship", "object": "urn:x:street"}
    api.create(CAR, "Car", on=link)
    api.create("urn:x:street", "Street", name="Main", within={**link, "object": "urn:x:town"})
    api.create("urn:x:town", "Town", name="Here")
    cars = {"type": "Query", "entities": [{"type": "Car"}]}
    made = make(api, snapshotQueries=[{**cars, "join": "flat"}])
    ids = {e["id"] for e in api.get("/entities?local=true", headers=within(made["id"])).json()}
    assert ids == {CAR, "urn:x:street"}
    deep = make(api, snapshotQueries=[{**cars, "join": "inline", "joinLevel": 2}])
    inside = api.get(
        f"/entities/{CAR}?join=inline&joinLevel=2&options=keyValues", headers=within(deep["id"])
    ).json()
    assert inside["on"]["within"]["name"] == "Here"
