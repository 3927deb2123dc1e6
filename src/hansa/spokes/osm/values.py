"""Numbers out of OpenStreetMap's free text: lengths, speeds, storeys, lanes.

``None`` means that the text does not say a number in a known unit; nothing is guessed.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["metres", "speed", "whole_number"]

_NUMBER: Final = r"(\d{1,7}(?:\.\d{1,6})?)"
_METRES: Final = re.compile(_NUMBER + r"\s*(m|km|cm|ft)?")
_FEET: Final = re.compile(r"(\d{1,5})'(?:\s*(\d{1,2}(?:\.\d)?)\")?")
_SPEED: Final = re.compile(_NUMBER + r"\s*(km/h|kmh|kph|mph|knots)?")
_LENGTH_UNITS: Final = {None: 1.0, "m": 1.0, "km": 1000.0, "cm": 0.01, "ft": 0.3048}
_SPEED_UNITS: Final = {"mph": ("HM", 1.0), "knots": ("KMH", 1.852)}


def metres(text: str | None) -> float | None:
    """A length in metres: ``12``, ``12.5 m``, ``40 ft``, ``6'7"``."""
    if not text:
        return None
    if match := _METRES.fullmatch(text.strip()):
        return round(float(match[1]) * _LENGTH_UNITS[match[2]], 3)
    if match := _FEET.fullmatch(text.strip()):
        return round(int(match[1]) * 0.3048 + float(match[2] or 0) * 0.0254, 3)
    return None


def speed(text: str | None) -> tuple[float, str] | None:
    """A speed limit and the code of its unit: kilometres (``KMH``) or miles per hour (``HM``)."""
    match = _SPEED.fullmatch((text or "").strip())
    if match is None:
        return None
    unit, factor = _SPEED_UNITS.get(match[2] or "", ("KMH", 1.0))
    value = round(float(match[1]) * factor, 3)
    return (int(value) if value.is_integer() else value), unit


def whole_number(text: str | None, least: int = 0, most: int = 500) -> int | float | None:
    """A count such as storeys or lanes; halves occur (``2.5`` storeys with an attic)."""
    match = re.fullmatch(_NUMBER, (text or "").strip())
    if match is None:
        return None
    value = float(match[1])
    if not least <= value <= most:
        return None
    return int(value) if value.is_integer() else value
