"""Whether an entity at hand meets the conditions of a subscription: q, scopeQ, geoQ, types.

The meaning of a term of q is the store's general rule (:mod:`hansa.store.meaning`), so that a
subscription and a query with the same text agree. Terms on linked entities look those up as they are now.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hansa.hub.targets import matches as has_types
from hansa.kernel.errors import HansaError
from hansa.ngsild.geo import from_geojson, relate
from hansa.ngsild.model import ENTITY_MEMBERS, Entity
from hansa.ngsild.query import And, AttributePath, Compare, Exists, Filter, GeoFilter, Or, Selector
from hansa.store.meaning import instance_test, member_test, objects
from hansa.store.patterns import matches, pattern

__all__ = ["Find", "Test", "filter_test", "in_place", "is_selected"]

Find = Callable[[str], Entity | None]
"""An entity by its identifier, as it is now."""

Test = Callable[[Entity, Find], bool]


def filter_test(tree: Filter) -> Test:
    """A test whether an entity meets a q filter (names are IRIs)."""
    if isinstance(tree, And | Or):
        tests = [filter_test(part) for part in tree.parts]
        every = isinstance(tree, And)
        return lambda entity, find: (all if every else any)(test(entity, find) for test in tests)
    name = tree.path.names[0]
    if tree.path.linked is not None:
        return _linked_test(tree, tree.path.linked)
    if name in ENTITY_MEMBERS:
        whole = member_test(tree, matches)
        return lambda entity, _: whole(entity)
    single = instance_test(tree, matches)
    return lambda entity, _: single(entity.get(name, []))


def _linked_test(term: Compare | Exists, linked: AttributePath) -> Test:
    """A test on the entities that a Relationship points to (clause 4.9, examples 13 and 14)."""
    path = term.path
    ends = objects(path.names[1:])
    inner = filter_test(
        Exists(linked) if isinstance(term, Exists) else Compare(linked, term.operator, term.values)
    )
    types = frozenset(path.linked_types)

    def test(entity: Entity, find: Find) -> bool:
        for uri in ends(entity.get(path.names[0], [])):
            target = find(uri)
            if target is None or (types and types.isdisjoint(target["type"])):
                continue
            if inner(target, find):
                return True
        return False

    return test


def in_place(geo: GeoFilter, entity: Entity) -> bool:
    """Whether some instance of the GeoProperty stands in the relation (4.10)."""
    for instance in entity.get(geo.attribute, []):
        if instance["type"] == "GeoProperty" and _related(geo, instance["value"]):
            return True
    return False


def _related(geo: GeoFilter, value: Any) -> bool:
    try:
        return relate(geo, from_geojson(value))
    except HansaError:
        return False


def is_selected(entity: Entity, selectors: tuple[Selector, ...]) -> bool:
    """Whether one of the selectors selects an entity; no selector selects any (5.2.33)."""
    return not selectors or any(_is_selected(entity, selector) for selector in selectors)


def _is_selected(entity: Entity, selector: Selector) -> bool:
    if selector.id is not None and selector.id != entity["id"]:
        return False
    if selector.id_pattern is not None:
        found: re.Match[str] | None = pattern(selector.id_pattern).search(entity["id"])
        if found is None:
            return False
    return has_types(entity, selector.types)
