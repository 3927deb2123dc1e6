"""Batch operations that go here and to other brokers (clauses 5.6.7 to 5.6.10 and 5.6.20)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import orjson

from hansa.hub.federation.batches import Batch, Item, send_batch
from hansa.hub.registrations.matching import Wanted
from hansa.kernel.errors import HansaError
from hansa.ngsild.context import Context
from hansa.ngsild.model import ENTITY_MEMBERS, Entity, attribute_names
from hansa.store.port import Reader, Store, Write, Written
from hansa.web.api.call import Call
from hansa.web.api.distribution import Reach

__all__ = ["BATCHES", "Done", "Entry", "Failed", "batch_everywhere"]

Done = list[tuple[str, Written]]
Failed = list[tuple[str, HansaError]]

BATCHES: Final[dict[str, Batch]] = {
    "create": Batch("createBatch", "create", "createEntity", "POST"),
    "upsert": Batch("upsertBatch", "upsert", "upsertBatch", "POST"),
    "update": Batch("updateBatch", "update", "appendAttrs", "POST", "/attrs"),
    "merge": Batch("mergeBatch", "merge", "mergeEntity", "PATCH"),
    "delete": Batch("deleteBatch", "delete", "deleteEntity", "DELETE"),
}


class Entry(NamedTuple):
    """One entity of a batch: what was read, what was sent (None: delete it), and its @context."""

    entity: Entity
    payload: Any
    context: Context


async def batch_everywhere(
    call: Call,
    reach: Reach,
    store: Store,
    batch: Batch,
    entries: Sequence[Entry],
    write: Callable[[Entity], Write],
) -> tuple[Done, Failed]:
    """Write every entry here and wherever it is registered; an entity may be in both lists."""
    items = await asyncio.to_thread(_planned, reach, store, batch, entries)
    options = {"options": call.query["options"]} if "options" in call.query else {}
    here = [
        (item, write(_left(entry.entity, item.plan.rest)))
        for entry, item in zip(entries, items, strict=True)
        if item.plan.local
    ]
    remote, outcomes = await asyncio.gather(
        send_batch(reach.dispatch, reach.asker, batch, items, options),
        call.commit_all(store, [made for _, made in here]) if here else _nothing(),
    )
    done: Done = []
    failed: Failed = []
    for told in remote:
        if told.error is None:
            done.append((told.item.id, Written(0, told.created, deleted=False)))
        else:
            failed.append((told.item.id, told.error))
    for (item, _), outcome in zip(here, outcomes, strict=True):
        if isinstance(outcome, Written):
            done.append((item.id, outcome))
        elif not _is_elsewhere(item, outcome, batch):
            failed.append((item.id, outcome))
    return _once(done), failed


async def _nothing() -> list[Any]:
    return []


def _once(done: Done) -> Done:
    """Each entity once; the outcome here, which comes last, says what became of it."""
    last: dict[str, Written] = {}
    for id, written in done:
        known = last.get(id)
        created = written.created or (known is not None and known.created)
        last[id] = Written(written.seq, created, written.deleted, written.detail)
    return list(last.items())


def _is_elsewhere(item: Item, outcome: HansaError, batch: Batch) -> bool:
    """Whether a deletion found nothing here of what a source claims."""
    proxies = any(f.part.registration.is_proxy for f in item.plan.forwards)
    return batch.path == "delete" and proxies and outcome.status == 404


def _planned(reach: Reach, store: Reader, batch: Batch, entries: Sequence[Entry]) -> list[Item]:
    items = []
    for entity, payload, context in entries:
        types = frozenset(entity.get("type", ())) or _types_here(store, entity["id"])
        scopes = None  # of what is changed, it is not known what it will be in
        if batch.path == "create" or (batch.path == "upsert" and "scope" in entity):
            scopes = frozenset(entity.get("scope", ()))
        wanted = Wanted((entity["id"],), None, types, scopes=scopes)
        names = None if payload is None else frozenset(attribute_names(entity))
        plan = reach.plan(wanted, names, batch.names)
        items.append(Item(entity["id"], payload, context, plan))
    return items


def _types_here(store: Reader, id: str) -> frozenset[str] | None:
    raw = store.get(id)
    return None if raw is None else frozenset(orjson.loads(raw)["type"])


def _left(entity: Entity, rest: frozenset[str]) -> Entity:
    if not rest:
        return entity
    return {k: v for k, v in entity.items() if k in ENTITY_MEMBERS or k in rest}
