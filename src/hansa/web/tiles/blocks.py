"""Features read once for many tiles.

A view of a city asks for a dozen neighbouring tiles, and looking closer for four times as many. The
store is therefore asked for a *block*, a tile of zoom 10, and the closer tiles in it are cut from
what it answered. Blocks are dropped when their layer changes, or when too many features are kept.

Close tiles never wait for their block: until it is there they ask for themselves alone, and once a
few have asked, it is read in the background. Who wants to see one street does not wait for a city.

What its source no longer has is not drawn.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import shapely

from hansa.spokes.provenance import VANISHED_AT
from hansa.store.port import Feature
from hansa.web.tiles.layers import Layer
from hansa.web.tiles.projection import tile_box

__all__ = ["BLOCK_ZOOM", "Blocks", "FeatureSource"]

BLOCK_ZOOM: Final = 10
LARGEST: Final = 100_000
"""A block with more features than this is not kept; its tiles ask the store themselves."""

KEPT: Final = 200_000
"""Features kept in all blocks together, at a few hundred bytes each."""

ALONE: Final = 3
"""Close tiles of a block that are asked for before it pays to read it whole."""

_COUNTED: Final = 10_000

CLOSE: Final = 13
"""From this zoom on a tile holds so little of its block that reading it alone is quick."""

MARGIN: Final = 0.02
"""How far over the tile's edge features are wanted, so that the clipping margin is filled."""

Tile = tuple[int, int, int]

_Wanted = tuple[tuple[str, ...], tuple[str, ...]]
"""Types and attributes: layers that want the same share their blocks."""

_Key = tuple[_Wanted, int, int]


class FeatureSource(Protocol):
    """The part of a store that tiles need."""

    def features(
        self,
        types: Sequence[str],
        box: tuple[float, float, float, float],
        values: Sequence[str] = (),
        attribute: str = "https://uri.etsi.org/ngsi-ld/location",
        limit: int = 1_000_000,
        without: Sequence[str] = (),
    ) -> list[Feature]:
        """As in :class:`hansa.store.port.Store`."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Features and their boxes (west, south, east, north); ``None`` when there are too many."""

    version: int
    features: list[Feature] | None
    boxes: npt.NDArray[np.float64]

    def within(self, box: tuple[float, float, float, float]) -> list[Feature] | None:
        """The features whose box meets `box`, in the order of the store."""
        if self.features is None:
            return None
        west, south, east, north = box
        b = self.boxes
        meets = (b[:, 0] <= east) & (b[:, 2] >= west) & (b[:, 1] <= north) & (b[:, 3] >= south)
        return [self.features[i] for i in np.flatnonzero(meets).tolist()]


class Blocks:
    """Gives the features of a layer on a tile; safe to ask from any thread.

    Args:
        source: the store.
        iri: expands the terms of the layer table.
    """

    def __init__(self, source: FeatureSource, iri: Callable[[str], str]) -> None:
        self._source = source
        self._iri = iri
        self._blocks: OrderedDict[_Key, _Block] = OrderedDict()
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self._early: dict[_Key, tuple[int, int]] = {}
        self._reading = ThreadPoolExecutor(1, "hansa-tiles")

    def features(self, layer: Layer, version: int, tile: Tile) -> list[Feature]:
        """Features of `layer`, in its `version`, whose boxes meet `tile` and a margin around it."""
        box = tile_box(*tile, MARGIN)
        block = None
        if tile[0] >= CLOSE:
            block = self._ready(layer, version, tile)
        elif tile[0] >= BLOCK_ZOOM:
            block = self._block(layer, version, tile)
        found = None if block is None else block.within(box)
        return self._ask(layer, box) if found is None else found

    def _ready(self, layer: Layer, version: int, tile: Tile) -> _Block | None:
        """The block of a close tile if it has been read; if not, see that it is, once it pays."""
        key = _key(layer, tile)
        with self._lock:
            block = self._blocks.get(key)
            if block is not None and block.version == version:
                self._blocks.move_to_end(key)
                return block
            seen, times = self._early.get(key, (version, 0))
            times = times + 1 if seen == version else 1
            if len(self._early) >= _COUNTED:
                self._early.clear()
            self._early[key] = (version, times)
        if times == ALONE:
            self._reading.submit(self._block, layer, version, tile)
        return None

    def finish(self) -> None:
        """Wait for the blocks that are being read; no more are read in the background."""
        self._reading.shutdown()

    def _ask(
        self, layer: Layer, box: tuple[float, float, float, float], limit: int = 1_000_000
    ) -> list[Feature]:
        types, names = _wanted(layer)
        return self._source.features(
            [self._iri(term) for term in types],
            box,
            [self._iri(name) for name in names],
            limit=limit,
            without=(VANISHED_AT,),
        )

    def _block(self, layer: Layer, version: int, tile: Tile) -> _Block:
        key = _key(layer, tile)
        with self._lock:
            loading = self._loading.setdefault(layer.name, threading.Lock())
        with loading:
            with self._lock:
                found = self._blocks.get(key)
                if found is not None and found.version == version:
                    self._blocks.move_to_end(key)
                    return found
            made = self._load(layer, version, key)
            with self._lock:
                self._blocks[key] = made
                self._blocks.move_to_end(key)
                self._early.pop(key, None)
                self._drop()
        return made

    def _load(self, layer: Layer, version: int, key: _Key) -> _Block:
        box = tile_box(BLOCK_ZOOM, key[1], key[2], MARGIN)
        features = self._ask(layer, box, LARGEST + 1)
        if len(features) > LARGEST:
            return _Block(version, None, np.empty((0, 4)))
        boxes = shapely.bounds(shapely.from_wkb([feature.wkb for feature in features]))
        return _Block(version, features, boxes.reshape(-1, 4))

    def _drop(self) -> None:
        """Let go of the blocks used longest ago while too much is kept."""
        total = sum(len(block.boxes) for block in self._blocks.values())
        while total > KEPT and len(self._blocks) > 1:
            _, dropped = self._blocks.popitem(last=False)
            total -= len(dropped.boxes)


def _key(layer: Layer, tile: Tile) -> _Key:
    zoom, column, row = tile
    up = zoom - BLOCK_ZOOM
    return _wanted(layer), column >> up, row >> up


def _wanted(layer: Layer) -> _Wanted:
    return layer.types, tuple(name for choice in layer.columns.values() for name in choice)
