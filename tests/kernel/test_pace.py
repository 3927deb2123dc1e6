"""How often somebody may ask."""

from __future__ import annotations

import pytest

from hansa.kernel.errors import TooManyRequests
from hansa.kernel.pace import Pace


class Time:
    """Seconds that the test lets pass."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_may_be_asked_for_at_once_and_then_as_time_goes() -> None:
    time = Time()
    pace = Pace(60, time)
    for _ in range(60):
        pace.take("a", "it")
    pace.take("b", "it")
    with pytest.raises(TooManyRequests) as refused:
        pace.take("a", "it")
    assert refused.value.after == 1
    time.now = 2.0
    for _ in range(2):
        pace.take("a", "it")
    with pytest.raises(TooManyRequests):
        pace.take("a", "it")


def test_who_goes_on_asking_is_not_shut_out_for_longer() -> None:
    time = Time()
    pace = Pace(1, time)
    pace.take("a", "it")
    for second in range(1, 60):
        time.now = float(second)
        with pytest.raises(TooManyRequests) as refused:
            pace.take("a", "it")
        assert refused.value.after == 60 - second
    time.now = 60.5
    pace.take("a", "it")


def test_no_limit_is_no_limit() -> None:
    pace = Pace(0)
    for _ in range(100):
        pace.take("a", "it")
