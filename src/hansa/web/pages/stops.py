"""The board of a stop or station: its next departures and its lines, as the page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from hansa.ngsild.model import Entity
from hansa.ngsild.query import AttributePath, Compare, Query, Uri
from hansa.web.pages.day import Days
from hansa.web.pages.departures import Call, calls_at
from hansa.web.pages.describe import Describer
from hansa.web.pages.facts import GONE, Facts
from hansa.web.pages.values import text
from hansa.web.shell.language import Language
from hansa.web.shell.site import Site

__all__ = ["Board", "Departure", "Line", "Stops"]

_SHOWN: Final = 8
"""Departures on a board."""

_PLATFORMS: Final = 200
_TYPES: Final = ("GtfsStop", "GtfsStation", "PublicTransportStop")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that calls: its name, its colour (six digits, or ""), where it goes."""

    id: str
    name: str
    colour: str
    destinations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Departure:
    """A departure: the clock, the day where it is not today, the line, the destination."""

    clock: str
    day: str
    line: Line
    trip: str
    destination: str


@dataclass(frozen=True, slots=True)
class Board:
    """Departures and lines of a stop; a note where the timetable is one that has ended."""

    departures: list[Departure]
    lines: list[Line]
    note: str


class Stops:
    """Makes boards."""

    def __init__(self, site: Site, facts: Facts, days: Days) -> None:
        self._site = site
        self._facts = facts
        self._days = days

    def board(self, entity: Entity, describer: Describer, tongue: Language) -> Board | None:
        """The board of a stop or station; ``None`` for anything at which no timetable calls."""
        if not {self._site.iri(term) for term in _TYPES} & set(entity["type"]):
            return None
        stops = [entity["id"], *self._platforms(entity)]
        calls = calls_at(self._days.tables(), stops, self._site.now(), _SHOWN)
        if not calls.lines:
            return None
        routes = self._facts.entities(calls.lines)
        lines = {
            id: self._line(id, routes.get(id), heads, describer)
            for id, heads in calls.lines.items()
        }
        note = "The timetable has ended; its days are replayed by day of the week."
        return Board(
            [self._departure(call, lines[call.route], tongue) for call in calls.next],
            list(lines.values()),
            tongue(note) if calls.replays else "",
        )

    def _platforms(self, entity: Entity) -> list[str]:
        """The stops that belong to a station."""
        if self._site.iri("GtfsStation") not in entity["type"]:
            return []
        part_of = AttributePath((self._site.iri("hasParentStation"),))
        parts = Compare(part_of, "==", (Uri(entity["id"]),))
        page = self._facts.store.query(Query(q=parts, without=GONE, limit=_PLATFORMS))
        return [orjson.loads(document)["id"] for document in page.documents]

    def _line(
        self, id: str, route: Entity | None, heads: tuple[str, ...], describer: Describer
    ) -> Line:
        if route is None:
            return Line(id, id.rpartition(":")[2], "", heads)
        colour = text(route, self._site.iri("routeColor")).lstrip("#").lower()
        is_colour = len(colour) == 6 and set(colour) <= set("0123456789abcdef")
        return Line(id, describer.name(route), colour if is_colour else "", heads)

    def _departure(self, call: Call, line: Line, tongue: Language) -> Departure:
        at = call.at.astimezone(self._site.node.settings.zone)
        is_today = at.date() == self._site.now().date()
        day = "" if is_today else tongue.weekday(at.weekday())
        return Departure(f"{at:%H:%M}", day, line, call.trip, call.headsign)
