"""From OpenStreetMap elements to entities.

An element may be several things (a building that is a museum): each becomes an entity of its own, told
apart by type. Identifiers end in the element's kind and number, as in ``way-17361610``, which is also
its place in every message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pyproj import Geod
from shapely.geometry import shape

from hansa.spokes.osm.classes import FURNITURE, PLACES, cover_class, point_of_interest, water_type
from hansa.spokes.osm.read import Element
from hansa.spokes.osm.values import metres, speed, whole_number
from hansa.spokes.plain import geo, point, prop, put, start
from hansa.spokes.port import Plain

__all__ = ["Choices", "map_element"]

_GEOD: Final = Geod(ellps="WGS84")
_CUT: Final = "cut at the edge of the extract"
_ONE_WAY: Final = {"yes": "forward", "true": "forward", "1": "forward", "-1": "backward"}
_NOT_A_ROAD: Final = frozenset(
    {"proposed", "construction", "platform", "rest_area", "services", "elevator", "razed"}
)
_ADDRESS: Final = {
    "addr:city": "addressLocality",
    "addr:postcode": "postalCode",
    "addr:country": "addressCountry",
    "addr:state": "addressRegion",
}


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose.

    Attributes:
        namespace: the part of identifiers that keeps this source's apart.
        storey_height: metres of a storey, for buildings that state no height.
        furniture: whether street furniture is of interest.
    """

    namespace: str
    storey_height: float
    furniture: bool


def map_element(element: Element, choices: Choices) -> Iterator[Plain]:
    """Everything that a complete element is.

    Raises:
        ValueError: its outline is incomplete in this extract.
    """
    if element.geometry is None:
        raise ValueError("its outline is incomplete in this extract")
    tags = element.tags
    if element.kind != "node" and (water := water_type(tags, element.is_area)):
        yield _water(element, water, choices)
    if element.is_area:
        if tags.get("building", "no") != "no":
            yield _building(element, choices)
        if cover := cover_class(tags):
            yield _land_cover(element, cover, choices)
    elif element.kind == "way" and "highway" in tags and tags["highway"] not in _NOT_A_ROAD:
        yield _road(element, choices)
    if element.kind == "node" and tags.get("place") in PLACES and "name" in tags:
        yield _place(element, choices)
    if element.kind == "node" or element.is_area:
        found = point_of_interest(tags)
        if found and (choices.furniture or found[1] not in FURNITURE):
            yield _interest(element, *found, choices)


def _begin(type: str, element: Element, choices: Choices) -> Plain:
    entity = start(type, choices.namespace, element.name)
    put(entity, "name", element.tags.get("name"))
    return entity


def _finish(entity: Plain, element: Element, geometry: Plain | None = None) -> Plain:
    entity["osmId"] = prop(element.id)
    entity["osmType"] = prop(element.kind)
    entity["location"] = geo(geometry or element.geometry or {})
    if element.is_cut:
        entity["location"]["method"] = prop(_CUT)
    return entity


def _road(element: Element, choices: Choices) -> Plain:
    tags = element.tags
    entity = _begin("RoadSegment", element, choices)
    entity["roadClass"] = prop(tags["highway"])
    direction = _ONE_WAY.get(tags.get("oneway", ""))
    if direction is None and (
        tags["highway"] == "motorway" or tags.get("junction") in {"roundabout", "circular"}
    ):
        direction = None if tags.get("oneway") == "no" else "forward"
    entity["travelDirection"] = prop(direction or "both")
    put(entity, "totalLaneNumber", whole_number(tags.get("lanes"), 1, 30))
    put(entity, "lanesForward", whole_number(tags.get("lanes:forward"), 0, 30))
    put(entity, "lanesBackward", whole_number(tags.get("lanes:backward"), 0, 30))
    if limit := speed(tags.get("maxspeed")):
        put(entity, "maximumAllowedSpeed", *limit)
    put(entity, "width", metres(tags.get("width")), "MTR")
    put(entity, "surface", tags.get("surface"))
    put(entity, "access", tags.get("access"))
    for name, key in (("isBridge", "bridge"), ("isTunnel", "tunnel")):
        if tags.get(key, "no") != "no":
            entity[name] = prop(True)
    put(entity, "length", _length(element.geometry or {}), "MTR")
    return _finish(entity, element)


def _length(geometry: Plain) -> float:
    """Metres on the ellipsoid of a line or several."""
    coordinates = geometry["coordinates"]
    parts = coordinates if geometry["type"] == "MultiLineString" else [coordinates]
    return round(sum(_GEOD.line_length(*np.array(part).T) for part in parts), 2)


def _building(element: Element, choices: Choices) -> Plain:
    tags = element.tags
    entity = _begin("Building", element, choices)
    if tags["building"] != "yes":
        entity["buildingCategory"] = prop([tags["building"]])
    put(entity, "address", _address(tags))
    storeys = whole_number(tags.get("building:levels"), 0, 200)
    put(entity, "floorsAboveGround", storeys)
    put(entity, "floorsBelowGround", whole_number(tags.get("building:levels:underground"), 0, 50))
    height = metres(tags.get("height"))
    if height is not None:
        entity["height"] = prop(height, "MTR")
        entity["heightEstimated"] = prop(False)
    elif storeys:
        entity["height"] = prop(round(storeys * choices.storey_height, 2), "MTR")
        entity["height"]["method"] = prop(f"storeys times {choices.storey_height:g} m")
        entity["heightEstimated"] = prop(True)
    put(entity, "minHeight", metres(tags.get("min_height")), "MTR")
    return _finish(entity, element)


def _land_cover(element: Element, cover: str, choices: Choices) -> Plain:
    entity = _begin("LandCover", element, choices)
    entity["coverClass"] = prop(cover)
    return _finish(entity, element)


def _water(element: Element, water: str, choices: Choices) -> Plain:
    entity = _begin("OSMWater", element, choices)
    entity["waterType"] = prop(water)
    for name, key in (("intermittent", "intermittent"), ("salt", "salt")):
        if key in element.tags:
            entity[name] = prop(element.tags[key] == "yes")
    return _finish(entity, element)


def _place(element: Element, choices: Choices) -> Plain:
    entity = _begin("OSMPlace", element, choices)
    entity["placeType"] = prop(element.tags["place"])
    put(entity, "population", whole_number(element.tags.get("population"), 0, 10**9), "IE")
    return _finish(entity, element)


def _interest(element: Element, group: str, category: str, choices: Choices) -> Plain:
    tags = element.tags
    entity = _begin("PointOfInterest", element, choices)
    entity["category"] = prop(category)
    entity["categoryGroup"] = prop(group)
    put(entity, "address", _address(tags))
    put(entity, "openingHours", tags.get("opening_hours"))
    put(entity, "website", tags.get("website") or tags.get("contact:website"))
    put(entity, "telephone", tags.get("phone") or tags.get("contact:phone"))
    put(entity, "wheelChairAccessible", tags.get("wheelchair"))
    put(entity, "cuisine", tags.get("cuisine"))
    if not element.is_area:
        return _finish(entity, element)
    inside = shape(element.geometry).representative_point()
    return _finish(entity, element, point(inside.x, inside.y)["value"])


def _address(tags: Mapping[str, str]) -> dict[str, Any] | None:
    found = {name: tags[key] for key, name in _ADDRESS.items() if key in tags}
    if "addr:street" in tags:
        parts = (tags["addr:street"], tags.get("addr:housenumber"))
        found["streetAddress"] = " ".join(part for part in parts if part)
    return found or None
