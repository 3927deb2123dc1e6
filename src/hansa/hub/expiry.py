"""Transient entities and attributes: what has outlived its ``expiresAt`` (clause 4.22).

An expired entity is not there for any operation, and no read shows an expired attribute instance;
expiry counts whole seconds. What a read meets that is expired is deleted for good soon after; until
then it still takes part in what a store counts (totals, discovery), as the clause allows.
"""

from __future__ import annotations

from typing import Any, Final

from hansa.ngsild.model import Entity, Instance, attributes, sub_attributes
from hansa.store.port import Edited, Write

__all__ = ["MARK", "alive", "alive_instances", "bury", "is_over"]

MARK: Final = b'"expiresAt"'
"""What stands in the JSON text of everything that may expire."""

_SECOND: Final = len("2026-11-23T08:00:00")


def alive(entity: Entity | None, now: str) -> Entity | None:
    """`entity` without what has expired; None when it has, itself when nothing has."""
    if entity is None or is_over(entity, now):
        return None
    changed: dict[str, Any] = {}
    for name, instances in attributes(entity):
        left = alive_instances(instances, now)
        if left is not instances:
            changed[name] = left
    if not changed:
        return entity
    return {k: v for k, v in (entity | changed).items() if v != []}


def alive_instances(instances: list[Instance], now: str) -> list[Instance]:
    """The instances of an attribute that have not expired; the very same list when all are there."""
    left = [_alive(instance, now) for instance in instances if not is_over(instance, now)]
    same = len(left) == len(instances) and all(map(_is, left, instances))
    return instances if same else left


def bury(id: str, now: str) -> Write:
    """Delete for good what has expired of an entity, if it still has by then."""
    return Write(id, lambda current: Edited(alive(current, now)))


def _alive(instance: Instance, now: str) -> Instance:
    changed: dict[str, Any] = {}
    for name, instances in sub_attributes(instance):
        left = alive_instances(instances, now)
        if left is not instances:
            changed[name] = left
    if not changed:
        return instance
    return {k: v for k, v in (instance | changed).items() if k not in changed or v}


def is_over(thing: Entity | Instance, now: str) -> bool:
    """Whether an entity or attribute instance has itself expired."""
    expiry: str | None = thing.get("expiresAt")
    return expiry is not None and expiry[:_SECOND] < now[:_SECOND]


def _is(one: object, other: object) -> bool:
    return one is other
