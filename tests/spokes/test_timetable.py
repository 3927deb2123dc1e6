"""Vehicles by the timetable, against positions worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.spokes.gtfs.calendars import Calendar, Rule, ServiceDate
from hansa.spokes.gtfs.shapes import Shape, make_shape
from hansa.spokes.gtfs.times import parse_time
from hansa.spokes.gtfs.timetable import Repeat, Timetable, TripPlan, VehiclePosition, positions
from tests.spokes.feeds import DEGREE

SANTIAGO = ZoneInfo("America/Santiago")
MONDAY = date(2026, 11, 23)
ALWAYS = Rule("all", (True,) * 7, date(2026, 1, 1), date(2026, 12, 31))
KM = 1000 / DEGREE
"""Degrees of longitude that are a kilometre on the equator."""


def seconds(*times: str) -> list[int]:
    return [second for text in times if (second := parse_time(text)) is not None]


def shape(*points: tuple[float, float]) -> Shape:
    made = make_shape(np.array(points))
    assert made is not None
    return made


def plan(
    id: str = "T", service: str = "all", shape: str = "L", **more: Sequence[float]
) -> TripPlan:
    """Three stops, 1 km and 3 km on; 10 minutes, 2 minutes' stop, 20 minutes."""
    arrivals = more.get("arrivals", seconds("08:00:00", "08:10:00", "08:32:00"))
    departures = more.get("departures", seconds("08:00:00", "08:12:00", "08:32:00"))
    return TripPlan(
        id=id,
        route="R",
        service=service,
        shape=shape,
        headsign="Cedar",
        stops=("A", "B", "C"),
        arrivals=[int(a) for a in arrivals],
        departures=[int(d) for d in departures],
        distances=more.get("distances", [0.0, 1000.0, 3000.0]),
    )


SHAPES = {
    "L": shape((0.0, 0.0), (2 * KM, 0.0), (3 * KM, 0.0)),
    "corner": shape((0.0, 0.0), (2 * KM, 0.0), (2 * KM, 0.01)),
}


def table(
    *trips: TripPlan,
    rules: Sequence[Rule] = (ALWAYS,),
    exceptions: Sequence[ServiceDate] = (),
    repeats: Sequence[Repeat] = (),
    zone: ZoneInfo = SANTIAGO,
) -> Timetable:
    return Timetable(zone, Calendar(rules, exceptions), SHAPES, trips, repeats)


def at(clock: str, day: date = MONDAY, zone: ZoneInfo = SANTIAGO) -> datetime:
    hours, minutes, second = map(int, clock.split(":"))
    return datetime(day.year, day.month, day.day, hours, minutes, second, tzinfo=zone)


def only(found: list[VehiclePosition]) -> VehiclePosition:
    (vehicle,) = found
    return vehicle


@pytest.mark.parametrize(
    ("clock", "kilometres", "speed", "next_stop"),
    [
        ("08:00:00", 0.0, 1000 / 600, 1),
        ("08:02:30", 0.25, 1000 / 600, 1),
        ("08:05:00", 0.5, 1000 / 600, 1),
        ("08:10:00", 1.0, 0.0, 1),
        ("08:11:59", 1.0, 0.0, 1),
        ("08:12:00", 1.0, 2000 / 1200, 2),
        ("08:17:00", 1.5, 2000 / 1200, 2),
        ("08:27:00", 2.5, 2000 / 1200, 2),
        ("08:31:59", 2.998333, 2000 / 1200, 2),
    ],
)
def test_a_vehicle_moves_evenly_between_its_stops(
    clock: str, kilometres: float, speed: float, next_stop: int
) -> None:
    vehicle = only(positions(table(plan()), at(clock)))
    assert vehicle.longitude == pytest.approx(kilometres * KM, abs=1e-7)
    assert vehicle.latitude == pytest.approx(0.0, abs=1e-9)
    assert vehicle.speed == pytest.approx(speed)
    assert vehicle.next_stop == next_stop
    assert vehicle.heading == pytest.approx(90.0)
    assert vehicle.progress == pytest.approx(kilometres / 3, abs=1e-5)
    assert vehicle.replay_of is None
    assert vehicle.run == "T-20261123"


@pytest.mark.parametrize("clock", ["07:59:59", "08:32:00", "12:00:00", "00:00:00"])
def test_a_vehicle_is_there_only_while_it_runs(clock: str) -> None:
    assert positions(table(plan()), at(clock)) == []


def test_a_vehicle_follows_the_corner() -> None:
    way = SHAPES["corner"].at[-1]
    trip = plan(shape="corner", distances=[0.0, 2000.0, float(way)])
    vehicle = only(positions(table(trip), at("08:22:00")))  # half of the second leg
    assert vehicle.longitude == pytest.approx(2 * KM)
    assert vehicle.latitude == pytest.approx(0.005)
    assert vehicle.heading == pytest.approx(0.0, abs=1e-6)


def test_the_time_zone_is_the_timetables() -> None:
    utc = at("08:05:00").astimezone(ZoneInfo("UTC"))
    assert utc.hour == 11
    assert only(positions(table(plan()), utc)).longitude == pytest.approx(0.5 * KM)


def test_yesterdays_night_bus_still_runs() -> None:
    times = seconds("23:50:00", "24:10:00", "24:30:00")
    night = plan(arrivals=times, departures=times)
    weekdays = Rule("all", (True,) * 5 + (False,) * 2, ALWAYS.first, ALWAYS.last)
    saturday = date(2026, 11, 28)
    found = only(positions(table(night, rules=[weekdays]), at("00:10:00", saturday)))
    assert found.day == date(2026, 11, 27)
    assert found.longitude == pytest.approx(1 * KM)
    assert positions(table(night, rules=[weekdays]), at("00:10:00", MONDAY)) == []


