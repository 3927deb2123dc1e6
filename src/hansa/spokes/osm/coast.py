"""The sea, made from its outline.

OpenStreetMap has no polygons of the sea, only coastlines, drawn so that land lies on their left and water
on their right. Within the box of an extract they are closed along its edge: loose ends are led on to
the edge, everything is cut into faces, and each face is asked on which side of the coast it lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import shapely
from shapely.geometry import LineString, MultiLineString, Polygon, box, mapping
from shapely.geometry.base import BaseGeometry

from hansa.spokes.osm.read import Element
from hansa.spokes.plain import DECIMALS, geo, prop, start
from hansa.spokes.port import Plain

__all__ = ["Coast"]

_ASIDE: Final = 1e-6
"""How far beside the coast a face is asked for, in degrees: some ten centimetres."""

_METHOD: Final = "the coastline closed along the edge of the extract"


class Coast:
    """Coastlines as they are met."""

    def __init__(self) -> None:
        self._lines: list[LineString] = []

    def add(self, element: Element) -> None:
        """Take in a way that is tagged as coastline."""
        geometry = element.geometry or {"type": "MultiLineString", "coordinates": []}
        single = geometry["type"] == "LineString"
        parts = [geometry["coordinates"]] if single else geometry["coordinates"]
        self._lines += [LineString(part) for part in parts]

    def sea(self, edge: tuple[float, float, float, float], namespace: str) -> Iterator[Plain]:
        """The faces of water within the box `edge` (west, south, east, north)."""
        if not self._lines:
            return
        frame = box(*edge)
        lines = [_led_on(line, frame) for line in _merged(self._lines)]
        cuts = shapely.unary_union([frame.exterior, *lines]).intersection(frame)
        faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(cuts).tolist()))
        number = 0
        for face in sorted(faces, key=lambda face: face.area, reverse=True):
            if _is_water(face, lines):
                number += 1
                entity = start("OSMWater", namespace, f"sea-{number}")
                entity["waterType"] = prop("sea")
                entity["salt"] = prop(True)
                entity["location"] = geo(_geometry(face))
                entity["location"]["method"] = prop(_METHOD)
                yield entity


def _merged(lines: list[LineString]) -> list[LineString]:
    """Lines joined where one ends and the next begins; their direction is kept."""
    joined: Any = shapely.line_merge(MultiLineString(lines), directed=True)
    return list(shapely.get_parts(joined))


def _led_on(line: LineString, frame: Polygon) -> LineString:
    """The line with its loose ends led on, in their own direction, to beyond the frame."""
    if line.is_closed:
        return line
    west, south, east, north = frame.bounds
    reach = (east - west) + (north - south)
    points = list(line.coords)
    first = _beyond(points[1], points[0], reach)
    last = _beyond(points[-2], points[-1], reach)
    ends = [LineString([points[0], first]), LineString([points[-1], last])]
    if frame.contains(shapely.Point(points[0])) and not ends[0].crosses(line):
        points.insert(0, first)
    if frame.contains(shapely.Point(points[-1])) and not ends[1].crosses(line):
        points.append(last)
    return LineString(points)


def _beyond(before: Any, end: Any, reach: float) -> tuple[float, float]:
    """A point far out in the direction from `before` to `end`."""
    x, y = end[0] - before[0], end[1] - before[1]
    length = max((x * x + y * y) ** 0.5, 1e-12)
    return end[0] + x / length * reach, end[1] + y / length * reach


def _is_water(face: Polygon, lines: list[LineString]) -> bool:
    """Whether more of the coast that bounds the face has it on its right than on its left."""
    right = left = 0.0
    near = face.buffer(_ASIDE * 2)
    for line in lines:
        border: BaseGeometry = line.intersection(near)
        if border.is_empty:
            continue
        right += line.offset_curve(-_ASIDE).intersection(face).length
        left += line.offset_curve(_ASIDE).intersection(face).length
    return right > left


def _geometry(face: Polygon) -> Plain:
    return _listed(mapping(shapely.set_precision(face, 10**-DECIMALS)))


def _listed(geometry: Any) -> Plain:
    def plain(value: Any) -> Any:
        return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value

    return {"type": geometry["type"], "coordinates": plain(geometry["coordinates"])}
