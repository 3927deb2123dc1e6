"""The course of an entity's numbers: every value, or what periods of the calendar make of them.

Which of the two, and which periods, is chosen in this order: what the reader asks for; every value
while they are few; else the finest periods that a chart has room for. A value counts from when it was
observed, or, where an attribute is never observed, from when it was written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Final

from hansa.kernel.clock import from_micros, micros
from hansa.kernel.units import symbol
from hansa.ngsild.model import ENTITY_MEMBERS
from hansa.ngsild.temporal import Duration, parse_duration
from hansa.ngsild.temporal_periods import Periods
from hansa.store.history import SCOPE, Selection, Source, Span

__all__ = ["EVERY", "STEPS", "Point", "Series", "courses"]

EVERY: Final = "every"
"""The choice that sums up nothing."""

STEPS: Final[dict[str, Duration]] = {
    name: parse_duration(text)
    for name, text in {
        "minute": "PT1M",
        "hour": "PT1H",
        "day": "P1D",
        "week": "P7D",
        "month": "P1M",
        "year": "P1Y",
    }.items()
}
"""The periods that a reader can choose, finest first."""

MOST_VALUES: Final = 500
_MOST_PERIODS: Final = 200
_MOST_ASKED: Final = 5_000
_SECONDS: Final = {
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "week": 604_800,
    "month": 2_629_800,
    "year": 31_557_600,
}


@dataclass(frozen=True, slots=True)
class Point:
    """A value, or the mean of a period that begins at ``time``, with its extremes."""

    time: datetime
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Series:
    """The course of one attribute, oldest first; ``per`` names the periods, or is :data:`EVERY`.

    ``of`` says how many values there are in all; of every value only the newest are drawn.
    """

    term: str
    unit: str
    per: str
    of: int
    points: tuple[Point, ...]

    @property
    def seconds(self) -> list[float]:
        """The times as seconds since 1970."""
        return [round(point.time.timestamp(), 3) for point in self.points]

    @property
    def columns(self) -> list[list[float]]:
        """Values for a chart; with periods the lowest and highest beside them."""
        values = [point.value for point in self.points]
        if self.per == EVERY:
            return [values]
        return [values, [point.low for point in self.points], [point.high for point in self.points]]

    def rows(self, limit: int) -> tuple[Point, ...]:
        """The newest `limit` points, newest first."""
        return self.points[::-1][:limit]


def courses(
    source: Source, id: str, term: Callable[[str], str], zone: tzinfo, per: str | None = None
) -> list[Series]:
    """One series for each numeric attribute that has had more than one value; times are in `zone`."""
    observed = Selection((id,), property="observedAt", timed=True)
    written = replace(observed, property="modifiedAt")
    spans = [(span, observed) for span in source.spans(observed)]
    known = {span.attribute for span, _ in spans}
    spans += [(span, written) for span in source.spans(written) if span.attribute not in known]
    found = []
    for span, wanted in spans:
        if span.attribute in ENTITY_MEMBERS or span.attribute == SCOPE or span.size < 2:
            continue
        chosen = replace(wanted, attributes=frozenset({span.attribute}))
        step = _step(span, per)
        unit, points = _values(source, chosen, zone)
        if len({point.value for point in points}) > 1:
            points = points if step == EVERY else _sums(source, chosen, span, step, zone)
            found.append(Series(term(span.attribute), unit, step, span.size, tuple(points)))
    return found


def _step(span: Span, asked: str | None) -> str:
    seconds = ((span.last or 0) - (span.first or 0)) / 1e6
    if asked == EVERY or (asked is None and span.size <= MOST_VALUES):
        return EVERY
    if asked is not None and seconds / _SECONDS[asked] <= _MOST_ASKED:
        return asked
    fitting = (name for name in STEPS if seconds / _SECONDS[name] <= _MOST_PERIODS)
    return next(fitting, "year")


def _values(source: Source, wanted: Selection, zone: tzinfo) -> tuple[str, list[Point]]:
    """Unit and values of the default instances, the newest ones."""
    unit, points = "", []
    for moment in source.series(replace(wanted, datasets=frozenset({"@none"}), last=MOST_VALUES)):
        instance = moment.instance
        value = instance.get("value")
        if moment.time is None or instance["type"] != "Property" or isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            unit = symbol(instance["unitCode"]) if "unitCode" in instance else ""
            at = from_micros(moment.time).astimezone(zone)
            points.append(Point(at, float(value), float(value), float(value)))
    return unit, points


def _sums(source: Source, wanted: Selection, span: Span, step: str, zone: tzinfo) -> list[Point]:
    periods = Periods(_origin(span, step, zone), STEPS[step])
    chosen = replace(wanted, datasets=frozenset({"@none"}))
    return [
        Point(
            from_micros(periods.start(bucket.period)).astimezone(zone),
            bucket.tally.sum / bucket.tally.numbers,
            bucket.tally.low,
            bucket.tally.high,
        )
        for bucket in source.tallies(chosen, periods)
        if bucket.tally.low is not None and bucket.tally.high is not None
    ]


def _origin(span: Span, step: str, zone: tzinfo) -> int:
    """Where the calendar's period around the first value begins, where the city is."""
    first = from_micros(span.first or 0).astimezone(zone).replace(second=0, microsecond=0)
    if step != "minute":
        first = first.replace(minute=0)
    if step in ("day", "week", "month", "year"):
        first = first.replace(hour=0)
    if step == "week":
        first = first.fromordinal(first.toordinal() - first.weekday()).replace(tzinfo=zone)
    if step in ("month", "year"):
        first = first.replace(day=1)
    if step == "year":
        first = first.replace(month=1)
    return micros(first)
