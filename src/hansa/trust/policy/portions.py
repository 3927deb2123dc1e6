"""Portions of all entities put together, in their shortest form. Pure.

What is said of everything or of nothing disappears, so that a view that needs no filter has none, and two that say the
same in most cases are the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from hansa.ngsild.city import city_iri
from hansa.ngsild.query import (
    Either,
    Every,
    GeoFilter,
    GeoRelation,
    Or,
    Outside,
    Portion,
    TypeName,
    Within,
)
from hansa.trust.policy.model import Rule
from hansa.trust.policy.view import ALL, NONE

__all__ = ["both", "either", "outside", "portion"]


@lru_cache(maxsize=65_536)
def portion(rule: Rule) -> Within:
    """The entities that a rule is about, whatever attributes it names.

    An area permits what lies within it, and prohibits what touches it: at its edge, the answer is no.
    """
    geo = None
    if rule.area is not None:
        relation: GeoRelation = "within" if rule.permits else "intersects"
        geo = GeoFilter(relation, rule.area, city_iri("location"))
    found = Portion(
        types=_any_type(rule.types), id_pattern=rule.id_pattern, scope=rule.scope, geo=geo
    )
    return ALL if found == Portion() else found


def _any_type(types: tuple[str, ...]) -> TypeName | Or[TypeName] | None:
    if len(types) == 1:
        return TypeName(types[0])
    return Or(tuple(map(TypeName, types))) if types else None


def either(parts: Iterable[Within]) -> Within:
    """What is in at least one part."""
    found: dict[Within, None] = {}
    for part in parts:
        found.update(dict.fromkeys(part.parts if isinstance(part, Either) else (part,)))
    if ALL in found:
        return ALL
    return next(iter(found)) if len(found) == 1 else Either(tuple(found))


def both(parts: Iterable[Within]) -> Within:
    """What is in every part."""
    found: dict[Within, None] = {}
    for part in parts:
        found.update(dict.fromkeys(part.parts if isinstance(part, Every) else (part,)))
    if NONE in found:
        return NONE
    return next(iter(found)) if len(found) == 1 else Every(tuple(found))


def outside(part: Within) -> Within:
    """What is not in the part."""
    if part == ALL:
        return NONE
    if part == NONE:
        return ALL
    return part.part if isinstance(part, Outside) else Outside(part)
