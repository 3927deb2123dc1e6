"""The small parts of the GTFS spoke: times, calendars, and stops on lines."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hansa.spokes.gtfs.calendars import Calendar, Rule, ServiceDate
from hansa.spokes.gtfs.lines import headings, lengths, locate
from hansa.spokes.gtfs.read import read_feed
from hansa.spokes.gtfs.spool import Spool
from hansa.spokes.gtfs.times import day_start, parse_date, parse_time, show_time
from hansa.spokes.source import open_bundle
from tests.spokes.feeds import DEGREE, write_feed

WEEKDAYS = (True,) * 5 + (False,) * 2
WEEKEND = (False,) * 5 + (True,) * 2


# -- times


@given(st.integers(0, 10 * 86400))
def test_a_time_that_is_shown_can_be_read(seconds: int) -> None:
    assert parse_time(show_time(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("06:35:00", 23700),
        ("6:35:00", 23700),
        (" 6:35:07 ", 23707),
        ("24:00:00", 86400),
        ("47:59:59", 172799),
        ("8:05", 29100),
        ("", None),
        ("  ", None),
    ],
)
def test_times_are_read_as_feeds_write_them(text: str, seconds: int | None) -> None:
    assert parse_time(text) == seconds


@given(st.text(max_size=12))
def test_any_text_is_a_time_or_refused_by_name(text: str) -> None:
    try:
        seconds = parse_time(text)
    except ValueError as fault:
        assert repr(text) in str(fault)
    else:
        assert seconds is None or 0 <= seconds <= 10 * 86400


@pytest.mark.parametrize("text", ["6:60:00", "6:5:60", "-1:00:00", "06.35", "noon", "999:00:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a time|more than ten days"):
        parse_time(text)


@given(st.dates())
def test_dates_are_read(day: date) -> None:
    text = f"{day.year:04}{day.month:02}{day.day:02}"
    assert parse_date(text) == day


@pytest.mark.parametrize("text", ["", "2026-11-23", "20261301", "20260230", "2026112", "²0261123"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a date"):
        parse_date(text)


def test_a_day_begins_twelve_hours_before_noon() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert day_start(date(2026, 11, 23), berlin) == datetime(2026, 11, 22, 23, tzinfo=UTC)
    # clocks go forward on 2026-03-29 at 02:00: noon minus twelve hours is 23:00 the day before
    spring = day_start(date(2026, 3, 29), berlin)
    assert spring == datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert spring.astimezone(berlin).hour == 23
    # and back on 2026-10-25: noon minus twelve hours is 01:00
    autumn = day_start(date(2026, 10, 25), berlin)
    assert autumn.astimezone(berlin).hour == 1


# -- calendars


def calendar(*exceptions: ServiceDate) -> Calendar:
    first, last = date(2019, 1, 1), date(2019, 12, 29)
    rules = [Rule("week", WEEKDAYS, first, last), Rule("end", WEEKEND, first, last)]
    return Calendar(rules, exceptions)


def test_services_run_by_weekday_period_and_exception() -> None:
    holiday = date(2019, 5, 1)  # a Wednesday
    found = calendar(ServiceDate("week", holiday, False), ServiceDate("end", holiday, True))
    assert found.active(date(2019, 4, 30)) == {"week"}
    assert found.active(date(2019, 5, 4)) == {"end"}
    assert found.active(holiday) == {"end"}
    assert found.active(date(2018, 12, 31)) == found.active(date(2020, 1, 1)) == set()


def test_a_calendar_that_is_not_over_is_not_replayed() -> None:
    assert calendar().replayed(date(2019, 12, 29)) is None
    assert calendar().replayed(date(2018, 1, 1)) is None
    assert Calendar([], []).replayed(date(2026, 1, 1)) is None


@given(st.dates(date(2019, 12, 30), date(2100, 1, 1)))
def test_a_calendar_that_is_over_is_replayed_by_weekday(day: date) -> None:
    found = calendar(ServiceDate("week", date(2019, 12, 25), False))
    stand_in = found.replayed(day)
    assert stand_in is not None
    assert stand_in.weekday() == day.weekday()
    assert stand_in <= date(2019, 12, 29)
    assert stand_in != date(2019, 12, 25)  # Christmas is no ordinary Wednesday
    assert not date(2019, 12, 24) <= stand_in  # nor are the days after it, exceptions or none
    assert found.active(stand_in) == ({"end"} if day.weekday() > 4 else {"week"})


def test_days_between_the_years_stand_in_where_there_are_no_others() -> None:
    week = Rule("week", (True,) * 7, date(2019, 12, 24), date(2019, 12, 30))
    assert Calendar([week], []).replayed(date(2026, 11, 25)) == date(2019, 12, 25)


def test_a_feed_of_single_dates_replays_one_of_them() -> None:
    dates = [ServiceDate("x", date(2019, 6, 3) + timedelta(days=n), True) for n in range(7)]
    found = Calendar([], dates)
    assert found.period == (date(2019, 6, 3), date(2019, 6, 9))
    assert found.replayed(date(2026, 11, 23)) == date(2019, 6, 3)  # both are Mondays
    assert Calendar([], dates[:1]).replayed(date(2026, 11, 24)) == date(2019, 6, 3)


# -- lines


def test_lengths_and_headings_are_those_of_the_ellipsoid() -> None:
    line = np.array([[0.0, 0.0], [0.01, 0.0], [0.01, 0.01], [0.0, 0.01]])
    assert lengths(line)[1] == pytest.approx(0.01 * DEGREE)
    assert lengths(line)[2] - lengths(line)[1] == pytest.approx(1105.743, abs=0.01)
    assert headings(line) == pytest.approx([90.0, 0.0, 270.0], abs=0.01)
    assert lengths(line[:1]).tolist() == [0.0]


def test_stops_beside_a_line_are_placed_on_it() -> None:
    line = np.array([[0.0, 0.0], [0.02, 0.0], [0.03, 0.0]])
    stops = np.array([[0.0, 0.0001], [0.01, -0.0001], [0.03, 0.0]])
    assert locate(line, stops) == pytest.approx([0, 0.01 * DEGREE, 0.03 * DEGREE], abs=0.01)


def test_a_street_that_is_passed_twice_is_told_apart() -> None:
    out_and_back = np.array([[0.0, 0.0], [0.02, 0.0], [0.0, 0.0]])
    stops = np.array([[0.0, 0.0], [0.01, 0.0], [0.02, 0.0], [0.01, 0.0], [0.0, 0.0]])
    whole = 0.04 * DEGREE
    expected = [0, whole / 4, whole / 2, whole * 3 / 4, whole]
    assert locate(out_and_back, stops) == pytest.approx(expected, abs=0.01)


def test_a_loop_ends_where_it_began() -> None:
    loop = np.array([[0.0, 0.0], [0.01, 0.0], [0.01, 0.01], [0.0, 0.01], [0.0, 0.0]])
    stops = np.array([[0.0, 0.0], [0.01, 0.01], [0.0, 0.0]])
    found = locate(loop, stops)
    assert found[0] == pytest.approx(0, abs=0.01)
    assert found[2] == pytest.approx(lengths(loop)[-1], abs=0.01)


def test_stops_a_little_out_of_order_stand_together() -> None:
    line = np.array([[0.0, 0.0], [0.05, 0.0]])
    stops = np.array([[0.0, 0.0], [0.0201, 0.0], [0.02, 0.0], [0.05, 0.0]])
    found = locate(line, stops)
    assert found[1] == found[2] == pytest.approx(0.0201 * DEGREE, abs=0.01)


degrees = st.floats(-0.05, 0.05, allow_subnormal=False)


@given(arrays(float, (7, 2), elements=degrees), arrays(float, (5, 2), elements=degrees))
def test_distances_never_decrease_and_stay_on_the_line(
    line: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    stops: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> None:
    line = line + np.linspace(0, 1, 7)[:, None]  # no two vertices in one place
    found = locate(line, stops)
    assert (np.diff(found) >= 0).all()
    assert found[0] >= 0
    assert found[-1] <= lengths(line)[-1] + 1e-6


# -- rows that may be larger than memory -----------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=300),
    st.integers(1, 40),
)
def test_rows_in_a_file_come_in_the_same_order_as_those_in_memory(
    rows: list[tuple[int, int]], block: int
) -> None:
    def spooled(most: int) -> Any:
        spool = Spool(most)
        for number, (trip, sequence) in enumerate(rows):
            spool.add(trip, sequence, number, number, 0, number + 2, number / 4)
        return spool.ordered(6)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hansa.spokes.gtfs.spool._BLOCK", block)
        few, many = spooled(1_000), spooled(0) if rows else spooled(1)
    assert few.tolist() == many.tolist()
    assert [(row["trip"], row["sequence"]) for row in many] == sorted(rows)


def test_a_feed_whose_stop_times_lie_in_a_file_reads_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence,shape_dist_traveled\n"
        "T2,09:00:00,09:00:00,A,1,\nT1,08:20:00,08:21:00,C,3,2.5\nT1,08:00:00,08:00:00,A,1,0\n"
        "T1,,,B,2,\nT2,09:30:00,09:30:00,C,7,\nT2,09:10:00,09:10:00,B,7,\nT2,08:00:00,08:00:00,B,9,\n"
    )
    folder = write_feed(tmp_path / "feed", stop_times=times)

    def read() -> Any:
        bundle = open_bundle(str(folder))
        try:
            feed = read_feed(bundle)
        finally:
            bundle.close()
        told = {
            id: [
                visits.stops.tolist(),
                visits.arrivals.tolist(),
                visits.departures.tolist(),
                visits.estimated.tolist(),
                repr(visits.stated.tolist()),
                visits.stops.dtype,
            ]
            for id, visits in feed.visits.items()
        }
        return told, [str(refusal) for refusal in feed.refusals], feed.notes

    usual = read()
    assert usual[0]
    monkeypatch.setattr("hansa.spokes.gtfs.spool._IN_MEMORY", 2)
    assert read() == usual
