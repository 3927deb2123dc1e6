"""Moments, durations and the temporal query language."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest
from hansa.ngsild.temporal import (
    Duration,
    TemporalFilter,
    parse_date,
    parse_datetime,
    parse_duration,
    parse_temporal,
    parse_time,
    print_datetime,
    print_duration,
    print_temporal,
    print_time,
    read_moment,
)

NOON = datetime(2017, 12, 24, 12, tzinfo=UTC)
moments = st.datetimes(timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2017-12-24T12:00:00Z", 0),
        ("2017-12-24T12:00:00.5Z", 500_000),
        ("2017-12-24T12:00:00,123456Z", 123_456),
        ("2017-12-24T12:00:00.123456789Z", 123_456),
    ],
)
def test_datetimes(text: str, microsecond: int) -> None:
    assert parse_datetime(text) == NOON.replace(microsecond=microsecond)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2017-12-24",
        "2017-12-24T12:00:00",
        "2017-12-24T12:00:00+00:00",
        "2017-12-24T12:00Z",
        "2017-12-24 12:00:00Z",
        "20171224T120000Z",
        "2017-02-29T12:00:00Z",
        "2017-12-24T25:00:00Z",
        "0000-01-01T00:00:00Z",
        "２０１７-12-24T12:00:00Z",
        5,
        None,
    ],
)
def test_what_is_not_a_datetime_is_refused(text: Any) -> None:
    with pytest.raises(BadRequest, match="timeAt"):
        parse_datetime(text, "timeAt")


def test_dates_and_times() -> None:
    assert parse_date("2017-12-24") == date(2017, 12, 24)
    assert parse_time("12:00:00.25Z") == time(12, 0, 0, 250_000, UTC)
    with pytest.raises(BadRequest, match="does not exist"):
        parse_date("2017-13-01")
    with pytest.raises(BadRequest, match="12:00:00Z"):
        parse_time("12:00:00")
    with pytest.raises(BadRequest, match="2017-12-24"):
        parse_date("2017-12-24T12:00:00Z")


@given(moments)
def test_datetimes_round_trip(moment: datetime) -> None:
    assert parse_datetime(print_datetime(moment)) == moment


@given(st.times(timezones=st.just(UTC)))
def test_times_round_trip(moment: time) -> None:
    assert parse_time(print_time(moment)) == moment


def test_other_time_zones_are_printed_in_utc() -> None:
    there = datetime(2017, 12, 24, 9, tzinfo=timezone(timedelta(hours=-3)))
    assert print_datetime(there) == "2017-12-24T12:00:00Z"


@given(st.text("0123456789-:TZ.,+", max_size=25) | st.text(max_size=10))
def test_any_text_is_a_moment_or_none_or_a_value_error(text: str) -> None:
    try:
        moment = read_moment(text)
    except ValueError:
        return
    assert moment is None or isinstance(moment, date | time)


# -- durations -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P1D", Duration(0, timedelta(days=1))),
        ("PT15M", Duration(0, timedelta(minutes=15))),
        ("P2W", Duration(0, timedelta(weeks=2))),
        ("P1M", Duration(1)),
        ("P3Y6M4DT12H30M5S", Duration(42, timedelta(days=4, hours=12, minutes=30, seconds=5))),
        ("PT0,5S", Duration(0, timedelta(milliseconds=500))),
        ("PT0S", Duration()),
    ],
)
def test_durations(text: str, expected: Duration) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1DT", "1D", "P-1D", "P1H", "P1W2D", "PT1.5H", "P0001-01-01", 5, None]
)
def test_what_is_not_a_duration_is_refused(text: Any) -> None:
    with pytest.raises(BadRequest, match="not a duration"):
        parse_duration(text)


@given(
    st.integers(0, 10**5),
    st.timedeltas(min_value=timedelta(), max_value=timedelta(days=10**5)),
)
def test_durations_round_trip(months: int, exact: timedelta) -> None:
    duration = Duration(months, exact)
    assert parse_duration(print_duration(duration)) == duration


@given(st.text("PYMWDTHS0123456789.,", max_size=30))
def test_any_text_is_a_duration_or_a_bad_request(text: str) -> None:
    try:
        assert parse_duration(text).exact >= timedelta()
    except BadRequest as refusal:
        assert refusal.fact


def test_months_keep_to_the_calendar() -> None:
    assert Duration(1).after(datetime(2024, 1, 31, tzinfo=UTC)) == datetime(2024, 2, 29, tzinfo=UTC)
    assert Duration(14).after(NOON) == datetime(2019, 2, 24, 12, tzinfo=UTC)
    assert Duration(0, timedelta(hours=13)).after(NOON).day == 25
    with pytest.raises(OverflowError):
        Duration(12 * 9000).after(NOON)


def test_only_the_zero_duration_is_false() -> None:
    assert not parse_duration("P0D")
    assert parse_duration("PT1S")
    assert parse_duration("P1M")


# -- the temporal query language -------------------------------------------------------------------


def test_before_excludes_its_bound() -> None:
    found = parse_temporal("before", "2017-12-24T12:00:00Z")
    assert found is not None
    assert (found.since, found.until, found.attribute) == (None, NOON, "observedAt")
    assert not found.holds(NOON)
    assert found.holds(NOON - timedelta(microseconds=1))


def test_after_includes_its_bound() -> None:
    found = parse_temporal("after", "2017-12-24T12:00:00Z")
    assert found is not None
    assert (found.since, found.until) == (NOON, None)
    assert found.holds(NOON)


def test_between_includes_the_first_bound_only() -> None:
    found = parse_temporal("between", "2017-12-24T12:00:00Z", "2017-12-24T13:00:00Z", "modifiedAt")
    assert found is not None
    assert found.attribute == "modifiedAt"
    assert found.holds(NOON)
    assert not found.holds(NOON + timedelta(hours=1))


def test_no_temporal_query_is_no_filter() -> None:
    assert parse_temporal(None, None, None, "modifiedAt") is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((None, "2017-12-24T12:00:00Z"), "timerel: is missing"),
        (("during", "2017-12-24T12:00:00Z"), "'during' is not a relation"),
        (([], "2017-12-24T12:00:00Z"), "is not a relation"),
        (("before", None), "timeAt: is missing"),
        (("before", "yesterday"), "timeAt: 'yesterday'"),
        (("between", "2017-12-24T12:00:00Z"), "endTimeAt"),
        (("after", "2017-12-24T12:00:00Z", "2017-12-24T12:00:00Z"), "only with it"),
        (("between", "2017-12-24T12:00:00Z", "2017"), "endTimeAt: '2017'"),
        (("after", "2017-12-24T12:00:00Z", None, "speed"), "'speed' is not a temporal property"),
    ],
)
def test_faults_in_a_temporal_query_are_refused(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_temporal(*arguments)
    assert words in caught.value.sentence


filters = st.one_of(
    st.builds(TemporalFilter, st.sampled_from(["before", "after"]), moments),
    st.builds(
        TemporalFilter,
        st.just("between"),
        moments,
        moments,
        st.sampled_from(["createdAt", "deletedAt"]),
    ),
)


@given(filters)
def test_printing_then_parsing_is_the_identity(temporal: TemporalFilter) -> None:
    words = print_temporal(temporal)
    again = parse_temporal(
        words["timerel"], words["timeAt"], words.get("endTimeAt"), words["timeproperty"]
    )
    assert again == temporal
