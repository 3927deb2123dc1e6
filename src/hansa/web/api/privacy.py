"""``/hansa/v1/privacy``: how people are hidden in what is stored, and what noisy counts have cost. All of it public.

``POST /hansa/v1/privacy/counts`` asks how many there are; it spends a source's budget and so needs a token. The
answers that were given can be read by anyone at the same address.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hansa.trust.anonymise.personal import people, table
from hansa.web.api.register import answering, body_of
from hansa.web.shell.forms import sender
from hansa.web.shell.site import PageNode

__all__ = ["PrivacyRoutes", "sources_shown"]

_OPEN: Final = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}


class PrivacyRoutes:
    """The addresses of what is told about privacy."""

    def __init__(self, node: PageNode) -> None:
        self._node = node

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/hansa/v1/privacy", answering(self._all)),
            Route("/hansa/v1/privacy/personal", answering(self._personal)),
            Route("/hansa/v1/privacy/counts", answering(self._answers)),
            Route("/hansa/v1/privacy/counts", answering(self._count), methods=["POST"]),
            Route("/hansa/v1/privacy/sources/{id}", answering(self._one)),
        ]

    async def _all(self, request: Request) -> Response:
        found = await run_in_threadpool(sources_shown, self._node)
        return JSONResponse({"sources": found}, headers=_OPEN)

    async def _one(self, request: Request) -> Response:
        id = request.path_params["id"]
        record = await run_in_threadpool(self._node.trust.sources.get, id)
        found = await run_in_threadpool(_shown, self._node, record)
        return JSONResponse(found, headers=_OPEN)

    async def _personal(self, request: Request) -> Response:
        """What is personal by its name, who says so, and which steps let it in."""
        rules = [
            {
                "attribute": rule.name,
                "steps": sorted(rule.fits),
                "onlyOn": sorted(rule.only_on),
                "notOn": sorted(rule.not_on),
                "source": rule.source,
            }
            for rule in table()
        ]
        types = [{"type": name, "source": source} for name, source in sorted(people().items())]
        return JSONResponse({"types": types, "attributes": rules}, headers=_OPEN)

    async def _answers(self, request: Request) -> Response:
        source = request.query_params.get("source")
        found = await run_in_threadpool(self._node.trust.counts.answers, source)
        return JSONResponse({"answers": found}, headers=_OPEN)

    async def _count(self, request: Request) -> Response:
        who = sender(self._node, request)
        self._node.trust.counts.check(who)
        raw = await body_of(request)
        return JSONResponse(await run_in_threadpool(self._node.trust.counts.ask, who, raw))


def sources_shown(node: PageNode) -> list[dict[str, Any]]:
    """Every source that declares steps, in order of name."""
    return [_shown(node, record) for record in node.trust.sources.all() if record.get("anonymise")]


def _shown(node: PageNode, record: dict[str, Any]) -> dict[str, Any]:
    found = node.trust.privacy.shown(record["id"])
    return {"name": record["name"], "steps": record.get("anonymise", []), **found}
