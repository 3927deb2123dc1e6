"""From NGSIv2 to NGSI-LD, entity by entity.

In this order: an identifier that is no URI becomes ``urn:ngsi-ld:TYPE:ID``; an attribute whose type is a
place becomes a GeoProperty (NGSIv2 writes latitude first); one of type ``Relationship``, or named ``ref``
and a type, a Relationship; a date and time keeps its type; everything else is a Property. Of the metadata,
``unitCode`` is the unit, ``timestamp`` or ``TimeInstant`` the time of observation, and the others become
properties of the property. ``TimeInstant`` of the entity is the time of the attributes that have none of
their own. A null is no value, and dates that the broker itself keeps are left with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from hansa.kernel.clock import iso
from hansa.kernel.ids import is_uri, urn
from hansa.spokes.members import needed
from hansa.spokes.plain import geo, number, prop, quoted, rel
from hansa.spokes.port import Plain
from hansa.spokes.quality import mark, moment_of

__all__ = ["entity_of", "identifier_of"]

_BROKERS_OWN: Final = frozenset({"dateCreated", "dateModified", "dateExpires"})
_TIMES: Final = ("timestamp", "TimeInstant")
_DATES: Final = frozenset({"DateTime", "ISO8601"})
_GEOMETRIES: Final = frozenset(
    {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"}
)


def identifier_of(type: str, id: str) -> str:
    """The URI of an entity, from its type and identifier at the broker."""
    return id if is_uri(id) else urn(quoted(type), quoted(id))


def entity_of(data: Any, now: datetime, silence: timedelta) -> Plain:
    """An entity in normalized NGSI-LD.

    Raises:
        ValueError: it is not understood.
    """
    if not isinstance(data, Mapping):
        raise ValueError("it is no object")
    type = needed(data, "type")
    entity: Plain = {"id": identifier_of(type, needed(data, "id")), "type": type}
    common = _instant(data.get("TimeInstant"))
    seen = [] if common is None else [common]
    for name, attribute in data.items():
        if name in {"id", "type", "TimeInstant"} or name in _BROKERS_OWN:
            continue
        if not isinstance(attribute, Mapping):
            raise ValueError(f"'{name}' is not a whole attribute")
        try:
            instance = _instance(name, attribute)
        except ValueError as fault:
            raise ValueError(f"'{name}': {fault}") from None
        if instance is None:
            continue
        observed = _add_metadata(instance, attribute.get("metadata"), common)
        if observed is not None:
            seen.append(observed)
        entity[name] = instance
    mark(entity, seen, now, silence)
    return entity


def _instance(name: str, attribute: Mapping[str, Any]) -> Plain | None:
    """The attribute without its metadata; ``None`` if it has no value."""
    kind, value = str(attribute.get("type") or ""), attribute.get("value")
    if value is None:
        return None
    if kind.startswith("geo:"):
        return geo(_geometry(kind, value))
    target = _target(name, kind)
    if target is not None and (links := _links(target, value)):
        return rel(links[0]) if len(links) == 1 else {"type": "Relationship", "object": links}
    if kind in _DATES:
        return prop({"@type": "DateTime", "@value": iso(moment_of(str(value)))})
    return prop(value)


def _target(name: str, kind: str) -> str | None:
    """The type that a relationship leads to ("" if unknown), or ``None`` if it is none."""
    named = name[3:] if name.startswith("ref") and name[3:4].isupper() else ""
    return named if named or kind == "Relationship" else None


def _links(type: str, value: Any) -> list[str]:
    """What a relationship leads to; empty if its value is no identifier."""
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(v, str) and v for v in values):
        return []
    return [identifier_of(type or "Thing", v) for v in values]


def _add_metadata(instance: Plain, metadata: Any, common: datetime | None) -> datetime | None:
    """Unit, time and further properties of an attribute; returns its time."""
    metadata = metadata if isinstance(metadata, Mapping) else {}
    values = {n: m.get("value") for n, m in metadata.items() if isinstance(m, Mapping)}
    own = next((t for n in _TIMES if (t := _instant(metadata.get(n))) is not None), None)
    observed = own or common
    if observed is not None:
        instance["observedAt"] = iso(observed)
    unit = values.pop("unitCode", None)
    if isinstance(unit, str) and unit and instance["type"] == "Property":
        instance["unitCode"] = unit
    for name, value in values.items():
        if value is not None and name not in _BROKERS_OWN and name not in _TIMES:
            instance.setdefault(name, prop(value))
    return own


def _instant(attribute: Any) -> datetime | None:
    value = attribute.get("value") if isinstance(attribute, Mapping) else None
    try:
        return None if value in {None, "", " "} else moment_of(str(value))
    except (ValueError, TypeError):
        return None


def _geometry(kind: str, value: Any) -> Plain:
    """A GeoJSON geometry from one of the forms of NGSIv2."""
    if kind == "geo:json":
        if isinstance(value, Mapping) and value.get("type") == "Feature":
            value = value.get("geometry")
        if not isinstance(value, Mapping) or value.get("type") not in _GEOMETRIES:
            raise ValueError("it is no geometry of GeoJSON")
        return {"type": value["type"], "coordinates": value.get("coordinates")}
    points = [_point(part) for part in (value if isinstance(value, list) else [value])]
    match kind:
        case "geo:point" if len(points) == 1:
            return {"type": "Point", "coordinates": points[0]}
        case "geo:line" if len(points) >= 2:
            return {"type": "LineString", "coordinates": points}
        case "geo:polygon" if len(points) >= 4:
            return {"type": "Polygon", "coordinates": [points]}
        case "geo:box" if len(points) == 2:
            (west, south), (east, north) = points
            ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
            return {"type": "Polygon", "coordinates": [ring]}
    raise ValueError(f"it is no place in the form {kind[:20]}")


def _point(text: Any) -> list[float]:
    """Longitude and latitude from ``latitude, longitude``."""
    parts = str(text).split(",")
    if len(parts) != 2:
        raise ValueError(f"{str(text)[:40]!r} is not 'latitude, longitude'")
    latitude, longitude = (number(part.strip()) for part in parts)
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        raise ValueError(f"{str(text)[:40]!r} is not 'latitude, longitude'")
    return [longitude, latitude]
