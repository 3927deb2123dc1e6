"""The geoquery language: parsing, the seven relations, distances and boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pyproj import Geod

from hansa.kernel.errors import BadRequest
from hansa.ngsild.geo import (
    box,
    distance,
    expand_geo,
    from_geojson,
    parse_geo,
    print_geo,
    relate,
    search_box,
)
from hansa.ngsild.query import GeoFilter

GEOD = Geod(ellps="WGS84")
BERLIN = "[13.388930,52.534473]"
SQUARE = shapely.box(0, 0, 4, 4)


def parsed(
    georel: str, geometry: str, coordinates: Any, geoproperty: str | None = None
) -> GeoFilter:
    found = parse_geo(georel, geometry, coordinates, geoproperty)
    assert found is not None
    return found


# -- the language ----------------------------------------------------------------------------------


def test_the_clause_s_first_example() -> None:
    geo = parsed("near;maxDistance==2000", "Point", "[8,40]", "observationSpace")
    assert (geo.relation, geo.max_distance, geo.min_distance) == ("near", 2000.0, None)
    assert geo.attribute == "observationSpace"
    assert geo.geometry.wkt == "POINT (8 40)"


def test_the_clause_s_second_example() -> None:
    geo = parsed(
        "within", "Polygon", "[[[100.0,0.0],[101.0,0.0],[101.0,1.0],[100.0,1.0],[100.0,0.0]]]"
    )
    assert geo.geometry.area == 1.0
    assert geo.attribute == "location"


def test_a_body_gives_coordinates_as_lists() -> None:
    assert parsed("equals", "Point", [8, 40]).geometry.wkt == "POINT (8 40)"


def test_near_may_bound_both_sides() -> None:
    geo = parsed("near;minDistance==1.5;maxDistance==2e3", "Point", "[8,40]")
    assert (geo.min_distance, geo.max_distance) == (1.5, 2000.0)


def test_no_geoquery_is_no_filter() -> None:
    assert parse_geo(None, None, None) is None
    assert parse_geo(None, None, None, "observationSpace") is None


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates", "words"),
    [
        (None, "Point", "[8,40]", "georel is missing"),
        ("within", None, "[8,40]", "geometry is missing"),
        ("within", "Point", None, "coordinates is missing"),
        ("within", "Point", "", "coordinates is missing"),
        ("touches", "Point", "[8,40]", "'touches' is not a relation"),
        (5, "Point", "[8,40]", "is not a relation"),
        ("near", "Point", "[8,40]", "only near"),
        ("within;maxDistance==3", "Point", "[8,40]", "only near"),
        ("near;maxDistance==3;maxDistance==4", "Point", "[8,40]", "each once"),
        ("near;maxDistance=3", "Point", "[8,40]", "'maxDistance=3' is not a distance"),
        ("near;maxDistance==-3", "Point", "[8,40]", "is not a distance"),
        ("near;maxDistance==0", "Point", "[8,40]", "positive number"),
        ("near;maxDistance==1e999", "Point", "[8,40]", "positive number"),
        ("near;maxDistance==", "Point", "[8,40]", "is not a distance"),
        ("near;minDistance==9;maxDistance==3", "Point", "[8,40]", "larger than maxDistance"),
        ("within", "Point", "[8;40]", "fault at character 3"),
        ("within", "Point", "8,40", "fault at character"),
        ("within", "Point", "[8,400]", "geoquery, coordinates[1]: latitude 400"),
        ("within", "Polygon", "[[[0,0],[1,0],[1,1],[0,1]]]", "the ring is not closed"),
        ("within", "GeometryCollection", "[]", "is not a geometry type"),
        ("within", {"a": 1}, "[]", "is not a geometry type"),
    ],
)
def test_faults_are_refused(georel: Any, geometry: Any, coordinates: Any, words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_geo(georel, geometry, coordinates)
    assert words in caught.value.sentence


positions = st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(list)
metres = st.floats(1e-3, 1e9)
filters = st.one_of(
    st.builds(parsed, st.sampled_from(["within", "disjoint"]), st.just("Point"), positions),
    st.builds(
        lambda m, p: parsed(f"near;minDistance=={m!r}", "LineString", [p, [0, 0]]),
        metres,
        positions,
    ),
    st.builds(
        lambda m, p: parsed(f"near;maxDistance=={m!r}", "Point", p, "area"), metres, positions
    ),
)


@given(filters)
def test_printing_then_parsing_is_the_identity(geo: GeoFilter) -> None:
    again = parse_geo(**print_geo(geo))
    assert again is not None
    assert shapely.equals_identical(again.geometry, geo.geometry)
    assert (again.relation, again.attribute) == (geo.relation, geo.attribute)
    assert (again.min_distance, again.max_distance) == (geo.min_distance, geo.max_distance)


@given(st.text(alphabet="nearwithi;mxD=.0123456789e-", max_size=30), st.text("[]0,.-", max_size=20))
def test_any_text_is_a_filter_or_a_bad_request(georel: str, coordinates: str) -> None:
    try:
        assert parse_geo(georel, "Point", coordinates)
    except BadRequest as refusal:
        assert refusal.fact


def test_the_attribute_is_expanded() -> None:
    geo = expand_geo(parsed("equals", "Point", [8, 40], "area"), lambda term: f"https://x/{term}")
    assert geo.attribute == "https://x/area"


# -- relations -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("relation", "target", "expected"),
    [
        ("within", shapely.Point(1, 1), True),
        ("within", shapely.Point(4, 4), False),
        ("within", shapely.box(1, 1, 2, 2), True),
        ("within", shapely.box(1, 1, 9, 9), False),
        ("contains", shapely.box(-1, -1, 9, 9), True),
        ("contains", shapely.box(1, 1, 2, 2), False),
        ("intersects", shapely.LineString([(-1, 2), (9, 2)]), True),
        ("intersects", shapely.Point(4, 4), True),
        ("intersects", shapely.Point(5, 5), False),
        ("disjoint", shapely.Point(5, 5), True),
        ("disjoint", shapely.box(3, 3, 5, 5), False),
        ("overlaps", shapely.box(3, 3, 5, 5), True),
        ("overlaps", shapely.box(1, 1, 2, 2), False),
        ("equals", shapely.Polygon([(4, 4), (4, 0), (0, 0), (0, 4)]), True),
        ("equals", shapely.box(0, 0, 4, 5), False),
    ],
)
def test_the_entity_is_the_subject_of_the_relation(
    relation: Any, target: shapely.Geometry, expected: bool
) -> None:
    assert relate(GeoFilter(relation, SQUARE, "location"), target) is expected


def test_near_counts_metres() -> None:
    near = parsed("near;maxDistance==15000", "Point", BERLIN)
    far = parsed("near;minDistance==15000", "Point", BERLIN)
    inside, outside = shapely.Point(13.3986, 52.5547), shapely.Point(13.7, 52.6)
    assert relate(near, inside)
    assert not relate(near, outside)
    assert relate(far, outside)
    assert not relate(far, inside)


def test_a_ring_around_a_point() -> None:
    geo = parsed("near;minDistance==100000;maxDistance==200000", "Point", "[0,0]")
    assert [relate(geo, shapely.Point(x, 0)) for x in (0.5, 1.5, 2.5)] == [False, True, False]


# -- distances and boxes ---------------------------------------------------------------------------


def test_points_are_measured_on_the_ellipsoid() -> None:
    # One degree along the equator: pi/180 times the semi-major axis of 6,378,137 m.
    assert distance(shapely.Point(0, 0), shapely.Point(1, 0)) == pytest.approx(
        111319.4908, abs=1e-3
    )


def test_touching_geometries_are_no_distance_apart() -> None:
    assert distance(SQUARE, shapely.Point(2, 2)) == 0.0
    assert distance(SQUARE, shapely.box(4, 4, 5, 5)) == 0.0


def test_distance_does_not_stop_at_the_antimeridian() -> None:
    road = shapely.LineString([(-179.99, -17.1), (-179.99, -16.9)])
    expected = GEOD.inv(179.99, -17.0, -179.99, -17.0)[2]
    assert distance(shapely.Point(179.99, -17.0), road) == pytest.approx(expected, rel=1e-4)
    assert distance(shapely.box(179.9, -17.1, 179.99, -16.9), road) == pytest.approx(
        expected, rel=1e-3
    )


def test_distance_crosses_a_pole() -> None:
    line = shapely.LineString([(180, 88.0), (180, 89.0)])
    over_the_pole = GEOD.inv(0, 89.5, 180, 89)[2]
    assert distance(shapely.Point(0, 89.5), line) == pytest.approx(over_the_pole, rel=1e-9)
    assert distance(shapely.box(-1, 89, 1, 89.5), line) == pytest.approx(over_the_pole, rel=1e-3)


def _sampled(a: shapely.Geometry, b: shapely.Geometry) -> float:
    """An oracle: the smallest geodesic between finely spaced points of both outlines."""

    def spots(geometry: shapely.Geometry) -> np.ndarray[Any, Any]:
        step = max(geometry.length / 400, 1e-9)
        return np.asarray(shapely.get_coordinates(shapely.segmentize(geometry, step)))

    left, right = spots(a), spots(b)
    grid = np.repeat(left, len(right), axis=0), np.tile(right, (len(left), 1))
    return float(np.min(GEOD.inv(grid[0][:, 0], grid[0][:, 1], grid[1][:, 0], grid[1][:, 1])[2]))


def line(places: Any) -> shapely.Geometry:
    return from_geojson({"type": "LineString", "coordinates": places.tolist()})


centres = st.tuples(st.floats(-179, 179), st.floats(-80, 80))
offsets = st.tuples(st.floats(-1, 1), st.floats(-1, 1))


@given(centres, st.lists(offsets, min_size=4, max_size=4), st.sampled_from([0.01, 0.3, 2.0]))
@example((0.0, 0.0), [(0.0, 0.0), (0.0, 7e-213), (0.0, 1.0), (1.0, 0.0)], 0.01)
def test_distance_agrees_with_sampling(
    centre: tuple[float, float], corners: list[tuple[float, float]], size: float
) -> None:
    places = np.array(centre) + np.array(corners) * size
    places = np.column_stack([places[:, 0].clip(-180, 180), places[:, 1].clip(-90, 90)])
    a = line(places[:2])
    for b in (line(places[2:]), shapely.Point(places[2])):
        assume(a.is_valid and b.is_valid)
        if shapely.intersects(a, b):
            assert distance(a, b) == 0.0
            continue
        oracle = _sampled(a, b)
        spacing = (a.length + b.length) / 400 * 112_000
        assert distance(a, b) <= oracle * 1.001 + 0.1
        assert distance(a, b) >= oracle - spacing - oracle * 1e-3 - 0.1


def test_a_box_without_margin_is_the_bounds() -> None:
    assert box(SQUARE) == (0, 0, 4, 4)


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((0.0, 89.99), (-180, None, 180, 90)),
        ((0.0, -89.99), (-180, -90, 180, None)),
        ((179.999, 10.0), (-180, None, 180, None)),
        ((-179.999, 10.0), (-180, None, 180, None)),
    ],
)
def test_boxes_widen_where_longitudes_end(point: Any, expected: tuple[Any, ...]) -> None:
    found = box(shapely.Point(point), 5_000)
    assert all(e is None or e == f for e, f in zip(expected, found, strict=True))


@given(centres, st.floats(0, 360), st.floats(1, 3_000_000))
def test_whatever_is_near_enough_is_in_the_box(
    centre: tuple[float, float], bearing: float, metres: float
) -> None:
    west, south, east, north = box(shapely.Point(centre), metres)
    longitude, latitude, _ = GEOD.fwd(*centre, bearing, metres)
    assert south <= latitude <= north
    assert west <= longitude <= east


def test_the_search_box_follows_the_relation() -> None:
    assert search_box(parsed("disjoint", "Point", [8, 40])) is None
    assert search_box(parsed("near;minDistance==5", "Point", [8, 40])) is None
    assert search_box(parsed("within", "Point", [8, 40])) == (8, 40, 8, 40)
    near = parsed("near;maxDistance==5", "Point", [8, 40])
    assert search_box(near) == box(near.geometry, 5)


def test_an_edge_around_the_globe_many_times_is_still_measured() -> None:
    zigzag = shapely.LineString([(x, y / 1000) for y in range(2000) for x in (-180, 180)])
    assert distance(zigzag, shapely.Point(0, 10)) > 800_000


@pytest.mark.parametrize(
    ("a", "b", "least"),
    [
        ("LINESTRING (0 0, 0.0001 0.005)", "LINESTRING (-180 0, -180 -0.007)", 19_900_000),
        ("POINT (0 -86.466)", "LINESTRING (180 90, 180 50, 154.9 53.2)", 15_000_000),
        ("POINT (0 0)", "LINESTRING (180 0, 179.9 -0.5, 179.9 0.4)", 19_900_000),
    ],
)
def test_what_lies_opposite_is_not_taken_for_near(a: str, b: str, least: float) -> None:
    assert distance(shapely.from_wkt(a), shapely.from_wkt(b)) > least
