"""The geoquery language (ETSI GS CIM 009, clause 4.10): where an entity is, related to a geometry.

A geoquery has four parameters: ``georel``, ``geometry``, ``coordinates`` and ``geoproperty``. They
are parsed once to a :class:`~hansa.ngsild.query.GeoFilter`. A store answers it in two steps: it looks
for candidates whose box meets :func:`search_box`, then asks :func:`relate` about each.

Topology is that of the plane of longitude and latitude, as RFC 7946 understands lines. Distances
are metres on the ellipsoid (see :mod:`.geodesy`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, cast, get_args

import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from hansa.kernel.errors import BadRequest
from hansa.ngsild.geodesy import Box, box, distance
from hansa.ngsild.geojson import from_geojson, to_geojson
from hansa.ngsild.query import GeoFilter, GeoRelation

__all__ = [
    "box",
    "distance",
    "expand_geo",
    "from_geojson",
    "parse_geo",
    "print_geo",
    "relate",
    "search_box",
    "to_geojson",
]

_RELATIONS: Final = get_args(GeoRelation)
_MODIFIER: Final = re.compile(
    r"(maxDistance|minDistance)==((?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)"
)


def parse_geo(
    georel: str | None,
    geometry: str | None,
    coordinates: Any,
    geoproperty: str | None = None,
) -> GeoFilter | None:
    """The filter of a geoquery's four parameters, or ``None`` when none of the first three is given.

    Args:
        georel: for example ``"near;maxDistance==2000"`` (metres).
        geometry: a GeoJSON geometry type.
        coordinates: as JSON text (from a URL) or as lists (from a body); degrees.
        geoproperty: name of the GeoProperty looked at; ``location`` when missing.

    Raises:
        BadRequest: something is missing or malformed.
    """
    given = {"georel": georel, "geometry": geometry, "coordinates": coordinates}
    if all(value is None for value in given.values()):
        return None
    for name, value in given.items():
        if value is None or value == "":
            raise BadRequest(
                "geoquery",
                f"the parameter {name} is missing",
                "a geoquery needs georel, geometry and coordinates",
            )
    relation, least, most = _parse_relation(georel)
    reference = from_geojson(
        {"type": geometry, "coordinates": _parse_coordinates(coordinates)}, "geoquery"
    )
    shapely.prepare(reference)
    return GeoFilter(relation, reference, geoproperty or "location", least, most)


def print_geo(geo: GeoFilter) -> dict[str, str]:
    """The four parameters of `geo`, as :func:`parse_geo` reads them."""
    modifiers = {"maxDistance": geo.max_distance, "minDistance": geo.min_distance}
    georel = ";".join(
        [geo.relation, *(f"{k}=={v!r}" for k, v in modifiers.items() if v is not None)]
    )
    shape = to_geojson(geo.geometry)
    return {
        "georel": georel,
        "geometry": shape["type"],
        "coordinates": orjson.dumps(shape["coordinates"]).decode(),
        "geoproperty": geo.attribute,
    }


def expand_geo(geo: GeoFilter, expand: Callable[[str], str]) -> GeoFilter:
    """`geo` with its attribute's name expanded to an IRI."""
    return replace(geo, attribute=expand(geo.attribute))


def _parse_relation(georel: Any) -> tuple[GeoRelation, float | None, float | None]:
    """The relation, the least and the largest distance that `georel` states."""
    name, *modifiers = georel.split(";") if isinstance(georel, str) else [""]
    if name not in _RELATIONS:
        raise BadRequest(
            "georel", f"{name!r:.40} is not a relation", f"use one of {', '.join(_RELATIONS)}"
        )
    distances = dict(_parse_modifier(modifier) for modifier in modifiers)
    if len(distances) != len(modifiers) or bool(distances) != (name == "near"):
        raise BadRequest(
            "georel",
            "near, and only near, is followed by maxDistance or minDistance, each once",
            "write for example near;maxDistance==2000",
        )
    least, most = distances.get("minDistance"), distances.get("maxDistance")
    if least is not None and most is not None and least > most:
        raise BadRequest("georel", "minDistance is larger than maxDistance", "swap them")
    return cast(GeoRelation, name), least, most


def _parse_modifier(text: str) -> tuple[str, float]:
    found = _MODIFIER.fullmatch(text)
    if found is None:
        raise BadRequest(
            "georel",
            f"{text!r:.60} is not a distance",
            "write maxDistance== or minDistance== and a positive number of metres",
        )
    metres = float(found[2])
    if not 0 < metres < math.inf:
        raise BadRequest("georel", f"{found[1]} must be a positive number of metres")
    return found[1], metres


def _parse_coordinates(coordinates: Any) -> Any:
    if not isinstance(coordinates, str):
        return coordinates
    try:
        return orjson.loads(coordinates)
    except orjson.JSONDecodeError as fault:
        raise BadRequest(
            "coordinates",
            f"not JSON: fault at character {fault.pos + 1}",
            "write for example [8.0,40.0]",
        ) from None


# -- predicates ------------------------------------------------------------------------------------

# The reference comes first, so that its prepared form does the work; a target that contains the
# reference is a reference within the target, and the other way round.
_PREDICATES: Final[dict[str, Callable[[BaseGeometry, BaseGeometry], Any]]] = {
    "within": shapely.contains,
    "contains": shapely.within,
    "intersects": shapely.intersects,
    "equals": shapely.equals,
    "disjoint": shapely.disjoint,
    "overlaps": shapely.overlaps,
}


def relate(geo: GeoFilter, geometry: BaseGeometry) -> bool:
    """Whether `geometry` (degrees) stands in the relation that `geo` asks for."""
    if geo.relation != "near":
        return bool(_PREDICATES[geo.relation](geo.geometry, geometry))
    away = distance(geo.geometry, geometry)
    if geo.max_distance is not None and away > geo.max_distance:
        return False
    return geo.min_distance is None or away > geo.min_distance


def search_box(geo: GeoFilter) -> Box | None:
    """The box that every match must meet, or ``None`` when a match may lie anywhere."""
    if geo.relation == "disjoint":
        return None
    if geo.relation != "near":
        return box(geo.geometry)
    return None if geo.max_distance is None else box(geo.geometry, geo.max_distance)
