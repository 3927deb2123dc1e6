"""Asking sources for the past of entities (clauses 5.7.3 and 5.7.4).

A source is asked for instances, never for sums or pairs, so that what several know can be put together
first. Pages are counted in the order of identifiers, which is that of this node; of a source that keeps
another order more is asked than a page needs only when filters are applied here, or all are counted.

A source may answer with a part of the time that was asked for (206). Then the whole answer is that of
this part, for it is complete in no more; :attr:`Heard.edge` says where it ends.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from hansa.hub.federation.asker import Asker
from hansa.hub.federation.asks import (
    Question,
    entity_path,
    filters_of,
    parts_of_query,
    selection,
)
from hansa.hub.federation.dispatch import Dispatch
from hansa.hub.federation.evolutions import Elsewhere, Evolution, evolutions_in
from hansa.hub.federation.sources import Answer, Failure
from hansa.hub.federation.speech import Speech
from hansa.hub.federation.taking import take_in
from hansa.hub.federation.warnings import Warned
from hansa.hub.registrations.matching import Part, Wanted, parts_of
from hansa.hub.registrations.model import Registration
from hansa.hub.temporal import Ask
from hansa.ngsild.query import Query
from hansa.ngsild.temporal import print_temporal
from hansa.store.history import Source
from hansa.store.merged import Merged
from hansa.store.values import moment

__all__ = ["Heard", "Pasts", "ask_one", "ask_some", "joined"]

MOST: Final = 1000
"""Entities that one source is asked for at most."""

_STEP: Final = 100
_ONE: Final = frozenset({"retrieveTemporal", "queryTemporal"})
_RANGE: Final = re.compile(r"date-time (\S+Z)-(\S+Z)/(?:\*|\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the source of one part told.

    Attributes:
        offered: how many entities it named, also those that do not count.
        whole: whether that is all it has.
        edge: the end of the time that it told of, if that is not all that was asked for [microseconds].
    """

    part: Part
    evolutions: tuple[Evolution, ...] = ()
    offered: int = 0
    whole: bool = True
    edge: int | None = None
    warned: tuple[Warned, ...] = ()


@dataclass(slots=True)
class Pasts:
    """What all sources told, and what went wrong."""

    heard: list[Heard] = field(default_factory=list)

    @property
    def warned(self) -> list[Warned]:
        """What went wrong."""
        return [warned for each in self.heard for warned in each.warned]

    @property
    def edges(self) -> list[int]:
        """Where answers that are not complete end."""
        return [each.edge for each in self.heard if each.edge is not None]

    def origins(self) -> dict[str, list[str]]:
        """Who told of which entity."""
        found: dict[str, list[str]] = {}
        for each in self.heard:
            for evolution in each.evolutions:
                found.setdefault(evolution.head.id, []).append(each.part.registration.id)
        return found

    def told(self, *, extra: bool) -> list[Evolution]:
        """What auxiliary sources told (`extra`), or all others."""
        return [
            evolution
            for each in self.heard
            if (each.part.registration.mode == "auxiliary") is extra
            for evolution in each.evolutions
        ]


@contextmanager
def joined(here: Source, pasts: Pasts | None, ask: Ask) -> Iterator[Source]:
    """The past that is here and that others told of, as one."""
    if pasts is None or not any(each.evolutions for each in pasts.heard):
        yield here
        return
    told, extra = pasts.told(extra=False), pasts.told(extra=True)
    window = ask.selection(Elsewhere.ids(told, extra))
    yield Merged([here, Elsewhere(told, extra, here, window)])


async def ask_one(
    dispatch: Dispatch,
    asker: Asker,
    registrations: Sequence[Registration],
    id: str,
    query: Query,
    ask: Ask,
) -> Pasts:
    """What sources know of the past of one entity; `query` says of which types and attributes."""
    wanted = Wanted((id,), None, query.types, frozenset(query.attributes))
    able = [r for r in registrations if not r.operations.isdisjoint(_ONE)]
    heard = await asyncio.gather(
        *(_ask_for(dispatch, asker, part, id, query, ask) for part in parts_of(able, wanted))
    )
    return Pasts(list(heard))


async def ask_some(
    dispatch: Dispatch,
    asker: Asker,
    registrations: Sequence[Registration],
    query: Query,
    ask: Ask,
    *,
    split: bool,
) -> Pasts:
    """What sources know of the pasts that a query is about, as far as a page needs."""
    able = [r for r in registrations if "queryTemporal" in r.operations]
    window = MOST if split or query.count else min(query.offset + query.limit + 1, MOST)
    heard = await asyncio.gather(
        *(
            _ask(dispatch, asker, part, query, ask, split=split, window=window)
            for part in parts_of_query(able, query)
        )
    )
    return Pasts(list(heard))


