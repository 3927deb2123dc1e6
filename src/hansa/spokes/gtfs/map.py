"""From a feed to entities of the Smart Data Models for urban mobility.

A trip carries its stop times itself, as columns in one JsonProperty, so that a feed of a thousand trips
is a thousand entities and not forty thousand: ``stops`` (the last part of GtfsStop identifiers),
``arrivals`` and ``departures`` (seconds since the start of the service day, see :mod:`.times`),
``distances`` (metres along the shape), and ``estimated`` (positions whose times the feed leaves out).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from hansa.spokes.gtfs.calendars import DAYS, Calendar, Rule, ServiceDate
from hansa.spokes.gtfs.patterns import STRAIGHT, Pattern, find_patterns
from hansa.spokes.gtfs.read import Feed, Frequency
from hansa.spokes.gtfs.shapes import Shape
from hansa.spokes.gtfs.tables import Record
from hansa.spokes.gtfs.times import show_time
from hansa.spokes.plain import identifier, json_prop, line, number, point, prop, put, rel, start
from hansa.spokes.port import Plain

__all__ = ["FeedMap"]

STOP_TYPES: Final = {
    "0": "GtfsStop",
    "1": "GtfsStation",
    "2": "GtfsAccessPoint",
    "3": "GtfsGenericNode",
    "4": "GtfsBoardingArea",
}
_SHORT_DAYS: Final = tuple(day[:3].title() for day in DAYS)


class FeedMap:
    """The entities of one feed."""

    def __init__(self, feed: Feed, namespace: str) -> None:
        self._feed = feed
        self._namespace = namespace
        self._patterns, self._shapes = find_patterns(feed)
        self._trip_counts = Counter(trip.get("service_id") for trip in feed.trips.values())

    def __len__(self) -> int:
        feed, calendar = self._feed, self._feed.calendar
        counted = (
            feed.agencies, feed.stops, feed.routes, calendar.services, calendar.rules,
            calendar.exceptions, self._shapes, feed.trips, feed.frequencies,
        )  # fmt: skip
        return sum(map(len, counted))

    def entities(self) -> Iterator[Plain]:
        """All of them, what is referred to before what refers to it."""
        feed = self._feed
        yield from (self._agency(id, record) for id, record in feed.agencies.items())
        yield from (self._stop(id, record) for id, record in feed.stops.items())
        yield from (self._route(id, record) for id, record in feed.routes.items())
        yield from self._services(feed.calendar)
        routes = self._routes_of_shapes()
        yield from (self._shape(id, s, routes.get(id, [])) for id, s in self._shapes.items())
        yield from (self._trip(id, record) for id, record in feed.trips.items())
        for position, frequency in enumerate(feed.frequencies, 1):
            yield self._frequency(position, frequency)

    def _id(self, type: str, local: str) -> str:
        return identifier(type, self._namespace, local)

    def _start(self, type: str, local: str) -> Plain:
        return start(type, self._namespace, local)

    def _agency(self, id: str, record: Record) -> Plain:
        entity = self._start("GtfsAgency", id)
        for name, column in (
            ("name", "agency_name"),
            ("agencyName", "agency_name"),
            ("page", "agency_url"),
            ("language", "agency_lang"),
            ("phone", "agency_phone"),
        ):
            put(entity, name, record.get(column))
        entity["timezone"] = prop(self._feed.zone.key)
        return entity

    def _stop(self, id: str, record: Record) -> Plain:
        entity = self._start(STOP_TYPES[record.get("location_type") or "0"], id)
        for name, column in (
            ("name", "stop_name"),
            ("code", "stop_code"),
            ("description", "stop_desc"),
            ("page", "stop_url"),
            ("zoneCode", "zone_id"),
            ("wheelChairAccessible", "wheelchair_boarding"),
            ("platformCode", "platform_code"),
        ):
            put(entity, name, record.get(column))
        parent = self._feed.stops.get(record.get("parent_station"))
        if parent is not None:
            type = STOP_TYPES[parent.get("location_type") or "0"]
            entity["hasParentStation"] = rel(self._id(type, record.get("parent_station")))
        if "stop_lat" in record.values:
            entity["location"] = point(float(record.get("stop_lon")), float(record.get("stop_lat")))
        return entity

    def _route(self, id: str, record: Record) -> Plain:
        entity = self._start("GtfsRoute", id)
        put(entity, "name", _route_name(record, id))
        for name, column in (
            ("shortName", "route_short_name"),
            ("description", "route_desc"),
            ("routeType", "route_type"),
            ("page", "route_url"),
            ("routeColor", "route_color"),
            ("routeTextColor", "route_text_color"),
        ):
            put(entity, name, record.get(column))
        put(entity, "routeSortOrder", number(record.get("route_sort_order")))
        agency = record.get("agency_id")
        if not agency and len(self._feed.agencies) == 1:
            agency = next(iter(self._feed.agencies))
        if agency in self._feed.agencies:
            entity["operatedBy"] = rel(self._id("GtfsAgency", agency))
        return entity

    def _services(self, calendar: Calendar) -> Iterator[Plain]:
        by_service: dict[str, list[Rule]] = {}
        for rule in calendar.rules:
            by_service.setdefault(rule.service, []).append(rule)
        for id in calendar.services:
            entity = self._start("GtfsService", id)
            entity["name"] = prop(id)
            put(entity, "description", "; ".join(map(_in_words, by_service.get(id, []))))
            entity["tripCount"] = prop(self._trip_counts[id])
            yield entity
        for rules in by_service.values():
            for position, rule in enumerate(rules, 1):
                yield self._rule(f"{rule.service}-{position}", rule)
        yield from map(self._service_date, calendar.exceptions)

    def _rule(self, local: str, rule: Rule) -> Plain:
        entity = self._start("GtfsCalendarRule", local)
        entity["hasService"] = rel(self._id("GtfsService", rule.service))
        for day, runs in zip(DAYS, rule.days, strict=True):
            entity[day] = prop(runs)
        entity["startDate"] = prop(rule.first.isoformat())
        entity["endDate"] = prop(rule.last.isoformat())
        return entity

    def _service_date(self, exception: ServiceDate) -> Plain:
        local = f"{exception.service}-{exception.day:%Y%m%d}"
        entity = self._start("GtfsCalendarDateRule", local)
        entity["hasService"] = rel(self._id("GtfsService", exception.service))
        entity["appliesOn"] = prop(exception.day.isoformat())
        entity["exceptionType"] = prop("1" if exception.added else "2")
        return entity

    def _routes_of_shapes(self) -> dict[str, list[str]]:
        found: dict[str, dict[str, None]] = {}
        for id, pattern in self._patterns.items():
            route = self._feed.trips[id].get("route_id")
            found.setdefault(pattern.shape, {})[route] = None
        return {shape: list(routes) for shape, routes in found.items()}

    def _shape(self, id: str, shape: Shape, routes: list[str]) -> Plain:
        entity = self._start("GtfsShape", id)
        records = [self._feed.routes[route] for route in routes]
        names = [_route_name(record, id) for id, record in zip(routes, records, strict=True)]
        put(entity, "name", " · ".join(dict.fromkeys(names)))
        if records:
            put(entity, "routeColor", records[0].get("route_color"))
            targets = [self._id("GtfsRoute", route) for route in routes]
            entity["hasRoute"] = {
                "type": "Relationship",
                "object": targets[0] if len(targets) == 1 else targets,
            }
        put(entity, "length", round(float(shape.at[-1]), 1), "MTR")
        if shape.stated.size:
            entity["distanceTravelled"] = {
                "type": "ListProperty",
                "valueList": shape.stated.tolist(),
            }
        entity["location"] = line(shape.line.tolist())
        if id.startswith(STRAIGHT):
            entity["location"]["method"] = prop("straight lines between stops")
        return entity

    def _trip(self, id: str, record: Record) -> Plain:
        entity = self._start("GtfsTrip", id)
        entity["hasRoute"] = rel(self._id("GtfsRoute", record.get("route_id")))
        entity["hasService"] = rel(self._id("GtfsService", record.get("service_id")))
        for name, column in (
            ("headSign", "trip_headsign"),
            ("shortName", "trip_short_name"),
            ("block", "block_id"),
        ):
            put(entity, name, record.get(column))
        for name, column in (
            ("direction", "direction_id"),
            ("wheelChairAccessible", "wheelchair_accessible"),
            ("bikesAllowed", "bikes_allowed"),
        ):
            put(entity, name, number(record.get(column)))
        pattern = self._patterns.get(id)
        if pattern is not None:
            self._add_times(entity, id, pattern)
        return entity

    def _add_times(self, entity: Plain, id: str, pattern: Pattern) -> None:
        visits = self._feed.visits[id]
        entity["hasShape"] = rel(self._id("GtfsShape", pattern.shape))
        entity["firstDeparture"] = prop(show_time(int(visits.departures[0])))
        entity["lastArrival"] = prop(show_time(int(visits.arrivals[-1])))
        entity["stopCount"] = prop(len(visits.stops))
        times: dict[str, Any] = {
            "stops": [self._feed.placed[stop] for stop in visits.stops],
            "arrivals": visits.arrivals.tolist(),
            "departures": visits.departures.tolist(),
            "distances": pattern.distances,
        }
        if visits.estimated.any():
            times["estimated"] = np.flatnonzero(visits.estimated).tolist()
        entity["stopTimes"] = json_prop(times)

    def _frequency(self, position: int, frequency: Frequency) -> Plain:
        entity = self._start("GtfsFrequency", f"{frequency.trip}-{position}")
        entity["hasTrip"] = rel(self._id("GtfsTrip", frequency.trip))
        entity["startTime"] = prop(show_time(frequency.first))
        entity["endTime"] = prop(show_time(frequency.last))
        entity["headwaySeconds"] = prop(frequency.headway, "SEC")
        entity["exactTimes"] = prop(frequency.exact)
        return entity


def _route_name(record: Record, id: str) -> str:
    parts = (record.get("route_short_name"), record.get("route_long_name"))
    return " ".join(dict.fromkeys(part for part in parts if part)) or id


def _in_words(rule: Rule) -> str:
    days = " ".join(name for name, runs in zip(_SHORT_DAYS, rule.days, strict=True) if runs)
    return f"{days or 'no day'}, {rule.first} to {rule.last}"
