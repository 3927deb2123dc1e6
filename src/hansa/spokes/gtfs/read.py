"""A static GTFS feed as records and arrays (GTFS Schedule reference).

In this order: the archive is verified; agencies, stops, routes and services are read and checked;
trips, which refer to them; stop times and frequencies, which refer to trips. A missing file or column
refuses the feed as a whole; a bad row is refused with its file and line, and so is what refers to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from hansa.kernel.errors import BadRequest
from hansa.spokes.gtfs.calendars import Calendar, read_calendar
from hansa.spokes.gtfs.lines import Floats
from hansa.spokes.gtfs.shapes import Shape, degrees, read_shapes
from hansa.spokes.gtfs.stop_times import Visits, read_visits
from hansa.spokes.gtfs.tables import Record, Tables, whole
from hansa.spokes.gtfs.times import parse_time
from hansa.spokes.port import Refusal
from hansa.spokes.source import Bundle

__all__ = ["Feed", "Frequency", "read_feed"]

_CODES: Final = {
    "direction_id": (0, 1),
    "wheelchair_accessible": (0, 1, 2),
    "bikes_allowed": (0, 1, 2),
}
"""Optional columns of trips that hold one of a few numbers."""

_MUST_BE_PLACED: Final = (0, 1, 2)
"""Kinds of stops (``location_type``) that must have a position."""


@dataclass(frozen=True, slots=True)
class Frequency:
    """A row of ``frequencies.txt``: a trip run again and again.

    ``first`` and ``last`` are seconds of the service day, the last one excluded; ``headway`` is in
    seconds; ``exact`` tells whether the departures are a timetable or only an estimate.
    """

    trip: str
    first: int
    last: int
    headway: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Feed:
    """Everything of a feed that is taken in. Mappings are by the feed's own identifiers.

    ``placed`` and ``places`` are the stops that have a position, and their longitudes and latitudes.
    """

    zone: ZoneInfo
    agencies: dict[str, Record]
    stops: dict[str, Record]
    placed: list[str]
    places: Floats
    routes: dict[str, Record]
    calendar: Calendar
    shapes: dict[str, Shape]
    trips: dict[str, Record]
    visits: dict[str, Visits]
    frequencies: list[Frequency]
    info: Record | None
    refusals: list[Refusal]
    notes: list[str]


def read_feed(bundle: Bundle, timezone: str = "") -> Feed:
    """Read a whole feed.

    Args:
        timezone: replaces the agencies' time zone.

    Raises:
        BadRequest: a required file or column is missing, a file cannot be read, or the time zone is
            unknown.
    """
    tables = Tables(bundle)
    tables.expect("stop_times.txt")  # without it the archive is something else: say so at once
    bundle.verify()
    agencies = _agencies(tables)
    stops = tables.keyed(tables.need("stops.txt", ("stop_id",)), "stop_id", _check_stop)
    placed = [id for id, stop in stops.items() if "stop_lat" in stop.values]
    places = np.array([degrees(stops[i].get("stop_lat"), stops[i].get("stop_lon")) for i in placed])
    routes = tables.need("routes.txt", ("route_id", "route_type"))
    calendar = read_calendar(tables)
    shapes = read_shapes(tables)
    known_routes = tables.keyed(routes, "route_id", _check_route)
    trips = _trips(tables, known_routes, calendar, shapes)
    numbers = {id: number for number, id in enumerate(placed)}
    places = places.reshape(-1, 2)[:, ::-1]
    visits = read_visits(tables, list(trips), numbers, places)
    info = tables.open("feed_info.txt", ())
    return Feed(
        zone=_zone(agencies, timezone),
        agencies=agencies,
        stops=stops,
        placed=placed,
        places=places,
        routes=known_routes,
        calendar=calendar,
        shapes=shapes,
        trips=trips,
        visits=visits,
        frequencies=_frequencies(tables, visits),
        info=next(tables.records(info), None) if info is not None else None,
        refusals=tables.refusals,
        notes=tables.notes,
    )


def _agencies(tables: Tables) -> dict[str, Record]:
    """Agencies by identifier; a feed of one agency may leave the identifier out."""
    table = tables.need("agency.txt", ("agency_name",))
    found: dict[str, Record] = {}
    for record in tables.records(table):
        id = record.get("agency_id") or record.get("agency_name")
        if not id:
            tables.refuse(table.name, record.line, "'agency_name' is blank")
        elif id in found:
            tables.refuse(table.name, record.line, f"agency {id!r} appeared before")
        else:
            found[id] = record
    return found


def _zone(agencies: dict[str, Record], wish: str) -> ZoneInfo:
    stated = [a.get("agency_timezone") for a in agencies.values() if a.get("agency_timezone")]
    name = wish or (stated[0] if stated else "")
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise BadRequest(
            "agency.txt",
            f"the time zone {name!r} is unknown" if name else "no agency states its time zone",
            "give the option 'timezone', for example America/Santiago",
        ) from None


def _check_stop(stop: Record) -> None:
    kind = whole(stop.get("location_type") or "0", "location_type", (0, 1, 2, 3, 4))
    if kind in _MUST_BE_PLACED or stop.get("stop_lat") or stop.get("stop_lon"):
        degrees(stop.get("stop_lat"), stop.get("stop_lon"))


def _check_route(route: Record) -> None:
    whole(route.need("route_type"), "route_type")
    whole(route.get("route_sort_order") or "0", "route_sort_order")


def _trips(
    tables: Tables, routes: dict[str, Record], calendar: Calendar, shapes: dict[str, Shape]
) -> dict[str, Record]:
    services = frozenset(calendar.services)

    def check(trip: Record) -> None:
        if trip.need("route_id") not in routes:
            raise ValueError(f"there is no route {trip.get('route_id')!r}")
        if trip.need("service_id") not in services:
            raise ValueError(f"there is no service {trip.get('service_id')!r}")
        for name, allowed in _CODES.items():
            if code := trip.get(name):
                whole(code, name, allowed)

    table = tables.need("trips.txt", ("route_id", "service_id", "trip_id"))
    trips = tables.keyed(table, "trip_id", check)
    lost = sum(1 for t in trips.values() if t.get("shape_id") and t.get("shape_id") not in shapes)
    if lost:
        tables.notes.append(
            f"{lost} trips name a shape that the feed does not have; straight lines between their "
            "stops stand in for it."
        )
    return trips


def _frequencies(tables: Tables, visits: dict[str, Visits]) -> list[Frequency]:
    columns = ("trip_id", "start_time", "end_time", "headway_secs")
    table = tables.open("frequencies.txt", columns)
    found: list[Frequency] = []
    if table is None:
        return found
    for record in tables.records(table):
        try:
            found.append(_frequency(record, visits))
        except ValueError as fault:
            tables.refuse(table.name, record.line, fault)
    return found


def _frequency(record: Record, visits: dict[str, Visits]) -> Frequency:
    trip = record.need("trip_id")
    if trip not in visits:
        raise ValueError(f"there is no trip {trip!r} that runs")
    first, last = parse_time(record.need("start_time")), parse_time(record.need("end_time"))
    headway = whole(record.need("headway_secs"), "headway_secs")
    exact = whole(record.get("exact_times") or "0", "exact_times", (0, 1)) == 1
    if headway <= 0 or first is None or last is None or last <= first:
        raise ValueError("it never departs: headway_secs and the span of time must be positive")
    return Frequency(trip, first, last, headway, exact)
