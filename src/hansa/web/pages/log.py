"""Open book, the log: what stands in it, how it grew, who cosigns it, and how anyone checks it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hansa.trust.log.book import LogBook
from hansa.trust.log.commitments import KINDS
from hansa.trust.log.notes import Checkpoint
from hansa.web.shell.language import Language, choose
from hansa.web.shell.site import Site

__all__ = ["LogPage"]

_ENTRIES: Final = 20
_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Line:
    """An entry, as people read it."""

    number: int
    at: datetime
    words: str
    reason: str
    rules: str
    things: int


@dataclass(frozen=True, slots=True)
class Day:
    """How many entries a day brought."""

    day: date
    entries: int


class LogPage:
    """``/open-book/log``."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def page(self, request: Request) -> Response:
        """The page."""
        return await run_in_threadpool(self._page, request)

    def _page(self, request: Request) -> Response:
        node, tongue = self._site.node, choose(request)
        book = node.trust.log
        note = book.shown
        head = None if note is None else Checkpoint.parse(note.text)
        address = f"{self._site.base(request)}/log"
        key = book.keys.log.verifier.vkey
        return self._site.page(
            request,
            "log.html",
            head=head,
            origin=book.origin,
            key=key,
            witness_key=node.trust.witness.verifier.vkey,
            held=book.held,
            lines=self._lines(tongue, book),
            days=self._days(book),
            witnesses=[
                (each, datetime.fromisoformat(each.at).astimezone(node.settings.zone))
                if each.at
                else (each, None)
                for each in node.trust.asking.witnesses
            ],
            cosigned=node.trust.witness.logs(),
            address=address,
            command=f"hansa log verify {address} --key '{key}' --checkpoint seen.txt",
            alone=(
                f"curl -O {address}/verify_log.py",
                "pip install cryptography",
                f"python verify_log.py {address} --key '{key}' --checkpoint seen.txt",
            ),
            texts=self._site.script_texts(tongue),
        )

    def _lines(self, tongue: Language, book: LogBook) -> list[Line]:
        """The last entries that are signed, newest first."""
        size = book.shown_size
        return [
            Line(
                each.index,
                self._site.local(each.entry.time),
                tongue(KINDS.get(each.entry.kind, each.entry.kind)),
                each.entry.reason,
                ", ".join(each.entry.rules),
                each.entry.things,
            )
            for each in reversed(book.entries(max(0, size - _ENTRIES), size))
        ]

    def _days(self, book: LogBook) -> list[Day]:
        """The last days, today first, with what they brought; nothing before the log began."""
        zone, size = self._site.node.settings.zone, book.shown_size
        today = self._site.node.clock.now().astimezone(zone).date()
        found, end = [], size
        for back in range(_DAYS):
            day = today - timedelta(days=back)
            start = _first_from(book, datetime(day.year, day.month, day.day, tzinfo=zone), end)
            found.append(Day(day, end - start))
            end = start
            if not end:
                break
        return found if size else []


def _first_from(book: LogBook, moment: datetime, end: int) -> int:
    """The first of the entries below `end` that was made at `moment` or later; `end` if none was."""
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        (found,) = book.entries(middle, middle + 1)
        if datetime.fromisoformat(found.entry.time) < moment:
            low = middle + 1
        else:
            high = middle
    return low
