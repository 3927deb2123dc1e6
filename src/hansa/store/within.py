"""Whether an entity at hand is in a portion of all entities: the general rule, in Python.

A driver compiles portions to its own language; the two agree, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from hansa.kernel.errors import HansaError
from hansa.ngsild.geo import from_geojson, relate
from hansa.ngsild.model import ENTITY_MEMBERS
from hansa.ngsild.query import (
    And,
    Either,
    Every,
    GeoFilter,
    Or,
    Outside,
    Portion,
    Seen,
    TypeFilter,
    Within,
)
from hansa.ngsild.repair import mended
from hansa.ngsild.scope import in_scope
from hansa.store.patterns import pattern

__all__ = ["Test", "has_types", "known_of", "last_change", "seen_change", "within_test"]

Test = Callable[[Mapping[str, Any]], bool]


def within_test(node: Within) -> Test:
    """A test whether an entity (in internal form) is in `node`."""
    match node:
        case Every(parts):
            every = [within_test(part) for part in parts]
            return lambda entity: all(test(entity) for test in every)
        case Either(parts):
            some = [within_test(part) for part in parts]
            return lambda entity: any(test(entity) for test in some)
        case Outside(part):
            inner = within_test(part)
            return lambda entity: not inner(entity)
        case Portion():
            return _portion_test(node)


def _portion_test(portion: Portion) -> Test:
    tests: list[Test] = []
    if (types := portion.types) is not None:
        tests.append(lambda entity: has_types(entity["type"], types))
    if portion.ids:
        ids = frozenset(portion.ids)
        tests.append(lambda entity: entity["id"] in ids)
    if portion.id_pattern is not None:
        search = pattern(portion.id_pattern).search
        tests.append(lambda entity: search(entity["id"]) is not None)
    if portion.having:
        having = portion.having
        tests.append(lambda entity: any(name in entity for name in having))
    if (scope := portion.scope) is not None:
        tests.append(lambda entity: in_scope(scope, entity.get("scope", [])))
    if (geo := portion.geo) is not None:
        tests.append(lambda entity: _in_place(geo, entity))
    return lambda entity: all(test(entity) for test in tests)


def has_types(types: Collection[str], wanted: TypeFilter) -> bool:
    """Whether something of these types is selected by type (clause 4.17)."""
    match wanted:
        case And(parts):
            return all(has_types(types, part) for part in parts)
        case Or(parts):
            return any(has_types(types, part) for part in parts)
        case _:
            return wanted.name in types


def last_change(left: Mapping[str, Any]) -> str:
    """When last something changed of what is left of an entity: an attribute, or the entity came into being.

    So *modifiedAt* does not tell when something hidden changed.
    """
    last: str = left.get("createdAt", "")
    for name, instances in left.items():
        if name not in ENTITY_MEMBERS:
            for instance in instances:
                last = max(last, instance.get("modifiedAt", ""))
    return last


def seen_change(seen: Seen) -> Callable[[Mapping[str, Any]], str]:
    """A function that tells of an entity when it last changed, for whoever sees so much of it."""
    tests = {within: within_test(within) for within in (*seen.attributes.values(), seen.otherwise)}

    def found(entity: Mapping[str, Any]) -> str:
        left = {
            name: value
            for name, value in entity.items()
            if name in ENTITY_MEMBERS or tests[seen.attribute(name)](entity)
        }
        changed = last_change(left) if len(left) < len(entity) else ""
        return changed or str(entity["modifiedAt"])

    return found


def _in_place(geo: GeoFilter, entity: Mapping[str, Any]) -> bool:
    for instance in entity.get(geo.attribute, ()):
        if instance["type"] != "GeoProperty":
            continue
        try:
            if relate(geo, mended(from_geojson(instance["value"]), "a geometry")):
                return True
        except HansaError:  # a tangle that cannot be mended is nowhere
            continue
    return False


def known_of(node: Within, types: Collection[str], id: str) -> bool | None:
    """Whether something is in `node`, as far as types and identifier tell; ``None``: they do not."""
    match node:
        case Outside(part):
            inner = known_of(part, types, id)
            return None if inner is None else not inner
        case Portion():
            return _known_of_portion(node, types, id)
        case Every(parts):
            decides = False
        case Either(parts):
            decides = True
    found = [known_of(part, types, id) for part in parts]
    if decides in found:
        return decides
    return None if None in found else not decides


def _known_of_portion(portion: Portion, types: Collection[str], id: str) -> bool | None:
    if portion.types is not None and not has_types(types, portion.types):
        return False
    if portion.ids and id not in portion.ids:
        return False
    if portion.id_pattern is not None and pattern(portion.id_pattern).search(id) is None:
        return False
    return None if portion.having or portion.scope or portion.geo else True
