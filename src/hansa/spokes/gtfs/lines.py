"""Lines on the ground: lengths, directions, and where along a line stops lie. Arrays throughout.

Coordinates are longitude and latitude [degree], lengths [m] on the WGS 84 ellipsoid, headings [degree]
clockwise from north, 0 ≤ heading < 360.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

__all__ = ["Floats", "headings", "lengths", "locate"]

Floats = NDArray[np.float64]

_GEOD: Final = Geod(ellps="WGS84")
_DEGREE: Final = 111_195.0
"""Metres of a degree of latitude, near enough to compare distances of a few hundred metres."""


def _steps(line: Floats) -> tuple[Any, Any]:
    azimuth, _, length = _GEOD.inv(line[:-1, 0], line[:-1, 1], line[1:, 0], line[1:, 1])
    return azimuth, length


def lengths(line: Floats) -> Floats:
    """Distance of each vertex from the first one along the line, shape (n,); n ≥ 1."""
    if len(line) < 2:
        return np.zeros(len(line))
    return np.concatenate(([0.0], np.cumsum(_steps(line)[1])))


def headings(line: Floats) -> Floats:
    """Direction of each segment, shape (n - 1,)."""
    result: Floats = np.asarray(_steps(line)[0], dtype=float) % 360.0
    return result


def locate(line: Floats, stops: Floats) -> Floats:
    """Where along `line` each stop lies, in the order of the stops.

    A route may pass the same street twice, so the nearest point alone would be wrong: of all
    placements whose distances never decrease, the one is chosen whose squared distances from the
    stops have the least sum (dynamic programming over stops and segments).

    Args:
        line: vertices, shape (n, 2), n ≥ 2.
        stops: shape (m, 2), in the order of service.

    Returns:
        Distances from the line's start, shape (m,), never decreasing.
    """
    along, squares = _projections(line, stops)
    segments = along.shape[1]
    cost = squares[0]
    came = np.zeros(along.shape, dtype=np.intp)
    for number in range(1, len(stops)):
        best, where = _running_minimum(cost)
        backward = np.maximum(along[number - 1] - along[number], 0.0)
        stay = cost + backward**2  # a little back within a segment: both stops are put at the later
        move = np.concatenate(([np.inf], best[:-1]))
        stays = stay <= move
        came[number] = np.where(stays, np.arange(segments), np.concatenate(([0], where[:-1])))
        cost = np.where(stays, stay, move) + squares[number]
    chosen = np.empty(len(stops), dtype=np.intp)
    chosen[-1] = int(np.argmin(cost))
    for number in range(len(stops) - 1, 0, -1):
        chosen[number - 1] = came[number, chosen[number]]
    placed = along[np.arange(len(stops)), chosen]
    result: Floats = np.maximum.accumulate(placed)
    return result


def _projections(line: Floats, stops: Floats) -> tuple[Floats, Floats]:
    """Per stop and segment: distance along the line of the nearest point, and its squared distance."""
    scale = np.array([np.cos(np.radians(stops[:, 1].mean())) * _DEGREE, _DEGREE])
    vertices, points = line * scale, stops * scale
    start, step = vertices[:-1], np.diff(vertices, axis=0)
    length = np.maximum((step**2).sum(axis=1), 1e-12)
    offset = points[:, None, :] - start
    fraction = np.clip((offset * step).sum(axis=2) / length, 0.0, 1.0)
    squares = ((offset - fraction[:, :, None] * step) ** 2).sum(axis=2)
    at = lengths(line)
    return at[:-1] + fraction * np.diff(at), squares


def _running_minimum(cost: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """The least cost so far at each position, and where it was."""
    best = np.minimum.accumulate(cost)
    new = np.concatenate(([True], cost[1:] < best[:-1]))
    return best, np.maximum.accumulate(np.where(new, np.arange(len(cost)), 0))
