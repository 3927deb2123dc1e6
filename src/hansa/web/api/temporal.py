"""How entities evolved: ``/temporal/entities`` and ``temporal/entityOperations/query`` (5.7.3, 5.7.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hansa.hub.federation.entitymaps import HERE, EntityMap
from hansa.hub.federation.past import Pasts, joined
from hansa.hub.federation.warnings import Warned
from hansa.hub.targets import matches
from hansa.hub.temporal import Ask, Found, Past, find, past_of
from hansa.hub.temporal_range import cut
from hansa.hub.temporal_sums import Aggregation, Sums, sums_of, too_large
from hansa.kernel.errors import BadRequest, NotFound
from hansa.ngsild.query import Query
from hansa.ngsild.represent import View
from hansa.ngsild.temporal_view import conformed, show_head, show_instances, show_pairs, show_sums
from hansa.store.history import Selection
from hansa.store.port import Reader
from hansa.trust.guard.groups import GroupReader
from hansa.web.api.answer import Answer, Header, document
from hansa.web.api.body import read_body_history_query
from hansa.web.api.call import JSON, LD_JSON, Call
from hansa.web.api.distribution import reach_of, shown_attributes, warn
from hansa.web.api.entities import entity_id
from hansa.web.api.entitymaps import keep_map, known_map, location_of, wants_map
from hansa.web.api.listing import paging
from hansa.web.api.look import read_look
from hansa.web.api.selection import read_query, read_types
from hansa.web.api.temporal_maps import through_map
from hansa.web.api.temporal_params import FORMS, Form, read_aggregation, read_ask, read_form

__all__ = ["query", "query_by_body", "retrieve"]


@dataclass(slots=True)
class _Wish:
    """What of the past is wanted, and how it is shown; and whether that altered anything."""

    view: View
    form: Form
    ask: Ask
    aggregation: Aggregation | None
    altered: bool = False
    beyond: list[tuple[str, str]] = field(default_factory=list)


async def retrieve(call: Call) -> Answer:
    """Retrieve Temporal Evolution of an Entity: 6.19.3.1, 5.7.3."""
    kind = call.accepted(JSON, LD_JSON)
    id = entity_id(call)
    context = await call.link_context()
    look = read_look(call, context, more_options=FORMS)
    wish = _wish(call, call.query, look.view)
    types = read_types(call, context)
    about = Query(ids=(id,), types=types, attributes=shown_attributes(call, context))
    store = _reader(call, about, wish)
    reach = reach_of(call, context, store)
    pasts = None if reach is None else await reach.pasts(about, _whole(wish), id, known_map(call))
    body, range = await asyncio.to_thread(_one, store, id, wish, about, pasts)
    _warn_of_sums(call, wish, pasts)
    if look.may_leave_nothing and not body:
        raise NotFound(f"entity {id}", "has none of the members asked for")
    headers = [] if range is None else [(b"content-range", range.encode())]
    if wants_map(call):
        origins = [] if pasts is None else pasts.origins().get(id, [])
        through = known_map(call) or keep_map(call, {id: (HERE, *origins)})
        headers.append((b"ngsild-entitymap", location_of(through)))
    return document(call, body, context, kind, headers, _status(range, wish))


async def query(call: Call) -> Answer:
    """Query Temporal Evolution of Entities: 6.18.3.2, 5.7.4."""
    kind = call.accepted(JSON, LD_JSON)
    context = await call.link_context()
    look = read_look(call, context, more_options=FORMS)
    wanted = read_query(call, context)
    return await _page_of(call, wanted, _wish(call, call.query, look.view), kind)


async def query_by_body(call: Call) -> Answer:
    """Query Temporal Evolution of Entities by POST: 6.24.3.1, 5.7.4."""
    kind = call.accepted(JSON, LD_JSON)
    payload = await call.json()
    context = await call.body_context(payload)
    wanted, look, given = read_body_history_query(call, payload, context, FORMS)
    return await _page_of(call, wanted, _wish(call, given, look.view), kind)


def _reader(call: Call, wanted: Query, wish: _Wish) -> Reader:
    """What may be seen: where sums alone are wanted, it may be groups in place of entities."""
    if wish.aggregation is None:
        return call.reader()
    store = call.summed_reader(wanted)
    if isinstance(store, GroupReader):
        store.check_methods(wish.aggregation.methods)
        warn(call, [Warned(199, "", store.warning)])
    return store


def _wish(call: Call, given: Mapping[str, str], view: View) -> _Wish:
    form = read_form(call, given)
    aggregation = read_aggregation(given, view) if form == "aggregatedValues" else None
    ask = replace(read_ask(call, given, view), bare=aggregation is not None)
    return _Wish(view, form, ask, aggregation)


async def _page_of(call: Call, wanted: Query, wish: _Wish, kind: str) -> Answer:
    if wish.ask.filter is None:
        raise BadRequest(
            "the temporal query", "is missing", "say timerel and timeAt, for example timerel=after"
        )
    if wanted.limit == 0 and not wanted.count:
        raise BadRequest("the parameter 'limit'", "is 0 without count", "ask for count=true too")
    if any(order.path.names != ("id",) or order.path.trail for order in wanted.order):
        raise BadRequest("orderBy", "names another member than id", "history is ordered by id only")
    maps: list[Header] = []
    is_new = False
    through: EntityMap | None = None
    store = _reader(call, wanted, wish)
    reach = reach_of(call, wish.view.context, store)
    if wants_map(call):
        wanted, through, is_new = await through_map(call, wanted, wish.ask, reach)
        maps.append((b"ngsild-entitymap", location_of(through)))
    pasts = None if reach is None else await reach.pasts(wanted, _whole(wish), through=through)
    found, shown, range = await asyncio.to_thread(_many, store, wanted, wish, pasts)
    _warn_of_sums(call, wish, pasts)
    headers: list[Header] = [*paging(call, wanted, found.more, kind), *maps]
    if found.total is not None:
        headers.append((b"ngsild-results-count", str(found.total).encode()))
    if range is not None:
        headers.append((b"content-range", range.encode()))
    status = 201 if is_new and range is None else _status(range, wish)
    return document(call, shown, wish.view.context, kind, headers, status)


def _whole(wish: _Wish) -> Ask:
    """What sources are asked for: instances, also where only their sums are shown."""
    return replace(wish.ask, bare=False)


def _warn_of_sums(call: Call, wish: _Wish, pasts: Pasts | None) -> None:
    """Say which sources told a part only of what is summed up, and which sums no number can hold."""
    compact = wish.view.context.compact
    huge = [
        Warned(199, "", f"{method} of {compact(name)} is too large for a number and shown as null")
        for name, method in wish.beyond
    ]
    if huge:
        warn(call, huge)
    if pasts is not None and wish.aggregation is not None:
        fact = "it told a part of the time only; sums lack the rest"
        cut_short = [each.part.registration.id for each in pasts.heard if each.edge is not None]
        warn(call, [Warned(199, id, fact) for id in cut_short])


def _status(range: str | None, wish: _Wish) -> int:
    """206 for a part of the answer, 203 for one in the terms of an earlier version."""
    if range is not None:
        return 206
    return 203 if wish.altered else 200


def _one(
    store: Reader, id: str, wish: _Wish, about: Query, pasts: Pasts | None
) -> tuple[dict[str, Any], str | None]:
    types, named = about.types, bool(about.attributes)
    with store.past() as here, joined(here, pasts, wish.ask) as source:
        past = past_of(source, id, wish.ask)
        if past is None:
            raise NotFound(f"entity {id}", "has no history here", "check the id")
        if not matches({"type": past.head.types}, types):
            raise NotFound(f"entity {id}", "is of another type", "leave out or correct the type")
        ever = Selection((id,), wish.ask.attributes)
        if named and not past.series and not any(source.spans(ever)):
            raise NotFound(f"entity {id}", "never had any of the attributes asked for")
        if wish.aggregation is not None:
            sums = sums_of(source, [past], wish.ask, wish.aggregation)
            wish.beyond = too_large(sums.values(), wish.aggregation.methods)
            return _summed(past, sums[id], wish), None
    range = cut([past], wish.ask, () if pasts is None else pasts.edges)
    return _shown(past, wish), range


def _many(
    store: Reader, wanted: Query, wish: _Wish, pasts: Pasts | None
) -> tuple[Found, list[dict[str, Any]], str | None]:
    with store.past() as here, joined(here, pasts, wish.ask) as source:
        found = find(source, wanted, wish.ask)
        if wish.aggregation is not None:
            sums = sums_of(source, found.entities, wish.ask, wish.aggregation)
            wish.beyond = too_large(sums.values(), wish.aggregation.methods)
            bodies = [_summed(past, sums[past.head.id], wish) for past in found.entities]
            return found, [body for body in bodies if body], None
    range = cut(found.entities, wish.ask, () if pasts is None else pasts.edges)
    bodies = [_shown(past, wish) for past in found.entities]
    return found, [body for body in bodies if body], range


def _head(past: Past, view: View) -> dict[str, Any]:
    head = past.head
    return show_head(
        {
            "id": head.id,
            "type": list(head.types),
            "createdAt": head.created,
            "modifiedAt": head.modified,
            "deletedAt": head.deleted,
        },
        view,
    )


def _shown(past: Past, wish: _Wish) -> dict[str, Any]:
    series = {name: [m.instance for m in moments] for name, moments in past.series.items()}
    if wish.view.version is not None:
        wish.altered |= any(conformed(each, wish.view) != each for each in series.values())
    if wish.ask.last is not None:
        series = {name: instances[::-1] for name, instances in series.items()}
    if wish.form == "temporalValues":
        shown = show_pairs(series, wish.view, wish.ask.along, past.emptied)
    else:
        shown = show_instances(series, wish.view)
    return _head(past, wish.view) | shown


def _summed(past: Past, sums: Sums, wish: _Wish) -> dict[str, Any]:
    assert wish.aggregation is not None  # noqa: S101 - for the type checker
    return _head(past, wish.view) | show_sums(sums, wish.view, wish.aggregation.methods)
