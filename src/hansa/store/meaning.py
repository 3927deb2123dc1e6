"""What a term of q means, on the attribute instances of one entity (ETSI GS CIM 009, clause 4.9).

This is the general rule, in Python; a driver compiles the plain cases to its own language and asks
here about the rest. The rules, in order:

1. A path leads from an attribute over sub-attributes to *targets*; any instance may match.
2. A target's value is a list of *elements*: those of an array, the texts of a languageMap, the
   objects of a Relationship, or the value itself. A trail first descends into the value.
3. ``==``: some element equals some value of the term, or lies in its range. ``!=``: none does.
4. ``<`` and its like, ``~=``, ``!~=``: the value itself, if it is of the term's type. An array is
   of no such type, but the texts of a languageMap are looked at one by one.
5. Types never mix (:mod:`.values`). References (Relationship, ListRelationship) know ``==`` and ``!=``
   only.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from hansa.ngsild.model import ENTITY_MEMBERS, INSTANCE_MEMBERS, VALUE_MEMBER, Entity, Instance
from hansa.ngsild.query import AttributePath, Compare, Exists, Range, Scalar
from hansa.store.values import Typed, moment, seen_as, typed

__all__ = [
    "ORDERINGS",
    "REFERENCES",
    "Target",
    "instance_test",
    "member_test",
    "objects",
    "ordering_key",
    "targets",
]

Nature = Literal["value", "moment", "reference"]

REFERENCES: Final = frozenset({"Relationship", "ListRelationship"})
_MEMBERS: Final = INSTANCE_MEMBERS | ENTITY_MEMBERS
ORDERINGS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


# -- targets ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """One value that a path leads to.

    Attributes:
        value: as stored.
        elements: what ``==`` and ``!=`` look at.
        singles: what the orderings and patterns look at.
        nature: of a ``reference``, ranges hold nothing; with a core member that is a ``moment``, even
            a quoted text means a moment.
    """

    value: Any
    elements: list[Any]
    singles: list[Any]
    nature: Nature = "value"


def _plain(value: Any) -> Any:
    """The lexical value of a JSON-LD typed value, else the value itself."""
    return value["@value"] if isinstance(value, dict) and "@value" in value else value


def _target(value: Any, kind: str) -> Target:
    if kind in REFERENCES:
        return Target(value, value if isinstance(value, list) else [value], [], "reference")
    if isinstance(value, list):
        return Target(value, [_plain(item) for item in value], [])
    value = _plain(value)
    return Target(value, [value], [value])


def _texts(texts: list[Any]) -> Target:
    flat = [t for text in texts for t in (text if isinstance(text, list) else [text])]
    return Target(texts, flat, flat)


def _language_target(tongues: dict[str, Any], trail: tuple[str, ...]) -> Target | None:
    if not trail or trail == ("*",):
        return _texts(list(tongues.values()))
    return _texts([tongues[trail[0]]]) if len(trail) == 1 and trail[0] in tongues else None


def _instance_target(instance: Instance, trail: tuple[str, ...]) -> Target | None:
    kind = instance["type"]
    value = instance.get(VALUE_MEMBER[kind])
    if kind == "LanguageProperty" and isinstance(value, dict):
        return _language_target(value, trail)
    for member in trail:
        if not isinstance(value, dict) or member not in value:
            return None
        value = value[member]
    return _target(value, kind)


def _member_target(name: str, value: Any) -> Target:
    if isinstance(value, list):
        return Target(value, value, [])
    return Target(value, [value], [value], "moment" if name.endswith("At") else "value")


def targets(
    instances: list[Instance], names: tuple[str, ...], trail: tuple[str, ...] = ()
) -> Iterator[Target]:
    """The targets of the path `names` (below the attribute) and `trail`, from `instances` on.

    Instead of instances, entities may be given, with a path that begins at the entity.
    """
    if not names:
        for instance in instances:
            target = _instance_target(instance, trail)
            if target is not None:
                yield target
        return
    name, rest = names[0], names[1:]
    for instance in instances:
        if name not in instance:
            continue
        if name not in _MEMBERS:
            yield from targets(instance[name], rest, trail)
        elif not rest and not trail:
            yield _member_target(name, instance[name])


def objects(names: tuple[str, ...]) -> Callable[[list[Instance]], list[str]]:
    """A function that finds the identifiers that the Relationships at a path refer to."""

    def find(instances: list[Instance]) -> list[str]:
        for name in names:
            instances = [below for instance in instances for below in instance.get(name, ())]
        references = (i for i in instances if i["type"] in REFERENCES)
        ends: Iterator[Any] = (i[VALUE_MEMBER[i["type"]]] for i in references)
        return [uri for end in ends for uri in (end if isinstance(end, list) else [end])]

    return find


# -- terms -----------------------------------------------------------------------------------------


def _equals(wanted: Scalar | Range, nature: Nature) -> Callable[[Any], bool]:
    """A test whether an element equals a value of a term, or lies in its range."""
    if not isinstance(wanted, Range):
        tag, value = _typed_for(wanted, nature)
        return lambda element: (seen := seen_as(element, tag)) is not None and seen == value
    low, high = _typed_for(wanted.low, nature), _typed_for(wanted.high, nature)
    if low.tag != high.tag or low.tag == "boolean" or nature == "reference":
        return lambda _: False
    return lambda element: (
        (seen := seen_as(element, low.tag)) is not None and low.value <= seen <= high.value
    )


def _typed_for(scalar: Scalar, nature: Nature) -> Typed:
    if nature == "moment" and isinstance(scalar, str) and (instant := moment(scalar)) is not None:
        return Typed("moment", instant)
    return typed(scalar)


Search = Callable[[str, Any], bool | None]


def _target_test(term: Compare, search: Search) -> Callable[[Target], bool]:
    if term.operator in ("==", "!="):
        tests = {n: [_equals(value, n) for value in term.values] for n in get_args(Nature)}
        wanted = term.operator == "=="

        def equality(target: Target) -> bool:
            some = tests[target.nature]
            return any(test(e) for e in target.elements for test in some) is wanted

        return equality
    if term.operator in ORDERINGS:
        return _ordering_test(term)
    expression, wanted = str(term.values[0]), term.operator == "~="

    def pattern(target: Target) -> bool:
        texts = [single for single in target.singles if isinstance(single, str)]
        return bool(texts) and any(search(expression, text) for text in texts) is wanted

    return pattern


def _ordering_test(term: Compare) -> Callable[[Target], bool]:
    compare, scalar = ORDERINGS[term.operator], term.values[0]
    if isinstance(scalar, Range | bool):
        return lambda _: False

    def ordering(target: Target) -> bool:
        tag, value = _typed_for(scalar, target.nature)
        seen = (seen_as(single, tag) for single in target.singles)
        return any(s is not None and compare(s, value) for s in seen)

    return ordering


def instance_test(term: Compare | Exists, search: Search) -> Callable[[list[Instance]], bool]:
    """A test of a term without linked entities on the instances of its first attribute.

    `search(pattern, text)` says whether the text contains a match.
    """
    names, trail = term.path.names[1:], term.path.trail
    if isinstance(term, Exists):
        return lambda instances: any(True for _ in targets(instances, names, trail))
    test = _target_test(term, search)
    return lambda instances: any(test(target) for target in targets(instances, names, trail))


def member_test(term: Compare | Exists, search: Search) -> Callable[[Entity], bool]:
    """A test of a term whose path begins with a core member of the entity."""
    test: Callable[[Target], bool] = (
        (lambda _: True) if isinstance(term, Exists) else _target_test(term, search)
    )
    return lambda entity: any(test(target) for target in targets([entity], term.path.names))


# -- ordering (4.23) -------------------------------------------------------------------------------

_RANKS: Final[tuple[tuple[type | tuple[type, ...], int], ...]] = (
    (bool, 4),
    ((int, float), 0),
    (str, 1),
    (dict, 2),
    (list, 3),
)


def ordering_key(path: AttributePath) -> Callable[[list[Instance]], tuple[int, Any] | None]:
    """A function that finds the rank and value by which instances are ordered.

    The first target counts. The rank is that of clause 4.23.2: numbers, texts, objects, arrays,
    booleans, null.
    """

    def key(instances: list[Instance]) -> tuple[int, Any] | None:
        for target in targets(instances, path.names[1:], path.trail):
            value = target.value
            for kind, rank in _RANKS:
                if isinstance(value, kind):
                    return rank, value
            return 8, None
        return None

    return key
