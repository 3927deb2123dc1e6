"""On which days a timetable's services run, in words: they name the service wherever it is linked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hansa.spokes.gtfs.calendars import DAYS
from hansa.web.pages.facts import Facts
from hansa.web.pages.values import first, text
from hansa.web.shell.language import Language
from hansa.web.shell.site import Site

__all__ = ["Services", "weekdays"]

_MOST: Final = 5_000

Days = tuple[bool, ...]


class Services:
    """The timetable services of one node."""

    def __init__(self, site: Site, facts: Facts) -> None:
        self._site = site
        self._facts = facts

    def names(self, tongue: Language) -> Mapping[str, str]:
        """The days on which each service runs, by its identifier; one without a rule has none."""
        types = [self._site.iri("GtfsCalendarRule")]
        rules = self._facts.kept.get("services", types, self._rules)
        return {id: weekdays(tongue, days) for id, days in rules.items()}

    def _rules(self) -> dict[str, Days]:
        found: dict[str, Days] = {}
        for rule in self._facts.of_types(["GtfsCalendarRule"], _MOST):
            days = tuple(bool(first(rule, self._site.iri(day))) for day in DAYS)
            service = text(rule, self._site.iri("hasService"))
            before = found.get(service, (False,) * len(DAYS))
            found[service] = tuple(a or b for a, b in zip(days, before, strict=True))
        return found


def weekdays(tongue: Language, days: Days) -> str:
    """Days of the week in words, Monday first: three or more in a row as a span."""
    if all(days):
        return tongue("every day")
    parts: list[str] = []
    start = 0
    while start < len(days):
        end = start
        while end < len(days) and days[end]:
            end += 1
        if end - start > 2:
            span = {"first": tongue.weekday(start), "last": tongue.weekday(end - 1)}
            parts.append(tongue("{first} to {last}", **span))
        else:
            parts += [tongue.weekday(day) for day in range(start, end)]
        start = end + 1
    return ", ".join(parts) or tongue("on single days only")
