"""The past summed up by periods (clauses 4.5.19 and 5.7.4.4).

Periods count from the beginning of the window; without one, from the first instance of each entity.
A period without instances is not shown. A duration of zero is one period: the whole window, as far as
it is bounded, else from the first to the last instance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hansa.hub.temporal import Ask, Past
from hansa.kernel.clock import from_micros
from hansa.kernel.errors import InvalidRequest, TooManyResults
from hansa.ngsild.model import VALUE_MEMBER
from hansa.ngsild.temporal import Duration, print_datetime
from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import METHODS, Tally, measure
from hansa.store.history import SCOPE, Bucket, Selection, Source, Span

__all__ = ["Aggregation", "sums_of", "too_large"]

_MOST: Final = 100_000
"""Periods that an answer may hold."""

Sums = dict[str, dict[str | None, list[tuple[Tally, str, str]]]]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """By which methods and periods to sum up; `named` are the attributes that were asked for by name."""

    methods: tuple[str, ...]
    duration: Duration
    named: frozenset[str] = frozenset()


def sums_of(source: Source, page: Sequence[Past], ask: Ask, wanted: Aggregation) -> dict[str, Sums]:
    """The sums of each entity of a page, by its identifier.

    Raises:
        InvalidRequest: a method does not apply to an attribute that was asked for by name.
        TooManyResults: there would be too many periods.
    """
    ids = tuple(past.head.id for past in page)
    chosen = replace(
        ask.selection(ids),
        attributes=ask.attributes,
        datasets=ask.datasets,
        timed=True,
        last=ask.last,
    )
    found: dict[str, Sums] = {id: {} for id in ids}
    count = 0
    for periods, selection in _parts(source, chosen, wanted.duration):
        printed: dict[int, tuple[str, str]] = {}
        distinct = "distinctCount" in wanted.methods
        for bucket in source.tallies(selection, periods, distinct=distinct):
            if bucket.attribute == SCOPE:
                continue
            if not bucket.tally.is_finite:
                _mended(source, bucket, selection, periods)
            count += 1
            if count > _MOST:
                raise TooManyResults(
                    "the aggregation",
                    f"has more than {_MOST:,} periods",
                    "take longer periods, a shorter window or fewer entities",
                )
            ends = printed.get(bucket.period)
            if ends is None:  # every entity has the same periods
                ends = printed[bucket.period] = _printed(periods, bucket.period)
            _put(found[bucket.entity], bucket, ends)
    _check(found, wanted)
    return found


def too_large(sums: Iterable[Sums], methods: Iterable[str]) -> list[tuple[str, str]]:
    """What is beyond the numbers that JSON has (IEEE 754, as everybody reads them): attribute and method."""
    found = {
        (name, method)
        for each in sums
        for name, by_dataset in each.items()
        for tallies in by_dataset.values()
        for tally, _, _ in tallies
        for method in methods
        if isinstance(value := METHODS[method](tally), float) and not math.isfinite(value)
    }
    return sorted(found)


def _mended(source: Source, bucket: Bucket, selection: Selection, periods: Periods) -> None:
    """Work out from the instances what of a tally was too large to be summed up."""
    start, end = periods.bounds(bucket.period)
    since = start if selection.since is None else max(start, selection.since)
    until = end if selection.until is None else min(end, selection.until)
    if not periods.duration:  # one period that includes its end
        since, until = selection.since or start, selection.until or end + 1
    own = replace(
        selection,
        entities=(bucket.entity,),
        attributes=frozenset({bucket.attribute}),
        datasets=frozenset({bucket.dataset or "@none"}),
    )
    if selection.last is None and selection.first is None:
        own = replace(own, since=since, until=until)
    values = []
    for moment in source.series(own):
        kind = moment.instance["type"]
        number, _, _ = measure(
            kind, moment.instance.get(VALUE_MEMBER[kind]), moment.instance.get("valueType")
        )
        inside = moment.time is not None and since <= moment.time < until
        if number is not None and inside:
            values.append(float(number))
    if len(values) == bucket.tally.numbers:  # else some are known by their sums alone
        bucket.tally.measure_anew(values)


def _parts(
    source: Source, chosen: Selection, duration: Duration
) -> list[tuple[Periods, Selection]]:
    """The periods of the whole page, or of each entity where they depend on its instances."""
    if chosen.since is not None and (duration or chosen.until is not None):
        end = chosen.until or 0
        return [(Periods(chosen.since, duration, end), chosen)]
    spans: dict[str, list[Span]] = {}
    for span in source.spans(replace(chosen, summed=True)):
        spans.setdefault(span.entity, []).append(span)
    parts = []
    for id, of_entity in spans.items():
        first = min(span.first for span in of_entity if span.first is not None)
        last = max(span.last for span in of_entity if span.last is not None)
        origin = first if chosen.since is None else chosen.since
        end = last if chosen.until is None else chosen.until
        parts.append((Periods(origin, duration, end), replace(chosen, entities=(id,))))
    return parts


def _printed(periods: Periods, number: int) -> tuple[str, str]:
    begin, end = periods.bounds(number)
    return print_datetime(from_micros(begin)), print_datetime(from_micros(end))


def _put(sums: Sums, bucket: Bucket, ends: tuple[str, str]) -> None:
    by_dataset = sums.setdefault(bucket.attribute, {})
    by_dataset.setdefault(bucket.dataset, []).append((bucket.tally, *ends))


def _check(found: dict[str, Sums], wanted: Aggregation) -> None:
    for sums in found.values():
        for name in wanted.named & sums.keys():
            tallies = [tally for parts in sums[name].values() for tally, _, _ in parts]
            for method in wanted.methods:
                if all(METHODS[method](tally) is None for tally in tallies):
                    raise InvalidRequest(
                        f"the aggregation method '{method}'",
                        f"does not apply to the values of attribute {name}",
                        "leave out one of the two",
                    )