async def _ask_for(
    dispatch: Dispatch, asker: Asker, part: Part, id: str, query: Query, ask: Ask
) -> Heard:
    registration = part.registration
    if "retrieveTemporal" not in registration.operations:
        if ask.filter is None:  # a query cannot do without
            return Heard(part)
        return await _ask(dispatch, asker, part, query, ask, split=True, window=1)
    speech = await dispatch.speech(registration, asker)
    if isinstance(speech, Failure):
        return _failed(part, speech)
    given = selection(part, query, speech.context.compact) | _along(ask, whole=False)
    given.pop("id", None)
    given.pop("idPattern", None)
    asked = Question("GET", f"/temporal{entity_path(id)}", given)
    answer = await dispatch.send(registration, asker, speech, asked, asks=True)
    if isinstance(answer, Failure):
        return _failed(part, answer)
    return await _read(dispatch, part, speech, answer, 1)


async def _ask(
    dispatch: Dispatch,
    asker: Asker,
    part: Part,
    query: Query,
    ask: Ask,
    *,
    split: bool,
    window: int,
) -> Heard:
    """Page after page, until `window` entities are there or the source has no more."""
    registration = part.registration
    speech = await dispatch.speech(registration, asker)
    if isinstance(speech, Failure):
        return _failed(part, speech)
    compact = speech.context.compact
    given = selection(part, query, compact) | _along(ask, whole=split)
    if not split:
        given |= filters_of(replace(query, dataset_ids=()), compact)
    heard = Heard(part)
    while heard.offered < window:
        limit = min(window - heard.offered, _STEP)
        steps = {"limit": str(limit)} | ({"offset": str(heard.offered)} if heard.offered else {})
        asked = Question("GET", "/temporal/entities", given | steps)
        answer = await dispatch.send(registration, asker, speech, asked, asks=True)
        if isinstance(answer, Failure):
            return replace(heard, warned=(*heard.warned, *_failed(part, answer).warned))
        step = await _read(dispatch, part, speech, answer, limit)
        edges = [edge for edge in (heard.edge, step.edge) if edge is not None]
        heard = Heard(
            part,
            heard.evolutions + step.evolutions,
            heard.offered + step.offered,
            step.whole,
            _nearest(edges, ask),
            (*heard.warned, *step.warned),
        )
        if step.whole:
            break
    if not heard.whole and window == MOST:
        fact = f"it has more than {MOST:,} entities that may be meant; the others are left out"
        heard = replace(heard, warned=(*heard.warned, Warned(199, registration.id, fact)))
    return heard


def _along(ask: Ask, *, whole: bool) -> dict[str, str]:
    """The parameters of the time that is asked for; the newest alone where they are enough."""
    given = {"options": "sysAttrs"}
    if ask.filter is not None:
        given |= print_temporal(ask.filter)
    elif ask.timed:
        given["timeproperty"] = ask.along
    if ask.last is not None and not whole:
        given["lastN"] = str(min(ask.last, ask.most + 1))
    return given


async def _read(
    dispatch: Dispatch, part: Part, speech: Speech, answer: Answer, limit: int
) -> Heard:
    reading = evolutions_in(
        answer.response, part, speech.context, dispatch.contexts, dispatch.depth, limit
    )
    heard = await take_in(dispatch, part.registration, answer, reading)
    if isinstance(heard, Warned):
        return Heard(part, warned=(heard,))
    evolutions, offered, warned = heard
    edge = _edge(answer)
    if answer.response.status == 206 and edge is None:
        warned.append(Warned(111, part.registration.id, "it told a part without saying which"))
    return Heard(part, tuple(evolutions), offered, offered < limit, edge, tuple(warned))


def _edge(answer: Answer) -> int | None:
    """Where an answer that is not complete ends, if it says so."""
    if answer.response.status != 206:
        return None
    found = _RANGE.fullmatch(answer.response.headers.get("content-range", "").strip())
    return None if found is None else moment(found[2])


def _nearest(edges: list[int], ask: Ask) -> int | None:
    if not edges:
        return None
    return min(edges) if ask.last is None else max(edges)


def _failed(part: Part, failure: Failure) -> Heard:
    warned = failure.warned(part.registration)
    return Heard(part, warned=(warned,) if warned else ())
