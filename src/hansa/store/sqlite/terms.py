"""Terms of q to SQL conditions.

What a term means is said in :mod:`hansa.store.meaning`. Here it is compiled, shape by shape:

1. An entity whose shape lacks the attribute does not match.
2. Where the shape has a single instance with a plain value (number, text, boolean; a reference or
   vocabulary text), the type of the value is known, so the term becomes a plain comparison, which an
   index can serve, or a constant when the types differ.
3. Everywhere else ``holds(test, instances)`` asks the general rule.

Linked entities (``sensor{Device:humidity}``) become EXISTS over the entities referred to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Final

import orjson

from hansa.kernel.clock import from_micros, iso
from hansa.ngsild.model import ENTITY_MEMBERS, VALUE_MEMBER
from hansa.ngsild.query import And, AttributePath, Compare, Exists, Filter, Or, Range, Scalar
from hansa.store.meaning import ORDERINGS, instance_test, member_test, objects
from hansa.store.sqlite.functions import matches, pattern
from hansa.store.sqlite.shapes import Catalogue
from hansa.store.sqlite.sql import (
    FALSE,
    TRUE,
    Bindings,
    Served,
    any_of,
    conjunction,
    disjunction,
    path,
    plain_value,
)
from hansa.store.sqlite.within import Veil
from hansa.store.values import Typed, moment, typed

__all__ = ["Terms"]

_PLAIN: Final = {
    "Property/number": "number",
    "Property/text": "text",
    "Property/boolean": "boolean",
    "VocabProperty/text": "text",
    "Relationship/text": "reference",
}
_TEMPORAL: Final = {"moment", "day", "daytime"}
_COLUMNS: Final = {"createdAt": "created", "modifiedAt": "modified"}

Shapes = frozenset[int]


class Terms:
    """Compiles the terms of one query."""

    def __init__(
        self, catalogue: Catalogue, hot: Collection[str], bind: Bindings, veil: Veil
    ) -> None:
        self._catalogue, self._hot, self._bind = catalogue, hot, bind
        self._veil = veil
        self._depth = 0

    def possible(self, node: Filter) -> Shapes:
        """The shapes among which all matches are."""
        match node:
            case And(parts):
                return frozenset.intersection(*map(self.possible, parts))
            case Or(parts):
                return frozenset().union(*map(self.possible, parts))
            case _:
                name = node.path.names[0]
                if name in ENTITY_MEMBERS:
                    return self._catalogue.every
                return self._veil.having(name)

    def parts(self, node: Filter, shapes: Shapes) -> list[str]:
        """The conditions that must all hold, on the row ``entity``."""
        if isinstance(node, And):
            return [condition for part in node.parts for condition in self.parts(part, shapes)]
        if isinstance(node, Or):
            return [self.condition(node, shapes)]
        found = self._term(node, shapes, "entity")
        return [found, FALSE if found == FALSE else self._veil.shows(node.path.names[0])]

    def condition(self, node: Filter, shapes: Shapes, alias: str = "entity") -> str:
        """The condition on the row `alias`, whose shape is known to be one of `shapes`."""
        match node:
            case And(parts):
                return conjunction(self.condition(part, shapes, alias) for part in parts)
            case Or(parts):
                return disjunction(self.condition(part, shapes, alias) for part in parts)
            case _:
                found = self._term(node, shapes, alias)
        if found == FALSE:
            return found
        return conjunction((found, self._veil.shows(node.path.names[0], alias)))

    def _term(self, node: Compare | Exists, shapes: Shapes, alias: str) -> str:
        if node.path.names[0] in ENTITY_MEMBERS:
            return self._on_member(node, alias)
        return self._on_attribute(node, shapes, alias)

    # -- a term on an attribute --------------------------------------------------------------------

    def _on_attribute(self, term: Compare | Exists, shapes: Shapes, alias: str) -> str:
        name = term.path.names[0]
        having = self._catalogue.by_attribute.get(name, {})
        profiles: dict[str, set[int]] = defaultdict(set)
        for shape in shapes.intersection(having):
            profiles[having[shape]].add(shape)
        general = self._general(term, alias)
        conditions: dict[str, set[int]] = defaultdict(set)
        for profile, numbers in profiles.items():
            conditions[self._for_profile(term, profile, alias, general)] |= numbers
        if len(conditions) == 1 and TRUE not in conditions:
            return next(iter(conditions))
        return disjunction(
            conjunction((any_of(f"{alias}.shape", numbers, self._bind), condition))
            for condition, numbers in conditions.items()
            if condition != FALSE
        )

    def _for_profile(
        self, term: Compare | Exists, profile: str, alias: str, general: Callable[[], str]
    ) -> str:
        route = term.path
        if len(route.names) > 1 or route.trail or route.linked:
            return general()
        if isinstance(term, Exists):
            return TRUE
        form = _PLAIN.get(profile)
        if form is None:
            return general()
        name = route.names[0]
        value = self._value(name, profile, alias)
        condition = self._plain(term, form, value)
        if name in self._hot and alias == "entity" and _is_served(term.operator, condition, value):
            return Served.by(name, condition)
        return condition

    def _value(self, attribute: str, profile: str, alias: str) -> str:
        if attribute in self._hot:
            return plain_value(alias, attribute)
        member = VALUE_MEMBER[profile.partition("/")[0]]
        return f"json_extract({alias}.doc, {path(attribute, f'[0].{member}')})"

    def _general(self, term: Compare | Exists, alias: str) -> Callable[[], str]:
        """A function that gives the general condition, the same text each time."""
        made: list[str] = []

        def make() -> str:
            if not made:
                instances = f"{alias}.doc -> {path(term.path.names[0])}"
                if term.path.linked:
                    made.append(self._linked(term, term.path.linked, instances))
                else:
                    _check_pattern(term)
                    test = self._bind.object(instance_test(term, matches))
                    made.append(f"holds({test}, {instances})")
            return made[0]

        return make

    def _linked(self, term: Compare | Exists, linked: AttributePath, instances: str) -> str:
        find = objects(term.path.names[1:])
        ends = self._bind.object(lambda found: orjson.dumps(find(found)).decode())
        inner: Filter = (
            Exists(linked)
            if isinstance(term, Exists)
            else Compare(linked, term.operator, term.values)
        )
        self._depth += 1
        alias = f"linked{self._depth}"
        shapes = self.possible(inner)
        if term.path.linked_types:
            typed_so = (self._catalogue.by_type.get(t, set()) for t in term.path.linked_types)
            shapes = shapes.intersection(set().union(*typed_so))
        condition = conjunction(
            (
                any_of(f"+{alias}.shape", shapes, self._bind),
                self.condition(inner, shapes, alias),
                self._veil.there(alias),
            )
        )
        if condition == FALSE:
            return FALSE
        return (
            f"EXISTS (SELECT 1 FROM entity AS {alias} WHERE {alias}.id IN"
            f" (SELECT value FROM json_each(derive({ends}, {instances}))) AND {condition})"
        )

    # -- plain comparisons -------------------------------------------------------------------------

    def _plain(self, term: Compare, form: str, value: str) -> str:
        """`term` on an SQL value of a known form."""
        if term.operator in ("==", "!="):
            equal = self._equal(term.values, form, value)
            if term.operator == "==":
                return equal
            return TRUE if equal == FALSE else f"({value} IS NOT NULL AND NOT {equal})"
        scalar = term.values[0]
        if form == "reference" or isinstance(scalar, Range):
            return FALSE
        if term.operator in ORDERINGS:
            seen = _seen(value, form, typed(scalar))
            if seen is None or form == "boolean":
                return FALSE
            return f"{seen} {term.operator} {self._bind(typed(scalar).value)}"
        if form != "text":
            return FALSE
        _check_pattern(term)
        negation = "NOT " if term.operator == "!~=" else ""
        return f"{negation}matches({self._bind(str(scalar))}, {value})"

    def _equal(self, values: tuple[Scalar | Range, ...], form: str, value: str) -> str:
        """Whether an SQL value of a known form equals some of `values`; never NULL."""
        alternatives: list[str] = []
        same: dict[str, list[str]] = defaultdict(list)
        for wanted in values:
            if isinstance(wanted, Range):
                alternatives.append(self._within(wanted, form, value))
            elif (seen := _seen(value, form, typed(wanted))) is not None:
                same[seen].append(self._bind(typed(wanted).value))
        for seen, places in same.items():
            if seen != value:  # a function that may give NULL
                alternatives += [f"{seen} IS {place}" for place in places]
            elif len(places) == 1:
                alternatives.append(f"{seen} = {places[0]}")
            else:
                alternatives.append(f"{seen} IN ({', '.join(places)})")
        return disjunction(alternatives)

    def _within(self, wanted: Range, form: str, value: str) -> str:
        low, high = typed(wanted.low), typed(wanted.high)
        seen = _seen(value, form, low)
        if seen is None or low.tag != high.tag or form in ("boolean", "reference"):
            return FALSE
        between = f"{seen} BETWEEN {self._bind(low.value)} AND {self._bind(high.value)}"
        return f"({between})" if seen == value else f"coalesce({between}, FALSE)"

    # -- a term on a core member of the entity -----------------------------------------------------

    def _on_member(self, term: Compare | Exists, alias: str) -> str:
        _check_pattern(term)
        name = term.path.names[0]
        column = _COLUMNS.get(name)
        value = (self._veil.moment(alias) if name == "modifiedAt" else None) or f"{alias}.{column}"
        if column and isinstance(term, Compare) and len(term.path.names) == 1:
            moments = [_moment(value) for value in term.values]
            if term.operator in ORDERINGS and None not in moments:
                return f"{value} {term.operator} {self._bind(moments[0])}"
        test = self._veil.as_seen(name, member_test(term, matches))
        return f"holds({self._bind.object(test)}, json({alias}.doc))"


def _is_served(operator: str, condition: str, value: str) -> bool:
    """Whether a plain comparison singles out one stretch of an index on `value`."""
    return operator != "!=" and condition.startswith(
        (f"{value} {operator}", f"{value} = ", f"{value} IN ", f"({value} BETWEEN ")
    )


def _seen(value: str, form: str, wanted: Typed) -> str | None:
    """The SQL expression to compare with `wanted`, or ``None`` when the types differ."""
    if wanted.tag == form or (wanted.tag == "text" and form == "reference"):
        return value
    if wanted.tag in _TEMPORAL and form == "text":
        return f"{wanted.tag}({value})"
    return None


def _moment(value: Scalar | Range) -> str | None:
    """The fixed-width text of a moment, as the columns hold it."""
    if isinstance(value, Range):
        return None
    if isinstance(value, str):
        instant = moment(value)
    else:
        instant = typed(value).value if typed(value).tag == "moment" else None
    return None if instant is None else iso(from_micros(instant))


def _check_pattern(term: Compare | Exists) -> None:
    """Refuse a bad regular expression before the query runs."""
    if isinstance(term, Compare) and term.operator in ("~=", "!~="):
        pattern(str(term.values[0]))
