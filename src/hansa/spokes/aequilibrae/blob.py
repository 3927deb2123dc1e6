"""SpatiaLite's geometry blobs, decoded without SpatiaLite.

A blob is: ``00``, byte order, SRID, bounding box (four doubles), ``7C``, class, body, ``FE`` (SpatiaLite
wiki, "BLOB-Geometry"; "TinyPoint"). The class is that of WKB with thousands for Z (1), M (2) and ZM
(3), plus a million where the inner vertices of lines and rings are stored as 32-bit differences. The
members of a collection each start with ``69`` and a class of their own.

The result is a GeoJSON geometry: Z is kept, M is dropped, coordinates are rounded to
:data:`~hansa.spokes.plain.DECIMALS`.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np

from hansa.spokes.plain import DECIMALS

__all__ = ["BlobError", "decode"]

_HEADER: Final = 43
_COMPRESSED: Final = 1_000_000
_MEMBER: Final = 0x69
_MULTI: Final = {4: ("MultiPoint", 1), 5: ("MultiLineString", 2), 6: ("MultiPolygon", 3)}
_TINY: Final = {1: (2, False), 2: (3, False), 3: (3, True), 4: (4, True)}
_LARGEST: Final = 50_000_000


class BlobError(ValueError):
    """The bytes are not a SpatiaLite geometry; the message says what is wrong."""


def decode(blob: object) -> tuple[dict[str, Any], int]:
    """The geometry (GeoJSON) and its SRID.

    Raises:
        BlobError: it is no such blob, it is cut short, or of an unknown class.
    """
    if not isinstance(blob, bytes) or len(blob) < 8 or blob[0] != 0 or blob[-1] != 0xFE:
        raise BlobError("not a SpatiaLite geometry")
    if blob[1] & 0x80:
        return _tiny_point(blob)
    if blob[1] > 1 or len(blob) < _HEADER + 1 or blob[38] != 0x7C:
        raise BlobError("not a SpatiaLite geometry")
    body = _Body(blob, "<" if blob[1] else ">", 39)
    srid = struct.unpack_from(body.order + "i", blob, 2)[0]
    geometry = body.geometry(body.integer())
    if body.at != len(blob) - 1:
        raise BlobError("bytes left over after the geometry")
    return geometry, srid


def _tiny_point(blob: bytes) -> tuple[dict[str, Any], int]:
    order = "<" if blob[1] & 1 else ">"
    shape = _TINY.get(blob[6])
    if shape is None or len(blob) != 8 + 8 * shape[0]:
        raise BlobError("not a SpatiaLite point")
    count, has_m = shape
    values = struct.unpack_from(f"{order}{count}d", blob, 7)
    kept = _finite(np.array(values[: count - 1 if has_m else count]))
    return {"type": "Point", "coordinates": kept.tolist()}, struct.unpack_from(
        order + "i", blob, 2
    )[0]


def _finite(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if not np.isfinite(values).all():
        raise BlobError("a coordinate is not a finite number")
    return values.round(DECIMALS)


class _Body:
    """A cursor over the body of a blob."""

    __slots__ = ("at", "blob", "order")

    def __init__(self, blob: bytes, order: str, at: int) -> None:
        self.blob = blob
        self.order = order
        self.at = at

    def integer(self) -> int:
        """The next 32-bit integer."""
        self._need(4)
        value: int = struct.unpack_from(self.order + "i", self.blob, self.at)[0]
        self.at += 4
        return value

    def geometry(self, kind: int) -> dict[str, Any]:
        """The geometry of class `kind` that starts here."""
        compressed, rest = divmod(kind, _COMPRESSED)
        dimension, base = divmod(rest, 1000)
        if compressed not in (0, 1) or dimension not in (0, 1, 2, 3) or not 1 <= base <= 7:
            raise BlobError(f"unknown geometry class {kind}")
        if base == 1:
            return {"type": "Point", "coordinates": self._vertices(1, dimension, 0)[0]}
        if base == 2:
            return {"type": "LineString", "coordinates": self._line(dimension, compressed)}
        if base == 3:
            rings = [self._line(dimension, compressed) for _ in range(self._count())]
            return {"type": "Polygon", "coordinates": rings}
        members = [self._member() for _ in range(self._count())]
        if base == 7:
            return {"type": "GeometryCollection", "geometries": members}
        return {"type": _MULTI[base][0], "coordinates": [m["coordinates"] for m in members]}

    def _member(self) -> dict[str, Any]:
        self._need(5)
        if self.blob[self.at] != _MEMBER:
            raise BlobError("a member of a collection does not start with 69")
        self.at += 1
        kind = self.integer()
        if kind % 1000 > 3:
            raise BlobError("a collection inside a collection")
        return self.geometry(kind)

    def _line(self, dimension: int, compressed: int) -> list[list[float]]:
        return self._vertices(self._count(), dimension, compressed)

    def _count(self) -> int:
        count = self.integer()
        if not 0 <= count <= _LARGEST:
            raise BlobError(f"an impossible count ({count})")
        return count

    def _vertices(self, count: int, dimension: int, compressed: int) -> list[list[float]]:
        width = (2, 3, 3, 4)[dimension]
        kept = 3 if dimension in (1, 3) else 2
        if compressed and count > 2:
            values = self._deltas(count, width, has_m=dimension >= 2)
        else:
            values = self._numbers(count * width, "f8").reshape(count, width)
        result: list[list[float]] = _finite(values[:, :kept]).tolist()
        return result

    def _deltas(self, count: int, width: int, *, has_m: bool) -> np.ndarray[Any, Any]:
        """First and last vertex in full, those between as differences to the one before."""
        small = width - has_m
        row = np.dtype(
            [("delta", f"{self.order}f4", (small,))] + [("m", f"{self.order}f8")] * has_m
        )
        first = self._numbers(width, "f8")
        self._need((count - 2) * row.itemsize)
        inner = np.frombuffer(self.blob, row, count - 2, self.at)
        self.at += inner.nbytes
        last = self._numbers(width, "f8")
        values = np.empty((count, small))
        values[0] = first[:small]
        values[1:-1] = first[:small] + np.cumsum(inner["delta"].astype("f8"), axis=0)
        values[-1] = last[:small]
        return values

    def _numbers(self, count: int, kind: str) -> np.ndarray[Any, Any]:
        self._need(count * 8)
        values = np.frombuffer(self.blob, f"{self.order}{kind}", count, self.at)
        self.at += values.nbytes
        return values

    def _need(self, size: int) -> None:
        if self.at + size > len(self.blob) - 1:
            raise BlobError("the geometry is cut short")
