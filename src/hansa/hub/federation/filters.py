"""Whether an entity, put together from several sources, fulfils a query (clauses 5.7.2.4 and 5.5.9.3).

The same rules as those of a store, in memory: for the few entities that no store holds whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import re2

from hansa.hub.targets import matches as has_types
from hansa.ngsild.geo import relate
from hansa.ngsild.geojson import from_geojson
from hansa.ngsild.model import ENTITY_MEMBERS, Entity, attributes
from hansa.ngsild.query import And, Compare, Filter, GeoFilter, Or, Query, Selector
from hansa.ngsild.scope import in_scope
from hansa.store.meaning import instance_test, member_test

__all__ = ["fulfils"]


def fulfils(entity: Entity, query: Query, *, filtered: bool = True) -> bool:
    """Whether `entity` is what `query` asks for; without `filtered`, by identifier and type alone."""
    if query.ids and entity["id"] not in query.ids:
        return False
    if query.id_pattern is not None and not _search(query.id_pattern, entity["id"]):
        return False
    if not has_types(entity, query.types):
        return False
    if query.selectors and not any(_selects(s, entity) for s in query.selectors):
        return False
    if not filtered:
        return True
    return (
        (not query.attributes or any(name in entity for name in query.attributes))
        and (query.q is None or _holds(query.q, entity))
        and (query.scope is None or in_scope(query.scope, list(entity.get("scope", ()))))
        and (query.geo is None or _is_there(query.geo, entity))
        and (not query.dataset_ids or _has_dataset(entity, query.dataset_ids))
    )


def _search(pattern: str, text: str) -> bool:
    return bool(re2.search(pattern, text))


def _selects(selector: Selector, entity: Entity) -> bool:
    return (
        (selector.id is None or selector.id == entity["id"])
        and (selector.id_pattern is None or _search(selector.id_pattern, entity["id"]))
        and has_types(entity, selector.types)
    )


def _holds(q: Filter, entity: Entity) -> bool:
    if isinstance(q, And):
        return all(_holds(part, entity) for part in q.parts)
    if isinstance(q, Or):
        return any(_holds(part, entity) for part in q.parts)
    name = q.path.names[0]
    if q.path.linked is not None:
        return name in entity  # what is linked is not here; the source has looked at it
    test: Callable[[Any], bool]
    if name in ENTITY_MEMBERS:
        test = member_test(q, _search)
        return test(entity)
    if name not in entity:
        return False
    test = instance_test(q, _search)
    held = test(entity[name])
    return held if isinstance(q, Compare) or held else False


def _is_there(geo: GeoFilter, entity: Entity) -> bool:
    return any(
        instance["type"] == "GeoProperty" and relate(geo, from_geojson(instance["value"]))
        for instance in entity.get(geo.attribute, ())
    )


def _has_dataset(entity: Entity, wanted: tuple[str, ...]) -> bool:
    return any(
        instance.get("datasetId", "@none") in wanted
        for _, instances in attributes(entity)
        for instance in instances
    )
