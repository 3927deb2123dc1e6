"""Several sources of the past seen as one; see the rules in :mod:`hansa.store.history`.

Every method asks each source the same and merges what they stream. Nothing is held in memory but the
newest N of an attribute and the tallies of one.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from hansa.ngsild.temporal_periods import Periods
from hansa.store.history import Bucket, Head, Heads, Moment, Selection, Source, Span, order_of
from hansa.store.sums import added, ends_of_each, sum_up

__all__ = ["Merged"]


class Merged:
    """The past in `sources`; where they know different things of an entity, the first one counts."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)

    def heads(self, wanted: Heads) -> Iterator[Head]:
        """The entities with a past, in order of their identifiers."""
        streams = [source.heads(wanted) for source in self._sources]
        merged = heapq.merge(*streams, key=lambda head: head.id, reverse=wanted.backwards)
        for _, same in groupby(merged, key=lambda head: head.id):
            yield _united(list(same))

    def head(self, id: str) -> Head | None:
        """The head of one entity; None if no source has any past of it."""
        if all(source.head(id) is None for source in self._sources):
            return None
        return next(self.heads(Heads(ids=(id,))), None)

    def spans(self, wanted: Selection) -> Iterator[Span]:
        """Counts and ends of each series that has any instance."""
        streams = [source.spans(wanted) for source in self._sources]
        merged = heapq.merge(*streams, key=lambda span: span[:2])
        for (entity, attribute), same in groupby(merged, key=lambda span: span[:2]):
            spans = list(same)
            firsts = [span.first for span in spans if span.first is not None]
            lasts = [span.last for span in spans if span.last is not None]
            yield Span(
                entity,
                attribute,
                sum(span.size for span in spans),
                min(firsts, default=None),
                max(lasts, default=None),
            )

    def series(self, wanted: Selection) -> Iterator[Moment]:
        """The instances, in order."""
        streams = [source.series(wanted) for source in self._sources]
        merged = heapq.merge(*streams, key=order_of)
        if wanted.last is None and wanted.first is None:
            return merged
        return ends_of_each(merged, wanted)

    def tallies(
        self, wanted: Selection, periods: Periods, *, distinct: bool = False
    ) -> Iterator[Bucket]:
        """Instances summed up by period."""
        if wanted.last is not None or wanted.first is not None:  # known of the whole only
            yield from sum_up(self.series(wanted), periods, distinct=distinct)
            return
        wanted = replace(wanted, timed=True)
        streams = [source.tallies(wanted, periods, distinct=distinct) for source in self._sources]
        yield from added(*streams)


def _united(heads: list[Head]) -> Head:
    first = heads[0]
    if len(heads) == 1:
        return first
    return Head(
        first.id,
        tuple(dict.fromkeys(name for head in heads for name in head.types)),
        min((head.created for head in heads if head.created), default=None),
        next((head.modified for head in heads if head.modified), None),
        first.deleted,
    )
