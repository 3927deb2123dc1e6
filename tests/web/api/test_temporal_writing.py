"""Writing history: entities, attributes and instances of the past (5.6.11 to 5.6.16)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.api.client import ApiClient, problem_of

CAR = "urn:ngsi-ld:Car:1"
ALL = "/temporal/entities"
PATH = f"{ALL}/{CAR}"


def speed(value: Any, time: str = "12:00", **more: Any) -> dict[str, Any]:
    """An instance of a Property on some day."""
    return {"type": "Property", "value": value, "observedAt": f"2026-11-01T{time}:00Z", **more}


def car(**attributes: Any) -> dict[str, Any]:
    return {"id": CAR, "type": "Car", **attributes}


def instances(api: ApiClient, name: str = "speed") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(PATH + "?options=sysAttrs").json().get(name, [])
    return found


def values(api: ApiClient, name: str = "speed") -> list[Any]:
    return [instance["value"] for instance in instances(api, name)]


def test_history_comes_into_being_and_grows(api: ApiClient) -> None:
    made = api.post(ALL, car(speed=[speed(1), speed(2, "12:01")]))
    assert made.status_code == 201
    assert made.headers["location"] == f"/ngsi-ld/v1{PATH}"
    grown = api.post(ALL, car(speed=speed(3, "12:02")) | {"type": ["Car", "Taxi"]})
    assert (grown.status_code, grown.content) == (204, b"")
    assert values(api) == [1, 2, 3]
    assert set(api.get(PATH).json()["type"]) == {"Car", "Taxi"}
    assert api.get(f"/entities/{CAR}").status_code == 404  # the present is another matter


def test_history_of_an_entity_that_is_there_grows(api: ApiClient) -> None:
    api.create(speed={"value": 5, "observedAt": "2026-11-01T13:00:00Z"})
    assert api.post(ALL, car(speed=speed(4))).status_code == 204
    assert values(api) == [4, 5]
    assert api.get(f"/entities/{CAR}?options=keyValues").json()["speed"] == 5


def test_sending_again_changes_nothing_but_the_time(api: ApiClient) -> None:
    for value in (1, 1, 7):
        api.post(ALL, car(speed=[speed(value), speed(0, "12:05", datasetId="urn:d:1")]))
    assert values(api) == [7, 0]


def test_a_deletion_may_be_told(api: ApiClient) -> None:
    gone = {"type": "Property", "value": "urn:ngsi-ld:null", "deletedAt": "2026-11-01T13:00:00Z"}
    assert api.post(ALL, car(speed=[speed(1), gone])).status_code == 201
    [told] = api.get(PATH + "?timeproperty=deletedAt").json()["speed"]
    assert told["deletedAt"] == "2026-11-01T13:00:00Z"


def test_a_deletion_of_any_kind_is_shown_in_every_form(api: ApiClient) -> None:
    null = "urn:ngsi-ld:null"
    members = {
        "Property": "value", "Relationship": "object", "GeoProperty": "value", "JsonProperty": "json",
        "LanguageProperty": "languageMap", "VocabProperty": "vocab", "ListProperty": "valueList",
        "ListRelationship": "objectList",
    }  # fmt: skip
    told = [
        {"type": kind, member: null, "observedAt": f"2026-11-01T12:00:0{number}Z"}
        for number, (kind, member) in enumerate(members.items())
    ]
    assert api.post(ALL, car(gone=told)).status_code == 201
    for form in ("normalized", "concise", "simplified", "temporalValues", "aggregatedValues"):
        for more in ("", "&lang=en", "&options=sysAttrs"):
            for version in ("1.2", "1.5", "1.9"):
                response = api.get(
                    f"{PATH}?format={form}{more}&aggrMethods=totalCount",
                    headers={"prefer": f"ngsi-ld={version}"},
                )
                assert response.status_code in (200, 203), response.text
    body = api.get(PATH).json()["gone"]
    assert body[4]["languageMap"] == {"@none": null}
    assert body[6]["valueList"] == [null]


def test_earlier_versions_are_told_so(api: ApiClient) -> None:
    api.post(ALL, car(colour={"type": "VocabProperty", "vocab": "red"}))
    old = api.get(PATH, headers={"prefer": "ngsi-ld=1.5"})
    assert (old.status_code, old.headers["preference-applied"]) == (203, "ngsi-ld=1.5")
    assert old.json()["colour"][0]["type"] == "Property"
    assert api.get(PATH, headers={"prefer": "ngsi-ld=1.9"}).status_code == 200


def test_scopes_are_written_plain_or_as_instances(api: ApiClient) -> None:
    api.post(ALL, car(scope=["/a", "/b"]))
    api.post(ALL, car(scope=[speed("/c"), speed(["/d", "/e"], "12:01")]))
    assert values(api, "scope") == ["/c", ["/d", "/e"], ["/a", "/b"]]


def test_attributes_are_added(api: ApiClient) -> None:
    api.post(ALL, car(speed=speed(1)))
    assert (
        api.post(PATH + "/attrs", {"speed": [speed(2, "12:01")], "brand": "X"}).status_code == 204
    )
    assert values(api) == [1, 2]
    assert values(api, "brand") == ["X"]
    missing = api.post(f"{ALL}/urn:no:1/attrs", {"speed": speed(1)})
    assert problem_of(missing) == (404, "ResourceNotFound")
    other = api.post(PATH + "/attrs", {"id": "urn:no:1", "speed": speed(1)})
    assert problem_of(other) == (400, "BadRequestData")


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("direct", [True, False])
def test_an_instance_is_corrected(api: ApiClient, *, wrapped: bool, direct: bool) -> None:
    if direct:
        api.post(ALL, car(speed=[speed(1), speed(2, "12:01")]))
    else:
        api.create(speed=speed(1))
        api.patch(f"/entities/{CAR}", {"speed": speed(2, "12:01")})
    old = instances(api)[0]
    body = {"speed": [speed(9)]} if wrapped else speed(9)
    path = f"{PATH}/attrs/speed/{old['instanceId']}"
    assert api.patch(path, body).status_code == 204
    new = instances(api)[0]
    assert values(api) == [9, 2]
    assert (new["instanceId"], new["createdAt"]) == (old["instanceId"], old["createdAt"])
    assert new["modifiedAt"] > old["modifiedAt"]
    assert api.delete(path).status_code == 204
    assert values(api) == [2]
    assert problem_of(api.delete(path)) == (404, "ResourceNotFound")
    assert problem_of(api.patch(path, body)) == (404, "ResourceNotFound")


def test_an_attribute_is_removed(api: ApiClient) -> None:
    api.post(
        ALL, car(speed=[speed(1), speed(2, datasetId="urn:d:1"), speed(3, datasetId="urn:d:2")])
    )
    path = PATH + "/attrs/speed"
    assert api.delete(path).status_code == 204
    assert values(api) == [2, 3]
    assert api.delete(path + "?datasetId=urn:d:1").status_code == 204
    assert values(api) == [3]
    assert problem_of(api.delete(path)) == (404, "ResourceNotFound")
    assert api.delete(path + "?deleteAll=true").status_code == 204
    assert values(api) == []
    assert problem_of(api.delete(path + "?deleteAll=true")) == (404, "ResourceNotFound")


def test_a_whole_past_is_removed(api: ApiClient) -> None:
    api.post(ALL, car(speed=speed(1)))
    assert api.delete(PATH).status_code == 204
    assert api.get(PATH).status_code == 404
    assert problem_of(api.delete(PATH)) == (404, "ResourceNotFound")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "Car"},
        {"id": CAR},
        {"id": "no uri", "type": "Car"},
        car(speed=[]),
        car(speed={"type": "Property"}),
        car(speed=[speed(1) | {"observedAt": "2026-11-01T00:00:00+03:00"}]),
        car(speed=[speed(1) | {"observedAt": "yesterday"}]),
        car(speed=[speed(1, unitCode="urn:ngsi-ld:null")]),
        car(speed=[speed(1, accuracy={"type": "Property", "value": "urn:ngsi-ld:null"})]),
        car(speed=[{"type": "Property", "value": "urn:ngsi-ld:null", "deletedAt": "soon"}]),
        car(speed=[{"type": "Wrong", "value": 1}]),
        car(speed=[speed({"a": "urn:ngsi-ld:null"})]),
        car(expiresAt="urn:ngsi-ld:null"),
        car(scope="urn:ngsi-ld:null"),
        car(scope=[{"type": "Relationship", "object": "urn:x:1"}]),
        car(scope=[{"type": "Property"}]),
        car(scope=[speed("/a", unitCode="X")]),
        car(scope=[speed("not/ok/1")]),
        car(scope=[speed("/a", deletedAt="2026-11-01T00:00:00Z") | {"observedAt": 1}]),
        car(scope=["/a", {"type": "Property", "value": "/b"}]),
        car(location={"type": "GeoProperty", "value": {"type": "Point", "coordinates": [999, 0]}}),
        car(location={"type": "Property", "value": 1}),
        car(**{"a b": speed(1)}),
        car(observedAt="2026-11-01T00:00:00Z"),
        car(speed=speed(1), **{"https://uri.etsi.org/ngsi-ld/default-context/speed": speed(2)}),
    ],
)
def test_what_is_no_temporal_entity_is_refused(api: ApiClient, body: Any) -> None:
    assert problem_of(api.post(ALL, body)) == (400, "BadRequestData")
    assert api.get(PATH).status_code == 404


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"3", b'"x"'])
def test_what_is_no_object_is_refused(api: ApiClient, raw: bytes) -> None:
    for path in (ALL, PATH + "/attrs"):
        assert problem_of(api.post(path, raw=raw)) == (400, "InvalidRequest")


def test_malformed_targets_are_refused(api: ApiClient) -> None:
    api.post(ALL, car(speed=speed(1)))
    id = instances(api)[0]["instanceId"]
    good = {"speed": [speed(2)]}
    bad: list[tuple[str, str, Any]] = [
        ("DELETE", f"{ALL}/no-uri", None),
        ("POST", f"{ALL}/no-uri/attrs", good),
        ("DELETE", f"{PATH}/attrs/a%20b", None),
        ("DELETE", f"{PATH}/attrs/speed?datasetId=none", None),
        ("DELETE", f"{PATH}/attrs/a%20b/{id}", None),
        ("DELETE", f"{PATH}/attrs/speed/none", None),
        ("PATCH", f"{PATH}/attrs/speed/none", good),
        ("PATCH", f"{PATH}/attrs//{id}", good),
        ("PATCH", f"{PATH}/attrs/a%20b/{id}", good),
        ("PATCH", f"{PATH}/attrs/speed/{id}", {"speed": [speed(1), speed(2, "12:01")]}),
        ("PATCH", f"{PATH}/attrs/speed/{id}", {"brand": [speed(1)]}),
        ("PATCH", f"{PATH}/attrs/speed/{id}", {"speed": speed(1), "brand": speed(1)}),
        ("PATCH", f"{PATH}/attrs/speed/{id}", {}),
        ("PATCH", f"{PATH}/attrs/speed/{id}", {"id": "urn:no:1", "speed": [speed(1)]}),
    ]
    for verb, path, body in bad:
        response = api.request(verb, path, body)
        assert problem_of(response) == (400, "BadRequestData"), (verb, path, response.text)
    missing = [
        ("DELETE", f"{PATH}/attrs/brand/{id}", None),
        ("DELETE", f"{PATH}/attrs/brand", None),
        ("DELETE", f"{ALL}/urn:no:1", None),
        ("DELETE", f"{ALL}/urn:no:1/attrs/speed", None),
        ("PATCH", f"{ALL}/urn:no:1/attrs/speed/{id}", good),
        ("PATCH", f"{PATH}/attrs/speed/urn:no:1", good),
    ]
    for verb, path, body in missing:
        assert problem_of(api.request(verb, path, body)) == (404, "ResourceNotFound"), path
    assert values(api) == [1]


def test_only_the_operator_writes_history(city_api: ApiClient) -> None:
    assert city_api.post(ALL, car(speed=speed(1))).status_code == 401
    assert city_api.delete(PATH).status_code == 401


def test_tenants_have_their_own_past(api: ApiClient) -> None:
    api.post(ALL, car(speed=speed(1)), headers={"NGSILD-Tenant": "blue"})
    assert api.get(PATH).status_code == 404
    assert api.get(PATH, headers={"NGSILD-Tenant": "blue"}).status_code == 200
