"""``/temporal/entities/{id}``: how one entity evolved (clauses 6.19 and 5.7.3)."""

from __future__ import annotations

import asyncio
from typing import Any

from hansa.hub.expiry import alive_instances
from hansa.hub.history import Window, evolution, show_evolution
from hansa.kernel.errors import InvalidRequest, NotFound
from hansa.ngsild.temporal import parse_temporal
from hansa.store.port import Change, Reader
from hansa.web.api.answer import Answer, document
from hansa.web.api.call import JSON, LD_JSON, Call
from hansa.web.api.entities import entity_id
from hansa.web.api.look import read_look
from hansa.web.api.params import number

__all__ = ["retrieve"]

_MOST_INSTANCES = 100_000


async def retrieve(call: Call) -> Answer:
    """Retrieve Temporal Evolution of an Entity: 6.19.3.1, 5.7.3."""
    kind = call.accepted(JSON, LD_JSON)
    id = entity_id(call)
    context = await call.link_context()
    compact = bool(call.options & {"temporalValues"})
    if call.options & {"aggregatedValues"}:
        raise InvalidRequest(
            "the option 'aggregatedValues'", "is not offered yet", "ask for temporalValues"
        )
    view = read_look(call, context, more_options=frozenset({"temporalValues"})).view
    query = call.query
    window = Window(
        filter=parse_temporal(
            query.get("timerel"),
            query.get("timeAt"),
            query.get("endTimeAt"),
            query.get("timeproperty"),
        ),
        property=query.get("timeproperty", "observedAt"),
        last=number(query, "lastN", 0, 1, _MOST_INSTANCES) or None,
    )
    raw, changes = await asyncio.to_thread(_read, call.reader(), id)
    if raw is None and not changes:
        raise NotFound(f"entity {id}", "has no history here", "check the id")
    head = call.alive(raw) or {"id": id, "type": list(changes[-1].types)}
    seen = {
        name: left
        for name, instances in evolution(changes, window).items()
        if (left := alive_instances(instances, call.now))
    }
    body = show_evolution(head, seen, view, window, compact=compact)
    return document(call, body, context, kind)


def _read(store: Reader, id: str) -> tuple[Any, list[Change]]:
    return store.get(id), store.history(id)
