"""CKAN: a recorded portal, its catalogue and a table in its datastore, and portals that misbehave."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from hansa.kernel.egress import FetchFailed
from hansa.kernel.errors import BadRequest
from hansa.spokes.ckan import SPOKE
from hansa.store.sqlite import open_store
from tests.spokes.helpers import stored, stored_whole
from tests.spokes.services import Hands, Town, recorded

MOMENT = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
PORTAL = "https://data.example"
SOURCE = "urn:ngsi-ld:DataSource:town"
DATASET = "urn:ngsi-ld:Dataset:town:b0a1"
FILE = "urn:ngsi-ld:Distribution:town:r1"
MAPPING = """
type = "Tree"
id = "{number}"
location = { longitude = "lon", latitude = "lat" }
attributes.height = { column = "height_m", kind = "number", unit = "MTR", observed_at = "measured" }
"""


class Ckan:
    """A portal with recorded datasets and one table."""

    def __init__(self) -> None:
        self.packages: list[Any] = recorded("ckan/packages.json")
        self.rows: list[Any] = [
            {"_id": n, "number": n, "height_m": 10 + n / 2, "measured": "2026-05-04T10:00:00", "lon": -71.25, "lat": -29.9}
            for n in range(1, 8)
        ]  # fmt: skip
        self.modified = "2026-11-20T08:15:00"
        self.most = 3
        self.count = True
        self.fault: Any = None
        self.asked: list[str] = []

    def __call__(self, url: str, headers: Mapping[str, str], /) -> bytes:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        action = parts.path.removeprefix("/api/3/action/")
        self.asked.append(action)
        if isinstance(self.fault, Exception):
            raise self.fault
        if self.fault is not None:
            return bytes(self.fault)
        result = getattr(self, action)(query)
        return orjson.dumps({"help": "...", "success": True, "result": result})

    def package_search(self, query: dict[str, str]) -> dict[str, Any]:
        assert query["sort"] == "id asc"
        start = int(query["start"])
        page = {"results": self.packages[start : start + self.most]}
        return page | ({"count": len(self.packages)} if self.count else {})

    def datastore_search(self, query: dict[str, str]) -> dict[str, Any]:
        fields = [{"id": n, "type": "text"} for n in ("_id", "number", "height_m", "measured", "lon", "lat")]  # fmt: skip
        offset, limit = int(query.get("offset", 0)), min(int(query["limit"]), self.most)
        return {"fields": fields, "records": self.rows[offset : offset + limit], "total": len(self.rows)}  # fmt: skip

    def resource_show(self, query: dict[str, str]) -> dict[str, Any]:
        return {"id": query["id"], "last_modified": self.modified, "datastore_active": True}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    hands = Hands(MOMENT)
    store = open_store(tmp_path / "town.sqlite", clock=hands)
    yield Town(store, SPOKE, Ckan(), hands)
    store.close()


@pytest.fixture
def mapping(tmp_path: Path) -> str:
    file = tmp_path / "trees.toml"
    file.write_text(MAPPING)
    return str(file)


@pytest.mark.parametrize("count", [True, False])
def test_a_catalogue_in_the_words_of_dcat(town: Town, count: bool) -> None:
    town.out.count = count
    report = town.take(PORTAL)
    assert (report.created, report.refused) == (4, 2)
    assert "dataset 3: 'id' is missing" in str(report.refusals[0])
    dataset = stored_whole(town.store, DATASET)
    assert dataset["title"]["value"] == "Paraderos de buses"
    assert dataset["keyword"]["value"] == ["transporte", "buses"]
    assert dataset["theme"]["value"] == ["Movilidad"]
    assert dataset["publisher"]["value"] == "Municipalidad de La Serena"
    assert dataset["landingPage"]["value"] == "https://data.example/dataset/paraderos"
    assert dataset["modified"]["value"] == "2026-11-20T08:15:00.000001Z"
    assert dataset["accrualPeriodicity"]["value"] == "monthly"
    assert dataset["location"]["value"]["type"] == "Polygon"
    links = [link["object"] for link in dataset["distribution"]["objectList"]]
    assert links == [FILE, "urn:ngsi-ld:Distribution:town:r2"]
    file = stored(town.store, FILE)
    assert file["belongsToDataset"] == DATASET
    assert file["downloadURL"] == "https://data.example/dl/paraderos.csv"
    assert (file["fileFormat"], file["mediaType"], file["byteSize"]) == ("CSV", "text/csv", 48213)
    assert file["license"] == "cc-by"
    assert "downloadURL" not in stored(town.store, "urn:ngsi-ld:Distribution:town:r2")
    assert stored(town.store, "urn:ngsi-ld:Dataset:town:b0a2")["title"] == "vacio"


def test_a_catalogue_is_kept_up_to_date(town: Town) -> None:
    town.take(PORTAL)
    keeper = town.keeper()
    keeper.beat()
    keeper.beat()
    before = town.store.last_change()
    keeper.beat()
    assert town.store.changes(before) == []
    town.out.packages[0] = {**town.out.packages[0], "title": "Paraderos"}
    town.out.packages.pop(1)
    keeper.beat()
    assert stored(town.store, DATASET)["title"] == "Paraderos"
    assert "vanishedAt" in stored(town.store, "urn:ngsi-ld:Dataset:town:b0a2")
    town.out.packages = []
    keeper.beat()
    assert "vanishedAt" not in stored(town.store, DATASET)


def test_the_rows_of_a_table_by_a_mapping(town: Town, mapping: str) -> None:
    town.out.rows[2]["height_m"] = "tall"
    town.out.rows.append(7)
    report = town.take(PORTAL, resource="r1", mapping=mapping)
    assert (report.created, report.refused) == (6, 2)
    assert "row 3, column 'height_m': 'tall' is not a number" in str(report.refusals[0])
    tree = stored_whole(town.store, "urn:ngsi-ld:Tree:town:7")
    assert (tree["height"]["value"], tree["height"]["unitCode"]) == (13.5, "MTR")
    assert tree["height"]["observedAt"] == "2026-05-04T10:00:00.000000Z"
    Path(mapping).unlink()  # it is kept with the import
    keeper = town.keeper()
    keeper.beat()
    town.out.rows[0]["height_m"] = 99
    keeper.beat()
    assert stored(town.store, "urn:ngsi-ld:Tree:town:1")["height"] == 10.5  # it says: not modified
    town.out.modified = "2026-11-24T00:00:00"
    del town.out.rows[6]
    keeper.beat()
    assert stored(town.store, "urn:ngsi-ld:Tree:town:1")["height"] == 99
    assert "vanishedAt" in stored(town.store, "urn:ngsi-ld:Tree:town:7")


def test_what_does_not_fit_is_refused_before_anything_is_written(
    town: Town, mapping: str, tmp_path: Path
) -> None:
    with pytest.raises(BadRequest, match="name the table with --resource"):
        town.take(PORTAL, mapping=mapping)
    with pytest.raises(BadRequest, match="give one with --mapping"):
        town.take(PORTAL, resource="r1")
    other = tmp_path / "other.toml"
    other.write_text(MAPPING.replace("height_m", "width_m"))
    with pytest.raises(BadRequest, match="the table r1 has no column 'width_m'"):
        town.take(PORTAL, resource="r1", mapping=str(other))
    assert town.store.get(SOURCE) is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (b"<html>", "not answer with JSON"),
        (b"[]", "does not answer as CKAN does"),
        (b'{"success": false, "error": {"message": "Access denied"}}', r"refused 'package_search' \(Access denied\)"),
        (b'{"success": true, "result": {"results": 7}}', "no list 'results'"),
        (b'{"success": true, "result": []}', "refused"),
        (FetchFailed("address x", "answered with status 500"), "status 500"),
    ],
)  # fmt: skip
def test_garbage_is_told_once_and_so_is_the_recovery(
    town: Town, fault: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    town.fails_and_recovers(fault, PORTAL, caplog)
    assert "vanishedAt" not in stored(town.store, DATASET)
    assert re.search(words, town.refusal)


def test_a_portal_that_breaks_off_in_the_middle_makes_nothing_vanish(town: Town) -> None:
    town.out.most = 1
    town.take(PORTAL)
    keeper = town.keeper()
    whole = town.out.package_search

    def broken(query: dict[str, str]) -> dict[str, Any]:
        if query["start"] != "0":
            raise FetchFailed("address x", "gave no whole answer within 60 seconds")
        return whole(query)

    town.out.package_search = broken
    keeper.beat()
    assert stored(town.store, SOURCE)["liveStatus"] == "failing"
    assert "vanishedAt" not in stored(town.store, "urn:ngsi-ld:Dataset:town:b0a2")


def test_a_key_is_sent(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_KEY", "sesame")
    sent: list[Mapping[str, str]] = []
    inner = town.out

    def fetch(url: str, headers: Mapping[str, str], /) -> bytes:
        sent.append(headers)
        return inner(url, headers)

    town.out = fetch
    town.take(f"{PORTAL}/api/3/action/", header="Authorization: $PORTAL_KEY")
    assert all(headers["Authorization"] == "sesame" for headers in sent)
    assert b"sesame" not in b"".join(town.store.scan())
