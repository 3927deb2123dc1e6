"""One layer of one tile, from features to bytes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from hansa.store.port import Feature
from hansa.web.tiles.geometry import Cut, cut
from hansa.web.tiles.layers import MAX_ZOOM, Layer
from hansa.web.tiles.mvt import Paths, Value, encode_layer
from hansa.web.tiles.projection import area_km2

__all__ = ["build_layer"]

TOLERANCE: Final = 4.0
"""How far simplified lines stray below the deepest zoom: half a pixel of a 512-pixel tile."""


def build_layer(layer: Layer, tile: tuple[int, int, int], features: list[Feature]) -> bytes:
    """The bytes of `layer` on `tile` (zoom, column, row); empty where there is nothing.

    Args:
        features: what the store holds there, with the attributes of the layer's columns as values.
    """
    zoom = tile[0]
    if zoom < layer.from_zoom or not features:
        return b""
    columns = _columns(layer, features)
    if layer.rank:
        visible = [_visible(layer, value, zoom) for value in columns[layer.rank]]
        features = list(compress(features, visible))
        columns = {name: list(compress(values, visible)) for name, values in columns.items()}
    return _encode(layer, tile, features, columns)


def _columns(layer: Layer, features: list[Feature]) -> dict[str, list[Value]]:
    """The tile properties of each feature: the first attribute of a choice that has a value."""
    rows = [feature.values for feature in features]
    columns: dict[str, list[Value]] = {}
    start = 0
    for name, choice in layer.columns.items():
        end = start + len(choice)
        columns[name] = [_first(row[start:end]) for row in rows]
        start = end
    return columns


def _first(values: Sequence[Any]) -> Value:
    for found in values:
        value = found[0] if isinstance(found, list) and found else found
        if isinstance(value, str | int | float | bool):
            return value
    return None


def _visible(layer: Layer, value: Value, zoom: int) -> bool:
    return zoom >= layer.rank_from.get(str(value), layer.rest_from)


def _encode(
    layer: Layer,
    tile: tuple[int, int, int],
    features: list[Feature],
    columns: dict[str, list[Value]],
) -> bytes:
    geometries: npt.NDArray[np.object_] = shapely.from_wkb([feature.wkb for feature in features])
    if layer.area:
        areas = area_km2(geometries)
        columns = columns | {"area": [round(float(area), 4) for area in areas]}
    deepest = tile[0] >= MAX_ZOOM
    part = cut(
        geometries,
        tile,
        layer.kind,
        tolerance=1.0 if deepest else TOLERANCE,
        smallest=0.0 if deepest else layer.smallest,
    )
    kept = part.kept.tolist()
    if tile[0] < layer.known_from:
        anonymous = {n: [v[i] for i in kept] for n, v in columns.items() if n != "name"}
        return encode_layer(layer.name, *_merged(part, anonymous))
    chosen: dict[str, Sequence[Value]] = {"id": [features[i].id for i in kept]}
    chosen |= {name: [values[i] for i in kept] for name, values in columns.items()}
    return encode_layer(layer.name, part.paths, chosen)


def _merged(part: Cut, columns: dict[str, list[Value]]) -> tuple[Paths, dict[str, Sequence[Value]]]:
    """Features whose properties agree become one."""
    paths = part.paths
    rows = list(zip(*columns.values(), strict=True)) if columns else [()] * len(part.kept)
    numbers = {row: number for number, row in enumerate(dict.fromkeys(rows))}
    of_path = np.array([numbers[row] for row in rows], dtype=np.int64)[paths.features]
    order = np.argsort(of_path, kind="stable")
    starts = np.cumsum(paths.lengths) - paths.lengths
    lengths = paths.lengths[order]
    new_starts = np.cumsum(lengths) - lengths
    index = np.repeat(starts[order] - new_starts, lengths) + np.arange(int(lengths.sum()))
    merged = Paths(paths.kind, paths.points[index], lengths, of_path[order])
    values: dict[str, Sequence[Value]] = {
        name: [row[i] for row in numbers] for i, name in enumerate(columns)
    }
    return merged, values
