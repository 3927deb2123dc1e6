"""A timetable from the entities that an import wrote, so that the live job needs no file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from hansa.spokes.gtfs.calendars import DAYS, Calendar, Rule, ServiceDate
from hansa.spokes.gtfs.shapes import Shape, make_shape
from hansa.spokes.gtfs.times import parse_time
from hansa.spokes.gtfs.timetable import Repeat, Timetable, TripPlan
from hansa.spokes.port import EntityReader, Plain

__all__ = ["local", "timetable_of"]

_UTC: Final = "UTC"


def local(urn: Any) -> str:
    """The source's own part of an identifier, still quoted as it stands there."""
    return str(urn).rsplit(":", 1)[-1]


def timetable_of(entities: EntityReader) -> Timetable:
    """The timetable that the entities describe, without trips that lack times, shape or service."""
    zones = [agency["timezone"] for agency in entities.of_type("GtfsAgency")]
    shapes = dict(_shapes(entities))
    calendar = Calendar(
        [_rule(entity) for entity in entities.of_type("GtfsCalendarRule")],
        [_service_date(entity) for entity in entities.of_type("GtfsCalendarDateRule")],
    )
    services = frozenset(calendar.services)
    trips = [trip for trip in _trips(entities, shapes) if trip.service in services]
    return Timetable(
        zone=ZoneInfo(zones[0] if zones else _UTC),
        calendar=calendar,
        shapes=shapes,
        trips=trips,
        repeats=list(_repeats(entities, {trip.id for trip in trips})),
    )


def _rule(entity: Plain) -> Rule:
    return Rule(
        local(entity["hasService"]),
        tuple(bool(entity[day]) for day in DAYS),
        date.fromisoformat(entity["startDate"]),
        date.fromisoformat(entity["endDate"]),
    )


def _service_date(entity: Plain) -> ServiceDate:
    return ServiceDate(
        local(entity["hasService"]),
        date.fromisoformat(entity["appliesOn"]),
        entity["exceptionType"] == "1",
    )


def _shapes(entities: EntityReader) -> Iterator[tuple[str, Shape]]:
    for entity in entities.of_type("GtfsShape"):
        shape = make_shape(np.array(entity["location"]["coordinates"], dtype=float)[:, :2])
        if shape is not None:
            yield local(entity["id"]), shape


def _trips(entities: EntityReader, shapes: dict[str, Shape]) -> Iterator[TripPlan]:
    for entity in entities.of_type("GtfsTrip"):
        if "stopTimes" not in entity or local(entity.get("hasShape")) not in shapes:
            continue
        times = entity["stopTimes"]["json"]
        yield TripPlan(
            id=local(entity["id"]),
            route=local(entity["hasRoute"]),
            service=local(entity["hasService"]),
            shape=local(entity["hasShape"]),
            headsign=entity.get("headSign", ""),
            stops=tuple(times["stops"]),
            arrivals=times["arrivals"],
            departures=times["departures"],
            distances=times["distances"],
        )


def _repeats(entities: EntityReader, trips: set[str]) -> Iterator[Repeat]:
    for entity in entities.of_type("GtfsFrequency"):
        trip = local(entity["hasTrip"])
        first, last = parse_time(entity["startTime"]), parse_time(entity["endTime"])
        if trip in trips and first is not None and last is not None:
            yield Repeat(trip, first, last, int(entity["headwaySeconds"]))
