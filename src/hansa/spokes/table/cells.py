"""One cell at a time: text or typed values into what an attribute holds.

``None`` means that the cell is blank. A cell that does not hold what the mapping says raises
``ValueError`` with the reason.
"""

from __future__ import annotations

import string
from collections.abc import Mapping as Mapping_
from datetime import date, datetime, time
from typing import Any, Final

import orjson
import shapely
from pyproj import Transformer
from pyproj.exceptions import CRSError
from shapely.geometry import mapping as to_geojson
from shapely.geometry.base import BaseGeometry

from hansa.kernel.clock import iso
from hansa.kernel.errors import BadRequest
from hansa.spokes.plain import DECIMALS, number
from hansa.spokes.port import Plain
from hansa.spokes.quality import moment_of
from hansa.spokes.table.mapping import Attribute, Location, Mapping

__all__ = ["Places", "filled", "instant", "value_of"]

_TRUE: Final = frozenset({"true", "t", "yes", "y", "1", "on"})
_FALSE: Final = frozenset({"false", "f", "no", "n", "0", "off"})


def value_of(attribute: Attribute, cell: Any, mapping: Mapping) -> Any:
    """The value of an attribute from its cell."""
    if is_blank(cell, mapping):
        return None
    match attribute.kind:
        case "number":
            return _number(cell, mapping.decimal)
        case "boolean":
            return _boolean(cell)
        case "date":
            return _moment(cell, attribute.format, "%Y-%m-%d").date().isoformat()
        case "datetime":
            return instant(cell, attribute.format, mapping)
        case "json":
            return _json(cell)
        case "list":
            items = cell if isinstance(cell, list) else str(cell).split(attribute.separator)
            return [item.strip() if isinstance(item, str) else item for item in items]
    if isinstance(cell, datetime):  # a table has no other way to write a day than its first instant
        is_day = cell.tzinfo is None and cell.time() == time.min
        return cell.date().isoformat() if is_day else instant(cell, "", mapping)
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def is_blank(cell: Any, mapping: Mapping) -> bool:
    """Whether a cell holds nothing: no value, or one of the words for that."""
    if isinstance(cell, str):
        return cell in mapping.missing
    return cell is None or cell != cell  # noqa: PLR0124 - NaN stands for "no value" in tables of numbers


def filled(template: str, values: Mapping_[str, Any], mapping: Mapping) -> str | None:
    """The template with the row's values in it; ``None`` when one of them is blank."""
    parts = []
    for literal, name, _, _ in string.Formatter().parse(template):
        parts.append(literal)
        if name:
            cell = values.get(name)
            if is_blank(cell, mapping):
                return None
            parts.append(str(cell))
    return "".join(parts)


def _number(cell: Any, decimal: str) -> float | int | None:
    if isinstance(cell, str) and decimal != ".":
        cell = cell.replace(".", "").replace(decimal, ".")
    if isinstance(cell, bool):
        raise ValueError(f"{cell!r} is not a number")
    return number(cell)


def _boolean(cell: Any) -> bool:
    if isinstance(cell, bool):
        return cell
    word = str(cell).lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"{cell!r} is neither yes nor no")


def _moment(cell: Any, format: str, usual: str) -> datetime:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    if format == "unix":
        return moment_of(number(cell))
    text = str(cell)
    try:
        return datetime.strptime(text, format) if format else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not written as {format or usual}") from None


def instant(cell: Any, format: str, mapping: Mapping) -> str:
    """A moment as UTC text; one without a time zone is taken to be in the mapping's."""
    moment = _moment(cell, format, "2026-11-23T08:30:00")
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=mapping.zone))


def _json(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError as fault:
        raise ValueError(f"it is not JSON ({fault.msg}, column {fault.colno})") from None


class Places:
    """Turns a row's place into a GeoJSON geometry in longitude and latitude.

    Raises:
        BadRequest: the mapping's reference system is unknown.
    """

    def __init__(self, location: Location, mapping: Mapping) -> None:
        self._location = location
        self._mapping = mapping
        self._transform: Transformer | None = None
        if location.crs.upper() not in {"EPSG:4326", "OGC:CRS84"}:
            try:
                self._transform = Transformer.from_crs(location.crs, "EPSG:4326", always_xy=True)
            except CRSError:
                raise BadRequest(
                    f"{mapping.label}, location.crs",
                    f"the reference system '{location.crs}' is unknown",
                    "for example: EPSG:32719",
                ) from None

    @property
    def columns(self) -> str:
        """The columns that places come from, for messages."""
        at = self._location
        return at.wkt or at.geometry or f"{at.longitude}, {at.latitude}"

    def of(self, values: Mapping_[str, Any]) -> Plain | None:
        """The geometry of a row, or ``None`` if it has none."""
        geometry = self._geometry(values)
        if geometry is None or geometry.is_empty:
            return None
        if self._transform is not None:
            geometry = shapely.transform(geometry, self._project)
        bounds = geometry.bounds
        if not (-180 <= bounds[0] <= bounds[2] <= 180 and -90 <= bounds[1] <= bounds[3] <= 90):
            raise ValueError(f"{bounds[:2]} is not a longitude and latitude; check 'location.crs'")
        return rounded(to_geojson(geometry))

    def _project(self, points: Any) -> Any:
        assert self._transform is not None  # noqa: S101 - only called where there is one
        x, y = self._transform.transform(points[:, 0], points[:, 1])
        points = points.copy()
        points[:, 0], points[:, 1] = x, y
        return points

    def _geometry(self, values: Mapping_[str, Any]) -> BaseGeometry | None:
        at, mapping = self._location, self._mapping
        if at.longitude:
            pair = [values.get(at.longitude), values.get(at.latitude)]
            if any(is_blank(cell, mapping) for cell in pair):
                return None
            x, y = (_number(cell, mapping.decimal) for cell in pair)
            return shapely.Point(x, y)
        cell = values.get(at.wkt or at.geometry)
        if is_blank(cell, mapping):
            return None
        return _parsed(cell)


def _parsed(cell: Any) -> BaseGeometry:
    """A geometry from GeoJSON, well-known text or well-known binary."""
    try:
        if isinstance(cell, bytes):
            return shapely.from_wkb(cell)
        if isinstance(cell, dict):
            return shapely.from_geojson(orjson.dumps(cell).decode())
        return shapely.from_wkt(str(cell))
    except (shapely.errors.GEOSException, TypeError) as fault:
        raise ValueError(f"it is not a geometry ({fault})") from None


def rounded(geometry: Any) -> Plain:
    """Plain lists with rounded numbers, which is what JSON knows."""

    def plain(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return round(value, DECIMALS)

    if "geometries" in geometry:
        return {
            "type": geometry["type"],
            "geometries": [rounded(part) for part in geometry["geometries"]],
        }
    return {"type": geometry["type"], "coordinates": plain(geometry["coordinates"])}
