"""Reading entities from here and from the sources at once (clauses 5.7.1 and 5.7.2).

Everyone who may know something is asked at the same time. One that is late, silent, or answers what it
should not becomes a warning; the answer is made of what the others know.

A page of a query is cut from one list: the entities here in their order, then those of each source in
its order that had not come before. To know the first n of that list it is enough to have the first n
of everyone. What a source knows of an entity on the page may lie further down its own list; then it is
asked for these by identifier, in a second round.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from hansa.hub.federation.asker import Asker
from hansa.hub.federation.asks import Question, entity_path, parts_of_query, question
from hansa.hub.federation.dispatch import Dispatch
from hansa.hub.federation.filters import fulfils
from hansa.hub.federation.incoming import entities_in
from hansa.hub.federation.linkedmaps import LINK
from hansa.hub.federation.merging import merged
from hansa.hub.federation.paging import Pages
from hansa.hub.federation.sources import Answer, Failure
from hansa.hub.federation.taking import take_in
from hansa.hub.federation.warnings import Warned
from hansa.hub.registrations.matching import Part, Wanted, parts_of
from hansa.hub.registrations.model import Registration
from hansa.kernel.errors import TooComplexQuery
from hansa.ngsild.context import Context
from hansa.ngsild.model import Entity
from hansa.ngsild.query import Query

__all__ = ["MOST", "Found", "Heard", "hear", "page_of", "retrieve", "together"]

_STEP: Final = 1000
MOST: Final = 10_000
_BY_ID: Final = 100


@dataclass(frozen=True, slots=True)
class Heard:
    """What the source of one part answered to a query.

    Attributes:
        offered: how many entities it named, also those that do not count.
        whole: whether that is all it has.
        total: how many it says that it has; None when it does not say.
    """

    part: Part
    entities: tuple[Entity, ...] = ()
    offered: int = 0
    whole: bool = True
    total: int | None = None
    warned: tuple[Warned, ...] = ()


@dataclass(slots=True)
class Found:
    """Entities put together, with what went wrong and who contributed (identifiers to registrations)."""

    entities: list[Entity]
    warned: list[Warned] = field(default_factory=list)
    more: bool = False
    total: int | None = None
    origins: dict[str, list[str]] = field(default_factory=dict)


async def retrieve(
    dispatch: Dispatch,
    asker: Asker,
    registrations: Sequence[Registration],
    id: str,
    wanted: Wanted,
    local: Entity | None,
    maps: Mapping[str, str] = MappingProxyType({}),
) -> Found:
    """One entity, from here (`local`) and everywhere else; none or one is found. `maps`: see :func:`hear`."""
    able = [r for r in registrations if _way(r, "retrieveEntity", "queryEntity", "queryBatch")]
    heard = await asyncio.gather(
        *(
            _ask_for(dispatch, asker, part, id, maps.get(part.registration.id))
            for part in parts_of(able, wanted)
        )
    )
    versions = [local] if local is not None else []
    versions += [e for h in heard if not _is_extra(h.part) for e in h.entities]
    extra = [e for h in heard if _is_extra(h.part) for e in h.entities]
    entity = merged(versions, extra, asker.now)
    warned = [w for h in heard for w in h.warned]
    origins = [h.part.registration.id for h in heard if h.entities]
    return Found([] if entity is None else [entity], warned, origins={id: origins})


def _through(location: str | None) -> dict[str, str]:
    return {} if location is None else {LINK: location}


async def _ask_for(
    dispatch: Dispatch, asker: Asker, part: Part, id: str, through: str | None
) -> Heard:
    registration = part.registration
    if "retrieveEntity" not in registration.operations:
        query = Query(ids=(id,), types=None)
        return await _ask(dispatch, asker, part, query, split=True, window=1, through=through)
    speech = await dispatch.speech(registration, asker)
    if isinstance(speech, Failure):
        return _failed(part, speech)
    compact = speech.context.compact
    parameters = {"options": "sysAttrs"}
    if part.types:
        parameters["type"] = ",".join(sorted(compact(name) for name in part.types))
    if part.attributes:
        parameters["attrs"] = ",".join(sorted(compact(name) for name in part.attributes))
    asked = Question("GET", entity_path(id), parameters)
    answer = await dispatch.send(
        registration, asker, speech, asked, asks=True, more=_through(through)
    )
    if isinstance(answer, Failure):
        return _failed(part, answer)
    return await _read(dispatch, part, speech.context, answer, 1)


async def hear(
    dispatch: Dispatch,
    asker: Asker,
    registrations: Iterable[Registration],
    query: Query,
    *,
    split: bool,
    window: int,
    count: bool = False,
    by_body: bool = False,
    maps: Mapping[str, str] = MappingProxyType({}),
) -> list[Heard]:
    """The first `window` entities of everyone who may have some, in the order of the registrations.

    `maps` are entity maps of theirs that they are to look through (5.7.2.4), by registration.
    """
    able = [r for r in registrations if _way(r, "queryEntity", "queryBatch")]
    return list(
        await asyncio.gather(
            *(
                _ask(
                    dispatch,
                    asker,
                    part,
                    query,
                    split=split,
                    window=window,
                    count=count,
                    by_body=by_body,
                    through=maps.get(part.registration.id),
                )
                for part in parts_of_query(able, query)
            )
        )
    )


async def _ask(
    dispatch: Dispatch,
    asker: Asker,
    part: Part,
    query: Query,
    *,
    split: bool,
    window: int,
    count: bool = False,
    by_body: bool = False,
    through: str | None = None,
) -> Heard:
    """Page after page, until `window` entities are there or the source has no more."""
    registration = part.registration
    speech = await dispatch.speech(registration, asker)
    if isinstance(speech, Failure):
        return _failed(part, speech)
    body = _way(registration, *("queryBatch", "queryEntity")[:: 1 if by_body else -1])
    heard = Heard(part)
    pages = Pages(dispatch, asker, registration)
    while heard.offered < window:
        limit = min(window - heard.offered, _STEP)
        asked = question(
            part,
            query,
            speech.context.compact,
            split=split,
            limit=limit,
            offset=heard.offered,
            count=count and not heard.offered,
            by_body=body == "queryBatch",
        )
        asked = pages.question(asked)
        answer = await dispatch.send(
            registration, asker, speech, asked, asks=True, more=_through(through)
        )
        if isinstance(answer, Failure):
            missed = pages.missed(answer)
            return replace(heard, warned=(*heard.warned, *missed))
        step = await _read(dispatch, part, speech.context, answer, window - heard.offered)
        told = heard.offered + step.offered
        pages.took(asked, answer, step.offered, limit, told)
        heard = replace(
            heard,
            entities=heard.entities + step.entities,
            offered=heard.offered + step.offered,
            total=step.total if heard.total is None else heard.total,
            warned=(*heard.warned, *step.warned),
            whole=pages.whole,
        )
        if pages.whole or (step.warned and not step.offered):
            break
        if told < window and not pages.may_go_on():
            return replace(heard, warned=(*heard.warned, pages.cut_short(told)))
    return heard


async def _read(
    dispatch: Dispatch, part: Part, spoken: Context, answer: Answer, limit: int
) -> Heard:
    """What an answer says; it is whole when it holds less than was asked for."""
    reading = entities_in(answer.response, part, spoken, dispatch.contexts, dispatch.depth, limit)
    heard = await take_in(dispatch, part.registration, answer, reading)
    if isinstance(heard, Warned):
        return Heard(part, warned=(heard,))
    entities, offered, warned = heard
    said = answer.response.headers.get("ngsild-results-count", "")
    total = int(said) if said.isdigit() and len(said) < 12 else None
    return Heard(part, tuple(entities), offered, offered < limit, total, tuple(warned))


def _failed(part: Part, failure: Failure) -> Heard:
    warned = failure.warned(part.registration)
    return Heard(part, warned=(warned,) if warned else ())


def _left_out(heard: Heard) -> Warned:
    fact = f"it has more than {MOST:,} entities that may be meant; the others are left out"
    return Warned(199, heard.part.registration.id, fact)


def _way(registration: Registration, *names: str) -> str | None:
    """The first of some operations that the source offers."""
    return next((name for name in names if name in registration.operations), None)


def _is_extra(part: Part) -> bool:
    return part.registration.mode == "auxiliary"


async def page_of(
    dispatch: Dispatch,
    asker: Asker,
    registrations: Sequence[Registration],
    query: Query,
    local: Callable[[Query], Sequence[Entity]],
    local_total: Callable[[Query], int],
    *,
    split: bool,
    by_body: bool = False,
    cut: Callable[[Sequence[Entity]], list[Entity]] | None = None,
) -> Found:
    """One page of a query over this node and its sources.

    Args:
        cut: what of entities may be seen, called in a thread; then they are filtered here, as split ones are.
        local: the entities here of a query, in their order; called in a thread.
        local_total: how many there are here; called in a thread when the total is wanted.

    Raises:
        TooComplexQuery: the page lies too far down the list.
    """
    split = split or cut is not None
    window = _window(query, split=split)
    here = replace(query, offset=0, limit=window, count=False)
    if split:
        here = replace(here, attributes=(), q=None, scope=None, geo=None, dataset_ids=())
    own, heard = await asyncio.gather(
        asyncio.to_thread(local, here),
        hear(
            dispatch,
            asker,
            registrations,
            query,
            split=split,
            window=window,
            count=query.count,
            by_body=by_body,
        ),
    )
    found = together(own, heard, asker.now)
    if cut is not None:
        found.entities = await asyncio.to_thread(cut, found.entities)
    if split:
        found.warned += [_left_out(h) for h in heard if not h.whole and h.offered >= window]
        found.entities = [e for e in found.entities if fulfils(e, query)]
        found.total = len(found.entities)
    elif query.count:
        counted = await asyncio.to_thread(local_total, query)
        found.total = _total(counted, own, heard, found)
    found.more = len(found.entities) > query.offset + query.limit
    found.entities = found.entities[query.offset : query.offset + query.limit]
    if not split:
        await _fill(dispatch, asker, query, heard, found)
    return found


def _window(query: Query, *, split: bool) -> int:
    """How many entities of everyone a page takes; of split ones, all that may be asked for."""
    window = query.offset + query.limit + 1
    if window > MOST:
        raise TooComplexQuery(
            "the query",
            f"reaches beyond the first {MOST:,} entities of several sources",
            "narrow it down, or ask for an entity map (entityMap=true)",
        )
    return MOST if split else window


def together(own: Sequence[Entity], heard: Sequence[Heard], now: str) -> Found:
    """Everything that was said, one entity for each identifier, in the order of the page."""
    versions: dict[str, list[Entity]] = {entity["id"]: [entity] for entity in own}
    extras: dict[str, list[Entity]] = {}
    origins: dict[str, list[str]] = {}
    for each in heard:
        kept = extras if _is_extra(each.part) else versions
        for entity in each.entities:
            kept.setdefault(entity["id"], []).append(entity)
            origins.setdefault(entity["id"], []).append(each.part.registration.id)
    entities = []
    for id in dict.fromkeys((*versions, *extras)):
        whole = merged(versions.get(id, ()), extras.get(id, ()), now)
        if whole is not None:
            entities.append(whole)
    return Found(entities, [w for each in heard for w in each.warned], origins=origins)


def _total(counted: int, own: Sequence[Entity], heard: Sequence[Heard], found: Found) -> int:
    """How many entities there are: exact when everyone said everything, else those known twice are
    taken off."""
    said = counted + sum(max(len(h.entities), h.total or 0) for h in heard)
    twice = len(own) + sum(len(h.entities) for h in heard) - len(found.entities)
    return said - twice


async def _fill(
    dispatch: Dispatch, asker: Asker, query: Query, heard: Sequence[Heard], found: Found
) -> None:
    """Ask the sources that have more than they said for what they know of the entities of the page."""
    asks = []
    for each in heard:
        if each.whole:
            continue
        known = {entity["id"] for entity in each.entities}
        missing = [
            e["id"]
            for e in found.entities
            if e["id"] not in known and each.part.covers(e["id"], e["type"])
        ]
        for start in range(0, len(missing), _BY_ID):
            ids = tuple(missing[start : start + _BY_ID])
            wanted = replace(each.part.wanted, ids=ids)
            part = replace(each.part, ids=ids, wanted=wanted)
            asks.append(_ask(dispatch, asker, part, query, split=True, window=len(ids) + 1))
    if not asks:
        return
    more = await asyncio.gather(*asks)
    joined = together(found.entities, more, asker.now)
    kept = {entity["id"] for entity in found.entities}
    found.entities = [entity for entity in joined.entities if entity["id"] in kept]
    found.warned += joined.warned
    for id, names in joined.origins.items():
        found.origins.setdefault(id, []).extend(names)
