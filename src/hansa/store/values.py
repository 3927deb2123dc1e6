"""Which type a plain value has, and the form in which values of that type are compared (clause 4.9).

Types never mix: numbers, texts, booleans, moments, days and times of day compare within themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any, Final, Literal, NamedTuple

from hansa.kernel.clock import micros
from hansa.ngsild.query import Scalar, Uri

__all__ = ["Tag", "Typed", "day", "daytime", "moment", "seen_as", "typed"]

Tag = Literal["number", "text", "boolean", "moment", "day", "daytime"]

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?Z", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DAYTIME: Final = re.compile(r"\d\d:\d\d:\d\d(?:[.,]\d+)?Z?", re.ASCII)


def moment(text: Any) -> int | None:
    """The DateTime that `text` is [microseconds since 1970, UTC], or ``None``."""
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        return None
    try:
        return micros(datetime.fromisoformat(text))
    except ValueError:
        return None


def day(text: Any) -> int | None:
    """The Date that `text` is [days], or ``None``."""
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        return None


def daytime(text: Any) -> int | None:
    """The Time that `text` is [microseconds since midnight], or ``None``."""
    if not isinstance(text, str) or not _DAYTIME.fullmatch(text):
        return None
    try:
        return _since_midnight(time.fromisoformat(text.rstrip("Z")))
    except ValueError:
        return None


def _since_midnight(clock: time) -> int:
    seconds = (clock.hour * 60 + clock.minute) * 60 + clock.second
    return seconds * 1_000_000 + clock.microsecond


_READERS: Final[dict[Tag, Callable[[Any], int | None]]] = {
    "moment": moment,
    "day": day,
    "daytime": daytime,
}


class Typed(NamedTuple):
    """A term's value: its type and the form in which it is compared."""

    tag: Tag
    value: Any


def typed(scalar: Scalar) -> Typed:
    """The type of a term's value. A URI is a text."""
    match scalar:
        case bool():
            return Typed("boolean", scalar)
        case int() | float():
            return Typed("number", scalar)
        case datetime():
            aware = scalar if scalar.tzinfo else scalar.replace(tzinfo=UTC)
            return Typed("moment", micros(aware))
        case date():
            return Typed("day", scalar.toordinal())
        case time():
            return Typed("daytime", _since_midnight(scalar))
        case Uri(value):
            return Typed("text", value)
        case _:
            return Typed("text", scalar)


def seen_as(element: Any, tag: Tag) -> Any:
    """`element` in the form in which values of type `tag` are compared, ``None`` if of another."""
    if tag in _READERS:
        return _READERS[tag](element)
    if tag == "text":
        return element if isinstance(element, str) else None
    if isinstance(element, bool):
        return element if tag == "boolean" else None
    return element if tag == "number" and isinstance(element, int | float) else None
