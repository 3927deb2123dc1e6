"""A naive evaluator of queries, to compare a store's answers with.

It reads the specification once more (ETSI GS CIM 009, clauses 4.9, 4.10, 4.17, 4.19, 4.23), looks
at one entity after the other, and shares no code with the stores.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from functools import cmp_to_key
from typing import Any

from shapely.geometry import shape

from hansa.ngsild.geo import distance, relate
from hansa.ngsild.query import (
    And,
    AttributePath,
    Compare,
    Exists,
    Or,
    Order,
    Query,
    Range,
    ScopePattern,
    TypeFilter,
    TypeName,
    Uri,
)

Entity = dict[str, Any]
CORE = {"id", "type", "scope", "createdAt", "modifiedAt", "expiresAt"}
INSTANCE_CORE = {"type", "observedAt", "unitCode", "datasetId", "createdAt", "modifiedAt"}
MEMBER = {
    "Property": "value",
    "GeoProperty": "value",
    "Relationship": "object",
    "LanguageProperty": "languageMap",
    "VocabProperty": "vocab",
    "JsonProperty": "json",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}


def answer(entities: list[Entity], query: Query) -> tuple[list[str], int]:
    """The identifiers on the page asked for, and the number of all matches."""
    every = {e["id"]: e for e in entities}
    found = [e for e in entities if matches(e, query, every)]
    for order in reversed(query.order):
        found = ordered(found, order)
    page = found[query.offset : query.offset + query.limit]
    return [e["id"] for e in page], len(found)


def matches(entity: Entity, query: Query, every: dict[str, Entity]) -> bool:
    names = set(entity) - CORE
    instances = [i for n in names for i in entity[n]]
    return (
        (not query.ids or entity["id"] in query.ids)
        and (query.id_pattern is None or re.search(query.id_pattern, entity["id"]) is not None)
        and typed(entity, query.types)
        and (
            not query.selectors
            or any(
                typed(entity, each.types)
                and each.id in (None, entity["id"])
                and (each.id_pattern is None or re.search(each.id_pattern, entity["id"]))
                for each in query.selectors
            )
        )
        and (not query.attributes or any(a in names for a in query.attributes))
        and not any(a in names for a in query.without)
        and tree(query.q, lambda leaf: term(leaf, entity, every))
        and tree(query.scope, lambda leaf: any(scoped(leaf, s) for s in entity.get("scope", [])))
        and (query.geo is None or near(entity, query))
        and (
            not query.dataset_ids
            or any(i.get("datasetId", "@none") in query.dataset_ids for i in instances)
        )
    )


def typed(entity: Entity, types: TypeFilter | None) -> bool:
    return tree(types, lambda leaf: leaf.name in entity["type"])


def tree(node: Any, leaf: Any) -> bool:
    if node is None:
        return True
    if isinstance(node, And):
        return all(tree(part, leaf) for part in node.parts)
    if isinstance(node, Or):
        return any(tree(part, leaf) for part in node.parts)
    assert isinstance(node, Compare | Exists | TypeName | ScopePattern)
    return bool(leaf(node))


def scoped(pattern: ScopePattern, scope: str) -> bool:
    expression = "".join(
        "(/[^/]+)*" if level == "#" else "/[^/]+" if level == "+" else "/" + re.escape(level)
        for level in pattern.levels
    )
    return re.fullmatch(expression, scope) is not None


def near(entity: Entity, query: Query) -> bool:
    assert query.geo is not None
    return any(
        i["type"] == "GeoProperty" and relate(query.geo, shape(i["value"]))
        for i in entity.get(query.geo.attribute, [])
    )


# -- terms of q ------------------------------------------------------------------------------------


def term(leaf: Compare | Exists, entity: Entity, every: dict[str, Entity]) -> bool:
    if leaf.path.linked is not None:
        return linked(leaf, entity, every)
    for kind, value, temporal in values(leaf.path, entity):
        if isinstance(leaf, Exists) or satisfied(leaf, kind, value, temporal):
            return True
    return False


def linked(leaf: Compare | Exists, entity: Entity, every: dict[str, Entity]) -> bool:
    path = leaf.path
    assert path.linked is not None
    for kind, value, _ in values(AttributePath(path.names), entity):
        if kind not in ("Relationship", "ListRelationship"):
            continue
        for end in value if isinstance(value, list) else [value]:
            other = every.get(end)
            if other is None:
                continue
            if path.linked_types and not set(path.linked_types) & set(other["type"]):
                continue
            inner = (
                Exists(path.linked)
                if isinstance(leaf, Exists)
                else Compare(path.linked, leaf.operator, leaf.values)
            )
            if term(inner, other, every):
                return True
    return False


def values(path: AttributePath, entity: Entity) -> list[tuple[str, Any, bool]]:
    """(kind, value, temporal) of each target of a path."""
    first, *rest = path.names
    if first in CORE:
        found = first in entity and not rest and not path.trail
        return [("core", entity[first], first.endswith("At"))] if found else []
    level = list(entity.get(first, []))
    for position, name in enumerate(rest):
        if name in INSTANCE_CORE:
            if position < len(rest) - 1 or path.trail:
                return []
            return [("core", i[name], name.endswith("At")) for i in level if name in i]
        level = [below for i in level for below in i.get(name, [])]
    targets = []
    for instance in level:
        kind = instance["type"]
        value = instance[MEMBER[kind]]
        trail = list(path.trail)
        if kind == "LanguageProperty":
            if len(trail) > 1 or (trail and trail[0] not in value and trail[0] != "*"):
                continue
            value = [value[trail[0]]] if trail and trail[0] != "*" else list(value.values())
            targets.append((kind, value, False))
            continue
        while trail and isinstance(value, dict) and trail[0] in value:
            value = value[trail.pop(0)]
        if not trail:
            targets.append((kind, value, False))
    return targets


def satisfied(leaf: Compare, kind: str, value: Any, temporal: bool) -> bool:
    array = isinstance(value, list)
    items = list(value) if array else [value]
    if kind == "LanguageProperty":
        items = [t for i in items for t in (i if isinstance(i, list) else [i])]
        array = False
    reference = kind in ("Relationship", "ListRelationship")
    if not reference:
        items = [i["@value"] if isinstance(i, dict) and "@value" in i else i for i in items]
    if leaf.operator in ("==", "!="):
        wanted = [v for v in leaf.values if not (reference and isinstance(v, Range))]
        hit = any(equal(item, value, temporal) for item in items for value in wanted)
        return hit == (leaf.operator == "==")
    if reference or array:
        return False
    first = leaf.values[0]
    if leaf.operator in ("~=", "!~="):
        texts = [i for i in items if isinstance(i, str)]
        hit = any(re.search(str(first), text) for text in texts)
        return bool(texts) and hit == (leaf.operator == "~=")
    assert not isinstance(first, Range)
    signs = {">": (1,), ">=": (0, 1), "<": (-1,), "<=": (-1, 0)}[leaf.operator]
    return not isinstance(first, bool) and any(
        compared(item, first, temporal) in signs for item in items
    )


def equal(item: Any, wanted: Any, temporal: bool) -> bool:
    if not isinstance(wanted, Range):
        return compared(item, wanted, temporal) == 0
    low, high = understood(wanted.low, temporal), understood(wanted.high, temporal)
    numbers = [isinstance(end, int | float) for end in (low, high)]
    if isinstance(low, bool) or isinstance(high, bool):
        return False
    if not all(numbers) and type(low) is not type(high):
        return False
    return compared(item, low, temporal) in (0, 1) and compared(item, high, temporal) in (0, -1)


def understood(wanted: Any, temporal: bool) -> Any:
    """A term's value; a URI is a text, and a text that stands for a moment means the moment."""
    if isinstance(wanted, Uri):
        wanted = wanted.value
    return (temporal and isinstance(wanted, str) and as_datetime(wanted)) or wanted


