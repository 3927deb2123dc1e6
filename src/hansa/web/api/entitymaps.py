"""``/entityMaps/`` and the use of entity maps in queries (clauses 6.32, 6.34, 6.4.3.2 and 5.14, 5.5.14)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from hansa.hub.federation.asks import wanted_in
from hansa.hub.federation.entitymaps import LONGEST, EntityMap, id_in
from hansa.hub.federation.linkedmaps import Link
from hansa.hub.federation.mapped import Reading, candidates, walk
from hansa.hub.federation.reads import Found
from hansa.kernel.errors import BadRequest, InvalidRequest, NotFound
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context
from hansa.ngsild.query import Query
from hansa.ngsild.temporal import parse_datetime, parse_duration
from hansa.web.api.answer import Answer, nothing, plain
from hansa.web.api.body import read_body_query
from hansa.web.api.call import JSON, LD_JSON, MERGE_JSON, Call
from hansa.web.api.distribution import Reach, warn
from hansa.web.api.look import read_look
from hansa.web.api.params import flag
from hansa.web.api.selection import read_query

__all__ = [
    "MappedPage",
    "create",
    "create_by_body",
    "delete",
    "keep_map",
    "known_map",
    "location_of",
    "mapped_page",
    "retrieve",
    "update",
    "wants_map",
]

_PLACE: Final = "/ngsi-ld/v1/entityMaps/"
_MONTH: Final = timedelta(days=30)


def location_of(found: EntityMap) -> bytes:
    """The resource of a map."""
    return (_PLACE + quote(found.id, safe=":")).encode()


def wants_map(call: Call) -> bool:
    """Whether a request asks for an entity map, or names one to be used."""
    if b"ngsild-entitymap" in call.headers:
        return True
    return "entityMap" in call.query and flag(call.query, "entityMap")


def known_map(call: Call) -> EntityMap | None:
    """The map that a request names, if it is there and has not expired."""
    location = call.headers.get(b"ngsild-entitymap")
    if location is None:
        return None
    maps = call.service.federation.maps
    return maps.get(_owner(call), id_in(location), call.service.clock.now())


def _owner(call: Call) -> Hashable:
    """Whose the maps of a request are: what one may see is not for others."""
    return call.tenant, call.principal


def keep_map(
    call: Call, sources: dict[str, Sequence[str]], linked: Mapping[str, Link] | None = None
) -> EntityMap:
    """A new map, for as long as the request wishes; `linked` are those of sources."""
    lifetime = _lifetime(call)
    maps = call.service.federation.maps
    return maps.make(_owner(call), call.service.clock.now(), sources, lifetime, linked)


def _lifetime(call: Call) -> timedelta | None:
    text = call.query.get("entityMapLifetime")
    if text is None:
        return None
    wish = parse_duration(text, "the parameter 'entityMapLifetime'")
    if not wish:
        raise BadRequest("the parameter 'entityMapLifetime'", "is no time at all", "say PT15M")
    return min(min(wish.exact, LONGEST) + wish.months * _MONTH, LONGEST)


@dataclass(frozen=True, slots=True)
class MappedPage:
    """A page of a query, read through a map that was made for it or named by the request."""

    found: Found
    map: EntityMap
    is_new: bool


async def mapped_page(call: Call, context: Context, query: Query) -> MappedPage:
    """One page of a query through an entity map (clause 5.5.9.3)."""
    reading = _reading(call, context, query)
    if query.order:
        raise BadRequest(
            "orderBy", "an entity map has an order of its own", "leave one of them out"
        )
    known = known_map(call)
    through = known if known is not None else await _made(call, reading, query)
    found = await walk(reading, query, through)
    warn(call, found.warned)
    return MappedPage(found, through, known is None)


def _reading(call: Call, context: Context, query: Query) -> Reading:
    reach = Reach(call, context, call.reader())
    # a map would tell of what others have that whoever asks may not see
    is_local = flag(call.query, "local") or call.snapshot is not None or reach.hides
    registrations = [] if is_local else reach.concerned(wanted_in(query), geo=query.geo)
    return Reading(
        reach.dispatch, reach.asker, registrations, reach.entities, reach.splits and not is_local
    )


async def _made(call: Call, reading: Reading, query: Query) -> EntityMap:
    sources, links = await candidates(reading, query)
    warn(call, links.warned)
    return keep_map(call, dict(sources), links.maps)


async def create(call: Call) -> Answer:
    """Create EntityMap for Query Entities: 6.34.3.1, 5.14.4."""
    call.accepted(JSON, LD_JSON)
    context = await call.link_context()
    look = read_look(call, context)
    return await _created(call, context, read_query(call, context, look.join))


async def create_by_body(call: Call) -> Answer:
    """Create EntityMap for Query Entities via POST: 6.34.3.2, 5.14.4."""
    call.accepted(JSON, LD_JSON)
    payload = await call.json()
    context = await call.body_context(payload)
    query, _ = read_body_query(call, payload, context)
    return await _created(call, context, query)


async def _created(call: Call, context: Context, query: Query) -> Answer:
    _lifetime(call)  # before anyone is asked
    reading = _reading(call, context, query)
    made = await _made(call, reading, replace(query, order=()))
    answer = plain(201, made.shown())
    answer.headers.append((b"ngsild-entitymap", location_of(made)))
    return answer


async def retrieve(call: Call) -> Answer:
    """Retrieve EntityMap: 6.32.3.1, 5.14.1."""
    call.accepted(JSON, LD_JSON)
    call.reader()
    return plain(200, _found(call).shown())


async def update(call: Call) -> Answer:
    """Update EntityMap: 6.32.3.2, 5.14.2. Only its expiry can be changed (clause 5.5.14)."""
    found = _found(call)
    payload: Any = await call.json(JSON, LD_JSON, MERGE_JSON)
    if not isinstance(payload, dict):
        raise InvalidRequest("the request body", "is not a JSON object", "send { … }")
    if "expiresAt" in payload:
        latest = call.service.clock.now() + LONGEST
        found.expires_at = min(parse_datetime(payload["expiresAt"], "member expiresAt"), latest)
    return nothing()


async def delete(call: Call) -> Answer:
    """Delete EntityMap: 6.32.3.3, 5.14.3."""
    found = _found(call)
    call.service.federation.maps.remove(_owner(call), found.id)
    return nothing()


def _found(call: Call) -> EntityMap:
    """The map in the path; whoever may read may make one, and so may end it."""
    call.reader()
    id = call.path[0]
    if not is_uri(id):
        raise BadRequest(f"entity map {id[:120]!r}", "is not a URI", "correct it")
    found = call.service.federation.maps.get(_owner(call), id, call.service.clock.now())
    if found is None:
        raise NotFound(f"entity map {id}", "does not exist, or has expired", "make a new one")
    return found
