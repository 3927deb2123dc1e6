"""A survey counts rows and bytes by source, sees kinds of data, and finds the oldest, also in the past."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from hansa.history.dropped import dropped, remember
from hansa.history.retain import Effect
from hansa.kernel.clock import Clock
from hansa.kernel.errors import Unavailable
from hansa.kernel.settings import Settings
from hansa.ngsild.city import city_iri
from hansa.node import Node
from hansa.store.port import Edited, Write
from hansa.trust.sources.survey import source_of, survey

FROM = city_iri("importedFrom")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(tmp_path / "node", Settings(city="Survey"))
    yield made
    made.close()


def entity(id: str, source: str = "", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"id": f"urn:{id}", "type": ["T"], "modifiedAt": "2026-11-02T00:00:00Z"}
    if source:
        made[FROM] = [{"type": "Relationship", "object": f"urn:ngsi-ld:DataSource:{source}"}]
    return made | more


def value(value: Any, at: str = "", **more: Any) -> list[dict[str, Any]]:
    instance = {"type": "Property", "value": value, "modifiedAt": "2026-11-01T00:00:00Z"}
    return [instance | ({"observedAt": at} if at else {}) | more]


def put(node: Node, *entities: dict[str, Any]) -> None:
    def edit(made: dict[str, Any]) -> Any:
        return lambda _: Edited(made)

    node.local_store().write([Write(each["id"], edit(each)) for each in entities]).result()


def test_rows_bytes_and_kinds_by_source() -> None:
    documents = [
        orjson.dumps(entity("a", "air", level=value(3, "2026-11-20T00:00:00.000000Z"))),
        orjson.dumps(entity("b", "air", open=value(True), place=value({}, type="GeoProperty"))),
        orjson.dumps(entity("c", name=value("Anna"))),
    ]
    found = survey(iter(documents), lambda kind, attribute: attribute == "name")
    air, other = found["air"], found["operator"]
    assert (air.entities, air.bytes) == (2, len(documents[0]) + len(documents[1]))
    assert air.types == {"T": [2, air.bytes]}
    assert air.kinds == {"tabular": 1, "values_time": 1, "boolean": 1, "spatial": 1}
    assert air.oldest == "2026-11-01T00:00:00Z"
    assert other.kinds["personal"] == 1


def test_an_entity_that_names_no_source_is_the_operators() -> None:
    assert source_of(entity("a")) == "operator"
    assert source_of(entity("a", type=[city_iri("DataSource")])) == ""
    assert source_of(entity("a", "air")) == "air"


def test_a_survey_is_kept_and_only_made_again_when_something_changed(node: Node) -> None:
    surveyor = node.trust.surveyor
    assert surveyor.newest() is None
    put(node, entity("a", "air", level=value(3)))
    first = surveyor.look()
    assert first["sources"]["air"]["entities"] == 1
    assert surveyor.newest() == first
    again = surveyor.look()
    assert again["at"] > first["at"]
    assert again["seconds"] == first["seconds"]
    put(node, entity("b", "air"))
    assert surveyor.look()["sources"]["air"]["entities"] == 2


def test_the_past_of_a_source_with_an_end_is_looked_at(node: Node) -> None:
    put(node, entity("a", "air", level=value(1, "2026-01-05T00:00:00.000000Z")))
    put(node, entity("a", "air", level=value(2, "2026-11-05T00:00:00.000000Z")))
    assert node.trust.surveyor.look()["sources"]["air"]["oldest"] > "2026-10"
    put(node, entity("b", "air"))
    node.trust.surveyor.ends = lambda source: source == "air"
    assert node.trust.surveyor.look()["sources"]["air"]["oldest"] == "2026-01-05T00:00:00.000000Z"


def test_a_survey_can_be_broken_off(node: Node) -> None:
    put(node, entity("a", "air"))
    surveyor = node.trust.surveyor
    surveyor._ending.set()
    with pytest.raises(Unavailable, match="broken off"):
        surveyor.look()
    surveyor.stop()
    assert surveyor.look()["sources"]["air"]["entities"] == 1


def test_what_retention_dropped_adds_up(node: Node) -> None:
    store, now = node.local_store(), Clock().now()
    remember(store, [Effect("old", 0, 0, 0)], now)
    assert dropped(store) == []
    remember(store, [Effect("old", 5, 2, 0), Effect("none", 0, 0, 0)], now)
    remember(store, [Effect("old", 1, 0, 4)], now)
    (rule,) = node.trust.surveyor.look()["dropped"]
    assert {n: rule[n] for n in ("rule", "summed", "gone", "sums_gone")} == {
        "rule": "old",
        "summed": 6,
        "gone": 2,
        "sums_gone": 4,
    }
