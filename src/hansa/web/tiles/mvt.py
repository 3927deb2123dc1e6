"""Mapbox Vector Tile 2.1 encoding of one layer, vectorised.

All geometries of a layer become one stream of command integers, and that one stream of bytes, by
array operations; only the last step, cutting the stream into features and adding their tags, walks
from feature to feature. A tile is the concatenation of its layers, so layers can be kept apart.

Geometries come in as :class:`Paths`: already on the tile's grid, without repeated points, rings
unclosed and wound as the specification asks (section 4.3.3.3).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from hansa.web.tiles.projection import EXTENT

__all__ = ["LINE", "POINT", "POLYGON", "Paths", "Value", "encode_layer", "varint", "varints"]

POINT: Final = 1
LINE: Final = 2
POLYGON: Final = 3

Value = str | float | int | bool | None
Ints = npt.NDArray[np.int64]

_MOVE_TO: Final = 1
_LINE_TO: Final = 2
_CLOSE_PATH: Final = 15


@dataclass(frozen=True, slots=True)
class Paths:
    """The geometries of some features as one run of grid points.

    Attributes:
        kind: POINT, LINE or POLYGON, the same for all.
        points: n by 2, grid units, in drawing order.
        lengths: number of points of each path (a line, a ring, or all points of a MultiPoint).
        features: for each path, the number of the feature that it belongs to; ascending, no gaps.
    """

    kind: int
    points: Ints
    lengths: Ints
    features: Ints


def encode_layer(
    name: str, paths: Paths, columns: dict[str, Sequence[Value]], extent: int = EXTENT
) -> bytes:
    """One layer as bytes, ready to stand in a tile; empty when there is no feature.

    Args:
        name: the layer's name.
        paths: geometries.
        columns: for each property its values, one a feature; ``None`` leaves the property out.
    """
    if not len(paths.lengths):
        return b""
    keys = list(columns)
    values: dict[tuple[type, Value], int] = {}
    rows = zip(*columns.values(), strict=True) if columns else None
    body = bytearray(_field(1, name.encode()))
    kind = b"\x18" + varint(paths.kind)
    for geometry in _geometries(paths):
        feature = kind + b"\x22" + varint(len(geometry)) + geometry
        if rows is not None:
            tags = _tags(next(rows), values)
            feature = b"\x12" + varint(len(tags)) + tags + feature
        body += b"\x12" + varint(len(feature)) + feature
    for key in keys:
        body += _field(3, key.encode())
    for _, value in values:
        body += _field(4, _value(value))
    body += b"\x28" + varint(extent) + b"\x78\x02"
    return b"\x1a" + varint(len(body)) + bytes(body)


def _tags(row: tuple[Value, ...], values: dict[tuple[type, Value], int]) -> bytes:
    """Pairs of key and value numbers of one feature; grows the table of values."""
    out = b""
    for key, value in enumerate(row):
        if value is not None:
            number = values.setdefault((type(value), value), len(values))
            out += varint(key) + varint(number)
    return out


def _value(value: Value) -> bytes:
    """A property value as the specification's Value message (section 4.1)."""
    if isinstance(value, bool):
        return b"\x38\x01" if value else b"\x38\x00"
    if isinstance(value, int):
        return b"\x30" + varint((value << 1) ^ (value >> 63))
    if isinstance(value, float):
        return b"\x19" + struct.pack("<d", value)
    return _field(1, str(value).encode("utf-8", "replace"))


def _geometries(paths: Paths) -> list[bytes]:
    """The command stream of each feature, as varints."""
    stream, starts = _commands(paths)
    data, ends = varints(stream)
    first_paths = np.flatnonzero(np.diff(paths.features, prepend=-1))
    bounds = np.concatenate((ends[starts[first_paths]], ends[-1:])).tolist()
    return [data[a:b] for a, b in pairwise(bounds)]


def _commands(paths: Paths) -> tuple[Ints, Ints]:
    """All command and parameter integers, and where each path's begin."""
    lengths, points = paths.lengths, paths.points
    path_first = np.cumsum(lengths) - lengths
    path_of_point = np.repeat(np.arange(len(lengths)), lengths)
    deltas = np.diff(points, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    opening = path_first[np.flatnonzero(np.diff(paths.features, prepend=-1))]
    deltas[opening] = points[opening]
    zigzag = (deltas << 1) ^ (deltas >> 63)
    sizes = 2 * lengths + {POINT: 1, LINE: 2, POLYGON: 3}[paths.kind]
    starts = np.cumsum(sizes) - sizes
    stream = np.empty(int(sizes.sum()), dtype=np.int64)
    position = np.arange(len(points)) - path_first[path_of_point]
    slots = starts[path_of_point] + 1 + 2 * position
    if paths.kind == POINT:
        stream[starts] = (lengths << 3) | _MOVE_TO
    else:
        slots += position > 0
        stream[starts] = (1 << 3) | _MOVE_TO
        stream[starts + 3] = ((lengths - 1) << 3) | _LINE_TO
    if paths.kind == POLYGON:
        stream[starts + sizes - 1] = _CLOSE_PATH
    stream[slots] = zigzag[:, 0]
    stream[slots + 1] = zigzag[:, 1]
    return stream, starts


def varints(values: Ints) -> tuple[bytes, Ints]:
    """Protocol Buffers varints of `values` (0 to 2^35 - 1).

    Returns the bytes, and n + 1 offsets: where each value begins, and at last the total length.
    """
    sizes = np.ones(len(values), dtype=np.int64)
    for bits in (7, 14, 21, 28):
        sizes += values >= (1 << bits)
    offsets = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(sizes, out=offsets[1:])
    out = np.empty(int(offsets[-1]), dtype=np.uint8)
    for byte in range(int(sizes.max(initial=0))):
        here = sizes > byte
        chosen = values[here]
        more = sizes[here] > byte + 1
        out[offsets[:-1][here] + byte] = ((chosen >> (7 * byte)) & 0x7F) | (more << 7)
    return out.tobytes(), offsets


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    return bytes(((number << 3) | 2,)) + varint(len(payload)) + payload


def _slow_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_SMALL: Final = [_slow_varint(value) for value in range(1 << 14)]


def varint(value: int) -> bytes:
    """One non-negative integer as a varint."""
    return _SMALL[value] if value < len(_SMALL) else _slow_varint(value)
