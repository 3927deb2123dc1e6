"""GeoJSON geometries: checked when they come in, written plainly when they go out.

A GeoProperty's value is a geometry as in RFC 7946, without GeometryCollection (ETSI GS CIM 009,
clause 4.7), given as an object or as that object's JSON text (clause 4.7.2). Checks run in this
order: the object's shape, the type, the nesting, every number, closed rings, the size. An error says
at which position of ``coordinates`` it stands.

Geometries are held as shapely objects in longitude and latitude (WGS 84, degrees). Altitudes are
checked, then left out: every relation of clause 4.10 looks at the plane. A polygon that crosses
itself is legal GeoJSON and common in real data; it is repaired when read, so that each later
operation is defined.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson
import shapely
import shapely.errors
from shapely.geometry.base import BaseGeometry

from hansa.kernel.errors import BadRequest
from hansa.ngsild.repair import mended

__all__ = ["GEOMETRY_TYPES", "MAX_POSITIONS", "check_geojson", "from_geojson", "to_geojson"]

MAX_POSITIONS: Final = 200_000
"""More positions than this in one geometry are refused (a detailed coastline has about 50,000)."""

_MAX_ALTITUDE: Final = 1e9  # metres; a bound that keeps NaN, infinities and huge integers out

_MICROMETRE: Final = 1e-11  # degrees

Pair = tuple[float, float]


def from_geojson(value: Any, subject: str = "geometry") -> BaseGeometry:
    """The shapely geometry of a GeoJSON object, or of its JSON text.

    Args:
        value: for example ``{"type": "Point", "coordinates": [-71.34, -29.95]}``; degrees.
        subject: what errors call it, for example ``"attribute location"``.

    Raises:
        BadRequest: it is not a geometry; the subject of the error names the place.
    """
    if isinstance(value, str):
        value = _decoded(value, subject)
    if not isinstance(value, dict):
        raise BadRequest(
            subject,
            f"a geometry must be a GeoJSON object, not {_kind(value)}",
            'write for example {"type": "Point", "coordinates": [8.0, 40.0]}',
        )
    build = _BUILDERS.get(value["type"]) if isinstance(value.get("type"), str) else None
    if build is None:
        raise BadRequest(
            f"{subject}, member type",
            f"{_shown(value.get('type'))} is not a geometry type",
            f"use one of {', '.join(GEOMETRY_TYPES)}",
        )
    if "coordinates" not in value:
        raise BadRequest(subject, "the member coordinates is missing", "add the coordinates")
    return mended(build(value["coordinates"], _Place(subject)), subject)


def check_geojson(value: Any, subject: str = "geometry") -> None:
    """See that :func:`from_geojson` can read `value`; a point is checked without being built.

    Raises:
        BadRequest: it is not a geometry; the subject of the error names the place.
    """
    if isinstance(value, dict) and value.get("type") == "Point" and "coordinates" in value:
        _position(value["coordinates"], (), _Place(subject))
    else:
        from_geojson(value, subject)


def to_geojson(geometry: BaseGeometry) -> dict[str, Any]:
    """`geometry` as a GeoJSON object of plain lists and numbers."""
    found = orjson.loads(shapely.to_geojson(geometry))
    return {"type": found["type"], "coordinates": found["coordinates"]}


class _Place:
    """Where the reader is; words are made only when something is wrong."""

    __slots__ = ("count", "subject")

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.count = 0

    def error(self, at: tuple[int, ...], fact: str, remedy: str = "") -> BadRequest:
        where = "".join(f"[{index}]" for index in at)
        return BadRequest(f"{self.subject}, coordinates{where}", fact, remedy)

    def add(self, positions: int, at: tuple[int, ...]) -> None:
        self.count += positions
        if self.count > MAX_POSITIONS:
            raise self.error(
                at, f"the geometry has more than {MAX_POSITIONS} positions", "simplify it"
            )


def _list(raw: Any, at: tuple[int, ...], place: _Place, of: str) -> list[Any]:
    if not isinstance(raw, list):
        raise place.error(at, f"expected a list of {of}, found {_kind(raw)}")
    if not raw:
        raise place.error(at, f"the list of {of} is empty")
    return raw


def _position(raw: Any, at: tuple[int, ...], place: _Place) -> Pair:
    if not isinstance(raw, list):
        raise place.error(at, f"expected a position [longitude, latitude], found {_kind(raw)}")
    if not 2 <= len(raw) <= 3:
        raise place.error(at, f"a position has 2 or 3 numbers, this one {len(raw)}")
    for index, number in enumerate(raw):
        if type(number) is not float and type(number) is not int:
            raise place.error((*at, index), f"expected a number, found {_kind(number)}")
    longitude, latitude = raw[0], raw[1]
    if not -180 <= longitude <= 180:
        raise place.error(
            (*at, 0),
            f"longitude {_shown(longitude)} is outside -180..180",
            "write longitude first, in degrees",
        )
    if not -90 <= latitude <= 90:
        raise place.error(
            (*at, 1),
            f"latitude {_shown(latitude)} is outside -90..90",
            "write longitude first, then latitude, in degrees",
        )
    if len(raw) == 3 and not -_MAX_ALTITUDE <= raw[2] <= _MAX_ALTITUDE:
        raise place.error(
            (*at, 2), f"altitude {_shown(raw[2])} is not a plausible height in metres"
        )
    return _visible(longitude), _visible(latitude)


def _visible(degrees: float) -> float:
    """`degrees`, or 0 for less than a micrometre: squares of such numbers upset the library."""
    return degrees if abs(degrees) > _MICROMETRE else 0.0


def _positions(raw: Any, at: tuple[int, ...], place: _Place, least: int = 1) -> list[Pair]:
    items = _list(raw, at, place, "positions")
    place.add(len(items), at)
    found = [_position(item, (*at, index), place) for index, item in enumerate(items)]
    if len(found) < least:
        raise place.error(at, f"expected at least {least} positions, found {len(found)}")
    return found


def _ring(raw: Any, at: tuple[int, ...], place: _Place) -> list[Pair]:
    ring = _positions(raw, at, place, 4)
    if ring[0] != ring[-1]:
        raise place.error(at, "the ring is not closed", "repeat its first position as the last one")
    return ring


def _rings(raw: Any, at: tuple[int, ...], place: _Place) -> BaseGeometry:
    rings = [
        _ring(item, (*at, index), place)
        for index, item in enumerate(_list(raw, at, place, "rings"))
    ]
    return shapely.Polygon(rings[0], rings[1:])


def _point(raw: Any, place: _Place) -> BaseGeometry:
    return shapely.Point(*_position(raw, (), place))


def _multi_point(raw: Any, place: _Place) -> BaseGeometry:
    return shapely.MultiPoint(_positions(raw, (), place))


def _line_string(raw: Any, place: _Place) -> BaseGeometry:
    return shapely.LineString(_positions(raw, (), place, 2))


def _multi_line_string(raw: Any, place: _Place) -> BaseGeometry:
    lines = _list(raw, (), place, "lines")
    return shapely.MultiLineString(
        [_positions(item, (index,), place, 2) for index, item in enumerate(lines)]
    )


def _polygon(raw: Any, place: _Place) -> BaseGeometry:
    return _rings(raw, (), place)


def _multi_polygon(raw: Any, place: _Place) -> BaseGeometry:
    polygons = _list(raw, (), place, "polygons")
    return shapely.MultiPolygon(
        [_rings(item, (index,), place) for index, item in enumerate(polygons)]
    )


_BUILDERS: Final[dict[str, Callable[[Any, _Place], BaseGeometry]]] = {
    "Point": _point,
    "MultiPoint": _multi_point,
    "LineString": _line_string,
    "MultiLineString": _multi_line_string,
    "Polygon": _polygon,
    "MultiPolygon": _multi_polygon,
}

GEOMETRY_TYPES: Final = tuple(_BUILDERS)
"""The geometry types that NGSI-LD allows (clause 4.7.1)."""


def _decoded(text: str, subject: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        raise BadRequest(
            subject,
            f"the geometry's text is not JSON (character {fault.pos + 1})",
            "write the geometry as a GeoJSON object",
        ) from None


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return "null" if value is None else names.get(type(value), "a number")


def _shown(value: Any) -> str:
    if type(value) is int:
        return str(value) if abs(value) < 10**15 else "of that size"
    if not isinstance(value, str | float):
        return _kind(value)
    return repr(value) if len(repr(value)) <= 40 else f"{value!r:.37}..."
