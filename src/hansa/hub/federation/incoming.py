"""What a source answered, checked: nothing of it is trusted before (clause 4.3.6.1).

Rules, in order: the body is JSON, and nested no deeper than what this node accepts from anyone; it is
entities, each well-formed; an entity that was not asked for, or does not lie within the registration,
is left out, as are attributes beyond it. Names are read in the @context in which was asked, or in the
one that the answer carries itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson

from hansa.hub.registrations.matching import Part
from hansa.kernel.egress import Response
from hansa.kernel.errors import BadRequest, HansaError
from hansa.ngsild.context import Context, Source
from hansa.ngsild.expand import Rules, expand_entity
from hansa.ngsild.model import ENTITY_MEMBERS, Entity, Instance
from hansa.ngsild.values import check_datetime

__all__ = ["Contexts", "entities_in", "few", "invalid", "json_in", "own_context", "timed"]

Contexts = Callable[[Source], Awaitable[Context]]

_KINDS: Final = ("application/json", "application/ld+json", "text/plain", "text/json", "")
_TIMES: Final = ("createdAt", "modifiedAt")
_CONTEXTS: Final = 10


def json_in(answer: Response, depth: int) -> Any:
    """The JSON value of an answer.

    Raises:
        BadRequest: it is none, or nested too deeply.
    """
    if answer.media_type not in _KINDS:
        raise invalid(f"it is {answer.media_type[:40]!r}, not JSON")
    try:
        found = orjson.loads(answer.content)
    except (orjson.JSONDecodeError, RecursionError):
        raise invalid("it is not JSON") from None
    raw = answer.content  # that it cannot be deeper than it has brackets is seen faster
    if raw.count(b"{") + raw.count(b"[") > depth and _is_deeper(found, depth):
        raise invalid(f"it is nested deeper than {depth} levels")
    return found


async def entities_in(
    answer: Response, part: Part, spoken: Context, contexts: Contexts, depth: int, most: int
) -> tuple[list[Entity], str | None, int]:
    """The entities of an answer that may count, of the first `most`; what was wrong with others; and
    how many there were.

    Raises:
        BadRequest: the answer is not a list of entities, nor one.
    """
    found = json_in(answer, depth)
    items = found if isinstance(found, list) else [found]
    contexts = few(contexts)
    entities: list[Entity] = []
    fault: str | None = None
    for item in items[:most]:
        try:
            entity = await _entity(item, spoken, contexts)
        except HansaError as error:
            fault = f"an entity in it is not valid ({error.subject}: {error.fact})"[:200]
            continue
        if part.covers(entity["id"], entity["type"], entity.get("scope")):
            entities.append(_within(entity, part.attributes))
        else:
            fault = "it holds an entity that was not asked for"
    return entities, fault, len(items)


def few(contexts: Contexts) -> Contexts:
    """`contexts` for one answer, which may name a few, so that it cannot make the node fetch at will."""
    asked = 0
    last: tuple[Source, Context] | None = None

    async def get(source: Source) -> Context:
        nonlocal asked, last
        if last is None or last[0] != source:
            asked += 1
            if asked > _CONTEXTS:
                raise invalid(f"it names more than {_CONTEXTS} @contexts")
            last = (source, await contexts(source))
        return last[1]

    return get


async def _entity(item: Any, spoken: Context, contexts: Contexts) -> Entity:
    if not isinstance(item, dict):
        raise invalid("it holds something that is no entity")
    context = await own_context(item, spoken, contexts)
    return timed(expand_entity(item, Rules(context)), item, context)


async def own_context(item: dict[str, Any], spoken: Context, contexts: Contexts) -> Context:
    """The @context of an entity: the one that it carries, or that in which was asked.

    Raises:
        BadRequest: what it carries is none.
    """
    own = item.get("@context")
    if own is None or own in (spoken.source, [spoken.source]):
        return spoken
    if not isinstance(own, str | list | dict):
        raise invalid("its @context is none")
    return await contexts(own)


def timed(entity: Entity, item: dict[str, Any], context: Context) -> Entity:
    """`entity` with the times of creation and change that the source says (clause 4.8)."""
    _copy_times(item, entity)
    for name, value in item.items():
        if name in ENTITY_MEMBERS or (type(value) is dict and value.keys().isdisjoint(_TIMES)):
            continue
        instances = entity.get(context.expand(name))
        if isinstance(instances, list):
            given = value if isinstance(value, list) else [value]
            by_dataset = {i.get("datasetId"): i for i in given if isinstance(i, dict)}
            for instance in instances:
                if isinstance(instance, dict):
                    _copy_times(by_dataset.get(instance.get("datasetId"), {}), instance)
    return entity


def _copy_times(given: dict[str, Any], target: Entity | Instance) -> None:
    for name in _TIMES:
        if name in given:
            target[name] = check_datetime(given[name], f"member {name}")


def _within(entity: Entity, attributes: frozenset[str]) -> Entity:
    if not attributes:
        return entity
    return {k: v for k, v in entity.items() if k in ENTITY_MEMBERS or k in attributes}


def invalid(fact: str) -> BadRequest:
    """What is wrong with an answer."""
    return BadRequest("the answer of a source", fact, "look at the source")


def _is_deeper(value: Any, limit: int) -> bool:
    level: list[Any] = [value]
    for _ in range(limit):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
