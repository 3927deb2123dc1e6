"""``/hansa/v1/algorithms``: the register of algorithms, published by the Dutch and Eurocities standard, and changed.

Anyone reads it. ``PUT`` declares or changes a record, ``DELETE`` retires the algorithm; both need a token, or
the session of a page, of a data officer, an administrator or the operator.
"""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hansa.trust.algorithms.fields import FIELDS, PRACTICES
from hansa.web.api.register import answering, body_of
from hansa.web.shell.forms import sender
from hansa.web.shell.site import PageNode

__all__ = ["AlgorithmRoutes"]

_OPEN: Final = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}


class AlgorithmRoutes:
    """The addresses of the register."""

    def __init__(self, node: PageNode) -> None:
        self._node = node

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/hansa/v1/algorithms", answering(self._all)),
            Route("/hansa/v1/algorithms/form", answering(self._form)),
            Route("/hansa/v1/algorithms/{id}", answering(self._one)),
            Route("/hansa/v1/algorithms/{id}", answering(self._put), methods=["PUT"]),
            Route("/hansa/v1/algorithms/{id}", answering(self._retire), methods=["DELETE"]),
        ]

    async def _all(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._node.trust.algorithms.all), headers=_OPEN)

    async def _form(self, request: Request) -> Response:
        """The fields and kinds of use that a record is made of."""
        fields = [
            {
                "name": each.name,
                "part": each.part,
                "help": each.help,
                "kind": each.kind,
                "required": each.required,
                **({"values": each.values} if each.values else {}),
            }
            for each in FIELDS.values()
        ]
        practices = [
            {"name": name, "risk": each.risk, "rule": each.rule, "help": each.words}
            for name, each in PRACTICES.items()
        ]
        return JSONResponse({"fields": fields, "practices": practices}, headers=_OPEN)

    async def _one(self, request: Request) -> Response:
        id = request.path_params["id"]
        return JSONResponse(
            await run_in_threadpool(self._node.trust.algorithms.get, id), headers=_OPEN
        )

    async def _put(self, request: Request) -> Response:
        who = sender(self._node, request)
        await run_in_threadpool(self._node.trust.algorithms.check, who, request.path_params["id"])
        raw = await body_of(request)
        record = await run_in_threadpool(
            self._node.trust.algorithms.declare, who, request.path_params["id"], raw
        )
        return JSONResponse(record)

    async def _retire(self, request: Request) -> Response:
        who = sender(self._node, request)
        await run_in_threadpool(self._node.trust.algorithms.retire, who, request.path_params["id"])
        return Response(status_code=204)
