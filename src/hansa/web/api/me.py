"""``/hansa/v1/me/…``: what is held about whoever asks, as JSON and as an archive; and what residents' data staff keep.

My data: ``GET /hansa/v1/me/data``, ``GET /hansa/v1/me/data/export`` (ZIP), ``POST /hansa/v1/me/requests``,
``PUT`` and ``DELETE /hansa/v1/me/consents/{purpose}``. Reading works by a token of an account or by the session's cookie;
changing by a token alone, so that no other site can make a browser do it.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hansa.kernel.errors import Forbidden, InvalidRequest, TooLarge, Unauthorized
from hansa.trust.principals import PUBLIC, Principal
from hansa.web.shell.site import PageNode
from hansa.web.shell.who import asking

__all__ = ["MeRoutes"]

_KEPT: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_LONGEST: Final = 20_000


class MeRoutes:
    """The addresses of my data."""

    def __init__(self, node: PageNode) -> None:
        self._node = node

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/hansa/v1/me/data", self._data),
            Route("/hansa/v1/me/data/export", self._export),
            Route("/hansa/v1/me/requests", self._ask, methods=["POST"]),
            Route("/hansa/v1/me/consents/{purpose:path}", self._give, methods=["PUT"]),
            Route("/hansa/v1/me/consents/{purpose:path}", self._withdraw, methods=["DELETE"]),
        ]

    async def _data(self, request: Request) -> Response:
        found = await run_in_threadpool(self._node.trust.residents.data, self._reader(request))
        return JSONResponse(found, headers=_KEPT)

    async def _export(self, request: Request) -> Response:
        packed = await run_in_threadpool(self._node.trust.residents.export, self._reader(request))
        named = {"Content-Disposition": 'attachment; filename="my-data.zip"'}
        return Response(packed, media_type="application/zip", headers=_KEPT | named)

    async def _ask(self, request: Request) -> Response:
        who, given = self._writer(request), await _body(request)
        entity, want, words = (str(given.get(name, "")) for name in ("entity", "want", "words"))
        made = await run_in_threadpool(self._node.trust.residents.ask, who, entity, want, words)
        return JSONResponse({"id": made.id}, 201, _KEPT)

    async def _give(self, request: Request) -> Response:
        who, given = self._writer(request), await _body(request)
        if other := given.keys() - {"days"}:
            fact, remedy = "is not known here", "say for how many days, as days"
            raise InvalidRequest(f"the member {min(other)[:60]!r}", fact, remedy)
        days = given.get("days", 365)
        if isinstance(days, bool) or not isinstance(days, int):
            raise InvalidRequest("days", "is no whole number", "say for how many days")
        consents, purpose = self._node.trust.residents.consents, request.path_params["purpose"]
        made = await run_in_threadpool(consents.give, who, purpose, days)
        return JSONResponse({"purpose": made.purpose, "until": made.until}, headers=_KEPT)

    async def _withdraw(self, request: Request) -> Response:
        who, purpose = self._writer(request), request.path_params["purpose"]
        await run_in_threadpool(self._node.trust.residents.consents.withdraw, who, purpose)
        return Response(status_code=204, headers=_KEPT)

    def _reader(self, request: Request) -> Principal:
        return asking(self._node.trust.gate, self._node.trust.desk, request).principal

    def _writer(self, request: Request) -> Principal:
        """Who changes something, by a token that lets them."""
        asker = asking(self._node.trust.gate, self._node.trust.desk, request)
        who = PUBLIC if asker.session else asker.principal
        if who.kind == "public":
            raise Unauthorized("my data", "are changed with a token", "send 'Bearer …'")
        whole = who.narrowing is None or who.narrowing.types is None
        if who.kind not in ("resident", "staff") or not who.may("write") or not whole:
            raise Forbidden("my data", "are changed by their owner's token with the scope 'write'")
        return who


async def _body(request: Request) -> dict[str, Any]:
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > _LONGEST:
            raise TooLarge("the request", f"is longer than {_LONGEST:,} bytes", "send less")
    try:
        found = orjson.loads(content or b"{}")
    except orjson.JSONDecodeError as fault:
        raise InvalidRequest("the request", "is no JSON", "send one object") from fault
    if not isinstance(found, dict):
        raise InvalidRequest("the request", "is no JSON object", "send one object")
    return found
