"""Members of foreign JSON objects, one at a time: of the right kind, or a reason why not.

A member that is absent or null is ``None``. One of another kind raises ``ValueError`` with its name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hansa.spokes.plain import number

__all__ = ["count", "flag", "local_text", "needed", "numeric", "objects", "position", "text"]

Members = Mapping[str, Any]


def text(data: Members, name: str) -> str | None:
    """A text; numbers pass as text, since identifiers are often numbers; blank is absent."""
    value = data.get(name)
    if value is None or isinstance(value, bool | list | dict):
        if value is None:
            return None
        raise ValueError(f"'{name}' is not a text")
    return str(value).strip() or None


def needed(data: Members, name: str) -> str:
    """A text that must be there."""
    value = text(data, name)
    if value is None:
        raise ValueError(f"'{name}' is missing")
    return value


def numeric(data: Members, name: str) -> float | int | None:
    """A finite number, also when it is written as text."""
    value = data.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool | list | dict):
        raise ValueError(f"'{name}' is not a number")
    try:
        return number(value)
    except ValueError:
        raise ValueError(f"'{name}' is not a number") from None


def count(data: Members, name: str) -> int | None:
    """A whole number that is not negative."""
    value = numeric(data, name)
    if value is None:
        return None
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"'{name}' is not a count")
    return value


def flag(data: Members, name: str) -> bool | None:
    """Yes or no; 1 and 0 are taken too, as old feeds write them."""
    value = data.get(name)
    if value is None or isinstance(value, bool):
        return value
    if value in {0, 1}:
        return bool(value)
    raise ValueError(f"'{name}' is neither true nor false")


def position(data: Members, longitude: str = "lon", latitude: str = "lat") -> tuple[float, float]:
    """Longitude and latitude in degrees; both are needed."""
    x, y = numeric(data, longitude), numeric(data, latitude)
    if x is None or y is None:
        raise ValueError("it has no position")
    if not (-180 <= x <= 180 and -90 <= y <= 90) or (math.isclose(x, 0) and math.isclose(y, 0)):
        raise ValueError(f"{x}, {y} is not a longitude and latitude")
    return float(x), float(y)


def local_text(data: Members, name: str, language: str = "") -> str | dict[str, str] | None:
    """A text, or a list of ``{"text", "language"}`` as a map from language to text.

    With `language`, the text in that one if there is one.
    """
    value = data.get(name)
    if not isinstance(value, list):
        return text(data, name)
    found = {}
    for item in value:
        if not isinstance(item, dict):
            raise ValueError(f"'{name}' is not a text with its language")
        if (words := text(item, "text")) is not None:
            found[text(item, "language") or "@none"] = words
    if language in found:
        return found[language]
    return found or None


def objects(data: Any, name: str) -> list[Any]:
    """A list of things in member `name` of an object."""
    value = data.get(name) if isinstance(data, Mapping) else None
    if not isinstance(value, list):
        raise ValueError(f"it has no list '{name}'")
    return value
