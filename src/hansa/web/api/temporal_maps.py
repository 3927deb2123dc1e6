"""``/temporal/entityMaps``: entities that a temporal query finds, fixed in a map (clauses 6.35 and 5.14.5)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from hansa.hub.federation.entitymaps import HERE, EntityMap
from hansa.hub.federation.linkedmaps import Links
from hansa.hub.federation.past import Pasts, joined
from hansa.hub.temporal import Ask, find
from hansa.kernel.errors import BadRequest, TooManyResults
from hansa.ngsild.model import NULL
from hansa.ngsild.query import Query
from hansa.store.port import Reader
from hansa.web.api.answer import Answer, plain
from hansa.web.api.call import JSON, LD_JSON, Call
from hansa.web.api.distribution import Reach, reach_of, warn
from hansa.web.api.entitymaps import keep_map, known_map, location_of
from hansa.web.api.look import read_look
from hansa.web.api.selection import read_query
from hansa.web.api.temporal_params import FORMS, read_ask

__all__ = ["create", "through_map"]

_MOST: Final = 10_000


async def create(call: Call) -> Answer:
    """Create EntityMap for Query Temporal Evolution of Entities: 6.35.3.1, 5.14.5."""
    call.accepted(JSON, LD_JSON)
    context = await call.link_context()
    look = read_look(call, context, more_options=FORMS)
    wanted = read_query(call, context)
    ask = read_ask(call, call.query, look.view)
    if ask.filter is None:
        raise BadRequest(
            "the temporal query", "is missing", "say timerel and timeAt, for example timerel=after"
        )
    made = await _made(call, wanted, ask, reach_of(call, context, call.reader()))
    answer = plain(201, made.shown())
    answer.headers.append((b"ngsild-entitymap", location_of(made)))
    return answer


async def _made(call: Call, wanted: Query, ask: Ask, reach: Reach | None) -> EntityMap:
    whole = replace(wanted, offset=0, limit=_MOST, count=False)
    if reach is not None and reach.hides:
        reach = None  # a map would tell of what others have and they may not see
    links = Links() if reach is None else await reach.past_links(whole, ask)
    pasts = None if reach is None else await reach.pasts(whole, ask, done=links.done)
    warn(call, links.warned)
    sources = await asyncio.to_thread(_sources, call.reader(), whole, ask, pasts)
    for id, names in links.entities.items():
        sources[id] = [*sources.get(id, ()), *names]
    if len(sources) > _MOST:
        raise _too_many()
    return keep_map(call, dict(sorted(sources.items())), links.maps)


async def through_map(
    call: Call, wanted: Query, ask: Ask, reach: Reach | None
) -> tuple[Query, EntityMap, bool]:
    """A query held to the entities of a map: that named by the request, or (True) one made for it."""
    known = known_map(call)
    through = known if known is not None else await _made(call, wanted, ask, reach)
    ids = [id for id in through.sources if not wanted.ids or id in wanted.ids]
    return replace(wanted, ids=tuple(ids) or (NULL,)), through, known is None


def _sources(
    store: Reader, whole: Query, ask: Ask, pasts: Pasts | None
) -> dict[str, Sequence[str]]:
    """The entities that have something in the window, in their order, with those who know of them."""
    with store.past() as here, joined(here, pasts, ask) as source:
        found = find(source, whole, replace(ask, bare=True))
        ids = [past.head.id for past in found.entities]
        mine = {id for id in ids if pasts is None or here.head(id) is not None}
    if found.more:
        raise _too_many()
    origins = {} if pasts is None else pasts.origins()
    return {id: [*([HERE] if id in mine else []), *origins.get(id, [])] for id in ids}


def _too_many() -> TooManyResults:
    return TooManyResults("the entity map", f"would hold more than {_MOST:,} entities", "narrow it")
