"""Going on in time where a source tells of a part of the time only (206 with Content-Range, clause 6.3.10).

The range says where the part ends: the oldest instances come first, with lastN the newest. The source is
asked again for the rest of the time, from that end on, as long as there is time for it and the answer has
room for more instances. What was told twice counts once (:class:`.evolutions.Elsewhere`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Final, Literal

from hansa.hub.temporal import Ask
from hansa.kernel.clock import from_micros
from hansa.kernel.egress import Response
from hansa.ngsild.temporal import TemporalFilter
from hansa.store.values import moment

__all__ = ["beyond", "edge_of", "nearest"]

_RANGE: Final = re.compile(r"date-time (\S+Z)-(\S+Z)/(?:\*|\d+)", re.ASCII)
_TICK: Final = timedelta(microseconds=1)


def edge_of(response: Response) -> int | None:
    """Where an answer that is not complete ends, if it says so [microseconds]."""
    if response.status != 206:
        return None
    found = _RANGE.fullmatch(response.headers.get("content-range", "").strip())
    return None if found is None else moment(found[2])


def nearest(edges: list[int], ask: Ask) -> int | None:
    """The end that comes first, of several."""
    if not edges:
        return None
    return min(edges) if ask.last is None else max(edges)


def beyond(ask: Ask, edge: int) -> Ask | None:
    """What is asked for of the time beyond an end; None when nothing is left of it.

    The end itself is asked for again: of that moment, too, there may be more.
    """
    wanted = ask.filter
    since = None if wanted is None else wanted.since
    until = None if wanted is None else wanted.until
    try:
        at = from_micros(edge)
        if ask.last is None:
            since = at if since is None else max(since, at)
        else:
            until = at + _TICK if until is None else min(until, at + _TICK)
    except (OverflowError, ValueError):
        return None
    if since is not None and until is not None and since >= until:
        return None
    if since is not None:
        relation: Literal["after", "between"] = "after" if until is None else "between"
        return replace(ask, filter=TemporalFilter(relation, since, until, ask.along))
    assert until is not None  # noqa: S101 - one of them was set above
    return replace(ask, filter=TemporalFilter("before", until, None, ask.along))
