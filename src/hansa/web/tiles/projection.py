"""Longitude and latitude to a tile's own grid, and true areas; on whole arrays.

A tile's grid has :data:`EXTENT` units a side, its origin at the north-west corner and y to the south
(Mapbox Vector Tile specification 2.1, section 4.3; tile numbers as in the OGC WebMercatorQuad).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["EXTENT", "area_km2", "tile_box", "tile_of", "to_grid"]

EXTENT: Final = 4096
"""Units along one side of a tile."""

MAX_LATITUDE: Final = 85.051128779806
"""Where the Mercator square ends [degrees]."""

_ECCENTRICITY: Final = 0.0818191908426215
_SEMI_MAJOR_KM: Final = 6378.137

Array = npt.NDArray[np.float64]


def tile_box(z: int, x: int, y: int, margin: float = 0.0) -> tuple[float, float, float, float]:
    """West, south, east, north of a tile [degrees], widened by `margin` (a share of its side)."""
    side = 2.0**z

    def latitude(row: float) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / side))))

    west = (x - margin) / side * 360 - 180
    east = (x + 1 + margin) / side * 360 - 180
    return west, latitude(y + 1 + margin), east, latitude(y - margin)


def tile_of(z: int, longitude: float, latitude: float) -> tuple[int, int]:
    """Column and row of the tile that holds a point [degrees]."""
    at = _square(np.array([[longitude, latitude]])) * 2.0**z
    last = 2**z - 1
    return min(int(at[0, 0]), last), min(int(at[0, 1]), last)


def to_grid(z: int, x: int, y: int, coordinates: Array) -> Array:
    """`coordinates` (n by 2, longitude and latitude in degrees) on the grid of a tile, unrounded."""
    return (_square(coordinates) * 2.0**z - (x, y)) * EXTENT


def _square(coordinates: Array) -> Array:
    """Web Mercator with the world as the unit square, y to the south."""
    out = np.empty_like(coordinates)
    out[:, 0] = coordinates[:, 0] / 360 + 0.5
    sine = np.sin(np.radians(np.clip(coordinates[:, 1], -MAX_LATITUDE, MAX_LATITUDE)))
    out[:, 1] = 0.5 - np.arctanh(sine) / (2 * np.pi)
    return out


def area_km2(geometries: npt.NDArray[np.object_]) -> Array:
    """Areas of longitude/latitude polygons on the WGS 84 ellipsoid [km²].

    The polygons are laid on Lambert's cylindrical equal-area projection with authalic latitudes
    (Snyder 1987, eq. 3-11, 3-12, 10-1); only the straightness of long edges is approximate.
    """
    flat = shapely.transform(geometries, _equal_area)
    return np.asarray(shapely.area(flat), dtype=np.float64)


def _equal_area(coordinates: Array) -> Array:
    sine = np.sin(np.radians(coordinates[:, 1]))
    return np.column_stack(
        (
            _SEMI_MAJOR_KM * np.radians(coordinates[:, 0]),
            _SEMI_MAJOR_KM * _authalic(sine) / 2,
        )
    )


def _authalic(sine: Array) -> Array:
    """Snyder's q (eq. 3-12) of the sine of a latitude."""
    e = _ECCENTRICITY
    return (1 - e * e) * (
        sine / (1 - (e * sine) ** 2) - np.log((1 - e * sine) / (1 + e * sine)) / (2 * e)
    )
