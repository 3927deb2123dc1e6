"""A town with secrets: an entity that the public may not see, and an attribute of one that it may.

Two words stand for them, ``quince`` in all that is hidden with its entity, ``medlar`` in all that is hidden of an entity
that is there. They must be nowhere in what the public gets, unless it brought them along itself. A third, ``sealed``, is in the names that the rules
give to both, and stands in these alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.principals import LOCAL, new_token, token_hash
from hansa.web import app as web
from tests.trust.policy.documents import constraint, document, rule
from tests.web import town

WORDS = ("quince", "medlar")
RULED = ("sealed",)
"""What the rules call it; the rules themselves are public."""
SEALED = "Sealed"
HIDDEN_TYPE = "Quincery"
HIDDEN = "urn:ngsi-ld:Quincery:quince-1"
LINKED = "urn:ngsi-ld:Shed:7"
"""A hidden entity whose identifier is no secret: somebody who may be seen links to it."""
ZONE = "urn:ngsi-ld:TransportZone:town:1"
NOTE = "sealedNote"
STORY = "/ngsi-ld/v1"
UNKNOWING = [
    "kind:public",
    "kind:resident",
    "kind:service",
    "kind:city",
    "name:berta",
    "name:clara",
]


def prop(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


def place(longitude: float, latitude: float) -> dict[str, Any]:
    return {
        "type": "GeoProperty",
        "value": {"type": "Point", "coordinates": [longitude, latitude]},
    }


SECRETS: list[dict[str, Any]] = [
    {
        "id": HIDDEN,
        "type": [HIDDEN_TYPE, SEALED],
        "name": prop("The quince house"),
        "quinceCount": {**prop(41), "observedAt": "2026-04-01T00:00:00Z"},
        "location": place(-70.99, -29.99),
    },
    {
        "id": LINKED,
        "type": [HIDDEN_TYPE, SEALED, "Building"],
        "name": prop("quince shed"),
        "location": place(-70.98, -29.98),
    },
    {
        "id": "urn:ngsi-ld:Vehicle:quince-car",
        "type": ["Vehicle", HIDDEN_TYPE, SEALED],
        "name": prop("quince car"),
        "location": place(-70.985, -29.985),
    },
    {
        "id": "urn:ngsi-ld:GtfsStop:quince-stop",
        "type": ["GtfsStop", HIDDEN_TYPE, SEALED],
        "name": prop("quince stop"),
        "location": place(-70.975, -29.985),
    },
    {
        "id": "urn:ngsi-ld:DataSource:quince-source",
        "type": ["DataSource", HIDDEN_TYPE, SEALED],
        "name": prop("quince source"),
    },
]

CHANGES: dict[str, Any] = {
    NOTE: {
        **prop("a medlar in the loft"),
        "observedAt": "2026-04-02T00:00:00Z",
        "datasetId": "urn:ngsi-ld:Dataset:loft",
    },
    "keeper": {"type": "Relationship", "object": LINKED},
}
"""What is added to the first zone of the town."""


SECRETIVE: dict[str, Any] = document(
    prohibition=[
        rule("read", UNKNOWING, constraint("entityType", "isAnyOf", [SEALED])),
        rule("read", UNKNOWING, constraint("attribute", "isAnyOf", [NOTE])),
    ]
)
"""Beside the first policy: everybody may see what is no quincery, and of that no medlars; who is called anna may see all."""


@dataclass
class City:
    """The town, served, and what it offers."""

    node: Node
    client: TestClient
    token: str
    routes: list[Route] = field(default_factory=list)

    def public(self, verb: str, url: str, **more: Any) -> Any:
        """Ask as anybody."""
        return self.client.request(verb, url, follow_redirects=False, **more)

    def operator(self, verb: str, url: str, **more: Any) -> Any:
        """Ask as the operator."""
        headers = {**more.pop("headers", {}), "authorization": f"Bearer {self.token}"}
        return self.client.request(verb, url, headers=headers, follow_redirects=False, **more)


@contextmanager
def opened(folder: Path) -> Iterator[City]:
    """The town with its secrets, and what happened to them since."""
    token = new_token()
    settings = Settings(
        city="Town",
        timezone="America/Santiago",
        clock="2026-04-15T08:30",
        operator_token_hash=token_hash(token),
    )
    routes: list[Route] = []

    class Noting(Starlette):
        def __init__(self, **more: Any) -> None:
            routes.extend(more["routes"])
            super().__init__(**more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web, "Starlette", Noting)
        node = Node.open(folder, settings)
    town.fill(node, folder)
    node.trust.policies.declare(LOCAL, "secretive", SECRETIVE)
    try:
        with TestClient(node.app, base_url="http://127.0.0.1:1356") as client:
            city = City(node, client, token, routes)
            _hide(city)
            yield city
    finally:
        node.close()


def _hide(city: City) -> None:
    """Plant the secrets, change them, and delete one, so that they are in the feed and in the past."""
    for entity in SECRETS:
        assert city.operator("POST", f"{STORY}/entities", json=entity).status_code == 201
    done = city.operator("POST", f"{STORY}/entities/{ZONE}/attrs", json=CHANGES)
    assert done.status_code == 204, done.text
    for id, name, value in ((HIDDEN, "quinceCount", 42), (ZONE, NOTE, "a medlar in the cellar")):
        patch = {**prop(value), "observedAt": "2026-04-03T00:00:00Z"}
        if name == NOTE:
            patch["datasetId"] = "urn:ngsi-ld:Dataset:loft"
        done = city.operator("PATCH", f"{STORY}/entities/{id}/attrs/{name}", json=patch)
        assert done.status_code == 204, done.text
    gone = {**SECRETS[0], "id": "urn:ngsi-ld:Quincery:quince-gone"}
    city.operator("POST", f"{STORY}/entities", json=gone)
    city.operator("DELETE", f"{STORY}/entities/{gone['id']}")
