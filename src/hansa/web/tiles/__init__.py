"""Vector tiles that the node makes from its own entities.

A tile is made in this order: which layers are drawn at that zoom (:mod:`.layers`, and
:mod:`.others` for all that has no layer of its own), what the store holds there (:mod:`.blocks`), drawn (:mod:`.build`): simplified, clipped and set on the tile's grid
(:mod:`.geometry`), written as bytes (:mod:`.mvt`); kept for as long as nothing of that layer changes
(:mod:`hansa.web.freshness`, :mod:`.cache`), and given out (:mod:`.serve`).
"""

from hansa.web.tiles.serve import TileServer, tile_routes

__all__ = ["TileServer", "tile_routes"]
