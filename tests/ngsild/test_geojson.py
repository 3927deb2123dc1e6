"""GeoJSON in and out: what is accepted, what is refused and where the fault is said to be."""

from __future__ import annotations

import math
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest
from hansa.ngsild import geojson
from hansa.ngsild.geojson import from_geojson, to_geojson

SQUARE = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
HOLE = [[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]]


@pytest.mark.parametrize(
    ("type", "coordinates", "wkt"),
    [
        ("Point", [-71.34, -29.95], "POINT (-71.34 -29.95)"),
        ("Point", [8, 40, 1200.5], "POINT (8 40)"),
        ("MultiPoint", [[1, 2], [3, 4]], "MULTIPOINT ((1 2), (3 4))"),
        ("LineString", [[1, 2], [3, 4]], "LINESTRING (1 2, 3 4)"),
        ("MultiLineString", [[[1, 2], [3, 4]]], "MULTILINESTRING ((1 2, 3 4))"),
        (
            "Polygon",
            [SQUARE, HOLE],
            "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 1 2, 2 2, 2 1, 1 1))",
        ),
        ("MultiPolygon", [[SQUARE]], "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 4, 0 0)))"),
    ],
)
def test_each_geometry_type_is_read(type: str, coordinates: Any, wkt: str) -> None:
    geometry = from_geojson({"type": type, "coordinates": coordinates})
    assert geometry.wkt == wkt
    assert to_geojson(geometry)["type"] == type


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "must be a GeoJSON object, not null"),
        ([1, 2], "must be a GeoJSON object, not a list"),
        ({"coordinates": [1, 2]}, "member type"),
        ({"type": "Circle", "coordinates": [1, 2]}, "'Circle' is not a geometry type"),
        ({"type": "GeometryCollection", "geometries": []}, "is not a geometry type"),
        ({"type": ["Point"], "coordinates": [1, 2]}, "a list is not a geometry type"),
        ({"type": "Point"}, "coordinates is missing"),
        ({"type": "Point", "coordinates": "1,2"}, "expected a position"),
        ({"type": "Point", "coordinates": []}, "2 or 3 numbers, this one 0"),
        ({"type": "Point", "coordinates": [1]}, "2 or 3 numbers, this one 1"),
        ({"type": "Point", "coordinates": [1, 2, 3, 4]}, "2 or 3 numbers, this one 4"),
        ({"type": "Point", "coordinates": [1, "2"]}, "coordinates[1]: expected a number"),
        ({"type": "Point", "coordinates": [True, 2]}, "coordinates[0]: expected a number"),
        ({"type": "Point", "coordinates": [None, 2]}, "found null"),
        ({"type": "Point", "coordinates": [181, 2]}, "longitude 181 is outside"),
        ({"type": "Point", "coordinates": [10**400, 2]}, "longitude of that size is outside"),
        ({"type": "Point", "coordinates": [float("nan"), 2]}, "longitude nan is outside"),
        ({"type": "Point", "coordinates": [2, float("-inf")]}, "latitude -inf is outside"),
        ({"type": "Point", "coordinates": [48.1, 190.5]}, "latitude 190.5 is outside"),
        ({"type": "Point", "coordinates": [1, 2, float("inf")]}, "altitude inf"),
        ({"type": "LineString", "coordinates": [[1, 2]]}, "at least 2 positions, found 1"),
        ({"type": "LineString", "coordinates": [1, 2]}, "coordinates[0]: expected a position"),
        ({"type": "Polygon", "coordinates": []}, "the list of rings is empty"),
        ({"type": "Polygon", "coordinates": [SQUARE[:3]]}, "at least 4 positions, found 3"),
        ({"type": "Polygon", "coordinates": SQUARE}, "coordinates[0][0]: expected a position"),
        ({"type": "Polygon", "coordinates": [SQUARE[:4]]}, "coordinates[0]: the ring is not"),
        (
            {
                "type": "MultiPolygon",
                "coordinates": [[SQUARE], [SQUARE, [*HOLE[:2], [1, 95], *HOLE]]],
            },
            "coordinates[1][1][2][1]: latitude 95",
        ),
        ("{not json", "text is not JSON (character 2)"),
        ("[" * 5000, "text is not JSON"),
    ],
)
def test_a_fault_is_refused_and_located(value: Any, words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        from_geojson(value, "attribute location")
    assert words in caught.value.sentence
    assert caught.value.subject.startswith("attribute location")


def test_a_line_without_length_is_a_place() -> None:
    line = from_geojson({"type": "LineString", "coordinates": [[1, 2], [1, 2]]})
    assert line.wkt == "POINT (1 2)"
    lines = [[[1, 2], [1, 2]], [[0, 0], [3, 3]]]
    assert from_geojson({"type": "MultiLineString", "coordinates": lines}).is_valid


def test_less_than_a_micrometre_is_nothing() -> None:
    assert from_geojson({"type": "Point", "coordinates": [7e-213, -1e-12]}).wkt == "POINT (0 0)"


def test_json_text_of_a_geometry_is_accepted() -> None:
    assert from_geojson('{"type": "Point", "coordinates": [8, 40]}').wkt == "POINT (8 40)"


def test_too_many_positions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geojson, "MAX_POSITIONS", 8)
    lines = {"type": "MultiLineString", "coordinates": [[[0, 0]] * 5, [[1, 1]] * 5]}
    with pytest.raises(BadRequest, match=r"coordinates\[1\]: the geometry has more than 8"):
        from_geojson(lines)


