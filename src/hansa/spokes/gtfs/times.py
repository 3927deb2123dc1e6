"""Times and dates as GTFS writes them.

A GTFS time is hours, minutes and seconds since *noon minus twelve hours* of the service day, which is
midnight except on the days when clocks change; it may exceed 24:00:00 for trips that run on into the
next day (GTFS reference, "Time").
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

__all__ = ["day_start", "parse_date", "parse_time", "show_time"]

_TIME: Final = re.compile(r"\s*(\d{1,3}):([0-5]?\d)(?::([0-5]?\d))?\s*")
_LONGEST: Final = 10 * 24 * 3600


def parse_time(text: str) -> int | None:
    """Seconds since the start of the service day; ``None`` for blank text.

    Raises:
        ValueError: it is not a time, or later than ten days.
    """
    if not text or text.isspace():
        return None
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time such as 06:35:00")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if total > _LONGEST:
        raise ValueError(f"{text!r} is more than ten days after the service day began")
    return total


def show_time(seconds: int) -> str:
    """The inverse of :func:`parse_time`: ``HH:MM:SS``, with hours beyond 23 where needed."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def parse_date(text: str) -> date:
    """A date written ``YYYYMMDD``.

    Raises:
        ValueError: it is none.
    """
    stripped = text.strip()
    if len(stripped) == 8 and stripped.isascii() and stripped.isdigit():
        try:
            return date(int(stripped[:4]), int(stripped[4:6]), int(stripped[6:]))
        except ValueError:
            pass
    raise ValueError(f"{text!r} is not a date such as 20261123")


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC) from which a service day's times are counted."""
    return datetime.combine(day, time(12), zone).astimezone(UTC) - timedelta(hours=12)
