"""Cutting geometries for tiles, and areas, against independent programs."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from hansa.web.tiles.geometry import MARGIN, cut
from hansa.web.tiles.mvt import LINE, POINT, POLYGON
from hansa.web.tiles.projection import EXTENT, area_km2, tile_box, tile_of, to_grid

GEOD = Geod(ellps="WGS84")
WEB_MERCATOR = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
HALF = 20037508.342789244

longitude = st.floats(-179.9, 179.9)
latitude = st.floats(-84.9, 84.9)


@given(longitude, latitude, st.integers(0, 16))
def test_grid_is_that_of_web_mercator(x: float, y: float, zoom: int) -> None:
    column, row = tile_of(zoom, x, y)
    ((found_x, found_y),) = to_grid(zoom, column, row, np.array([[x, y]]))
    east, north = WEB_MERCATOR.transform(x, y)
    side = 2 * HALF / 2**zoom
    assert found_x == pytest.approx((east + HALF - column * side) / side * EXTENT, abs=0.01)
    assert found_y == pytest.approx((HALF - north - row * side) / side * EXTENT, abs=0.01)


@given(longitude, latitude, st.integers(0, 16))
def test_a_point_lies_in_the_box_of_its_tile(x: float, y: float, zoom: int) -> None:
    west, south, east, north = tile_box(zoom, *tile_of(zoom, x, y))
    assert west - 1e-9 <= x <= east + 1e-9
    assert south - 1e-9 <= y <= north + 1e-9


@given(longitude, st.floats(-80, 80), st.floats(0.001, 0.05), st.floats(0.001, 0.05))
def test_areas_are_those_on_the_ellipsoid(x: float, y: float, width: float, height: float) -> None:
    shape = shapely.box(x, y, x + width, y + height)
    expected, _ = GEOD.geometry_area_perimeter(shapely.segmentize(shape, 0.001))
    assert area_km2(np.array([shape]))[0] == pytest.approx(abs(expected) / 1e6, rel=1e-6)


def grid_box(
    tile: tuple[int, int, int], x0: float, y0: float, x1: float, y1: float
) -> shapely.Polygon:
    """A rectangle given in grid units of a tile, in degrees."""
    west, south, east, north = tile_box(*tile)
    lon = lambda x: west + (east - west) * x / EXTENT  # noqa: E731
    lat = lambda y: north + (south - north) * y / EXTENT  # noqa: E731
    return shapely.box(lon(x0), lat(y1), lon(x1), lat(y0))


TILE = (14, 4960, 9630)


def test_lines_are_clipped_with_a_margin() -> None:
    west, south, east, north = tile_box(*TILE)
    line = shapely.LineString([(west - 1, (south + north) / 2), (east + 1, (south + north) / 2)])
    found = cut(np.array([line]), TILE, LINE)
    assert found.paths.points[:, 0].tolist() == [-MARGIN, EXTENT + MARGIN]
    assert found.kept.tolist() == [0]


def test_a_point_belongs_to_one_tile_alone() -> None:
    _, _, east, north = tile_box(*TILE)
    corner = np.array([shapely.Point(east, north)])
    zoom, column, row = TILE
    around = [(zoom, column + dx, row + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    assert sum(len(cut(corner, tile, POINT).kept) for tile in around) == 1


def test_rings_are_wound_as_the_specification_asks() -> None:
    outer = grid_box(TILE, 100, 100, 1000, 1000)
    hole = grid_box(TILE, 300, 300, 600, 600)
    for shape in (outer - hole, shapely.orient_polygons(outer - hole, exterior_cw=True)):
        paths = cut(np.array([shape]), TILE, POLYGON).paths
        areas = []
        start = 0
        for length in paths.lengths:
            x, y = paths.points[start : start + length].T
            areas.append(int(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)))
            start += length
        assert areas[0] > 0 > areas[1]
        assert paths.features.tolist() == [0, 0]


def test_small_things_are_left_out_and_the_rest_keep_their_numbers() -> None:
    shapes = np.array([grid_box(TILE, 0, 0, 10, 10), grid_box(TILE, 0, 0, 500, 500)])
    assert cut(shapes, TILE, POLYGON, smallest=50).kept.tolist() == [1]


def test_what_collapses_on_the_grid_is_dropped() -> None:
    tiny = shapely.transform(grid_box(TILE, 10.1, 10.1, 10.3, 10.3), lambda c: c)
    assert cut(np.array([tiny]), TILE, POLYGON).kept.tolist() == []


def test_other_dimensions_and_empty_geometries_are_left_out() -> None:
    mixed = np.array(
        [shapely.Point(0, 0), shapely.LineString(), grid_box(TILE, 0, 0, 500, 500), None],
        dtype=object,
    )
    assert cut(mixed[:3], TILE, POLYGON).kept.tolist() == [2]


@given(
    st.lists(
        st.lists(
            st.tuples(st.floats(-71.02, -70.98), st.floats(-30.02, -29.98)), min_size=2, max_size=8
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_lines_can_be_cut(lines: list[list[tuple[float, float]]]) -> None:
    found = cut(np.array([shapely.LineString(line) for line in lines]), TILE, LINE, tolerance=4)
    points, lengths = found.paths.points, found.paths.lengths
    assert lengths.sum() == len(points)
    assert (lengths >= 2).all()
    assert points.size == 0 or (points.min() >= -MARGIN - 1 and points.max() <= EXTENT + MARGIN + 1)
    assert len(found.kept) == (found.paths.features[-1] + 1 if len(lengths) else 0)