def test_two_days_of_one_long_trip_are_two_vehicles() -> None:
    times = seconds("06:00:00", "20:00:00", "34:00:00")
    found = positions(table(plan(arrivals=times, departures=times)), at("08:00:00"))
    assert [vehicle.run for vehicle in found] == ["T-20261123", "T-20261122"]


def test_times_are_counted_from_noon_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring = date(2026, 3, 29)  # the clock goes from 02:00 to 03:00
    vehicle = only(positions(table(plan(), zone=berlin), at("08:05:00", spring, berlin)))
    assert vehicle.longitude == pytest.approx(0.5 * KM)


def test_services_decide_which_trips_run() -> None:
    sunday = Rule("sun", (False,) * 6 + (True,), ALWAYS.first, ALWAYS.last)
    weekdays = Rule("week", (True,) * 5 + (False,) * 2, ALWAYS.first, ALWAYS.last)
    christmas = date(2026, 12, 25)  # a Friday
    changes = [ServiceDate("week", christmas, False), ServiceDate("sun", christmas, True)]
    both = table(plan("W", "week"), plan("S", "sun"), rules=[weekdays, sunday], exceptions=changes)
    assert only(positions(both, at("08:05:00"))).trip.id == "W"
    assert only(positions(both, at("08:05:00", date(2026, 11, 29)))).trip.id == "S"
    assert only(positions(both, at("08:05:00", christmas))).trip.id == "S"


def test_a_timetable_that_is_over_is_replayed_and_says_so() -> None:
    old = Rule("all", (True,) * 7, date(2015, 12, 29), date(2019, 12, 29))
    vehicle = only(positions(table(plan(), rules=[old]), at("08:05:00")))
    assert vehicle.replay_of == date(2019, 12, 23)
    assert vehicle.day == MONDAY
    assert vehicle.longitude == pytest.approx(0.5 * KM)
    then = only(positions(table(plan(), rules=[old]), at("08:05:00", date(2016, 4, 13))))
    assert then.replay_of is None


def test_a_timetable_that_has_not_begun_has_no_vehicles() -> None:
    new = Rule("all", (True,) * 7, date(2027, 1, 1), date(2027, 12, 31))
    assert positions(table(plan(), rules=[new]), at("08:05:00")) == []


def test_repeated_trips_run_again_and_again() -> None:
    every_ten = Repeat("T", *seconds("09:00:00", "09:30:00"), 600)
    repeated = table(plan(), repeats=[every_ten])
    assert positions(repeated, at("08:05:00")) == []  # the pattern itself is no run
    found = positions(repeated, at("09:25:00"))
    assert [vehicle.run for vehicle in found] == [f"T-20261123-{n}" for n in (1, 2, 3)]
    kilometres = [vehicle.longitude / KM for vehicle in found]
    assert kilometres == pytest.approx([2.3, 1.3, 0.5])


def test_an_empty_timetable_has_no_vehicles() -> None:
    assert positions(table(), at("08:05:00")) == []


def test_stops_at_the_same_second_are_passed() -> None:
    times = seconds("08:00:00", "08:00:00", "08:10:00")
    vehicle = only(positions(table(plan(arrivals=times, departures=times)), at("08:00:00")))
    assert vehicle.longitude == pytest.approx(1 * KM)
    assert vehicle.next_stop == 2


def test_many_trips_are_found_each_for_itself() -> None:
    starts = range(0, 86_400, 300)
    trips = [
        plan(f"T{s}", arrivals=[s, s + 300, s + 900], departures=[s, s + 300, s + 900])
        for s in starts
    ]
    found = positions(table(*trips), at("12:00:10"))
    assert [vehicle.trip.id for vehicle in found] == ["T42600", "T42900", "T43200"]
    expected = [(610 - 300) / 600 * 2 + 1, (310 - 300) / 600 * 2 + 1, 10 / 300]
    assert [v.longitude / KM for v in found] == pytest.approx(expected)


@given(
    legs=st.lists(
        st.tuples(st.integers(0, 900), st.integers(0, 120), st.integers(0, 4000)),
        min_size=1,
        max_size=8,
    ),
    second=st.integers(0, 9000),
)
def test_a_vehicle_never_leaves_its_way(legs: list[tuple[int, int, int]], second: int) -> None:
    arrivals, departures, distances = [28_800], [28_800], [0.0]
    for drive, wait, way in legs:
        arrivals.append(departures[-1] + drive)
        departures.append(arrivals[-1] + wait)
        distances.append(distances[-1] + way)
    line = shape((0.0, 0.0), (max(distances[-1], 1.0) / 1000 * KM, 0.0))
    trip = TripPlan(
        "T", "R", "all", "X", "", tuple("ABCDEFGHI"[: len(arrivals)]),
        arrivals, departures, distances,
    )  # fmt: skip
    timetable = Timetable(SANTIAGO, Calendar([ALWAYS], []), {"X": line}, [trip])
    found = positions(timetable, at("08:00:00") + timedelta(seconds=second))
    now = 28_800 + second
    assert len(found) == (departures[0] <= now < arrivals[-1])
    for vehicle in found:
        left = distances[vehicle.next_stop - 1] / 1000 * KM
        right = distances[vehicle.next_stop] / 1000 * KM
        assert left - 1e-7 <= vehicle.longitude <= right + 1e-7
        assert departures[vehicle.next_stop - 1] <= now < departures[vehicle.next_stop]
        assert 0 <= vehicle.progress <= 1
        assert vehicle.speed >= 0
