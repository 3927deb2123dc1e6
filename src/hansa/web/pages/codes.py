"""What codes mean that only some types bear: the code numbers of timetables, the states of sources.

The words of timetables (GTFS Schedule reference) hold for entities of public transport alone, those of
sources for their records: an attribute of the same name on anything else is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

__all__ = ["is_share", "meaning"]

_ACCESS: Final = {"0": "not known", "1": "accessible", "2": "not accessible"}

_WORDS: Final = {
    "wheelChairAccessible": _ACCESS,
    "direction": {"0": "one direction", "1": "the opposite direction"},
    "routeType": {
        "0": "tram",
        "1": "underground",
        "2": "rail",
        "3": "bus",
        "4": "ferry",
        "5": "cable tram",
        "6": "aerial lift",
        "7": "funicular",
        "11": "trolleybus",
        "12": "monorail",
    },
}

_STANDING: Final = {
    "importing": "is being imported now",
    "current": "up to date",
    "incomplete": "broke off, is incomplete",
    "silent": "says nothing new",
    "failing": "does not answer",
}
"""How a source stands: the states of an import, and of a source that is followed."""

_TRANSPORT: Final = ("Gtfs", "PublicTransport", "Vehicle")


def meaning(types: Iterable[str], term: str, value: Any) -> str:
    """The English words for a code number; "" where it is none.

    Args:
        types: the entity's types (terms).
        term: the attribute.
        value: its value, a number or the digits of one.
    """
    if term in ("status", "liveStatus") and "DataSource" in types:
        return _STANDING.get(str(value), "")
    words = _WORDS.get(term)
    if words is None or isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    return words.get(str(value), "") if _is_transport(types) else ""


def is_share(types: Iterable[str], term: str, value: Any) -> bool:
    """Whether a number is a share of a whole (0 to 1), which reads better as per cent."""
    if term != "progress" or isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= 1 and _is_transport(types)


def _is_transport(types: Iterable[str]) -> bool:
    return any(name.startswith(_TRANSPORT) for name in types)
