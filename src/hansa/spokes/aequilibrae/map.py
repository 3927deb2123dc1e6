"""From the rows of an AequilibraE project to entities.

A link's ``ab`` direction is its geometry's: *forward* here; ``ba`` is *backward*. Values of a direction
that the link does not allow are left out, and totals are given only where every allowed direction is
known. A row that cannot be understood raises ``ValueError`` with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyproj import Geod
from shapely.geometry import shape

from hansa.spokes.aequilibrae.blob import decode
from hansa.spokes.plain import geo, identifier, number, prop, put, rel, rel_list, start
from hansa.spokes.port import Plain

__all__ = ["Naming", "Service", "node", "road", "route", "stop", "zone"]

CONNECTOR: Final = "centroid_connector"
SRID: Final = 4326

_GEOD: Final = Geod(ellps="WGS84")
_DIRECTIONS: Final = {1: "forward", -1: "backward", 0: "both"}
_SPEED_UNITS: Final = {"km/h": "KMH", "mph": "HM", "m/s": "MTS"}
_TIME_UNITS: Final = {"min": "MIN", "s": "SEC", "h": "HUR"}
_FORWARD, _BACKWARD = "Forward", "Backward"


@dataclass(frozen=True, slots=True)
class Naming:
    """What all rows of one project share.

    Attributes:
        namespace: the part of identifiers that keeps this project's apart.
        modes: names of the modes by their letters.
        speed_unit, time_unit: as the user stated them.
        stop_type: the type of the entities that routes refer to as stops.
        centroids: identifiers of the nodes that stand for zones.
    """

    namespace: str
    modes: dict[str, str]
    speed_unit: str
    time_unit: str
    stop_type: str
    centroids: frozenset[int]


def geometry(blob: object) -> Plain:
    """A GeoJSON geometry in longitude and latitude from a blob."""
    value, srid = decode(blob)
    if srid != SRID:
        raise ValueError(f"its geometry is in the reference system {srid}, not {SRID}")
    return value


def road(row: Sequence[Any], naming: Naming) -> Plain:
    """A link as RoadSegment; the virtual ones that join zones to the network are marked as such."""
    link_id, a_node, b_node, direction, modes, link_type, blob, name, *rest = row
    length, osm_id, *directional = rest
    if direction not in _DIRECTIONS:
        raise ValueError(f"direction {direction!r} is none of -1, 0, 1")
    entity = start("RoadSegment", naming.namespace, link_id)
    put(entity, "name", name)
    put(entity, "roadClass", link_type)
    if link_type == CONNECTOR:
        entity["isVirtual"] = prop(True)
    entity["travelDirection"] = prop(_DIRECTIONS[direction])
    entity["modes"] = prop(_mode_names(modes, naming))
    metres = number(length)
    put(entity, "length", None if metres is None else round(metres, 2), "MTR")
    if any(value is not None for value in directional):
        _directional(entity, direction, directional, naming)
    for attribute, node_id in (("startNode", a_node), ("endNode", b_node)):
        if node_id is not None:
            entity[attribute] = rel(identifier("RoadNode", naming.namespace, node_id))
    put(entity, "osmId", osm_id)
    entity["location"] = geo(geometry(blob))
    return entity


def _mode_names(letters: object, naming: Naming) -> list[str]:
    if not isinstance(letters, str) or not letters:
        raise ValueError("it has no modes")
    return [naming.modes.get(letter, letter) for letter in letters]


def _directional(entity: Plain, direction: int, values: Sequence[Any], naming: Naming) -> None:
    """Lanes, speeds, capacities and travel times of the directions that the link allows."""
    allowed = [d for d, d_only in ((_FORWARD, -1), (_BACKWARD, 1)) if direction != d_only]
    lanes, speeds, capacities, times = (
        {d: number(v) for d, v in zip((_FORWARD, _BACKWARD), pair, strict=True) if d in allowed}
        for pair in zip(values[::2], values[1::2], strict=True)
    )
    speed_unit = _SPEED_UNITS[naming.speed_unit]
    for name, by_direction, unit in (
        ("lanes", lanes, None),
        ("speed", speeds, speed_unit),
        ("capacity", capacities, None),
        ("travelTime", times, _TIME_UNITS[naming.time_unit]),
    ):
        for suffix, value in by_direction.items():
            put(entity, name + suffix, value, unit)
            if value is not None and name == "capacity":
                entity[name + suffix]["unitText"] = prop("vehicles per hour")
            if name == "speed" and value == 0:
                del entity[name + suffix]  # how projects say that nobody knows
    known = [value for value in lanes.values() if value is not None]
    if len(known) == len(allowed):
        entity["totalLaneNumber"] = prop(sum(known))
    limits = [value for value in speeds.values() if value]
    if limits:
        entity["maximumAllowedSpeed"] = prop(max(limits), speed_unit)


def node(row: Sequence[Any], naming: Naming) -> Plain:
    """A node of the network; a centroid stands for the zone of the same number."""
    node_id, is_centroid, blob, modes, osm_id = row
    entity = start("RoadNode", naming.namespace, node_id)
    entity["isCentroid"] = prop(bool(is_centroid))
    if modes:
        entity["modes"] = prop(_mode_names(modes, naming))
    put(entity, "osmId", osm_id)
    entity["location"] = geo(geometry(blob))
    return entity


def zone(row: Sequence[Any], naming: Naming) -> Plain:
    """A zone with its people; its area is computed, as projects differ in the unit they state."""
    zone_id, blob, name, population, employment = row
    entity = start("TransportZone", naming.namespace, zone_id)
    put(entity, "name", name or f"Zone {zone_id}")
    for attribute, value in (("population", population), ("employment", employment)):
        people = number(value)
        if people is not None and people < 0:
            raise ValueError(f"{attribute} is negative ({people})")
        put(entity, attribute, None if people is None else round(people, 3), "IE")
    value = geometry(blob)
    entity["area"] = prop(_area(value), "KMK")
    entity["area"]["method"] = prop("computed from the geometry on the WGS 84 ellipsoid")
    if zone_id in naming.centroids:
        entity["centroid"] = rel(identifier("RoadNode", naming.namespace, zone_id))
    entity["location"] = geo(value)
    return entity


def _area(value: Plain) -> float:
    """Square kilometres on the ellipsoid."""
    square_metres, _ = _GEOD.geometry_area_perimeter(shape(value))
    return round(abs(square_metres) / 1e6, 6)


def stop(row: Sequence[Any], naming: Naming) -> Plain:
    """A stop of public transport."""
    _, code, blob, name, description, street = row
    entity = start("PublicTransportStop", naming.namespace, code)
    put(entity, "name", name)
    put(entity, "stopCode", code)
    put(entity, "description", description)
    put(entity, "address", {"streetAddress": street} if street else None)
    entity["location"] = geo(geometry(blob))
    return entity


@dataclass(frozen=True, slots=True)
class Service:
    """How a pattern is served: codes of its stops in order, trips on the project's service day."""

    stops: Sequence[str]
    trips: int
    day: str | None


def route(row: Sequence[Any], service: Service, naming: Naming) -> Plain:
    """A pattern: one way of running a route, with its stops in order."""
    pattern_id, code, route_type, blob, short, long, description, seats, capacity, _ = row
    entity = start("PublicTransportRoute", naming.namespace, pattern_id)
    put(entity, "name", " ".join(part for part in (short, long) if part) or str(code))
    put(entity, "routeCode", str(code))
    put(entity, "shortRouteCode", short)
    put(entity, "description", description)
    put(entity, "transportationType", route_type)
    put(entity, "seatCapacity", number(seats), "IE")
    put(entity, "vehicleCapacity", number(capacity), "IE")
    entity["tripCount"] = prop(service.trips)
    put(entity, "serviceDate", service.day)
    if service.stops:
        entity["refPublicTransportStops"] = rel_list(
            identifier(naming.stop_type, naming.namespace, code) for code in service.stops
        )
    if blob is not None:
        entity["location"] = geo(geometry(blob))
    return entity
