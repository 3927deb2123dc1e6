"""Summing up series by period, and the newest of them: what every source of the past needs."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, groupby, islice

from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import Tally
from hansa.store.history import Bucket, Moment, Selection

__all__ = ["added", "ends", "ends_of_each", "sum_up"]


def ends(moments: Iterable[Moment], wanted: Selection) -> Iterable[Moment]:
    """The last or first of the moments of one attribute, which come in order, as the selection says."""
    if wanted.last is not None:
        return deque(moments, maxlen=wanted.last)
    return moments if wanted.first is None else islice(moments, wanted.first)


def ends_of_each(moments: Iterable[Moment], wanted: Selection) -> Iterator[Moment]:
    """The last or first moments of each attribute; all come in order."""
    for _, same in groupby(moments, key=_series):
        yield from ends(same, wanted)


def sum_up(moments: Iterable[Moment], periods: Periods, *, distinct: bool) -> Iterator[Bucket]:
    """Tallies of moments that come in order, in order of entity, attribute, dataset and period."""
    for (entity, attribute), same in groupby(moments, key=_series):
        found: dict[tuple[str, int], Tally] = {}
        for moment in same:
            if moment.time is None:
                continue
            place = moment.instance.get("datasetId", ""), periods.number(moment.time)
            tally = found.get(place)
            if tally is None:
                tally = found[place] = Tally(distinct=set() if distinct else None)
            tally.feed(moment.instance)
        for (dataset, period), tally in sorted(found.items(), key=lambda item: item[0]):
            yield Bucket(entity, attribute, dataset or None, period, tally)


def added(*streams: Iterable[Bucket]) -> Iterator[Bucket]:
    """Buckets of disjoint parts, each in order, as those of the whole."""
    begun = ((next(stream, None), stream) for stream in map(iter, streams))
    filled = [chain((first,), rest) for first, rest in begun if first is not None]
    if len(filled) == 1:
        yield from filled[0]
        return
    for _, same in groupby(heapq.merge(*filled, key=_place), key=_place):
        first, *more = same
        for bucket in more:
            first.tally.add(bucket.tally)
        yield first


def _place(bucket: Bucket) -> tuple[str, str, str, int]:
    return bucket.entity, bucket.attribute, bucket.dataset or "", bucket.period


def _series(moment: Moment) -> tuple[str, str]:
    return moment.entity, moment.attribute
