"""Periods of an aggregation: equal steps of the calendar from an origin (clause 4.5.19).

Period number `n` runs from the origin moved on by `n` durations (included) to that moved on by `n + 1`
(excluded). Months are counted from the origin each time, so that monthly periods that begin on the
31st do not creep to the 28th. A duration of zero means one period, whose ends are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from hansa.ngsild.temporal import Duration

__all__ = ["NO_STEP", "Periods"]

NO_STEP: Final = Duration()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LAST: Final = (datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_SHORTEST_MONTH: Final = 28 * 86_400_000_000
_LONGEST_MONTH: Final = 31 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Periods:
    """Periods of `duration` from `origin` on [microseconds since 1970, UTC].

    Attributes:
        origin: where period 0 begins.
        duration: of each period; zero for a single one.
        end: where the single period ends; not looked at otherwise.
    """

    origin: int
    duration: Duration = NO_STEP
    end: int = _LAST

    def start(self, number: int) -> int:
        """The first instant of a period; never beyond the year 9999."""
        if number == 0:
            return self.origin
        months, exact = self.duration.months * number, self.duration.exact * number
        try:
            moved = Duration(months, exact).after(_EPOCH + self.origin * _MICROSECOND)
        except OverflowError:
            return _LAST
        return min((moved - _EPOCH) // _MICROSECOND, _LAST)

    def bounds(self, number: int) -> tuple[int, int]:
        """The first instant of a period, and the first one after it."""
        if not self.duration:
            return self.origin, self.end
        return self.start(number), self.start(number + 1)

    def number(self, at: int) -> int:
        """The period that `at`, which is not before the origin, lies in."""
        if not self.duration:
            return 0
        exact = self.duration.exact // _MICROSECOND
        if not self.duration.months:
            return (at - self.origin) // exact
        low = (at - self.origin) // (self.duration.months * _LONGEST_MONTH + exact)
        high = (at - self.origin) // (self.duration.months * _SHORTEST_MONTH + exact) + 1
        low = max(low - 1, 0)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.start(middle) <= at else (low, middle)
        return low

    def starts(self, until: int) -> list[int]:
        """The beginnings of all periods up to the one that `until` lies in."""
        return [self.start(number) for number in range(self.number(until) + 1)]
