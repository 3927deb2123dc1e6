"""Summing up series by period, and the newest of them: what every source of the past needs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby

from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import Tally
from hansa.store.history import Bucket, Moment

__all__ = ["newest", "newest_of_each", "sum_up"]


def newest(moments: Iterable[Moment], count: int) -> list[Moment]:
    """The last `count` of moments that come in order."""
    return list(deque(moments, maxlen=count))


def newest_of_each(moments: Iterable[Moment], count: int) -> Iterator[Moment]:
    """The last `count` moments of each attribute; all come in order."""
    for _, same in groupby(moments, key=_series):
        yield from newest(same, count)


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


def _series(moment: Moment) -> tuple[str, str]:
    return moment.entity, moment.attribute
