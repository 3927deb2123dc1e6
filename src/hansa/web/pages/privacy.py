"""Open book, privacy: how people are hidden in the data of each source, how well, and what noisy counts have cost."""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hansa.trust.anonymise.counts import ANSWERS
from hansa.trust.redlines import laws
from hansa.web.api.privacy import sources_shown
from hansa.web.shell.language import Language, choose
from hansa.web.shell.site import Site

__all__ = ["NEVER", "PERIODS", "REASONS", "STEP_WORDS", "PrivacyPage"]

STEP_WORDS: Final = {
    "drop": "left out: {names}",
    "time": "only to the {period}: {names}",
    "place": "only to a cell of about {size}: {names}",
    "pseudonymise": "replaced by pseudonyms, under a key that is destroyed when its time is up: {names}",
    "keep": "kept, because it is not about people: {names} ({reason})",
    "suppress": "left out where fewer than {k} look alike in: {names}",
    "count": "counted with noise, and then forgotten, by: {names}",
}
PERIODS: Final = {"PT1H": "hour", "P1D": "day", "P1W": "week", "P1M": "month", "P1Y": "year"}
REASONS: Final = {
    "small": "fewer than k looked alike",
    "counted": "counted, and then forgotten",
    "shows": "a hidden value stood elsewhere in it",
    "personal": "something personal had no step",
    "full": "too many came in at once",
    "unpaid": "the budget was spent",
}
NEVER: Final = {
    "biometrics": "Biometric data, by which people can be recognised",
    "faces": "Faces",
    "vectors": "Lists of numbers that describe a face",
    "plates": "Number plates in clear",
    "social-score": "Scores of people by how they behave",
    "profiles": "Profiles of people for sale",
    "pictures": "Pictures, films and sounds inside texts",
}
"""The red lines, by their names."""
_SIZES: Final = (
    "4,300,000 km²", "610,000 km²", "87,000 km²", "12,000 km²", "1,770 km²", "253 km²",
    "36 km²", "5.2 km²", "0.74 km²", "0.105 km²", "0.015 km²",
)  # fmt: skip
"""Average areas of H3's cells, by resolution."""


class PrivacyPage:
    """``/open-book/privacy``."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def page(self, request: Request) -> Response:
        """The page."""
        return await run_in_threadpool(self._page, request)

    def _page(self, request: Request) -> Response:
        tongue = choose(request)
        node = self._site.node
        return self._site.page(
            request,
            "privacy.html",
            sources=[self._shown(tongue, each) for each in sources_shown(node)],
            never=[(tongue(NEVER[rule]), law) for rule, law in laws().items()],
            answers=len(node.trust.vault.all(ANSWERS)),
            texts=self._site.script_texts(tongue),
        )

    def _shown(self, tongue: Language, source: dict[str, Any]) -> dict[str, Any]:
        account, budget = source["account"], source["budget"]
        return {
            **source,
            "words": [_words(tongue, s) for s in source["steps"] if s.get("step") in STEP_WORDS],
            "withheld": [
                (tongue(REASONS[reason]), number)
                for reason, number in account["withheld"].items()
                if reason in REASONS
            ],
            "share": 0 if not budget or not budget["epsilon"]
            else min(100, round(100 * budget["spent"]["epsilon"] / budget["epsilon"])),
        }  # fmt: skip


def _words(tongue: Language, step: dict[str, Any]) -> str:
    names = ", ".join(map(str, step.get("attributes", step.get("by", [])))) or "…"
    resolution = step.get("resolution", 0)
    text, period = STEP_WORDS[step["step"]], str(step.get("period", ""))
    values = {
        "names": names,
        "period": tongue(PERIODS.get(period, period)),
        "size": _SIZES[resolution] if isinstance(resolution, int) and resolution < 11 else "",
        "reason": step.get("because", ""),
        "k": step.get("k", 0),
    }
    types = ", ".join(map(str, step.get("types", ())))
    said = tongue(text, **values)
    return f"{types}: {said}" if types else said
