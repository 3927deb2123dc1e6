"""Geometry: which entities stand in a spatial relation, and what lies in a box to be drawn.

A geoquery is answered in two steps within one snapshot. The R*Tree gives the candidates whose box
meets the search box; then shapely decides about all of them at once, on arrays, which costs a
fraction of asking row by row inside the statement. The query proper gets the keys that remain, so
that filter, count, order and page are right.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any, Final

import apsw
import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from hansa.ngsild.geo import distance, relate, search_box
from hansa.ngsild.query import GeoFilter
from hansa.ngsild.repair import mended
from hansa.store.port import Feature
from hansa.store.sqlite.schema import PLACE_BITS

__all__ = ["Distances", "features", "keys_related"]

Box = tuple[float, float, float, float]

_WGS84: Final = Geod(ellps="WGS84")
_POINT: Final = 0

# The reference comes first, so that its prepared form does the work.
_PREDICATES: Final = {
    "within": shapely.contains,
    "contains": shapely.within,
    "intersects": shapely.intersects,
    "disjoint": shapely.disjoint,
    "overlaps": shapely.overlaps,
}
_SEPARATOR: Final = "\x1e"

_BOX_NAMED: Final = "west <= :e AND east >= :w AND south <= :n AND north >= :s"
_IN_BOX: Final = "west <= ?3 AND east >= ?1 AND south <= ?4 AND north >= ?2"


def _candidates(
    connection: apsw.Connection, attribute: str, box: Box | None
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Keys of entities and geometries of `attribute` whose box meets `box` (``None``: all)."""
    # One text is one step of the statement, however many rows: between steps, other threads of
    # the process may take the interpreter for long.
    found = connection.execute(
        f"SELECT group_concat(id >> {PLACE_BITS}, ' '), group_concat(hex(wkb), ' ') FROM place"
        f" WHERE {_IN_BOX} AND attribute = ?5",
        (*(box or (-np.inf, -np.inf, np.inf, np.inf)), attribute),
    ).get
    if found[0] is None:
        return np.empty(0, np.int64), np.empty(0, object)
    keys = np.fromstring(found[0], np.int64, sep=" ")
    # Reading bytes costs a tenth of reading hexadecimal text.
    packed = np.array([bytes.fromhex(each) for each in found[1].split(" ")], dtype=object)
    return keys, shapely.from_wkb(packed)


def keys_related(connection: apsw.Connection, geo: GeoFilter) -> array[int]:
    """The keys of the entities that stand in the relation, ascending."""
    keys, geometries = _candidates(connection, geo.attribute, search_box(geo))
    if not len(keys):
        return array("q")
    shapely.prepare(geo.geometry)
    return array("q", np.unique(keys[_related(geo, geometries)]).tobytes())


def _related(geo: GeoFilter, geometries: NDArray[Any]) -> NDArray[np.bool_]:
    if geo.relation == "near":
        return _near(geo, geometries)
    if geo.relation == "equals":
        return _equal(geo.geometry, geometries)
    # Tiny edges may make the geometry library divide by zero, without harm.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.asarray(_PREDICATES[geo.relation](geo.geometry, geometries))


def _equal(reference: BaseGeometry, geometries: NDArray[Any]) -> NDArray[np.bool_]:
    """Which geometries are the same area, line or point; told apart by their boxes first.

    The reference was mended where it crossed itself, so these are too.
    """
    same = np.zeros(len(geometries), bool)
    alike = (shapely.bounds(geometries) == shapely.bounds(reference)).all(axis=1)
    for index in np.flatnonzero(alike):
        same[index] = shapely.equals(reference, mended(geometries[index], "the geometry"))
    return same


def _near(geo: GeoFilter, geometries: NDArray[Any]) -> NDArray[np.bool_]:
    """Which geometries are near; measured exactly only where their vertices leave it open."""
    least, most = geo.min_distance, geo.max_distance
    if geo.geometry.geom_type != "Point":
        return np.fromiter((relate(geo, g) for g in geometries), bool, len(geometries))
    at_most = _nearest_vertex(geo.geometry, geometries)
    near = np.ones(len(geometries), bool) if most is None else at_most <= most
    unclear = ~near
    if least is not None:
        near &= at_most > least
        unclear |= near
    unclear &= shapely.get_type_id(geometries) != _POINT
    for index in np.flatnonzero(unclear):
        near[index] = relate(geo, geometries[index])
    return near


def _nearest_vertex(origin: BaseGeometry, geometries: NDArray[Any]) -> NDArray[np.float64]:
    """Metres from a point to the nearest vertex of each geometry; for points that is all."""
    vertices, owners = shapely.get_coordinates(geometries, return_index=True)
    x, y = np.full(len(vertices), origin.x), np.full(len(vertices), origin.y)
    away = _WGS84.inv(x, y, vertices[:, 0], vertices[:, 1])[2]
    nearest = np.full(len(geometries), np.inf)
    np.minimum.at(nearest, owners, away)
    return nearest


class Distances:
    """Metres from a geometry to the nearest geometry of an entity, by its key, measured on demand."""

    def __init__(self, connection: apsw.Connection, attribute: str, origin: BaseGeometry) -> None:
        self._origin = origin
        self._known: dict[int, float] = {}
        self._geometries: dict[int, list[BaseGeometry]] = {}
        keys, geometries = _candidates(connection, attribute, None)
        for key, geometry in zip(keys.tolist(), geometries, strict=True):
            self._geometries.setdefault(key, []).append(geometry)

    def get(self, key: int) -> float | None:
        """The distance, ``None`` for an entity without such a geometry."""
        if key not in self._known and key in self._geometries:
            found = self._geometries[key]
            self._known[key] = min(distance(self._origin, each) for each in found)
        return self._known.get(key)


def features(
    connection: apsw.Connection,
    attribute: str,
    box: Box,
    shapes: str,
    values: str,
    limit: int,
    bound: Mapping[str, Any],
) -> list[Feature]:
    """Features whose box meets `box`; `shapes` is a condition, `values` a JSON array, both in SQL.

    `bound` are the values of the condition.
    """
    found = connection.execute(
        "SELECT group_concat(id, char(30)), group_concat(hex, char(30)), group_concat(facts) FROM ("
        f"SELECT entity.id AS id, hex(wkb) AS hex, {values} AS facts"
        f" FROM place CROSS JOIN entity ON entity.key = place.id >> {PLACE_BITS}"
        f" WHERE {_BOX_NAMED} AND place.attribute = :attribute AND {shapes} LIMIT :most)",
        dict(zip(("w", "s", "e", "n"), box, strict=True), attribute=attribute, most=limit, **bound),
    ).get
    ids, geometries, facts = found
    if ids is None:
        return []
    columns = zip(
        ids.split(_SEPARATOR),
        map(bytes.fromhex, geometries.split(_SEPARATOR)),
        map(tuple, orjson.loads(f"[{facts}]")),
        strict=True,
    )
    return list(map(Feature._make, columns))
