"""Entity maps: made, used, kept apart by tenant, and gone in time (clauses 5.14, 5.5.9.3 and 5.5.14)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.api.client import ApiClient
from tests.web.api.source import MockSource, mock_source


@pytest.fixture
def source() -> Iterator[MockSource]:
    with mock_source() as found:
        yield found


def car(number: int, **attributes: Any) -> dict[str, Any]:
    return {"id": f"urn:c:{number}", "type": "Car", **attributes}


@pytest.fixture
def cars(api: ApiClient) -> ApiClient:
    for number in range(5):
        api.post("/entities", json=car(number, speed=number))
    return api


def made(api: ApiClient, query: str = "type=Car") -> tuple[str, dict[str, Any]]:
    answer = api.get(f"/entityMaps?{query}")
    assert answer.status_code == 201, answer.text
    location = answer.headers["ngsild-entitymap"]
    body: dict[str, Any] = answer.json()
    assert location == f"/ngsi-ld/v1/entityMaps/{body['id']}"
    return location, body


def test_a_map_names_those_who_fulfil_the_query(cars: ApiClient) -> None:
    location, body = made(cars, "type=Car&q=speed>2&limit=1")
    assert (body["type"], body["entityMap"]) == (
        "EntityMap",
        {"urn:c:3": ["@none"], "urn:c:4": ["@none"]},
    )
    assert cars.get(location.removeprefix("/ngsi-ld/v1")).json() == body
    query = {"type": "Query", "entities": [{"type": "Car"}], "q": "speed>3"}
    posted = cars.post("/entityMaps", query)
    assert (posted.status_code, list(posted.json()["entityMap"])) == (201, ["urn:c:4"])


def test_pages_through_a_map_stay_the_same_while_entities_come(cars: ApiClient) -> None:
    first = cars.get("/entities?type=Car&limit=2&entityMap=true")
    assert (first.status_code, [e["id"] for e in first.json()]) == (201, ["urn:c:0", "urn:c:1"])
    use = {"ngsild-entitymap": first.headers["ngsild-entitymap"]}
    cars.post("/entities", json=car(9, speed=9))
    cars.delete("/entities/urn:c:2")
    second = cars.get("/entities?type=Car&limit=2&offset=2&count=true", headers=use)
    assert (second.status_code, [e["id"] for e in second.json()]) == (200, ["urn:c:3", "urn:c:4"])
    assert second.headers["ngsild-results-count"] == "4"
    assert second.headers["ngsild-entitymap"] == use["ngsild-entitymap"]
    assert 'rel="next"' not in second.headers["link"]
    found = cars.get(use["ngsild-entitymap"].removeprefix("/ngsi-ld/v1")).json()
    assert list(found["entityMap"]) == ["urn:c:0", "urn:c:1", "urn:c:3", "urn:c:4"]


def test_filters_are_checked_again(cars: ApiClient) -> None:
    first = cars.get("/entities?type=Car&q=speed>2&entityMap=true")
    use = {"ngsild-entitymap": first.headers["ngsild-entitymap"]}
    cars.patch("/entities/urn:c:3", {"speed": 0})
    again = cars.get("/entities?type=Car&q=speed>2", headers=use)
    assert [e["id"] for e in again.json()] == ["urn:c:4"]


def test_a_map_that_is_gone_is_made_anew(cars: ApiClient) -> None:
    location, _ = made(cars)
    path = location.removeprefix("/ngsi-ld/v1")
    assert cars.patch(path, {"expiresAt": "2000-01-01T00:00:00Z"}).status_code == 204
    assert cars.get(path).status_code == 404
    for verb in (cars.get, cars.delete):
        assert verb(path).status_code == 404
    answer = cars.get("/entities?type=Car", headers={"ngsild-entitymap": location})
    assert answer.status_code == 201
    assert answer.headers["ngsild-entitymap"] != location


def test_only_the_expiry_of_a_map_can_be_changed_and_not_for_ever(cars: ApiClient) -> None:
    location, body = made(cars, "type=Car&entityMapLifetime=P3650D")
    assert body["expiresAt"] < "2100"
    path = location.removeprefix("/ngsi-ld/v1")
    change = {"expiresAt": "2999-01-01T00:00:00Z", "entityMap": {"urn:c:9": ["@none"]}}
    assert cars.patch(path, change).status_code == 204
    found = cars.get(path).json()
    assert found["entityMap"] == body["entityMap"]
    assert found["expiresAt"] < "2100"
    assert cars.delete(path).status_code == 204
    assert cars.get(path).status_code == 404


@pytest.mark.parametrize(
    "query",
    ["", "id=urn:c:1", "type=Car&entityMapLifetime=1hour", "type=Car&entityMapLifetime=PT0S"],
)
def test_a_malformed_request_for_a_map_is_refused(cars: ApiClient, query: str) -> None:
    assert cars.get(f"/entityMaps?{query}").status_code == 400


def test_malformed_changes_and_identifiers_are_refused(cars: ApiClient) -> None:
    path = made(cars)[0].removeprefix("/ngsi-ld/v1")
    assert cars.patch(path, {"expiresAt": "tomorrow"}).status_code == 400
    assert cars.patch(path, []).status_code == 400
    for verb in (cars.get, cars.delete):
        assert verb("/entityMaps/nonsense").status_code == 400
        assert verb("/entityMaps/urn:not:here").status_code == 404


def test_a_map_belongs_to_its_tenant(cars: ApiClient) -> None:
    other = {"ngsild-tenant": "other"}
    cars.post("/entities", json=car(1), headers=other)
    path = made(cars)[0].removeprefix("/ngsi-ld/v1")
    assert cars.get(path, headers=other).status_code == 404
    assert cars.delete(path, headers=other).status_code == 404
    assert cars.get(path).status_code == 200


def test_one_entity_has_a_map_too(cars: ApiClient) -> None:
    answer = cars.get("/entities/urn:c:1?entityMap=true")
    location = answer.headers["ngsild-entitymap"]
    found = cars.get(location.removeprefix("/ngsi-ld/v1")).json()
    assert found["entityMap"] == {"urn:c:1": ["@none"]}
    again = cars.get("/entities/urn:c:1", headers={"ngsild-entitymap": location})
    assert again.headers["ngsild-entitymap"] == location
    dead = cars.get("/entities/urn:c:1", headers={"ngsild-entitymap": "urn:dead:1"})
    assert (dead.status_code, "dead" in dead.headers["ngsild-entitymap"]) == (200, False)


def register(api: ApiClient, source: MockSource) -> None:
    body = {
        "id": "urn:r:1",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Car"}]}],
        "endpoint": source.url,
        "management": {"timeout": 2000},
    }
    assert api.post("/csourceRegistrations", body).status_code == 201


def test_a_map_says_who_has_what_and_only_they_are_asked(
    cars: ApiClient, source: MockSource
) -> None:
    register(cars, source)
    source.says("GET", "/entities", [car(4, range=4), car(7, range=7)])
    location, body = made(cars)
    assert body["entityMap"]["urn:c:4"] == ["@none", "urn:r:1"]
    assert body["entityMap"]["urn:c:7"] == ["urn:r:1"]
    use = {"ngsild-entitymap": location}
    source.asked.clear()
    page = cars.get("/entities?type=Car&options=keyValues&offset=4", headers=use).json()
    assert page == [
        {"id": "urn:c:4", "type": "Car", "speed": 4, "range": 4},
        {"id": "urn:c:7", "type": "Car", "range": 7},
    ]
    assert "urn:c:7" in source.only("GET").query["id"]
    source.asked.clear()
    assert cars.get("/entities/urn:c:1", headers=use).status_code == 200
    assert source.asked == []


def test_a_dead_source_takes_nothing_out_of_a_map(cars: ApiClient, source: MockSource) -> None:
    register(cars, source)
    source.says("GET", "/entities", [car(7, range=7)])
    location, _ = made(cars)
    source.says("GET", "/entities", status=500)
    page = cars.get("/entities?type=Car", headers={"ngsild-entitymap": location})
    assert len(page.json()) == 5
    assert "299" in page.headers["ngsild-warning"]
    found = cars.get(location.removeprefix("/ngsi-ld/v1")).json()
    assert "urn:c:7" in found["entityMap"]


def test_split_entities_are_candidates_until_they_are_put_together(
    cars: ApiClient, source: MockSource
) -> None:
    register(cars, source)
    source.says("GET", "/entities", [car(4, range=4), car(3, range=1)])
    query = "type=Car&q=range>2;speed>2&splitEntities=true"
    location, body = made(cars, query)
    assert len(body["entityMap"]) == 5
    page = cars.get(f"/entities?{query}", headers={"ngsild-entitymap": location}).json()
    assert [entity["id"] for entity in page] == ["urn:c:4"]
    found = cars.get(location.removeprefix("/ngsi-ld/v1")).json()
    assert list(found["entityMap"]) == ["urn:c:4"]


WINDOW = "timerel=before&timeAt=2999-01-01T00:00:00Z&timeproperty=createdAt"


def test_what_was_has_maps_too(cars: ApiClient) -> None:
    assert cars.get("/temporal/entityMaps?type=Car").status_code == 400
    answer = cars.get(f"/temporal/entityMaps?type=Car&{WINDOW}")
    assert (answer.status_code, len(answer.json()["entityMap"])) == (201, 5)
    past = WINDOW.replace("2999", "2000")
    assert cars.get(f"/temporal/entityMaps?type=Car&{past}").json()["entityMap"] == {}
    one = cars.get(f"/temporal/entities?type=Car&id=urn:c:1&{WINDOW}&entityMap=true")
    assert one.status_code == 201
    use = {"ngsild-entitymap": one.headers["ngsild-entitymap"]}
    again = cars.get(f"/temporal/entities?type=Car&{WINDOW}", headers=use)
    assert (again.status_code, [e["id"] for e in again.json()]) == (200, ["urn:c:1"])
    other = cars.get(f"/temporal/entities?type=Car&id=urn:c:2&{WINDOW}", headers=use)
    assert other.json() == []
    entity = cars.get(f"/temporal/entities/urn:c:1?{WINDOW}&entityMap=true")
    location = entity.headers["ngsild-entitymap"].removeprefix("/ngsi-ld/v1")
    assert cars.get(location).json()["entityMap"] == {"urn:c:1": ["@none"]}
