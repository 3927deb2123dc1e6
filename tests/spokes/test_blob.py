"""SpatiaLite's blobs: every class, compressed or not, and every way of being wrong."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.spokes.aequilibrae.blob import BlobError, decode
from tests.spokes.projects import SQUARE, header, line, lines, numbers, point, polygons

coordinates = st.floats(-180, 180).map(lambda value: round(value, 7))
places = st.tuples(coordinates, coordinates)


@given(st.lists(places, min_size=2, max_size=20))
def test_lines_come_back(points: list[tuple[float, float]]) -> None:
    geometry, srid = decode(line(*points))
    assert geometry == {"type": "LineString", "coordinates": [list(p) for p in points]}
    assert srid == 4326


@given(places)
def test_points_come_back(place: tuple[float, float]) -> None:
    assert decode(point(*place))[0] == {"type": "Point", "coordinates": list(place)}


def test_collections_come_back() -> None:
    shifted = [(x + 1, y) for x, y in SQUARE]
    assert decode(polygons(SQUARE, shifted))[0] == {
        "type": "MultiPolygon",
        "coordinates": [[[list(p) for p in SQUARE]], [[list(p) for p in shifted]]],
    }
    parts = ((0.0, 0.0), (1.0, 0.0)), ((2.0, 0.0), (3.0, 1.0))
    assert decode(lines(*parts))[0]["coordinates"] == [[list(p) for p in part] for part in parts]


def test_a_geometry_collection_comes_back() -> None:
    body = struct.pack("<2i", 7, 2) + b"\x69" + struct.pack("<i2d", 1, 3.0, 4.0)
    body += b"\x69" + struct.pack("<2i", 2, 2) + numbers([(0.0, 0.0), (1.0, 1.0)])
    geometry, _ = decode(header([(0.0, 0.0), (3.0, 4.0)]) + body + b"\xfe")
    assert [part["type"] for part in geometry["geometries"]] == ["Point", "LineString"]


def test_big_endian_is_read_too() -> None:
    blob = b"\x00\x00" + struct.pack(">i4d", 4326, 1.0, 2.0, 1.0, 2.0)
    blob += b"\x7c" + struct.pack(">i2d", 1, 1.0, 2.0) + b"\xfe"
    assert decode(blob) == ({"type": "Point", "coordinates": [1.0, 2.0]}, 4326)


@pytest.mark.parametrize(
    ("kind", "vertex", "kept"),
    [
        (1002, (1.0, 2.0, 3.0), [1.0, 2.0, 3.0]),
        (2002, (1.0, 2.0, 3.0), [1.0, 2.0]),
        (3002, (1.0, 2.0, 3.0, 4.0), [1.0, 2.0, 3.0]),
    ],
)
def test_z_is_kept_and_m_is_dropped(
    kind: int, vertex: tuple[float, ...], kept: list[float]
) -> None:
    body = struct.pack("<2i", kind, 2) + numbers([vertex, vertex])
    assert decode(header([vertex]) + body + b"\xfe")[0]["coordinates"] == [kept, kept]


def test_compressed_lines_add_up_their_differences() -> None:
    body = struct.pack("<2i2d", 1_000_002, 4, 10.0, 20.0)
    body += struct.pack("<4f", 0.5, 0.0, 0.25, -1.0) + struct.pack("<2d", 11.0, 19.0)
    geometry, _ = decode(header([(10.0, 20.0), (11.0, 19.0)]) + body + b"\xfe")
    assert geometry["coordinates"] == [[10.0, 20.0], [10.5, 20.0], [10.75, 19.0], [11.0, 19.0]]


def test_compressed_rings_with_m_keep_only_the_place() -> None:
    body = struct.pack("<3i3d", 1_002_003, 1, 3, 0.0, 0.0, 7.0)
    body += struct.pack("<2fd", 1.0, 1.0, 7.5) + struct.pack("<3d", 0.0, 0.0, 8.0)
    geometry, _ = decode(header([(0.0, 0.0), (1.0, 1.0)]) + body + b"\xfe")
    assert geometry["coordinates"] == [[[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]


@pytest.mark.parametrize(("shape", "count"), [(1, 2), (2, 3), (3, 3), (4, 4)])
def test_tiny_points_are_read(shape: int, count: int) -> None:
    values = (1.5, 2.5, 3.5, 4.5)[:count]
    blob = struct.pack("<2BiB", 0, 0x81, 4326, shape) + struct.pack(f"<{count}d", *values) + b"\xfe"
    expected = [1.5, 2.5, 3.5] if shape in (2, 4) else [1.5, 2.5]
    assert decode(blob) == ({"type": "Point", "coordinates": expected}, 4326)


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        (None, "not a SpatiaLite"),
        ("text", "not a SpatiaLite"),
        (b"", "not a SpatiaLite"),
        (b"\x00" * 60, "not a SpatiaLite"),
        (b"\x01" + point(1, 2)[1:], "not a SpatiaLite"),
        (point(1, 2)[:-9] + b"\xfe", "cut short"),
        (line((0, 0), (1, 1))[:-17] + b"\xfe", "cut short"),
        (point(1, 2)[:-1] + b"\x00\xfe", "left over"),
        (header([(0.0, 0.0)]) + struct.pack("<i", 99) + b"\xfe", "unknown geometry class 99"),
        (header([(0.0, 0.0)]) + struct.pack("<2i", 2, -5) + b"\xfe", "impossible count"),
        (header([(0.0, 0.0)]) + struct.pack("<2i", 7, 1) + b"\x00\x01\0\0\0\xfe", "69"),
        (header([(0.0, 0.0)]) + struct.pack("<2i", 7, 1) + b"\x69\x07\0\0\0\xfe", "inside a coll"),
        (point(float("nan"), 2), "not a finite number"),
    ],
)
def test_what_is_no_blob_is_refused(blob: Any, reason: str) -> None:
    with pytest.raises(BlobError, match=reason):
        decode(blob)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_geometry_or_a_refusal(noise: bytes) -> None:
    for blob in (noise, b"\x00\x01" + noise + b"\xfe", header([(0.0, 0.0)]) + noise + b"\xfe"):
        try:
            geometry, _ = decode(blob)
        except BlobError:
            continue
        assert "type" in geometry
