"""What goes into a snapshot: its queries, read, and run here and at the sources (clauses 5.16.1 and 5.2.41).

``snapshotQueries`` find entities, with ``join`` also those that they link to; ``snapshotTemporalQueries``
find the past of entities, as instances. All of them are then in the snapshot, to be queried there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hansa.hub import snapshots as hub
from hansa.hub.federation.past import Pasts, joined
from hansa.hub.federation.reads import MOST
from hansa.hub.links import linked_entities
from hansa.hub.snapshot_history import PastPart, fill_past
from hansa.hub.snapshots import Part
from hansa.kernel.errors import BadRequest, HansaError, OperationNotSupported
from hansa.ngsild.context import Context
from hansa.ngsild.linked import flat
from hansa.ngsild.model import Entity
from hansa.ngsild.query import Query
from hansa.store.port import Store
from hansa.trust.principals import LOCAL
from hansa.web.api.body import read_body_history_query, read_body_query
from hansa.web.api.call import Call
from hansa.web.api.distribution import Reach, reach_of
from hansa.web.api.look import Look
from hansa.web.api.temporal_params import FORMS, read_ask

__all__ = ["DETAILS", "QUERIES", "Details", "Filling", "fill", "read_filling"]

QUERIES: Final = ("snapshotQueries", "snapshotTemporalQueries")
DETAILS: Final = ("snapshotQueriesDetails", "snapshotTemporalQueriesDetails")

Details = tuple[list[dict[str, Any]], list[dict[str, Any]]]
"""How the queries went: those for entities, and those for their past."""


@dataclass(frozen=True, slots=True)
class Filling:
    """The queries of a snapshot, read; `looks` go with `parts`."""

    parts: Sequence[Part]
    looks: Sequence[Look]
    pasts: Sequence[PastPart]
    context: Context


def read_filling(call: Call, payload: dict[str, Any], context: Context) -> Filling:
    """The queries of a snapshot.

    Raises:
        BadRequest: there are none, or one is malformed.
        OperationNotSupported: one asks for sums.
    """
    if not any(name in payload for name in QUERIES):
        raise BadRequest("the snapshot", "has no queries", f"add {' or '.join(QUERIES)}")
    read = [read_body_query(call, each, context) for each in _list(payload, QUERIES[0])]
    return Filling(
        [Part(query, look.view) for query, look in read],
        [look for _, look in read],
        [_past(call, each, context) for each in _list(payload, QUERIES[1])],
        context,
    )


def _list(payload: dict[str, Any], name: str) -> list[Any]:
    found = payload.get(name)
    if name in payload and (not isinstance(found, list) or not found):
        raise BadRequest(name, "is no list with something in it", "say what to keep")
    return found or []


def _past(call: Call, payload: Any, context: Context) -> PastPart:
    query, look, given = read_body_history_query(call, payload, context, FORMS)
    if "aggrMethods" in given:
        raise OperationNotSupported(
            "a temporal query of a snapshot",
            "asks for sums",
            "leave out aggrMethods, and ask for sums within the snapshot",
        )
    ask = read_ask(call, given, look.view)
    if ask.filter is None:
        raise BadRequest(
            "the temporal query", "is missing", "add temporalQ with timerel and timeAt"
        )
    return PastPart(query, look.view, ask)


async def fill(call: Call, store: Store, id: str, filling: Filling) -> Details:
    """Copy what the queries find here, and then what they find everywhere (5.16.1.4, 5.7.2.4)."""
    target = await asyncio.to_thread(call.service.gate.make_snapshot, LOCAL, call.tenant, id)
    present = await asyncio.to_thread(hub.fill, store, target, filling.parts, call.now)
    reach = reach_of(call, filling.context, store)
    for place, (part, look) in enumerate(zip(filling.parts, filling.looks, strict=True)):
        elsewhere: list[Entity] = []
        if reach is not None:
            present[place], elsewhere = await _from_sources(
                call, reach, target, part, present[place]
            )
        if look.join is not None:
            await _with_linked(call, store, target, part, look, elsewhere)
    past = [await _remembered(store, reach, target, part) for part in filling.pasts]
    return present, past


async def _from_sources(
    call: Call, reach: Reach, target: Store, part: Part, detail: dict[str, Any]
) -> tuple[dict[str, Any], list[Entity]]:
    wanted = replace(part.query, offset=0, limit=MOST - 1, count=False, order=())
    found = await reach.page(wanted)
    if found is None:
        return detail, []
    writes = [hub.copied(hub.projected(e, part.view), passed=False) for e in found.entities]
    outcomes = await call.service.commits().settled(target.write(writes))
    refused = any(isinstance(outcome, HansaError) for outcome in outcomes)
    complete = not (found.warned or found.more or refused)
    return hub.told_of(detail, bool(writes), complete=complete), found.entities


async def _with_linked(
    call: Call, store: Store, target: Store, part: Part, look: Look, more: Sequence[Entity]
) -> None:
    """Copy the entities that those of a query link to, each as the query shows it (4.5.23)."""
    assert look.join is not None  # noqa: S101 - the caller has looked
    wanted = replace(part.query, offset=0, limit=MOST, count=False, order=())
    here = await asyncio.to_thread(_held, call, store, wanted)
    roots = list({entity["id"]: entity for entity in (*here, *more)}.values())
    sight = look.sight
    found = await asyncio.to_thread(linked_entities, store, roots, sight, look.join, call.alive)
    held = {root["id"] for root in roots}
    writes = [
        hub.copied(hub.projected(entity, view), passed=True)
        for entity, view in flat(roots, found, sight, look.join)
        if entity["id"] not in held
    ]
    await call.service.commits().settled(target.write(writes))


def _held(call: Call, store: Store, wanted: Query) -> list[Entity]:
    documents = store.query(wanted).documents
    return [entity for raw in documents if (entity := call.alive(raw)) is not None]


async def _remembered(
    store: Store, reach: Reach | None, target: Store, part: PastPart
) -> dict[str, Any]:
    """Copy the past that a temporal query finds, here and at the sources."""
    whole = replace(part.query, offset=0, limit=MOST - 1, count=False, order=())
    pasts = None if reach is None else await reach.pasts(whole, part.ask)
    found = await asyncio.to_thread(_copied, store, target, part, pasts)
    told: dict[str, Any] = {"resultStatus": "success" if found else "empty"}
    complete = pasts is None or not (pasts.warned or pasts.edges)
    return hub.told_of(told, found, complete=complete)


def _copied(store: Store, target: Store, part: PastPart, pasts: Pasts | None) -> bool:
    with store.past() as here, joined(here, pasts, part.ask) as source:
        return fill_past(source, target, part, passed=pasts is None)
