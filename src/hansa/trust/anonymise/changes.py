"""What single steps make of an entity's values. Pure; the entity given is never changed, only copied where it differs.

A value that a step is for and cannot be what the step says (a place that is no place, a time that is no time) is
taken away, and counted: it never goes through as it came. With a value that changes go its earlier values and
whatever was inlined with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from hansa.ngsild.model import ENTITY_MEMBERS, INSTANCE_MEMBERS, VALUE_MEMBER, Entity, Instance
from hansa.trust.anonymise.account import Account
from hansa.trust.anonymise.cells import Shown, generalised
from hansa.trust.anonymise.periods import Period
from hansa.trust.anonymise.personal import is_listed, local_name
from hansa.trust.anonymise.pseudonyms import Key
from hansa.trust.anonymise.showing import stands_in, texts_of

__all__ = ["dropped", "placed", "renamed", "shows", "timed"]

_Visit = Callable[[str, Instance], Instance | None]
_BESIDE: Final = frozenset(
    {"entity", "entityList", "instanceId", "createdAt", "modifiedAt", "deletedAt"}
    | {member for member in INSTANCE_MEMBERS if member.startswith("previous")}
)
"""Members that may tell what the value was, or more about it."""


def dropped(entity: Entity, names: frozenset[str], hidden: set[str], account: Account) -> Entity:
    """The entity without these attributes, wherever they stand; ``scope`` is one too."""
    inner = _inner_names(names)

    def visit(name: str, instance: Instance) -> Instance | None:
        if name in names:
            account.done["drop"] += 1
            if is_listed(name):
                hidden.update(texts_of(_value(instance)))
            return None
        member = VALUE_MEMBER[instance["type"]]
        value = instance.get(member)
        if isinstance(value, dict | list):
            less = _without(value, inner, account)
            if less is not value:
                return {**instance, member: less}
        return instance

    made = _rewritten(entity, ENTITY_MEMBERS, visit)
    if "scope" in names and "scope" in made:
        account.done["drop"] += 1
        made = {name: value for name, value in made.items() if name != "scope"}
    return made


def timed(entity: Entity, names: frozenset[str], period: Period, account: Account) -> Entity:
    """The entity with these times at the beginning of their period, within JSON values, too."""
    inner = _inner_names(names)

    def begun_of(value: Any) -> Any:
        return _begun(value, period)

    def visit(name: str, instance: Instance) -> Instance | None:
        if "observedAt" in names and "observedAt" in instance:
            begun = period.text(instance["observedAt"])
            if begun is None:
                account.unfit += 1
                instance = {n: v for n, v in instance.items() if n != "observedAt"}
            elif begun != instance["observedAt"]:
                account.done["time"] += 1
                instance = {**instance, "observedAt": begun}
        if name in names:
            return _replaced(instance, begun_of, "time", account)
        return _with_members(instance, inner, begun_of, "time", account)

    return _rewritten(entity, ENTITY_MEMBERS, visit)


def placed(
    entity: Entity, names: frozenset[str], resolution: int, shown: Shown, account: Account
) -> Entity:
    """The entity with these places as cells, within JSON values, too."""
    inner = _inner_names(names)

    def cell(value: Any) -> Any:
        return generalised(value, resolution, shown)

    def visit(name: str, instance: Instance) -> Instance | None:
        if name in names:
            return _replaced(instance, cell, "place", account)
        return _with_members(instance, inner, cell, "place", account)

    return _rewritten(entity, ENTITY_MEMBERS, visit)


def renamed(
    entity: Entity, names: frozenset[str], key: Key, hidden: set[str], account: Account
) -> Entity:
    """The entity with pseudonyms in the place of these values."""

    def visit(name: str, instance: Instance) -> Instance | None:
        if name not in names:
            return instance
        hidden.update(texts_of(_value(instance)))
        if "datasetId" in instance:
            hidden.update(texts_of(instance["datasetId"]))
            instance = {**instance, "datasetId": key.uri(instance["datasetId"])}
        if instance["type"] in _MAPS:  # a word is no map
            member = VALUE_MEMBER[instance["type"]]
            rest = {n: v for n, v in instance.items() if n != member}
            instance = {**rest, "type": "Property", "value": instance.get(member)}
        is_link = instance["type"] in {"Relationship", "ListRelationship", "VocabProperty"}
        return _replaced(instance, lambda v: _pseudonym(v, key, is_link), "pseudonymise", account)

    made = _rewritten(entity, ENTITY_MEMBERS, visit)
    if "id" in names:
        account.done["pseudonymise"] += 1
        hidden.update(texts_of(entity["id"]))
        made = {**made, "id": key.uri(entity["id"])}
    return made


_MAPS: Final = frozenset({"LanguageProperty", "JsonProperty"})
"""Kinds of attributes whose pseudonyms are Properties."""


def shows(entity: Entity, hidden: set[str]) -> bool:
    """Whether a text that was hidden stands somewhere in the entity, as a word or more."""
    return stands_in(entity, hidden)


def _rewritten(holder: Entity, members: frozenset[str], visit: _Visit) -> Entity:
    """What `visit` makes of all attributes and theirs; the very same object if nothing changes."""
    changed: dict[str, list[Instance]] = {}
    for name, instances in holder.items():
        if name in members:
            continue
        made: list[Instance] = []
        differs = False
        for instance in instances:
            new = visit(name, instance)
            if new is not None and not new.keys() <= INSTANCE_MEMBERS:
                new = _rewritten(new, INSTANCE_MEMBERS, visit)
            differs |= new is not instance
            if new is not None:
                made.append(new)
        if differs:
            changed[name] = made
    if not changed:
        return holder
    return {
        name: changed.get(name, value) for name, value in holder.items() if changed.get(name, True)
    }


def _value(instance: Instance) -> Any:
    return instance.get(VALUE_MEMBER[instance["type"]])


def _replaced(
    instance: Instance, made: Callable[[Any], Any], word: str, account: Account
) -> Instance | None:
    """The instance with another value; ``None`` if there is none that fits."""
    member = VALUE_MEMBER[instance["type"]]
    value = instance.get(member)
    is_place = instance["type"] == "GeoProperty"
    new = made(value) if is_place <= (word == "place") else None
    if new is None:
        account.unfit += 1
        return None
    if new == value:
        return instance
    account.done[word] += 1
    return {**{n: v for n, v in instance.items() if n not in _BESIDE}, member: new}


def _begun(value: Any, period: Period) -> Any:
    """A time, or a list of times, generalised; ``None`` if it is neither."""
    if isinstance(value, str):
        return period.text(value)
    if isinstance(value, list):
        made = [_begun(each, period) for each in value]
        return None if None in made else made
    if isinstance(value, Mapping) and isinstance(text := value.get("@value"), str):
        begun = period.text(text)
        return None if begun is None else {**value, "@value": begun}
    return None


def _pseudonym(value: Any, key: Key, is_link: bool) -> Any:
    """The pseudonym of a value, or those of each in a list; ``None`` where a link is none."""
    if isinstance(value, list):
        made = [_pseudonym(each, key, is_link) for each in value]
        return None if None in made else made
    if not is_link:
        return None if value is None else key.word(value)
    if isinstance(value, Mapping):
        link = value.get("object")
        return {"object": key.uri(link)} if isinstance(link, str) else None
    return key.uri(value) if isinstance(value, str) else None


def _without(value: Any, inner: frozenset[str], account: Account) -> Any:
    """A JSON value without the members of these names; the very same if it has none."""
    if isinstance(value, dict):
        made = {
            name: _without(part, inner, account)
            for name, part in value.items()
            if local_name(name) not in inner
        }
        account.done["drop"] += len(value) - len(made)
        same = len(made) == len(value) and all(made[name] is value[name] for name in made)
        return value if same else made
    if isinstance(value, list):
        parts = [_without(each, inner, account) for each in value]
        return value if all(a is b for a, b in zip(parts, value, strict=True)) else parts
    return value


def _with_members(
    instance: Instance,
    inner: frozenset[str],
    made: Callable[[Any], Any],
    word: str,
    account: Account,
) -> Instance:
    """The instance with other values of members of these names within its own value, which is JSON."""
    member = VALUE_MEMBER[instance["type"]]
    value = instance.get(member)
    if not isinstance(value, dict | list):
        return instance
    new = _within(value, inner, made, word, account)
    if new is value:
        return instance
    return {**{n: v for n, v in instance.items() if n not in _BESIDE}, member: new}


def _within(
    value: Any,
    inner: frozenset[str],
    made: Callable[[Any], Any],
    word: str,
    account: Account,
) -> Any:
    """A JSON value with other values of these members; the very same if nothing differs."""
    if isinstance(value, list):
        parts = [_within(each, inner, made, word, account) for each in value]
        return value if all(a is b for a, b in zip(parts, value, strict=True)) else parts
    if not isinstance(value, dict):
        return value
    changed: dict[str, Any] = {}
    for name, part in value.items():
        if local_name(name) not in inner:
            changed[name] = _within(part, inner, made, word, account)
        elif (new := made(part)) is None:
            account.unfit += 1
        elif new == part:
            changed[name] = part
        else:
            account.done[word] += 1
            changed[name] = new
    same = len(changed) == len(value) and all(changed[n] is value[n] for n in changed)
    return value if same else changed


@lru_cache(maxsize=256)
def _inner_names(names: frozenset[str]) -> frozenset[str]:
    return frozenset(map(local_name, names))
