"""What Open book shows, gathered: declared sources with how their claims stand, what is kept, who reads.

Pages and the JSON beside them (``/hansa/v1/open-book``) take everything from here, so that they say the same. Nothing
in it is about a person: reads are numbers, and few readers are hidden (:mod:`hansa.trust.reads`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hansa.kernel.errors import NotFound
from hansa.trust.principals import KINDS
from hansa.trust.reads import ALL_TYPES, Cell, shown
from hansa.trust.sources.facts import Finding, compare
from hansa.trust.vault import Record
from hansa.web.shell.site import Site

__all__ = ["DAYS", "Book", "Kept", "Usage"]

DAYS: Final = 30
"""How far back the statistics of reads go."""

Records = Callable[[], list[Record]]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one source, or of one type of it."""

    id: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Reads and refusals of the last days.

    Attributes:
        days: each day, oldest first, with its reads that may be shown, by kind of principal.
        types: by type, then by kind: reads, or ``None`` where there were too few to show.
        refused: by public reason, the most frequent first.
        hidden: whether anything was too small to show.
    """

    days: list[tuple[str, dict[str, int]]]
    types: dict[str, dict[str, int | None]]
    refused: dict[str, int]
    hidden: bool

    @property
    def kinds(self) -> list[str]:
        """The kinds of principals that read anything."""
        met = {kind for row in self.types.values() for kind in row}
        return [kind for kind in KINDS if kind in met]


class Book:
    """Gathers what Open book shows.

    Args:
        site: the node's pages.
        records: the register of sources.
    """

    def __init__(self, site: Site, records: Records) -> None:
        self._site, self._records = site, records

    @property
    def survey(self) -> Record | None:
        """The newest survey of what is kept; ``None`` before the first."""
        return self._site.node.trust.surveyor.newest()

    def sources(self) -> list[Record]:
        """The records of all sources that were not withdrawn."""
        return [each for each in self._records() if each.get("status") != "withdrawn"]

    def withdrawn(self) -> list[Record]:
        """The records of sources from which nothing comes any more; what came before may still be kept."""
        return [each for each in self._records() if each.get("status") == "withdrawn"]

    def source(self, id: str) -> Record:
        """One record, a withdrawn one too.

        Raises:
            NotFound: there is none.
        """
        for each in self._records():
            if each["id"] == id:
                return each
        raise NotFound(
            f"source {id[:100]}", "is not in the register", "Open book lists those that are"
        )

    def findings(self, record: Record, survey: Record | None, usage: Usage) -> list[Finding]:
        """How the claims of a source stand."""
        seen = None if survey is None else survey["sources"].get(record["id"])
        types = seen["types"] if seen else ()
        now = self._site.node.clock.now()
        return compare(record, seen, _readers(types, usage), now)

    def usage(self) -> Usage:
        """Reads and refusals of the last :data:`DAYS` days."""
        today = self._site.node.clock.now().date()
        first = (today - timedelta(days=DAYS - 1)).isoformat()
        kept = [day for day in self._site.node.trust.reads.days() if day["day"] >= first]
        by_day = {day["day"]: shown(day) for day in kept}
        days = []
        for back in reversed(range(DAYS)):
            day = (today - timedelta(days=back)).isoformat()
            days.append((day, _by_kind(by_day.get(day, ()))))
        cells = [cell for found in by_day.values() for cell in found]
        refused: dict[str, int] = {}
        for each in kept:
            for reason, count in each["refused"].items():
                refused[reason] = refused.get(reason, 0) + count
        ordered = dict(sorted(refused.items(), key=lambda pair: (-pair[1], pair[0])))
        return Usage(days, _by_type(cells), ordered, any(cell.reads is None for cell in cells))


def kept_of(survey: Record) -> list[Kept]:
    """Rows and bytes by source, the largest first."""
    found = [Kept(id, seen["entities"], seen["bytes"]) for id, seen in survey["sources"].items()]
    return sorted(found, key=lambda each: (-each.bytes, each.id))


def types_of(seen: Record) -> list[Kept]:
    """Rows and bytes of a source by type, the largest first."""
    found = [Kept(type, rows, bytes) for type, (rows, bytes) in seen["types"].items()]
    return sorted(found, key=lambda each: (-each.bytes, each.id))


def _readers(types: Iterable[str], usage: Usage) -> dict[str, int | None]:
    """Reads of any of these types by kind of principal."""
    found: dict[str, int | None] = {}
    for type in types:
        for kind, reads in usage.types.get(type, {}).items():
            found[kind] = _sum(found.get(kind), reads)
    return found


def _by_kind(cells: Iterable[Cell]) -> dict[str, int]:
    found: dict[str, int] = {}
    for cell in cells:
        if cell.reads is not None:
            found[cell.kind] = found.get(cell.kind, 0) + cell.reads
    return found


def _by_type(cells: Iterable[Cell]) -> dict[str, dict[str, int | None]]:
    found: dict[str, dict[str, int | None]] = {}
    for cell in cells:
        row = found.setdefault(cell.type, {})
        row[cell.kind] = _sum(row.get(cell.kind), cell.reads)
    order = sorted(found, key=lambda each: (-sum(n or 0 for n in found[each].values()), each))
    return {type: found[type] for type in order if type != ALL_TYPES} | (
        {ALL_TYPES: found[ALL_TYPES]} if ALL_TYPES in found else {}
    )


def _sum(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other
