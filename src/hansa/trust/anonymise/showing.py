"""Whether something that was hidden stands elsewhere in an entity, however it is written there. Pure.

1. What is hidden is texts and whole numbers; of a URN also its last part. Short numbers are not looked for: too much has them by chance.
2. What is looked through is all values, scopes and identifiers, and the names of members within JSON; not names of attributes and types, nor
   what the node itself writes.
3. Signs between words, small and capital letters and accents make no difference; of short words capitals do. Long ones are found without their signs, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from hansa.ngsild.model import ENTITY_MEMBERS, INSTANCE_MEMBERS, VALUE_MEMBER, Entity, Instance
from hansa.trust.spelling import folded

__all__ = ["stands_in", "texts_of"]

_SHORTEST: Final = 2
_SHORT: Final = 4
_SHORTEST_NUMBER: Final = 6
_LONG: Final = 8
_LONG_NUMBER: Final = 9
_SIGNS: Final = re.compile(r"[\W_]+")
_SILENT: Final = frozenset({"type", "createdAt", "modifiedAt", "observedAt"})


def stands_in(entity: Entity, hidden: Iterable[str]) -> bool:
    """Whether one of these texts stands somewhere in the entity, as a word or more."""
    exact: set[str] = set()
    words: set[str] = set()
    runs: set[str] = set()
    for text in hidden:
        spelt = _spelt(text)
        run = spelt.replace(" ", "")
        if len(run) < (_SHORTEST_NUMBER if run.isdecimal() else _SHORTEST):
            continue
        if len(run) < _SHORT:
            exact.add(f" {spelt} ")
            continue
        words.add(f" {spelt.casefold()} ")
        if len(run) >= (_LONG_NUMBER if run.isdecimal() else _LONG) and not spelt.isalpha():
            runs.add(run.casefold())
    if not exact and not words:
        return False
    for text in _all_of(entity):
        spelt = f" {_spelt(text)} "
        small = spelt.casefold()
        if any(each in spelt for each in exact) or any(each in small for each in words):
            return True
        if any(f" {each} " in words for each in _joined(small.split())):
            return True
        if runs and any(map(small.replace(" ", "").__contains__, runs)):
            return True
    return False


def texts_of(value: Any) -> Iterator[str]:
    """The texts in a value that is hidden; of an identifier also its last part."""
    if isinstance(value, str):
        yield value
        if value.startswith("urn:"):
            yield value.rsplit(":", 1)[-1]
    elif isinstance(value, list):
        for each in value:
            yield from texts_of(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts_of(each)
    elif (number := _whole(value)) is not None:
        yield number


def _spelt(text: str) -> str:
    return _SIGNS.sub(" ", folded(text)).strip()


def _joined(parts: list[str]) -> Iterator[str]:
    """Words that stand beside each other, as one."""
    for first, second in pairwise(parts):
        yield first + second


def _whole(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(int(value)) if float(value).is_integer() else None


def _all_of(entity: Entity) -> Iterator[str]:
    for name, value in entity.items():
        if name in _SILENT:
            continue
        if name in ENTITY_MEMBERS:
            yield from _within(value)
            continue
        for instance in value:
            yield from _all_of_instance(instance)


def _all_of_instance(instance: Instance) -> Iterator[str]:
    for name, value in instance.items():
        if name in _SILENT:
            continue
        if name not in INSTANCE_MEMBERS:
            for each in value:
                yield from _all_of_instance(each)
        elif name == "languageMap" and isinstance(value, Mapping):
            yield from _within(list(value.values()))
        elif instance["type"] == "GeoProperty" and name == VALUE_MEMBER["GeoProperty"]:
            yield from _within({n: v for n, v in value.items() if n not in _GEOMETRY})
        else:
            yield from _within(value)


_GEOMETRY: Final = frozenset({"type", "coordinates"})


def _within(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _within(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _within(each)
    elif (number := _whole(value)) is not None:
        yield number
