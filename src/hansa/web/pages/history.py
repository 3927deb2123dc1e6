"""The course of an entity's numbers: every value, or what periods of the calendar make of them.

Which of the two, and which periods, is chosen in this order: what the reader asks for; every value
while they are few; else the finest periods that a chart has room for. A value counts from when it was
observed, or, where an attribute is never observed, from when it was written. Of values for the same moment the one that was written last counts, and what the entity says
now before all; the others are corrected ones, which the list of values shows as such.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import groupby, pairwise
from typing import Final

from hansa.kernel.clock import from_micros, micros
from hansa.kernel.units import symbol
from hansa.ngsild.model import ENTITY_MEMBERS, Entity
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
    """A value, or the mean of a period that begins at ``time``, with its extremes.

    ``corrected`` says when another value was written for the same moment; None for what counts.
    """

    time: datetime
    value: float
    low: float
    high: float
    corrected: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Written:
    """A value with when it was written."""

    point: Point
    at: datetime


@dataclass(frozen=True, slots=True)
class Series:
    """The course of one attribute, oldest first; ``per`` names the periods, or is :data:`EVERY`.

    ``of`` says how many values there are in all; of every value only the newest are drawn.
    ``superseded`` are values that count no more, since they were corrected.
    """

    term: str
    unit: str
    per: str
    of: int
    points: tuple[Point, ...]
    superseded: tuple[Point, ...] = ()

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
        """The newest `limit` points, newest first; what was corrected stands after what counts."""
        found = sorted((*self.superseded, *self.points), key=lambda point: point.time)
        return tuple(found[::-1][:limit])


def courses(
    source: Source, entity: Entity, term: Callable[[str], str], zone: tzinfo, per: str | None = None
) -> list[Series]:
    """One series for each numeric attribute that has had more than one value; times are in `zone`."""
    observed = Selection((entity["id"],), property="observedAt", timed=True)
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
        unit, values = _values(source, chosen, zone)
        if len({each.point.value for each in values}) < 2:
            continue
        points, superseded = _counting(values, _present(entity, span.attribute))
        if step != EVERY:
            points, superseded = _sums(source, chosen, span, step, zone), []
        name = term(span.attribute)
        found.append(Series(name, unit, step, span.size, tuple(points), tuple(superseded)))
    return found


def _present(entity: Entity, attribute: str) -> float | None:
    """The number that the entity says now."""
    instances = entity.get(attribute, [])
    value = next((i.get("value") for i in instances if "datasetId" not in i), None)
    return float(value) if isinstance(value, int | float) else None


def _counting(written: list[_Written], present: float | None) -> tuple[list[Point], list[Point]]:
    """The values that count, one for each moment, and those that were corrected."""
    counting: list[Point] = []
    superseded: list[Point] = []
    for _, group in groupby(written, key=lambda each: each.point.time):
        several = list(group)
        if several[-1] is written[-1]:
            # A clock may have been set back between two writings: the entity itself knows.
            several.sort(key=lambda each: each.point.value == present)
        counting.append(several[-1].point)
        for each, later in pairwise(several):
            superseded.append(replace(each.point, corrected=later.at))
    return counting, superseded


def _step(span: Span, asked: str | None) -> str:
    seconds = ((span.last or 0) - (span.first or 0)) / 1e6
    if asked == EVERY or (asked is None and span.size <= MOST_VALUES):
        return EVERY
    if asked is not None and seconds / _SECONDS[asked] <= _MOST_ASKED:
        return asked
    fitting = (name for name in STEPS if seconds / _SECONDS[name] <= _MOST_PERIODS)
    return next(fitting, "year")


def _values(source: Source, wanted: Selection, zone: tzinfo) -> tuple[str, list[_Written]]:
    """Unit and values of the default instances, the newest ones, in order of time and writing."""
    unit, found = "", []
    for moment in source.series(replace(wanted, datasets=frozenset({"@none"}), last=MOST_VALUES)):
        instance = moment.instance
        value = instance.get("value")
        if moment.time is None or instance["type"] != "Property" or isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            unit = symbol(instance["unitCode"]) if "unitCode" in instance else ""
            at = from_micros(moment.time).astimezone(zone)
            point = Point(at, float(value), float(value), float(value))
            found.append(_Written(point, from_micros(moment.written).astimezone(zone)))
    return unit, found


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
