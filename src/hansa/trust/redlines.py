"""What never goes in, whoever brings it: faces and biometric data, plates in clear, social scores, profiles for sale.

Asked of an entity as it would be stored, in this order:

1. the names of its types and attributes, sub-attributes included (:mod:`.spelling`; the verdict is kept for each set of
   names);
2. the values under names that say *plate*: a plate in clear is refused, a pseudonym is none (:mod:`.plates`);
3. long texts anywhere, names, scopes and pieces that make one included, and lists of bytes: a picture, film or sound
   in them is refused (:mod:`.recordings`);
4. lists of numbers under names that say *embedding*, on what is a person by its type.

What an edit leaves as it was is not asked again. Most entities are passed at a glance before (:mod:`.screen`). The rules are data with their source: ``redlines.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from hansa.kernel.errors import RedLine
from hansa.ngsild.model import ENTITY_MEMBERS, INSTANCE_MEMBERS, Entity
from hansa.trust.plates import Plates
from hansa.trust.recordings import LONG, are_bytes_of_recording, is_plain, is_recording, parts_hold
from hansa.trust.spelling import has, is_one_of, last_part

__all__ = [
    "LONG",
    "SKIP",
    "are_brief",
    "are_harmless",
    "check",
    "check_value",
    "is_bare",
    "is_plain",
    "is_plate",
    "laws",
    "looks_closely",
    "rule_of",
]

_RULES: Final[dict[str, Any]] = tomllib.loads(
    files("hansa.trust").joinpath("redlines.toml").read_text(encoding="utf-8")
)
_BY_NAME: Final = ("biometrics", "faces", "social-score", "profiles")
_PLATES: Final = Plates(_RULES["plates"]["forms"])
_VECTOR: Final = 32
_KEPT: Final = 10_000
SKIP: Final = frozenset({"type", "createdAt", "modifiedAt", "observedAt", "instanceId"})
"""Members of an instance that hold no value."""

_shapes: dict[tuple[str, ...], tuple[bool, tuple[str, ...]]] = {}
"""Sets of names that no rule is against: whether any is one whose values are looked at, and the attributes."""

_forms: dict[tuple[str, ...], tuple[tuple[str, bool | None], ...]] = {}
"""What instances are made of that no rule is against by its name: the members to be looked at, and of sub-attributes
whether values under them are looked at; ``None`` of values."""


def check(entity: Entity, before: Entity | None = None) -> None:
    """Refuse an entity that crosses a red line.

    Args:
        entity: in the internal form, as it would be stored.
        before: as it is stored; attributes that are the very same objects in both are not asked again.

    Raises:
        RedLine: with the rule and the law it rests on.
    """
    shape = (*entity["type"], *entity)
    close, names = _shapes.get(shape) or _first_look(entity, before, shape)
    if "scope" in entity or len(entity["id"]) >= LONG:
        _pieces(entity, "scope", [entity["id"], *entity.get("scope", ())])
    for name in names:
        instances = entity[name]
        if before is not None and before.get(name) is instances:
            continue
        for instance in instances:
            _instance(entity, name, instance, close)


def check_value(types: Iterable[str], name: str, value: Any, id: str = "") -> None:
    """Refuse one value of one attribute, as :func:`check` refuses an entity."""
    check({"id": id, "type": list(types), name: [{"type": "Property", "value": value}]})


def are_harmless(types: Iterable[str], names: Iterable[str]) -> bool:
    """Whether no rule is against these names, nor looks closely at what stands under them."""
    people = tuple(_RULES["vectors"]["types"])
    return not (
        any(rule_of(type, "types") or has(type, people) or len(type) >= LONG for type in types)
        or any(
            rule_of(name, "attributes") or looks_closely(name) or len(name) >= LONG
            for name in names
        )
    )


def laws() -> dict[str, str]:
    """The rules, each with the law that it rests on."""
    return {rule: said["law"] for rule, said in _RULES.items()}


def is_bare(geometry: Any) -> bool:
    """Whether a geometry has no members that GeoJSON does not give it (RFC 7946, section 6.1)."""
    return len(geometry) == 2  # its type and its coordinates, without which none is taken


def are_brief(texts: Iterable[Any]) -> bool:
    """Whether texts, as the identifier and the scopes of an entity, are too short to hold a recording."""
    return sum(map(len, texts)) < LONG


def _first_look(
    entity: Entity, before: Entity | None, shape: tuple[str, ...]
) -> tuple[bool, tuple[str, ...]]:
    """Ask the names of an entity; what of it is to be looked at."""
    for type in entity["type"]:
        if (rule := rule_of(type, "types")) and (before is None or type not in before["type"]):
            raise _refusal(entity, f"type '{_local(type)}'", rule)
    names = tuple(name for name in entity if name not in ENTITY_MEMBERS)
    kept = before or {}
    clean = True
    for name in names:
        if rule := rule_of(name, "attributes"):
            if kept.get(name) is not entity[name]:
                raise _refusal(entity, f"attribute '{_local(name)}'", rule)
            clean = False
        _text(entity, "name", name)
    for type in entity["type"]:
        _text(entity, "type", type)
    person = any(has(type, tuple(_RULES["vectors"]["types"])) for type in entity["type"])
    found = person or any(map(looks_closely, names)), names
    if clean:
        _keep(_shapes, shape, found)
    return found


def _instance(entity: Entity, name: str, instance: Any, close: bool) -> None:
    """Ask what stands in one instance of an attribute, or of a sub-attribute."""
    form = tuple(instance)
    for member, own in _forms.get(form) or _look_at_form(entity, form):
        value = instance[member]
        if own is not None:
            for each in value if type(value) is list else (value,):
                if type(each) is dict:
                    _instance(entity, member, each, own or close)
                else:
                    _deep(entity, member, each, own or close)
            continue
        kind = type(value)
        if kind is str and not close:
            if len(value) >= LONG:
                _text(entity, name, value)
        elif kind is dict and instance.get("type") == "GeoProperty":
            if not is_bare(value):
                _deep(entity, name, _foreign(value), close)
        elif close or kind is dict or kind is list:
            _deep(entity, name, value, close, member != "languageMap")


_GEOMETRY: Final = frozenset({"type", "coordinates", "bbox"})


def _foreign(geometry: dict[str, Any]) -> dict[str, Any]:
    """The members of a geometry that are none of GeoJSON's; its box, if it is no list of numbers."""
    return {
        name: value
        for name, value in geometry.items()
        if name not in _GEOMETRY
        or (name == "bbox" and not (type(value) is list and _NUMBERS.issuperset(map(type, value))))
    }


