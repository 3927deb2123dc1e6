"""``shapes.txt``: the lines that trips follow, as arrays."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Final

import numpy as np

from hansa.spokes.gtfs.lines import Floats, lengths
from hansa.spokes.gtfs.tables import Tables, whole
from hansa.spokes.plain import DECIMALS

__all__ = ["Shape", "make_shape", "read_shapes"]

_COLUMNS: Final = ("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence")


@dataclass(frozen=True, slots=True)
class Shape:
    """A line on the ground.

    Attributes:
        line: vertices (longitude, latitude), shape (n, 2), no two neighbours equal, n ≥ 2.
        at: distance of each vertex from the first [m], shape (n,).
        stated: the feed's own distances of the vertices, in its own unit; empty if it has none.
    """

    line: Floats
    at: Floats
    stated: Floats


def make_shape(line: Floats, stated: Floats | None = None) -> Shape | None:
    """A shape through these vertices; ``None`` if they are all in one place."""
    line = line.round(DECIMALS)
    kept = np.concatenate(([True], (np.diff(line, axis=0) != 0).any(axis=1)))
    line = line[kept]
    if len(line) < 2:
        return None
    own = np.empty(0) if stated is None else stated[kept]
    if not np.isfinite(own).all() or (np.diff(own) < 0).any():
        own = np.empty(0)
    return Shape(line, lengths(line), own)


def read_shapes(tables: Tables) -> dict[str, Shape]:
    """All shapes of a feed; a feed without the file has none."""
    table = tables.open("shapes.txt", _COLUMNS)
    if table is None:
        return {}
    id_at, lat_at, lon_at, sequence_at = (table.columns.index(name) for name in _COLUMNS)
    (distance_at,) = table.select(["shape_dist_traveled"])
    numbers: dict[str, int] = {}
    owner, order, values = array("q"), array("q"), array("d")
    for line, fields in table.rows(tables.refusals.append):
        try:
            latitude, longitude = degrees(fields[lat_at], fields[lon_at])
            sequence = whole(fields[sequence_at], "shape_pt_sequence")
        except ValueError as fault:
            tables.refuse(table.name, line, fault)
            continue
        owner.append(numbers.setdefault(fields[id_at].strip(), len(numbers)))
        order.append(sequence)
        values.extend((longitude, latitude, _distance(fields, distance_at)))
    return _assembled(tables, numbers, np.array(owner), np.array(order), np.array(values))


def _assembled(
    tables: Tables, numbers: dict[str, int], owner: Floats, order: Floats, values: Floats
) -> dict[str, Shape]:
    rows = values.reshape(-1, 3)[np.lexsort((order, owner))]
    ends = np.cumsum(np.bincount(owner.astype(np.intp), minlength=len(numbers)))
    found: dict[str, Shape] = {}
    for id, number in numbers.items():
        part = rows[ends[number - 1] if number else 0 : ends[number]]
        shape = make_shape(part[:, :2], part[:, 2])
        if shape is None:
            tables.notes.append(f"The shape {id!r} has fewer than two different points; left out.")
        else:
            found[id] = shape
    return found


def _distance(fields: object, position: int | None) -> float:
    if position is None:
        return np.nan
    try:
        return float(fields[position])  # type: ignore[index]
    except ValueError:
        return np.nan


def degrees(latitude: str, longitude: str) -> tuple[float, float]:
    """A position from two fields.

    Raises:
        ValueError: one is not a number, or outside the globe.
    """
    try:
        found = float(latitude), float(longitude)
    except ValueError:
        raise ValueError(f"{latitude!r}, {longitude!r} is not a position") from None
    if not (-90 <= found[0] <= 90 and -180 <= found[1] <= 180):
        raise ValueError(f"latitude {latitude}, longitude {longitude} is not on the globe")
    return found
