"""Asking sources for the past of entities (clauses 5.7.3 and 5.7.4).

A source is asked for instances, never for sums or pairs, so that what several know can be put together
first. Pages are counted in the order of identifiers, which is that of this node; of a source that keeps
another order more is asked than a page needs only when filters are applied here, or all are counted.

A source may answer with a part of the time that was asked for (206). It is asked for the rest
(:mod:`.stretches`); if that cannot be had, the whole answer is that of this part, for it is complete in no
more; :attr:`Heard.edge` says where it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
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
from hansa.hub.federation.linkedmaps import LINK, Links, link_all
from hansa.hub.federation.paging import Pages
from hansa.hub.federation.sources import Answer, Failure
from hansa.hub.federation.speech import Speech
from hansa.hub.federation.stretches import beyond, edge_of, nearest
from hansa.hub.federation.taking import take_in
from hansa.hub.federation.warnings import Warned
from hansa.hub.registrations.matching import Part, Wanted, parts_of
from hansa.hub.registrations.model import Registration
from hansa.hub.temporal import Ask
from hansa.ngsild.query import Query
from hansa.ngsild.temporal import print_temporal
from hansa.store.history import Source
from hansa.store.merged import Merged

__all__ = ["Heard", "Pasts", "ask_one", "ask_some", "joined", "link_pasts"]

MOST: Final = 1000
"""Entities that one source is asked for at most."""

_STEP: Final = 100
_ONE: Final = frozenset({"retrieveTemporal", "queryTemporal"})
_ALL: Final = "/temporal/entities"


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

    @property
    def instances(self) -> int:
        """How many instances were told."""
        return sum(len(each) for e in self.evolutions for each in e.series.values())

    def with_more(self, step: Heard, ask: Ask, *, whole: bool) -> Heard:
        """This, and what another page told."""
        edges = [edge for edge in (self.edge, step.edge) if edge is not None]
        return Heard(
            self.part,
            self.evolutions + step.evolutions,
            self.offered + step.offered,
            whole,
            nearest(edges, ask),
            (*self.warned, *step.warned),
        )


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
    maps: Mapping[str, str] = MappingProxyType({}),
) -> Pasts:
    """What sources know of the past of one entity; `query` says of which types and attributes.

    `maps` are entity maps of theirs that they are to look through, by registration.
    """
    wanted = Wanted((id,), None, query.types, frozenset(query.attributes))
    able = [r for r in registrations if not r.operations.isdisjoint(_ONE)]
    heard = await asyncio.gather(
        *(
            _ask_for(dispatch, asker, part, id, query, ask, maps.get(part.registration.id))
            for part in parts_of(able, wanted)
        )
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
    maps: Mapping[str, str] = MappingProxyType({}),
) -> Pasts:
    """What sources know of the pasts that a query is about, as far as a page needs."""
    able = [r for r in registrations if "queryTemporal" in r.operations]
    window = MOST if split or query.count else min(query.offset + query.limit + 1, MOST)
    heard = await asyncio.gather(
        *(
            _ask(
                dispatch,
                asker,
                part,
                query,
                ask,
                split=split,
                window=window,
                through=maps.get(part.registration.id),
            )
            for part in parts_of_query(able, query)
        )
    )
    return Pasts(list(heard))


async def link_pasts(
    dispatch: Dispatch,
    asker: Asker,
    registrations: Sequence[Registration],
    query: Query,
    ask: Ask,
    *,
    split: bool,
) -> Links:
    """The maps that sources make of a query for the past (6.35.3.1)."""

    def making(part: Part, compact: Callable[[str], str]) -> Question:
        filters = filters_of(part, replace(query, dataset_ids=()), compact, split=split)
        given = selection(part, query, compact) | filters | _along(ask, whole=split)
        del given["options"]
        return Question("GET", "/temporal/entityMaps", given)

    parts = parts_of_query(registrations, query)
    return await link_all(dispatch, asker, parts, "createEntityMapQueryTemporal", making)


async def _ask_for(
    dispatch: Dispatch,
    asker: Asker,
    part: Part,
    id: str,
    query: Query,
    ask: Ask,
    through: str | None,
) -> Heard:
    registration = part.registration
    if "retrieveTemporal" not in registration.operations:
        if ask.filter is None:  # a query cannot do without
            return Heard(part)
        return await _ask(dispatch, asker, part, query, ask, split=True, window=1, through=through)
    speech = await dispatch.speech(registration, asker)
    if isinstance(speech, Failure):
        return _failed(part, speech)
    given = selection(part, query, speech.context.compact)
    given.pop("id", None)
    given.pop("idPattern", None)
    talk = _Talk(dispatch, asker, part, speech, Pages(dispatch, asker, registration), through)
    path = f"/temporal{entity_path(id)}"
    asked = Question("GET", path, given | _along(ask, whole=False))
    answer = await talk.put(asked)
    if isinstance(answer, Failure):
        return _failed(part, answer)
    return await talk.rest_of(path, given, await talk.read(answer, 1), ask, whole=False)


async def _ask(
    dispatch: Dispatch,
    asker: Asker,
    part: Part,
    query: Query,
    ask: Ask,
    *,
    split: bool,
    window: int,
    through: str | None = None,
) -> Heard:
    """Page after page, until `window` entities are there or the source has no more."""
    registration = part.registration
    speech = await dispatch.speech(registration, asker)
    if isinstance(speech, Failure):
        return _failed(part, speech)
    compact = speech.context.compact
    chosen = selection(part, query, compact)
    filters = filters_of(part, replace(query, dataset_ids=()), compact, split=split)
    given = chosen | filters | _along(ask, whole=split)
    heard = Heard(part)
    pages = Pages(dispatch, asker, registration)
    talk = _Talk(dispatch, asker, part, speech, pages, through)
    while heard.offered < window:
        limit = min(window - heard.offered, _STEP)
        steps = {"limit": str(limit)} | ({"offset": str(heard.offered)} if heard.offered else {})
        asked = pages.question(Question("GET", _ALL, given | steps))
        answer = await talk.put(asked)
        if isinstance(answer, Failure):
            return replace(heard, warned=(*heard.warned, *pages.missed(answer)))
        step = await talk.read(answer, window - heard.offered)
        told = heard.offered + step.offered
        pages.took(asked, answer, step.offered, limit, told)
        step = await talk.rest_of(_ALL, chosen, step, ask, whole=split)
        heard = heard.with_more(step, ask, whole=pages.whole)
        if pages.whole or (step.warned and not step.offered):
            break
        if told < window and not pages.may_go_on():
            return replace(heard, warned=(*heard.warned, pages.cut_short(told)))
    if not heard.whole and window == MOST:
        fact = f"it has more than {MOST:,} entities that may be meant; the others are left out"
        heard = replace(heard, warned=(*heard.warned, Warned(199, registration.id, fact)))
    return heard


@dataclass(frozen=True, slots=True)
class _Talk:
    """A talk with one source about one part, `through` an entity map of its own."""

    dispatch: Dispatch
    asker: Asker
    part: Part
    speech: Speech
    pages: Pages
    through: str | None = None

    async def put(self, question: Question) -> Answer | Failure:
        """Put a question."""
        more = {} if self.through is None else {LINK: self.through}
        return await self.dispatch.send(
            self.part.registration, self.asker, self.speech, question, asks=True, more=more
        )

    async def read(self, answer: Answer, limit: int) -> Heard:
        """What an answer tells."""
        dispatch, part, response = self.dispatch, self.part, answer.response
        reading = evolutions_in(
            response, part, self.speech.context, dispatch.contexts, dispatch.depth, limit
        )
        heard = await take_in(dispatch, part.registration, answer, reading)
        if isinstance(heard, Warned):
            return Heard(part, warned=(heard,))
        evolutions, offered, warned = heard
        edge = edge_of(response)
        if response.status == 206 and edge is None:
            warned.append(Warned(111, part.registration.id, "it told a part without saying which"))
        return Heard(part, tuple(evolutions), offered, offered < limit, edge, tuple(warned))

    async def rest_of(
        self, path: str, chosen: Mapping[str, str], step: Heard, ask: Ask, *, whole: bool
    ) -> Heard:
        """What was told, with what the source tells of the time beyond it, as far as an answer has room.

        What the entities of a page had to fulfil they did in the whole time: they are asked for by their
        identifiers, without filters.
        """
        about = dict(chosen)
        if path == _ALL:
            ids = dict.fromkeys(evolution.head.id for evolution in step.evolutions)
            about = {k: v for k, v in chosen.items() if k != "idPattern"}
            about |= {"id": ",".join(ids), "limit": str(max(len(ids), 1))}
        while step.edge is not None and step.instances <= ask.most and self.pages.may_go_on():
            further = beyond(ask, step.edge)
            if further is None or not step.evolutions:
                break
            asked = Question("GET", path, about | _along(further, whole=whole))
            answer = await self.put(asked)
            if isinstance(answer, Failure):
                step = replace(step, edge=None) if answer.code == 0 else step
                break  # nothing is there, or it stays the part that it was
            more = await self.read(answer, max(len(step.evolutions), 1))
            if more.warned or (more.edge is not None and not _further(more.edge, step.edge, ask)):
                break
            evolutions = step.evolutions + more.evolutions
            step = replace(step, evolutions=evolutions, edge=more.edge)
        return step


def _further(edge: int, before: int | None, ask: Ask) -> bool:
    return before is not None and (edge > before if ask.last is None else edge < before)


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


def _failed(part: Part, failure: Failure) -> Heard:
    warned = failure.warned(part.registration)
    return Heard(part, warned=(warned,) if warned else ())
