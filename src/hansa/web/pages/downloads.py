"""All entities of a type as a file: GeoJSON to draw, JSON-LD to keep. Streamed, whatever the number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import orjson
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hansa.ngsild.city import CITY_PATH, city_context
from hansa.ngsild.model import Entity
from hansa.ngsild.query import Query, TypeName
from hansa.ngsild.represent import View, feature, represent
from hansa.web.pages.facts import Facts, Kind
from hansa.web.shell.site import Site

__all__ = ["Downloads"]

_BATCH: Final = 1_000
_CHUNK: Final = 2**18
_PLAIN: Final = View(city_context(), form="simplified")
_WHOLE: Final = View(city_context())


class Downloads:
    """Handlers of the files."""

    def __init__(self, site: Site, facts: Facts) -> None:
        self._site = site
        self._facts = facts

    async def geojson(self, request: Request) -> Response:
        """``/data/{type}.geojson``: the entities that have a place, with plain values."""
        kind = await run_in_threadpool(self._facts.kind, request.path_params["type"])
        return _file(self._features(kind), kind, "geojson", "application/geo+json")

    async def jsonld(self, request: Request) -> Response:
        """``/data/{type}.jsonld``: the entities, normalized."""
        kind = await run_in_threadpool(self._facts.kind, request.path_params["type"])
        base = self._site.base(request)
        return _file(self._graph(kind, base), kind, "jsonld", "application/ld+json")

    def _entities(self, kind: Kind) -> Iterator[Entity]:
        offset = 0
        while True:
            query = Query(types=TypeName(kind.iri), limit=_BATCH, offset=offset)
            documents = self._facts.store.query(query).documents
            yield from map(orjson.loads, documents)
            if len(documents) < _BATCH:
                return
            offset += _BATCH

    def _features(self, kind: Kind) -> Iterator[bytes]:
        yield b'{"type":"FeatureCollection","features":['
        between = b"\n"
        for entity in self._entities(kind):
            found = feature(entity, _PLAIN)
            if found["geometry"] is not None:
                found["properties"].pop("location", None)
                yield between + orjson.dumps(found)
                between = b",\n"
        yield b"\n]}\n"

    def _graph(self, kind: Kind, base: str) -> Iterator[bytes]:
        yield b'{"@context":' + orjson.dumps(base + CITY_PATH) + b',"@graph":['
        between = b"\n"
        for entity in self._entities(kind):
            yield between + orjson.dumps(represent(entity, _WHOLE))
            between = b",\n"
        yield b"\n]}\n"


def _file(pieces: Iterator[bytes], kind: Kind, ending: str, media: str) -> Response:
    name = quote(kind.term.rsplit("/", 1)[-1], safe="")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}.{ending}",
        "X-Content-Type-Options": "nosniff",
    }
    chunks = iterate_in_threadpool(_gathered(pieces))
    return StreamingResponse(chunks, media_type=media, headers=headers)


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    chunk: list[bytes] = []
    size = 0
    for piece in pieces:
        chunk.append(piece)
        size += len(piece)
        if size > _CHUNK:
            yield b"".join(chunk)
            chunk, size = [], 0
    yield b"".join(chunk)
