"""Copying the past of entities into a snapshot (clauses 5.16.1.4 and 5.2.41).

What a temporal query finds is copied instance by instance, with the times that it has. An instance that
stands in the snapshot's own copy of the entity is not copied, for there it is the newest one already.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

import orjson

from hansa.hub.temporal import Ask, every
from hansa.ngsild.model import Instance
from hansa.ngsild.query import Query
from hansa.ngsild.represent import View
from hansa.store.history import Added, Source
from hansa.store.port import Store

__all__ = ["PastPart", "fill_past"]

_BATCH: Final = 50
_WHOLE: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class PastPart:
    """One of the temporal queries of a snapshot: whose past, of which time, and what of it."""

    query: Query
    view: View
    ask: Ask


def fill_past(source: Source, target: Store, part: PastPart, *, passed: bool) -> bool:
    """Copy what a temporal query finds into `target`; whether it found anything. `passed` if all is of this node."""
    found = False
    copies = _copies(source, target, part, passed)
    while batch := list(islice(copies, _BATCH)):
        found = True
        target.record_history(batch).result()
    return found


def _copies(source: Source, target: Store, part: PastPart, passed: bool) -> Iterator[Added]:
    whole = replace(part.ask, most=_WHOLE)
    query = replace(part.query, offset=0, limit=1, count=False, order=())
    for past in every(source, query, whole):
        raw = target.get(past.head.id)
        present = {} if raw is None else orjson.loads(raw)
        series = {
            name: kept
            for name, moments in past.series.items()
            if part.view.shows(name)
            and (kept := _new([each.instance for each in moments], present.get(name)))
        }
        yield Added(past.head.id, past.head.types, series, frozen=True, passed=passed)


def _new(instances: list[Instance], present: Any) -> list[Instance]:
    """Those that are not the present ones."""
    known = present if isinstance(present, list) else []
    return [each for each in instances if _said(each) not in known]


def _said(instance: Instance) -> Instance:
    return {k: v for k, v in instance.items() if k != "instanceId"}
