"""The tile encoder against an independent decoder."""

from __future__ import annotations

from itertools import pairwise

import mapbox_vector_tile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.web.tiles.mvt import LINE, POINT, POLYGON, Paths, encode_layer, varint, varints

grid = st.integers(-5_000, 9_000)
point = st.tuples(grid, grid)
value = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.text(max_size=20)
    | st.floats(allow_nan=False, width=64)
)


def paths(kind: int, features: list[list[list[tuple[int, int]]]]) -> Paths:
    """Features, each a list of paths, as the encoder takes them."""
    flat = [(number, path) for number, feature in enumerate(features) for path in feature]
    return Paths(
        kind,
        np.array([p for _, path in flat for p in path], dtype=np.int64).reshape(-1, 2),
        np.array([len(path) for _, path in flat], dtype=np.int64),
        np.array([number for number, _ in flat], dtype=np.int64),
    )


def decoded(layer: bytes) -> list[dict]:  # type: ignore[type-arg]
    return mapbox_vector_tile.decode(layer, default_options={"y_coord_down": True})["x"]["features"]


@given(
    st.lists(st.lists(st.lists(point, min_size=2, max_size=6), min_size=1, max_size=3), min_size=1)
)
def test_lines_come_back(features: list[list[list[tuple[int, int]]]]) -> None:
    found = decoded(encode_layer("x", paths(LINE, features), {}))
    for feature, given_paths in zip(found, features, strict=True):
        lines = feature["geometry"]["coordinates"]
        many = feature["geometry"]["type"] == "MultiLineString"
        assert (lines if many else [lines]) == [[list(p) for p in path] for path in given_paths]


@given(st.lists(st.lists(point, min_size=1, max_size=5), min_size=1, max_size=5))
def test_points_come_back(features: list[list[tuple[int, int]]]) -> None:
    found = decoded(encode_layer("x", paths(POINT, [[f] for f in features]), {}))
    for feature, points in zip(found, features, strict=True):
        places = feature["geometry"]["coordinates"]
        many = feature["geometry"]["type"] == "MultiPoint"
        assert (places if many else [places]) == [list(p) for p in points]


def test_polygon_with_hole_comes_back_closed() -> None:
    outer = [(0, 0), (100, 0), (100, 100), (0, 100)]
    hole = [(20, 20), (20, 40), (40, 40), (40, 20)]
    (feature,) = decoded(encode_layer("x", paths(POLYGON, [[outer, hole]]), {}))
    rings = feature["geometry"]["coordinates"]
    assert feature["geometry"]["type"] == "Polygon"
    assert rings == [[list(p) for p in (*ring, ring[0])] for ring in (outer, hole)]


@given(st.lists(st.tuples(value, value), min_size=1, max_size=20))
def test_properties_come_back(rows: list[tuple[object, object]]) -> None:
    shape = paths(POINT, [[[(1, 1)]] for _ in rows])
    columns = {"a": [a for a, _ in rows], "b": [b for _, b in rows]}
    found = decoded(encode_layer("x", shape, columns))  # type: ignore[arg-type]
    for feature, (a, b) in zip(found, rows, strict=True):
        expected = {name: v for name, v in (("a", a), ("b", b)) if v is not None}
        assert feature["properties"] == expected
        assert {k: type(v) for k, v in feature["properties"].items()} == {
            k: type(v) for k, v in expected.items()
        }


def test_true_and_one_stay_apart() -> None:
    shape = paths(POINT, [[[(1, 1)]], [[(2, 2)]], [[(3, 3)]]])
    found = decoded(encode_layer("x", shape, {"a": [True, 1, 1.0]}))
    assert [repr(f["properties"]["a"]) for f in found] == ["True", "1", "1.0"]


def test_no_features_make_no_layer() -> None:
    assert encode_layer("x", paths(LINE, []), {"a": []}) == b""


def test_layers_stand_side_by_side_in_a_tile() -> None:
    one = encode_layer("one", paths(POINT, [[[(1, 1)]]]), {})
    two = encode_layer("two", paths(LINE, [[[(1, 1), (2, 2)]]]), {})
    assert set(mapbox_vector_tile.decode(one + two)) == {"one", "two"}


@given(st.lists(st.integers(0, 2**35 - 1)))
def test_varints_in_bulk_equal_those_one_by_one(values: list[int]) -> None:
    data, offsets = varints(np.array(values, dtype=np.int64))
    parts = [data[a:b] for a, b in pairwise(offsets)]
    assert parts == [varint(v) for v in values]


@pytest.mark.parametrize(("number", "expected"), [(0, b"\0"), (127, b"\x7f"), (300, b"\xac\x02")])
def test_varint_is_that_of_protocol_buffers(number: int, expected: bytes) -> None:
    assert varint(number) == expected
