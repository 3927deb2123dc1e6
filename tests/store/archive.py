"""An archive in memory: a second source of the past, as plain as can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

import orjson

from hansa.ngsild.temporal_periods import Periods
from hansa.store.history import Bucket, Cut, Head, Heads, Moment, Selection, Source, Span, order_of
from hansa.store.port import Store
from hansa.store.sums import ends_of_each, sum_up
from hansa.store.values import moment


class MemoryArchive:
    """Parts by name; :meth:`keep` moves a cut of a store into a new one."""

    def __init__(self) -> None:
        self.parts: dict[str, list[Moment]] = {}
        self.named: dict[str, Head] = {}

    @contextmanager
    def open(self, parts: Sequence[bytes]) -> Iterator[Source]:
        names = [orjson.loads(part)["id"] for part in parts]
        yield MemorySource([m for name in names for m in self.parts[name]], self.named)

    def keep(self, store: Store, cut: Cut, part: str) -> bool:
        with store.past_of(cut) as past:
            heads = list(past.heads(Heads()))
            self.named |= {head.id: head for head in heads}
            ids = tuple(head.id for head in heads)
            self.parts[part] = list(past.series(Selection(ids)))
        return store.fold(cut, part, {"moments": len(self.parts[part])})


class MemorySource:
    """Moments in a list."""

    def __init__(self, moments: list[Moment], named: dict[str, Head]) -> None:
        self.moments = moments
        self.named = {m.entity: named[m.entity] for m in moments}

    def heads(self, wanted: Heads) -> Iterator[Head]:
        for id in sorted(self.named, reverse=wanted.backwards):
            if not wanted.ids or id in wanted.ids:
                yield self.named[id]

    def head(self, id: str) -> Head | None:
        return self.named.get(id)

    def spans(self, wanted: Selection) -> Iterator[Span]:
        found = groupby(self._series(wanted), key=lambda m: (m.entity, m.attribute))
        for (entity, attribute), same in found:
            times = [m.time for m in same]
            known = [time for time in times if time is not None]
            ends = (known[0], known[-1]) if known else (None, None)
            yield Span(entity, attribute, len(times), *ends)

    def series(self, wanted: Selection) -> Iterator[Moment]:
        return ends_of_each(self._series(wanted), wanted)

    def tallies(
        self, wanted: Selection, periods: Periods, *, distinct: bool = False
    ) -> Iterator[Bucket]:
        return sum_up(self.series(wanted), periods, distinct=distinct)

    def _series(self, wanted: Selection) -> list[Moment]:
        found = []
        for each in self.moments:
            id = each.instance["instanceId"]
            made = each._replace(time=moment(each.instance.get(wanted.property)))
            if (
                each.entity in wanted.entities
                and wanted.wants(each.attribute, each.instance.get("datasetId"))
                and wanted.holds(made.time)
                and wanted.instance in (None, id)
                and id not in wanted.without
            ):
                found.append(made)
        return sorted(found, key=order_of)
