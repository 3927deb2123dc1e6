"""Open book, the algorithms: what computes with the city's data, what for, at what risk, and how to object."""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hansa.trust.algorithms.fields import PRACTICES
from hansa.web.pages.names import type_label
from hansa.web.shell.language import Language, choose
from hansa.web.shell.site import Site

__all__ = ["LABELS", "RISK_WORDS", "STATUS_WORDS", "AlgorithmPage"]

RISK_WORDS: Final = {
    "minimal risk": "minimal risk",
    "limited risk": "limited risk",
    "high risk": "high risk",
}
STATUS_WORDS: Final = {
    "planned": "planned",
    "design": "in design",
    "development": "in development",
    "pilot": "a pilot",
    "evaluation": "under evaluation",
    "operational": "in use",
    "retired": "retired",
}
_MARKS: Final = {"minimal risk": "green", "limited risk": "updated", "high risk": "red"}
LABELS: Final = {
    "goal": "What it is for",
    "organization": "Who answers for it",
    "contact_email": "Contact",
    "lawful_basis": "Lawful basis",
    "source_data": "What it works on",
    "training_data": "What it was trained on",
    "algorithm_type": "Learns or follows rules",
    "description": "How it works",
    "impact": "What it means for people",
    "risks": "Risks, and what is done about them",
    "proportionality": "Why it is worth them",
    "human_intervention": "Who can step in",
    "objection_procedure": "How to object",
    "monitoring": "How it is watched",
    "last_change_date": "Last changed",
    "revision_date": "To be looked at again by",
}
"""What the page shows of a record, and how it calls it."""


class AlgorithmPage:
    """``/open-book/algorithms``."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def page(self, request: Request) -> Response:
        """The page."""
        return await run_in_threadpool(self._page, request)

    def _page(self, request: Request) -> Response:
        tongue = choose(request)
        records = self._site.node.trust.algorithms.all()
        return self._site.page(
            request,
            "algorithms.html",
            algorithms=[self._shown(tongue, record) for record in records],
            texts=self._site.script_texts(tongue),
        )

    def _shown(self, tongue: Language, record: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": record["id"],
            "name": record["name"],
            "short": record["description_short"],
            "lang": record["lang"],
            "risk": tongue(RISK_WORDS.get(record["risk_category"], record["risk_category"])),
            "mark": _MARKS.get(record["risk_category"], "grey"),
            "status": tongue(STATUS_WORDS[record["status"]]),
            "contact": record["contact_email"],
            "retired": record["status"] == "retired",
            "reads": [tongue(type_label(each)) for each in record["reads"]],
            "rules": [PRACTICES[each].rule for each in record.get("practices", ())],
            "facts": [
                (tongue(label), record[name]) for name, label in LABELS.items() if record.get(name)
            ],
        }
