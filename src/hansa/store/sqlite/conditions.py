"""What more than one compiler asks of shapes and scopes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from hansa.ngsild.query import And, Or, ScopeFilter, ScopePattern, TypeFilter
from hansa.store.sqlite.shapes import Catalogue, kinds_of

__all__ = ["lacking", "of_types", "scope_test", "with_geometry"]

Shapes = frozenset[int]

_ANY_SCOPE: Final = ("#",)


def of_types(node: TypeFilter, catalogue: Catalogue) -> Shapes:
    """The shapes whose types are as selected."""
    match node:
        case And(parts):
            return frozenset.intersection(*(of_types(part, catalogue) for part in parts))
        case Or(parts):
            return frozenset().union(*(of_types(part, catalogue) for part in parts))
        case _:
            return frozenset(catalogue.by_type.get(node.name, ()))


def lacking(names: Iterable[str], catalogue: Catalogue) -> Shapes:
    """The shapes that have none of these attributes."""
    return catalogue.every.difference(*(catalogue.by_attribute.get(name, ()) for name in names))


def with_geometry(attribute: str, catalogue: Catalogue) -> Shapes:
    """The shapes in which `attribute` is a GeoProperty."""
    having = catalogue.by_attribute.get(attribute, {})
    return frozenset(s for s, profile in having.items() if "GeoProperty" in kinds_of(profile))


def scope_test(node: ScopeFilter) -> Callable[[list[str]], bool]:
    """A test of the scopes of an entity (clause 4.19)."""
    match node:
        case And(parts):
            every = [scope_test(part) for part in parts]
            return lambda scopes: all(test(scopes) for test in every)
        case Or(parts):
            some = [scope_test(part) for part in parts]
            return lambda scopes: any(test(scopes) for test in some)
        case ScopePattern(levels):
            return lambda scopes: any(_scope_matches(levels, scope) for scope in scopes)


def _scope_matches(wanted: tuple[str, ...], scope: str) -> bool:
    levels = scope.strip("/").split("/")
    if wanted[-1:] == _ANY_SCOPE:
        wanted = wanted[:-1]
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(
        want in ("+", level) for want, level in zip(wanted, levels, strict=True)
    )
