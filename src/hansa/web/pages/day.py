"""A day of the timetable, small enough to be sent whole: the page then shows any minute of it.

Runs that follow the same path with the same times between stops share one pattern, and patterns share
shapes; a run itself is then three numbers. The timetable is the one that the GTFS spoke computes live
vehicles from, so both say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import orjson

from hansa.ngsild.city import city_context
from hansa.ngsild.query import AttributePath, Compare, Query, TypeName, Uri
from hansa.ngsild.represent import View, represent
from hansa.spokes.gtfs.rebuild import timetable_of
from hansa.spokes.gtfs.timetable import Timetable
from hansa.web.pages.facts import GONE, Facts
from hansa.web.pages.sources import Source
from hansa.web.shell.language import Language
from hansa.web.shell.site import Site

__all__ = ["Days", "pack"]

_TYPES: Final = (
    "GtfsTrip GtfsShape GtfsCalendarRule GtfsCalendarDateRule GtfsFrequency GtfsAgency"
).split()
_PLAIN: Final = View(city_context(), form="simplified")
_DAY: Final = 86_400
_STEP: Final = 900
"""Seconds between two points of the curve of vehicles on the way."""

_BATCH: Final = 2_000


class Days:
    """The timetable days of one node."""

    def __init__(self, site: Site, facts: Facts) -> None:
        self._site = site
        self._facts = facts
        self._iris = [site.iri(term) for term in _TYPES]

    def answer(self, weekday: int, tongue: Language) -> dict[str, Any]:
        """The next `weekday` (0 is Monday) from today on, ready to be sent."""
        today = self._site.now().date()
        day = today + timedelta(days=(weekday - today.weekday()) % 7)
        tables = self.tables()
        packed = self._facts.kept.get(
            f"day {weekday}", self._iris, lambda: (day, pack(tables, day))
        )
        if packed[0] != day:
            packed = (day, pack(tables, day))
        return packed[1] | {"note": _note(tables, day, tongue)}

    def tables(self) -> list[tuple[str, Timetable]]:
        """One timetable for each GTFS feed, with the beginning of its trips' identifiers."""
        return self._facts.kept.get("timetables", self._iris, lambda: list(self._timetables()))

    def _timetables(self) -> Iterator[tuple[str, Timetable]]:
        for source in self._facts.sources():
            if source.adapter.split(" ")[0] == "gtfs":
                entities = _OfSource(self._site, self._facts, source)
                table = timetable_of(entities)
                if table.trips:
                    yield entities.prefix, table


class _OfSource:
    """The entities of one import, in plain form (the spokes' EntityReader)."""

    def __init__(self, site: Site, facts: Facts, source: Source) -> None:
        self._site = site
        self._facts = facts
        self._source = source
        self.prefix = ""

    def of_type(self, type: str) -> Iterator[dict[str, Any]]:
        """All entities of that type (term) that the source still has."""
        origin = Compare(
            AttributePath((self._site.iri("importedFrom"),)), "==", (Uri(self._source.id),)
        )
        offset = 0
        while True:
            query = Query(
                types=TypeName(self._site.iri(type)),
                without=GONE,
                q=origin,
                limit=_BATCH,
                offset=offset,
            )
            documents = self._facts.store.query(query).documents
            for document in documents:
                plain = represent(orjson.loads(document), _PLAIN)
                if type == "GtfsTrip":
                    self.prefix = plain["id"].rpartition(":")[0] + ":"
                yield plain
            if len(documents) < _BATCH:
                return
            offset += _BATCH


def _note(tables: Sequence[tuple[str, Timetable]], day: date, tongue: Language) -> str | None:
    """What a reader must know of timetables that have ended."""
    for _, table in tables:
        replayed = table.calendar.replayed(day)
        if replayed and table.calendar.period:
            return tongue(
                "The timetable ended on {end}. What you see replays {day}, by day of the week.",
                end=tongue.date(table.calendar.period[1]),
                day=tongue.date(replayed),
            )
    return None


def pack(tables: Sequence[tuple[str, Timetable]], day: date) -> dict[str, Any]:
    """Everything that runs on `day`: shapes, patterns, runs, and how many are on the way when.

    Runs that began the day before and go on past midnight are among them, with a negative start.
    """
    packer = _Packer()
    for prefix, table in tables:
        for back in (0, 1):
            start_of_day = day - timedelta(days=back)
            services = table.calendar.active(table.calendar.replayed(start_of_day) or start_of_day)
            packer.add(prefix, table, services, -back * _DAY)
    return packer.packed()


class _Packer:
    def __init__(self) -> None:
        self._shapes: dict[tuple[str, int], int] = {}
        self._shape_list: list[dict[str, Any]] = []
        self._patterns: dict[tuple[int, bytes, bytes], int] = {}
        self._pattern_list: list[dict[str, Any]] = []
        self._runs: list[tuple[int, int, str]] = []
        self._spans: list[tuple[int, int]] = []

    def add(self, prefix: str, table: Timetable, services: frozenset[str], shift: int) -> None:
        """The runs of these services, `shift` seconds later than their own day says."""
        wanted = [n for n, name in enumerate(table.calendar.services) if name in services]
        chosen = np.flatnonzero(np.isin(table.run_service, wanted) & (table.run_end + shift > 0))
        for run in chosen.tolist():
            trip = int(table.run_trip[run])
            start = int(table.run_start[run]) + shift
            pattern = self._pattern(prefix, table, trip)
            self._runs.append((pattern, start, prefix + table.trips[trip].id))
            self._spans.append((start, int(table.run_end[run]) + shift))

    def _pattern(self, prefix: str, table: Timetable, trip: int) -> int:
        visits = slice(int(table.first[trip]), int(table.first[trip + 1]))
        both = np.column_stack((table.arrivals[visits], table.departures[visits])).ravel()[1:-1]
        metres = np.repeat(table.distances[visits], 2)[1:-1]
        moved = np.append(True, (np.diff(both) != 0) | (np.diff(metres) != 0))
        times, metres = (both - both[0])[moved], metres[moved]
        shape = self._shape(prefix, table, int(table.shape_of[trip]))
        key = (shape, times.tobytes(), metres.tobytes())
        if key not in self._patterns:
            self._patterns[key] = len(self._pattern_list)
            self._pattern_list.append(
                {"shape": shape, "times": times.tolist(), "metres": np.rint(metres).tolist()}
            )
        return self._patterns[key]

    def _shape(self, prefix: str, table: Timetable, shape: int) -> int:
        if (prefix, shape) not in self._shapes:
            self._shapes[prefix, shape] = len(self._shape_list)
            begin = int(table.last_vertex[shape - 1]) + 1 if shape else 0
            vertices = slice(begin, int(table.last_vertex[shape]) + 1)
            self._shape_list.append(
                {
                    "points": table.line[vertices].round(6).tolist(),
                    "metres": np.rint(table.along[vertices]).tolist(),
                }
            )
        return self._shapes[prefix, shape]

    def packed(self) -> dict[str, Any]:
        """The day as JSON data."""
        moments = np.arange(0, _DAY + 1, _STEP)
        spans = np.array(self._spans, dtype=np.int64).reshape(-1, 2)
        on_the_way = (spans[:, :1] <= moments) & (moments < spans[:, 1:])
        return {
            "shapes": self._shape_list,
            "patterns": self._pattern_list,
            "runs": self._runs,
            "service": on_the_way.sum(axis=0).tolist(),
        }
