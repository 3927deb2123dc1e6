"""A merge fragment, fitted to the entity that it is merged into (ETSI GS CIM 009, clause 5.6.17.4).

In order, for each attribute instance of the fragment that the entity has already: a value without an
attribute around it takes the kind of the stored one; a text for a LanguageProperty is its text in the
common language; the common time of observation goes to where one was and none is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from hansa.ngsild.context import CORE, Context
from hansa.ngsild.expand import is_deletion
from hansa.ngsild.model import VALUE_MEMBER, Entity, Instance, attributes
from hansa.ngsild.values import CHECKS

__all__ = ["Common", "adapted"]

_BARE: Final = ({"type", "value"}, {"type", "value", "datasetId"})
_VALUED: Final = frozenset({"Property", "GeoProperty"})


@dataclass(frozen=True, slots=True)
class Common:
    """What holds for all attributes of a merge.

    Attributes:
        simplified: the fragment holds values without attributes around them.
        language: of the texts given for LanguageProperties.
        observed_at: when the merged values were observed.
        context: expands the names that VocabProperties hold.
    """

    simplified: bool = False
    language: str | None = None
    observed_at: str | None = None
    context: Context = CORE

    @property
    def says_nothing(self) -> bool:
        """Whether there is nothing to fit."""
        return not (self.simplified or self.language or self.observed_at)


def adapted(fragment: Entity, current: Entity, common: Common) -> Entity:
    """`fragment` as it is to be merged into `current`.

    Raises:
        BadRequest: a value cannot be one of the kind that the stored attribute has.
    """
    if common.says_nothing:
        return fragment
    changed = dict(fragment)
    for name, instances in attributes(fragment):
        stored = {i.get("datasetId"): i for i in current.get(name, ())}
        changed[name] = [
            _fitted(i, stored[i.get("datasetId")], name, common)
            if i.get("datasetId") in stored
            else i
            for i in instances
        ]
    return changed


def _fitted(instance: Instance, stored: Instance, name: str, common: Common) -> Instance:
    if is_deletion(instance):
        return instance
    kind = stored["type"]
    bare = instance["type"] in _VALUED and instance.keys() in _BARE
    text = kind == "LanguageProperty" and isinstance(instance.get("value"), str)
    if bare and kind != instance["type"] and (common.simplified or (text and common.language)):
        value: Any = instance["value"]
        if text:
            value = {common.language or "@none": value}
        rest = {k: v for k, v in instance.items() if k == "datasetId"}
        value = CHECKS[kind](value, common.context.compact(name), common.context)
        instance = {"type": kind, VALUE_MEMBER[kind]: value, **rest}
    if common.observed_at and "observedAt" in stored and "observedAt" not in instance:
        instance = {**instance, "observedAt": common.observed_at}
    return instance
