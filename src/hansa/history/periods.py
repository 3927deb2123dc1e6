"""Periods of an aggregation as an expression of SQL: the number of the period that a time lies in.

Three ways, the first that fits:

1. equal lengths: a division;
2. whole months from a day that every month has: a difference of months, of times that are moved so that
   the periods begin with the months;
3. anything else (months from the 29th on, months and hours together): by *quanta*, equal lengths that
   every period begins with one of; what quantum belongs to which period is settled afterwards.

"The grid" of periods is the length that all their beginnings are multiples of: sums by hour serve
periods on the grid of an hour.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hansa.kernel.clock import from_micros, micros
from hansa.ngsild.temporal_periods import Periods

__all__ = ["DAY", "Numbering", "numbering"]

DAY: Final = 86_400_000_000
_MICROSECOND: Final = 1_000_000
_LAST_COMMON_DAY: Final = 28


@dataclass(frozen=True, slots=True)
class Numbering:
    """How the number of a period is found.

    Attributes:
        expression: SQL, with ``{time}`` in the place of the time.
        period: from the number that the expression gives to that of the period; None if it is the same.
        grid: see the module.
    """

    expression: str
    period: Callable[[int], int] | None
    grid: int


def numbering(periods: Periods, single: int = DAY) -> Numbering:
    """How periods are told apart in SQL; `single` is the grid of a single period without beginning."""
    exact = round(periods.duration.exact.total_seconds() * _MICROSECOND)
    origin, months = periods.origin, periods.duration.months
    if not periods.duration:
        return Numbering("0", None, single)
    if not months:
        return Numbering(
            f"({{time}} - {origin}) // {exact}", None, math.gcd(exact, origin) or exact
        )
    begin = from_micros(origin)
    month = micros(datetime(begin.year, begin.month, 1, tzinfo=begin.tzinfo))
    grid = math.gcd(DAY, origin, exact)
    if not exact and begin.day <= _LAST_COMMON_DAY:
        moved = f"make_timestamp({{time}} - {origin - month})"
        number = (
            f"((year({moved}) - {begin.year}) * 12 + month({moved}) - {begin.month}) // {months}"
        )
        return Numbering(number, None, grid)
    quantum = math.gcd(DAY, exact)
    return Numbering(
        f"({{time}} - {origin}) // {quantum}",
        lambda number: periods.number(origin + number * quantum),
        grid,
    )
