"""The edge of the API: media types, limits, tenants, tokens, resources that are not there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.web.api.client import ApiClient, problem_of


@pytest.mark.parametrize("raw", [b"{", b"", b"\xff\xfe", b'{"a": NaN}', b'{"a": 1,}'])
def test_bodies_that_are_not_json(api: ApiClient, raw: bytes) -> None:
    assert problem_of(api.post("/entities", raw=raw)) == (400, "InvalidRequest")


def test_a_body_of_which_nobody_says_what_it_is(api: ApiClient) -> None:
    refused = api.request("POST", "/entities", content=b"{}")
    assert problem_of(refused) == (400, "InvalidRequest")


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("limit=-5", "BadRequestData"),
        ("offset=-3", "BadRequestData"),
        ("limit=99999", "BadRequestData"),
        ("limit=" + "9" * 5_000, "BadRequestData"),
        ("limit=five", "InvalidRequest"),
        ("limit=", "InvalidRequest"),
        ("limit=%D9%A5", "InvalidRequest"),
        ("page=2", "InvalidRequest"),
    ],
)
@pytest.mark.parametrize("place", ["subscriptions", "csourceSubscriptions", "csourceRegistrations"])
def test_pages_that_do_not_exist(api: ApiClient, place: str, query: str, error: str) -> None:
    assert problem_of(api.get(f"/{place}?{query}")) == (400, error)


@pytest.mark.parametrize("verb", ["PATCH", "DELETE"])
@pytest.mark.parametrize("place", ["subscriptions", "csourceRegistrations"])
def test_a_collection_does_not_offer_what_each_in_it_does(
    api: ApiClient, place: str, verb: str
) -> None:
    refused = api.request(verb, f"/{place}/", {})
    assert (refused.status_code, refused.headers["allow"]) == (
        405,
        "GET, HEAD, OPTIONS, POST",
    )


@pytest.mark.parametrize("kind", ["text/plain", "", "application/xml"])
def test_media_types_that_cannot_be_read(api: ApiClient, kind: str) -> None:
    refused = api.post("/entities", raw=b"{}", type=kind)
    assert (refused.status_code, refused.content) == (415, b"")
    assert refused.headers["accept"] == "application/json, application/ld+json"


@pytest.mark.parametrize("verb", ["POST", "PATCH", "PUT"])
def test_a_body_must_declare_its_length(api: ApiClient, verb: str) -> None:
    path = "/entities" if verb == "POST" else "/entities/urn:ngsi-ld:Car:1"
    refused = api.request(verb, path, raw=iter([b"{}"]), headers={"NGSILD-Tenant": "nobody"})
    assert (refused.status_code, refused.content) == (411, b"")


def test_media_types_that_cannot_be_made(api: ApiClient) -> None:
    api.create()
    path = "/entities/urn:ngsi-ld:Car:1"
    assert api.get(path, headers={"accept": "text/html"}).status_code == 406
    assert api.get(path, headers={"accept": "application/json;q=good"}).status_code == 200
    wish = "text/html, application/ld+json;q=0.9, */*;q=0.1"
    assert api.get(path, headers={"accept": wish}).headers["content-type"] == "application/ld+json"


def test_giant_bodies_are_refused(api: ApiClient) -> None:
    limit = api.node.settings.body_limit
    body = b'{"id":"urn:ngsi-ld:Car:1","type":"Car","a":"' + b"x" * limit + b'"}'
    assert problem_of(api.post("/entities", raw=body))[0] == 413


@pytest.mark.parametrize("depth", [100, 100_000])
def test_deep_nesting_is_refused(api: ApiClient, depth: int) -> None:
    body = b'{"id":"urn:ngsi-ld:Car:1","type":"Car","a":' + b"[" * depth + b"]" * depth + b"}"
    assert api.post("/entities", raw=body).status_code in (400, 413)


def test_wrong_verbs_name_the_right_ones(api: ApiClient) -> None:
    response = api.request("PATCH", "/types")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/nothing", "/entities/a/b/c/d", "/", "", "/entitie/urn:a:b"])
def test_resources_that_are_not_there(api: ApiClient, path: str) -> None:
    assert problem_of(api.get(path)) == (404, "ResourceNotFound")


def test_tenants_are_apart(api: ApiClient) -> None:
    head = {"NGSILD-Tenant": "ships"}
    missing = api.get("/entities/urn:a:b", headers=head)
    assert problem_of(missing) == (404, "NonexistentTenant")
    assert missing.headers["ngsild-tenant"] == "ships"
    made = api.post("/entities", {"id": "urn:a:b", "type": "Ship"}, headers=head)
    assert made.status_code == 201
    assert made.headers["ngsild-tenant"] == "ships"
    assert api.get("/entities/urn:a:b", headers=head).status_code == 200
    assert api.get("/entities/urn:a:b").status_code == 404


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "a b", ".", "x" * 300, "A\x00"])
def test_tenant_names_cannot_leave_their_folder(api: ApiClient, name: str) -> None:
    response = api.post(
        "/entities", {"id": "urn:a:b", "type": "T"}, headers={"NGSILD-Tenant": name.encode()}
    )
    assert response.status_code in (400, 404)


def test_only_the_operator_writes_to_a_city(city_api: ApiClient) -> None:
    entity = {"id": "urn:ngsi-ld:Car:1", "type": "Car"}
    refused = city_api.post("/entities", entity)
    assert problem_of(refused) == (401, "Unauthorized")
    assert refused.headers["www-authenticate"] == "Bearer"
    wrong = city_api.post("/entities", entity, headers={"authorization": "Bearer guess"})
    assert wrong.status_code == 401
    right = city_api.post("/entities", entity, headers={"authorization": "Bearer secret"})
    assert right.status_code == 201
    assert city_api.get("/entities/urn:ngsi-ld:Car:1").status_code == 200
    other = city_api.get("/entities/urn:ngsi-ld:Car:1", headers={"NGSILD-Tenant": "private"})
    assert other.status_code == 401


def test_a_city_speaks_its_own_words(city_api: ApiClient) -> None:
    token = {"authorization": "Bearer secret"}
    entity = {"id": "urn:ngsi-ld:GtfsStop:1", "type": "GtfsStop"}
    city_api.post("/entities", entity, headers=token)
    found = city_api.get("/entities?type=GtfsStop")
    assert [e["type"] for e in found.json()] == ["GtfsStop"]
    link = found.links["http://www.w3.org/ns/json-ld#context"]["url"]
    assert link.endswith("/contexts/city.jsonld")
    document = city_api.get("/contexts/city.jsonld").json()
    assert document["@context"]["GtfsStop"].startswith("https://smartdatamodels.org/")
    head = {"link": f'<{link}>; rel="http://www.w3.org/ns/json-ld#context"'}
    assert city_api.get("/entities?type=GtfsStop", headers=head).json() == found.json()


def hostile(url: str) -> dict[str, Any]:
    return {"id": "urn:ngsi-ld:Car:1", "type": "Car", "@context": url}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/c.jsonld",
        "http://[::1]/c",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "http://2130706433/",
    ],
)
def test_contexts_at_hostile_addresses_are_not_fetched(city_api: ApiClient, url: str) -> None:
    head = {"authorization": "Bearer secret"}
    response = city_api.post("/entities", hostile(url), type="application/ld+json", headers=head)
    status, code = problem_of(response)
    assert (status, code) in {(504, "LdContextNotAvailable"), (400, "BadRequestData")}
    assert city_api.get("/entities/urn:ngsi-ld:Car:1").status_code == 404


def test_problem_json_on_request(api: ApiClient) -> None:
    response = api.get(
        "/entities/urn:a:b", headers={"accept": "application/problem+json, application/json"}
    )
    assert response.headers["content-type"] == "application/problem+json"


def test_openapi_lists_every_operation(api: ApiClient) -> None:
    from hansa.web.api.openapi import openapi
    from hansa.web.api.routes import OPERATIONS

    document = json.loads(json.dumps(openapi()))
    listed = {(verb.upper(), path) for path, verbs in document["paths"].items() for verb in verbs}
    assert listed == {(o.verb, o.path) for o in OPERATIONS}


def test_history_of_an_attribute(api: ApiClient) -> None:
    api.create(speed={"value": 1, "observedAt": "2026-01-01T00:00:00Z"})
    for n in (2, 3):
        api.patch(
            "/entities/urn:ngsi-ld:Car:1/attrs",
            {"speed": {"value": n, "observedAt": f"2026-01-0{n}T00:00:00Z"}},
        )
    path = "/temporal/entities/urn:ngsi-ld:Car:1"
    assert [i["value"] for i in api.get(path).json()["speed"]] == [1, 2, 3]
    window = "?timerel=after&timeAt=2026-01-01T12:00:00Z&options=temporalValues"
    assert api.get(path + window).json()["speed"] == {
        "type": "Property",
        "values": [[2, "2026-01-02T00:00:00Z"], [3, "2026-01-03T00:00:00Z"]],
    }
    assert [i["value"] for i in api.get(path + "?lastN=1").json()["speed"]] == [3]
    assert problem_of(api.get(path + "?timerel=sometime&timeAt=x")) == (400, "BadRequestData")
    assert api.get("/temporal/entities/urn:ngsi-ld:Car:9").status_code == 404
