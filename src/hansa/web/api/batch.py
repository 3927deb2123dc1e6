"""``/entityOperations/`` (clauses 6.14 to 6.17, 6.23 and 6.31): many entities in one request.

Each entity succeeds or fails on its own; those of one request share one commit. An entity that occurs
twice is written twice, in order (clause 5.5.11).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hansa.hub import attributes, entities
from hansa.kernel.errors import AlreadyExists, BadRequest, HansaError, TooLarge
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context
from hansa.ngsild.expand import Rules, expand_entity, expand_fragment
from hansa.ngsild.model import Entity
from hansa.store.port import Write, Written
from hansa.web.api.answer import Answer, nothing, plain
from hansa.web.api.batch_everywhere import BATCHES, Entry, batch_everywhere
from hansa.web.api.call import Call
from hansa.web.api.distribution import reach_of
from hansa.web.api.problem import problem

__all__ = ["create", "delete", "merge", "update", "upsert"]

Reading = Callable[[Any, Rules], Entity]
Making = Callable[[Entity], Write]


async def create(call: Call) -> Answer:
    """Batch Entity Creation: 6.14.3.1, 5.6.7."""
    done, failed = await _run(
        call,
        "create",
        expand_entity,
        lambda e: entities.create(e, call.now, born=True),
        make=True,
        rules=lambda context: Rules(context, born=call.now),
    )
    return _multi(done, failed) if failed else plain(201, [id for id, _ in done])


async def upsert(call: Call) -> Answer:
    """Batch Entity Creation or Update: 6.15.3.1, 5.6.8."""
    update = "update" in call.options
    done, failed = await _run(
        call,
        "upsert",
        expand_entity,
        lambda e: entities.upsert(e, call.now, update=update, born=True),
        make=True,
        rules=lambda context: Rules(context, born=call.now),
    )
    if failed:
        return _multi(done, failed)
    made = [id for id, outcome in done if outcome.created]
    return plain(201, made) if made else nothing()


async def update(call: Call) -> Answer:
    """Batch Entity Update: 6.16.3.1, 5.6.9."""
    overwrite = "noOverwrite" not in call.options
    done, failed = await _run(
        call,
        "update",
        _with_id,
        lambda e: attributes.append(e["id"], e, call.now, overwrite=overwrite),
    )
    whole = [(id, written) for id, written in done if not _is_incomplete(written)]
    failed += [(id, _incomplete(id)) for id, written in done if _is_incomplete(written)]
    return _multi(whole, failed) if failed else nothing()


def _is_incomplete(written: Written) -> bool:
    return written.detail is not None and bool(written.detail.not_updated)


def _incomplete(id: str) -> HansaError:
    return AlreadyExists(
        f"entity {id}", "some of its attributes exist already", "allow them to be overwritten"
    )


async def merge(call: Call) -> Answer:
    """Batch Entity Merge: 6.31.3.1, 5.6.20."""
    done, failed = await _run(
        call,
        "merge",
        _with_id,
        lambda e: entities.merge(e["id"], e, call.now),
        rules=lambda context: Rules(context, nulls=True, nested_nulls=True),
    )
    return _multi(done, failed) if failed else nothing()


async def delete(call: Call) -> Answer:
    """Batch Entity Deletion: 6.17.3.1, 5.6.10."""
    payload = await call.json()
    ids = _items(call, payload)
    if not all(is_uri(id) for id in ids):
        raise BadRequest("the list of entities", "holds something that is not a URI", "give URIs")
    store = call.taker()
    context = call.service.contexts.default
    if (reach := reach_of(call, context, store)) is not None:
        gone = [Entry({"id": id}, None, context) for id in ids]
        done, failed = await batch_everywhere(
            call,
            reach,
            store,
            BATCHES["delete"],
            gone,
            lambda e: entities.delete(e["id"], call.now),
        )
        return _multi(done, failed) if failed else nothing()
    outcomes = await call.commit_all(store, [entities.delete(id, call.now) for id in ids])
    done = []
    failed = []
    for id, outcome in zip(ids, outcomes, strict=True):
        if isinstance(outcome, Written):
            done.append((id, outcome))
        else:
            failed.append((id, outcome))
    return _multi(done, failed) if failed else nothing()


async def _run(
    call: Call,
    name: str,
    read: Reading,
    write: Making,
    *,
    make: bool = False,
    rules: Callable[[Context], Rules] = Rules,
) -> tuple[list[tuple[str, Written]], list[tuple[str, HansaError]]]:
    """Read every entity, write those that are well-formed, and say what became of each."""
    call.refuse_second_context()
    items = _items(call, await call.json())
    readings = _Readings(call, rules)
    entries: list[Entry] = []
    failed: list[tuple[str, HansaError]] = []
    for item in items:
        try:
            reading = readings.last(item) or await readings.of(item)
            entries.append(Entry(read(item, reading), item, reading.context))
        except HansaError as error:
            failed.append((_name(item), error))
    done: list[tuple[str, Written]] = []
    if not entries:
        return done, failed
    store = call.taker(make=make)
    if (reach := reach_of(call, call.service.contexts.default, store)) is not None:
        done, more = await batch_everywhere(call, reach, store, BATCHES[name], entries, write)
        return done, failed + more
    writes = [write(entry.entity) for entry in entries]
    outcomes = await call.commit_all(store, writes)
    for made, outcome in zip(writes, outcomes, strict=True):
        if isinstance(outcome, Written):
            done.append((made.id, outcome))
        else:
            failed.append((made.id, outcome))
    return done, failed


class _Readings:
    """How each item of a batch is read; items mostly share one @context, so it is resolved once."""

    def __init__(self, call: Call, rules: Callable[[Context], Rules]) -> None:
        self._call = call
        self._rules = rules
        self._last: tuple[Any, Rules] | None = None

    def last(self, item: Any) -> Rules | None:
        """How the last item was read, if `item` names the same @context."""
        if self._last is not None and _source(item) == self._last[0]:
            return self._last[1]
        return None

    async def of(self, item: Any) -> Rules:
        rules = self._rules(await self._call.body_context(item))
        self._last = (_source(item), rules)
        return rules


def _source(item: Any) -> Any:
    return item.get("@context") if isinstance(item, dict) else None


def _items(call: Call, payload: Any) -> list[Any]:
    limit = call.service.settings.batch_limit
    if not isinstance(payload, list) or not payload or any(item is None for item in payload):
        raise BadRequest(
            "the request body",
            "is not a list of entities, or holds null",
            "send [ … ] with entities",
        )
    if len(payload) > limit:
        raise TooLarge("the request body", f"holds more than {limit:,} entities", "split the batch")
    return payload


def _with_id(item: Any, rules: Rules) -> Entity:
    entity = expand_fragment(item, rules)
    if "id" not in entity:
        raise BadRequest("entity", "it has no id", "say which entity is meant")
    return entity


def _name(item: Any) -> str:
    id = item.get("id", item.get("@id")) if isinstance(item, dict) else None
    return id if isinstance(id, str) else ""


def _multi(done: list[tuple[str, Written]], failed: list[tuple[str, HansaError]]) -> Answer:
    """207 Multi-Status with a BatchOperationResult (clause 5.2.16)."""
    errors = [{"entityId": id, "error": problem(error)} for id, error in failed]
    return plain(207, {"success": [id for id, _ in done], "errors": errors})
