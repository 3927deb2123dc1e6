"""Vehicles as entities: what the timetable says, and what vehicles themselves report.

``positionSource`` tells them apart: ``scheduled`` was computed, ``reported`` came from a vehicle. A
scheduled one that shows another day's timetable names that day in ``replayOf``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hansa.kernel.clock import iso
from hansa.kernel.ids import urn
from hansa.spokes.gtfs.realtime import Reported
from hansa.spokes.gtfs.timetable import TripPlan, VehiclePosition
from hansa.spokes.plain import identifier, point, prop, put, quoted, rel
from hansa.spokes.port import Plain

__all__ = ["Line", "reported_vehicle", "scheduled_vehicle"]

_VEHICLE_TYPES: Final = {
    "0": "tram",
    "1": "metro",
    "2": "train",
    "3": "bus",
    "4": "ferry",
    "5": "tram",
    "6": "cableCar",
    "7": "funicular",
    "11": "trolley",
    "12": "monorail",
}
_KMH_PER_MS: Final = 3.6


@dataclass(frozen=True, slots=True)
class Line:
    """What a vehicle's entity tells of its route: the short name and GTFS's number of its kind."""

    name: str
    kind: str


def scheduled_vehicle(
    position: VehiclePosition, namespace: str, lines: Mapping[str, Line], moment: datetime
) -> Plain:
    """A vehicle where the timetable has it."""
    trip = position.trip
    entity: Plain = {"id": urn("Vehicle", namespace, position.run), "type": "Vehicle"}
    _add_trip(entity, trip, namespace, lines)
    next_stop = trip.stops[position.next_stop]
    entity["nextStop"] = rel(identifier("GtfsStop", namespace, next_stop))
    entity["location"] = point(position.longitude, position.latitude)
    entity["location"]["observedAt"] = iso(moment)
    entity["heading"] = prop(round(position.heading, 1), "DD")
    entity["speed"] = prop(round(position.speed * _KMH_PER_MS, 1), "KMH")
    entity["progress"] = prop(round(position.progress, 4))
    entity["positionSource"] = prop("scheduled")
    if position.replay_of is not None:
        entity["replayOf"] = prop(position.replay_of.isoformat())
    return entity


def reported_vehicle(
    reported: Reported, trip: TripPlan | None, namespace: str, lines: Mapping[str, Line]
) -> Plain:
    """A vehicle where it says it is; `trip` is its trip if the timetable knows it."""
    entity: Plain = {"id": identifier("Vehicle", namespace, reported.id), "type": "Vehicle"}
    if trip is not None:
        _add_trip(entity, trip, namespace, lines)
    elif reported.route and quoted(reported.route) in lines:
        _add_line(entity, quoted(reported.route), namespace, lines)
    put(entity, "fleetVehicleId", reported.label)
    if reported.next_stop:
        entity["nextStop"] = rel(identifier("GtfsStop", namespace, reported.next_stop))
    entity["location"] = point(reported.longitude, reported.latitude)
    entity["location"]["observedAt"] = iso(reported.at)
    put(entity, "heading", reported.heading, "DD")
    if reported.speed is not None:
        entity["speed"] = prop(round(reported.speed * _KMH_PER_MS, 1), "KMH")
    put(entity, "occupancy", reported.occupancy)
    entity["positionSource"] = prop("reported")
    return entity


def _add_trip(entity: Plain, trip: TripPlan, namespace: str, lines: Mapping[str, Line]) -> None:
    entity["hasTrip"] = rel(urn("GtfsTrip", namespace, trip.id))
    _add_line(entity, trip.route, namespace, lines)
    put(entity, "headSign", trip.headsign)
    if trip.headsign and "name" in entity:
        entity["name"] = prop(f"{entity['name']['value']} → {trip.headsign}")


def _add_line(entity: Plain, route: str, namespace: str, lines: Mapping[str, Line]) -> None:
    entity["hasRoute"] = rel(urn("GtfsRoute", namespace, route))
    if (line := lines.get(route)) is not None:
        put(entity, "name", line.name)
        entity["vehicleType"] = prop(_VEHICLE_TYPES.get(line.kind, "other"))
