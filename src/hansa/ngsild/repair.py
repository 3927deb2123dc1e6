"""Mending areas that cross themselves, within bounds.

A polygon that crosses itself is legal GeoJSON and common in real data. Mending costs about as much as
there are crossings, and a hostile ring of a few thousand points can cross itself millions of times; so
crossings are counted first, as far as the limit, and a tangle is refused.

Even to find out whether an area is sound costs as much as there are pairs of edges that could meet, as
their boxes overlap. A coastline has a few for each edge; a hostile comb of 60,000 points has a
thousand million, and takes 80 s. So these are counted before anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from hansa.kernel.errors import BadRequest

__all__ = ["MAX_CROSSINGS", "MAX_RINGS", "mended"]

MAX_CROSSINGS: Final = 2_000
"""An area that crosses itself more often is refused; 5,000 crossings take 0.2 s to mend."""

MAX_RINGS: Final = 5_000
"""A broken area of more rings is refused; 20,000 rings take 15 s to mend."""

_PAIRS_AT_ONCE: Final = 200_000
"""Bound on the pairs of segments that one step of the count may find."""

_FEW: Final = 1_000
"""Edges of which every pair may be looked at."""

_NEARBY: Final = 30
"""Edges whose boxes overlap that of an edge, at most, on average; a coastline has about 4."""

_REPAIRS: Final[tuple[Callable[[BaseGeometry], BaseGeometry], ...]] = (
    partial(shapely.make_valid, method="structure", keep_collapsed=False),
    shapely.make_valid,
    partial(shapely.buffer, distance=0.0),
)
"""Ways to mend a geometry, the best first; none of them succeeds with everything."""


def mended(geometry: BaseGeometry, subject: str) -> BaseGeometry:
    """`geometry`, valid; a ring without area becomes a line or a point.

    Raises:
        BadRequest: it crosses itself too often, its edges lie too close together, or nothing is left
            inside it.
    """
    place = f"{subject}, coordinates"
    edges = _edges(geometry) if _is_large_area(geometry) else None
    if edges is not None and _meetings(edges, _limit(edges)) is None:
        raise BadRequest(
            place, "too many edges of the area run past each other", "simplify it, or split it"
        )
    if shapely.is_valid(geometry):
        return geometry
    if geometry.geom_type.endswith("Polygon") and _is_tangle(geometry):
        raise BadRequest(
            place,
            f"the area crosses itself more than {MAX_CROSSINGS:,} times, or is broken and has more"
            f" than {MAX_RINGS:,} rings",
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


def _is_large_area(geometry: BaseGeometry) -> bool:
    size = int(shapely.get_num_coordinates(geometry))
    return geometry.geom_type.endswith("Polygon") and size > _FEW


def _is_tangle(geometry: BaseGeometry) -> bool:
    """Whether more than the allowed number of pairs of its edges touch, apart from neighbours."""
    if len(shapely.get_rings(shapely.get_parts(geometry))) > MAX_RINGS:
        return True
    edges = _edges(geometry)
    # An edge meets itself and its two neighbours; each other pair is found twice.
    return _meetings(edges, 3 * len(edges) + 2 * MAX_CROSSINGS, "intersects") is None


def _limit(edges: NDArray[Any]) -> int:
    return _NEARBY * len(edges) + _PAIRS_AT_ONCE


def _edges(geometry: BaseGeometry) -> NDArray[Any]:
    """The edges of all rings of an area, as lines."""
    rings = shapely.get_rings(shapely.get_parts(geometry))
    ends, ring = shapely.get_coordinates(rings, return_index=True)
    pairs = np.stack((ends[:-1], ends[1:]), axis=1)[ring[:-1] == ring[1:]]
    return np.asarray(shapely.linestrings(pairs))


def _meetings(edges: NDArray[Any], most: int, predicate: str | None = None) -> int | None:
    """How many pairs of edges meet (or could, as their boxes do); ``None`` if more than `most`."""
    tree = shapely.STRtree(edges)
    step = max(1, _PAIRS_AT_ONCE // len(edges))
    found = 0
    for start in range(0, len(edges), step):
        found += tree.query(edges[start : start + step], predicate=predicate).shape[1]
        if found > most:
            return None
    return found


def _largest_kind(geometry: BaseGeometry) -> BaseGeometry:
    """Areas alone if there are any, else lines alone, else points."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    sizes = shapely.get_dimensions(parts)
    return shapely.union_all(parts[sizes == max(sizes, default=0)])
