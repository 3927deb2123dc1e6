"""What is personal by the name of its type or attribute, and which steps let it in: the table ``personal.toml``. Pure.

The table is a floor, not a finding that all else is harmless: what the names do not tell, whoever declares a source must.
Where a word may mean people and may not (``owner``), a source may declare that there it does not; the reason is public.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from hansa.ngsild.model import ENTITY_MEMBERS, INSTANCE_MEMBERS, VALUE_MEMBER
from hansa.trust.spelling import folded

__all__ = [
    "Rule",
    "Rules",
    "is_listed",
    "is_named",
    "lacking",
    "local_name",
    "people",
    "rules_for",
    "table",
]

PLACE: Final = "@place"
_PEOPLE: Final = "*people"
_DEEPEST: Final = 20


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table.

    Attributes:
        name: as the table spells it.
        fits: the words of the steps of which one must be declared.
        source: who says that it is personal.
    """

    name: str
    fits: frozenset[str]
    source: str
    only_on: frozenset[str] = frozenset()
    not_on: frozenset[str] = frozenset()


Rules = Mapping[str, Rule]
"""Those that hold for some types, by the attribute's name."""


def local_name(iri: str) -> str:
    """A name without its namespace, case and accents, in Latin letters where it looks like them."""
    return _local(iri) if len(iri) < 500 else iri


@lru_cache(maxsize=4096)
def _local(iri: str) -> str:
    return folded(re.split("[/#:]", iri.rstrip("/#:"))[-1]).casefold()


@cache
def _raw() -> dict[str, Any]:
    text = files("hansa.trust.anonymise").joinpath("personal.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def people() -> Mapping[str, str]:
    """The types that are about individuals, with who says so."""
    return {local_name(name): each["source"] for each in _raw()["type"] for name in each["names"]}


@cache
def table() -> Sequence[Rule]:
    """All rules about attributes."""
    return tuple(
        Rule(
            name,
            frozenset(each["fits"]),
            each["source"],
            frozenset(map(local_name, each.get("only_on", ()))),
            frozenset(map(local_name, each.get("not_on", ()))),
        )
        for each in _raw()["attribute"]
        for name in each["names"]
    )


def is_listed(iri: str) -> bool:
    """Whether an attribute's name stands in the table, on whatever type."""
    return local_name(iri) in _names()


def is_named(rules: Rules, names: Iterable[str]) -> bool:
    """Whether rules hold for an entity as such, for its place, or for one of its attributes (IRIs)."""
    return "id" in rules or PLACE in rules or any(local_name(name) in rules for name in names)


@cache
def _names() -> frozenset[str]:
    return frozenset(local_name(rule.name) for rule in table())


@lru_cache(maxsize=1024)
def rules_for(types: tuple[str, ...]) -> Rules:
    """The rules that hold for an entity of these types (IRIs)."""
    names = {local_name(each) for each in types}
    if names & people().keys():
        names.add(_PEOPLE)
    found: dict[str, Rule] = {}
    for rule in table():
        holds = bool(names & rule.only_on) if rule.only_on else not names <= rule.not_on
        if holds:
            found[local_name(rule.name)] = rule
    return found


def lacking(
    entity: Mapping[str, Any],
    rules: Rules,
    covered: Mapping[str, frozenset[str]],
    *,
    anew: bool = True,
) -> list[str]:
    """The names of the rules that an entity breaks: something personal that no fitting step is declared for.

    Args:
        covered: the words of the steps declared for each attribute (IRI, or ``id``).
        anew: whether its identifier is asked, too; it is not where only some attributes are new.
    """
    found: list[str] = []
    if anew and (rule := rules.get("id")) and not rule.fits & covered.get("id", frozenset()):
        found.append(rule.name)
    _look(entity, ENTITY_MEMBERS, rules, covered, found)
    return found


def _look(
    holder: Mapping[str, Any],
    members: frozenset[str],
    rules: Rules,
    covered: Mapping[str, frozenset[str]],
    found: list[str],
) -> None:
    """Look through attributes and theirs; within the values of those that no step hides, too."""
    for name, instances in holder.items():
        if name in members:
            continue
        words = covered.get(name, frozenset())
        rule = rules.get(local_name(name))
        if rule and not rule.fits & words:
            found.append(rule.name)
        place = rules.get(PLACE)
        hides = bool(words & {"drop", "pseudonymise"})
        for each in instances:
            value = each.get(VALUE_MEMBER[each["type"]])
            if place and not place.fits & words and _is_place(each, value):
                found.append(place.name)
            if not hides and isinstance(value, dict | list):
                _within(value, rules, covered, found, 0)
            if "drop" not in words and not each.keys() <= INSTANCE_MEMBERS:
                _look(each, INSTANCE_MEMBERS, rules, covered, found)


def _is_place(instance: Mapping[str, Any], value: Any) -> bool:
    return instance["type"] == "GeoProperty" or (isinstance(value, dict) and "coordinates" in value)


def _within(
    value: Any,
    rules: Rules,
    covered: Mapping[str, frozenset[str]],
    found: list[str],
    depth: int,
) -> None:
    """Look at the names within a JSON value: only dropping them, or the whole value, helps there."""
    if isinstance(value, dict):
        if (place := rules.get(PLACE)) and "coordinates" in value and depth:
            found.append(place.name)
        for name, part in value.items():
            rule = rules.get(local_name(name))
            if rule and rule.name != "id" and not _is_dropped(rule.name, covered):
                found.append(rule.name)
            elif depth < _DEEPEST:
                _within(part, rules, covered, found, depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for part in value:
            if isinstance(part, dict | list):
                _within(part, rules, covered, found, depth + 1)


def _is_dropped(name: str, covered: Mapping[str, frozenset[str]]) -> bool:
    local = local_name(name)
    return any("drop" in words and local_name(iri) == local for iri, words in covered.items())
