"""On which days services run: ``calendar.txt``, ``calendar_dates.txt``, and what they mean.

A service runs on a day if a rule names the weekday within its period, unless an exception takes it
away; or if an exception adds it. A calendar that has ended is *replayed*: a later day is given the
services of the last ordinary day of the same weekday within the period: one without exceptions, and not
between Christmas and New Year, which few would take for an ordinary day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Final

from hansa.spokes.gtfs.tables import Record, Tables, whole
from hansa.spokes.gtfs.times import parse_date

__all__ = ["DAYS", "Calendar", "Rule", "ServiceDate", "read_calendar"]

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Rule:
    """The weekdays (Monday first) on which a service runs, from the first to the last day."""

    service: str
    days: tuple[bool, ...]
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class ServiceDate:
    """An exception: a service added to one day, or taken from it."""

    service: str
    day: date
    added: bool


class Calendar:
    """The rules and exceptions of one feed."""

    def __init__(self, rules: Iterable[Rule], exceptions: Iterable[ServiceDate]) -> None:
        self.rules = tuple(rules)
        self.exceptions = tuple(exceptions)

    @cached_property
    def services(self) -> tuple[str, ...]:
        """Identifiers of all services, in the order of the feed."""
        named = [rule.service for rule in self.rules] + [e.service for e in self.exceptions]
        return tuple(dict.fromkeys(named))

    @cached_property
    def period(self) -> tuple[date, date] | None:
        """First and last day that the feed speaks of; ``None`` if nothing ever runs."""
        added = [exception.day for exception in self.exceptions if exception.added]
        firsts = [rule.first for rule in self.rules] + added
        lasts = [rule.last for rule in self.rules] + added
        return (min(firsts), max(lasts)) if firsts else None

    def active(self, day: date) -> frozenset[str]:
        """The services that run on `day`."""
        running = {
            rule.service
            for rule in self.rules
            if rule.first <= day <= rule.last and rule.days[day.weekday()]
        }
        for exception in self._by_day.get(day, ()):
            if exception.added:
                running.add(exception.service)
            else:
                running.discard(exception.service)
        return frozenset(running)

    def replayed(self, day: date) -> date | None:
        """The day whose services stand in for `day`; ``None`` while the calendar is not over."""
        if self.period is None or day <= self.period[1]:
            return None
        first, last = self.period
        festive = None
        candidate = newest = last - timedelta(days=(last.weekday() - day.weekday()) % 7)
        while candidate >= first:
            if candidate not in self._by_day and self.active(candidate):
                if not _is_festive(candidate):
                    return candidate
                festive = festive or candidate
            candidate -= _WEEK
        return festive or (newest if newest >= first else last)

    @cached_property
    def _by_day(self) -> dict[date, list[ServiceDate]]:
        found: dict[date, list[ServiceDate]] = {}
        for exception in self.exceptions:
            found.setdefault(exception.day, []).append(exception)
        return found


def _is_festive(day: date) -> bool:
    """Whether a day is one of 24 December to 1 January."""
    return (day.month == 12 and day.day >= 24) or (day.month == 1 and day.day == 1)


def read_calendar(tables: Tables) -> Calendar:
    """The calendar of a feed.

    Raises:
        BadRequest: the feed has neither of the two files.
    """
    rules, exceptions = [], []
    dates = tables.open("calendar_dates.txt", ("service_id", "date", "exception_type"))
    columns = ("service_id", *DAYS, "start_date", "end_date")
    table = tables.open("calendar.txt", columns)
    if table is None and dates is None:
        table = tables.need("calendar.txt", columns)
    if table is not None:
        for record in tables.records(table):
            try:
                rules.append(_rule(record))
            except ValueError as fault:
                tables.refuse(table.name, record.line, fault)
    if dates is not None:
        for record in tables.records(dates):
            try:
                exceptions.append(_service_date(record))
            except ValueError as fault:
                tables.refuse(dates.name, record.line, fault)
    return Calendar(rules, exceptions)


def _rule(record: Record) -> Rule:
    days = tuple(bool(whole(record.need(name), name, (0, 1))) for name in DAYS)
    first, last = parse_date(record.need("start_date")), parse_date(record.need("end_date"))
    if last < first:
        raise ValueError(f"end_date {last} is before start_date {first}")
    return Rule(record.need("service_id"), days, first, last)


def _service_date(record: Record) -> ServiceDate:
    added = whole(record.need("exception_type"), "exception_type", (1, 2)) == 1
    return ServiceDate(record.need("service_id"), parse_date(record.need("date")), added)
