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
from hansa.web.api.call import Call
from hansa.web.api.problem import problem

__all__ = ["create", "delete", "merge", "update", "upsert"]

Reading = Callable[[Any, Rules], Entity]
Making = Callable[[Entity], Write]


async def create(call: Call) -> Answer:
    """Batch Entity Creation: 6.14.3.1, 5.6.7."""
    done, failed = await _run(
        call, expand_entity, lambda e: entities.create(e, call.now), make=True
    )
    return _multi(done, failed) if failed else plain(201, [id for id, _ in done])


async def upsert(call: Call) -> Answer:
    """Batch Entity Creation or Update: 6.15.3.1, 5.6.8."""
    update = "update" in call.options
    done, failed = await _run(
        call, expand_entity, lambda e: entities.upsert(e, call.now, update=update), make=True
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
        _with_id,
        lambda e: attributes.append(e["id"], e, call.now, overwrite=overwrite),
    )
    whole = [(id, written) for id, written in done if not written.detail.not_updated]
    failed += [(id, _incomplete(id)) for id, written in done if written.detail.not_updated]
    return _multi(whole, failed) if failed else nothing()


def _incomplete(id: str) -> HansaError:
    return AlreadyExists(
        f"entity {id}", "some of its attributes exist already", "allow them to be overwritten"
    )


async def merge(call: Call) -> Answer:
    """Batch Entity Merge: 6.31.3.1, 5.6.20."""
    done, failed = await _run(
        call,
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
    outcomes = await call.commit_all(call.writer(), [entities.delete(id, call.now) for id in ids])
    done: list[tuple[str, Written]] = []
    failed: list[tuple[str, HansaError]] = []
    for id, outcome in zip(ids, outcomes, strict=True):
        if isinstance(outcome, Written):
            done.append((id, outcome))
        else:
            failed.append((id, outcome))
    return _multi(done, failed) if failed else nothing()


async def _run(
    call: Call,
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
    writes: list[Write] = []
    failed: list[tuple[str, HansaError]] = []
    for item in items:
        try:
            writes.append(write(read(item, await readings.of(item))))
        except HansaError as error:
            failed.append((_name(item), error))
    done: list[tuple[str, Written]] = []
    outcomes = await call.commit_all(call.writer(make=make), writes) if writes else []
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

    async def of(self, item: Any) -> Rules:
        source = item.get("@context") if isinstance(item, dict) else None
        if self._last is not None and source == self._last[0]:
            return self._last[1]
        rules = self._rules(await self._call.body_context(item))
        self._last = (source, rules)
        return rules


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
