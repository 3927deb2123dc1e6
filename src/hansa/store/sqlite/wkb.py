"""GeoJSON geometries to well-known binary, with their bounding box, in one walk.

Writing an entity must not wait for a geometry library: packing a point here costs a tenth of
building it there. Geometries come validated (see :mod:`hansa.ngsild.geojson`); only longitude and
latitude are kept.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

__all__ = ["Packed", "pack"]

_CODES: Final = {
    "Point": 1,
    "LineString": 2,
    "Polygon": 3,
    "MultiPoint": 4,
    "MultiLineString": 5,
    "MultiPolygon": 6,
}
_PART: Final = {"MultiPoint": "Point", "MultiLineString": "LineString", "MultiPolygon": "Polygon"}
_POINT: Final = struct.Struct("<BIdd").pack
_HEAD: Final = struct.Struct("<BII").pack
_COUNT: Final = struct.Struct("<I").pack
_LINE: Final = struct.pack("<BI", 1, 2)

Position = Sequence[float]


class Packed(NamedTuple):
    """A geometry as the R*Tree takes it [degrees]."""

    west: float
    east: float
    south: float
    north: float
    wkb: bytes


def pack(geometry: dict[str, Any]) -> Packed:
    """The well-known binary (little-endian, 2D) and the bounds of a GeoJSON geometry."""
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "Point":
        x, y = coordinates[:2]
        return Packed(x, x, y, y, _POINT(1, 1, x, y))
    flat = _flat(_positions(coordinates))
    xs, ys = flat[::2], flat[1::2]
    return Packed(min(xs), max(xs), min(ys), max(ys), _wkb(kind, coordinates))


def _positions(coordinates: Any) -> list[Position]:
    level: list[Any] = coordinates
    while not isinstance(level[0][0], int | float):
        level = list(chain.from_iterable(level))
    return level


def _flat(positions: list[Position]) -> list[float]:
    """The longitudes and latitudes of `positions`, in turn."""
    flat = list(chain.from_iterable(positions))
    if len(flat) == 2 * len(positions):
        return flat
    return [number for position in positions for number in position[:2]]


def _sequence(positions: list[Position]) -> bytes:
    flat = _flat(positions)
    return _COUNT(len(positions)) + struct.pack(f"<{len(flat)}d", *flat)


def _wkb(kind: str, coordinates: Any) -> bytes:
    code = _CODES[kind]
    if kind == "Point":
        return _POINT(1, 1, *coordinates[:2])
    if kind == "LineString":
        return _LINE + _sequence(coordinates)
    if kind == "Polygon":
        return _HEAD(1, code, len(coordinates)) + b"".join(map(_sequence, coordinates))
    parts = [_wkb(_PART[kind], part) for part in coordinates]
    return _HEAD(1, code, len(parts)) + b"".join(parts)
