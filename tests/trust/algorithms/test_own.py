"""What the software computes is in the register, reads what its record names, and falls silent when it is retired."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from hansa.cli.control import work_through
from hansa.kernel.errors import Forbidden
from hansa.kernel.settings import Settings
from hansa.ngsild.city import city_iri
from hansa.ngsild.query import Query, TypeName
from hansa.node import Node
from hansa.spokes.gtfs import SPOKE
from hansa.spokes.keeper import Keeper
from hansa.spokes.runner import Request
from hansa.trust.algorithms.record import checked
from hansa.trust.principals import LOCAL
from tests.spokes.feeds import write_feed
from tests.spokes.services import Hands
from tests.trust.sources.test_record import WHOLE

NAME = "timetable-positions"
SOURCE = "urn:ngsi-ld:DataSource:buses"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(tmp_path / "node", Settings(city="Visby", timezone="America/Santiago"))
    made.trust.sources.declare(LOCAL, "buses", {**WHOLE, "adapter": "gtfs"})
    feed = str(write_feed(tmp_path / "feed"))
    request = Request(feed, name="buses", namespace="town", license="CC0-1.0")
    work_through(made, "gtfs", request, False, lambda step: None)
    yield made
    made.close()


@pytest.fixture
def keeper(node: Node) -> Keeper:
    hands = Hands(datetime(2026, 11, 23, 8, 5, tzinfo=node.settings.zone))
    return Keeper(node.local_store(), SPOKE, SOURCE, hands, no_fetch, ingest=node.trust.ingest)


def no_fetch(url: str, headers: Any) -> bytes:
    raise AssertionError(url)


def vehicles(node: Node) -> int:
    query = Query(types=TypeName(city_iri("Vehicle")), limit=0, count=True)
    return node.local_store().query(query).total or 0


def told(node: Node) -> str:
    source = orjson.loads(node.local_store().get(SOURCE) or b"{}")
    return str(source[city_iri("liveStatus")][0]["value"])


def test_its_record_is_whole_but_for_what_the_city_must_say() -> None:
    theirs = {
        "organization": "Visby",
        "area": "Visby",
        "country": "Sweden",
        "contact_email": "traffic@visby.example",
    }
    assert SPOKE.manifest.algorithm == NAME
    assert not theirs.keys() & SPOKE.manifest.algorithm_record.keys()
    assert checked({**SPOKE.manifest.algorithm_record, **theirs})["name"]


def test_it_enters_the_register_before_it_reads(node: Node, keeper: Keeper) -> None:
    assert node.trust.algorithms.all() == []
    keeper.beat()
    assert vehicles(node) == 1
    (record,) = node.trust.algorithms.all()
    assert (record["id"], record["organization"], record["contact_email"]) == (NAME, "Visby", "")
    assert len(node.trust.log.about("what", f"algorithm:{NAME}")) == 1
    page = TestClient(node.app, base_url="http://127.0.0.1:1356").get("/open-book/algorithms").text
    assert "Positions by the timetable" in page
    assert "The city has not said yet whom to ask" in page


def test_it_reads_the_types_of_its_record_and_no_others(node: Node) -> None:
    reader = node.gate.reader_of(node.trust.algorithms.principal(NAME))
    assert reader.get("urn:ngsi-ld:GtfsTrip:town:T1") is not None
    assert reader.get(SOURCE) is None
    assert {name for shape in reader.shapes() for name in shape.types} <= {
        city_iri(each) for each in SPOKE.manifest.algorithm_record["reads"]
    }


def test_a_narrower_record_narrows_it(node: Node, keeper: Keeper) -> None:
    reads = [each for each in SPOKE.manifest.algorithm_record["reads"] if each != "GtfsTrip"]
    whole = {"organization": "V", "area": "V", "country": "S", "contact_email": "a@b.example"}
    record = {**SPOKE.manifest.algorithm_record, **whole, "reads": reads}
    node.trust.algorithms.declare(LOCAL, NAME, record)
    keeper.beat()
    assert (vehicles(node), told(node)) == (0, "current")


def test_retired_it_computes_nothing_more(node: Node, keeper: Keeper) -> None:
    node.trust.algorithms.principal(NAME)
    node.trust.algorithms.retire(LOCAL, NAME)
    keeper.beat()
    assert (vehicles(node), told(node)) == (0, "failing")
    with pytest.raises(Forbidden, match="not in use"):
        node.trust.algorithms.principal(NAME)
