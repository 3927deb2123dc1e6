"""Entity maps that sources make, linked with one of this node (clauses 5.14.4.4, 5.14.5.4, 5.7.2.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.api.client import ApiClient
from tests.web.api.source import MockSource, mock_source
from tests.web.api.test_distribution_reads import car, register, warnings

ONE, TWO, ODD = (f"urn:ngsi-ld:Car:{n}" for n in (1, 2, 3))
MAP = "urn:ngsi-ld:EntityMap:theirs"
PLACE = f"/broker/ngsi-ld/v1/entityMaps/{MAP}"
WINDOW = "timerel=after&timeAt=2026-01-01T00:00:00Z"


@pytest.fixture
def source() -> Iterator[MockSource]:
    with mock_source() as found:
        yield found


def their_map(*ids: str, **members: Any) -> dict[str, Any]:
    held = {id: ["@none"] for id in ids}
    return {"id": MAP, "type": "EntityMap", "entityMap": held, "linkedMaps": {}} | members


def asked_for(source: MockSource, path: str) -> list[Any]:
    return [each for each in source.asked if each.path == path]


def test_the_map_of_a_source_is_linked_and_goes_along(api: ApiClient, source: MockSource) -> None:
    api.post("/entities", json=car(ONE, speed=1))
    register(api, source)
    place = {"NGSILD-EntityMap": PLACE}
    source.says("GET", "/entityMaps", their_map(ONE, TWO), 201, headers=place)
    made = api.get("/entityMaps?type=Car&q=speed>0")
    assert made.status_code == 201
    assert made.json()["linkedMaps"] == {"urn:r:1": MAP}
    assert made.json()["entityMap"] == {ONE: ["@none", "urn:r:1"], TWO: ["urn:r:1"]}
    assert source.only("GET").query == {"type": "Car", "q": "speed>0"}
    source.says("GET", "/entities", [car(TWO, speed=2)])
    mine = {"NGSILD-EntityMap": made.headers["ngsild-entitymap"]}
    answer = api.get("/entities?type=Car&q=speed>0", headers=mine)
    assert [each["id"] for each in answer.json()] == [ONE, TWO]
    (asked,) = asked_for(source, "/entities")
    assert asked.headers["ngsild-entitymap"] == PLACE
    source.says("GET", f"/entities/{TWO}", car(TWO, speed=2))
    assert api.get(f"/entities/{TWO}", headers=mine).status_code == 200
    assert source.asked[-1].headers["ngsild-entitymap"] == PLACE


def test_split_entities_take_no_filters_along(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    source.says("GET", "/entityMaps", their_map(TWO), 201)
    api.get("/entityMaps?type=Car&q=speed>0&splitEntities=true")
    assert source.only("GET").query == {"type": "Car"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 404),
        (b"", 405),
        ({"type": "x"}, 422),
        (b"garbage", 200),
        ([car(TWO, speed=2)], 200),
        ({"entityMap": {TWO: []}}, 201),
        ({"id": "no uri", "entityMap": {TWO: []}}, 201),
    ],
)
def test_a_source_that_makes_no_map_is_asked_for_entities(
    api: ApiClient, source: MockSource, body: Any, status: int
) -> None:
    register(api, source)
    source.says("GET", "/entityMaps", body, status)
    source.says("GET", "/entities", [car(TWO, speed=2)])
    made = api.get("/entityMaps?type=Car")
    assert (made.json()["entityMap"], made.json()["linkedMaps"]) == ({TWO: ["urn:r:1"]}, {})
    assert warnings(made) == []


def test_what_was_not_asked_for_is_not_taken(api: ApiClient, source: MockSource) -> None:
    info = [{"entities": [{"type": "Car", "id": TWO}]}]
    register(api, source, information=info)
    source.says("GET", "/entityMaps", their_map(TWO, ODD, "no uri"), 201)
    made = api.get("/entityMaps?type=Car")
    assert made.json()["entityMap"] == {TWO: ["urn:r:1"]}
    assert warnings(made) == ["111"]


def test_a_source_that_is_away_is_asked_once(api: ApiClient) -> None:
    register(api, None)
    made = api.get("/entityMaps?type=Car")
    assert made.status_code == 201
    assert warnings(made) == ["199"]


def test_only_who_offers_it_is_asked_for_a_map(api: ApiClient, source: MockSource) -> None:
    register(api, source, operations=["queryEntity"])
    source.says("GET", "/entities", [car(TWO, speed=2)])
    made = api.get("/entityMaps?type=Car")
    assert made.json()["entityMap"] == {TWO: ["urn:r:1"]}
    assert asked_for(source, "/entityMaps") == []


def test_a_registration_of_several_questions_has_no_map_to_link(
    api: ApiClient, source: MockSource
) -> None:
    info = [
        {"entities": [{"type": "Car"}], "propertyNames": ["speed"]},
        {"entities": [{"type": "Car"}], "propertyNames": ["range"]},
    ]
    register(api, source, information=info)
    source.says("GET", "/entities", [car(TWO, speed=2)])
    made = api.get("/entityMaps?type=Car")
    assert made.json()["linkedMaps"] == {}
    assert asked_for(source, "/entityMaps") == []


def test_maps_of_the_past_are_linked_too(api: ApiClient, source: MockSource) -> None:
    instance = {"type": "Property", "value": 1, "observedAt": "2026-01-02T00:00:00Z"}
    past = {"id": TWO, "type": "Car", "speed": [instance]}
    operations = ["queryTemporal", "createEntityMapQueryTemporal"]
    register(api, source, operations=operations)
    place = {"NGSILD-EntityMap": PLACE}
    source.says("GET", "/temporal/entityMaps", their_map(TWO), 201, headers=place)
    source.says("GET", "/temporal/entities", [past])
    made = api.get(f"/temporal/entityMaps?type=Car&{WINDOW}")
    assert made.json()["linkedMaps"] == {"urn:r:1": MAP}
    assert made.json()["entityMap"] == {TWO: ["urn:r:1"]}
    assert source.asked[0].query["timeAt"] == "2026-01-01T00:00:00Z"
    assert asked_for(source, "/temporal/entities") == []
    mine = {"NGSILD-EntityMap": made.headers["ngsild-entitymap"]}
    answer = api.get(f"/temporal/entities?type=Car&{WINDOW}", headers=mine)
    assert [each["id"] for each in answer.json()] == [TWO]
    assert source.asked[-1].headers["ngsild-entitymap"] == PLACE


def test_two_nodes_link_their_maps(api: ApiClient, source: MockSource) -> None:
    """What this node makes for another is what the other reads: the same members under the same names."""
    api.post("/entities", json=car(ONE, speed=1))
    made = api.get("/entityMaps?type=Car")
    source.says(
        "GET",
        "/entityMaps",
        made.content,
        201,
        headers={"NGSILD-EntityMap": made.headers["ngsild-entitymap"]},
    )
    register(api, source)
    linked = api.get("/entityMaps?type=Car").json()
    assert linked["linkedMaps"] == {"urn:r:1": made.json()["id"]}
    assert linked["entityMap"][ONE] == ["@none", "urn:r:1"]