def test_a_polygon_that_crosses_itself_is_repaired() -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}
    geometry = from_geojson(bow_tie)
    assert geometry.is_valid
    assert geometry.area == pytest.approx(2.0)


def test_a_ring_without_area_stays_a_place() -> None:
    geometry = from_geojson({"type": "Polygon", "coordinates": [[[1, 1]] * 4]})
    assert not geometry.is_empty
    assert geometry.bounds == (1, 1, 1, 1)


longitudes = st.floats(-180, 180).filter(lambda x: abs(x) > 1e-11) | st.just(0.0)
latitudes = st.floats(-90, 90).filter(lambda x: abs(x) > 1e-11) | st.just(0.0)
positions = st.tuples(longitudes, latitudes).map(list)


def _geometry(type: str, coordinates: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(type), "coordinates": coordinates})


geometries = st.one_of(
    _geometry("Point", positions),
    _geometry("MultiPoint", st.lists(positions, min_size=1, max_size=5)),
    _geometry("LineString", st.lists(positions, min_size=2, max_size=5, unique_by=tuple)),
)


@given(geometries)
def test_writing_then_reading_is_the_identity(value: dict[str, Any]) -> None:
    assert to_geojson(from_geojson(value)) == value


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=20,
)


@given(st.sampled_from([*geojson.GEOMETRY_TYPES, "Feature"]), json_values)
def test_any_value_is_a_sound_geometry_or_a_bad_request(type: str, coordinates: Any) -> None:
    try:
        geometry = from_geojson({"type": type, "coordinates": coordinates})
    except BadRequest as refusal:
        assert refusal.fact
    else:
        assert geometry.is_valid
        assert not geometry.is_empty


rings = st.lists(
    st.tuples(st.integers(-3, 3), st.integers(-3, 3)).map(list), min_size=3, max_size=7
)


@given(st.lists(rings.map(lambda ring: [*ring, ring[0]]), min_size=1, max_size=3))
def test_any_closed_rings_give_a_usable_geometry(coordinates: list[Any]) -> None:
    try:
        geometry = from_geojson({"type": "Polygon", "coordinates": coordinates})
    except BadRequest as refusal:
        assert refusal.fact == "nothing is left inside the polygon"
        assert len(coordinates) > 1
        return
    assert geometry.is_valid
    assert not geometry.is_empty
    assert shapely.equals(geometry, geometry)
    assert not shapely.overlaps(geometry, geometry)


@pytest.mark.parametrize(
    "coordinates",
    [
        [SQUARE, SQUARE, SQUARE],
        [
            [[0, 0], [-1, -3], [3, 2], [0, 0]],
            [[0, 0], [-1, -3], [3, 2], [0, 0]],
            [[0, -1], [1, -3], [-1, -1], [0, -1]],
        ],
    ],
)
def test_holes_that_leave_nothing_do_no_harm(coordinates: Any) -> None:
    try:
        assert not from_geojson({"type": "Polygon", "coordinates": coordinates}).is_empty
    except BadRequest as refusal:
        assert "nothing is left inside" in refusal.fact


def star(points: int) -> dict[str, Any]:
    """A ring that crosses itself about `points` squared over two times."""
    around = [2 * math.pi * (points // 2) * n / points for n in range(points)]
    ring = [[math.cos(angle), math.sin(angle)] for angle in around]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def test_a_few_crossings_are_mended_and_a_tangle_is_refused() -> None:
    assert from_geojson(star(5)).is_valid
    for points, why in ((501, "crosses itself more than"), (20_001, "run past each other")):
        with pytest.raises(BadRequest, match=why):
            from_geojson(star(points))


def test_a_comb_that_would_take_minutes_to_check_is_refused() -> None:
    teeth = 15_000
    ring: list[list[float]] = []
    for n in range(teeth):
        left, right = 10 * n / teeth, 10 * (n + 0.3) / teeth
        ring += [[left, 0], [left + 50, 50], [right + 50, 50], [right, 0]]
    ring += [[20, -1], [0, -1], [0, 0]]
    with pytest.raises(BadRequest, match="run past each other"):
        from_geojson({"type": "Polygon", "coordinates": [ring]})


def test_a_broken_area_of_very_many_rings_is_refused() -> None:
    def box(x: float, y: float) -> list[list[float]]:
        return [[x, y], [x + 0.1, y], [x + 0.1, y + 0.1], [x, y + 0.1], [x, y]]

    holes = [box(x / 4, y / 4) for x in range(80) for y in range(80)]
    with pytest.raises(BadRequest, match="rings"):
        from_geojson({"type": "Polygon", "coordinates": [SQUARE, *holes]})


def test_a_large_area_of_short_edges_is_taken_whole() -> None:
    count = geojson.MAX_POSITIONS - 1
    around = [2 * math.pi * n / count for n in range(count)]
    ring = [[10 * math.cos(a), (10 + math.sin(200 * a)) * math.sin(a)] for a in around]
    found = from_geojson({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})
    assert shapely.get_num_coordinates(found) == geojson.MAX_POSITIONS
