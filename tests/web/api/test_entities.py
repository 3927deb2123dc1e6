"""Whole entities over HTTP: clauses 6.4 and 6.5."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.api.client import ApiClient, problem_of

LD = "application/ld+json"
POINT = {"type": "Point", "coordinates": [-71.34, -29.95]}
TERMS = {"Car": "https://a.example/Car", "speed": "https://a.example/speed"}


def test_a_created_entity_comes_back(api: ApiClient) -> None:
    response = api.post("/entities", {"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": 55})
    assert response.status_code == 201
    assert response.headers["location"] == "/ngsi-ld/v1/entities/urn:ngsi-ld:Car:1"
    assert response.content == b""
    found = api.get("/entities/urn:ngsi-ld:Car:1")
    assert found.json() == {
        "id": "urn:ngsi-ld:Car:1",
        "type": "Car",
        "speed": {"type": "Property", "value": 55},
    }
    assert found.headers["content-type"] == "application/json"
    assert "ngsi-ld-core-context-v1.9.jsonld" in found.headers["link"]


def test_a_second_entity_of_that_id_is_refused(api: ApiClient) -> None:
    api.create(speed=1)
    response = api.post("/entities", {"id": "urn:ngsi-ld:Car:1", "type": "Car"})
    assert problem_of(response) == (409, "AlreadyExists")
    assert api.get("/entities/urn:ngsi-ld:Car:1").json()["speed"]["value"] == 1


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
def test_what_is_not_there_is_not_found(api: ApiClient, verb: str) -> None:
    assert problem_of(api.request(verb, "/entities/urn:ngsi-ld:Car:9")) == (404, "ResourceNotFound")
    assert problem_of(api.request(verb, "/entities/nonsense")) == (400, "BadRequestData")


def test_deleting_removes_only_an_entity_of_the_given_type(api: ApiClient) -> None:
    api.create()
    assert api.delete("/entities/urn:ngsi-ld:Car:1?type=Bus").status_code == 404
    assert api.delete("/entities/urn:ngsi-ld:Car:1?type=Car").status_code == 204
    assert api.get("/entities/urn:ngsi-ld:Car:1").status_code == 404


def test_replacing_leaves_nothing_of_the_old_content(api: ApiClient) -> None:
    api.create(speed=1)
    before = api.get("/entities/urn:ngsi-ld:Car:1?options=sysAttrs").json()
    response = api.put(
        "/entities/urn:ngsi-ld:Car:1", {"id": "urn:ngsi-ld:Car:1", "type": "Car", "rpm": 2}
    )
    assert response.status_code == 204
    after = api.get("/entities/urn:ngsi-ld:Car:1?options=sysAttrs").json()
    assert "speed" not in after
    assert after["createdAt"] == before["createdAt"]
    assert after["modifiedAt"] > before["modifiedAt"]


def test_merging_goes_into_values(api: ApiClient) -> None:
    api.create(address={"type": "Property", "value": {"city": "Berlin", "street": "A"}})
    patch = {"address": {"type": "Property", "value": {"street": "urn:ngsi-ld:null", "no": 7}}}
    response = api.patch("/entities/urn:ngsi-ld:Car:1", patch, type="application/merge-patch+json")
    assert response.status_code == 204
    found = api.get("/entities/urn:ngsi-ld:Car:1?format=simplified").json()
    assert found["address"] == {"city": "Berlin", "no": 7}


@pytest.mark.parametrize(
    ("form", "speed", "near"),
    [
        (
            "normalized",
            {"type": "Property", "value": 5, "unitCode": "KMH"},
            {"type": "Relationship", "object": "urn:a:b"},
        ),
        ("concise", {"value": 5, "unitCode": "KMH"}, {"object": "urn:a:b"}),
        ("simplified", 5, "urn:a:b"),
        ("keyValues", 5, "urn:a:b"),
    ],
)
def test_each_representation(api: ApiClient, form: str, speed: Any, near: Any) -> None:
    api.create(speed={"value": 5, "unitCode": "KMH"}, near={"object": "urn:a:b"})
    for how in ("format", "options"):
        found = api.get(f"/entities/urn:ngsi-ld:Car:1?{how}={form}").json()
        assert (found["speed"], found["near"]) == (speed, near)


def test_geojson_carries_the_chosen_geometry(api: ApiClient) -> None:
    api.create(location=POINT, parked={"type": "Point", "coordinates": [1, 2]})
    geo = {"accept": "application/geo+json", "prefer": "body=json"}
    found = api.get("/entities/urn:ngsi-ld:Car:1", headers=geo).json()
    assert (found["type"], found["geometry"]) == ("Feature", POINT)
    other = api.get("/entities/urn:ngsi-ld:Car:1?geometryProperty=parked", headers=geo).json()
    assert other["geometry"]["coordinates"] == [1, 2]
    many = api.get("/entities?type=Car&options=keyValues", headers=geo).json()
    assert many["type"] == "FeatureCollection"
    assert many["features"][0]["properties"]["parked"]["type"] == "Point"


def test_json_ld_carries_its_context(api: ApiClient) -> None:
    body = {"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": 1, "@context": [TERMS]}
    assert api.post("/entities", body, type=LD).status_code == 201
    plain = api.get("/entities/urn:ngsi-ld:Car:1").json()
    assert plain["type"] == "https://a.example/Car"
    found = api.get("/entities/urn:ngsi-ld:Car:1", headers={"accept": LD})
    assert found.headers["content-type"] == LD
    assert "link" not in found.headers
    assert "@context" in found.json()


@pytest.mark.parametrize(
    ("body", "type", "headers"),
    [
        ({"@context": []}, "application/json", {}),
        ({}, LD, {}),
        (
            {"@context": []},
            LD,
            {"link": '<http://x/c.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'},
        ),
        ({"@context": [7]}, LD, {}),
    ],
)
def test_contexts_in_the_wrong_place_are_refused(
    api: ApiClient, body: dict[str, Any], type: str, headers: dict[str, str]
) -> None:
    entity = {"id": "urn:ngsi-ld:Car:1", "type": "Car", **body}
    response = api.post("/entities", entity, type=type, headers=headers)
    assert problem_of(response) == (400, "BadRequestData")


def test_only_the_asked_for_members_are_shown(api: ApiClient) -> None:
    api.create(a=1, b=2, c=3)
    path = "/entities/urn:ngsi-ld:Car:1?format=simplified&"
    assert api.get(path + "attrs=a").json() == {"id": "urn:ngsi-ld:Car:1", "type": "Car", "a": 1}
    assert api.get(path + "pick=type,b").json() == {"type": "Car", "b": 2}
    assert api.get(path + "omit=id,a,b").json() == {"type": "Car", "c": 3}
    assert api.get(path + "attrs=zzz").status_code == 404


def test_one_dataset_of_a_multi_attribute(api: ApiClient) -> None:
    api.create(
        speed=[
            {"type": "Property", "value": 1},
            {"type": "Property", "value": 2, "datasetId": "urn:d:1"},
        ]
    )
    path = "/entities/urn:ngsi-ld:Car:1?datasetId="
    assert api.get(path + "urn:d:1").json()["speed"]["value"] == 2
    assert api.get(path + "@none").json()["speed"]["value"] == 1
    assert "speed" not in api.get(path + "urn:d:9").json()


@pytest.mark.parametrize("name", ["id", "idPattern", "attrs", "keep", "drop", "q", "scopeQ"])
def test_purge_with_an_empty_condition_deletes_nothing(api: ApiClient, name: str) -> None:
    api.create(a=1)
    assert problem_of(api.delete(f"/entities?type=Car&{name}=")) == (400, "BadRequestData")
    assert api.get("/entities/urn:ngsi-ld:Car:1").status_code == 200


def test_purge_deletes_or_trims_what_matches(api: ApiClient) -> None:
    api.create(a=1, b=2)
    api.create("urn:ngsi-ld:Bus:1", "Bus", a=1)
    assert api.delete("/entities?type=Car&drop=a").status_code == 204
    assert api.get("/entities/urn:ngsi-ld:Car:1?format=simplified").json()["b"] == 2
    assert "a" not in api.get("/entities/urn:ngsi-ld:Car:1").json()
    assert api.delete("/entities?type=Car").status_code == 204
    assert api.get("/entities/urn:ngsi-ld:Car:1").status_code == 404
    assert api.get("/entities/urn:ngsi-ld:Bus:1").status_code == 200
    assert problem_of(api.delete("/entities")) == (400, "BadRequestData")


def test_what_holds_for_all_attributes_of_a_merge(api: ApiClient) -> None:
    car = "/entities/urn:ngsi-ld:Car:1"
    api.create(
        speed={"value": 1, "observedAt": "2026-01-01T00:00:00Z"},
        name={"languageMap": {"en": "car"}},
    )
    wishes = "?options=keyValues&lang=es&observedAt=2026-02-02T00:00:00Z"
    assert api.patch(car + wishes, {"speed": 2, "name": "coche"}).status_code == 204
    found = api.get(car).json()
    assert (found["speed"]["value"], found["speed"]["observedAt"]) == (2, "2026-02-02T00:00:00Z")
    assert found["name"]["languageMap"] == {"en": "car", "es": "coche"}
    for wrong in ("observedAt=soon", "lang=!"):
        assert problem_of(api.patch(f"{car}?{wrong}", {"speed": 2}))[0] == 400
