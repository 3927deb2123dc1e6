"""Which line a trip follows and where on it its stops lie; worked out once per pattern of stops.

The line is the feed's shape; a trip without one gets straight lines between its stops. Distances are the
feed's own where both the shape and the trip state them, else they are found on the ground.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from hansa.spokes.gtfs.lines import Floats, locate
from hansa.spokes.gtfs.read import Feed
from hansa.spokes.gtfs.shapes import Shape, make_shape
from hansa.spokes.gtfs.stop_times import Visits

__all__ = ["STRAIGHT", "Pattern", "find_patterns"]

STRAIGHT: Final = "straight-"
"""Beginning of the identifiers of shapes that are straight lines between stops."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """The identifier of the line that a trip follows, and the distances of its stops along it [m]."""

    shape: str
    distances: list[float]


def find_patterns(feed: Feed) -> tuple[dict[str, Pattern], dict[str, Shape]]:
    """The pattern of every trip that can run, and all lines: the feed's and the straight ones."""
    shapes = dict(feed.shapes)
    known: dict[tuple[str, bytes, bytes], Pattern | None] = {}
    found: dict[str, Pattern] = {}
    for id, visits in feed.visits.items():
        shape_id = feed.trips[id].get("shape_id")
        key = (shape_id, visits.stops.tobytes(), visits.stated.tobytes())
        if key not in known:
            known[key] = _pattern(shape_id, visits, feed.places[visits.stops], shapes)
        if (pattern := known[key]) is not None:
            found[id] = pattern
    return found, shapes


def _pattern(
    shape_id: str, visits: Visits, places: Floats, shapes: dict[str, Shape]
) -> Pattern | None:
    if shape_id not in shapes:
        straight = make_shape(places)
        if straight is None:
            return None  # all its stops are in one place
        shape_id = STRAIGHT + hashlib.sha256(visits.stops.tobytes()).hexdigest()[:12]
        shapes[shape_id] = straight
    shape = shapes[shape_id]
    stated = visits.stated
    if shape.stated.size and np.isfinite(stated).all() and (np.diff(stated) >= 0).all():
        at = np.interp(stated, shape.stated, shape.at)
    else:
        at = locate(shape.line, places)
    return Pattern(shape_id, at.round(1).tolist())
