"""Pieces of SQL: values to bind, conditions to combine, paths into a document.

Every value that a client sent is bound, never written into the statement. Names of attributes stand
in JSON paths, which must be literal for an index to be used; :func:`path` quotes them twice, as JSON
and as SQL.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable
from typing import Any, Final

import apsw
import orjson

__all__ = [
    "FALSE",
    "TRUE",
    "Bindings",
    "Served",
    "any_of",
    "any_of_literal",
    "bindable",
    "conjunction",
    "disjunction",
    "literal",
    "path",
    "plain_value",
]

TRUE: Final = "TRUE"
FALSE: Final = "FALSE"

_FEW: Final = 32
"""Longer lists of numbers are bound as one array."""

_INT64: Final = range(-(1 << 63), 1 << 63)


class Bindings:
    """The values of a statement, by the names under which they stand in it.

    A value whose condition is simplified away may stay behind; SQLite is given what it asks for.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def __call__(self, value: Any) -> str:
        """Add a value; its place in the statement."""
        name = f"v{len(self.values)}"
        self.values[name] = bindable(value)
        return f":{name}"

    def object(self, thing: Any) -> str:
        """Add a Python object for one of our SQL functions."""
        return self(apsw.pyobject(thing))


def bindable(value: Any) -> Any:
    """`value`, or as a float where it is a whole number that SQLite has no room for."""
    return float(value) if isinstance(value, int) and value not in _INT64 else value


class Served(str):
    """A condition that the index of the hot attribute `attribute` can serve."""

    attribute: str

    @classmethod
    def by(cls, attribute: str, condition: str) -> Served:
        """`condition`, marked."""
        served = cls(condition)
        served.attribute = attribute
        return served


def any_of(expression: str, numbers: Collection[int], bind: Bindings) -> str:
    """`expression` is one of `numbers`."""
    if not numbers:
        return FALSE
    if len(numbers) == 1:
        return f"{expression} = {bind(next(iter(numbers)))}"
    if len(numbers) <= _FEW:
        return any_of_literal(expression, numbers)
    return f"{expression} IN carray({bind(apsw.carray(array('q', sorted(numbers))))})"


def any_of_literal(expression: str, numbers: Collection[int]) -> str:
    """The same with the numbers written into the statement; there must be some."""
    return f"{expression} IN ({','.join(str(int(n)) for n in sorted(numbers))})"


def conjunction(parts: Iterable[str]) -> str:
    """All of `parts`."""
    rest = [part for part in parts if part != TRUE]
    if FALSE in rest:
        return FALSE
    return f"({' AND '.join(rest)})" if len(rest) > 1 else rest[0] if rest else TRUE


def disjunction(parts: Iterable[str]) -> str:
    """Any of `parts`."""
    rest = [part for part in parts if part != FALSE]
    if TRUE in rest:
        return TRUE
    return f"({' OR '.join(rest)})" if len(rest) > 1 else rest[0] if rest else FALSE


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def path(attribute: str, below: str = "") -> str:
    """The SQL literal of the JSON path to an attribute of an entity, and further `below` it."""
    return literal(f"$.{orjson.dumps(attribute).decode()}{below}")


def plain_value(alias: str, attribute: str) -> str:
    """The plain value of the first instance, of whichever kind: the expression that hot indexes hold."""
    members = ("value", "object", "vocab")
    return "coalesce({})".format(
        ", ".join(f"json_extract({alias}.doc, {path(attribute, f'[0].{m}')})" for m in members)
    )
