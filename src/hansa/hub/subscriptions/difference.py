"""What a change did to an entity, in the words of ``notificationTrigger`` (clauses 5.2.12 and 5.8.6).

An attribute changes when a member of one of its instances becomes different; the times of the system
alone (createdAt, modifiedAt) are no change. Instances are told apart by their datasetId. An entity that
is created has all its attributes created, one that is deleted has them deleted. A scope counts as an
attribute of that name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from hansa.ngsild.model import Entity, Instance, attribute_names, sub_attributes

__all__ = ["Difference", "difference"]


@dataclass(slots=True)
class Difference:
    """A change of one entity.

    Attributes:
        whole: whether the entity itself came or went.
        created, updated, deleted: attributes (IRIs) with an instance of which that is true.
        gone: the instances that were removed, by attribute.
        old: the instances that became others, by attribute and datasetId.
    """

    before: Entity | None
    after: Entity | None
    whole: Literal["entityCreated", "entityDeleted"] | None = None
    created: set[str] = field(default_factory=set)
    updated: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    gone: dict[str, list[Instance]] = field(default_factory=dict)
    old: dict[tuple[str, str | None], Instance] = field(default_factory=dict)

    @property
    def entity(self) -> Entity:
        """The entity as it is now, or as it was last."""
        return self.after if self.after is not None else self.before or {}

    @property
    def types(self) -> set[str]:
        """The types that the entity has or had."""
        return {name for side in (self.before, self.after) if side for name in side["type"]}

    @property
    def touched(self) -> set[str]:
        """Every attribute that the change did something to."""
        return self.created | self.updated | self.deleted

    def concerns(self, triggers: frozenset[str], watched: frozenset[str] | None) -> bool:
        """Whether the change is of a kind, and of an attribute, that are looked for."""
        for name, touched in (
            ("attributeCreated", self.created),
            ("attributeUpdated", self.updated),
            ("attributeDeleted", self.deleted),
        ):
            if name in triggers and touched and (watched is None or touched & watched):
                return True
        if self.whole is None or self.whole not in triggers:
            return False
        return watched is None or bool(watched & self.touched)


def difference(before: Entity | None, after: Entity | None) -> Difference:
    """What happened between two states of an entity, of which one may be missing."""
    found = Difference(before, after)
    if before is None or after is None:
        _whole(found)
        return found
    for name in attribute_names(after):
        if name not in before:
            found.created.add(name)
        elif before[name] != after[name]:  # what was written bears a new modifiedAt
            _compare(found, name, before[name], after[name])
    for name in attribute_names(before) - attribute_names(after):
        found.deleted.add(name)
        found.gone[name] = before[name]
    _compare_scopes(found, before.get("scope"), after.get("scope"))
    return found


def _whole(found: Difference) -> None:
    if found.after is not None:
        found.whole = "entityCreated"
        found.created = attribute_names(found.after)
    elif found.before is not None:
        found.whole = "entityDeleted"
        found.deleted = attribute_names(found.before)
        found.gone = {name: found.before[name] for name in found.deleted}


def _compare(found: Difference, name: str, old: list[Instance], new: list[Instance]) -> None:
    present = {instance.get("datasetId"): instance for instance in old}
    for instance in new:
        dataset = instance.get("datasetId")
        former = present.pop(dataset, None)
        if former is None:
            found.created.add(name)
        elif _bare(former) != _bare(instance):
            found.updated.add(name)
            found.old[name, dataset] = former
    if present:
        found.deleted.add(name)
        found.gone[name] = list(present.values())


def _compare_scopes(found: Difference, old: Any, new: Any) -> None:
    if old != new:
        kind = found.created if old is None else found.deleted if new is None else found.updated
        kind.add("scope")


def _bare(instance: Instance) -> bytes:
    """An instance without the times of the system, as text: 1, 1.0 and true are different values."""
    return orjson.dumps(_without_times(instance), option=orjson.OPT_SORT_KEYS)


def _without_times(instance: Instance) -> dict[str, Any]:
    found = {k: v for k, v in instance.items() if k not in ("createdAt", "modifiedAt")}
    for name, inner in sub_attributes(instance):
        found[name] = [_without_times(below) for below in inner]
    return found
