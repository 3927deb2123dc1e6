"""``/live/vehicles``: where vehicles are, as server-sent events.

A reader first gets ``all`` (every vehicle that is on the way), then ``some`` for each change. One task
follows the change feed for all readers together; a reader that is too slow to keep up is given ``all``
again instead of what it missed, so it delays nobody and is never wrong for long.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hansa.hub.feed import follow
from hansa.kernel.errors import Unavailable
from hansa.ngsild.model import LOCATION, Entity
from hansa.ngsild.query import Query, TypeName
from hansa.spokes.provenance import VANISHED_AT
from hansa.store.port import Change
from hansa.web.pages.values import first
from hansa.web.shell.site import Site

__all__ = ["VehicleStream"]

_QUEUE: Final = 32
_READERS: Final = 500
_BEAT: Final = 15.0
"""Seconds of silence after which a comment keeps the connection open."""

_MOST: Final = 10_000
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}


class _Reader:
    """One open page: what it is still to be sent, and whether it missed something."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue(_QUEUE)
        self.missed = False

    def offer(self, message: bytes) -> None:
        """Queue a message; a full queue is given up, because ``all`` will replace it."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.missed = True
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(b"")


class VehicleStream:
    """The stream of one node's vehicles."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._type = site.iri("Vehicle")
        self._heading = (site.iri("heading"), site.iri("bearing"))
        self._how = site.iri("positionSource")
        self._readers: set[_Reader] = set()
        self._task: asyncio.Task[None] | None = None

    async def stream(self, request: Request) -> Response:
        """``/live/vehicles``"""
        if len(self._readers) >= _READERS:
            raise Unavailable(
                "the stream of vehicles",
                f"has {_READERS} readers already",
                "try again later, or query the entities of type Vehicle now and then",
            )
        return StreamingResponse(self._events(), media_type="text/event-stream", headers=_HEADERS)

    async def _events(self) -> AsyncIterator[bytes]:
        reader = _Reader()
        self._readers.add(reader)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow(self._site.store.last_change()))
        try:
            yield b"retry: 3000\n\n" + await run_in_threadpool(self._all)
            while True:
                try:
                    message = await asyncio.wait_for(reader.queue.get(), _BEAT)
                except TimeoutError:
                    message = b": still here\n\n"
                if reader.missed:
                    reader.missed = False
                    message = await run_in_threadpool(self._all)
                yield message
        finally:
            self._readers.discard(reader)

    async def _follow(self, after: int) -> None:
        """Hand each change after number `after` on, for as long as somebody reads."""
        async with contextlib.aclosing(follow(self._site.store, after)) as batches:
            async for changes in batches:
                if not self._readers:
                    return
                moved = [m for c in changes if self._type in c.types and (m := self._moved(c))]
                if moved:
                    message = _event("some", moved)
                    for reader in self._readers:
                        reader.offer(message)

    def _all(self) -> bytes:
        on_the_way = Query(types=TypeName(self._type), without=(VANISHED_AT,), limit=_MOST)
        page = self._site.store.query(on_the_way)
        found = (self._present(orjson.loads(document)) for document in page.documents)
        return _event("all", [vehicle for vehicle in found if vehicle])

    def _moved(self, change: Change) -> dict[str, Any] | None:
        if change.kind == "deleted" or change.attributes.get(VANISHED_AT):
            return {"id": change.id, "gone": True}
        return self._present({"id": change.id, **change.attributes})

    def _present(self, entity: Entity) -> dict[str, Any] | None:
        """What the map needs of a vehicle; ``None`` when it says nothing of where it is."""
        place = first(entity, LOCATION)
        if not isinstance(place, dict) or place.get("type") != "Point":
            return None
        found: dict[str, Any] = {"id": entity["id"], "at": place["coordinates"][:2]}
        for iri in self._heading:
            heading = first(entity, iri)
            if isinstance(heading, int | float):
                found["heading"] = heading
        how = first(entity, self._how)
        if isinstance(how, str):
            found["how"] = how
        return found


def _event(name: str, data: list[dict[str, Any]]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"
