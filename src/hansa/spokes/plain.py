"""Short words for making normalized entities; every spoke's ``map.py`` is written with them.

``add(entity, "name", prop(value))`` leaves out what the source does not say: an absent value makes no
attribute, and nothing is ever filled in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import quote

from hansa.kernel.ids import urn
from hansa.spokes.port import Plain

__all__ = [
    "DECIMALS",
    "geo",
    "identifier",
    "json_prop",
    "line",
    "number",
    "point",
    "prop",
    "put",
    "quoted",
    "rel",
    "rel_list",
    "start",
]

DECIMALS: Final = 7
"""Decimals of a degree kept in coordinates: about one centimetre on the ground."""

_SAFE: Final = "-._~"
_SAFE_CHARACTERS: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" + _SAFE
)


def identifier(type: str, namespace: str, local: object) -> str:
    """The URN of a source's thing; whatever its own identifier holds becomes a valid URI."""
    return urn(type, namespace, quoted(str(local)))


def quoted(text: str) -> str:
    """`text` as one part of a URN."""
    return text if _SAFE_CHARACTERS.issuperset(text) else quote(text, safe=_SAFE)


def start(type: str, namespace: str, local: object) -> Plain:
    """A new entity without attributes."""
    return {"id": identifier(type, namespace, local), "type": type}


def prop(value: Any, unit: str | None = None) -> Plain:
    """A Property; `unit` is a UN/CEFACT common code (``MTR``, ``KMH``)."""
    if unit is None:
        return {"type": "Property", "value": value}
    return {"type": "Property", "value": value, "unitCode": unit}


def rel(target: str) -> Plain:
    """A Relationship to the entity `target`."""
    return {"type": "Relationship", "object": target}


def rel_list(targets: Iterable[str]) -> Plain:
    """A ListRelationship: several entities in an order that matters."""
    return {"type": "ListRelationship", "objectList": [{"object": target} for target in targets]}


def geo(geometry: Plain) -> Plain:
    """A GeoProperty holding a GeoJSON geometry."""
    return {"type": "GeoProperty", "value": geometry}


def json_prop(value: Any) -> Plain:
    """A JsonProperty."""
    return {"type": "JsonProperty", "json": value}


def put(entity: Plain, name: str, value: Any, unit: str | None = None) -> None:
    """Add a Property unless the source has no value (``None`` or blank text)."""
    if value is not None and value != "":
        entity[name] = prop(value, unit)


def point(longitude: float, latitude: float) -> Plain:
    """A GeoProperty with a point, in degrees."""
    coordinates = [round(longitude, DECIMALS), round(latitude, DECIMALS)]
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": coordinates}}


def line(coordinates: Sequence[Sequence[float]]) -> Plain:
    """A GeoProperty with a line through `coordinates` (longitude, latitude; rounded already)."""
    return geo({"type": "LineString", "coordinates": list(coordinates)})


def number(value: object) -> float | int | None:
    """A finite number, whole ones as ``int``; ``None`` stays ``None``.

    Raises:
        ValueError: it is no number, or not finite; the message says so.
    """
    if value is None or value == "":
        return None
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not a number") from None
    if not math.isfinite(result):
        raise ValueError(f"{value!r} is not a finite number")
    return int(result) if result.is_integer() and abs(result) < 2**53 else result
