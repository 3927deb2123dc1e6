"""What never goes in, whoever brings it: faces and biometric data, plates in clear, social scores, profiles for sale.

Asked of an entity as it would be stored, in this order:

1. the names of its types and attributes, sub-attributes included (the verdict is kept for each set of names);
2. the values under names that say *plate*: a plate in clear is refused, a pseudonym is none;
3. long texts anywhere: a picture, film or sound inside them is refused;
4. lists of numbers under names that say *embedding*, on what is a person by its type.

What an edit leaves as it was is not asked again. Most entities are passed at a glance before (:mod:`.screen`). The rules are data with their source: ``redlines.toml``.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import unquote

from hansa.kernel.errors import RedLine
from hansa.ngsild.model import ENTITY_MEMBERS, INSTANCE_MEMBERS, Entity

__all__ = [
    "LONG",
    "SKIP",
    "are_harmless",
    "check",
    "check_value",
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
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_BORDER: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_FORMS: Final = re.compile("|".join(_RULES["plates"]["forms"]))
_PLATE: Final = re.compile(r"(?=.*\d)[\w][\w ·.\-]{1,10}[\w]")
LONG: Final = 200
"""Texts shorter than this hold no picture in which anybody could be recognised."""

_MEDIA: Final = re.compile(
    r"data:(?:image|video|audio)/[\w.+\-]{1,40}[;,]|/9j/|iVBORw0KGgo|UklGR|R0lGOD|AAAA[A-Za-z0-9+/]{2}Z0eX|SUQz"
    r"|(?i:ffd8ff(?:e0|e1|db|ee)|89504e470d0a1a0a)"
)
_BEGINNINGS: Final = frozenset("d/iURASfF8b \t\r\n")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_\-\s]{150,}={0,2}\s*")
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
        any(rule_of(type, "types") or _has(type, people) for type in types)
        or any(rule_of(name, "attributes") or looks_closely(name) for name in names)
    )


def laws() -> dict[str, str]:
    """The rules, each with the law that it rests on."""
    return {rule: said["law"] for rule, said in _RULES.items()}


def is_plain(value: str) -> bool:
    """Whether a long text surely holds no recording."""
    return value[0] not in _BEGINNINGS and ";base64," not in value


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
    person = any(_has(type, tuple(_RULES["vectors"]["types"])) for type in entity["type"])
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
        if kind is str:
            if close:
                _plate(entity, name, value)
            if len(value) >= LONG:
                _text(entity, name, value)
        elif kind is dict or kind is list:
            if instance.get("type") != "GeoProperty":
                _deep(entity, name, value, close)
        elif close and kind is int:
            _plate(entity, name, str(value))


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


def _deep(entity: Entity, name: str, value: Any, close: bool) -> None:
    """Ask a value of JSON all through; its members' names count as attributes' names do."""
    waiting: list[tuple[str, Any, bool]] = [(name, value, close)]
    while waiting:
        name, value, close = waiting.pop()
        if type(value) is str:
            if close:
                _plate(entity, name, value)
            if len(value) >= LONG:
                _text(entity, name, value)
        elif type(value) is list:
            if close and len(value) >= _VECTOR:
                _vector(entity, name, value)
            waiting += [(name, each, close) for each in value if type(each) in _DEEP]
        elif type(value) is dict:
            for member, each in value.items():
                if rule := rule_of(member, "attributes"):
                    raise _refusal(entity, f"member '{_local(member)}'", rule)
                if type(each) in _DEEP:
                    own = looks_closely(member)
                    waiting.append((member if own or not close else name, each, own or close))


_DEEP: Final = frozenset({str, list, dict})
_LONGEST_PLATE: Final = 14


def _plate(entity: Entity, name: str, value: str) -> None:
    if len(value) > _LONGEST_PLATE and ":" in value:  # an identifier may end in one
        value = re.split(r"[/#:]", value)[-1]
    if len(value) <= _LONGEST_PLATE and is_plate(name, value):
        raise _refusal(entity, f"attribute '{_local(name)}'", "plates")


def is_plate(name: str, value: str) -> bool:
    """Whether a text under a name is a number plate in clear."""
    plates = _RULES["plates"]
    if _has(name, tuple(plates["attributes"]), tuple(plates["exact"])):
        return _PLATE.fullmatch(value.strip()) is not None
    if _has(name, (), tuple(plates["maybe"])):
        return _FORMS.fullmatch(value.strip().upper()) is not None
    return False


def _text(entity: Entity, name: str, value: str) -> None:
    """Ask a long text: does it begin as recordings do, or hold one?"""
    if value[0] in _BEGINNINGS:
        start = value.lstrip().removeprefix("b'")
        if _MEDIA.match(start) and (start.startswith("data:") or _BASE64.match(start)):
            raise _refusal(entity, f"attribute '{_local(name)}'", "pictures")
    if ";base64," in value and _EMBEDDED.search(value):
        raise _refusal(entity, f"attribute '{_local(name)}'", "pictures")


_EMBEDDED: Final = re.compile(
    r"data:(?:image|video|audio)/[\w.+\-]{1,40}(?:;[\w=\-]{1,40})*;base64,"
)


def _vector(entity: Entity, name: str, value: list[Any]) -> None:
    vectors = _RULES["vectors"]
    person = any(_has(type, tuple(vectors["types"])) for type in entity["type"])
    numbers = person and all(type(each) in (int, float) for each in value)
    if numbers and _has(name, tuple(vectors["attributes"])):
        raise _refusal(entity, f"attribute '{_local(name)}'", "vectors")


@lru_cache(maxsize=20_000)
def rule_of(name: str, part: str) -> str | None:
    """The rule that is against a name; `part` is "types" or "attributes"."""
    for rule in _BY_NAME:
        said = _RULES[rule]
        exact = tuple(said["exact"]) if part == "attributes" else ()
        if _has(name, tuple(said[part]), exact):
            return rule
    return None


@lru_cache(maxsize=20_000)
def looks_closely(name: str) -> bool:
    """Whether values under a name may be plates, or lists of numbers that mean a face."""
    plates = _RULES["plates"]
    exact = (*plates["exact"], *plates["maybe"])
    return _has(name, (*plates["attributes"], *_RULES["vectors"]["attributes"]), exact)


@lru_cache(maxsize=50_000)
def _has(name: str, patterns: tuple[str, ...], exact: tuple[str, ...] = ()) -> bool:
    spelt = _words(name)
    if spelt.replace(" ", "") in {each.replace(" ", "") for each in exact}:
        return True
    padded = f" {spelt} "
    return any(f" {each} " in padded for each in patterns)


def _local(name: str) -> str:
    """The last part of an IRI, as people read it."""
    return unquote(re.split(r"[/#]", name.rstrip("/#"))[-1])[:80]


def _words(name: str) -> str:
    """The words of a name in small letters, without accents: "face template" of ``FaceTemplate``."""
    plain = unicodedata.normalize("NFKD", _local(name))
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    parts = _WORD.findall(_BORDER.sub(" ", plain))
    return " ".join(part.casefold() for part in parts)


def _refusal(entity: Mapping[str, Any], what: str, rule: str) -> RedLine:
    said = _RULES[rule]
    return RedLine(
        f"{what} of entity {str(entity.get('id', ''))[:200]}",
        f"{said['fact']} ({said['law']})",
        said.get("remedy", "such data never go in; leave them out"),
        rule=rule,
        law=said["law"],
    )
