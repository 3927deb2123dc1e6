"""Hostile sources never spoil an answer, crash the node or hold it beyond their deadline (clause 6.3.17)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.api.client import ApiClient
from tests.web.api.hostile import WAYS, hostile_source
from tests.web.api.source import MockSource, mock_source

CAR = "urn:ngsi-ld:Car:1"
OTHER = "urn:ngsi-ld:Car:2"
SINCE = "timerel=after&timeAt=2020-01-01T00:00:00Z"


@pytest.fixture
def good() -> Iterator[MockSource]:
    with mock_source() as found:
        yield found


def register(api: ApiClient, id: str, url: str, **members: Any) -> None:
    body = {
        "id": id,
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Car"}]}],
        "endpoint": url,
        "operations": ["federationOps", "retrieveTemporal", "queryTemporal", "updateOps"],
        "management": {"timeout": 700},
    }
    answer = api.post("/csourceRegistrations", json=body | members)
    assert answer.status_code == 201, answer.text


def speed(value: int) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize("way", sorted(WAYS))
def test_reads_are_answered_by_the_others(api: ApiClient, good: MockSource, way: str) -> None:
    api.post("/entities", json={"id": CAR, "type": "Car", "speed": speed(3)})
    other = {"id": OTHER, "type": "Car", "speed": speed(4)}
    past = {"id": OTHER, "type": "Car", "speed": [speed(4)]}
    good.says("GET", "/entities", [other])
    good.says("GET", "/temporal/entities", [past])
    with hostile_source(WAYS[way]) as url:
        register(api, "urn:r:good", good.url)
        register(api, "urn:r:bad", url)
        everyone = api.get("/entities?type=Car&options=keyValues")
        one = api.get(f"/entities/{CAR}?options=keyValues")
        history = api.get(f"/temporal/entities?type=Car&{SINCE}&options=temporalValues")
        types = api.get("/types")
        written = api.patch(f"/entities/{CAR}/attrs?type=Car", json={"speed": speed(3)})
    for answer in (everyone, one, history, types):
        assert answer.status_code == 200, answer.text
        assert "urn:r:good" not in answer.headers.get("ngsild-warning", "")
    found = {entity["id"]: entity for entity in everyone.json()}
    assert (found[CAR]["speed"], found[OTHER]["speed"]) == (3, 4)
    assert found.keys() <= {CAR, OTHER}
    assert one.json()["speed"] == 3
    pasts = {entity["id"]: entity for entity in history.json()}
    assert [value for value, _ in pasts[OTHER]["speed"]["values"]] == [4]
    assert written.status_code in (204, 207)
    health = api.get("/csourceRegistrations/urn:r:bad").json()
    assert health["timesSent"] >= 4


def test_one_that_claims_to_be_us_is_not_asked(api: ApiClient, good: MockSource) -> None:
    alias = api.get("/info/sourceIdentity").json()["contextSourceAlias"]
    register(api, "urn:r:1", good.url, contextSourceAlias=alias)
    assert api.get("/entities?type=Car").json() == []
    assert api.get(f"/temporal/entities?type=Car&{SINCE}").json() == []
    assert good.asked == []


def test_a_registration_of_this_node_itself_ends(api: ApiClient) -> None:
    """Its requests come back with this node's name in Via, and are answered from what is here."""
    alias = api.get("/info/sourceIdentity").json()["contextSourceAlias"]
    api.post("/entities", json={"id": CAR, "type": "Car", "speed": speed(3)})
    register(api, "urn:r:1", "http://127.0.0.1:9")
    headers = {"Via": f"1.1 {alias}"}
    for path in ("/entities?type=Car", f"/temporal/entities?type=Car&{SINCE}", "/types"):
        answer = api.get(path, headers=headers)
        assert answer.status_code == 200
        assert "ngsild-warning" not in answer.headers
    assert api.get("/csourceRegistrations/urn:r:1").json().get("timesSent") is None


@pytest.mark.parametrize(
    "via",
    ["1.1 a" + ", 1.1 b" * 20, ",,,,", "((((((((", "1.1", "\x01", "1.1 " + "x" * 5000, "(a (b)) c"],
)
def test_strange_trails(api: ApiClient, via: str) -> None:
    register(api, "urn:r:1", "http://127.0.0.1:9")
    answer = api.get("/entities?type=Car", headers={"Via": via})
    assert answer.status_code in (200, 400, 508), answer.text


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://169.254.169.254/latest",
        "http://user:pass@127.0.0.1/",
        "http://[::ffff:10.0.0.1]/",
        "http://0x7f.1/",
        "http://nobody.invalid/",
    ],
)
def test_addresses_that_may_not_be_contacted(city_api: ApiClient, endpoint: str) -> None:
    own = {"authorization": "Bearer secret"}
    body = {
        "id": "urn:r:1",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Car"}]}],
        "endpoint": endpoint,
    }
    made = city_api.post("/csourceRegistrations", json=body, headers=own)
    assert made.status_code in (201, 400)
    answer = city_api.get("/entities?type=Car")
    assert answer.status_code == 200
    if made.status_code == 201:
        assert "199" in answer.headers["ngsild-warning"]
