"""The screen of a store: what every entity is shown to before it is stored, whoever brings it, by whatever door.

In this order:

1. what was erased at the wish of whom it concerns does not come again (:mod:`hansa.trust.residents.erased`);
2. a glance: where no name means anything to a rule, and the values are numbers, short texts and places, that is all
   (the verdict about names is kept for each set of them);
3. red lines (:mod:`.redlines`);
4. what is personal by its name is refused, unless it went through the steps that its source declares
   (:mod:`hansa.trust.anonymise.personal`). A node for experiments does not ask this.

What an edit leaves as it was is not asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hansa.kernel.errors import PersonalData
from hansa.ngsild.model import ENTITY_MEMBERS, INSTANCE_MEMBERS, Entity
from hansa.trust import redlines
from hansa.trust.anonymise.personal import is_listed, is_named, rules_for
from hansa.trust.anonymise.steps import Steps
from hansa.trust.residents.erased import Erased

__all__ = ["Screening", "personal"]

_KEPT: Final = 10_000
_UNKNOWN: Final[Any] = object()
_LONG: Final = redlines.LONG

_SIMPLE: Final = redlines.SKIP | {"value", "object", "unitCode"}
"""Members of an instance that has one value, and nothing else to be looked at."""

_Form = tuple[tuple[str, ...], tuple[str, ...]]

_forms: dict[tuple[str, ...], _Form | None] = {}
"""What instances are made of: the members that hold values, and the sub-attributes; ``None`` where a glance will not do."""


@dataclass(frozen=True, slots=True)
class Screening:
    """A screen.

    Attributes:
        personal: whether what is personal is refused, too.
        steps: declared ones, by which it is allowed.
        erased: what does not come again.
    """

    personal: bool = True
    steps: Steps = field(default_factory=Steps)
    erased: Erased = field(default_factory=Erased)
    _names: dict[tuple[str, ...], tuple[str, ...] | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Sets of names: the attributes; ``None`` where a glance will not do."""
    _of_passed: dict[tuple[str, ...], tuple[str, ...] | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """The same, of what went through its source's steps."""

    def check(self, entity: Entity, before: Entity | None = None, passed: bool = False) -> None:
        """Refuse what must not be stored.

        Args:
            entity: in the internal form, as it would be stored.
            before: as it is stored; attributes that are the very same objects in both are not asked again.
            passed: whether it went through the steps that its source declares.

        Raises:
            RedLine: with the rule and the law it rests on.
            PersonalData: something is personal, and no step was declared for it.
            Forbidden: it was erased.
        """
        if before is None:
            self.erased.check(entity)
        asks = self.personal and not passed
        known = self._names if asks else self._of_passed
        shape = (*entity["type"], *entity)
        names = known.get(shape, _UNKNOWN)
        if names is _UNKNOWN:
            names = _look_at_names(entity, asks)
            _keep(known, shape, names)
        if (
            names is not None
            and _glance(entity, names, before)
            and len(entity["id"]) < _LONG
            and ("scope" not in entity or redlines.are_brief(entity["scope"]))
        ):
            return
        redlines.check(entity, before)
        if asks and (found := personal(entity, before, self.steps)):
            raise refusal(entity["type"], found)

    def looks_closely(self, name: str) -> bool:
        """Whether every value under a name is to be shown."""
        return redlines.looks_closely(name)


def personal(entity: Entity, before: Entity | None, steps: Steps) -> list[str]:
    """What of an entity is personal and has no fitting step, by the names of the rules; each once."""
    if before is None or before["type"] != entity["type"]:
        return list(dict.fromkeys(steps.lacking(entity)))
    fresh: Entity = {
        name: value
        for name, value in entity.items()
        if name in ENTITY_MEMBERS or before.get(name) is not value
    }
    return list(dict.fromkeys(steps.lacking(fresh, anew=False)))


def refusal(types: Sequence[str], found: Sequence[str]) -> PersonalData:
    """Says what is personal; nothing of what the entity holds, and not its identifier."""
    kinds = ", ".join(each.rsplit("/", 1)[-1].rsplit("#", 1)[-1] for each in types)
    return PersonalData(
        f"an entity of type {kinds[:200]}",
        f"holds something personal that no step is declared for: {', '.join(found)[:300]}",
        "leave it out, or declare a step for it (drop, pseudonymise, …) in the record of its source; see 'Anonymise "
        "a source'",
        personal=list(found),
    )


def _glance(entity: Entity, names: tuple[str, ...], before: Entity | None) -> bool:
    """Whether an entity whose names are harmless surely holds nothing that any rule is against."""
    is_simple, is_plain = _SIMPLE.issuperset, redlines.is_plain
    for name in names:
        instances = entity[name]
        if before is not None and before.get(name) is instances:
            continue
        for instance in instances:
            if is_simple(instance):  # most are so, and a call would cost more than this look
                value = instance.get("value")
                if value is None:
                    value = instance.get("object")
                kind = type(value)
                if (
                    kind is float
                    or kind is int
                    or (kind is str and (len(value) < _LONG or is_plain(value)))
                    or (kind is dict and instance["type"] == "GeoProperty" and len(value) == 2)
                ) and ("unitCode" not in instance or _is_short(instance["unitCode"])):
                    continue
            if not _is_harmless(instance):
                return False
    return True


def _is_short(value: Any) -> bool:
    return type(value) is str and len(value) < _LONG


def _is_harmless(instance: Any) -> bool:
    """Whether one instance, with what stands beneath it, surely holds nothing that any rule is against."""
    if type(instance) is not dict:
        return False
    form = _forms.get(tuple(instance), _UNKNOWN)
    if form is _UNKNOWN:
        form = _look_at_form(instance)
    if form is None:
        return False
    members, beneath = form
    for member in members:
        value = instance[member]
        kind = type(value)
        if kind is str:
            if len(value) >= _LONG and not redlines.is_plain(value):
                return False
        elif kind is dict:
            if instance.get("type") != "GeoProperty" or not redlines.is_bare(value):
                return False
        elif kind is list:
            return False
    for name in beneath:
        found = instance[name]
        if type(found) is not list:
            return False
        for each in found:
            if not _is_harmless(each):
                return False
    return True


def _look_at_names(entity: Entity, asks: bool) -> tuple[str, ...] | None:
    types = tuple(entity["type"])
    names = tuple(name for name in entity if name not in ENTITY_MEMBERS)
    harmless = redlines.are_harmless(types, names)
    return names if harmless and not (asks and is_named(rules_for(types), names)) else None


def _look_at_form(instance: Any) -> _Form | None:
    """What an instance is made of, if a glance will do; kept by its members."""
    form = tuple(instance)
    beneath = tuple(name for name in form if name not in INSTANCE_MEMBERS)
    found: _Form | None = None
    if redlines.are_harmless((), beneath) and not any(map(is_listed, beneath)):
        members = (name for name in form if name in INSTANCE_MEMBERS and name not in redlines.SKIP)
        found = tuple(members), beneath
    _keep(_forms, form, found)
    return found


def _keep(known: dict[Any, Any], key: Any, value: Any) -> None:
    """Remember a verdict; whoever sends ever new names makes the node forget, not grow."""
    if len(known) >= _KEPT:
        known.clear()
    known[key] = value
