"""k, l and t are measured by the node itself, in its rounds, and shown with when."""

from __future__ import annotations

import time
from pathlib import Path

from starlette.testclient import TestClient

from hansa.kernel.clock import Clock
from hansa.ngsild import merge
from hansa.store.port import Edited, Write
from hansa.trust.principals import LOCAL

from .samples import entity
from .test_counts import RECORD, fill, open_node


def test_a_served_node_measures_by_itself_and_again_when_something_changed(tmp_path: Path) -> None:
    node = open_node(tmp_path)
    try:
        fill(node)
        rounds = node.trust.rounds
        rounds._first, rounds._every = 0.3, 0.3
        with TestClient(node.app, base_url="http://127.0.0.1:1356") as client:
            assert "Not measured yet" in client.get("/open-book/privacy").text
            first = measures(client, k=1)
            assert (first["rows"], first["l"], first["quasi"]) == (501, {"speed": 1}, ["age"])
            page = client.get("/open-book/privacy").text
            assert "Measured on" in page
            assert "Not measured yet" not in page
            mark = {"type": "Relationship", "object": "urn:ngsi-ld:DataSource:trips"}
            more = merge.create(
                entity("t900", "Trip", age=90, speed=3, importedFrom=mark),
                "2026-01-01T00:00:00.000000Z",
            )
            node.local_store().write([Write(more["id"], lambda _: Edited(more))]).result()
            second = measures(client, k=2)
            assert (second["rows"], second["at"] > first["at"]) == (502, True)
            later = measures(client, k=2, after=second["at"])
            assert {**later, "at": second["at"]} == second
    finally:
        node.close()


def measures(client: TestClient, *, k: int, after: str = "") -> dict[str, object]:
    """The measures once they are these."""
    end = time.monotonic() + 60
    while True:
        (shown,) = client.get("/hansa/v1/privacy").json()["sources"]
        found: dict[str, object] | None = shown["measures"]
        if found and found["k"] == k and str(found["at"]) > after:
            return found
        assert time.monotonic() < end, found
        time.sleep(0.1)


def test_what_does_not_change_is_not_measured_again(tmp_path: Path) -> None:
    node = open_node(tmp_path)
    try:
        fill(node)
        privacy, reader = node.trust.privacy, node.local_store()
        privacy.measure_all(["trips", "operator", "none"], reader)
        taken = []

        def rest() -> None:
            taken.append(Clock().now())

        privacy._rest = rest  # type: ignore[method-assign]
        privacy.measure_all(["trips"], reader)
        assert not taken
        record = node.trust.sources.get("trips")
        other = [{"step": "measure", "quasi": ["age", "speed"]}, record["anonymise"][0]]
        content = {name: value for name, value in record.items() if name in RECORD}
        node.trust.sources.declare(LOCAL, "trips", content | {"anonymise": other})
        privacy.measure_all(["trips"], reader)
        assert taken
        assert privacy.measured("trips")["quasi"] == ["age", "speed"]  # type: ignore[index]
    finally:
        node.close()
