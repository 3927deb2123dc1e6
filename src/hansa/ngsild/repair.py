"""Mending areas that cross themselves, within bounds.

A polygon that crosses itself is legal GeoJSON and common in real data. Mending costs about as much as
there are crossings, and a hostile ring of a few thousand points can cross itself millions of times; so
crossings are counted first, as far as the limit, and a tangle is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from hansa.kernel.errors import BadRequest

__all__ = ["MAX_CROSSINGS", "mended"]

MAX_CROSSINGS: Final = 2_000
"""An area that crosses itself more often is refused; 5,000 crossings take 0.2 s to mend."""

_PAIRS_AT_ONCE: Final = 2_000_000
"""Bound on the pairs of segments that one step of the count may find."""

_REPAIRS: Final[tuple[Callable[[BaseGeometry], BaseGeometry], ...]] = (
    partial(shapely.make_valid, method="structure", keep_collapsed=False),
    shapely.make_valid,
    partial(shapely.buffer, distance=0.0),
)
"""Ways to mend a geometry, the best first; none of them succeeds with everything."""


def mended(geometry: BaseGeometry, subject: str) -> BaseGeometry:
    """`geometry`, valid; a ring without area becomes a line or a point.

    Raises:
        BadRequest: it crosses itself too often, or nothing is left inside it.
    """
    if shapely.is_valid(geometry):
        return geometry
    place = f"{subject}, coordinates"
    if geometry.geom_type.endswith("Polygon") and _is_tangle(geometry):
        raise BadRequest(
            place,
            f"the area crosses itself more than {MAX_CROSSINGS:,} times",
            "mend it with a geometry tool before sending it",
        )
    for repair in _REPAIRS:
        try:
            result = _largest_kind(repair(geometry))
        except shapely.errors.GEOSException:
            continue
        if not result.is_empty and shapely.is_valid(result):
            return result
    raise BadRequest(place, "nothing is left inside the polygon", "correct its rings")


def _is_tangle(geometry: BaseGeometry) -> bool:
    """Whether more than the allowed number of pairs of its edges touch, apart from neighbours."""
    ends = [
        shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(geometry))
    ]
    edges = shapely.linestrings(
        np.concatenate([np.stack((line[:-1], line[1:]), axis=1) for line in ends])
    )
    tree = shapely.STRtree(edges)
    step = max(1, _PAIRS_AT_ONCE // len(edges))
    left = 2 * MAX_CROSSINGS
    for start in range(0, len(edges), step):
        some = edges[start : start + step]
        pairs = tree.query(some, predicate="intersects").shape[1]
        left -= pairs - 3 * len(some)  # an edge meets itself and its two neighbours
        if left < 0:
            return True
    return False


def _largest_kind(geometry: BaseGeometry) -> BaseGeometry:
    """Areas alone if there are any, else lines alone, else points."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    sizes = shapely.get_dimensions(parts)
    return shapely.union_all(parts[sizes == max(sizes, default=0)])
