"""What single steps make of an entity's values. Pure; the entity given is never changed, only copied where it differs.

A value that a step is for and cannot be what the step says (a place that is no place, a time that is no time) is
taken away, and counted: it never goes through as it came. With a value that changes go its earlier values and
whatever was inlined with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from hansa.ngsild.model import ENTITY_MEMBERS, INSTANCE_MEMBERS, VALUE_MEMBER, Entity, Instance
from hansa.trust.anonymise.account import Account
from hansa.trust.anonymise.cells import Shown, generalised
from hansa.trust.anonymise.periods import Period
from hansa.trust.anonymise.personal import is_listed, local_name
from hansa.trust.anonymise.pseudonyms import Key

__all__ = ["dropped", "placed", "renamed", "shows", "timed"]

_Visit = Callable[[str, Instance], Instance | None]
_BESIDE: Final = frozenset(
    {"entity", "entityList", "instanceId", "createdAt", "modifiedAt", "deletedAt"}
    | {member for member in INSTANCE_MEMBERS if member.startswith("previous")}
)
"""Members that may tell what the value was, or more about it."""

_SHORTEST: Final = 4
_SHORTEST_NUMBER: Final = 6
"""Hidden texts below these lengths are not looked for elsewhere: too much has them by chance."""


def dropped(entity: Entity, names: frozenset[str], hidden: set[str], account: Account) -> Entity:
    """The entity without these attributes, wherever they stand; ``scope`` is one too."""
    inner = _inner_names(names)

    def visit(name: str, instance: Instance) -> Instance | None:
        if name in names:
            account.done["drop"] += 1
            if is_listed(name):
                hidden.update(_texts(_value(instance)))
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
    """The entity with these times at the beginning of their period."""

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
            return _replaced(instance, lambda value: _begun(value, period), "time", account)
        return instance

    return _rewritten(entity, ENTITY_MEMBERS, visit)


def placed(
    entity: Entity, names: frozenset[str], resolution: int, shown: Shown, account: Account
) -> Entity:
    """The entity with these places as cells."""

    def visit(name: str, instance: Instance) -> Instance | None:
        if name not in names:
            return instance
        return _replaced(instance, lambda v: generalised(v, resolution, shown), "place", account)

    return _rewritten(entity, ENTITY_MEMBERS, visit)


def renamed(
    entity: Entity, names: frozenset[str], key: Key, hidden: set[str], account: Account
) -> Entity:
    """The entity with pseudonyms in the place of these values."""

    def visit(name: str, instance: Instance) -> Instance | None:
        if name not in names:
            return instance
        hidden.update(_texts(_value(instance)))
        if "datasetId" in instance:
            hidden.update(_texts(instance["datasetId"]))
            instance = {**instance, "datasetId": key.uri(instance["datasetId"])}
        is_link = instance["type"] in {"Relationship", "ListRelationship", "VocabProperty"}
        return _replaced(instance, lambda v: _pseudonym(v, key, is_link), "pseudonymise", account)

    made = _rewritten(entity, ENTITY_MEMBERS, visit)
    if "id" in names:
        account.done["pseudonymise"] += 1
        hidden.update(_texts(entity["id"]))
        made = {**made, "id": key.uri(entity["id"])}
    return made


def shows(entity: Entity, hidden: set[str]) -> bool:
    """Whether a text that was hidden stands somewhere in the entity, as a word or more."""
    wanted = {
        text.casefold()
        for text in hidden
        if len(text) >= (_SHORTEST_NUMBER if text.isdecimal() else _SHORTEST)
    }
    if not wanted:
        return False
    return any(_has_word(text.casefold(), word) for text in _all_texts(entity) for word in wanted)


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


@lru_cache(maxsize=256)
def _inner_names(names: frozenset[str]) -> frozenset[str]:
    return frozenset(map(local_name, names))


def _texts(value: Any) -> Iterator[str]:
    """The texts in a hidden value; of an identifier also its last part."""
    if isinstance(value, str):
        yield value
        if value.startswith("urn:"):
            yield value.rsplit(":", 1)[-1]
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)


def _all_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _all_texts(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name != "type":
                yield from _all_texts(each)


def _has_word(text: str, word: str) -> bool:
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        before, after = text[at - 1 : at], text[end : end + 1]
        if not before.isalnum() and not after.isalnum():
            return True
        at = text.find(word, at + 1)
    return False
