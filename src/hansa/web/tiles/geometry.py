"""From geometries in longitude and latitude to paths on a tile's grid.

In this order: project, drop what would be too small to see, simplify (before clipping, so that
neighbouring tiles agree), clip with a margin, round to the grid, drop repeated points, and drop what
has collapsed. Every step works on all geometries at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from hansa.web.tiles.mvt import LINE, POINT, POLYGON, Ints, Paths
from hansa.web.tiles.projection import EXTENT, to_grid

__all__ = ["MARGIN", "Cut", "cut"]

MARGIN: Final = 80
"""How far geometries reach over the tile's edge, so that wide strokes meet [grid units]."""

Geometries = npt.NDArray[np.object_]

_DIMENSION: Final = {POINT: 0, LINE: 1, POLYGON: 2}
_LEAST_POINTS: Final = {POINT: 1, LINE: 2, POLYGON: 3}


@dataclass(frozen=True, slots=True)
class Cut:
    """Paths on a tile, and for each of their features the number of the geometry it came from."""

    paths: Paths
    kept: Ints


def cut(
    geometries: Geometries,
    tile: tuple[int, int, int],
    kind: int,
    tolerance: float = 0.0,
    smallest: float = 0.0,
) -> Cut:
    """The part of `geometries` that lies on a tile.

    Args:
        geometries: shapely geometries in degrees; those of another dimension than `kind` are left out.
        tile: zoom, column, row.
        kind: POINT, LINE or POLYGON.
        tolerance: how far a simplified line may stray [grid units].
        smallest: least length of a line, or side of a square as large as a polygon [grid units].
    """
    parts, owner = shapely.get_parts(geometries, return_index=True)
    fitting = shapely.get_dimensions(parts) == _DIMENSION[kind]
    parts, owner = parts[fitting], owner[fitting]
    parts = _on_grid(parts, tile)
    if kind == LINE and smallest:
        long = shapely.length(parts) >= smallest
        parts, owner = parts[long], owner[long]
    if kind == POLYGON and smallest:
        large = shapely.area(parts) >= smallest * smallest
        parts, owner = parts[large], owner[large]
    if tolerance and kind != POINT:
        parts = shapely.simplify(parts, tolerance, preserve_topology=kind == POLYGON)
    parts = _clip(parts, kind)
    parts, piece = shapely.get_parts(parts, return_index=True)
    owner = owner[piece]
    solid = (shapely.get_dimensions(parts) == _DIMENSION[kind]) & ~shapely.is_empty(parts)
    return _paths(parts[solid], owner[solid], kind)


def _on_grid(parts: Geometries, tile: tuple[int, int, int]) -> Geometries:
    flat = shapely.force_2d(parts)
    return np.asarray(
        shapely.set_coordinates(flat, to_grid(*tile, shapely.get_coordinates(flat))), dtype=object
    )


def _clip(parts: Geometries, kind: int) -> Geometries:
    low, high = -MARGIN, EXTENT + MARGIN
    if kind == POINT:
        # A point belongs to one tile alone, else its label would be drawn twice.
        x, y = shapely.get_x(parts), shapely.get_y(parts)
        clipped = parts.copy()
        clipped[(x < 0) | (x >= EXTENT) | (y < 0) | (y >= EXTENT)] = None
        return clipped
    return np.asarray(shapely.clip_by_rect(parts, low, low, high, high), dtype=object)


def _paths(parts: Geometries, owner: Ints, kind: int) -> Cut:
    """Round, tidy and number what is left."""
    if kind == POLYGON:
        paths, part_of_path = shapely.get_rings(parts, return_index=True)
        outer = np.diff(part_of_path, prepend=-1) != 0
        owner = owner[part_of_path]
        # One polygon may lose its outer ring; its holes then go too.
        group = np.cumsum(outer) - 1
    else:
        paths, outer, group = parts, np.ones(len(parts), dtype=bool), np.arange(len(parts))
    points, path = shapely.get_coordinates(paths, return_index=True)
    grid = np.rint(points).astype(np.int64)
    grid, path = _without_repeats(grid, path, kind)
    lengths = np.bincount(path, minlength=len(paths)).astype(np.int64)
    alive = lengths >= _LEAST_POINTS[kind]
    if kind == POLYGON:
        area = _twice_area(grid, lengths)
        alive &= area != 0
        alive &= (alive & outer)[np.flatnonzero(outer)[group]]
        grid = _wound(grid, path, lengths, np.where(outer, area < 0, area > 0))
    kept_points = alive[path]
    return _numbered(kind, grid[kept_points], lengths[alive], owner[alive])


def _without_repeats(grid: Ints, path: Ints, kind: int) -> tuple[Ints, Ints]:
    """Drop points equal to the one before on the same path, and the closing point of rings."""
    same_path = path[1:] == path[:-1]
    repeated = np.zeros(len(grid), dtype=bool)
    repeated[1:] = same_path & (grid[1:] == grid[:-1]).all(axis=1)
    grid, path = grid[~repeated], path[~repeated]
    if kind == POLYGON and len(path):
        last = np.append(path[1:] != path[:-1], True)
        grid, path = grid[~last], path[~last]
    return grid, path


def _twice_area(grid: Ints, lengths: Ints) -> Ints:
    """Twice the signed area of each ring (positive where clockwise as seen on the tile)."""
    following = np.arange(1, len(grid) + 1)
    ends = np.cumsum(lengths)
    filled = lengths > 0
    following[ends[filled] - 1] = (ends - lengths)[filled]
    after = grid[following] if len(grid) else grid
    cross = grid[:, 0] * after[:, 1] - after[:, 0] * grid[:, 1]
    sums = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(cross)))
    return np.asarray(sums[ends] - sums[ends - lengths], dtype=np.int64)


def _wound(grid: Ints, path: Ints, lengths: Ints, backwards: npt.NDArray[np.bool_]) -> Ints:
    """Turn the rings marked `backwards` round."""
    ends = np.cumsum(lengths)
    here = np.arange(len(grid))
    mirrored = (2 * ends - lengths)[path] - 1 - here
    return grid[np.where(backwards[path], mirrored, here)]


def _numbered(kind: int, points: Ints, lengths: Ints, owner: Ints) -> Cut:
    """Number the features from 0; paths of one geometry stand together."""
    first = np.diff(owner, prepend=-1) != 0
    features = np.cumsum(first) - 1
    if kind == POINT and len(lengths):
        lengths, features = np.bincount(features).astype(np.int64), np.arange(features[-1] + 1)
    return Cut(Paths(kind, points, lengths, features), owner[first])
