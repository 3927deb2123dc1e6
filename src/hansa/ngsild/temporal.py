"""Time in requests: moments, dates, times of day, durations, and the temporal query language.

Texts follow ISO 8601 as clause 4.6.3 of ETSI GS CIM 009 narrows it: extended format, complete, in UTC
with a final ``Z``; a comma is read as a decimal point; digits beyond microseconds are cut. Durations
follow clause 4.5.19.1. The temporal query language (clause 4.11) is read to a
:class:`TemporalFilter`, whose bounds are the same for all three relations: ``since`` is included,
``until`` is not.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal, TypeVar, get_args

from hansa.kernel.errors import BadRequest

__all__ = [
    "Duration",
    "TemporalFilter",
    "TimeProperty",
    "TimeRelation",
    "parse_date",
    "parse_datetime",
    "parse_duration",
    "parse_temporal",
    "parse_time",
    "print_datetime",
    "print_duration",
    "print_temporal",
    "print_time",
    "read_moment",
]

TimeRelation = Literal["before", "after", "between"]
TimeProperty = Literal["observedAt", "createdAt", "modifiedAt", "deletedAt"]
Moment = datetime | date | time
M = TypeVar("M", datetime, date, time)

_DATE: Final = r"\d{4}-\d\d-\d\d"
_TIME: Final = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?Z"
_MOMENTS: Final = (
    (re.compile(f"{_DATE}T{_TIME}", re.ASCII), datetime),
    (re.compile(_DATE, re.ASCII), date),
    (re.compile(_TIME, re.ASCII), time),
)
_DURATION: Final = re.compile(
    r"P(?:(\d{1,6})W|(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})D)?"
    r"(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:[.,]\d{1,6})?)S)?)?)",
    re.ASCII,
)


def read_moment(text: str) -> Moment | None:
    """The DateTime, Date or Time that `text` is; ``None`` when it has the shape of none of them.

    Raises:
        ValueError: it has the shape, but names a moment that does not exist.
    """
    for shape, kind in _MOMENTS:
        if shape.fullmatch(text):
            # Python wants three or six digits after the point, and an offset instead of Z.
            plain = re.sub(r"[.,](\d+)", lambda m: f".{m[1]:0<6.6}", text)
            return kind.fromisoformat(plain)
    return None


def _parse(text: Any, kind: type[M], subject: str, example: str) -> M:
    fact = f"{text!r:.60} is not written as {example}"
    try:
        moment = read_moment(text) if isinstance(text, str) else None
    except ValueError as fault:
        moment, fact = None, f"{text!r:.60} does not exist ({fault})"
    if type(moment) is not kind:
        remedy = "use ISO 8601 in UTC, all parts, with a final Z" if kind is not date else ""
        raise BadRequest(subject, fact, remedy)
    return moment


def parse_datetime(text: Any, subject: str = "DateTime") -> datetime:
    """A DateTime, for example ``2017-12-24T12:00:00Z``; the result is in UTC.

    Raises:
        BadRequest: `text` is something else; `subject` names it in the error.
    """
    return _parse(text, datetime, subject, "2017-12-24T12:00:00Z")


def parse_date(text: Any, subject: str = "Date") -> date:
    """A Date, for example ``2017-12-24``; errors as in :func:`parse_datetime`."""
    return _parse(text, date, subject, "2017-12-24")


def parse_time(text: Any, subject: str = "Time") -> time:
    """A Time, for example ``12:00:00Z``; the result is in UTC; errors as in :func:`parse_datetime`."""
    return _parse(text, time, subject, "12:00:00Z")


def print_datetime(moment: datetime) -> str:
    """The inverse of :func:`parse_datetime`; microseconds only where there are some."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def print_time(moment: time) -> str:
    """The inverse of :func:`parse_time`."""
    return moment.isoformat().replace("+00:00", "Z")


# -- durations -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: calendar months (whose length varies) and exact time."""

    months: int = 0
    exact: timedelta = timedelta()

    def __bool__(self) -> bool:
        return bool(self.months or self.exact)

    def after(self, moment: datetime) -> datetime:
        """`moment` moved on by this duration; the day is cut to the month's length.

        Raises:
            OverflowError: the result is later than year 9999.
        """
        months = moment.month - 1 + self.months
        year, month = moment.year + months // 12, months % 12 + 1
        if year > 9999:
            raise OverflowError("date value out of range")
        day = min(moment.day, calendar.monthrange(year, month)[1])
        return moment.replace(year=year, month=month, day=day) + self.exact


