"""Conditional requests, HEAD and OPTIONS: what HTTP asks of any resource (RFC 9110)."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hansa.web.api.routes import OPERATIONS
from tests.web.api.client import ApiClient, problem_of

CAR = "/entities/urn:ngsi-ld:Car:1"
WRITES: list[tuple[str, str, Any]] = [
    ("PATCH", CAR, {"speed": 2}),
    ("PUT", CAR, {"type": "Car", "speed": 2}),
    ("POST", CAR + "/attrs", {"speed": 2}),
    ("PATCH", CAR + "/attrs", {"speed": 2}),
    ("PATCH", CAR + "/attrs/speed", {"value": 2}),
    ("PUT", CAR + "/attrs/speed", {"type": "Property", "value": 2}),
    ("DELETE", CAR + "/attrs/speed", None),
    ("DELETE", CAR, None),
]


@pytest.fixture
def car(api: ApiClient) -> ApiClient:
    api.create(speed=1)
    return api


def tag(api: ApiClient, **headers: str) -> str:
    return str(api.get(CAR, headers=headers).headers["etag"])


# -- If-None-Match ----------------------------------------------------------------------------------


def test_what_a_client_has_already_is_not_sent_again(car: ApiClient) -> None:
    first = car.get(CAR)
    for known in (tag(car), f"W/{tag(car)}", f'"other", {tag(car)}', "*"):
        again = car.get(CAR, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert "content-length" not in again.headers
    car.patch(CAR + "/attrs", {"speed": 2})
    changed = car.get(CAR, headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.json()["speed"]["value"] == 2
    assert "etag" in changed.headers


def test_each_representation_has_a_tag_of_its_own(car: ApiClient) -> None:
    tags = {
        tag(car),
        tag(car, accept="application/ld+json"),
        tag(car, accept="application/geo+json"),
        str(car.get(CAR + "?options=keyValues").headers["etag"]),
    }
    assert len(tags) == 4
    assert len({name.partition("-")[0] for name in tags}) == 1


def test_a_head_says_what_a_get_would(car: ApiClient) -> None:
    got, head = car.get(CAR), car.request("HEAD", CAR)
    assert head.content == b""
    assert dict(head.headers) == dict(got.headers)
    known = {"if-none-match": got.headers["etag"]}
    assert car.request("HEAD", CAR, headers=known).status_code == 304


def test_a_hosted_context_has_a_tag(api: ApiClient) -> None:
    location = api.post("/jsonldContexts", {"@context": {"a": "urn:a:a"}}).headers["location"]
    path = location.removeprefix("/ngsi-ld/v1")
    known = {"if-none-match": api.get(path).headers["etag"]}
    assert api.get(path, headers=known).status_code == 304


# -- If-Match ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verb", "path", "body"), WRITES)
def test_a_write_may_be_bound_to_what_was_read(
    car: ApiClient, verb: str, path: str, body: Any
) -> None:
    old = tag(car)
    car.patch(CAR + "/attrs", {"colour": "red"})
    refused = car.request(verb, path, body, headers={"if-match": old})
    assert problem_of(refused) == (412, "InvalidRequest")
    weak = car.request(verb, path, body, headers={"if-match": f"W/{tag(car)}"})
    assert weak.status_code == 412
    shown = car.get(CAR + "?options=keyValues").json()
    assert (shown["speed"], shown["colour"]) == (1, "red")
    either = {"if-match": f"{old}, {tag(car, accept='application/ld+json')}"}
    assert car.request(verb, path, body, headers=either).status_code == 204


@pytest.mark.parametrize(("verb", "path", "body"), WRITES)
def test_a_star_is_any_version(car: ApiClient, verb: str, path: str, body: Any) -> None:
    assert car.request(verb, path, body, headers={"if-match": "*"}).status_code == 204


def test_of_many_who_read_the_same_one_writes(car: ApiClient) -> None:
    known = {"if-match": tag(car)}

    def write(n: int) -> int:
        return car.patch(CAR + "/attrs", {"speed": n}, headers=known).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(write, range(8)))
    assert statuses == [204] + [412] * 7


@pytest.mark.parametrize("header", ["abc", '"a" "b"', '"a', 'W/abc, "b"', ""])
def test_a_malformed_condition_is_refused(car: ApiClient, header: str) -> None:
    bound = car.patch(CAR + "/attrs", {"speed": 2}, headers={"if-match": header})
    assert bound.status_code in (400, 412)
    assert car.get(CAR).json()["speed"]["value"] == 1


def test_what_is_not_there_is_not_found_whatever_the_condition(api: ApiClient) -> None:
    for verb, path, body in WRITES:
        response = api.request(verb, path, body, headers={"if-match": '"a"'})
        assert problem_of(response)[0] == 404


# -- OPTIONS ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/entities", "DELETE, GET, HEAD, OPTIONS, POST"),
        (CAR, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("/entityOperations/query", "OPTIONS, POST"),
        ("/types", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_says_what_a_resource_offers(api: ApiClient, path: str, allowed: str) -> None:
    response = api.request("OPTIONS", path)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == allowed
    assert ("accept-patch" in response.headers) == ("PATCH" in allowed)


def test_options_of_nothing(api: ApiClient) -> None:
    assert problem_of(api.request("OPTIONS", "/nothing"))[0] == 404


# -- every resource ---------------------------------------------------------------------------------

RESOURCES = sorted({operation.path for operation in OPERATIONS})
VERBS = ("DELETE", "GET", "PATCH", "POST", "PUT")


def verbs_of(path: str) -> set[str]:
    offered = {operation.verb for operation in OPERATIONS if operation.path == path}
    return offered | {"OPTIONS"} | ({"HEAD"} if "GET" in offered else set())


def asked(api: ApiClient, verb: str, path: str, query: str = "") -> Any:
    """A request to a resource of the OpenAPI document, with the same name in every blank."""
    place = re.sub(r"\{[^}]*\}", "urn:x:1", path).removeprefix("/ngsi-ld/v1")
    return api.request(verb, place + query)


@pytest.mark.parametrize("path", RESOURCES)
def test_every_resource_says_what_it_offers(api: ApiClient, path: str) -> None:
    answer = asked(api, "OPTIONS", path)
    assert answer.status_code == 204
    assert set(answer.headers["allow"].split(", ")) == verbs_of(path)


@pytest.mark.parametrize("path", RESOURCES)
def test_every_resource_refuses_what_it_does_not_offer(api: ApiClient, path: str) -> None:
    for verb in {*VERBS, "TRACE", "BREW"} - verbs_of(path):
        answer = asked(api, verb, path)
        assert answer.status_code == 405, verb
        assert set(answer.headers["allow"].split(", ")) == verbs_of(path)


@pytest.mark.parametrize("path", [path for path in RESOURCES if "HEAD" in verbs_of(path)])
@pytest.mark.parametrize("query", ["", "?local=true", "?nonsense=1"])
def test_head_is_get_without_a_body(api: ApiClient, path: str, query: str) -> None:
    got, head = asked(api, "GET", path, query), asked(api, "HEAD", path, query)
    assert head.content == b""
    assert head.status_code == got.status_code
    for name in ("content-type", "etag", "link", "ngsild-results-count"):
        assert head.headers.get(name) == got.headers.get(name)
