"""Going on where a source answers with a page, or with a part (clauses 5.5.9, 6.3.10 and 6.4.3.2).

A source may give less at once than it was asked for. That there is more is said by the header Link
(``rel="next"``), by a status 206 with Content-Range, or by NGSILD-Results-Count. Of a link only the
parameters count: the question goes to the address that is registered, wherever the link leads; one with
another path than the question's is passed over, and the next page is asked for by its offset.

A source is asked for another page as long as the time of one request has not passed since the first, and
at most :data:`MOST_PAGES` times. What then has not been told makes a warning, so that an answer is never
silently less.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from hansa.hub.federation.asker import Asker
from hansa.hub.federation.asks import Question
from hansa.hub.federation.dispatch import Dispatch
from hansa.hub.federation.sources import Answer, Failure
from hansa.hub.federation.warnings import Warned
from hansa.hub.registrations.model import Registration
from hansa.kernel.egress import Response

__all__ = ["MOST_PAGES", "Pages", "next_page"]

MOST_PAGES: Final = 100
_REL: Final = re.compile(r';\s*rel\s*=\s*"?([^",;]*)', re.IGNORECASE)
_ITEMS: Final = re.compile(r"[a-z-]+ \d{1,12}-(\d{1,12})/(\*|\d{1,12})", re.IGNORECASE | re.ASCII)
_MOST_PARAMETERS: Final = 50
_LONGEST_LINK: Final = 8_000


def next_page(headers: Mapping[str, str], path: str) -> dict[str, str] | None:
    """The parameters of the page that a Link names as the next one of `path`, if it does."""
    for piece in headers.get("link", "")[:_LONGEST_LINK].split("<")[1:]:
        url, _, rest = piece.partition(">")
        rel = _REL.search(rest)
        if rel is None or "next" not in rel[1].lower().split():
            continue
        try:
            parts = urlsplit(url)
            given = parse_qsl(parts.query, max_num_fields=_MOST_PARAMETERS)
        except ValueError:
            return None
        return dict(given) if given and parts.path.endswith(path) else None
    return None


def _has_more(response: Response, told: int) -> bool:
    """Whether an answer says that there is more than the `told` entities so far."""
    if response.status == 206:
        found = _ITEMS.fullmatch(response.headers.get("content-range", "").strip())
        return found is not None and (found[2] == "*" or int(found[1]) + 1 < int(found[2]))
    count = response.headers.get("ngsild-results-count", "")
    if count.isdigit() and len(count) < 12:
        return told < int(count)
    return any(
        "next" in rel.lower().split() for rel in _REL.findall(response.headers.get("link", ""))
    )


class Pages:
    """How one source is led through its pages, within its time.

    Attributes:
        whole: whether it has told everything.
    """

    def __init__(self, dispatch: Dispatch, asker: Asker, registration: Registration) -> None:
        self.whole = False
        self._registration = registration
        self._until = asyncio.get_running_loop().time() + dispatch.seconds(registration, asker)
        self._turns = 0
        self._next: dict[str, str] | None = None

    def question(self, asked: Question) -> Question:
        """The question for the next page: `asked`, or what the link of the page before says."""
        if self._next is None:
            return asked
        return Question(asked.method, asked.path, self._next, asked.payload)

    def took(
        self, question: Question, answer: Answer, offered: int, wanted: int, told: int
    ) -> None:
        """Note a page: how many entities it held of those `wanted`, and how many that makes in all."""
        response = answer.response
        self._next = next_page(response.headers, question.path)
        if self._next == question.parameters:
            self._next = None  # it leads in a circle
        self.whole = offered < wanted and self._next is None
        if self.whole and offered and _has_more(response, told):
            self.whole = False

    def may_go_on(self) -> bool:
        """Whether there is time for another request."""
        self._turns += 1
        return self._turns < MOST_PAGES and asyncio.get_running_loop().time() < self._until

    def missed(self, failure: Failure) -> list[Warned]:
        """What is to be said when a page could not be had; that nothing is there, only of a later one."""
        warned = failure.warned(self._registration)
        if warned is None and self._turns:
            warned = Warned(
                299, self._registration.id, f"{failure.fact} for a page after the first"
            )
        return [warned] if warned else []

    def cut_short(self, told: int) -> Warned:
        """The warning for an answer whose rest was not asked for any more."""
        fact = f"it answers in pages; there was time for {told:,} entities only"
        return Warned(199, self._registration.id, fact)
