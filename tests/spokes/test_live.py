"""Live jobs: vehicles in the store, beat by beat, and what happens when a job fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from hansa.kernel.clock import iso
from hansa.kernel.errors import Unavailable
from hansa.ngsild import merge
from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.expand import Rules, expand_entity
from hansa.ngsild.model import LOCATION
from hansa.ngsild.query import Query, TypeName
from hansa.spokes.gtfs import SPOKE
from hansa.spokes.keeper import Keeper
from hansa.spokes.live import LiveRunner
from hansa.spokes.manifest import Manifest
from hansa.spokes.port import Beat, EntityReader, Fetch, Plain, Task
from hansa.spokes.registry import find_spoke
from hansa.spokes.runner import Request, run_import
from hansa.store.port import Edited, Write
from hansa.store.sqlite import SqliteStore, open_store
from tests.spokes.feeds import write_feed
from tests.spokes.helpers import stored, stored_whole
from tests.spokes.services import Hands

SANTIAGO = ZoneInfo("America/Santiago")
SOURCE = "urn:ngsi-ld:DataSource:buses"
VEHICLE = "urn:ngsi-ld:Vehicle:town:T1-20261123"


@pytest.fixture
def hands() -> Hands:
    return Hands(datetime(2026, 11, 23, 8, 5, tzinfo=SANTIAGO))


@pytest.fixture
def town(tmp_path: Path, hands: Hands) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "town.sqlite", clock=hands)
    request = Request(str(write_feed(tmp_path / "feed")), name="buses", namespace="town", license="CC0-1.0")  # fmt: skip
    run_import(opened, SPOKE, request, hands)
    yield opened
    opened.close()


def no_fetch(url: str, headers: Any) -> bytes:
    raise Unavailable(url, "is not to be asked")


def vehicles(store: SqliteStore) -> int:
    query = Query(types=TypeName(city_iri("Vehicle")), limit=0, count=True)
    return store.query(query).total or 0


def test_a_vehicle_appears_moves_and_goes(town: SqliteStore, hands: Hands) -> None:
    keeper = Keeper(town, SPOKE, SOURCE, hands, no_fetch)
    keeper.beat()
    first = stored(town, VEHICLE)
    assert first["type"] == "Vehicle"
    assert first["name"] == "1 → Cedar"
    assert first["vehicleType"] == "bus"
    assert first["positionSource"] == "scheduled"
    assert first["hasTrip"] == "urn:ngsi-ld:GtfsTrip:town:T1"
    assert first["hasRoute"] == "urn:ngsi-ld:GtfsRoute:town:R"
    assert first["nextStop"] == "urn:ngsi-ld:GtfsStop:town:B"
    assert first["location"]["coordinates"] == pytest.approx([0.005, 0.0], abs=1e-5)
    assert first["heading"] == 90.0
    assert first["speed"] == pytest.approx(6.7, abs=0.05)
    assert "replayOf" not in first
    whole = stored_whole(town, VEHICLE)
    assert whole["location"]["observedAt"] == "2026-11-23T11:05:00.000000Z"
    assert whole["importedFrom"]["object"] == SOURCE
    assert whole["importedFrom"]["license"]["value"] == "CC0-1.0"
    hands.move(minutes=2.5)
    keeper.beat()
    assert stored(town, VEHICLE)["location"]["coordinates"][0] == pytest.approx(0.0075, abs=1e-5)
    hands.move(minutes=30)
    keeper.beat()
    assert town.get(VEHICLE) is None
    assert vehicles(town) == 0


def test_only_what_moves_is_written_and_soon_forgotten(town: SqliteStore, hands: Hands) -> None:
    keeper = Keeper(town, SPOKE, SOURCE, hands, no_fetch)
    keeper.beat()
    last = town.last_change()
    hands.move(seconds=5)
    keeper.beat()
    (moved,) = town.changes(last)
    assert set(moved.attributes) == {city_iri("location"), city_iri("progress")}
    hands.move(hours=1)
    town.prune(hands.now())
    assert all(change.id != VEHICLE for change in town.changes(0))


def test_vehicles_of_an_earlier_run_are_cleared_away(town: SqliteStore, hands: Hands) -> None:
    Keeper(town, SPOKE, SOURCE, hands, no_fetch).beat()
    assert vehicles(town) == 1
    hands.move(hours=4)
    Keeper(town, SPOKE, SOURCE, hands, no_fetch).beat()
    assert vehicles(town) == 0


def test_a_source_that_is_deleted_takes_its_vehicles_along(town: SqliteStore, hands: Hands) -> None:
    keeper = Keeper(town, SPOKE, SOURCE, hands, no_fetch)
    keeper.beat()
    town.write([Write(SOURCE, lambda current: Edited(None))]).result()
    keeper.beat()
    assert vehicles(town) == 0


def test_what_a_timetable_of_another_time_writes_bears_the_real_time(
    town: SqliteStore, hands: Hands
) -> None:
    morning = Hands(hands.now())
    morning.move(days=2)
    Keeper(town, SPOKE, SOURCE, hands, no_fetch, morning).beat()
    (vehicle,) = town.query(Query(types=TypeName(city_iri("Vehicle")), limit=1)).documents
    entity = orjson.loads(vehicle)
    assert entity["createdAt"][:16] == iso(hands.now())[:16]
    seen = entity[LOCATION][0]["observedAt"]
    assert seen[:16] == iso(morning.now())[:16]


def test_a_replay_says_so_on_vehicle_and_source(town: SqliteStore, hands: Hands) -> None:
    hands.move(days=364)  # 2027-11-22 is a Monday after the calendar's end
    keeper = Keeper(town, SPOKE, SOURCE, hands, no_fetch)
    keeper.beat()
    assert stored(town, "urn:ngsi-ld:Vehicle:town:T1-20271122")["replayOf"] == "2026-12-21"
    note = "The calendar of this timetable has ended; vehicles replay 2026-12-21."
    assert stored(town, SOURCE)["liveNotes"] == [note]
    last = town.last_change()
    keeper.beat()
    assert all(change.id != SOURCE for change in town.changes(last))
    hands.move(hours=12)
    keeper.beat()
    assert "liveNotes" not in stored(town, SOURCE)


def test_live_entities_do_not_vanish_when_the_feed_is_imported_again(
    town: SqliteStore, hands: Hands, tmp_path: Path
) -> None:
    keeper = Keeper(town, SPOKE, SOURCE, hands, no_fetch)
    keeper.beat()
    hands.move(seconds=1)
    late = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\nT1,08:04:00,08:04:00,A,1\nT1,08:34:00,08:34:00,C,3\n"  # fmt: skip
    request = Request(str(write_feed(tmp_path / "feed", stop_times=late)), name="buses", namespace="town")  # fmt: skip
    run_import(town, SPOKE, request, hands)
    assert "vanishedAt" not in stored(town, VEHICLE)
    keeper.beat()  # the job is made anew from the new timetable
    assert stored(town, VEHICLE)["location"]["coordinates"][0] < 0.002


class Flaky:
    """A live spoke whose job does what the test says."""

    manifest = Manifest("gtfs", "1", "", "", (), (), live=("Vehicle",))

    def __init__(self, beat: Callable[[], Beat]) -> None:
        self._beat = beat
        self.interval = 0.01

    def open(self, source: str, namespace: str, options: Any) -> Any:
        raise AssertionError("not asked for")

    def live(self, task: Task, entities: EntityReader, fetch: Fetch) -> Flaky:
        assert task.namespace == "town"
        return self

    def beat(self, moment: datetime) -> Beat:
        return self._beat()


def car(name: str) -> Plain:
    return {"id": f"urn:ngsi-ld:Vehicle:town:{name}", "type": "Vehicle"}


@pytest.mark.parametrize("failure", [Unavailable("the feed", "is asleep"), KeyError("a fault")])
def test_a_failure_is_logged_once_and_so_is_the_recovery(
    town: SqliteStore, hands: Hands, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    answers = iter([Beat([car("1")]), None, None, Beat([car("2")]), Beat([car("2")])])

    def beat() -> Beat:
        answer = next(answers)
        if answer is None:
            raise failure
        return answer

    keeper = Keeper(town, Flaky(beat), SOURCE, hands, no_fetch)
    with caplog.at_level(logging.WARNING, "hansa.live"):
        for present in ("1", "1", "1", "2", "2"):
            keeper.beat()
            assert town.get(f"urn:ngsi-ld:Vehicle:town:{present}") is not None
            assert vehicles(town) == 1
    assert [record.message for record in caplog.records] == [
        f"{SOURCE}: live data stopped: {failure}",
        f"{SOURCE}: live data are back",
    ]


def test_the_runner_runs_every_import_and_stops(town: SqliteStore, hands: Hands) -> None:
    beats: list[int] = []

    def beat() -> Beat:
        beats.append(1)
        return Beat([car("1")])

    runner = LiveRunner(town, [Flaky(beat)], hands, no_fetch)
    runner.start()
    until = time.monotonic() + 20
    while len(beats) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    runner.stop()
    seen = len(beats)
    assert seen >= 3
    assert vehicles(town) == 1
    time.sleep(0.05)
    assert len(beats) == seen


def test_a_trip_whose_service_was_taken_away_does_not_run(town: SqliteStore, hands: Hands) -> None:
    rules = [f"urn:ngsi-ld:GtfsCalendarRule:town:{service}-1" for service in ("WEEK", "END")]
    dates = [f"urn:ngsi-ld:GtfsCalendarDateRule:town:{s}-20261225" for s in ("WEEK", "END")]
    town.write([Write(id, lambda current: Edited(None)) for id in (rules[0], *dates)]).result()
    Keeper(town, SPOKE, SOURCE, hands, no_fetch).beat()
    assert vehicles(town) == 0
    hands.moment = datetime(2026, 11, 28, 23, 55, tzinfo=SANTIAGO)  # a Saturday: END still runs
    Keeper(town, SPOKE, SOURCE, hands, no_fetch).beat()
    assert vehicles(town) == 1


# -- what a job goes by


def test_a_job_goes_by_its_import_and_not_by_what_others_write_on_the_entity(
    tmp_path: Path, hands: Hands
) -> None:
    store = open_store(tmp_path / "other.sqlite", clock=hands)
    feed = write_feed(tmp_path / "feed")
    request = Request(str(feed), name="buses", namespace="town", options={"interval": "7"})
    run_import(store, SPOKE, request, hands)
    iri = city_iri("options")
    evil = [{"type": "JsonProperty", "json": {"interval": 1.0, "realtime_header": "X: $HOME"}}]
    store.write([Write(SOURCE, lambda old: Edited({**(old or {}), iri: evil}))]).result()
    keeper = Keeper(store, SPOKE, SOURCE, hands, no_fetch)
    keeper.beat()
    assert keeper.interval == 7.0
    store.close()


def test_without_an_import_nothing_on_the_network_is_asked(
    tmp_path: Path, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(tmp_path / "other.sqlite", clock=hands)
    source = {"id": SOURCE, "type": "DataSource"}
    for name, value in {
        "adapter": "gbfs",
        "status": "current",
        "namespace": "town",
        "retrievedAt": "2026-11-23T08:00:00Z",
        "endpointURL": "https://evil.example/",
    }.items():
        source[name] = {"type": "Property", "value": value}  # type: ignore[assignment]
    entity = expand_entity(source, Rules(city_context()))
    store.write([Write(SOURCE, lambda old: Edited(merge.create(entity, "2026-11-23T08:00:00Z")))]).result()  # fmt: skip
    with caplog.at_level(logging.WARNING, "hansa.live"):
        Keeper(store, find_spoke("gbfs"), SOURCE, hands, no_fetch).beat()  # type: ignore[arg-type]
    assert "was not made by an import on this node" in caplog.text
    store.close()
