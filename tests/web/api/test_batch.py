"""Batch operations over HTTP: clauses 6.14 to 6.17, 6.23 and 6.31."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.api.client import ApiClient, problem_of


def cars(*numbers: int, **attributes: Any) -> list[dict[str, Any]]:
    return [{"id": f"urn:ngsi-ld:Car:{n}", "type": "Car", **attributes} for n in numbers]


def test_create_reports_each_entity(api: ApiClient) -> None:
    assert api.post("/entityOperations/create", cars(1, 2)).json() == [
        "urn:ngsi-ld:Car:1",
        "urn:ngsi-ld:Car:2",
    ]
    mixed = [*cars(2, 3), {"id": "urn:ngsi-ld:Car:4"}]
    response = api.post("/entityOperations/create", mixed)
    assert response.status_code == 207
    body = response.json()
    assert body["success"] == ["urn:ngsi-ld:Car:3"]
    assert {e["entityId"] for e in body["errors"]} == {"urn:ngsi-ld:Car:2", "urn:ngsi-ld:Car:4"}


def test_upsert_replaces_by_default_and_can_update(api: ApiClient) -> None:
    assert api.post("/entityOperations/upsert", cars(1, a=1)).status_code == 201
    assert api.post("/entityOperations/upsert", cars(1, b=2)).status_code == 204
    assert set(api.get("/entities/urn:ngsi-ld:Car:1").json()) == {"id", "type", "b"}
    assert api.post("/entityOperations/upsert?options=update", cars(1, c=3)).status_code == 204
    assert set(api.get("/entities/urn:ngsi-ld:Car:1").json()) == {"id", "type", "b", "c"}


def test_update_merge_and_delete(api: ApiClient) -> None:
    api.post("/entityOperations/create", cars(1, 2, a={"value": {"x": 1}}))
    assert api.post("/entityOperations/update", cars(1, 2, b=2)).status_code == 204
    merged = [{"id": "urn:ngsi-ld:Car:1", "a": {"type": "Property", "value": {"y": 2}}}]
    assert api.post("/entityOperations/merge", merged).status_code == 204
    assert api.get("/entities/urn:ngsi-ld:Car:1?format=simplified").json()["a"] == {"x": 1, "y": 2}
    gone = api.post("/entityOperations/delete", ["urn:ngsi-ld:Car:1", "urn:ngsi-ld:Car:9"])
    assert gone.status_code == 207
    assert gone.json()["success"] == ["urn:ngsi-ld:Car:1"]
    assert api.post("/entityOperations/delete", ["urn:ngsi-ld:Car:2"]).status_code == 204


def test_an_entity_named_twice_is_written_twice_in_order(api: ApiClient) -> None:
    api.post("/entityOperations/upsert", [*cars(1, a=1), *cars(1, a=2)])
    assert api.get("/entities/urn:ngsi-ld:Car:1?format=simplified").json()["a"] == 2


@pytest.mark.parametrize("body", [[], {}, [None], "x"])
@pytest.mark.parametrize("operation", ["create", "upsert", "update", "merge", "delete"])
def test_bodies_that_are_no_batch(api: ApiClient, operation: str, body: Any) -> None:
    assert problem_of(api.post(f"/entityOperations/{operation}", body)) == (400, "BadRequestData")


def test_query_by_body(api: ApiClient) -> None:
    api.post("/entityOperations/create", [*cars(1, a=1), *cars(2, a=5)])
    api.create("urn:ngsi-ld:Bus:1", "Bus", a=9)
    wanted = {
        "type": "Query",
        "entities": [{"type": "Car", "id": "urn:ngsi-ld:Car:2"}, {"type": "Bus"}],
        "q": "a>4",
    }
    found = api.post("/entityOperations/query?options=keyValues&count=true", wanted)
    assert [e["id"] for e in found.json()] == ["urn:ngsi-ld:Car:2", "urn:ngsi-ld:Bus:1"]
    assert found.headers["ngsild-results-count"] == "2"
    assert problem_of(api.post("/entityOperations/query", {"type": "Query"})) == (
        400,
        "BadRequestData",
    )


def test_an_update_that_leaves_attributes_alone_is_no_full_success(api: ApiClient) -> None:
    api.create("urn:ngsi-ld:Car:1", a=1)
    body = [{"id": "urn:ngsi-ld:Car:1", "a": 2, "b": 3}]
    left = api.post("/entityOperations/update?options=noOverwrite", body)
    assert left.status_code == 207
    assert [e["entityId"] for e in left.json()["errors"]] == ["urn:ngsi-ld:Car:1"]
    found = api.get("/entities/urn:ngsi-ld:Car:1?format=simplified").json()
    assert (found["a"], found["b"]) == (1, 3)


def test_a_batch_cannot_name_a_second_context(api: ApiClient) -> None:
    link = '<https://example.org/c.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
    core = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"
    body = [{**car, "@context": core} for car in cars(1)]
    answer = api.post(
        "/entityOperations/create", body, type="application/ld+json", headers={"Link": link}
    )
    assert problem_of(answer) == (400, "BadRequestData")


@pytest.mark.parametrize(
    "selector",
    [
        {"id": "urn:ngsi-ld:Car:1"},
        {"type": "Car", "id": "nonsense"},
        {"type": "Car", "id": [5]},
        "Car",
    ],
)
def test_selectors_that_select_nothing(api: ApiClient, selector: Any) -> None:
    body = {"type": "Query", "entities": [selector]}
    assert problem_of(api.post("/entityOperations/query", body)) == (400, "BadRequestData")


@pytest.mark.parametrize(
    "member",
    [
        {"entities": []},
        {"attrs": []},
        {"q": 42},
        {"join": "inline", "joinLevel": 0},
        {"join": "inline", "joinLevel": True},
        {"temporalQ": {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}},
        {"ordering": {"orderBy": ["id"], "collation": "not a tag!!"}},
        {"ordering": {"orderBy": ["location;dist-asc"], "coordinates": "8,40"}},
        {"pick": [5]},
        {"nonsense": 1},
    ],
)
def test_bodies_that_are_no_query(api: ApiClient, member: dict[str, Any]) -> None:
    body = {"type": "Query", "entities": [{"type": "Car"}], **member}
    assert problem_of(api.post("/entityOperations/query", body))[0] == 400


def test_a_selector_names_several_and_identifiers_go_before_patterns(api: ApiClient) -> None:
    api.post("/entityOperations/create", cars(1, 2, 3))
    several = ["urn:ngsi-ld:Car:1", "urn:ngsi-ld:Car:3"]
    selector = {"type": "Car", "id": several, "idPattern": "2$"}
    body = {"type": "Query", "entities": [selector], "ordering": {"orderBy": ["id;desc"]}}
    found = api.post("/entityOperations/query", body).json()
    assert [e["id"] for e in found] == several[::-1]
    maps = {"type": "Query", "entities": [{"type": "Car"}], "entityMap": True}
    assert problem_of(api.post("/entityOperations/query", maps))[0] == 400
