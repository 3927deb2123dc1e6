"""Periods of time, and the period that an instant lies in. Pure.

An instant is generalised to the beginning of its period, in UTC. Minutes and hours are counted from midnight, weeks
begin on Monday, several years together at a year that their number divides; so each period lies within a
coarser one of the same kind, and to generalise twice is to generalise once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

__all__ = ["Period", "duration"]

_PERIOD: Final = re.compile(r"P(?:T([1-9]\d{0,3})([MH])|([1-9]\d{0,2})([DWMY]))")
_UNITS: Final = {"TM": "minute", "TH": "hour", "D": "day", "W": "week", "M": "month", "Y": "year"}
_FIT: Final = {
    "minute": (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30),
    "hour": (1, 2, 3, 4, 6, 8, 12),
    "day": (1,),
    "week": (1,),
    "month": (1, 2, 3, 4, 6),
    "year": (1, 2, 5, 10, 20, 25, 50, 100),
}
"""How many of each unit: those that fit whole into the next larger one."""

_LENGTHS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_YEAR: Final = re.compile(r"\d{4}")
_MONTH: Final = re.compile(r"\d{4}-\d{2}")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time by the calendar: so many minutes, hours, days, weeks, months or years."""

    unit: str
    count: int

    @classmethod
    def parse(cls, text: object) -> Period:
        """The period that an ISO 8601 duration of one unit names: ``PT15M``, ``PT1H``, ``P1D``, ``P1W``, ``P1M``, ``P10Y``.

        Raises:
            ValueError: it names none, or one that does not fit whole into the next larger unit.
        """
        match = _PERIOD.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError("is no period such as PT15M, PT1H, P1D, P1W, P1M or P10Y")
        count, unit = match[1] or match[3], _UNITS[f"T{match[2]}" if match[2] else match[4]]
        if int(count) not in _FIT[unit]:
            fitting = ", ".join(map(str, _FIT[unit]))
            raise ValueError(f"takes these numbers of {unit}s: {fitting}")
        return cls(unit, int(count))

    @property
    def is_calendar(self) -> bool:
        """Whether it is a day or longer, so that a bare date can be finer than it."""
        return self.unit not in {"minute", "hour"}

    def begin(self, moment: datetime) -> datetime:
        """The beginning of the period that `moment` (with a time zone) lies in, in UTC."""
        there = moment.astimezone(UTC)
        midnight = there.replace(hour=0, minute=0, second=0, microsecond=0)
        match self.unit:
            case "minute" | "hour":
                whole = _LENGTHS[self.unit] * self.count
                return midnight + (there - midnight) // whole * whole
            case "day":
                return midnight
            case "week":
                back = timedelta(days=midnight.weekday())
                return midnight - back if midnight.toordinal() > 7 else midnight.replace(day=1)
            case "month":
                return midnight.replace(
                    month=(there.month - 1) // self.count * self.count + 1, day=1
                )
        return midnight.replace(year=max(1, there.year // self.count * self.count), month=1, day=1)

    def text(self, value: str) -> str | None:
        """A written instant, date, month or year, generalised; ``None`` if it is none of them.

        What is coarser than the period already stays as it is.
        """
        if _YEAR.fullmatch(value):
            return _written(self, value, "-01-01", 4) if self.unit == "year" else value
        if _MONTH.fullmatch(value):
            return _written(self, value, "-01", 7) if self.unit in {"month", "year"} else value
        if _DATE.fullmatch(value):
            return _written(self, value, "", 10) if self.is_calendar else _if_date(value)
        if len(value) > 40 or "T" not in value:
            return None
        try:
            moment = datetime.fromisoformat(value)
            zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            return self.begin(zoned).isoformat()[:19] + "Z"
        except (ValueError, OverflowError):
            return None


def _written(period: Period, value: str, rest: str, length: int) -> str | None:
    try:
        day = date.fromisoformat(value + rest)
        begun = period.begin(datetime(day.year, day.month, day.day, tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
    return begun.date().isoformat()[:length]


def _if_date(value: str) -> str | None:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        return None


_DURATION: Final = re.compile(
    r"P(?:([1-9]\d{0,2})W|(?:([1-9]\d{0,3})D)?(?:T(?:([1-9]\d{0,3})H)?(?:([1-9]\d{0,4})M)?)?)"
)


def duration(text: object, least: timedelta, most: timedelta) -> timedelta:
    """A length of time from ISO 8601: weeks, or days, hours and minutes.

    Raises:
        ValueError: it is none, or not between `least` and `most`.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        raise ValueError("is no length of time such as PT15M, PT6H, P1D or P4W")
    weeks, days, hours, minutes = (int(part or 0) for part in match.groups())
    found = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)
    if not least <= found <= most:
        raise ValueError(f"is not between {_spoken(least)} and {_spoken(most)}")
    return found


def _spoken(length: timedelta) -> str:
    if length.days:
        return f"{length.days} day{'s' * (length.days != 1)}"
    minutes = length.seconds // 60
    return f"{minutes} minute{'s' * (minutes != 1)}"
