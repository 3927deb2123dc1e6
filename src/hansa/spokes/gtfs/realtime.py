"""GTFS-Realtime: vehicle positions and service alerts out of a protocol buffer.

What comes from outside is checked here: bytes that are no feed are refused as a whole; a vehicle is
left out when it has no plausible position, or when its report is older than :data:`STALE` or lies in
the future. How many were left out, and why, goes with the answer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hansa.kernel.clock import iso
from hansa.kernel.errors import BadRequest, MissingExtra
from hansa.spokes.plain import prop, put, start
from hansa.spokes.port import Plain

__all__ = ["STALE", "Reported", "Reports", "parse", "read_alerts", "read_vehicles"]

STALE: Final = timedelta(minutes=5)
"""A vehicle's report older than this no longer says where it is."""

_EARLY: Final = timedelta(minutes=1)
_LATEST_STAMP: Final = 253_402_300_799  # the last second of the year 9999
_LEFT_OUT: Final = {
    "position": "without a plausible position",
    "stale": f"reported more than {STALE.seconds // 60} minutes ago",
    "early": "reported for a time that has not come yet",
}


@dataclass(frozen=True, slots=True)
class Reported:
    """What a vehicle says of itself. Heading in degrees, speed in metres per second."""

    id: str
    label: str
    trip: str
    route: str
    day: str
    longitude: float
    latitude: float
    heading: float | None
    speed: float | None
    next_stop: str
    occupancy: str
    at: datetime


@dataclass(slots=True)
class Reports:
    """The vehicles of one feed, and how many were left out for which reason."""

    vehicles: list[Reported] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def notes(self) -> list[str]:
        """The reasons as sentences."""
        return [
            f"{count} vehicles of the realtime feed were left out: {_LEFT_OUT[reason]}."
            for reason, count in sorted(self.left_out.items())
        ]


def parse(data: bytes, label: str) -> Any:
    """A ``FeedMessage``.

    Raises:
        BadRequest: the bytes are no GTFS-Realtime feed.
        MissingExtra: the protocol's package is not installed.
    """
    try:
        from google.protobuf.message import DecodeError
        from google.transit.gtfs_realtime_pb2 import FeedMessage
    except ImportError:
        raise MissingExtra(label, "gtfs-realtime-bindings", "realtime") from None
    message = FeedMessage()
    try:
        message.ParseFromString(data)
        sound = message.IsInitialized()
    except DecodeError:
        sound = False
    if not sound:
        raise BadRequest(
            label, f"is no GTFS-Realtime feed ({len(data)} bytes)", "check the address of the feed"
        )
    return message


def read_vehicles(message: Any, moment: datetime) -> Reports:
    """The vehicles that `message` places at about `moment`."""
    reports = Reports()
    for entity in message.entity:
        if not entity.HasField("vehicle") or entity.is_deleted:
            continue
        found = _reported(entity, message.header.timestamp, moment)
        if isinstance(found, str):
            reports.left_out[found] += 1
        else:
            reports.vehicles.append(found)
    return reports


def _reported(entity: Any, stamp: int, moment: datetime) -> Reported | str:
    """A vehicle, or the reason to leave it out."""
    vehicle = entity.vehicle
    place = vehicle.position
    if not _is_place(place.longitude, place.latitude):
        return "position"
    seconds = vehicle.timestamp or stamp
    at = datetime.fromtimestamp(min(seconds, _LATEST_STAMP), UTC) if seconds else moment
    if at < moment - STALE:
        return "stale"
    if at > moment + _EARLY:
        return "early"
    return Reported(
        id=vehicle.vehicle.id or entity.id,
        label=vehicle.vehicle.label,
        trip=vehicle.trip.trip_id,
        route=vehicle.trip.route_id,
        day=vehicle.trip.start_date,
        longitude=place.longitude,
        latitude=place.latitude,
        heading=_finite(place.bearing % 360) if place.HasField("bearing") else None,
        speed=_finite(place.speed) if place.HasField("speed") else None,
        next_stop=vehicle.stop_id,
        occupancy=_name(vehicle, "occupancy_status"),
        at=at,
    )


def _is_place(longitude: float, latitude: float) -> bool:
    """Whether a receiver may have measured this; it reports 0, 0 when it has not."""
    inside = -180 <= longitude <= 180 and -90 <= latitude <= 90
    return inside and (longitude, latitude) != (0.0, 0.0)


def _finite(value: float) -> float | None:
    return round(value, 1) if math.isfinite(value) else None


def _name(message: Any, member: str) -> str:
    """The name of an enumeration's value; empty if the feed does not give it."""
    if not message.HasField(member):
        return ""
    kind = message.DESCRIPTOR.fields_by_name[member].enum_type
    value = kind.values_by_number.get(getattr(message, member))
    return str(value.name) if value is not None else ""


def read_alerts(message: Any, namespace: str) -> Iterator[Plain]:
    """The service alerts of a feed as entities."""
    for entity in message.entity:
        if not entity.HasField("alert") or entity.is_deleted:
            continue
        alert = entity.alert
        made = start("Alert", namespace, entity.id)
        made["alertCategory"] = prop("traffic")
        put(made, "cause", _name(alert, "cause"))
        put(made, "effect", _name(alert, "effect"))
        _put_texts(made, "name", alert.header_text)
        _put_texts(made, "description", alert.description_text)
        _put_texts(made, "url", alert.url)
        _put_span(made, alert.active_period)
        for name, type, member in (
            ("informedRoute", "GtfsRoute", "route_id"),
            ("informedStop", "GtfsStop", "stop_id"),
        ):
            _put_informed(made, name, type, member, alert.informed_entity, namespace)
        yield made


def _put_texts(made: Plain, name: str, texts: Any) -> None:
    """A text in the languages that the feed has it in."""
    by_language = {t.language or "@none": t.text for t in texts.translation if t.text}
    if by_language:
        made[name] = {"type": "LanguageProperty", "languageMap": by_language}


def _put_span(made: Plain, periods: Any) -> None:
    """From the first beginning to the last end; an open end stays open."""
    starts = [period.start for period in periods if period.start]
    ends = [period.end for period in periods]
    if starts:
        made["validFrom"] = prop(iso(datetime.fromtimestamp(min(*starts, _LATEST_STAMP), UTC)))
    if ends and all(ends):
        latest = min(max(ends), _LATEST_STAMP)
        made["validTo"] = prop(iso(datetime.fromtimestamp(latest, UTC)))


def _put_informed(
    made: Plain, name: str, type: str, member: str, informed: Any, namespace: str
) -> None:
    found = dict.fromkeys(getattr(one, member) for one in informed if one.HasField(member))
    targets = [start(type, namespace, id)["id"] for id in found if id]
    if targets:
        made[name] = {"type": "Relationship", "object": targets}
