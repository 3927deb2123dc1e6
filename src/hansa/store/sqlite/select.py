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
from hansa.ngsild.query import Query, Selector
from hansa.store.sqlite.conditions import lacking, of_types, scope_test, with_geometry
from hansa.store.sqlite.functions import pattern
from hansa.store.sqlite.places import keys_related
from hansa.store.sqlite.shapes import Catalogue
from hansa.store.sqlite.sql import FALSE, TRUE, Bindings, any_of, conjunction, disjunction
from hansa.store.sqlite.terms import Terms
from hansa.store.sqlite.within import Portions, Veil

__all__ = ["Selection", "select"]

_NO_DATASET: Final = "@none"

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
        veil: what there is for whoever asks.
    """

    bind: Bindings
    veil: Veil
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
    veil = Veil(Portions(connection, catalogue, bind), catalogue, query.seen)
    terms = Terms(catalogue, hot, bind, veil)
    narrowed = veil.narrowed(_shapes(query, catalogue, terms, veil))
    parts = _parts(query, catalogue, bind)
    if not veil.lifted:
        parts += _veiled(query, catalogue, bind, veil, narrowed)
    if query.q is not None:
        parts += terms.parts(query.q, catalogue.every if narrowed is None else narrowed)
    found = Selection(bind, veil, narrowed, ids=tuple(dict.fromkeys(query.ids)))
    found.parts = [part for part in parts if part != TRUE]
    if query.geo is not None and not found.is_empty:
        found.keys = keys_related(connection, query.geo)
    return found


def _parts(query: Query, catalogue: Catalogue, bind: Bindings) -> list[str]:
    """The conditions besides q and geometry, where everything is seen."""
    parts = []
    if query.id_pattern is not None:
        parts.append(_by_pattern(query.id_pattern, bind))
    if query.selectors:
        parts.append(disjunction(_selected(each, catalogue, bind) for each in query.selectors))
    if query.scope is not None:
        parts.append(f"holds({bind.object(scope_test(query.scope))}, doc -> '$.scope')")
    if query.dataset_ids and query.seen is None:
        parts.append(f"holds({bind.object(_dataset_test(query.dataset_ids))}, json(doc))")
    return parts


def _veiled(
    query: Query, catalogue: Catalogue, bind: Bindings, veil: Veil, among: Shapes | None
) -> list[str]:
    """What must hold besides where not everything is seen; q knows the veil itself."""
    if among == frozenset():
        return [FALSE]

    def has(name: str) -> str:
        return conjunction((any_of("+shape", veil.having(name), bind), veil.shows(name)))

    parts = [veil.there(among=among)]
    if any(veil.hides(name) for name in query.attributes):
        parts.append(disjunction(has(name) for name in query.attributes))
    parts += [f"NOT {has(name)}" for name in query.without if veil.hides(name)]
    if query.geo is not None:
        parts.append(veil.shows(query.geo.attribute, among=among))
    if query.dataset_ids:
        alternatives = [
            conjunction(
                (
                    veil.inside(portion, among),
                    f"holds({bind.object(_dataset_test(query.dataset_ids, names))}, json(doc))",
                )
            )
            for portion, names in veil.by_portion(catalogue.by_attribute).items()
        ]
        parts.append(disjunction(alternatives))
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


def _shapes(query: Query, catalogue: Catalogue, terms: Terms, veil: Veil) -> Shapes | None:
    """The shapes among which all matches are, or ``None`` when nothing narrows them."""
    narrowed: list[Shapes] = []
    if query.types is not None:
        narrowed.append(of_types(query.types, catalogue))
    kinds = [each.types for each in query.selectors]
    if kinds and None not in kinds:
        narrowed.append(frozenset().union(*(of_types(kind, catalogue) for kind in kinds if kind)))
    if query.attributes:
        narrowed.append(frozenset().union(*map(veil.having, query.attributes)))
    if query.without:
        in_sight = [name for name in query.without if not veil.hides(name)]
        narrowed.append(lacking(in_sight, catalogue))
    if query.q is not None:
        possible = terms.possible(query.q)
        if len(possible) < catalogue.last:
            narrowed.append(possible)
    if query.geo is not None:
        narrowed.append(with_geometry(query.geo.attribute, catalogue))
    return frozenset.intersection(*narrowed) if narrowed else None


# -- datasets --------------------------------------------------------------------------------------


def _dataset_test(
    wanted: tuple[str, ...], among: Iterable[str] | None = None
) -> Callable[[Entity], bool]:
    """A test whether an entity has an instance of one of the datasets, in an attribute of `among`."""
    names = None if among is None else frozenset(among)

    def test(entity: Entity) -> bool:
        return any(
            instance.get("datasetId", _NO_DATASET) in wanted
            for name, instances in attributes(entity)
            if names is None or name in names
            for instance in instances
        )

    return test