def _look_at_form(entity: Entity, form: tuple[str, ...]) -> tuple[tuple[str, bool | None], ...]:
    """Ask the names of an instance's members; which of them are to be looked at."""
    found: list[tuple[str, bool | None]] = []
    for member in form:
        if member in INSTANCE_MEMBERS:
            found += [(member, None)] if member not in SKIP else []
        elif rule := rule_of(member, "attributes"):
            raise _refusal(entity, f"attribute '{_local(member)}'", rule)
        else:
            found.append((member, looks_closely(member)))
    _keep(_forms, form, tuple(found))
    return tuple(found)


def _keep(known: dict[Any, Any], key: Any, value: Any) -> None:
    """Remember a verdict; whoever sends ever new names makes the node forget, not grow."""
    if len(known) >= _KEPT:
        known.clear()
    known[key] = value


def _deep(entity: Entity, name: str, value: Any, close: bool, keyed: bool = True) -> None:
    """Ask a value of JSON all through; its members' names count as attributes' names do.

    With `keyed`, names of members may be plates, too, as tags of languages may not.
    """
    texts: list[str] = []
    waiting: list[tuple[str, Any, bool]] = [(name, value, close)]
    while waiting:
        name, value, close = waiting.pop()
        kind = type(value)
        if kind is str:
            texts.append(value)
            if close:
                _plate(entity, name, value)
            _text(entity, name, value)
        elif kind is list:
            _list(entity, name, value, close)
            waiting += [(name, each, close) for each in reversed(value) if type(each) in _DEEP]
        elif kind is dict:
            _members(entity, name, value, close and keyed)
            for member, each in reversed(value.items()):
                if type(each) in _DEEP:
                    own = looks_closely(member)
                    waiting.append((member if own or not close else name, each, own or close))
        elif close and kind in _NUMBERS and value == value // 1:
            _plate(entity, name, str(int(value)))
    if len(texts) > 1:
        _pieces(entity, name, texts)


