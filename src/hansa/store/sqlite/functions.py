"""SQL functions that Hansa adds to each connection.

``holds(test, json)``: a Python predicate (bound as an object) on a JSON text; false where the text
is missing. ``derive(function, json)``: likewise, but any SQL value. ``collated(function, value)``: the
sort key of a text; other values as they are. ``matches(pattern, text)``: RE2
search, in time linear in the text. ``lookup(mapping, key)``: an item of a
Python mapping. ``moment``, ``day``, ``daytime``: the point in time that a text
names, as a number, or NULL when it names none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import apsw
import orjson

from hansa.store.patterns import matches, pattern
from hansa.store.values import day, daytime, moment

__all__ = ["matches", "pattern", "register"]


class Lookup(Protocol):
    """Numbers by key."""

    def get(self, key: int) -> float | None:
        """The number, if there is one."""


def _holds(test: Callable[[Any], bool], json: str | None) -> bool:
    return json is not None and test(orjson.loads(json))


def _derive(function: Callable[[Any], Any], json: str | None) -> Any:
    return None if json is None else function(orjson.loads(json))


def _collated(key: Callable[[str], bytes], value: Any) -> Any:
    return key(value) if isinstance(value, str) else value


def _lookup(mapping: Lookup, key: int) -> float | None:
    return mapping.get(key)


def register(connection: apsw.Connection) -> None:
    """Make the functions known to `connection`."""
    functions: tuple[tuple[str, Callable[..., Any], int], ...] = (
        ("holds", _holds, 2),
        ("derive", _derive, 2),
        ("collated", _collated, 2),
        ("lookup", _lookup, 2),
        ("matches", matches, 2),
        ("moment", moment, 1),
        ("day", day, 1),
        ("daytime", daytime, 1),
    )
    for name, function, arguments in functions:
        connection.create_scalar_function(name, function, arguments, deterministic=True)
