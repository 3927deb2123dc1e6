"""No record, no data: imports and live jobs of undeclared sources; steps before the store; what is withdrawn falls silent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from hansa.cli.control import work_through
from hansa.kernel.errors import UndeclaredSource
from hansa.kernel.settings import Settings
from hansa.ngsild.city import city_iri
from hansa.ngsild.model import Entity
from hansa.node import Node
from hansa.spokes.runner import Request
from hansa.trust.principals import LOCAL
from tests.trust.sources.test_record import WHOLE


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(tmp_path / "node", Settings(city="Visby"))
    yield made
    made.close()


@pytest.fixture
def trees(tmp_path: Path) -> Request:
    (tmp_path / "trees.csv").write_text(
        "n,height,owner\n" + "".join(f"{n},{n},Ann\n" for n in range(7))
    )
    (tmp_path / "trees.toml").write_text(
        'type = "Tree"\nid = "{n}"\n[attributes.height]\ncolumn = "height"\nkind = "number"\n'
        '[attributes.owner]\ncolumn = "owner"\n'
    )
    options = {"mapping": str(tmp_path / "trees.toml")}
    return Request(str(tmp_path / "trees.csv"), name="trees", options=options)


def bring(node: Node, request: Request, *, dry_run: bool = False) -> Any:
    return work_through(node, "table", request, dry_run, lambda step: None)


def stored(node: Node) -> list[Entity]:
    return [orjson.loads(each) for each in node.local_store().scan()]


def test_an_undeclared_source_gives_nothing_and_leaves_nothing(node: Node, trees: Request) -> None:
    for _ in range(2):
        with pytest.raises(UndeclaredSource, match="'trees'") as refused:
            bring(node, trees)
    assert "accountable" in refused.value.extra["missing"]
    assert "hansa source template trees --spoke table" in refused.value.remedy
    assert stored(node) == []
    node.trust.sources.operators()  # its entry comes after those that nobody waited for
    said = [e.entry.reason for e in node.trust.log.entries(0, node.trust.log.size)]
    assert said.count("source.undeclared") == 1


def test_a_rehearsal_may_come_before_the_declaration(node: Node, trees: Request) -> None:
    report = bring(node, trees, dry_run=True)
    assert report.refused == 7, "owners are personal, and no step is declared for them"
    assert "owner" in str(report.refusals[0].reason)
    assert "not declared" in report.notes[-1]
    mapping = Path(trees.options["mapping"])
    mapping.write_text(mapping.read_text().replace('[attributes.owner]\ncolumn = "owner"\n', ""))
    assert bring(node, trees, dry_run=True).created == 7
    assert stored(node) == []


DROPPING: dict[str, Any] = {**WHOLE, "anonymise": [{"step": "drop", "attributes": ["owner"]}]}


def test_what_is_personal_needs_a_step(node: Node, trees: Request) -> None:
    node.trust.sources.declare(LOCAL, "trees", WHOLE)
    report = bring(node, trees)
    assert (report.created, len(report.notes)) == (0, 1)
    assert "owner" in report.notes[0]
    assert not [e for e in stored(node) if e["id"].startswith("urn:ngsi-ld:Tree")]


def test_a_declared_source_comes_in_until_it_is_withdrawn(node: Node, trees: Request) -> None:
    node.trust.sources.declare(LOCAL, "trees", DROPPING)
    assert bring(node, trees).created == 7
    source = next(e for e in stored(node) if e["id"] == "urn:ngsi-ld:DataSource:trees")
    assert source[city_iri("accountable")][0]["value"] == WHOLE["accountable"]
    assert source[city_iri("status")][0]["value"] == "current"
    node.trust.sources.withdraw(LOCAL, "trees")
    with pytest.raises(UndeclaredSource, match="withdrawn"):
        bring(node, trees)


class Halves:
    """A passage that takes owners away, and holds back every second entity until the end."""

    hides = True

    def __init__(self) -> None:
        self._held: list[Entity] = []

    def __call__(self, entities: Sequence[Entity]) -> Sequence[Entity]:
        plain = [{n: v for n, v in e.items() if "owner" not in n} for e in entities]
        self._held += plain[1::2]
        return plain[::2]

    def rest(self) -> Sequence[Entity]:
        return self._held[1:]  # one is too few to be shown

    def all_of(self, entities: Sequence[Entity]) -> Sequence[Entity]:
        return entities

    def renamed(self, ids: Sequence[str]) -> Sequence[str]:
        return ids

    def said(self) -> list[str]:
        return []

    def told(self, fault: Exception | str) -> str:
        return "something went wrong"


def test_steps_come_before_anything_is_stored(node: Node, trees: Request, tmp_path: Path) -> None:
    node.trust.sources.declare(LOCAL, "trees", WHOLE)
    node.trust.ingest.passage = lambda record, live: Halves()
    bring(node, trees)
    assert len([e for e in stored(node) if e["id"].startswith("urn:ngsi-ld:Tree")]) == 6
    node.close()
    held = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".csv"]
    assert not [path for path in held if b'"Ann"' in path.read_bytes()]


def test_what_steps_hold_back_of_an_earlier_import_vanishes(node: Node, trees: Request) -> None:
    node.trust.sources.declare(LOCAL, "trees", DROPPING)
    bring(node, trees)
    node.trust.ingest.passage = lambda record, live: Halves()
    assert bring(node, trees).vanished == 1


def test_a_node_for_experiments_asks_nobody(tmp_path: Path, trees: Request) -> None:
    node = Node.open(tmp_path / "dev", Settings(dev=True))
    assert bring(node, trees).created == 7
    node.close()
