"""Moments as text and as numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.clock import from_micros, iso, micros

MOMENTS = st.datetimes(
    min_value=datetime(1, 1, 2),
    max_value=datetime(9999, 12, 30),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)


@given(MOMENTS)
def test_the_text_is_that_of_the_standard_library_in_utc(moment: datetime) -> None:
    expected = moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00")
    assert iso(moment) == expected + "Z"


@given(MOMENTS)
def test_a_number_of_microseconds_is_the_moment(moment: datetime) -> None:
    assert from_micros(micros(moment)) == moment


@given(MOMENTS, MOMENTS)
def test_the_order_of_texts_is_the_order_of_time(one: datetime, other: datetime) -> None:
    assert (iso(one) < iso(other)) == (one < other)
