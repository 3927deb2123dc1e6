"""``/hansa/v1/sources``: the register of sources, published, and changed.

Anyone reads it. ``PUT`` declares a source or changes its record, ``DELETE`` withdraws it (the record stays), both
with a token, or the session of a page, of a data officer, an administrator or the operator. ``/hansa/v1/sources/form`` says what a record is
made of; ``?spoke=NAME`` fills in what that kind of source knows.
"""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hansa.trust.sources.record import BASES, REFUSED, elements
from hansa.web.api.register import answering, body_of
from hansa.web.shell.forms import sender
from hansa.web.shell.site import PageNode

__all__ = ["SourceRoutes"]

_OPEN: Final = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}


class SourceRoutes:
    """The addresses of the register."""

    def __init__(self, node: PageNode) -> None:
        self._node = node

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/hansa/v1/sources", answering(self._all)),
            Route("/hansa/v1/sources/form", answering(self._form)),
            Route("/hansa/v1/sources/{id}", answering(self._one)),
            Route("/hansa/v1/sources/{id}", answering(self._put), methods=["PUT"]),
            Route("/hansa/v1/sources/{id}", answering(self._withdraw), methods=["DELETE"]),
            Route("/hansa/v1/sources/{id}/versions", answering(self._versions)),
        ]

    async def _all(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._node.trust.sources.all), headers=_OPEN)

    async def _form(self, request: Request) -> Response:
        spoke = request.query_params.get("spoke", "")
        known = self._node.trust.sources.filled({"adapter": spoke} if spoke else {})
        form = {
            "elements": {part: sorted(names) for part, names in elements().items()},
            "refused": {part: sorted(names) for part, names in REFUSED.items()},
            "lawfulBases": BASES,
            "known": known,
        }
        return JSONResponse(form, headers=_OPEN)

    async def _one(self, request: Request) -> Response:
        id = request.path_params["id"]
        found = await run_in_threadpool(self._node.trust.sources.get, id)
        return JSONResponse(found, headers=_OPEN)

    async def _versions(self, request: Request) -> Response:
        id = request.path_params["id"]
        found = await run_in_threadpool(self._node.trust.sources.versions, id)
        return JSONResponse(found, headers=_OPEN)

    async def _put(self, request: Request) -> Response:
        who, id = sender(self._node, request), request.path_params["id"]
        await run_in_threadpool(self._node.trust.sources.check, who, id)
        raw = await body_of(request)
        return JSONResponse(await run_in_threadpool(self._node.trust.sources.declare, who, id, raw))

    async def _withdraw(self, request: Request) -> Response:
        who, id = sender(self._node, request), request.path_params["id"]
        await run_in_threadpool(self._node.trust.sources.withdraw, who, id)
        return Response(status_code=204)
