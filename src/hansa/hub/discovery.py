"""Which types and attributes there are (clauses 5.7.5 to 5.7.10), from the shapes of the entities.

A store knows how many entities share a *shape* (types, attributes and their kinds), so discovery never
reads the entities themselves. Names are IRIs here; the caller compacts them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from hansa.store.port import Shape

__all__ = ["AttributeUse", "TypeUse", "attribute_uses", "type_uses"]


@dataclass(frozen=True, slots=True)
class TypeUse:
    """A type, how many entities have it, and their attributes with the kinds seen."""

    name: str
    count: int
    attributes: dict[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class AttributeUse:
    """An attribute, on how many entities it stands, the kinds seen and the types that have it."""

    name: str
    count: int
    kinds: frozenset[str]
    types: tuple[str, ...]


def type_uses(shapes: Iterable[Shape]) -> list[TypeUse]:
    """Every type in use, in alphabetical order of its IRI."""
    counts: dict[str, int] = defaultdict(int)
    kinds: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
    for shape in shapes:
        for type in shape.types:
            counts[type] += shape.count
            for name, seen in shape.attributes.items():
                kinds[type][name] = kinds[type].get(name, frozenset()) | seen
    return [
        TypeUse(type, counts[type], dict(sorted(kinds[type].items()))) for type in sorted(counts)
    ]


def attribute_uses(shapes: Iterable[Shape]) -> list[AttributeUse]:
    """Every attribute in use, in alphabetical order of its IRI."""
    counts: dict[str, int] = defaultdict(int)
    kinds: dict[str, frozenset[str]] = defaultdict(frozenset)
    types: dict[str, set[str]] = defaultdict(set)
    for shape in shapes:
        for name, seen in shape.attributes.items():
            counts[name] += shape.count
            kinds[name] |= seen
            types[name].update(shape.types)
    return [AttributeUse(n, counts[n], kinds[n], tuple(sorted(types[n]))) for n in sorted(counts)]
