"""The cities of the demonstration: fetching their packages, and what their data give."""

from __future__ import annotations

import hashlib
import zipfile
from datetime import date, datetime
from pathlib import Path

import orjson
import pytest
from shapely.geometry import box, shape

from hansa.kernel.clock import Clock
from hansa.kernel.errors import NotFound, Unavailable
from hansa.ngsild.city import city_iri
from hansa.ngsild.query import AttributePath, Compare, Query, TypeName, Uri
from hansa.ngsild.represent import represent
from hansa.spokes.cities import CITIES, City, find_city
from hansa.spokes.live import Keeper
from hansa.spokes.packages import Package, cache_folder
from hansa.spokes.registry import find_spoke
from hansa.spokes.report import Report, Step
from hansa.spokes.runner import run_import
from hansa.store.sqlite import SqliteStore
from tests.spokes.helpers import SIMPLE, stored

# -- packages


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its only index, with one tiny package in it."""
    folder = tmp_path / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tinycity-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tinycity/town.csv", "id,x\n1,2\n")
        wheel.writestr("tinycity-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinycity\nVersion: 1.0\n")  # fmt: skip
        wheel.writestr("tinycity-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")  # fmt: skip
        wheel.writestr("tinycity-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def tiny(index: Path, digest: str = "") -> Package:
    data = (index / "tinycity-1.0-py3-none-any.whl").read_bytes()
    return Package("tinycity", "1.0", digest or hashlib.sha256(data).hexdigest(), len(data))


def test_a_package_is_fetched_once(index: Path, tmp_path: Path) -> None:
    cache, steps = tmp_path / "cache", list[Step]()
    package = tiny(index)
    assert package.cached(cache) is None
    found = package.fetch(cache, steps.append)
    assert found == cache / "tinycity-1.0-py3-none-any.whl"
    assert package.cached(cache) == found
    assert list(cache.iterdir()) == [found]
    assert steps[0].total == package.size


def test_a_damaged_file_in_the_cache_is_not_used(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    package = tiny(index)
    found = package.fetch(cache, lambda step: None)
    found.write_bytes(b"half")
    assert package.cached(cache) is None
    assert package.fetch(cache, lambda step: None) == found
    assert package.cached(cache) == found


def test_another_file_than_the_pinned_one_is_refused(index: Path, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"tinycity==1.0: what pip fetched is not the expected"):
        tiny(index, digest="0" * 64).fetch(tmp_path / "cache", lambda step: None)
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_an_index_the_message_says_what_to_do(index: Path, tmp_path: Path) -> None:
    missing = Package("no-such-tinycity", "1.0", "0", 1)
    with pytest.raises(Unavailable, match=r"pip could not fetch it.*connect this machine") as fault:
        missing.fetch(tmp_path / "cache", lambda step: None)
    assert "pip download --no-deps" in fault.value.remedy
    assert str(tmp_path / "cache") in fault.value.remedy


def test_the_cache_may_be_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HANSA_DEMO_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("HANSA_DEMO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "hansa"


# -- cities


def test_cities_are_found_by_name() -> None:
    assert set(CITIES) == {"coquimbo", "helsinki"}
    assert find_city("coquimbo").timezone == "America/Santiago"
    with pytest.raises(NotFound, match=r"there are: coquimbo, helsinki"):
        find_city("atlantis")


@pytest.mark.parametrize("city", CITIES.values(), ids=lambda city: city.name)
def test_a_citys_imports_are_ready_to_run(city: City, tmp_path: Path) -> None:
    for name, request in city.requests(tmp_path / "package.whl"):
        assert find_spoke(name).manifest.name == name
        assert request.source.startswith(f"{tmp_path}/package.whl!")
        assert request.namespace == city.name
        assert request.title
        assert request.attribution


def bring_in(city: City, store: SqliteStore, clock: Clock) -> list[Report]:
    try:
        file = city.fetch()
    except Unavailable as reason:
        pytest.skip(f"the data of {city.title} cannot be had here: {reason.fact}")
    return [
        run_import(store, find_spoke(name), request, clock) for name, request in city.requests(file)
    ]


def count(store: SqliteStore, type: str, **where: str) -> int:
    conditions = [Compare(AttributePath((city_iri(n),)), "==", (Uri(v),)) for n, v in where.items()]
    query = Query(types=TypeName(city_iri(type)), q=conditions[0] if conditions else None, limit=0, count=True)  # fmt: skip
    return store.query(query).total or 0


@pytest.mark.demo
@pytest.mark.slow
def test_coquimbo_is_whole(store: SqliteStore, clock: Clock) -> None:
    city = find_city("coquimbo")
    reports = bring_in(city, store, clock)
    assert [report.refused for report in reports] == [0, 0]
    assert sum(report.created for report in reports) == 36_951
    for type, number in city.counts.items():
        assert count(store, type) == number, type
    assert count(store, "GtfsTrip", hasService="urn:ngsi-ld:GtfsService:coquimbo:8015") == 360
    network, timetable = (stored(store, report.source_id) for report in reports)
    assert network["attribution"].startswith("© OpenStreetMap contributors")
    assert network["license"] == "ODbL-1.0"
    assert timetable["timetableEnds"] == "2019-12-29"
    again = bring_in(city, store, clock)
    assert [(r.created, r.updated, r.vanished) for r in again] == [(0, 0, 0), (0, 0, 0)]
    _check_people(store)
    _check_buses(store, reports[1].source_id)


def _check_people(store: SqliteStore) -> None:
    zones = [f"urn:ngsi-ld:TransportZone:coquimbo:{number}" for number in range(1, 134)]
    assert round(sum(stored(store, zone)["population"] for zone in zones)) == 451_899
    trips = [
        stored(store, f"urn:ngsi-ld:PublicTransportRoute:coquimbo:{pattern}")["tripCount"]
        for pattern in (10001001000, 10001003000)
    ]
    assert sorted(trips) == [178, 182]


def _check_buses(store: SqliteStore, source_id: str) -> None:
    """The buses of a real Wednesday morning, and the same ones in a replay years later."""
    found = {}
    for day in (date(2016, 4, 13), date(2026, 11, 25)):
        clock = Clock.set_to(datetime.fromisoformat(f"{day}T08:30:00-03:00"))
        Keeper(store, find_spoke("gtfs"), source_id, clock, _no_fetch).beat()
        query = Query(types=TypeName(city_iri("Vehicle")), limit=100)
        documents = map(orjson.loads, store.query(query).documents)
        found[day] = [represent(document, SIMPLE) for document in documents]
    then, now = found.values()
    assert len(then) == len(now) == 36
    assert {bus["hasTrip"] for bus in then} == {bus["hasTrip"] for bus in now}
    assert not any("replayOf" in bus for bus in then)
    assert {bus["replayOf"] for bus in now} == {"2019-12-18"}
    city = box(*find_city("coquimbo").box)
    assert all(city.contains(shape(bus["location"])) for bus in now)
    assert all(0 <= bus["speed"] < 90 for bus in now)  # kilometres per hour


def _no_fetch(url: str, headers: object) -> bytes:
    raise AssertionError("nothing is to be fetched")


@pytest.mark.demo
def test_helsinki_is_whole(store: SqliteStore, clock: Clock) -> None:
    city = find_city("helsinki")
    (report,) = bring_in(city, store, clock)
    assert dict(report.by_type) == {**city.counts, "OSMWater": 23, "OSMPlace": 7}
    assert report.refused == 46
    assert all("incomplete" in refusal.reason for refusal in report.refusals)
    assert stored(store, report.source_id)["attribution"] == "© OpenStreetMap contributors"
    (again,) = bring_in(city, store, clock)
    assert (again.created, again.updated, again.vanished) == (0, 0, 0)
