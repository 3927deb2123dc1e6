"""Periods of the calendar, and what the aggregation methods make of values (clause 4.5.19)."""

from __future__ import annotations

import math
import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.clock import from_micros, micros
from hansa.ngsild.temporal import Duration, parse_duration
from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import METHODS, Tally

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def periods(duration: str, start: datetime = START) -> Periods:
    return Periods(micros(start), parse_duration(duration))


def test_months_are_those_of_the_calendar() -> None:
    monthly = periods("P1M")
    starts = [from_micros(monthly.start(n)).date().isoformat() for n in range(4)]
    assert starts == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]


def test_years_know_leap_days() -> None:
    yearly = periods("P1Y", datetime(2024, 2, 29, tzinfo=UTC))
    starts = [from_micros(yearly.start(n)).date().isoformat() for n in (0, 1, 4)]
    assert starts == ["2024-02-29", "2025-02-28", "2028-02-29"]


def test_zero_is_one_period_between_the_ends() -> None:
    whole = Periods(10, Duration(), 99)
    assert [whole.number(at) for at in (10, 50, 98)] == [0, 0, 0]
    assert whole.bounds(0) == (10, 99)


@given(
    start=st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)),
    later=st.integers(0, 10**15),
    months=st.integers(0, 30),
    minutes=st.integers(0, 100_000),
)
def test_every_instant_lies_in_the_period_of_its_number(
    start: datetime, later: int, months: int, minutes: int
) -> None:
    duration = Duration(months, timedelta(minutes=minutes))
    if not duration:
        return
    found = Periods(micros(start.replace(tzinfo=UTC)), duration)
    at = found.origin + later
    begin, end = found.bounds(found.number(at))
    assert begin <= at < end


def tally(*values: Any, kind: str = "Property", member: str = "value", **more: Any) -> Tally:
    made = Tally()
    for value in values:
        made.feed({"type": kind, member: value, **more})
    return made


def results(found: Tally) -> dict[str, Any]:
    return {name: value for name, method in METHODS.items() if (value := method(found)) is not None}


def test_numbers_know_all_methods() -> None:
    assert results(tally(2, 4, 4, 4, 5, 5, 7, 9)) == {
        "avg": 5,
        "distinctCount": 5,
        "max": 9,
        "min": 2,
        "stddev": 2,
        "sum": 40,
        "sumsq": 232,
        "totalCount": 8,
    }


def test_booleans_count_as_0_and_1_and_arrays_by_their_size() -> None:
    assert results(tally(True, False, True, True))["avg"] == 0.75
    assert results(tally([1, 2], [], [3]))["sum"] == 3
    assert results(tally([1, 2], [3], kind="ListProperty", member="valueList"))["max"] == 2


def test_texts_know_order_only() -> None:
    assert results(tally("b", "a", "c", "a")) == {
        "min": "a", "max": "c", "distinctCount": 3, "totalCount": 4
    }  # fmt: skip


@pytest.mark.parametrize("value", [{"a": 1}, {"@type": "URI", "@value": "urn:x:1"}])
def test_objects_and_uris_are_only_counted(value: Any) -> None:
    assert results(tally(value, value)) == {"distinctCount": 1, "totalCount": 2}


def test_relationships_are_only_counted() -> None:
    found = tally("urn:x:1", "urn:x:2", "urn:x:1", kind="Relationship", member="object")
    assert results(found) == {"distinctCount": 2, "totalCount": 3}


def test_times_of_day_have_an_average() -> None:
    clock = [{"@type": "Time", "@value": f"{hour:02}:00:00Z"} for hour in (8, 11)]
    assert results(tally(*clock)) == {
        "avg": "09:30:00Z", "min": "08:00:00Z", "max": "11:00:00Z", "distinctCount": 2, "totalCount": 2
    }  # fmt: skip
    assert results(tally("08:00:00Z", "11:00:00Z", valueType="Time"))["avg"] == "09:30:00Z"


def test_moments_have_ends_but_no_average() -> None:
    days = [{"@type": "DateTime", "@value": f"2026-01-0{day}T00:00:00Z"} for day in (2, 1)]
    found = results(tally(*days))
    assert found["min"] == "2026-01-01T00:00:00Z"
    assert "avg" not in found


@given(st.lists(st.floats(-1e9, 1e9), min_size=1), st.integers(0, 50))
def test_parts_add_up(values: list[float], at: int) -> None:
    one, two = tally(*values[:at]), tally(*values[at:])
    one.add(two)
    assert one.total == len(values)
    assert METHODS["min"](one) == min(values)
    assert METHODS["distinctCount"](one) == len({repr(v) for v in values})
    assert math.isclose(METHODS["avg"](one), statistics.fmean(values), rel_tol=1e-9, abs_tol=1e-3)
    spread = statistics.pstdev(values)
    assert math.isclose(METHODS["stddev"](one), spread, rel_tol=1e-6, abs_tol=1e-3)


def test_sums_of_the_largest_whole_numbers_can_be_answered() -> None:
    tally = Tally()
    for _ in range(3):
        tally.feed({"type": "Property", "value": 2**63 - 1})
    assert METHODS["sum"](tally) == pytest.approx(3 * 2.0**63)
    assert METHODS["sumsq"](tally) == pytest.approx(3 * 2.0**126)
    assert orjson.dumps([METHODS[name](tally) for name in METHODS])
