"""A whole query to SQL.

What must hold is gathered in this order: the shapes that can match at all (type selection,
attributes, the terms of q, the kind of attribute that geometry needs); identifiers; q; scopes;
datasets; geometry. What is known from shapes alone never looks at a document.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

import apsw

from hansa.ngsild.model import Entity, attributes
from hansa.ngsild.query import (
    And,
    Or,
    Query,
    ScopeFilter,
    ScopePattern,
    Selector,
    TypeFilter,
)
from hansa.store.sqlite.functions import pattern
from hansa.store.sqlite.places import keys_related
from hansa.store.sqlite.shapes import Catalogue, kinds_of
from hansa.store.sqlite.sql import FALSE, TRUE, Bindings, any_of, conjunction, disjunction
from hansa.store.sqlite.terms import Terms

__all__ = ["Selection", "lacking", "select", "with_geometry"]

_NO_DATASET: Final = "@none"
_ANY_SCOPE: Final = ("#",)

Shapes = frozenset[int]


@dataclass(slots=True)
class Selection:
    """Which rows of ``entity`` match.

    Attributes:
        bind: the values of the conditions; the rest of the statement adds its own.
        shapes: the shapes that can match; ``None`` when every shape can.
        keys: the keys that can match, ascending; ``None`` when every key can.
        ids: the identifiers that can match; empty when every one can.
        parts: further conditions, all of which must hold.
    """

    bind: Bindings
    shapes: Shapes | None = None
    keys: array[int] | None = None
    ids: tuple[str, ...] = ()
    parts: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can match."""
        return self.shapes == frozenset() or FALSE in self.parts or self.keys == array("q")

    @property
    def by_shape_alone(self) -> bool:
        """Whether knowing an entity's shape is enough."""
        return not (self.parts or self.ids or self.keys is not None)


def select(
    connection: apsw.Connection, query: Query, catalogue: Catalogue, hot: Collection[str]
) -> Selection:
    """Compile the conditions of `query` for the snapshot that `connection` sees.

    Raises:
        BadRequest: a regular expression is not RE2.
    """
    bind = Bindings()
    terms = Terms(catalogue, hot, bind)
    narrowed = _shapes(query, catalogue, terms)
    parts = _parts(query, catalogue, bind)
    if query.q is not None:
        parts += terms.parts(query.q, catalogue.every if narrowed is None else narrowed)
    found = Selection(bind, narrowed, ids=tuple(dict.fromkeys(query.ids)))
    found.parts = [part for part in parts if part != TRUE]
    if query.geo is not None and not found.is_empty:
        found.keys = keys_related(connection, query.geo)
    return found


def _parts(query: Query, catalogue: Catalogue, bind: Bindings) -> list[str]:
    """The conditions besides q and geometry."""
    parts = []
    if query.id_pattern is not None:
        parts.append(_by_pattern(query.id_pattern, bind))
    if query.selectors:
        parts.append(disjunction(_selected(each, catalogue, bind) for each in query.selectors))
    if query.scope is not None:
        parts.append(f"holds({bind.object(_scope_test(query.scope))}, doc -> '$.scope')")
    if query.dataset_ids:
        parts.append(f"holds({bind.object(_dataset_test(query.dataset_ids))}, json(doc))")
    return parts


def _by_pattern(expression: str, bind: Bindings) -> str:
    pattern(expression)
    return f"matches({bind(expression)}, id)"


def _selected(selector: Selector, catalogue: Catalogue, bind: Bindings) -> str:
    parts = []
    if selector.types is not None:
        parts.append(any_of("shape", of_types(selector.types, catalogue), bind))
    if selector.id is not None:
        parts.append(f"id = {bind(selector.id)}")
    if selector.id_pattern is not None:
        parts.append(_by_pattern(selector.id_pattern, bind))
    return conjunction(parts)


# -- shapes ----------------------------------------------------------------------------------------


def _shapes(query: Query, catalogue: Catalogue, terms: Terms) -> Shapes | None:
    """The shapes among which all matches are, or ``None`` when nothing narrows them."""
    narrowed: list[Shapes] = []
    if query.types is not None:
        narrowed.append(of_types(query.types, catalogue))
    kinds = [each.types for each in query.selectors]
    if kinds and None not in kinds:
        narrowed.append(frozenset().union(*(of_types(kind, catalogue) for kind in kinds if kind)))
    if query.attributes:
        having = (catalogue.by_attribute.get(name, ()) for name in query.attributes)
        narrowed.append(frozenset().union(*having))
    if query.without:
        narrowed.append(lacking(query.without, catalogue))
    if query.q is not None:
        possible = terms.possible(query.q)
        if len(possible) < catalogue.last:
            narrowed.append(possible)
    if query.geo is not None:
        narrowed.append(with_geometry(query.geo.attribute, catalogue))
    return frozenset.intersection(*narrowed) if narrowed else None


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


# -- scopes and datasets ---------------------------------------------------------------------------


def _scope_test(node: ScopeFilter) -> Callable[[list[str]], bool]:
    """A test of the scopes of an entity (clause 4.19)."""
    match node:
        case And(parts):
            every = [_scope_test(part) for part in parts]
            return lambda scopes: all(test(scopes) for test in every)
        case Or(parts):
            some = [_scope_test(part) for part in parts]
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


def _dataset_test(wanted: tuple[str, ...]) -> Callable[[Entity], bool]:
    """A test whether an entity has an instance of one of the datasets."""

    def test(entity: Entity) -> bool:
        return any(
            instance.get("datasetId", _NO_DATASET) in wanted
            for _, instances in attributes(entity)
            for instance in instances
        )

    return test