def compared(item: Any, wanted: Any, temporal: bool) -> int | None:
    """-1, 0 or 1 as `item` is less, equal or greater; ``None`` if they are of different types."""
    wanted = understood(wanted, temporal)
    if isinstance(wanted, datetime):
        item = as_datetime(item)
    elif isinstance(wanted, date):
        item = as_date(item)
    elif isinstance(wanted, time):
        item = as_time(item)
    elif isinstance(wanted, bool):
        item = item if isinstance(item, bool) else None
    elif isinstance(wanted, int | float):
        item = item if isinstance(item, int | float) and not isinstance(item, bool) else None
    else:
        item = item if isinstance(item, str) else None
    return None if item is None else (item > wanted) - (item < wanted)


def as_datetime(item: Any) -> datetime | None:
    for layout in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"):
        try:
            return datetime.strptime(item, layout).replace(tzinfo=UTC)
        except (ValueError, TypeError):
            continue
    return None


def as_date(item: Any) -> date | None:
    try:
        return datetime.strptime(item, "%Y-%m-%d").date()
    except (ValueError, TypeError):
        return None


def as_time(item: Any) -> time | None:
    try:
        return datetime.strptime(item, "%H:%M:%SZ").time()
    except (ValueError, TypeError):
        return None


def first_value(instance: dict[str, Any]) -> Any:
    """What an instance holds, of whichever kind it is."""
    return instance[MEMBER[instance["type"]]]


# -- order -----------------------------------------------------------------------------------------


def ordered(found: list[Entity], order: Order) -> list[Entity]:
    """`found` in the order of one key, stable, those that lack it last."""
    keys = {e["id"]: sort_key(e, order) for e in found}
    there = [e for e in found if keys[e["id"]] is not None]
    absent = [e for e in found if keys[e["id"]] is None]

    def compare(a: Entity, b: Entity) -> int:
        x, y = keys[a["id"]], keys[b["id"]]
        sign = (x > y) - (x < y)
        return -sign if order.descending else sign

    return sorted(there, key=cmp_to_key(compare)) + absent


def sort_key(entity: Entity, order: Order) -> tuple[int, Any] | None:
    if order.origin is not None:
        shapes = [
            shape(i["value"])
            for i in entity.get(order.path.names[0], [])
            if i["type"] == "GeoProperty"
        ]
        return (0, min(distance(order.origin, s) for s in shapes)) if shapes else None
    found = values(order.path, entity)
    if not found:
        return None
    _, value, _ = found[0]
    if order.path.names[0] in ("type", "scope"):
        return (1, value[0])
    if isinstance(value, bool):
        return (4, value)
    if isinstance(value, int | float):
        return (0, value)
    if isinstance(value, str):
        return (1, value)
    return (2, 0) if isinstance(value, dict) else (3, 0) if isinstance(value, list) else (8, 0)
