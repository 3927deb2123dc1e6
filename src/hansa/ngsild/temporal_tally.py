"""What is summed up of attribute instances, so that sums of parts make the sum of the whole.

A :class:`Tally` is fed with instances, or made by a database from many of them, and tallies of
disjoint parts of a series add up to the tally of all: counts, extremes and distinct values exactly,
sums and spreads as exactly as floating point allows (the spread is kept as the sum of squared
distances from the mean, which does not cancel out). What an aggregation method makes of a tally
follows the tables of clause 4.5.19.1:

1. numbers count as they are, booleans as 0 and 1, arrays by their size: all eight methods;
2. texts, dates and times know order: min, max, and for times of day the average;
3. objects, references, URIs and everything else are only counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import orjson

from hansa.ngsild.model import VALUE_MEMBER, Instance
from hansa.ngsild.temporal import print_time, read_moment

__all__ = ["METHODS", "Tally", "measure"]

_ORDERED: Final = frozenset({"DateTime", "Date", "Time"})
_ARRAYS: Final = frozenset({"ListProperty"})
_COUNTED: Final = frozenset(
    {"Relationship", "ListRelationship", "LanguageProperty", "VocabProperty"}
)
_MIDNIGHT: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Tally:
    """What is known of the instances of one attribute in one period.

    Attributes:
        kind: the kind of attribute, as the newest part fed knew it.
        total: how many instances there are.
        numbers: how many of them have a numeric value, and of these values
        sum, squares, spread: the sum, the sum of squares, the sum of squared distances from the mean,
        low, high: the extremes.
        texts: how many have a value that only knows order, and of these
        first, last: the extremes.
        times, seconds: how many are times of day, and their sum [microseconds since midnight].
        mean, deviation: the average and the standard deviation, where sums and spreads of such numbers are
        too large to tell them (see :meth:`measure_anew`).
        distinct: the different values as canonical JSON; ``None`` when nobody asked for them.
    """

    kind: str = "Property"
    total: int = 0
    numbers: int = 0
    sum: float = 0
    squares: float = 0
    spread: float = 0.0
    low: float | None = None
    high: float | None = None
    texts: int = 0
    first: str | None = None
    last: str | None = None
    times: int = 0
    seconds: int = 0
    distinct: set[str] | None = field(default_factory=set)
    mean: float | None = None
    deviation: float | None = None

    @property
    def is_finite(self) -> bool:
        """Whether sums and spreads of the numbers were not too large to be held."""
        return all(map(math.isfinite, (self.sum, self.squares, self.spread)))

    def measure_anew(self, values: list[float]) -> None:
        """Work out average and deviation from all the numbers, in parts of the largest of them."""
        scale = max(map(abs, values), default=0.0) or 1.0
        mean = math.fsum(value / scale for value in values) / len(values)
        spread = math.fsum((value / scale - mean) ** 2 for value in values)
        self.mean = mean * scale
        self.deviation = math.sqrt(spread / len(values)) * scale

    def feed(self, instance: Instance) -> None:
        """Take one more instance into account."""
        kind = instance["type"]
        self.kind = kind
        self.total += 1
        value = instance.get(VALUE_MEMBER[kind])
        if self.distinct is not None:
            self.distinct.add(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())
        number, text, clock = measure(kind, value, instance.get("valueType"))
        if number is not None:
            self._number(number)
        elif text is not None:
            self.texts += 1
            self.first = text if self.first is None else min(self.first, text)
            self.last = text if self.last is None else max(self.last, text)
            if clock is not None:
                self.times += 1
                self.seconds += clock

    def _number(self, value: float) -> None:
        before = self.sum / self.numbers if self.numbers else 0.0
        self.numbers += 1
        self.sum += value
        self.squares += value * value
        self.spread += (value - before) * (value - self.sum / self.numbers)
        self.low = value if self.low is None else min(self.low, value)
        self.high = value if self.high is None else max(self.high, value)

    def add(self, other: Tally) -> None:
        """Add the tally of another, disjoint part, which is newer."""
        self.kind = other.kind
        if self.numbers and other.numbers:
            apart = other.sum / other.numbers - self.sum / self.numbers
            share = self.numbers * other.numbers / (self.numbers + other.numbers)
            self.spread += apart * apart * share
        self.spread += other.spread
        for name in ("total", "numbers", "sum", "squares", "texts", "times", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.low, self.high = _ends(self.low, self.high, other.low, other.high)
        self.first, self.last = _ends(self.first, self.last, other.first, other.last)
        if self.distinct is not None and other.distinct is not None:
            self.distinct |= other.distinct
        else:
            self.distinct = None


def _ends(low: Any, high: Any, other_low: Any, other_high: Any) -> tuple[Any, Any]:
    if low is None or other_low is None:
        return (other_low, other_high) if low is None else (low, high)
    return min(low, other_low), max(high, other_high)


def measure(
    kind: str, value: Any, value_type: str | None = None
) -> tuple[float | None, str | None, int | None]:
    """What a value counts as: a number, or a text that knows order (with its time of day, if one)."""
    if kind in _ARRAYS and isinstance(value, list):
        return len(value), None, None
    if kind in _COUNTED:
        return None, None, None
    if isinstance(value, dict) and "@value" in value:
        value_type, value = value.get("@type"), value["@value"]
    if isinstance(value, bool):
        return int(value), None, None
    if isinstance(value, int | float):
        return value, None, None
    if isinstance(value, list):
        return len(value), None, None
    if not isinstance(value, str) or (value_type or "").rpartition("/")[2] in ("URI", "@id"):
        return None, None, None
    return None, value, _time_of_day(value) if (value_type or "").endswith("Time") else None


def _time_of_day(text: str) -> int | None:
    try:
        clock = read_moment(text)
    except ValueError:
        return None
    if not isinstance(clock, time):
        return None
    seconds = (clock.hour * 60 + clock.minute) * 60 + clock.second
    return seconds * 1_000_000 + clock.microsecond


# -- what the methods make of a tally; None where a method has no answer ---------------------------


def _average(tally: Tally) -> Any:
    if tally.numbers:
        return tally.sum / tally.numbers if tally.mean is None else tally.mean
    if tally.times and tally.times == tally.texts:
        moment = _MIDNIGHT + timedelta(microseconds=tally.seconds // tally.times)
        return print_time(moment.timetz().replace(tzinfo=UTC))
    return None


def _shown(total: float) -> float:
    """A sum as an answer can hold it: whole numbers of more than 64 bits lose their last digits."""
    return total if -(1 << 63) <= total < 1 << 63 else float(total)


def _deviation(tally: Tally) -> float | None:
    if tally.deviation is not None:
        return tally.deviation
    return math.sqrt(max(tally.spread, 0.0) / tally.numbers) if tally.numbers else None


METHODS: Final[dict[str, Callable[[Tally], Any]]] = {
    "avg": _average,
    "distinctCount": lambda tally: None if tally.distinct is None else len(tally.distinct),
    "max": lambda tally: tally.high if tally.numbers else tally.last,
    "min": lambda tally: tally.low if tally.numbers else tally.first,
    "stddev": _deviation,
    "sum": lambda tally: _shown(tally.sum) if tally.numbers else None,
    "sumsq": lambda tally: _shown(tally.squares) if tally.numbers else None,
    "totalCount": lambda tally: tally.total,
}
"""The aggregation methods by name: a tally's value, or ``None`` where the method does not apply."""
