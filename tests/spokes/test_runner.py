"""Imports from end to end: provenance, re-imports, what vanished, what people added, what fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest, InvalidRequest
from hansa.ngsild import merge
from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.expand import Rules, expand_fragment
from hansa.spokes.aequilibrae import SPOKE
from hansa.spokes.manifest import Manifest, Option
from hansa.spokes.plain import prop
from hansa.spokes.port import About, Item, Options, Place, Refusal
from hansa.spokes.preview import preview
from hansa.spokes.report import Report, Step
from hansa.spokes.runner import Request, run_import
from hansa.store.port import Edited, Write
from hansa.store.sqlite import SqliteStore
from tests.spokes.helpers import stored, stored_whole
from tests.spokes.projects import change, write_project

SOURCE = "urn:ngsi-ld:DataSource:tiny"
ROAD = "urn:ngsi-ld:RoadSegment:tiny:5"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "tiny", transit=False)


def bring_in(store: SqliteStore, clock: Clock, project: Path, **more: Any) -> Report:
    return run_import(store, SPOKE, Request(str(project), name="Tiny", **more), clock)


def outcome(report: Report) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.unchanged, report.vanished


class Listed:
    """A spoke whose source is a list."""

    manifest = Manifest("listed", "3", "A list", "Lists.", ("Thing",), (Option("n", "number", 1, "", "2"),))  # fmt: skip

    def __init__(self, *items: Item | Exception, total: int | None = None) -> None:
        self.listed = items
        self.total = total
        self.about = About("A list", file="list.txt")
        self.closed = False

    def open(self, source: str, namespace: str, options: Options) -> Listed:
        return self

    def items(self) -> Iterator[Item]:
        for item in self.listed:
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self) -> None:
        self.closed = True


def thing(name: str, **values: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"id": f"urn:ngsi-ld:Thing:{name}", "type": "Thing"}
    return made | {key: prop(value) for key, value in values.items()}


# -- provenance


def test_every_entity_says_where_it_comes_from(
    store: SqliteStore, clock: Clock, project: Path
) -> None:
    bring_in(store, clock, project, license="ODbL-1.0", attribution="© People")
    for id in (ROAD, "urn:ngsi-ld:RoadNode:tiny:10", "urn:ngsi-ld:TransportZone:tiny:1"):
        origin = stored_whole(store, id)["importedFrom"]
        assert origin["object"] == SOURCE
        assert origin["license"]["value"] == "ODbL-1.0"
        assert origin["attribution"]["value"] == "© People"
        assert origin["adapter"]["value"] == "aequilibrae 1"
        assert origin["retrievedAt"]["value"].startswith("2026-11-23T11:30:0")
    origin = stored_whole(store, "urn:ngsi-ld:RoadNode:tiny:10")["importedFrom"]
    assert origin["provides"]["value"] == ["isCentroid", "location", "modes"]


def test_the_source_is_an_entity_of_its_own(
    store: SqliteStore, clock: Clock, project: Path
) -> None:
    change(project, "UPDATE links SET modes = '' WHERE link_id = 6")
    bring_in(store, clock, project, url="https://tiny.example", namespace="town")
    source = stored(store, SOURCE)
    assert source["type"] == "DataSource"
    assert source["title"] == "Tiny"
    assert source["license"] == "CC0-1.0"
    assert source["url"] == "https://tiny.example"
    assert source["namespace"] == "town"
    assert (source["adapter"], source["adapterVersion"]) == ("aequilibrae", "1")
    assert source["status"] == "current"
    assert source["fileDigest"].startswith("sha256:")
    assert source["counts"]["json"] == {"RoadNode": 3, "RoadSegment": 2, "TransportZone": 1}
    report = source["report"]["json"]
    assert (report["created"], report["refused"]) == (6, 1)
    assert report["refusals"] == ["project_database.sqlite, links, link_id 6: it has no modes"]
    assert source["options"]["json"]["speed_unit"] == "km/h"
    assert source["notes"] == ["Columns of 'links' that were not taken in: colour."]


def test_names_become_parts_of_identifiers(store: SqliteStore, clock: Clock, project: Path) -> None:
    report = run_import(store, SPOKE, Request(f"{project}/"), clock)
    assert report.source_id == SOURCE
    request = Request(str(project), name="Ñuñoa 2026", namespace="a b/ñ")
    assert run_import(store, SPOKE, request, clock).source_id == "urn:ngsi-ld:DataSource:nunoa-2026"
    assert stored(store, "urn:ngsi-ld:RoadSegment:a%20b%2F%C3%B1:5")["roadClass"] == "primary"
    assert Request("x/feed.whl!data/gtfs.v2.zip").slug == "gtfs"
    assert Request("---").slug == "import"


# -- importing again


def test_an_unchanged_source_writes_nothing(
    store: SqliteStore, clock: Clock, project: Path
) -> None:
    assert outcome(bring_in(store, clock, project)) == (7, 0, 0, 0)
    before, last = store.get(ROAD), store.last_change()
    assert outcome(bring_in(store, clock, project)) == (0, 0, 7, 0)
    assert store.get(ROAD) == before
    assert {c.id for c in store.changes(last)} == {SOURCE}


def test_only_what_changed_is_written(store: SqliteStore, clock: Clock, project: Path) -> None:
    bring_in(store, clock, project)
    old = stored_whole(store, ROAD)
    last = store.last_change()
    change(project, "UPDATE links SET name = 'Calle Corta' WHERE link_id = 5")
    assert outcome(bring_in(store, clock, project)) == (0, 1, 6, 0)
    new = stored_whole(store, ROAD)
    assert new["name"]["value"] == "Calle Corta"
    assert new["name"]["createdAt"] == old["name"]["createdAt"]
    assert new["name"]["modifiedAt"] > old["name"]["modifiedAt"]
    assert new["roadClass"] == old["roadClass"]
    (written,) = [c for c in store.changes(last) if c.id == ROAD]
    assert set(written.attributes) == {city_iri("name"), city_iri("importedFrom")}


def test_what_vanished_is_marked_and_what_returns_is_unmarked(
    store: SqliteStore, clock: Clock, project: Path
) -> None:
    bring_in(store, clock, project)
    change(project, "UPDATE links SET link_id = 500 WHERE link_id = 5")
    report = bring_in(store, clock, project)
    assert outcome(report) == (1, 0, 6, 1)
    gone = stored(store, ROAD)
    assert gone["vanishedAt"].startswith("2026-11-23T11:30:0")
    assert gone["name"] == "Calle Larga"
    assert outcome(bring_in(store, clock, project)) == (0, 0, 7, 0)  # marked once only
    assert stored(store, ROAD)["vanishedAt"] == gone["vanishedAt"]
    change(project, "UPDATE links SET link_id = 5 WHERE link_id = 500")
    report = bring_in(store, clock, project)
    assert (outcome(report), report.returned) == ((0, 1, 6, 1), 1)
    assert "vanishedAt" not in stored(store, ROAD)


def test_other_imports_are_left_alone(store: SqliteStore, clock: Clock, project: Path) -> None:
    bring_in(store, clock, project)
    other = write_project(project.parent / "other", transit=False)
    run_import(store, SPOKE, Request(str(other)), clock)
    change(project, "DELETE FROM links")
    assert bring_in(store, clock, project).vanished == 3
    assert "vanishedAt" not in stored(store, "urn:ngsi-ld:RoadSegment:other:5")


def test_what_people_added_survives(store: SqliteStore, clock: Clock, project: Path) -> None:
    bring_in(store, clock, project)
    edit(store, ROAD, {"surface": {"type": "Property", "value": "cobbles"}})
    edit(store, SOURCE, {"publisher": {"type": "Property", "value": "City of Tiny"}})
    change(project, "UPDATE links SET name = 'Calle Corta' WHERE link_id = 5")
    bring_in(store, clock, project)
    assert stored(store, ROAD)["surface"] == "cobbles"
    assert stored(store, ROAD)["name"] == "Calle Corta"
    assert stored(store, SOURCE)["publisher"] == "City of Tiny"


def test_an_attribute_that_the_source_withdrew_goes_unless_people_gave_it(
    store: SqliteStore, clock: Clock, project: Path
) -> None:
    bring_in(store, clock, project)
    nameless = "urn:ngsi-ld:RoadSegment:tiny:6"
    edit(store, nameless, {"name": {"type": "Property", "value": "named by a resident"}})
    change(project, "UPDATE links SET name = NULL")
    bring_in(store, clock, project)
    assert "name" not in stored(store, ROAD)
    assert stored(store, nameless)["name"] == "named by a resident"


def test_instances_of_others_stay_beside_the_sources(
    store: SqliteStore, clock: Clock, project: Path
) -> None:
    bring_in(store, clock, project)
    other = {"type": "Property", "value": "Main Street", "datasetId": "urn:english"}
    edit(store, ROAD, {"name": other})
    change(project, "UPDATE links SET name = 'Calle Corta' WHERE link_id = 5")
    bring_in(store, clock, project)
    assert [i["value"] for i in stored_whole(store, ROAD)["name"]] == ["Calle Corta", "Main Street"]
    change(project, "UPDATE links SET name = NULL")
    bring_in(store, clock, project)
    assert stored_whole(store, ROAD)["name"]["value"] == "Main Street"


def test_new_terms_of_use_reach_every_entity(
    store: SqliteStore, clock: Clock, project: Path
) -> None:
    bring_in(store, clock, project, license="CC0-1.0")
    assert outcome(bring_in(store, clock, project, license="ODbL-1.0")) == (0, 7, 0, 0)
    assert stored_whole(store, ROAD)["importedFrom"]["license"]["value"] == "ODbL-1.0"


def edit(store: SqliteStore, id: str, fragment: dict[str, Any]) -> None:
    """What a person does through the API: append attributes."""
    addition = expand_fragment(fragment, Rules(city_context()))

    def append(current: dict[str, Any] | None) -> Edited:
        assert current is not None
        return Edited(merge.append(current, addition, "2026-11-23T12:00:00.000000Z")[0])

    store.write([Write(id, append)]).result()


# -- refusals and failures


def test_refusals_are_counted_with_their_places(store: SqliteStore, clock: Clock) -> None:
    spoke = Listed(
        thing("1", size=1),
        Refusal(Place("list.txt", 2), "illegible"),
        thing("1", size=2),
        {"id": "no uri", "type": "Thing"},
        thing("2", location="nowhere") | {"location": {"type": "GeoProperty", "value": {}}},
    )
    steps: list[int] = []
    report = run_import(
        store, spoke, Request("list.txt"), clock, lambda step: steps.append(step.done)
    )
    assert (report.read, report.created, report.refused) == (4, 1, 4)
    assert steps[-1] == 5  # records, each once
    reasons = [str(refusal) for refusal in report.refusals]
    assert reasons[0] == "list.txt, line 2: illegible"
    assert reasons[1] == "list.txt, urn:ngsi-ld:Thing:1: the identifier appears twice"
    assert "entity id 'no uri'" in reasons[2]
    assert reasons[3].startswith("list.txt, urn:ngsi-ld:Thing:2: attribute 'location'")
    assert stored(store, "urn:ngsi-ld:Thing:1")["size"] == 1


def test_an_address_is_not_for_spokes_that_read_files(store: SqliteStore, clock: Clock) -> None:
    with pytest.raises(BadRequest, match=r"reads files, and fetches none; .*: .*gbfs") as caught:
        run_import(store, SPOKE, Request("https://example.org/feed.zip"), clock)
    assert caught.value.subject == "address 'https://example.org/feed.zip'"


def test_a_foreign_source_writes_nothing(store: SqliteStore, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRequest):
        run_import(store, SPOKE, Request(str(tmp_path / "empty")), clock)
    with pytest.raises(InvalidRequest, match="no such option"):
        run_import(store, SPOKE, Request(str(tmp_path), options={"colour": "red"}), clock)
    assert store.last_change() == 0


def test_a_source_that_breaks_off_is_called_incomplete(store: SqliteStore, clock: Clock) -> None:
    whole = Listed(*(thing(str(n), size=n) for n in range(5)))
    run_import(store, whole, Request("list.txt"), clock)
    broken = Listed(
        thing("0", size=7), BadRequest("list.txt, line 2", "breaks off", "get it again")
    )
    with pytest.raises(BadRequest, match="breaks off"):
        run_import(store, broken, Request("list.txt"), clock)
    assert broken.closed
    assert stored(store, "urn:ngsi-ld:DataSource:list")["status"] == "incomplete"
    assert "vanishedAt" not in stored(store, "urn:ngsi-ld:Thing:4")
    run_import(store, whole, Request("list.txt"), clock)
    assert stored(store, "urn:ngsi-ld:DataSource:list")["status"] == "current"


def test_progress_is_told(store: SqliteStore, clock: Clock) -> None:
    steps: list[Step] = []
    spoke = Listed(*(thing(str(n)) for n in range(1200)), total=1200)
    run_import(store, spoke, Request("list.txt"), clock, steps.append)
    assert steps[0] == Step(0, None, "opening")
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert steps[-1] == Step(1200, 1200, "done")
    assert len(steps) > 3


def test_a_preview_shows_the_first_entities_and_writes_nothing() -> None:
    bad = {"id": "no uri", "type": "Thing"}
    spoke = Listed(thing("1", size=1), Refusal(Place("list.txt", 2), "illegible"), bad, thing("2"))
    first, refused, wrong = preview(spoke, Request("list.txt"))
    assert first == {"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "size": 1}
    assert refused == "list.txt, line 2: illegible"
    assert str(wrong).startswith("no uri: ")
    assert spoke.closed
    assert len(preview(spoke, Request("list.txt"), 9)) == 4


def test_a_report_is_plain_data(store: SqliteStore, clock: Clock) -> None:
    spoke = Listed(thing("1"), *(Refusal(Place("list.txt", n), "bad") for n in range(1500)))
    report = run_import(store, spoke, Request("list.txt"), clock)
    assert report.refused == 1500
    plain = orjson.loads(orjson.dumps(report.to_dict(2)))
    assert plain["refusals"] == ["list.txt, line 0: bad", "list.txt, line 1: bad"]
    assert len(report.to_dict()["refusals"]) == 1000
    assert plain["types"] == {"Thing": 1}
