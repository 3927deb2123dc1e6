"""Distances and boxes on the earth: metres between geometries that are given in degrees.

Lines are straight in longitude and latitude, as RFC 7946 has it. The nearest points are looked for in
an azimuthal equidistant projection around one of the two geometries, in which poles and the
antimeridian are no special places; what was found is measured as a geodesic on the WGS 84 ellipsoid.
Long edges are divided before they are projected, so that they keep their course.

Around the point opposite its centre the projection tears: an edge there may appear to run through the
middle. So edges count only near the nearest vertex, and points found on no edge are not believed.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from shapely.geometry.base import BaseGeometry

__all__ = ["Box", "box", "distance"]

Box = tuple[float, float, float, float]
"""West, south, east, north [degrees]."""

Floats = NDArray[np.float64]

_WGS84: Final = Geod(ellps="WGS84")
_METRES_PER_DEGREE: Final = 110_500.0
"""Less than the length of a degree of latitude anywhere, so that boxes err on the wide side."""

_LONGEST_DEGREE: Final = 111_700.0
"""More than the length of a degree of latitude anywhere [metres]."""

_STEP: Final = 0.01
"""Degrees; edges longer than this are divided before they are projected."""

_MAX_DIVISIONS: Final = 50_000
"""An edge that zigzags around the globe is divided more coarsely than that."""

_FAR: Final = 15_000_000.0
"""Metres; from here on vertices alone are looked at, which are close enough together."""

_SAMPLES: Final = 300


def box(geometry: BaseGeometry, metres: float = 0.0) -> Box:
    """A box around `geometry` and everything up to `metres` away: west, south, east, north [degrees].

    It may be wider than needed, never narrower: near a pole, or across the antimeridian, it spans
    all longitudes.
    """
    west, south, east, north = geometry.bounds
    if metres <= 0:
        return west, south, east, north
    margin = metres / _METRES_PER_DEGREE
    south, north = south - margin, north + margin
    if south <= -90 or north >= 90:
        return -180.0, max(south, -90.0), 180.0, min(north, 90.0)
    margin /= math.cos(math.radians(max(abs(south), abs(north))))
    if west - margin < -180 or east + margin > 180:
        return -180.0, south, 180.0, north
    return west - margin, south, east + margin, north


def distance(a: BaseGeometry, b: BaseGeometry) -> float:
    """The shortest distance between two geometries [metres], 0 where they touch.

    Right to 0.1 m and one part in a thousand from a point. Between two geometries with extent it is
    right to one part in a hundred while they are within 2,000 km; half the globe apart it may be 15
    percent too long (measured against dense sampling).
    """
    if a.geom_type == "Point" and b.geom_type == "Point":
        return float(_WGS84.inv(a.x, a.y, b.x, b.y)[2])
    if shapely.intersects(a, b):
        return 0.0
    if b.geom_type == "Point":
        a, b = b, a
    if a.geom_type == "Point":
        return _from_centre(a.x, a.y, b)
    return _between(a, b)


def _from_centre(longitude: float, latitude: float, geometry: BaseGeometry) -> float:
    """Metres from a point to `geometry`, seen in the projection around that point."""
    lines, step = _lines(geometry)
    places = _transform(_projection(longitude, latitude), shapely.get_coordinates(lines))
    away = np.hypot(places[:, 0], places[:, 1])
    nearest = float(away.min())
    if nearest > _FAR:
        return nearest
    edges = np.ones(len(places), dtype=bool)
    edges[np.cumsum(shapely.get_num_coordinates(lines)) - 1] = False
    edges[:-1] &= np.minimum(away[:-1], away[1:]) <= nearest + step * _LONGEST_DEGREE
    start = np.flatnonzero(edges)
    return min(nearest, _to_edges(places[start], places[start + 1]))


def _to_edges(start: Floats, end: Floats) -> float:
    """The shortest distance from the origin to any of the edges, infinite when there is none."""
    along = end - start
    length = np.maximum(np.einsum("ij,ij->i", along, along), np.finfo(float).tiny)
    share = np.clip(-np.einsum("ij,ij->i", start, along) / length, 0.0, 1.0)
    feet = start + share[:, np.newaxis] * along
    return float(np.hypot(feet[:, 0], feet[:, 1]).min(initial=math.inf))


def _between(a: BaseGeometry, b: BaseGeometry) -> float:
    """Metres between two geometries with extent: look from one, then again from the place found."""
    best, centre = math.inf, shapely.point_on_surface(a)
    longitude, latitude = centre.x, centre.y
    for _ in range(3):
        there = _projection(longitude, latitude)
        line = shapely.shortest_line(_project(there, a), _project(there, b))
        (x1, x2), (y1, y2) = shapely.get_coordinates(line).T
        (lon1, lon2), (lat1, lat2) = there.transform([x1, x2], [y1, y2], direction="INVERSE")
        if not (_is_on(a, lon1, lat1) and _is_on(b, lon2, lat2)):
            break
        best = min(best, float(_WGS84.inv(lon1, lat1, lon2, lat2)[2]))
        longitude, latitude = lon1, lat1
    return _sampled(a, b) if math.isinf(best) else best


def _is_on(geometry: BaseGeometry, longitude: float, latitude: float) -> bool:
    """Whether a place found in a projection lies on `geometry`, as it should."""
    turns = shapely.points([longitude - 360, longitude, longitude + 360], [latitude] * 3)
    return bool(shapely.distance(geometry, turns).min() <= _lines(geometry)[1])


def _sampled(a: BaseGeometry, b: BaseGeometry) -> float:
    """Metres between places spread over both outlines: for geometries half the globe apart."""
    here, there = _spread(a), _spread(b)
    first, second = np.repeat(here, len(there), axis=0), np.tile(there, (len(here), 1))
    return float(_WGS84.inv(first[:, 0], first[:, 1], second[:, 0], second[:, 1])[2].min())


def _spread(geometry: BaseGeometry) -> Floats:
    places = shapely.get_coordinates(
        shapely.segmentize(geometry, max(shapely.length(geometry) / _SAMPLES, _STEP))
    )
    return np.asarray(places[:: max(1, len(places) // _SAMPLES)])


def _lines(geometry: BaseGeometry) -> tuple[Any, float]:
    """The lines, rings and points of `geometry` with long edges divided, and their longest edge.

    The longest edge is in degrees; for a geometry smaller than that it is no more than its size.
    """
    lines = shapely.get_parts(geometry)
    if geometry.geom_type.endswith("Polygon"):
        lines = shapely.get_rings(lines)
    west, south, east, north = geometry.bounds
    if max(east - west, north - south) <= _STEP:
        return lines, _STEP
    step = max(_STEP, shapely.length(geometry) / _MAX_DIVISIONS)
    return shapely.segmentize(lines, step), step


@lru_cache(maxsize=256)
def _projection(longitude: float, latitude: float) -> Transformer:
    """Degrees to metres; distances from the centre are true."""
    return Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad "
        f"+step +proj=aeqd +lat_0={latitude!r} +lon_0={longitude!r} +ellps=WGS84"
    )


def _transform(there: Transformer, places: Floats) -> Floats:
    return np.column_stack(there.transform(places[:, 0], places[:, 1]))


def _project(there: Transformer, geometry: BaseGeometry) -> BaseGeometry:
    lines = shapely.transform(_lines(geometry)[0], lambda places: _transform(there, places))
    return shapely.GeometryCollection(list(lines))
