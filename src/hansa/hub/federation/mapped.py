"""Making entity maps, and reading pages through them (clauses 5.14.4, 5.5.9.3 and 5.5.14).

A map holds candidates: whoever fulfilled the query when it was made or, where entities may be split,
everything of the right kind. A page is filled from them in order; each is read again from those who
have it, and one that does not (or no longer) fulfil the query leaves the map.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from hansa.hub.federation.asker import Asker
from hansa.hub.federation.asks import Question, filters_of, parts_of_query, selection
from hansa.hub.federation.dispatch import Dispatch
from hansa.hub.federation.entitymaps import HERE, EntityMap
from hansa.hub.federation.filters import fulfils
from hansa.hub.federation.linkedmaps import Links, link_all
from hansa.hub.federation.reads import MOST, Found, hear, together
from hansa.hub.registrations.matching import Part
from hansa.hub.registrations.model import Registration
from hansa.kernel.errors import TooManyResults
from hansa.ngsild.model import Entity
from hansa.ngsild.query import Query

__all__ = ["Reading", "candidates", "walk"]

_STEP: Final = 200

Local = Callable[[Query], Sequence[Entity]]


@dataclass(frozen=True, slots=True)
class Reading:
    """A query over this node and its sources.

    Attributes:
        local: the entities here of a query, in their order; called in a thread.
        split: whether entities may be spread over several sources.
    """

    dispatch: Dispatch
    asker: Asker
    registrations: Sequence[Registration]
    local: Local
    split: bool = False


def _unfiltered(query: Query) -> Query:
    return replace(query, attributes=(), q=None, scope=None, geo=None, dataset_ids=(), order=())


async def candidates(reading: Reading, query: Query) -> tuple[Mapping[str, Sequence[str]], Links]:
    """Who has what of a query: identifiers of entities, in order, with their sources; and their maps.

    Raises:
        TooManyResults: more than a map can hold.
    """
    whole = _unfiltered(query) if reading.split else query
    here = replace(whole, offset=0, limit=MOST, count=False)
    links = await link_all(
        reading.dispatch,
        reading.asker,
        parts_of_query(reading.registrations, query),
        "createEntityMapQueryEntity",
        partial(_map_of, query=query, split=reading.split),
    )
    own, heard = await asyncio.gather(
        asyncio.to_thread(reading.local, here),
        hear(
            reading.dispatch,
            reading.asker,
            links.left(reading.registrations),
            query,
            split=reading.split,
            window=MOST,
        ),
    )
    most = max((len(own), len(links.entities), *(len(each.entities) for each in heard)))
    if most >= MOST:
        raise TooManyResults(
            "the entity map",
            f"would hold {MOST:,} entities of one source or more",
            "narrow it down",
        )
    sources: dict[str, list[str]] = {entity["id"]: [HERE] for entity in own}
    for each in heard:
        for entity in each.entities:
            sources.setdefault(entity["id"], []).append(each.part.registration.id)
    for id, names in links.entities.items():
        sources.setdefault(id, []).extend(names)
    links.warned += [w for each in heard for w in each.warned]
    return sources, links


def _map_of(part: Part, compact: Callable[[str], str], *, query: Query, split: bool) -> Question:
    """The question for a map of what `part` of a query finds (6.34.3.1)."""
    given = selection(part, query, compact) | filters_of(part, query, compact, split=split)
    return Question("GET", "/entityMaps", given)


async def walk(reading: Reading, query: Query, through: EntityMap) -> Found:
    """One page of a query through a map, from which what does not fulfil it is dropped."""
    wanted_ids = set(query.ids)
    ids = [id for id in through.sources if not wanted_ids or id in wanted_ids]
    enough = query.offset + query.limit + 1
    found = Found([])
    for start in range(0, len(ids), _STEP):
        step = ids[start : start + _STEP]
        part = await _read(reading, query, step, through)
        found.entities += part.entities
        found.warned += part.warned
        if not part.warned:  # what could not be asked for may still be there
            present = {entity["id"] for entity in part.entities}
            through.drop(id for id in step if id not in present)
        if len(found.entities) >= enough and not query.count:
            break
    found.total = len(found.entities)
    found.more = len(found.entities) > query.offset + query.limit
    found.entities = found.entities[query.offset : query.offset + query.limit]
    return found


async def _read(reading: Reading, query: Query, ids: Sequence[str], through: EntityMap) -> Found:
    """The entities of one step that fulfil the query, in the order of the map."""
    mine = tuple(id for id in ids if HERE in through.sources[id])
    here = _unfiltered(query) if reading.split else query
    local = replace(here, ids=mine, offset=0, limit=len(mine), count=False, order=())
    named = {name for id in ids for name in through.sources[id]}
    asked = replace(query, ids=tuple(ids), selectors=(), offset=0, count=False, order=())
    own, heard = await asyncio.gather(
        asyncio.to_thread(reading.local, local) if mine else _none(),
        hear(
            reading.dispatch,
            reading.asker,
            [r for r in reading.registrations if r.id in named],
            asked,
            split=reading.split,
            window=len(ids) + 1,
            maps=through.locations,
        ),
    )
    found = together(own, heard, reading.asker.now)
    known = {entity["id"]: entity for entity in found.entities}
    kept = [known[id] for id in ids if id in known]
    if reading.split:
        kept = [entity for entity in kept if fulfils(entity, query)]
    return Found(kept, found.warned)


async def _none() -> Sequence[Entity]:
    return ()
