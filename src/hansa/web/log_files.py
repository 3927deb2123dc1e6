"""The gate's log on the web: plain files that anyone may fetch, cache and mirror, and the witness's door.

``/log/checkpoint``, ``/log/tile/<L>/<N>[.p/<W>]`` and ``/log/tile/entries/<N>[.p/<W>]`` are C2SP
tlog-tiles; ``POST /log/add-checkpoint`` and ``/log/<SHA-256 of an origin>/checkpoint`` are C2SP
tlog-witness; ``/log/volumes/<n>/…`` are earlier volumes; ``/log/key`` and ``/log/verify_log.py`` are for auditors. ``/hansa/v1/log`` says the same as
JSON. None of them asks who reads: the log names nobody, and only what is signed is shown.
"""

from __future__ import annotations

from importlib import resources
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hansa.kernel.errors import HansaError, InvalidRequest, NotFound
from hansa.trust.log.book import Numbered
from hansa.trust.log.notes import Checkpoint, encoded
from hansa.trust.log.tiles import Tile
from hansa.trust.log.volumes import Volume
from hansa.web.api.problem import problem
from hansa.web.shell.site import PageNode

__all__ = ["LogRoutes"]

_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_SOON: Final = {"Cache-Control": "public, max-age=1"}
_BYTES: Final = "application/octet-stream"
_LONGEST: Final = 100_000
_MOST: Final = 1_000
_OPEN: Final = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}


class LogRoutes:
    """The addresses of a node's log."""

    def __init__(self, node: PageNode) -> None:
        self._node = node

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/log/checkpoint", self._checkpoint),
            Route("/log/key", self._key),
            Route("/log/verify_log.py", self._verifier),
            Route("/log/tile/{path:path}", self._tile),
            Route("/log/volumes/{number:int}/checkpoint", self._old_checkpoint),
            Route("/log/volumes/{number:int}/key", self._old_key),
            Route("/log/volumes/{number:int}/tile/{path:path}", self._old_tile),
            Route("/log/add-checkpoint", self._add, methods=["POST"]),
            Route("/log/{origin}/checkpoint", self._witnessed),
            Route("/hansa/v1/log", self._about),
            Route("/hansa/v1/log/entries", self._entries),
        ]

    async def _checkpoint(self, request: Request) -> Response:
        note = self._node.trust.log.shown
        if note is None:
            return _none("nothing has been logged as yet")
        return PlainTextResponse(note.to_bytes(), headers=_SOON | _OPEN)

    async def _key(self, request: Request) -> Response:
        key = self._node.trust.log.keys.log.verifier.vkey
        return PlainTextResponse(key + "\n", headers=_SOON | _OPEN)

    async def _verifier(self, request: Request) -> Response:
        text = resources.files("hansa").joinpath("cli", "verify_log.py").read_text()
        named = {"Content-Disposition": 'attachment; filename="verify_log.py"'}
        return Response(text, media_type="text/x-python", headers=named | _SOON | _OPEN)

    async def _tile(self, request: Request) -> Response:
        tile = Tile.parse(request.path_params["path"])
        found = None if tile is None else await run_in_threadpool(self._node.trust.log.tile, tile)
        if found is None:
            return _none("the log has no such tile")
        return Response(found, media_type=_BYTES, headers=_FOREVER | _OPEN)

    async def _old_checkpoint(self, request: Request) -> Response:
        volume = await self._volume(request)
        if volume is None:
            return _none("there is no such volume")
        return PlainTextResponse(volume.note.to_bytes(), headers=_SOON | _OPEN)

    async def _old_key(self, request: Request) -> Response:
        volume = await self._volume(request)
        if volume is None:
            return _none("there is no such volume")
        return PlainTextResponse(volume.vkey + "\n", headers=_SOON | _OPEN)

    async def _old_tile(self, request: Request) -> Response:
        volume = await self._volume(request)
        tile = Tile.parse(request.path_params["path"])
        if volume is None or tile is None:
            return _none("there is no such tile")
        found = await run_in_threadpool(volume.tile, tile)
        if found is None:
            return _none("the volume has no such tile")
        return Response(found, media_type=_BYTES, headers=_FOREVER | _OPEN)

    async def _volume(self, request: Request) -> Volume | None:
        return await run_in_threadpool(self._node.trust.volumes.get, request.path_params["number"])

    async def _add(self, request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST:
                return PlainTextResponse("the request is too long\n", 413)
        node = self._node
        try:
            reply = await run_in_threadpool(
                node.trust.witness.add_checkpoint, body, node.trust.log.held
            )
        except OSError:
            return PlainTextResponse("this witness cannot write now\n", 503)
        return Response(reply.body, reply.status, media_type=reply.media_type)

    async def _witnessed(self, request: Request) -> Response:
        found = self._node.trust.witness.checkpoint(request.path_params["origin"])
        if found is None:
            return _none("this node has cosigned nothing for such a log")
        return PlainTextResponse(found, headers=_SOON | _OPEN)

    # -- as JSON ----------------------------------------------------------------------------------

    async def _about(self, request: Request) -> Response:
        return JSONResponse(about(self._node), headers=_SOON | _OPEN)

    async def _entries(self, request: Request) -> Response:
        book = self._node.trust.log
        try:
            limit = _number(request, "limit", 20, 1, _MOST)
            start = _number(request, "from", max(0, book.shown_size - limit), 0, 2**53)
        except HansaError as error:
            return _problem(error)
        end = min(start + limit, book.shown_size)
        found = await run_in_threadpool(book.entries, start, end)
        return JSONResponse([plain(each) for each in found], headers=_SOON | _OPEN)


def about(node: PageNode) -> dict[str, Any]:
    """What there is to know of a log before it is checked."""
    book = node.trust.log
    note = book.shown
    head = None if note is None else Checkpoint.parse(note.text)
    return {
        "origin": book.origin,
        "key": book.keys.log.verifier.vkey,
        "witnessKey": node.trust.witness.verifier.vkey,
        "size": 0 if head is None else head.size,
        "root": None if head is None else encoded(head.root),
        "held": book.held or None,
        "volumes": [
            {
                "number": each.number,
                "origin": each.head.origin,
                "size": each.head.size,
                "key": each.vkey,
            }
            for each in node.trust.volumes
        ],
        "witnesses": [
            {"name": each.key.name, "url": each.url, "size": each.size, "at": each.at or None}
            for each in node.trust.asking.witnesses
        ],
        "cosigns": [
            {"origin": each.origin, "size": each.size} for each in node.trust.witness.logs()
        ],
    }


def plain(numbered: Numbered) -> dict[str, Any]:
    """An entry as JSON."""
    entry = numbered.entry
    return {
        "index": numbered.index,
        "time": entry.time,
        "kind": entry.kind,
        "who": encoded(entry.who),
        "what": encoded(entry.what),
        "things": entry.things,
        "rules": list(entry.rules),
        "reason": entry.reason,
    }


def _number(request: Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 17 and low <= int(text) <= high):
        raise InvalidRequest(f"parameter '{name}'", f"is no whole number from {low} to {high}")
    return int(text)


def _none(why: str) -> Response:
    return _problem(NotFound("the log", why, "see /open-book/log for what there is"))


def _problem(error: HansaError) -> Response:
    return JSONResponse(
        problem(error), error.status, media_type="application/problem+json", headers=_OPEN
    )
