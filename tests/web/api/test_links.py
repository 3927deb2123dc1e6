"""Linked entities over HTTP: join, joinLevel, containedBy and nested pick and omit (4.5.23, 4.21)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.api.client import ApiClient, problem_of

TOWER = "/entities/urn:b:1"


def link(uri: str | list[str]) -> dict[str, Any]:
    return {"type": "Relationship", "object": uri}


@pytest.fixture
def paris(api: ApiClient) -> ApiClient:
    """Two buildings in a city in a country, which has that city as its capital."""
    place = {"type": "Point", "coordinates": [2.3, 48.8]}
    api.create("urn:b:1", "Building", name="Eiffel", locatedAt=link("urn:c:1"), location=place)
    api.create("urn:b:2", "Building", name="Louvre", locatedAt=link("urn:c:1"))
    api.create("urn:c:1", "City", name="Paris", isIn=link("urn:l:1"), location=place)
    api.create("urn:l:1", "Country", name="France", capital=link("urn:c:1"))
    return api


def get(api: ApiClient, path: str, **more: Any) -> Any:
    response = api.get(path, **more)
    assert response.status_code == 200, response.text
    return response.json()


def test_inline_a_relationship_carries_its_target(paris: ApiClient) -> None:
    tower = get(paris, TOWER + "?join=inline")
    assert tower["locatedAt"]["object"] == "urn:c:1"
    city = tower["locatedAt"]["entity"]
    assert (city["id"], city["name"]["value"]) == ("urn:c:1", "Paris")
    assert "entity" not in city["isIn"]


def test_inline_goes_as_deep_as_asked_and_ends_circles(paris: ApiClient) -> None:
    tower = get(paris, TOWER + "?join=inline&joinLevel=5&options=keyValues")
    country = tower["locatedAt"]["isIn"]
    assert (country["name"], country["capital"]) == ("France", "urn:c:1")


def test_flat_linked_entities_follow_once_each(paris: ApiClient) -> None:
    found = get(paris, "/entities?type=Building&join=flat&joinLevel=2&options=concise")
    assert [e["id"] for e in found] == ["urn:b:1", "urn:b:2", "urn:c:1", "urn:l:1"]
    assert all("entity" not in e.get("locatedAt", {}) for e in found)
    assert [e["id"] for e in get(paris, TOWER + "?join=flat")] == ["urn:b:1", "urn:c:1"]


def test_inline_each_entity_of_the_answer_has_its_own(paris: ApiClient) -> None:
    found = get(paris, "/entities?type=Building&join=inline&options=keyValues")
    assert [e["locatedAt"]["name"] for e in found] == ["Paris", "Paris"]


def test_entities_met_before_are_not_shown_again(paris: ApiClient) -> None:
    tower = get(paris, TOWER + "?join=inline&joinLevel=2&containedBy=urn:l:1")
    assert "entity" not in tower["locatedAt"]["entity"]["isIn"]
    assert len(get(paris, TOWER + "?join=flat&containedBy=urn:c:1")) == 1


def test_targets_that_are_not_here_stay_uris(api: ApiClient) -> None:
    api.create("urn:b:1", "Building", near=link(["urn:b:2", "urn:b:9"]), at=link("urn:c:9"))
    api.create("urn:b:2", "Building")
    tower = get(api, TOWER + "?join=inline")
    assert "entity" not in tower["at"]
    assert [e["id"] for e in tower["near"]["entity"]] == ["urn:b:2"]
    simple = get(api, TOWER + "?join=inline&format=simplified")
    assert simple["near"] == [{"id": "urn:b:2", "type": "Building"}, "urn:b:9"]
    assert len(get(api, TOWER + "?join=flat")) == 2


def test_lists_of_relationships_carry_lists(api: ApiClient) -> None:
    api.create("urn:b:1", "Route", stops={"objectList": ["urn:s:2", "urn:s:1"]})
    api.create("urn:s:1", "Stop")
    api.create("urn:s:2", "Stop")
    route = get(api, TOWER + "?join=inline")["stops"]
    assert [e["id"] for e in route["entityList"]] == ["urn:s:2", "urn:s:1"]
    simple = get(api, TOWER + "?join=inline&format=simplified")["stops"]
    assert [e["id"] for e in simple] == ["urn:s:2", "urn:s:1"]


def test_every_dataset_has_its_own_target(api: ApiClient) -> None:
    other = {**link("urn:c:2"), "datasetId": "urn:d:1"}
    api.create("urn:b:1", "Building", at=[link("urn:c:1"), other])
    api.create("urn:c:1", "City")
    api.create("urn:c:2", "City")
    both = get(api, TOWER + "?join=inline")["at"]
    assert [i["entity"]["id"] for i in both] == ["urn:c:1", "urn:c:2"]
    one = get(api, TOWER + "?join=flat&datasetId=urn:d:1")
    assert [e["id"] for e in one] == ["urn:b:1", "urn:c:2"]


def test_projections_reach_the_linked_entities(paris: ApiClient) -> None:
    picked = get(paris, TOWER + "?join=inline&joinLevel=2&pick=id,locatedAt{name,isIn{id}}")
    assert picked == {
        "id": "urn:b:1",
        "locatedAt": {
            **link("urn:c:1"),
            "entity": {
                "name": {"type": "Property", "value": "Paris"},
                "isIn": {**link("urn:l:1"), "entity": {"id": "urn:l:1"}},
            },
        },
    }
    omitted = get(paris, TOWER + "?join=flat&joinLevel=2&omit=location,locatedAt{isIn|location}")
    assert [e["id"] for e in omitted] == ["urn:b:1", "urn:c:1"]
    assert omitted[1].keys() == {"id", "type", "name"}
    assert "entity" not in str(get(paris, TOWER + "?join=inline&pick=id,name"))


def test_as_geojson(paris: ApiClient) -> None:
    headers = {"accept": "application/geo+json"}
    inside = get(paris, TOWER + "?join=inline", headers=headers)
    assert inside["geometry"]["coordinates"] == [2.3, 48.8]
    assert inside["properties"]["locatedAt"]["entity"]["id"] == "urn:c:1"
    flat = get(paris, TOWER + "?join=flat", headers=headers)
    assert flat["type"] == "FeatureCollection"
    assert [f["id"] for f in flat["features"]] == ["urn:b:1", "urn:c:1"]


def test_conditions_follow_relationships_when_they_are_joined(paris: ApiClient) -> None:
    q = 'q=locatedAt{isIn{name}}=="France"'
    assert len(get(paris, f"/entities?type=Building&join=inline&joinLevel=2&{q}")) == 2
    for parameters in ("", "&join=inline", "&join=@none"):
        refused = paris.get(f"/entities?type=Building&{q}{parameters}")
        assert problem_of(refused) == (400, "BadRequestData")
    assert problem_of(paris.delete(f"/entities?type=Building&{q}")) == (400, "BadRequestData")


def test_by_body(paris: ApiClient) -> None:
    body = {
        "type": "Query",
        "entities": [{"type": "Building"}],
        "join": "flat",
        "joinLevel": 2,
        "pick": ["id", "locatedAt{id,isIn{id}}"],
        "containedBy": ["urn:l:1"],
    }
    found = paris.post("/entityOperations/query", body).json()
    assert [e["id"] for e in found] == ["urn:b:1", "urn:b:2", "urn:c:1"]


@pytest.mark.parametrize(
    "parameters",
    [
        "join=sideways",
        "joinLevel=2",
        "containedBy=urn:c:1",
        "join=inline&joinLevel=0",
        "join=inline&joinLevel=11",
        "join=inline&containedBy=nonsense",
        "pick=locatedAt{name}",
        "join=inline&pick=locatedAt{isIn{name}}",
        "join=inline&omit=locatedAt{isIn{name}}",
        "pick=name&omit=name",
        "pick=name,,id",
        "pick=name;id",
        "attrs=name&pick=name",
    ],
)
def test_malformed_wishes_are_refused(paris: ApiClient, parameters: str) -> None:
    for path in (TOWER + "?", "/entities?type=Building&"):
        assert problem_of(paris.get(path + parameters))[0] == 400


def test_nothing_left_of_an_entity(paris: ApiClient) -> None:
    assert problem_of(paris.get(TOWER + "?pick=rpm")) == (404, "ResourceNotFound")
    all_of_it = "id,type,name,locatedAt,location"
    assert problem_of(paris.get(f"{TOWER}?omit={all_of_it}"))[0] == 404
    assert get(paris, "/entities?type=Building,City&pick=isIn") == [{"isIn": link("urn:l:1")}]
