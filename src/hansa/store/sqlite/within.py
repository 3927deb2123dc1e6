"""Portions of all entities, and what of them there is for somebody, to SQL conditions.

Shapes decide first: of each shape it is known whether all of its entities are in the portion, none, or
whether that depends on the single entity. Only for the last is a document looked at, so that a portion told
by types alone costs no more than a type selection. No condition here is ever NULL: it may be negated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import apsw

from hansa.ngsild.model import ENTITY_MEMBERS, Entity
from hansa.ngsild.query import Either, Every, Outside, Portion, Seen, Within
from hansa.store.sqlite.conditions import of_types, scope_test
from hansa.store.sqlite.functions import pattern
from hansa.store.sqlite.places import keys_related
from hansa.store.sqlite.shapes import Catalogue
from hansa.store.sqlite.sql import FALSE, TRUE, Bindings, any_of, conjunction, disjunction
from hansa.store.within import seen_change

__all__ = ["Portions", "Sides", "Veil"]

_ALL: Final = Seen()

Shapes = frozenset[int]
Sides = tuple[Shapes, Shapes]
"""The shapes of which some entity may be inside, and those of which all are."""


class Portions:
    """Compiles the portions of one statement."""

    def __init__(self, connection: apsw.Connection, catalogue: Catalogue, bind: Bindings) -> None:
        self._connection, self._catalogue, self._bind = connection, catalogue, bind
        self.bind = bind
        """The values of the statement."""

    def sides(self, node: Within) -> Sides:
        """What shapes tell about `node`."""
        every = self._catalogue.every
        match node:
            case Outside(part):
                possible, certain = self.sides(part)
                return every - certain, every - possible
            case Every(parts):
                sides = [self.sides(part) for part in parts]
                return every.intersection(*(p for p, _ in sides)), every.intersection(
                    *(c for _, c in sides)
                )
            case Either(parts):
                sides = [self.sides(part) for part in parts]
                return frozenset().union(*(p for p, _ in sides)), frozenset().union(
                    *(c for _, c in sides)
                )
            case Portion():
                possible = self._shapes(node)
                depends = node.ids or node.id_pattern is not None or node.scope or node.geo
                return possible, frozenset() if depends else possible

    def _shapes(self, portion: Portion) -> Shapes:
        found = self._catalogue.every
        if portion.types is not None:
            found &= of_types(portion.types, self._catalogue)
        if portion.having:
            having = (self._catalogue.by_attribute.get(name, ()) for name in portion.having)
            found &= frozenset().union(*having)
        return found

    def condition(self, node: Within, alias: str = "entity", among: Shapes | None = None) -> str:
        """The condition that the row `alias`, whose shape is one of `among`, is in `node`."""
        among = self._catalogue.every if among is None else among
        possible, certain = self.sides(node)
        possible, certain = possible & among, certain & among
        unsure = possible - certain
        return disjunction(
            (
                self._of_shape(alias, certain, among),
                FALSE
                if not unsure
                else conjunction((self._of_shape(alias, unsure, among), self._tested(node, alias))),
            )
        )

    def _of_shape(self, alias: str, shapes: Shapes, among: Shapes) -> str:
        return TRUE if shapes == among and shapes else any_of(f"+{alias}.shape", shapes, self._bind)

    def _tested(self, node: Within, alias: str) -> str:
        """`node` in full."""
        match node:
            case Outside(part):
                inner = self._tested(part, alias)
                return {TRUE: FALSE, FALSE: TRUE}.get(inner, f"NOT {inner}")
            case Every(parts):
                return conjunction([self._tested(part, alias) for part in parts])
            case Either(parts):
                return disjunction([self._tested(part, alias) for part in parts])
            case Portion():
                return self._portion(node, alias)

    def _portion(self, portion: Portion, alias: str) -> str:
        bind = self._bind
        shapes = self._shapes(portion)
        parts = [] if shapes == self._catalogue.every else [any_of(f"+{alias}.shape", shapes, bind)]
        if portion.ids:
            parts.append(f"+{alias}.id IN ({', '.join(bind(id) for id in portion.ids)})")
        if portion.id_pattern is not None:
            pattern(portion.id_pattern)
            parts.append(f"matches({bind(portion.id_pattern)}, {alias}.id)")
        if portion.scope is not None:
            test = bind.object(scope_test(portion.scope))
            parts.append(f"holds({test}, {alias}.doc -> '$.scope')")
        if portion.geo is not None:
            keys = keys_related(self._connection, portion.geo)
            parts.append(f"+{alias}.key IN carray({bind(apsw.carray(keys))})" if keys else FALSE)
        found = conjunction(parts)
        return found if found in (TRUE, FALSE) else f"({found})"


class Veil:
    """What there is for whoever asks, as conditions on rows: TRUE throughout where everything is.

    Args:
        seen: what there is; ``None``: everything.
    """

    def __init__(self, portions: Portions, catalogue: Catalogue, seen: Seen | None) -> None:
        self._portions, self._catalogue = portions, catalogue
        self._bind = portions.bind
        self._seen = _ALL if seen is None else seen
        self.lifted = seen is None
        """Whether everything is there."""

    def narrowed(self, shapes: Shapes | None) -> Shapes | None:
        """The shapes among `shapes` of which some entity may be there; ``None`` stands for all."""
        if self._seen.entities == _ALL.entities:
            return shapes
        possible, _ = self._portions.sides(self._seen.entities)
        return possible if shapes is None else shapes & possible

    def there(self, alias: str = "entity", among: Shapes | None = None) -> str:
        """That the entity in the row `alias` is there."""
        return self._condition(self._seen.entities, alias, among)

    def shows(self, attribute: str, alias: str = "entity", among: Shapes | None = None) -> str:
        """That this attribute of the entity is there, if it has one."""
        if self.lifted or attribute in ENTITY_MEMBERS:
            return TRUE
        return self._condition(self._seen.attribute(attribute), alias, among)

    def moment(self, alias: str) -> str | None:
        """The SQL of when the entity in the row `alias` last changed, as far as that is seen; ``None``: it is a column."""
        if self.lifted or self._seen.all_attributes:
            return None
        known = self._catalogue.by_attribute
        shapes = frozenset().union(*(known[name] for name in known if self.hides(name)))
        if not shapes:
            return None
        seen = f"derive({self._bind.object(seen_change(self._seen))}, json({alias}.doc))"
        hiding = any_of(f"+{alias}.shape", shapes, self._bind)
        return f"CASE WHEN {hiding} THEN {seen} ELSE {alias}.modified END"

    def as_seen(self, member: str, test: Callable[[Entity], bool]) -> Callable[[Entity], bool]:
        """A test of a member of an entity, of its value as it is seen."""
        if member != "modifiedAt" or self.lifted or self._seen.all_attributes:
            return test
        change = seen_change(self._seen)
        return lambda entity: test({**entity, "modifiedAt": change(entity)})

    def hides(self, attribute: str) -> bool:
        """Whether there may be entities on which this attribute is hidden."""
        return not self.lifted and self._seen.attribute(attribute) != _ALL.otherwise

    def having(self, attribute: str) -> Shapes:
        """The shapes with this attribute, as far as it may be there."""
        having = frozenset(self._catalogue.by_attribute.get(attribute, ()))
        if not self.hides(attribute):
            return having
        return having & self._portions.sides(self._seen.attribute(attribute))[0]

    def by_portion(self, attributes: Iterable[str]) -> dict[Within, list[str]]:
        """Attributes by the portion of the entities on which they are there."""
        found: dict[Within, list[str]] = {}
        for name in attributes:
            found.setdefault(self._seen.attribute(name), []).append(name)
        return found

    def inside(self, portion: Within, among: Shapes | None = None) -> str:
        """That the entity in the row ``entity`` is in a portion."""
        return self._condition(portion, "entity", among)

    def _condition(self, portion: Within, alias: str, among: Shapes | None) -> str:
        if portion == _ALL.entities:
            return TRUE
        return self._portions.condition(portion, alias, among)
