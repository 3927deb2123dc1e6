"""Which tags make which entities: the tables of the OpenStreetMap spoke, as data.

Keys and values are those of the OpenStreetMap wiki's "Map features".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["AREA_KEYS", "KEYS", "PLACES", "cover_class", "point_of_interest", "water_type"]

_POI_KEYS: Final = (
    "amenity",
    "shop",
    "tourism",
    "leisure",
    "healthcare",
    "office",
    "craft",
    "historic",
)
"""In this order: a place that is several things is what the first key says."""

KEYS: Final = (*_POI_KEYS, "highway", "building", "landuse", "natural", "waterway", "place")

AREA_KEYS: Final = frozenset({"building", "landuse", "natural", "leisure", "waterway", "amenity"})

PLACES: Final = frozenset(
    {
        "city",
        "town",
        "village",
        "hamlet",
        "borough",
        "suburb",
        "quarter",
        "neighbourhood",
        "island",
        "islet",
        "square",
        "locality",
    }
)

FURNITURE: Final = frozenset(
    {
        "bench",
        "waste_basket",
        "waste_disposal",
        "vending_machine",
        "parking_space",
        "parking_entrance",
        "bicycle_parking",
        "motorcycle_parking",
        "grit_bin",
        "hunting_stand",
        "lounger",
        "letter_box",
        "post_box",
        "recycling",
        "clock",
        "telephone",
        "outdoor_seating",
    }
)
"""Things in the street rather than places to go to."""

_COVER_LEISURE: Final = frozenset(
    {"park", "garden", "pitch", "playground", "golf_course", "nature_reserve", "dog_park", "common"}
)
"""Leisure areas that are land cover; a pitch is no point of interest."""

_COVER: Final = {
    ("landuse", "forest"): "wood",
    ("landuse", "meadow"): "grass",
    ("landuse", "grass"): "grass",
    ("landuse", "village_green"): "grass",
    ("landuse", "recreation_ground"): "park",
    ("landuse", "flowerbed"): "garden",
    ("landuse", "allotments"): "garden",
    ("landuse", "orchard"): "farmland",
    ("landuse", "vineyard"): "farmland",
    ("landuse", "farmland"): "farmland",
    ("landuse", "farmyard"): "farmland",
    ("landuse", "cemetery"): "cemetery",
    ("landuse", "residential"): "residential",
    ("landuse", "commercial"): "commercial",
    ("landuse", "retail"): "retail",
    ("landuse", "industrial"): "industrial",
    ("landuse", "quarry"): "industrial",
    ("landuse", "railway"): "industrial",
    ("landuse", "construction"): "industrial",
    ("landuse", "military"): "industrial",
    ("landuse", "port"): "industrial",
    ("amenity", "grave_yard"): "cemetery",
    ("natural", "wood"): "wood",
    ("natural", "scrub"): "scrub",
    ("natural", "heath"): "heath",
    ("natural", "grassland"): "grass",
    ("natural", "wetland"): "wetland",
    ("natural", "beach"): "sand",
    ("natural", "sand"): "sand",
    ("natural", "shingle"): "sand",
    ("natural", "bare_rock"): "rock",
    ("natural", "scree"): "rock",
    ("leisure", "park"): "park",
    ("leisure", "garden"): "garden",
    ("leisure", "pitch"): "pitch",
    ("leisure", "playground"): "park",
    ("leisure", "golf_course"): "park",
    ("leisure", "nature_reserve"): "park",
    ("leisure", "dog_park"): "park",
    ("leisure", "common"): "grass",
}

_WATER_LANDUSE: Final = frozenset({"reservoir", "basin", "pond"})
_WATER_LINES: Final = frozenset({"river", "stream", "canal", "ditch", "drain", "tidal_channel"})
_WATER_AREAS: Final = frozenset({"riverbank", "dock", "canal"})


def cover_class(tags: Mapping[str, str]) -> str | None:
    """The class of land that an area with these tags covers."""
    for key in ("landuse", "natural", "leisure", "amenity"):
        if found := _COVER.get((key, tags.get(key, ""))):
            return found
    return None


def water_type(tags: Mapping[str, str], is_area: bool) -> str | None:
    """The kind of water that an element with these tags is."""
    waterway = tags.get("waterway", "")
    if not is_area:
        return waterway if waterway in _WATER_LINES else None
    if tags.get("natural") == "water":
        return tags.get("water", "water")
    if tags.get("landuse") in _WATER_LANDUSE:
        return tags["landuse"]
    return waterway if waterway in _WATER_AREAS else None


def point_of_interest(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """Group and category of a place with these tags, for example ``("amenity", "cafe")``."""
    for key in _POI_KEYS:
        value = tags.get(key, "no")
        if value != "no" and not (key == "leisure" and value in _COVER_LEISURE):
            return key, value.split(";")[0].strip()
    return None
