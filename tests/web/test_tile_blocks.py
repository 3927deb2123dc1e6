"""Features are read once for many tiles, and never more than is wanted."""

from __future__ import annotations

import pytest
import shapely

from hansa.store.port import Feature
from hansa.web.tiles import blocks
from hansa.web.tiles.blocks import BLOCK_ZOOM, Blocks
from hansa.web.tiles.layers import LAYERS
from hansa.web.tiles.projection import tile_box, tile_of

STOPS = next(layer for layer in LAYERS if layer.name == "stops")
PLACES = [(-71.0 + 0.01 * n, -30.0) for n in range(20)]


class Source:
    """Points in memory; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, float, float, float]] = []

    def features(self, types, box, values=(), attribute="", limit=1_000_000, without=()):  # type: ignore[no-untyped-def]
        self.asked.append(box)
        west, south, east, north = box
        found = [
            Feature(f"urn:x:{n}", shapely.to_wkb(shapely.Point(x, y)), (None,))
            for n, (x, y) in enumerate(PLACES)
            if west <= x <= east and south <= y <= north
        ]
        return found[:limit]


def expected(tile: tuple[int, int, int]) -> list[str]:
    return [f.id for f in Source().features([], tile_box(*tile, blocks.MARGIN))]


def test_tiles_of_a_block_are_cut_from_one_answer() -> None:
    source = Source()
    kept = Blocks(source, str)
    for zoom in range(BLOCK_ZOOM, 16):
        tile = (zoom, *tile_of(zoom, -71.0, -30.0))
        assert [f.id for f in kept.features(STOPS, 1, tile)] == expected(tile)
    assert len(source.asked) == 1


def test_close_tiles_never_wait_for_their_block() -> None:
    source = Source()
    kept = Blocks(source, str)
    tile = (13, *tile_of(13, -71.0, -30.0))
    for _ in range(blocks.ALONE):
        assert [f.id for f in kept.features(STOPS, 1, tile)] == expected(tile)
    kept.finish()
    assert len(source.asked) == blocks.ALONE + 1
    alone, block = source.asked[0], max(source.asked, key=lambda box: box[2] - box[0])
    assert block[2] - block[0] > 7 * (alone[2] - alone[0])
    assert [f.id for f in kept.features(STOPS, 1, tile)] == expected(tile)
    assert len(source.asked) == blocks.ALONE + 1


def test_far_tiles_ask_the_store_themselves() -> None:
    source = Source()
    kept = Blocks(source, str)
    for _ in range(2):
        assert len(kept.features(STOPS, 1, (5, *tile_of(5, -71.0, -30.0)))) == 20
    assert len(source.asked) == 2


def test_a_new_version_is_read_anew() -> None:
    source = Source()
    kept = Blocks(source, str)
    tile = (12, *tile_of(12, -71.0, -30.0))
    for version in (1, 1, 2, 2):
        kept.features(STOPS, version, tile)
    assert len(source.asked) == 2


def test_a_block_with_too_many_features_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LARGEST", 5)
    source = Source()
    kept = Blocks(source, str)
    tile = (14, *tile_of(14, -71.0, -30.0))
    for _ in range(blocks.ALONE + 2):
        assert [f.id for f in kept.features(STOPS, 1, tile)] == expected(tile)
    kept.finish()
    # Each tile alone, and once in vain for the block.
    assert len(source.asked) == blocks.ALONE + 3


def test_blocks_used_long_ago_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "KEPT", 1)
    source = Source()
    kept = Blocks(source, str)
    here, other = (12, *tile_of(12, -71.0, -30.0)), (12, *tile_of(12, 10.0, 50.0))
    for tile in (here, here, other, here):
        kept.features(STOPS, 1, tile)
    assert len(source.asked) == 3
