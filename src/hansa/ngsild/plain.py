"""The common attribute, read in one pass.

Nearly all that arrives is one normalized instance: a number or a text with perhaps a unit and a time,
a place that is a point, the URI of another entity. Such an attribute is read here with a handful of
look-ups. Whatever is the least bit different (a list, a null, a member not named below, any fault)
is left to :mod:`.expand`, which knows every rule and has the words for a refusal; so for what is read
here both give the same, which the tests prove.
"""

from __future__ import annotations

from typing import Any, Final

from hansa.kernel.ids import is_uri
from hansa.ngsild.model import NULL, Instance
from hansa.ngsild.values import is_datetime

__all__ = ["plain_instance"]

_DEEPEST: Final = 3
_NUMBERS: Final = frozenset({bool, int, float})
_MICROMETRE: Final = 1e-11  # degrees; smaller ones are for the general reading to judge


def plain_instance(value: Any, known: dict[str, str], depth: int = 0) -> Instance | None:
    """The instance that `value` is, or ``None`` when it takes more than a glance to tell.

    `known` holds the names of attributes seen to be valid, with their IRIs.
    """
    if type(value) is not dict:
        return None
    kind = value.get("type")
    if kind == "Property":
        inner = value.get("value")
        if type(inner) not in _NUMBERS and (type(inner) is not str or inner == NULL):
            return None
        instance: Instance = {"type": kind, "value": inner}
    elif kind == "Relationship":
        inner = value.get("object")
        if type(inner) is not str or inner == NULL or not is_uri(inner):
            return None
        instance = {"type": kind, "object": inner}
    elif kind == "GeoProperty":
        inner = value.get("value")
        if not _is_point(inner):
            return None
        instance = {"type": kind, "value": inner}
    else:
        return None
    if len(value) > 2 and not _take_members(value, kind, instance, known, depth):
        return None
    return instance


def _take_members(
    value: dict[str, Any], kind: str, instance: Instance, known: dict[str, str], depth: int
) -> bool:
    """Put the members beside the value into `instance`; false when one is not for here."""
    for member, content in value.items():
        if member in ("type", "value", "object"):
            if member not in instance:
                return False
        elif member == "observedAt":
            if not is_datetime(content):
                return False
            instance[member] = content
        elif member == "unitCode":
            if kind == "Relationship" or type(content) is not str or not content or content == NULL:
                return False
            instance[member] = content
        else:
            iri = known.get(member)
            if iri is None or iri in instance or depth == _DEEPEST:
                return False
            inner = plain_instance(content, known, depth + 1)
            if inner is None:
                return False
            instance[iri] = [inner]
    return True


def _is_point(value: Any) -> bool:
    """Whether a JSON value is a GeoJSON point in two dimensions, beyond any doubt."""
    if type(value) is not dict or len(value) != 2 or value.get("type") != "Point":
        return False
    position = value.get("coordinates")
    if type(position) is not list or len(position) != 2:
        return False
    x, y = position
    return (
        type(x) is float
        and type(y) is float
        and -180 <= x <= 180
        and -90 <= y <= 90
        and abs(x) > _MICROMETRE
        and abs(y) > _MICROMETRE
    )
