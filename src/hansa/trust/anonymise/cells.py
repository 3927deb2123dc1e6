"""Places, generalised to cells of H3: hexagons that tile the Earth, in 16 sizes. Pure.

A geometry of any kind becomes one cell: that of its middle, shown by the cell's centre (a Point) or outline (a
Polygon). A line is not kept as a line of cells: a path is what gives a person away. Heights go.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Literal

from hansa.kernel.errors import MissingExtra

__all__ = ["FINEST", "Shown", "cell_of", "generalised", "needed"]

FINEST: Final = 10
"""The finest resolution that generalises: cells of 15,000 square metres, about a building block."""

Shown = Literal["centre", "cell"]
_MOST_POSITIONS: Final = 100_000


@lru_cache(maxsize=1)
def needed() -> Any:
    """The package h3.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import h3
    except ImportError as fault:
        raise MissingExtra("generalising places", "h3", "privacy") from fault
    return h3


def generalised(geometry: object, resolution: int, shown: Shown) -> dict[str, Any] | None:
    """The cell of a GeoJSON geometry, as GeoJSON; ``None`` if it is no geometry."""
    cell = cell_of(geometry, resolution)
    return None if cell is None else dict(_drawn(cell, shown))


def cell_of(geometry: object, resolution: int) -> str | None:
    """The name of the cell that the middle of a GeoJSON geometry lies in; ``None`` if it is no geometry."""
    middle = _middle(geometry)
    return None if middle is None else str(needed().latlng_to_cell(*middle, resolution))


@lru_cache(maxsize=65_536)
def _drawn(cell: str, shown: Shown) -> Mapping[str, Any]:
    h3 = needed()
    if shown == "cell":
        ring = [[round(lng, 7), round(lat, 7)] for lat, lng in h3.cell_to_boundary(cell)]
        across = [lng for lng, _ in ring]
        if max(across) - min(across) < 180:  # beyond, a ring would go round the wrong way
            return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    lat, lng = h3.cell_to_latlng(cell)
    return {"type": "Point", "coordinates": [round(lng, 7), round(lat, 7)]}


def _middle(geometry: object) -> tuple[float, float] | None:
    """Latitude and longitude of the mean of all corners, on the sphere."""
    if not isinstance(geometry, Mapping):
        return None
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "Point":
        return _position(coordinates)
    x = y = z = 0.0
    count = 0
    for corner in _corners(coordinates):
        if (place := _position(corner)) is None or count >= _MOST_POSITIONS:
            return None
        lat, lng = map(math.radians, place)
        x += math.cos(lat) * math.cos(lng)
        y += math.cos(lat) * math.sin(lng)
        z += math.sin(lat)
        count += 1
    if not count or math.hypot(x, y, z) < 1e-9 * count:
        return None
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


def _corners(coordinates: object, depth: int = 0) -> Iterator[object]:
    """All positions of nested lists; the last of a closed ring, which is its first, is left out."""
    if not isinstance(coordinates, list) or not coordinates or depth > 4:
        return
    if not isinstance(coordinates[0], list):
        yield coordinates
        return
    closed = len(coordinates) > 1 and coordinates[0] == coordinates[-1]
    for part in coordinates[:-1] if closed else coordinates:
        yield from _corners(part, depth + 1)


def _position(value: object) -> tuple[float, float] | None:
    if not isinstance(value, list) or not 2 <= len(value) <= 3:
        return None
    lng, lat = value[0], value[1]
    for number, most in ((lng, 180), (lat, 90)):
        if (
            isinstance(number, bool)
            or not isinstance(number, int | float)
            or not abs(number) <= most
        ):
            return None
    return float(lat), float(lng)
