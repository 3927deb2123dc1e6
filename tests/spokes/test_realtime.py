"""GTFS-Realtime: reported vehicles, alerts, and feeds that are stale, foreign or not there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.transit.gtfs_realtime_pb2 import Alert, FeedMessage, VehiclePosition
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest, HansaError, Unavailable
from hansa.spokes.gtfs import SPOKE
from hansa.spokes.gtfs.live import TransitJob
from hansa.spokes.gtfs.polling import POLL
from hansa.spokes.gtfs.realtime import parse, read_alerts, read_vehicles
from hansa.spokes.manifest import resolve
from hansa.spokes.port import Plain, Task
from tests.spokes.feeds import write_feed
from tests.spokes.helpers import read_items, values

NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)  # 08:05 in Santiago
URL = "https://buses.example/vehicles.pb"


def message(**vehicles: dict[str, Any]) -> FeedMessage:
    """A feed of these vehicles, by the identifiers of their feed entities."""
    feed = FeedMessage()
    feed.header.gtfs_realtime_version = "2.0"
    feed.header.timestamp = int(NOW.timestamp())
    for id, told in vehicles.items():
        entity = feed.entity.add()
        entity.id = id
        vehicle = entity.vehicle
        vehicle.position.longitude, vehicle.position.latitude = told.get("place", (0.02, 0.001))
        for name in ("bearing", "speed"):
            if name in told:
                setattr(vehicle.position, name, told[name])
        for name in ("trip_id", "route_id", "start_date"):
            if name in told:
                setattr(vehicle.trip, name, told[name])
        if "seconds_ago" in told:
            vehicle.timestamp = int(NOW.timestamp()) - told["seconds_ago"]
        vehicle.vehicle.id = told.get("id", f"bus-{id}")
        vehicle.vehicle.label = told.get("label", "")
        vehicle.stop_id = told.get("stop_id", "")
    return feed


class Reader:
    """The entities of the tiny feed, as an import would have stored them."""

    def __init__(self, feed: Path) -> None:
        self._entities: list[Plain] = []
        for item in read_items(SPOKE, feed, {}):
            assert isinstance(item, dict)
            simple = values(item) | {"id": item["id"], "type": item["type"]}
            if "stopTimes" in simple:
                simple["stopTimes"] = {"json": simple["stopTimes"]}
            self._entities.append(simple)

    def of_type(self, type: str) -> Iterator[Plain]:
        return (entity for entity in self._entities if entity["type"] == type)


class Answers:
    """An address whose answers the test sets; keeps what it was asked."""

    def __init__(self, *answers: bytes | HansaError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, url: str, headers: Mapping[str, str]) -> bytes:
        self.asked.append((url, dict(headers)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, HansaError):
            raise answer
        return answer


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(write_feed(tmp_path_factory.mktemp("realtime") / "feed"))


def job(reader: Reader, answers: Answers, **options: Any) -> TransitJob:
    resolved = resolve(SPOKE.manifest, {"realtime_vehicles": URL} | options)
    return TransitJob(Task("urn:ngsi-ld:DataSource:buses", "town", resolved), reader, answers)


def by_name(entities: Any) -> dict[str, dict[str, Any]]:
    return {entity["id"].rsplit(":", 1)[-1]: values(entity) for entity in entities}


# -- vehicles


def test_a_reported_vehicle_replaces_the_scheduled_one(reader: Reader) -> None:
    feed = message(a={"trip_id": "T1", "bearing": 450.0, "speed": 10.0, "stop_id": "B", "label": "12"})  # fmt: skip
    beat = job(reader, Answers(feed.SerializeToString())).beat(NOW)
    (bus,) = by_name(beat.entities).values()
    assert beat.entities[0]["id"] == "urn:ngsi-ld:Vehicle:town:bus-a"
    assert bus["positionSource"] == "reported"
    assert bus["location"]["coordinates"] == pytest.approx([0.02, 0.001], abs=1e-6)
    assert (bus["heading"], bus["speed"]) == (90.0, 36.0)
    assert bus["hasTrip"] == "urn:ngsi-ld:GtfsTrip:town:T1"
    assert bus["name"] == "1 → Cedar"
    assert bus["nextStop"] == "urn:ngsi-ld:GtfsStop:town:B"
    assert bus["fleetVehicleId"] == "12"
    assert beat.entities[0]["location"]["observedAt"] == "2026-11-23T11:05:00.000000Z"


def test_a_report_for_another_day_leaves_the_scheduled_vehicle(reader: Reader) -> None:
    feed = message(a={"trip_id": "T1", "start_date": "20261122"})
    found = by_name(job(reader, Answers(feed.SerializeToString())).beat(NOW).entities)
    assert {v["positionSource"] for v in found.values()} == {"scheduled", "reported"}
    feed = message(a={"trip_id": "T1", "start_date": "20261123"})
    found = by_name(job(reader, Answers(feed.SerializeToString())).beat(NOW).entities)
    assert set(found) == {"bus-a"}


def test_trips_that_nobody_knows_are_shown_and_noted(reader: Reader) -> None:
    feed = message(a={"trip_id": "T99", "route_id": "R"}, b={})
    beat = job(reader, Answers(feed.SerializeToString())).beat(NOW)
    found = by_name(beat.entities)
    assert set(found) == {"T1-20261123", "bus-a", "bus-b"}
    assert "hasTrip" not in found["bus-a"]
    assert found["bus-a"]["hasRoute"] == "urn:ngsi-ld:GtfsRoute:town:R"
    assert beat.notes == ["1 vehicles report trips that the timetable does not have."]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"seconds_ago": 301}, "more than 5 minutes ago"),
        ({"seconds_ago": -120}, "has not come yet"),
        ({"place": (0.0, 0.0)}, "without a plausible position"),
        ({"place": (200.0, 5.0)}, "without a plausible position"),
        ({"place": (float("nan"), 5.0)}, "without a plausible position"),
    ],
)
def test_implausible_reports_are_left_out(told: dict[str, Any], reason: str) -> None:
    reports = read_vehicles(message(a=told, b={}), NOW)
    assert [vehicle.id for vehicle in reports.vehicles] == ["bus-b"]
    assert reason in reports.notes[0]


def test_a_stale_report_leaves_the_scheduled_vehicle(reader: Reader) -> None:
    feed = message(a={"trip_id": "T1", "seconds_ago": 3600})
    beat = job(reader, Answers(feed.SerializeToString())).beat(NOW)
    assert set(by_name(beat.entities)) == {"T1-20261123"}
    assert len(beat.notes) == 1


def test_unreported_values_stay_away() -> None:
    (vehicle,) = read_vehicles(message(a={}), NOW).vehicles
    assert (vehicle.heading, vehicle.speed, vehicle.occupancy) == (None, None, "")
    full = message(a={})
    full.entity[0].vehicle.occupancy_status = VehiclePosition.FULL
    (vehicle,) = read_vehicles(full, NOW).vehicles
    assert vehicle.occupancy == "FULL"


# -- feeds that fail


@pytest.mark.parametrize("garbage", [b"<html>moved</html>", b"", b"\x00\xff" * 40])
def test_garbage_is_refused_as_a_whole(garbage: bytes) -> None:
    with pytest.raises(BadRequest, match=r"is no GTFS-Realtime feed"):
        parse(garbage, "the feed")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_feed_or_refused(noise: bytes) -> None:
    try:
        found = parse(noise, "the feed")
    except BadRequest:
        return
    read_vehicles(found, NOW)
    list(read_alerts(found, "town"))


@given(st.integers(0, 200), st.binary(min_size=1, max_size=8))
def test_any_damage_is_read_or_refused(place: int, noise: bytes) -> None:
    data = alerts().SerializeToString() + message(a={"trip_id": "T1"}).SerializeToString()
    try:
        found = parse(data[:place] + noise + data[place:], "the feed")
    except BadRequest:
        return
    read_vehicles(found, NOW)
    list(read_alerts(found, "town"))


def test_without_the_package_the_extra_is_named(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers(message().SerializeToString())
    monkeypatch.setitem(sys.modules, "google.transit.gtfs_realtime_pb2", None)
    beat = job(reader, answers).beat(NOW)
    assert "pip install 'hansa[realtime]'" in beat.notes[0]
    assert set(by_name(beat.entities)) == {"T1-20261123"}


def test_a_failing_feed_leaves_the_timetable(reader: Reader) -> None:
    answers = Answers(Unavailable("buses.example", "does not answer"), b"<html>", message(a={"trip_id": "T1"}).SerializeToString())  # fmt: skip
    transit = job(reader, answers)
    for fact in ("does not answer", "is no GTFS-Realtime feed"):
        beat = transit.beat(NOW if "answer" in fact else NOW + POLL)
        assert set(by_name(beat.entities)) == {"T1-20261123"}
        assert fact in beat.notes[0]
    beat = transit.beat(NOW + POLL * 2)
    assert set(by_name(beat.entities)) == {"bus-a"}
    assert beat.notes == []


def test_a_feed_is_not_asked_at_every_beat(reader: Reader) -> None:
    answers = Answers(message(a={"trip_id": "T1"}).SerializeToString())
    transit = job(reader, answers)
    for beat in range(4):
        transit.beat(NOW + timedelta(seconds=beat * 5))
    assert len(answers.asked) == 2


def test_a_feed_may_be_a_file(reader: Reader, tmp_path: Path) -> None:
    file = tmp_path / "vehicles.pb"
    transit = job(reader, Answers(b""), realtime_vehicles=str(file))
    assert "'vehicles.pb': cannot be read" in transit.beat(NOW).notes[0]
    file.write_bytes(message(a={"trip_id": "T1"}).SerializeToString())
    assert set(by_name(transit.beat(NOW + POLL).entities)) == {"bus-a"}


def test_keys_come_from_the_environment(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(message().SerializeToString())
    transit = job(reader, answers, realtime_header="X-Key: $TINY_KEY")
    assert "$TINY_KEY is not set" in transit.beat(NOW).notes[0]
    monkeypatch.setenv("TINY_KEY", "secret")
    transit.beat(NOW + POLL)
    assert answers.asked == [(URL, {"X-Key": "secret"})]
    plain = job(reader, answers, realtime_header="X-Key: secret")
    assert "is not written as 'Name: $VARIABLE'" in plain.beat(NOW).notes[0]


# -- alerts


def alerts() -> FeedMessage:
    feed = message()
    entity = feed.entity.add()
    entity.id = "strike 1"
    alert = entity.alert
    alert.cause, alert.effect = Alert.STRIKE, Alert.NO_SERVICE
    for language, text in (("es", "Huelga"), ("en", "Strike")):
        translation = alert.header_text.translation.add()
        translation.language, translation.text = language, text
    alert.description_text.translation.add().text = "No buses"
    for start, end in ((100, 200), (50, 900)):
        period = alert.active_period.add()
        period.start, period.end = start, end
    for route in ("R", "R", "Q"):
        alert.informed_entity.add().route_id = route
    alert.informed_entity.add().stop_id = "A"
    return feed


def test_alerts_become_entities() -> None:
    (alert,) = read_alerts(alerts(), "town")
    assert alert["id"] == "urn:ngsi-ld:Alert:town:strike%201"
    found = values(alert)
    assert found["name"] == {"es": "Huelga", "en": "Strike"}
    assert found["description"] == {"@none": "No buses"}
    assert (found["cause"], found["effect"]) == ("STRIKE", "NO_SERVICE")
    assert found["validFrom"] == "1970-01-01T00:00:50.000000Z"
    assert found["validTo"] == "1970-01-01T00:15:00.000000Z"
    assert found["informedRoute"] == [f"urn:ngsi-ld:GtfsRoute:town:{r}" for r in ("R", "Q")]
    assert found["informedStop"] == ["urn:ngsi-ld:GtfsStop:town:A"]


def test_an_open_end_stays_open() -> None:
    feed = alerts()
    feed.entity[0].alert.active_period[0].ClearField("end")
    (alert,) = read_alerts(feed, "town")
    assert "validTo" not in alert


def test_alerts_come_with_the_beat(reader: Reader) -> None:
    answers = Answers(alerts().SerializeToString())
    transit = job(reader, answers, realtime_alerts="https://buses.example/alerts.pb")
    names = by_name(transit.beat(NOW).entities)
    assert set(names) == {"T1-20261123", "strike%201"}
    assert [url for url, _ in answers.asked] == [URL, "https://buses.example/alerts.pb"]
