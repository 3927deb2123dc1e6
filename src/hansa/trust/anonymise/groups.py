"""Groups of entities that look alike: those that are too small, and how many are in each. Pure.

What is counted is not rows but those behind them: entities by their identifiers, or the different values of an attribute
that says whose they are. Several states of one entity within a window are one entity, in the group of its latest state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final

import orjson

from hansa.ngsild.model import VALUE_MEMBER, Entity
from hansa.trust.anonymise.kinds import Count

__all__ = ["Group", "Tally", "plain_value", "tally", "too_small", "written"]

Group = tuple[str, ...]
"""The values that make a group, each written as JSON; "" where an entity has none."""

_NONE: Final = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Exact numbers of a window. They are never written, shown or logged: noise is put on them first."""

    step: Count
    counts: Mapping[Group, int] = field(repr=False)


def plain_value(entity: Mapping[str, Any], name: str) -> Any:
    """The value of an attribute: of several instances a list; ``None`` without the attribute."""
    if name == "id":
        return entity["id"]
    values = [each.get(VALUE_MEMBER[each["type"]]) for each in entity.get(name, ())]
    return values[0] if len(values) == 1 else (values or None)


def written(value: Any) -> str:
    """A value as the text that groups compare."""
    if value is None:
        return _NONE
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _grouped(
    entities: Iterable[Entity], by: tuple[str, ...], per: str
) -> tuple[dict[str, Group], dict[str, str]]:
    """The group of each entity, and whose it is, by its identifier."""
    latest: dict[str, dict[str, str]] = {}
    whose: dict[str, str] = {}
    for entity in entities:
        id = entity["id"]
        values = latest.setdefault(id, {})
        for name in by:
            if name in entity:
                values[name] = written(plain_value(entity, name))
        if per in entity or id not in whose:
            whose[id] = written(plain_value(entity, per)) or written(id)
    return {id: tuple(found.get(n, _NONE) for n in by) for id, found in latest.items()}, whose


def too_small(entities: Iterable[Entity], k: int, by: tuple[str, ...], per: str) -> set[str]:
    """The identifiers of those whose group has fewer than `k` in it."""
    groups, whose = _grouped(entities, by, per)
    members: dict[Group, set[str]] = {}
    for id, group in groups.items():
        members.setdefault(group, set()).add(whose[id])
    return {id for id, group in groups.items() if len(members[group]) < k}


def tally(step: Count, entities: Iterable[Entity]) -> Tally:
    """How many are in each group; nobody is in more than one."""
    groups, whose = _grouped(entities, step.by, step.per)
    counts: dict[Group, int] = {}
    if step.among is not None:
        counts = dict.fromkeys(product(*step.among), 0)
    seen: set[str] = set()
    for id, group in groups.items():
        if whose[id] in seen or (step.among is not None and group not in counts):
            continue
        seen.add(whose[id])
        counts[group] = counts.get(group, 0) + 1
    return Tally(step, counts)