_NUMBERS: Final = frozenset({int, float})
_DEEP: Final = frozenset({str, list, dict, *_NUMBERS})


def _list(entity: Entity, name: str, value: list[Any], close: bool) -> None:
    if close and len(value) >= _VECTOR:
        _vector(entity, name, value)
    if close and _is_plates(name) and _PLATES.is_spelt(value):
        raise _refusal(entity, f"attribute '{_local(name)}'", "plates")
    if are_bytes_of_recording(value):
        raise _refusal(entity, f"attribute '{_local(name)}'", "pictures")


def _members(entity: Entity, name: str, value: dict[str, Any], close: bool) -> None:
    for member in value:
        if rule := rule_of(member, "attributes"):
            raise _refusal(entity, f"member '{_local(member)}'", rule)
    plates = close and _is_plates(name)
    if plates and (any(map(_PLATES.is_key, value)) or _PLATES.is_spelt(list(value.values()))):
        raise _refusal(entity, f"attribute '{_local(name)}'", "plates")
    _pieces(entity, name, list(value))


def _pieces(entity: Entity, name: str, texts: list[Any]) -> None:
    """Ask texts, each and as the one that they make."""
    if parts_hold(each for each in texts if type(each) is str):
        raise _refusal(entity, f"attribute '{_local(name)}'", "pictures")


def _plate(entity: Entity, name: str, value: str) -> None:
    if is_plate(name, value):
        raise _refusal(entity, f"attribute '{_local(name)}'", "plates")


def is_plate(name: str, value: str) -> bool:
    """Whether a text under a name is a number plate in clear."""
    if _is_plates(name):
        return _PLATES.is_one(value)
    return _may_be_plates(name) and _PLATES.has_form(value)


def _text(entity: Entity, name: str, value: str) -> None:
    if len(value) >= LONG and is_recording(value):
        raise _refusal(entity, f"attribute '{_local(name)}'", "pictures")


def _vector(entity: Entity, name: str, value: list[Any]) -> None:
    vectors = _RULES["vectors"]
    person = any(has(type, tuple(vectors["types"])) for type in entity["type"])
    numbers = person and all(type(each) in (int, float) for each in value)
    if numbers and has(name, tuple(vectors["attributes"])):
        raise _refusal(entity, f"attribute '{_local(name)}'", "vectors")


@lru_cache(maxsize=20_000)
def rule_of(name: str, part: str) -> str | None:
    """The rule that is against a name; `part` is "types" or "attributes"."""
    for rule in _BY_NAME:
        said = _RULES[rule]
        exact = tuple(said["exact"]) if part == "attributes" else ()
        if has(name, tuple(said[part]), exact):
            return rule
    return None


@lru_cache(maxsize=20_000)
def looks_closely(name: str) -> bool:
    """Whether values under a name may be plates, or lists of numbers that mean a face."""
    vectors = tuple(_RULES["vectors"]["attributes"])
    return _is_plates(name) or _may_be_plates(name) or has(name, vectors)


@lru_cache(maxsize=20_000)
def _is_plates(name: str) -> bool:
    plates = _RULES["plates"]
    if _local(name).casefold() in plates["maybe"]:
        return False
    return has(name, tuple(plates["attributes"]), tuple(plates["exact"]))


@lru_cache(maxsize=20_000)
def _may_be_plates(name: str) -> bool:
    return is_one_of(name, tuple(_RULES["plates"]["maybe"]))


_local: Final = last_part


def _refusal(entity: Mapping[str, Any], what: str, rule: str) -> RedLine:
    said = _RULES[rule]
    return RedLine(
        f"{what} of entity {str(entity.get('id', ''))[:200]}",
        f"{said['fact']} ({said['law']})",
        said.get("remedy", "such data never go in; leave them out"),
        rule=rule,
        law=said["law"],
    )
