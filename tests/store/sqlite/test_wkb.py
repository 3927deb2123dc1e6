"""Packing geometries, compared with the geometry library."""

from __future__ import annotations

from typing import Any

import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import mapping

from hansa.store.sqlite.wkb import pack

coordinates = st.tuples(st.floats(-180, 180, allow_nan=False), st.floats(-90, 90, allow_nan=False))
points = coordinates.map(shapely.Point)
lines = st.lists(coordinates, min_size=2, max_size=4, unique=True).map(shapely.LineString)
boxes = st.tuples(points, st.floats(0.001, 5)).map(lambda p: p[0].buffer(p[1], quad_segs=1))


@given(
    st.one_of(
        points,
        lines,
        boxes,
        st.lists(points, min_size=1, max_size=3).map(shapely.MultiPoint),
        st.lists(lines, min_size=1, max_size=2).map(shapely.MultiLineString),
        boxes.map(lambda b: shapely.MultiPolygon([b])),
    )
)
def test_packing_is_that_of_the_geometry_library(geometry: Any) -> None:
    packed = pack(mapping(geometry))
    assert packed.wkb == shapely.to_wkb(geometry, byte_order=1)
    west, south, east, north = geometry.bounds
    assert packed[:4] == (west, east, south, north)


def test_packing_leaves_height_out() -> None:
    assert pack({"type": "Point", "coordinates": [1, 2, 3]}).wkb == shapely.to_wkb(
        shapely.Point(1, 2)
    )
    line = {"type": "LineString", "coordinates": [[1, 2, 3], [4, 5, 6]]}
    assert shapely.from_wkb(pack(line).wkb).wkt == "LINESTRING (1 2, 4 5)"
