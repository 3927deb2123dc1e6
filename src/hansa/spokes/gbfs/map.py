"""GBFS as entities: stations, vehicles and zones, in the words of the Smart Data Models.

A station is the information about it and its status together; one without a status has no numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hansa.kernel.clock import iso
from hansa.spokes.members import count, flag, local_text, needed, numeric, objects, position, text
from hansa.spokes.plain import geo, json_prop, point, prop, put, start
from hansa.spokes.port import Place, Plain, Refusal
from hansa.spokes.quality import mark, moment_of

__all__ = ["GbfsMap", "VehicleType", "vehicle_types"]

_KINDS: Final = {
    "bicycle": "bicycle",
    "cargo_bicycle": "cargoBicycle",
    "car": "car",
    "moped": "moped",
    "scooter": "scooter",
    "scooter_standing": "scooter",
    "scooter_seated": "scooter",
}


@dataclass(frozen=True, slots=True)
class VehicleType:
    """What a system says of a kind of vehicle: form, drive, name and longest range [m]."""

    form: str
    propulsion: str
    name: str | dict[str, str] | None
    range: float | None


def vehicle_types(data: Mapping[str, Any]) -> dict[str, VehicleType]:
    """The kinds of vehicles by identifier; those that are not understood are left out."""
    found = {}
    for item in _listed(data, "vehicle_types"):
        try:
            found[needed(item, "vehicle_type_id")] = VehicleType(
                text(item, "form_factor") or "other",
                text(item, "propulsion_type") or "",
                local_text(item, "name"),
                numeric(item, "max_range_meters"),
            )
        except (ValueError, AttributeError):
            continue
    return found


def _listed(data: Mapping[str, Any], name: str) -> list[Any]:
    try:
        return objects(data, name)
    except ValueError:
        return []


@dataclass(frozen=True, slots=True)
class GbfsMap:
    """Makes entities of one system's records.

    Attributes:
        provider: name of the system or its operator.
        types: the kinds of vehicles.
        silence: how long a station may say nothing before it is stale.
    """

    namespace: str
    provider: str
    types: Mapping[str, VehicleType]
    silence: timedelta
    language: str = ""

    def stations(
        self, information: Mapping[str, Any], status: Mapping[str, Any], now: datetime
    ) -> Iterator[Plain | Refusal]:
        """Stations, with their status where there is one."""
        states = {
            str(item.get("station_id")): item
            for item in _listed(status, "stations")
            if isinstance(item, dict)
        }
        for number, item in enumerate(objects(information, "stations"), 1):
            place = Place("station_information", element=f"station {number}")
            try:
                yield self._station(item, states, now)
            except (ValueError, AttributeError) as fault:
                yield Refusal(place, str(fault))

    def _station(self, item: Any, states: Mapping[str, Any], now: datetime) -> Plain:
        local = needed(item, "station_id")
        entity = start("BikeHireDockingStation", self.namespace, local)
        put_text(entity, "name", local_text(item, "name", self.language))
        put_text(entity, "shortName", local_text(item, "short_name", self.language))
        put(entity, "address", _address(item))
        entity["location"] = point(*position(item))
        put(entity, "totalSlotNumber", count(item, "capacity"))
        put(entity, "provider", self.provider)
        if isinstance(uris := item.get("rental_uris"), dict) and uris:
            entity["rentalUris"] = json_prop({str(k): str(v) for k, v in uris.items()})
        if flag(item, "is_virtual_station"):
            entity["isVirtual"] = prop(True)
        state = states.get(local)
        if state is not None:
            self._add_state(entity, state, now)
        return entity

    def _add_state(self, entity: Plain, state: Mapping[str, Any], now: datetime) -> None:
        """Numbers with the moment at which they were reported."""
        seen: list[datetime] = []
        if state.get("last_reported") is not None:
            seen.append(moment_of(state["last_reported"]))
        numbers: dict[str, Any] = {
            "availableBikeNumber": _either(state, "num_vehicles_available", "num_bikes_available"),
            "outOfServiceBikeNumber": _either(state, "num_vehicles_disabled", "num_bikes_disabled"),
            "freeSlotNumber": count(state, "num_docks_available"),
            "outOfServiceSlotNumber": count(state, "num_docks_disabled"),
            "availableByVehicleType": self._by_type(state),
            "isRenting": flag(state, "is_renting"),
            "isReturning": flag(state, "is_returning"),
            "status": _status(state),
        }
        for name, value in numbers.items():
            if value is None:
                continue
            entity[name] = json_prop(value) if isinstance(value, dict) else prop(value)
            if seen:
                entity[name]["observedAt"] = iso(seen[0])
        mark(entity, seen, now, self.silence)

    def _by_type(self, state: Mapping[str, Any]) -> dict[str, int] | None:
        """How many of each form of vehicle are available."""
        found: dict[str, int] = {}
        for item in _listed(state, "vehicle_types_available"):
            kind = self.types.get(str(item.get("vehicle_type_id")))
            form = kind.form if kind else str(item.get("vehicle_type_id"))
            found[form] = found.get(form, 0) + (count(item, "count") or 0)
        return found or None

    def vehicles(self, data: Mapping[str, Any], now: datetime, notes: list[str]) -> Iterator[Plain]:
        """Vehicles that stand free; those at a station without a place of their own are left out."""
        name = "vehicles" if "vehicles" in data else "bikes"
        refused = 0
        seen: set[str] = set()
        for item in objects(data, name):
            try:
                entity = self._vehicle(item, now)
            except (ValueError, AttributeError):
                refused += 1
                continue
            if entity is not None and entity["id"] not in seen:
                seen.add(entity["id"])
                yield entity
        if refused:
            notes.append(f"{refused} vehicles were not understood.")

    def _vehicle(self, item: Any, now: datetime) -> Plain | None:
        if text(item, "station_id") and item.get("lat") is None:
            return None
        entity = start("Vehicle", self.namespace, _vehicle_id(item))
        kind = self.types.get(text(item, "vehicle_type_id") or "")
        form = kind.form if kind else "bicycle"
        entity["vehicleType"] = prop(_KINDS.get(form, "other"))
        if kind is not None:
            put(entity, "propulsionType", kind.propulsion)
            put_text(entity, "vehicleModel", kind.name)
        entity["location"] = point(*position(item))
        seen = [moment_of(item["last_reported"])] if item.get("last_reported") is not None else []
        if seen:
            entity["location"]["observedAt"] = iso(seen[0])
        disabled = bool(flag(item, "is_disabled"))
        entity["serviceStatus"] = prop("outOfService" if disabled else "parked")
        put(entity, "isReserved", flag(item, "is_reserved"))
        put(entity, "rangeLeft", numeric(item, "current_range_meters"), "MTR")
        share = numeric(item, "current_fuel_percent")
        put(entity, "chargeLevel", None if share is None else round(share * 100, 1), "P1")
        entity["positionSource"] = prop("reported")
        mark(entity, seen, now, self.silence)
        return entity

    def zones(self, data: Mapping[str, Any]) -> Iterator[Plain | Refusal]:
        """Zones with rules; a zone without a name of its own is called by its number."""
        collection = data.get("geofencing_zones")
        for number, feature in enumerate(objects(collection, "features"), 1):
            try:
                yield self._zone(number, feature)
            except (ValueError, AttributeError) as fault:
                place = Place("geofencing_zones", element=f"zone {number}")
                yield Refusal(place, str(fault))

    def _zone(self, number: int, feature: Any) -> Plain:
        properties = feature.get("properties") or {}
        entity = start("RentalZone", self.namespace, number)
        put_text(entity, "name", local_text(properties, "name", self.language))
        if not isinstance(feature.get("geometry"), dict):
            raise ValueError("it has no geometry")
        entity["location"] = geo(feature["geometry"])
        for member, name in (("start", "validFrom"), ("end", "validTo")):
            if properties.get(member) is not None:
                entity[name] = prop(iso(moment_of(properties[member])))
        if isinstance(properties.get("rules"), list):
            entity["rules"] = json_prop({"rules": properties["rules"]})
        return entity


def put_text(entity: Plain, name: str, value: str | dict[str, str] | None) -> None:
    """A text as a Property, one in several languages as a LanguageProperty."""
    if isinstance(value, dict):
        entity[name] = {"type": "LanguageProperty", "languageMap": value}
    else:
        put(entity, name, value)


def _vehicle_id(item: Mapping[str, Any]) -> str:
    return text(item, "vehicle_id") or needed(item, "bike_id")


def _address(item: Mapping[str, Any]) -> dict[str, str] | None:
    street = text(item, "address") or text(item, "cross_street")
    found = {"streetAddress": street, "postalCode": text(item, "post_code")}
    return {name: value for name, value in found.items() if value} or None


def _either(data: Mapping[str, Any], new: str, old: str) -> int | None:
    found = count(data, new)
    return count(data, old) if found is None else found


def _status(state: Mapping[str, Any]) -> str | None:
    """The state in the words of the data model."""
    installed, renting = flag(state, "is_installed"), flag(state, "is_renting")
    returning = flag(state, "is_returning")
    if installed is None and renting is None:
        return None
    if installed is False or (renting is False and returning is False):
        return "outOfService"
    return "withIncidence" if renting is False or returning is False else "working"