def parse_duration(text: Any, subject: str = "duration") -> Duration:
    """An ISO 8601 duration such as ``P1D``, ``PT15M`` or ``P2W`` (clause 4.5.19.1).

    Raises:
        BadRequest: `text` is something else, or longer than Python's timedelta (2.7 million years).
    """
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None or text.endswith(("P", "T")):
        raise BadRequest(
            subject, f"{text!r:.60} is not a duration", "write for example P1D, PT15M or P2W"
        )
    weeks, years, months, days, hours, minutes = (int(found[i] or 0) for i in range(1, 7))
    seconds, _, fraction = (found[7] or "0").replace(",", ".").partition(".")
    exact = timedelta(
        weeks=weeks,
        days=days,
        hours=hours,
        minutes=minutes,
        seconds=int(seconds),
        microseconds=int(f"{fraction:0<6}"),
    )
    return Duration(12 * years + months, exact)


def print_duration(duration: Duration) -> str:
    """The inverse of :func:`parse_duration`, in its shortest form."""
    years, months = divmod(duration.months, 12)
    minutes, seconds = divmod(duration.exact.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    second = f"{seconds}.{duration.exact.microseconds:06}".rstrip("0").rstrip(".")
    day = ((years, "Y"), (months, "M"), (duration.exact.days, "D"))
    clock = ((hours, "H"), (minutes, "M"), ("" if second == "0" else second, "S"))
    first = "".join(f"{number}{letter}" for number, letter in day if number)
    last = "".join(f"{number}{letter}" for number, letter in clock if number)
    return f"P{first}T{last}" if last else f"P{first}" if first else "PT0S"


# -- the temporal query language -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TemporalFilter:
    """A period that a temporal property must lie in (clause 4.11)."""

    relation: TimeRelation
    at: datetime
    end: datetime | None = None
    attribute: TimeProperty = "observedAt"

    @property
    def since(self) -> datetime | None:
        """The first moment of the period, or ``None`` when it has no beginning."""
        return None if self.relation == "before" else self.at

    @property
    def until(self) -> datetime | None:
        """The first moment after the period, or ``None`` when it has no end."""
        return self.at if self.relation == "before" else self.end

    def holds(self, moment: datetime) -> bool:
        """Whether `moment` lies in the period."""
        return (self.since is None or moment >= self.since) and (
            self.until is None or moment < self.until
        )


def parse_temporal(
    timerel: Any, time_at: Any, end_time_at: Any = None, timeproperty: Any = None
) -> TemporalFilter | None:
    """The filter of a temporal query's four parameters; ``None`` when none of the first three is given.

    Raises:
        BadRequest: something is missing, malformed, or stands without what it belongs to.
    """
    if timerel is None and time_at is None and end_time_at is None:
        return None
    if timerel not in get_args(TimeRelation):
        raise BadRequest(
            "timerel",
            "is missing" if timerel is None else f"{timerel!r:.40} is not a relation",
            "use before, after or between",
        )
    if time_at is None:
        raise BadRequest("timeAt", "is missing", f"timerel={timerel} needs it")
    if (end_time_at is not None) != (timerel == "between"):
        raise BadRequest("endTimeAt", "goes with timerel=between, and only with it")
    if timeproperty is not None and timeproperty not in get_args(TimeProperty):
        raise BadRequest(
            "timeproperty",
            f"{timeproperty!r:.40} is not a temporal property",
            f"use one of {', '.join(get_args(TimeProperty))}",
        )
    return TemporalFilter(
        timerel,
        parse_datetime(time_at, "timeAt"),
        None if end_time_at is None else parse_datetime(end_time_at, "endTimeAt"),
        timeproperty or "observedAt",
    )


def print_temporal(temporal: TemporalFilter) -> dict[str, str]:
    """The parameters of `temporal`, named as in a URL."""
    found = {"timerel": temporal.relation, "timeAt": print_datetime(temporal.at)}
    if temporal.end is not None:
        found["endTimeAt"] = print_datetime(temporal.end)
    return found | {"timeproperty": temporal.attribute}
