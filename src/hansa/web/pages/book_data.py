"""``/hansa/v1/open-book``: what the pages of Open book show, as JSON for anyone.

Numbers behind which too few readers stand are ``null`` here as they are hidden there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hansa.kernel.errors import HansaError
from hansa.trust.vault import Record
from hansa.web.api.problem import problem
from hansa.web.pages.book import DAYS, Book, Usage, kept_of, types_of

__all__ = ["OpenBookRoutes"]

_BASE: Final = "/hansa/v1/open-book"
_OPEN: Final = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}


class OpenBookRoutes:
    """The addresses of the data of Open book."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route(_BASE, _answering(self._front)),
            Route(f"{_BASE}/sources", _answering(self._sources)),
            Route(f"{_BASE}/sources/{{id}}", _answering(self._source)),
            Route(f"{_BASE}/frugality", _answering(self._frugality)),
            Route(f"{_BASE}/access", _answering(self._access)),
        ]

    def _front(self, request: Request) -> dict[str, Any]:
        survey, usage = self._book.survey, self._book.usage()
        return {
            "sources": len(self._book.sources()),
            "checkedAt": survey and survey["at"],
            "entities": survey and sum(each["entities"] for each in survey["sources"].values()),
            "bytes": survey and sum(each["bytes"] for each in survey["sources"].values()),
            "days": DAYS,
            "reads": sum(sum(kinds.values()) for _, kinds in usage.days),
            "refused": sum(usage.refused.values()),
            "parts": {
                "sources": f"{_BASE}/sources",
                "frugality": f"{_BASE}/frugality",
                "access": f"{_BASE}/access",
                "privacy": "/hansa/v1/privacy",
                "algorithms": "/hansa/v1/algorithms",
                "log": "/hansa/v1/log",
            },
        }

    def _sources(self, request: Request) -> list[dict[str, Any]]:
        survey, usage = self._book.survey, self._book.usage()
        return [self._told(each, survey, usage) for each in self._book.sources()]

    def _source(self, request: Request) -> dict[str, Any]:
        record = self._book.source(request.path_params["id"])
        return self._told(record, self._book.survey, self._book.usage())

    def _told(self, record: Record, survey: Record | None, usage: Usage) -> dict[str, Any]:
        seen = survey["sources"].get(record["id"]) if survey else None
        page = f"/open-book/sources/{record['id']}"
        return {
            "record": record,
            "checkedAt": survey and survey["at"],
            "findings": [each.to_dict() for each in self._book.findings(record, survey, usage)],
            "kept": seen and {"entities": seen["entities"], "bytes": seen["bytes"]},
            "types": [
                {"type": each.id, "entities": each.rows, "bytes": each.bytes}
                for each in (types_of(seen) if seen else ())
            ],
            "page": page,
            "sign": {"svg": f"{page}/sign.svg", "pdf": f"{page}/sign.pdf"},
        }

    def _frugality(self, request: Request) -> dict[str, Any]:
        survey = self._book.survey
        if survey is None:
            return {"checkedAt": None, "sources": [], "archive": None, "dropped": []}
        return {
            "checkedAt": survey["at"],
            "sources": [
                {
                    "source": kept.id,
                    "entities": kept.rows,
                    "bytes": kept.bytes,
                    "types": [
                        {"type": each.id, "entities": each.rows, "bytes": each.bytes}
                        for each in types_of(survey["sources"][kept.id])
                    ],
                }
                for kept in kept_of(survey)
            ],
            "archive": survey["archive"],
            "dropped": survey["dropped"],
        }

    def _access(self, request: Request) -> dict[str, Any]:
        usage = self._book.usage()
        return {
            "days": [{"day": day, "reads": kinds} for day, kinds in usage.days],
            "types": [{"type": type, "reads": reads} for type, reads in usage.types.items()],
            "refused": usage.refused,
        }


def _answering(data: Callable[[Request], Any]) -> Any:
    """JSON of what a function gathers; errors become problem documents, not pages."""

    async def answered(request: Request) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(data, request), headers=_OPEN)
        except HansaError as error:
            kind = "application/problem+json"
            return JSONResponse(problem(error), error.status, media_type=kind)

    return answered
