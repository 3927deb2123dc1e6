"""What calls at a stop: the next departures, and the lines.

Both come from the timetable that the map's vehicles are computed from, so all three say the same; a
calendar that has ended is replayed by day of the week here too. Nothing departs where a trip ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from hansa.spokes.gtfs.rebuild import local
from hansa.spokes.gtfs.times import day_start
from hansa.spokes.gtfs.timetable import Timetable

__all__ = ["Call", "Calls", "calls_at"]

_DAYS: Final = (1, 0, -1)
"""Service days that are looked at, back from today: yesterday's night buses, today, tomorrow."""

_WITHIN: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Call:
    """A vehicle that leaves a stop: when (in UTC), on which trip and line, and where to."""

    at: datetime
    trip: str
    route: str
    headsign: str


@dataclass(frozen=True, slots=True)
class Calls:
    """What calls at a stop.

    Attributes:
        next: the next departures, soonest first.
        lines: identifier of each line to the destinations that its vehicles show.
        replays: whether the calendar has ended and another day stands in for today.
    """

    next: tuple[Call, ...]
    lines: Mapping[str, tuple[str, ...]]
    replays: bool


def calls_at(
    tables: Iterable[tuple[str, Timetable]], stops: Sequence[str], moment: datetime, most: int
) -> Calls:
    """What calls at any of `stops` from `moment` on.

    Args:
        tables: timetables with the beginning of their trips' identifiers.
        stops: identifiers of entities.
        most: departures wanted.
    """
    found: list[Call] = []
    lines: dict[str, dict[str, None]] = {}
    replays = False
    for prefix, table in tables:
        space = prefix.split(":")[3:-1]
        wanted = {local(stop) for stop in stops if stop.split(":")[3:-1] == space}
        visits = _visits(table, wanted)
        for trip in visits:
            plan = table.trips[trip]
            lines.setdefault(_of(prefix, "GtfsRoute", plan.route), {})[plan.headsign] = None
        if visits:
            calls = _calls(prefix, table, visits, moment)
            found += sorted(calls, key=lambda call: (call.at, call.trip))[:most]
            replays |= table.calendar.replayed(moment.astimezone(table.zone).date()) is not None
    found.sort(key=lambda call: (call.at, call.trip))
    signs = {line: tuple(sorted(filter(None, heads))) for line, heads in lines.items()}
    return Calls(tuple(found[:most]), dict(sorted(signs.items())), replays)


def _visits(table: Timetable, wanted: set[str]) -> dict[int, list[int]]:
    """By trip: the visits, among all of the timetable, at which it leaves one of the stops."""
    return {
        number: [int(table.first[number]) + n for n in at]
        for number, trip in enumerate(table.trips)
        if not wanted.isdisjoint(trip.stops)
        and (at := [n for n, stop in enumerate(trip.stops[:-1]) if stop in wanted])
    }


def _calls(
    prefix: str, table: Timetable, visits: Mapping[int, list[int]], moment: datetime
) -> Iterator[Call]:
    today = moment.astimezone(table.zone).date()
    calling = np.isin(table.run_trip, list(visits))
    for back in _DAYS:
        day = today - timedelta(days=back)
        start = day_start(day, table.zone)
        services = table.calendar.active(table.calendar.replayed(day) or day)
        active = [n for n, name in enumerate(table.calendar.services) if name in services]
        for run in np.flatnonzero(calling & np.isin(table.run_service, active)).tolist():
            trip = int(table.run_trip[run])
            plan = table.trips[trip]
            for visit in visits[trip]:
                seconds = int(table.departures[visit]) + int(table.run_shift[run])
                at = start + timedelta(seconds=seconds)
                if moment <= at < moment + _WITHIN:
                    route = _of(prefix, "GtfsRoute", plan.route)
                    yield Call(at, prefix + plan.id, route, plan.headsign)


def _of(prefix: str, type: str, id: str) -> str:
    """The identifier of another entity of the same feed."""
    return prefix.replace(":GtfsTrip:", f":{type}:") + id
