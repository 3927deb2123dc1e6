"""What FIWARE's IoT agents ask of a broker, as their node library (iotagent-node-lib) sends it.

Every request has the tenant's and the path's header, and ``application/ld+json`` even where there is no
body. The library itself was run against a node by hand: activate, register a device, update, query and
subscribe all succeed, and the notification arrives.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node

CONTEXT = ["https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"]
LIGHT = "urn:ngsi-ld:Light:light1"
HEADERS = {
    "fiware-service": "smartgondor",
    "fiware-servicepath": "/gardens",
    "NGSILD-Tenant": "smartgondor",
    "NGSILD-Path": "/gardens",
    "Content-Type": "application/ld+json",
}
MEASURE = {
    "id": LIGHT,
    "type": "Light",
    "@context": CONTEXT,
    "room": {"type": "Relationship", "object": "urn:ngsi-ld:Room:1"},
    "pressure": {"type": "Property", "value": 23, "observedAt": "2026-11-25T00:31:14.136Z"},
    "temperature": {"type": "Property", "value": 21.5, "unitCode": "CEL"},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [41.4, -0.88]}},
}


class Agent:
    """Sends requests the way the library does."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def send(self, verb: str, path: str, body: Any = None) -> Any:
        more = {} if body is None else {"json": body}
        return self._client.request(verb, f"/ngsi-ld/v1{path}", headers=HEADERS, **more)

    def measure(self, **more: Any) -> int:
        path = "/entityOperations/upsert/?options=update"
        return int(self.send("POST", path, [{**MEASURE, **more}]).status_code)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    node = Node.open(tmp_path / "node", Settings(dev=True, context="core"))
    with TestClient(node.app, base_url="http://127.0.0.1:1356") as client:
        yield Agent(client)
    node.close()


def test_a_measure_makes_the_entity_and_later_ones_add_to_it(agent: Agent) -> None:
    assert agent.measure() == 201
    assert agent.measure(pressure={"type": "Property", "value": 24}) == 204
    assert agent.measure(humidity={"type": "Property", "value": 50}) == 204
    shown = agent.send("GET", f"/entities/{LIGHT}?attrs=pressure,humidity").json()
    assert shown["pressure"]["value"] == 23
    assert shown["humidity"]["value"] == 50
    assert shown.keys() == {"id", "type", "pressure", "humidity"}


def test_a_value_that_is_missing_is_json_null_in_a_json_property(agent: Agent) -> None:
    nothing = {"type": "JsonProperty", "json": {"@type": "@json", "@value": None}}
    assert agent.measure(battery=nothing) == 201
    assert agent.send("GET", f"/entities/{LIGHT}").json()["battery"]["json"]["@value"] is None


def test_a_device_is_registered_for_what_it_is_asked_for(agent: Agent) -> None:
    registration = {
        "type": "ContextSourceRegistration",
        "information": [
            {"entities": [{"type": "Light", "id": LIGHT}], "propertyNames": ["battery", "switch"]}
        ],
        "mode": "exclusive",
        "operations": ["retrieveOps", "updateOps"],
        "endpoint": "http://127.0.0.1:4041",
        "contextSourceInfo": [{"key": "jsonldContext", "value": CONTEXT[0]}],
        "@context": CONTEXT,
    }
    made = agent.send("POST", "/csourceRegistrations/", registration)
    assert made.status_code == 201
    place = made.headers["location"].removeprefix("/ngsi-ld/v1")
    assert agent.send("DELETE", place).status_code == 204


def test_a_device_subscribes_to_its_entity(agent: Agent) -> None:
    subscription = {
        "@context": CONTEXT,
        "type": "Subscription",
        "entities": [{"id": LIGHT, "type": "Light"}],
        "watchedAttributes": ["pressure"],
        "notification": {
            "endpoint": {"uri": "http://127.0.0.1:4041/notify", "accept": "application/json"},
            "attributes": ["pressure"],
            "format": "normalized",
        },
    }
    made = agent.send("POST", "/subscriptions/", subscription)
    assert made.status_code == 201, made.text
    place = made.headers["location"].removeprefix("/ngsi-ld/v1")
    assert agent.send("DELETE", place).status_code == 204
