"""Writes that go here and to other brokers: what is sent, and what the client is told (5.6, 6.3.17).

A write that reached everyone answers as if there were only this node. One that had a single part, and
failed in it, is that part's error. Anything between is 207 Multi-Status, with what failed and why.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from hansa.hub import attributes as attribute_writes
from hansa.hub import entities as hub
from hansa.hub.federation.asks import Question, entity_path, filters_of, selection
from hansa.hub.federation.plan import Forward
from hansa.hub.federation.speech import Speech, reworded_attribute
from hansa.hub.federation.writes import Spread, cut
from hansa.ngsild.model import ENTITY_MEMBERS, Entity, attribute_names
from hansa.ngsild.query import Query, TypeFilter
from hansa.ngsild.selection import expand_types, print_types
from hansa.store.port import Store, Write
from hansa.web.api.answer import Answer, plain
from hansa.web.api.distribution import Reach, Target
from hansa.web.api.problem import problem

__all__ = [
    "attribute_everywhere",
    "change_everywhere",
    "create_everywhere",
    "delete_everywhere",
    "purge_everywhere",
    "told",
    "told_attributes",
]

Making = Callable[[Entity], Write]
Local = Callable[[], Awaitable[Any]]

_PASSED_ON: Final = ("options", "lang", "observedAt", "datasetId", "deleteAll", "format")


async def create_everywhere(
    reach: Reach, store: Store, entity: Entity, payload: Mapping[str, Any]
) -> Spread | None:
    """Create Entity (5.6.1)."""

    def question(forward: Forward, speech: Speech) -> Question:
        body = cut(payload, forward, reach.context, speech.context)
        return Question("POST", "/entities", {}, body)

    async def local(rest: frozenset[str]) -> Any:
        return await reach.commit(store, hub.create(_left(entity, rest), reach.now))

    types = frozenset(entity["type"])
    scopes = frozenset(entity.get("scope", ()))
    target = Target(entity["id"], types, frozenset(attribute_names(entity)), scopes)
    return await reach.write(target, "createEntity", question, local)


async def change_everywhere(
    reach: Reach,
    store: Store,
    operation: str,
    method: str,
    id: str,
    fragment: Entity,
    payload: Mapping[str, Any],
    types: TypeFilter | None,
    write: Making,
    path: str = "",
) -> Spread | None:
    """A change of an entity by a fragment: replace, merge, append, update."""

    def question(forward: Forward, speech: Speech) -> Question:
        body = cut(payload, forward, reach.context, speech.context)
        given = {**reach.parameters(*_PASSED_ON), **_typed(types, speech)}
        return Question(method, entity_path(id) + path, given, body)

    async def local(rest: frozenset[str]) -> Any:
        return (await reach.commit(store, write(_left(fragment, rest)))).detail

    said = types if types is not None else frozenset(fragment.get("type", ())) or None
    target = Target(id, said, frozenset(attribute_names(fragment)))
    return await reach.write(target, operation, question, local)


async def delete_everywhere(
    reach: Reach, store: Store, id: str, types: TypeFilter | None
) -> Spread | None:
    """Delete Entity (5.6.6)."""

    def question(forward: Forward, speech: Speech) -> Question:
        return Question("DELETE", entity_path(id), _typed(types, speech))

    async def local(rest: frozenset[str]) -> Any:
        return await reach.commit(store, hub.delete(id, reach.now, types))

    return await reach.write(Target(id, types, None), "deleteEntity", question, local)


async def purge_everywhere(
    reach: Reach, query: Query, keep: frozenset[str], drop: frozenset[str], local: Local
) -> Spread | None:
    """Purge Entities (5.6.21)."""

    def question(forward: Forward, speech: Speech) -> Question:
        compact = speech.context.compact
        given = selection(forward.part, query, compact)
        given |= filters_of(forward.part, query, compact)
        for name, attributes in (("keep", keep), ("drop", drop)):
            if attributes:
                given[name] = ",".join(sorted(compact(each) for each in attributes))
        return Question("DELETE", "/entities", given)

    return await reach.purge(query, question, local)


async def attribute_everywhere(
    reach: Reach,
    store: Store,
    operation: str,
    method: str,
    id: str,
    name: str,
    payload: Any,
    types: TypeFilter | None,
    write: Write,
) -> Spread | None:
    """A change of one attribute: partial update, replace, delete."""

    def question(forward: Forward, speech: Speech) -> Question:
        attribute = quote(speech.context.compact(name), safe=":")
        body = None
        if payload is not None:
            body = reworded_attribute(payload, reach.context, speech.context)
        given = {**reach.parameters(*_PASSED_ON), **_typed(types, speech)}
        return Question(method, f"{entity_path(id)}/attrs/{attribute}", given, body)

    async def local(rest: frozenset[str]) -> Any:
        return await reach.commit(store, write)

    return await reach.write(Target(id, types, frozenset({name})), operation, question, local)


def told(spread: Spread, id: str, success: Answer) -> Answer:
    """The answer to a write of an entity: `success`, or 207 with a BatchOperationResult (5.2.16)."""
    if not spread.failed:
        return success
    errors = []
    for part in spread.failed:
        named = {"entityId": id} if id else {}
        entry: dict[str, Any] = {**named, "error": problem(part.error)}  # type: ignore[arg-type]
        if part.registration is not None:
            entry["registrationId"] = part.registration.id
        errors.append(entry)
    done = any(part.error is None for part in spread.parts)
    return plain(207, {"success": [id] if id and done else [], "errors": errors})


def told_attributes(spread: Spread, names: frozenset[str], success: Answer) -> Answer:
    """The answer to a write of attributes: `success`, or 207 with an UpdateResult (5.2.18)."""
    updated: set[str] = set()
    missed: list[dict[str, Any]] = []
    for part in spread.parts:
        about = part.attributes or names
        if part.error is not None:
            source = {} if part.registration is None else {"registrationId": part.registration.id}
            missed += [
                {"attributeName": name, "reason": part.error.sentence, **source}
                for name in sorted(about)
            ]
        elif isinstance(part.detail, attribute_writes.UpdateResult):
            updated.update(part.detail.updated)
            missed += [{"attributeName": n, "reason": r} for n, r in part.detail.not_updated]
        else:
            updated |= about
    if not missed:
        return success
    return plain(207, {"updated": sorted(updated), "notUpdated": missed})


def _left(entity: Entity, rest: frozenset[str]) -> Entity:
    """What of an entity is written here: all, or the members and the attributes in `rest`."""
    if not rest:
        return entity
    return {k: v for k, v in entity.items() if k in ENTITY_MEMBERS or k in rest}


def _typed(types: TypeFilter | None, speech: Speech) -> dict[str, str]:
    if types is None:
        return {}
    return {"type": print_types(expand_types(types, speech.context.compact))}
