"""Which types and attributes there are at the sources (clauses 5.7.5 to 5.7.10).

What a source says is brought into the form in which a store says it (:class:`Shape`), so that one rule adds
everything up. Names that a source did not register do not count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

from hansa.hub.federation.asker import Asker
from hansa.hub.federation.asks import Question
from hansa.hub.federation.dispatch import Dispatch
from hansa.hub.federation.incoming import json_in
from hansa.hub.federation.sources import Failure
from hansa.hub.federation.warnings import Warned
from hansa.hub.registrations.model import Registration
from hansa.kernel.errors import HansaError
from hansa.ngsild.context import Context
from hansa.ngsild.model import KINDS
from hansa.ngsild.values import check_name
from hansa.store.port import Shape

__all__ = ["shapes_elsewhere"]

_OPERATIONS: Final = {
    ("types", "list"): "retrieveEntityTypes",
    ("types", "details"): "retrieveEntityTypeDetails",
    ("types", "one"): "retrieveEntityTypeInfo",
    ("attributes", "list"): "retrieveAttrTypes",
    ("attributes", "details"): "retrieveAttrTypeDetails",
    ("attributes", "one"): "retrieveAttrTypeInfo",
}
_MOST: Final = 10_000

Expand = Callable[[str], str]


async def shapes_elsewhere(
    dispatch: Dispatch,
    asker: Asker,
    registrations: Sequence[Registration],
    what: str,
    *,
    details: bool = False,
    name: str | None = None,
) -> tuple[list[Shape], list[Warned]]:
    """What the sources say.

    Args:
        what: "types" or "attributes".
        details: whether more than names is wanted.
        name: the one type or attribute (IRI) that is asked about.
    """
    way = _OPERATIONS[what, "one" if name is not None else "details" if details else "list"]
    able = [r for r in registrations if way in r.operations and _may_have(r, what, name)]
    asked = await asyncio.gather(
        *(_ask(dispatch, asker, each, what, details=details, name=name) for each in able)
    )
    return [s for shapes, _ in asked for s in shapes], [w for _, warned in asked for w in warned]


def _may_have(registration: Registration, what: str, name: str | None) -> bool:
    registered = _registered(registration, what)
    return name is None or not registered or name in registered


def _registered(registration: Registration, what: str) -> frozenset[str]:
    """The types or attributes that a source has at most; empty when it does not say."""
    if what == "attributes":
        every = [info.attributes for info in registration.infos]
    else:
        every = [
            frozenset().union(*(entity.types for entity in info.entities))
            for info in registration.infos
        ]
    return frozenset().union(*every) if all(every) else frozenset()


async def _ask(
    dispatch: Dispatch,
    asker: Asker,
    registration: Registration,
    what: str,
    *,
    details: bool,
    name: str | None,
) -> tuple[list[Shape], list[Warned]]:
    speech = await dispatch.speech(registration, asker)
    if isinstance(speech, Failure):
        return [], _warned(registration, speech)
    path = f"/{what}"
    if name is not None:
        path += "/" + quote(speech.context.compact(name), safe=":")
    question = Question("GET", path, {"details": "true"} if details and name is None else {})
    answer = await dispatch.send(registration, asker, speech, question, asks=True)
    if isinstance(answer, Failure):
        return [], _warned(registration, answer)
    try:
        said = json_in(answer.response, dispatch.depth)
        shapes = list(_shapes(said, what, speech.context))
    except HansaError as error:
        return [], [Warned(111, registration.id, error.fact[:200])]
    kept = _registered(registration, what)
    return [_within(shape, what, kept) for shape in shapes[:_MOST]], []


def _warned(registration: Registration, failure: Failure) -> list[Warned]:
    warned = failure.warned(registration)
    return [warned] if warned else []


def _within(shape: Shape, what: str, kept: frozenset[str]) -> Shape:
    if not kept:
        return shape
    if what == "types":
        types = tuple(name for name in shape.types if name in kept)
        return Shape(types, shape.attributes if types else {}, shape.count)
    left = {name: kinds for name, kinds in shape.attributes.items() if name in kept}
    return Shape(shape.types, left, shape.count)


def _shapes(said: Any, what: str, context: Context) -> Iterator[Shape]:
    """What an answer says of types and attributes; malformed parts of it say nothing."""
    if isinstance(said, list):
        for item in said:
            yield from _shapes(item, what, context)
    elif isinstance(said, dict):
        if what == "types":
            yield from _type_shapes(said, context)
        else:
            yield from _attribute_shapes(said, context)


def _type_shapes(said: dict[str, Any], context: Context) -> Iterator[Shape]:
    for name in _names(said.get("typeList"), context):
        yield Shape((name,), {}, 0)
    for name in _names([said.get("typeName")], context):
        attributes = dict.fromkeys(_names(said.get("attributeNames"), context), frozenset[str]())
        for item in _objects(said.get("attributeDetails")):
            for attribute in _names([item.get("attributeName")], context):
                attributes[attribute] = _kinds(item.get("attributeTypes"))
        yield Shape((name,), attributes, _count(said.get("entityCount")))


def _attribute_shapes(said: dict[str, Any], context: Context) -> Iterator[Shape]:
    for name in _names(said.get("attributeList"), context):
        yield Shape((), {name: frozenset()}, 0)
    for name in _names([said.get("attributeName")], context):
        types = tuple(_names(said.get("typeNames"), context))
        kinds = _kinds(said.get("attributeTypes"))
        yield Shape(types, {name: kinds}, _count(said.get("attributeCount")))


def _names(value: Any, context: Context) -> Iterator[str]:
    for name in value if isinstance(value, list) else ():
        try:
            if isinstance(name, str):
                yield context.expand(check_name(name))
        except HansaError:
            continue


def _objects(value: Any) -> Iterable[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _kinds(value: Any) -> frozenset[str]:
    return (
        KINDS & frozenset(k for k in value if isinstance(k, str))
        if isinstance(value, list)
        else frozenset()
    )


def _count(value: Any) -> int:
    return (
        value
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
        else 0
    )
