"""Attributes over HTTP: clauses 6.6 and 6.7."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.api.client import ApiClient, problem_of

CAR = "/entities/urn:ngsi-ld:Car:1"


def simple(api: ApiClient) -> dict[str, Any]:
    found: dict[str, Any] = api.get(CAR + "?format=simplified").json()
    return found


def test_appending_adds_and_overwrites(api: ApiClient) -> None:
    api.create(a=1)
    assert api.post(CAR + "/attrs", {"a": 2, "b": 3}).status_code == 204
    assert (simple(api)["a"], simple(api)["b"]) == (2, 3)


def test_appending_without_overwriting_says_what_was_left(api: ApiClient) -> None:
    api.create(a=1)
    response = api.post(CAR + "/attrs?options=noOverwrite", {"a": 2, "b": 3})
    assert response.status_code == 207
    body = response.json()
    assert [n["attributeName"] for n in body["notUpdated"]] == [
        "https://uri.etsi.org/ngsi-ld/default-context/a"
    ]
    assert (simple(api)["a"], simple(api)["b"]) == (1, 3)


def test_updating_replaces_whole_attributes(api: ApiClient) -> None:
    api.create(speed={"value": 1, "unitCode": "KMH"}, gone=1)
    assert api.patch(CAR + "/attrs", {"speed": 9, "gone": "urn:ngsi-ld:null"}).status_code == 204
    found = api.get(CAR).json()
    assert found["speed"] == {"type": "Property", "value": 9}
    assert "gone" not in found


def test_a_partial_update_keeps_the_rest(api: ApiClient) -> None:
    api.create(speed={"value": 1, "unitCode": "KMH"})
    assert api.patch(CAR + "/attrs/speed", {"value": 2}).status_code == 204
    assert api.get(CAR).json()["speed"] == {"type": "Property", "value": 2, "unitCode": "KMH"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/attrs/rpm", {"value": 2}, 404),
        ("/attrs/speed", {"type": "Relationship", "object": "urn:a:b"}, 400),
        ("/attrs/speed", {"value": 2, "datasetId": "urn:d:1"}, 404),
        ("/attrs/scope", {"value": 2}, 400),
        ("/attrs/a%20b", {"value": 2}, 400),
    ],
)
def test_partial_updates_of_the_wrong_thing(
    api: ApiClient, path: str, body: Any, status: int
) -> None:
    api.create(speed=1)
    assert api.patch(CAR + path, body).status_code == status
    assert simple(api)["speed"] == 1


def test_replacing_one_attribute(api: ApiClient) -> None:
    api.create(speed={"value": 1, "unitCode": "KMH"})
    assert api.put(CAR + "/attrs/speed", {"type": "Property", "value": 2}).status_code == 204
    assert api.get(CAR).json()["speed"] == {"type": "Property", "value": 2}
    assert problem_of(api.put(CAR + "/attrs/none", {"type": "Property", "value": 2}))[0] == 404


def test_deleting_attributes_by_dataset(api: ApiClient) -> None:
    api.create(
        speed=[
            {"type": "Property", "value": 1},
            {"type": "Property", "value": 2, "datasetId": "urn:d:1"},
        ]
    )
    assert api.delete(CAR + "/attrs/speed?datasetId=urn:d:1").status_code == 204
    assert api.get(CAR).json()["speed"] == {"type": "Property", "value": 1}
    assert api.delete(CAR + "/attrs/speed?deleteAll=true").status_code == 204
    assert "speed" not in api.get(CAR).json()
    assert problem_of(api.delete(CAR + "/attrs/speed")) == (404, "ResourceNotFound")


def test_a_null_value_in_a_partial_update_removes_the_attribute(api: ApiClient) -> None:
    api.create(speed=1, rpm=2)
    assert api.patch(CAR + "/attrs/speed", {"value": "urn:ngsi-ld:null"}).status_code == 204
    assert simple(api).keys() == {"id", "type", "rpm"}
    assert api.patch(CAR + "/attrs/rpm", {"datasetId": "urn:ngsi-ld:null"}).status_code == 400


def test_a_scope_is_updated_only_where_there_is_one(api: ApiClient) -> None:
    api.create(speed=1)
    response = api.patch(CAR + "/attrs", {"scope": "/Madrid"})
    assert response.status_code == 207
    assert response.json()["notUpdated"][0]["attributeName"] == "https://uri.etsi.org/ngsi-ld/scope"
    assert "scope" not in simple(api)
    assert api.post(CAR + "/attrs", {"scope": "/Madrid"}).status_code == 204
    assert api.patch(CAR + "/attrs", {"scope": "/Berlin"}).status_code == 204
    assert simple(api)["scope"] == "/Berlin"


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("PATCH", "/entities/", 400),
        ("PUT", "/entities/", 400),
        ("PUT", "/entities", 405),
        ("POST", "/entities//attrs", 400),
        ("PATCH", "/entities//attrs/speed", 400),
        ("DELETE", "/entities/urn:ngsi-ld:Car:1/attrs/", 405),
    ],
)
def test_a_path_without_an_identifier(api: ApiClient, verb: str, path: str, status: int) -> None:
    assert problem_of(api.request(verb, path, {"speed": 1}))[0] == status
