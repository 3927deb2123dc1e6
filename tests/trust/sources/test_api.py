"""The register in a node: published by the API, changed by its officers, shown on the source's entity, logged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.ngsild.city import city_context
from hansa.ngsild.represent import View, represent
from hansa.node import Node
from hansa.trust.principals import LOCAL, new_token, token_hash
from hansa.trust.sources.register import OPERATOR_SOURCE
from tests.trust.sources.test_record import HERE, WHOLE

TOKEN = new_token()
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SHORT = {
    "adapter": "gtfs",
    "accountable": "City of Visby",
    "contact": "data@visby.example",
    "purpose": ["mobility"],
    "lawful_basis": "none_personal",
    "retention_period": "P2Y",
}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(tmp_path, Settings(city="Visby", operator_token_hash=token_hash(TOKEN)))
    yield made
    made.close()


@pytest.fixture
def api(node: Node) -> Iterator[TestClient]:
    with TestClient(node.app, base_url="http://127.0.0.1:1356") as made:
        yield made


def shown(node: Node, id: str) -> dict[str, Any]:
    stored = node.public_store().get(f"urn:ngsi-ld:DataSource:{id}")
    return (
        {}
        if stored is None
        else represent(orjson.loads(stored), View(city_context(), form="simplified"))
    )


def test_a_source_is_declared_read_changed_and_withdrawn(node: Node, api: TestClient) -> None:
    made = api.put("/hansa/v1/sources/buses", json=SHORT, headers=BEARER)
    assert made.status_code == 200, made.text
    assert made.json()["tech"] == ["dtpr_api"]
    assert api.get("/hansa/v1/sources/buses").json()["version"] == 1
    assert shown(node, "buses")["accountable"] == "City of Visby"
    here = SHORT | {"public_space": True, "place": HERE}
    assert api.put("/hansa/v1/sources/buses", json=here, headers=BEARER).json()["version"] == 2
    assert shown(node, "buses")["location"] == HERE
    assert api.delete("/hansa/v1/sources/buses", headers=BEARER).status_code == 204
    assert [v["status"] for v in api.get("/hansa/v1/sources/buses/versions").json()] == [
        "withdrawn", "declared", "declared"
    ]  # fmt: skip
    entity = shown(node, "buses")
    assert (entity["declarationStatus"], entity["declarationVersion"]) == ("withdrawn", 3)
    said = [each.entry.reason for each in node.trust.log.entries(0, node.trust.log.size)]
    assert said[-3:] == ["source.declared", "source.changed", "source.withdrawn"]


def test_the_operators_own_entries_are_declared_in_plain_view(node: Node, api: TestClient) -> None:
    (own,) = api.get("/hansa/v1/sources").json()
    assert (own["id"], own["accountable"], own["status"]) == (OPERATOR_SOURCE, "Visby", "declared")
    assert shown(node, OPERATOR_SOURCE) == {}
    node.trust.sources.withdraw(LOCAL, OPERATOR_SOURCE)
    node.trust.begin()
    assert node.trust.sources.get(OPERATOR_SOURCE)["status"] == "withdrawn"


def test_what_is_missing_is_named_and_nothing_is_kept(node: Node, api: TestClient) -> None:
    refused = api.put("/hansa/v1/sources/x", json={"adapter": "mqtt"}, headers=BEARER)
    assert refused.status_code == 400
    assert refused.headers["content-type"] == "application/problem+json"
    assert set(refused.json()["faults"]) == {
        "accountable", "contact", "lawful_basis", "purpose", "tech", "retention_period",
        "public_space",
    }  # fmt: skip
    assert api.get("/hansa/v1/sources/x").status_code == 404
    assert shown(node, "x") == {}


def test_a_red_line_is_refused_with_its_rule(node: Node, api: TestClient) -> None:
    red = WHOLE | {"tech": ["facial_characterization"]}
    refused = api.put("/hansa/v1/sources/cameras", json=red, headers=BEARER)
    assert (refused.status_code, refused.json()["rule"]) == (403, "tech__facial_characterization")
    assert refused.json()["type"].endswith("/RedLine")
    assert node.trust.sources.find("cameras") is None


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_public_may_only_read(api: TestClient, method: str) -> None:
    assert api.request(method, "/hansa/v1/sources/x", json=WHOLE).status_code == 401


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"7", b'"x"', b"{}", b'{"tech": {"a": 1}}'])
def test_odd_bodies_are_refused(api: TestClient, body: bytes) -> None:
    answer = api.put("/hansa/v1/sources/x", content=body, headers=BEARER)
    assert answer.status_code == 400


def test_the_form_says_what_a_record_is_made_of(api: TestClient) -> None:
    form = api.get("/hansa/v1/sources/form", params={"spoke": "osm"}).json()
    assert "mobility" in form["elements"]["purpose"]
    assert form["known"]["storage"] == ["stored_locally"]
    assert api.get("/hansa/v1/sources/form").json()["known"] == {}
