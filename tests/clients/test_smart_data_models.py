"""A payload of every Smart Data Model goes in and comes out unchanged, in every representation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from tests.clients.corpus import Model, models
from tests.clients.places import package

BASE = "http://127.0.0.1:1356"
API = "/ngsi-ld/v1"
RED = {"dataModel.UrbanMobility/TransitManagement", "dataModel.WasteManagement/WasteContainer"}
"""Models whose payload has a number plate in clear, which never goes in (attribute license_plate)."""

AT_LEAST = 1000
"""Models that the list must hold, lest the test passes on an empty one."""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    node = Node.open(tmp_path / "node", Settings(dev=True, context="core"))
    with TestClient(node.app, base_url=BASE) as made:
        yield made
    node.close()


@pytest.mark.slow
def test_every_model_comes_out_as_it_went_in(client: TestClient) -> None:
    faults: dict[str, str] = {}
    number, left_out = 0, 0
    for model in models(package("pysmartdatamodels")):
        number += 1
        left_out += len(model.left_out)
        fault, name = _fault(client, model), f"{model.subject}/{model.name}"
        if name in RED:
            assert fault is not None and "a number plate in clear" in fault, name
        elif fault is not None:
            faults[name] = fault[:300]
    print(f"\n{number} models, {number - len(faults)} unchanged; {left_out} names are not allowed")
    assert not faults, "\n".join(f"{name}: {fault}" for name, fault in faults.items())
    assert number > AT_LEAST


def _fault(client: TestClient, model: Model) -> str | None:
    """What goes wrong with a model: in as normalized, out in three forms, in again as concise."""
    hosted = client.post(f"{API}/jsonldContexts", json={"@context": model.context})
    url = BASE + hosted.headers.get("location", "/none")
    link = {"link": f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"'}
    place = f"{API}/entities/{model.id}"

    def shown(form: str) -> Any:
        return client.get(f"{place}?format={form}", headers=link).json()

    def put(payload: Any) -> str:
        response = client.post(f"{API}/entities", json=payload, headers=link)
        return "" if response.status_code == 201 else response.text

    if refusal := put(model.normalized):
        return refusal
    concise = shown("concise")
    for form, sent in (("normalized", model.normalized), ("simplified", model.simplified)):
        if (found := shown(form)) != sent:
            return f"{form}: {_difference(sent, found)}"
    client.delete(place)
    if refusal := put(concise):
        return f"as concise: {refusal}"
    if (found := shown("normalized")) != model.normalized:
        return f"by way of concise: {_difference(model.normalized, found)}"
    client.delete(place)
    return None


def _difference(sent: dict[str, Any], found: dict[str, Any]) -> Any:
    return [
        (n, sent.get(n), found.get(n)) for n in {**sent, **found} if sent.get(n) != found.get(n)
    ]
