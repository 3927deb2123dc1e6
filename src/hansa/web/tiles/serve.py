"""Tiles over HTTP: ``/tiles.json`` and ``/tiles/{z}/{x}/{y}.mvt``.

A tile is looked for in memory, then put together from the layers on disk; only layers that are
missing or outdated are made, in a worker thread, and identical requests at the same moment share
that one computation. Tiles are kept and sent compressed.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.kernel.errors import NotFound
from hansa.store.port import Reader
from hansa.web.freshness import ChangeSource, Freshness
from hansa.web.tiles.blocks import Blocks
from hansa.web.tiles.build import build_layer
from hansa.web.tiles.cache import DiskCache, MemoryCache, Tile
from hansa.web.tiles.layers import LAYERS, MAX_ZOOM, Layer
from hansa.web.tiles.others import other_layers, other_types

__all__ = ["TileServer", "tile_routes"]

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"


class TileServer:
    """The tiles of one store.

    Args:
        store: where entities live (read only).
        expand: city-context term to IRI.
        path: the cache file; ``None`` keeps parts in memory.
        feed: tells of every change, whether it is drawn or not; `store` if not given.
        mark: a word that changes when more, or less, may be drawn than before.
    """

    def __init__(
        self,
        store: Reader,
        expand: Callable[[str], str],
        path: Path | None,
        feed: Callable[[], ChangeSource] | None = None,
        mark: Callable[[], str] = str,
    ) -> None:
        self._store, self._mark = store, mark
        self._feed = feed or (lambda: store)
        self._blocks = Blocks(store, expand)
        self._disk = DiskCache(path)
        self._memory = MemoryCache()
        self._expand = expand
        self._others: tuple[tuple[int, str], tuple[Layer, ...]] = ((-1, ""), ())
        self._types = {layer.name: [expand(term) for term in layer.types] for layer in LAYERS}
        self._versions: dict[str, int] = {}
        self._running: dict[Tile, asyncio.Future[tuple[str, bytes]]] = {}

    @cached_property
    def _freshness(self) -> Freshness:
        return Freshness(self._feed(), self._disk.state(), self._mark)

    def layers(self) -> tuple[Layer, ...]:
        """Every layer of a tile: those of the table, then the general one for all other places."""
        newest = self._feed().last_change(), self._mark()
        if self._others[0] != newest:
            found = other_layers(other_types(self._store.shapes(), self._expand))
            self._others = (newest, found)
        return (*LAYERS, *self._others[1])

    def has_others(self) -> bool:
        """Whether anything has a location that no layer of the table draws."""
        return bool(self.layers()[-1].types)

    def version(self) -> str:
        """A short text that changes when any layer does."""
        return _digest(self._current(self.layers()))

    def _current(self, layers: tuple[Layer, ...]) -> dict[str, int]:
        """The version of each layer; kept on disk when one has moved."""
        types = {layer.name: layer.types for layer in layers} | self._types
        versions = {name: self._freshness.of(found) for name, found in types.items()}
        if versions != self._versions:
            self._versions = versions
            self._disk.save_state(self._freshness.state(), versions)
        return versions

    def tile(self, tile: Tile) -> tuple[str, bytes]:
        """Version and gzip-compressed bytes of `tile`; the bytes are empty for an empty tile."""
        layers = self.layers()
        versions = self._current(layers)
        version = _digest(versions)
        found = self._memory.get(tile, version)
        if found is None:
            found = self._make(tile, layers, versions)
            self._memory.put(tile, version, found)
        return version, found

    def _make(self, tile: Tile, layers: tuple[Layer, ...], versions: dict[str, int]) -> bytes:
        parts: list[bytes] = []
        fresh: dict[str, tuple[int, bytes]] = {}
        for layer in layers:
            version = versions[layer.name]
            data = self._disk.get(layer.name, tile, version)
            if data is None:
                wanted = layer.types and tile[0] >= layer.from_zoom
                features = self._blocks.features(layer, version, tile) if wanted else []
                data = build_layer(layer, tile, features)
                fresh[layer.name] = (version, data)
            parts.append(data)
        if fresh:
            self._disk.put(tile, fresh)
        whole = b"".join(parts)
        return gzip.compress(whole, 3, mtime=0) if whole else b""

    async def shared(self, tile: Tile) -> tuple[str, bytes]:
        """As :meth:`tile`, from the event loop; requests for the same tile share the work."""
        running = self._running.get(tile)
        if running is None:
            running = asyncio.ensure_future(run_in_threadpool(self.tile, tile))
            self._running[tile] = running
            running.add_done_callback(lambda _: self._running.pop(tile, None))
        return await asyncio.shield(running)


def _digest(versions: dict[str, int]) -> str:
    return hashlib.sha256(repr(sorted(versions.items())).encode()).hexdigest()[:16]


def tile_routes(server: TileServer, attribution: Callable[[], str]) -> list[BaseRoute]:
    """The two addresses of the tiles; `attribution` is the plain text that must be shown."""

    async def describe(request: Request) -> Response:
        version = await run_in_threadpool(server.version)
        text = await run_in_threadpool(attribution)
        return JSONResponse(_tilejson(str(request.base_url), version, text, server.layers()))

    async def tile(request: Request) -> Response:
        numbers = request.path_params
        z, x, y = numbers["z"], numbers["x"], numbers["y"]
        if z > MAX_ZOOM or x >= 2**z or y >= 2**z:
            raise NotFound(
                f"tile {z}/{x}/{y}",
                "is not on the map",
                f"zooms go from 0 to {MAX_ZOOM}, columns and rows from 0 to 2^zoom - 1",
            )
        version, data = await server.shared((z, x, y))
        return _answer(request, version, data)

    return [
        Route("/tiles.json", describe),
        Route("/tiles/{z:int}/{x:int}/{y:int}.mvt", tile),
    ]


def _answer(request: Request, version: str, data: bytes) -> Response:
    etag = f'"{version}"'
    # A page names the version in the address, so what it asked for never changes.
    pinned = request.query_params.get("v") == version
    headers = {
        "ETag": etag,
        "Cache-Control": "public, max-age=86400" if pinned else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if not data:
        return Response(status_code=204, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(gzip.decompress(data), media_type=MEDIA_TYPE, headers=headers)
    return Response(data, media_type=MEDIA_TYPE, headers=headers | {"Content-Encoding": "gzip"})


def _tilejson(
    base: str, version: str, attribution: str, layers: tuple[Layer, ...]
) -> dict[str, Any]:
    """TileJSON 3.0."""
    return {
        "tilejson": "3.0.0",
        "tiles": [f"{base}tiles/{{z}}/{{x}}/{{y}}.mvt?v={version}"],
        "minzoom": 0,
        "maxzoom": MAX_ZOOM,
        "attribution": attribution,
        "vector_layers": [
            {
                "id": layer.name,
                "minzoom": layer.from_zoom,
                "maxzoom": MAX_ZOOM,
                "fields": {name: " or ".join(choice) for name, choice in layer.columns.items()},
            }
            for layer in layers
        ],
    }
