"""Cutting an answer about the past that is too long, at an instant that is the same for all of it.

An answer holds a limited number of instances. If more are asked for, it is cut at an instant: of every
entity and attribute it has all instances on one side of it, and none on the other. Without ``lastN``
the oldest ones stay, with it the newest. The header Content-Range tells which range of time the answer
covers, so that the client goes on from its end (clause 6.3.10): from the beginning that the temporal
query names, else the first instance, to the last one; the other way round with ``lastN``. An attribute
that has nothing in that range is shown without instances, so that the client knows that it is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hansa.hub.temporal import Ask, Past
from hansa.kernel.clock import from_micros
from hansa.ngsild.temporal import print_datetime
from hansa.store.history import Moment

__all__ = ["cut"]


def cut(entities: Iterable[Past], ask: Ask, edges: Sequence[int] = ()) -> str | None:
    """Cut the series of `entities` in place if there are too many; the range that they then cover.

    `edges` are times at which somebody's part of them ends, who had too many: it is cut there, too.
    """
    entities = list(entities)
    every = [
        _time(moment) for past in entities for moments in past.series.values() for moment in moments
    ]
    backwards = ask.last is not None
    ends = list(edges)
    if len(every) > ask.most:
        every.sort(reverse=backwards)
        ends.append(_edge(every, ask.most))
    if not ends:
        return None
    edge = max(ends) if backwards else min(ends)
    first = (max if backwards else min)(every, default=edge)
    for past in entities:
        for name, moments in past.series.items():
            past.series[name] = [
                moment
                for moment in moments
                if (_time(moment) >= edge if backwards else _time(moment) <= edge)
            ]
            if moments and not past.series[name]:
                past.emptied[name] = moments[0].instance["type"]
    begin, end = _named(ask, first), print_datetime(from_micros(edge))
    return f"date-time {begin}-{end}/{ask.last if backwards else '*'}"


def _edge(times: list[int], most: int) -> int:
    """The last time that is shown: no time is shown in part, and at least one is shown."""
    if times[most] != times[most - 1]:
        return times[most - 1]
    whole = [time for time in times[:most] if time != times[most]]
    return whole[-1] if whole else times[0]


def _named(ask: Ask, first: int) -> str:
    """Where the range begins: as the temporal query says, or with the first instance."""
    wanted = ask.filter
    bound = None
    if wanted is not None:
        bound = wanted.until if ask.last is not None else wanted.since
    return print_datetime(from_micros(first) if bound is None else bound)


def _time(moment: Moment) -> int:
    return moment.written if moment.time is None else moment.time
