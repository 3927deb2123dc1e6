"""What a source's record claims, held against what is there: kinds of data, how long they are kept, who reads. Pure.

A finding says whether a claim holds (``True``), does not (``False``), or cannot be told yet (``None``), with the
numbers that say so. Rules, by claim:

- *data*: people, places and times that are seen must be declared. What is declared and not seen is no fault.
- *retention*: nothing may be older than the period, with a day's grace for those who clear up.
- *access*: whoever read the types that the source gives must be among those whom the record names. Reads are counted
  by type, so another source of the same type may have been meant; the finding says how many there were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from hansa.kernel.errors import HansaError
from hansa.ngsild.temporal import parse_duration

__all__ = ["Claim", "Finding", "compare"]

Claim = Literal["data", "retention", "access"]

_GRACE: Final = timedelta(days=1)
_MUST: Final = ("personal", "spatial", "values_time")
"""Kinds of data that must be declared when they are seen, the gravest first."""

_OPEN: Final = "available_to_download"
_NEEDS: Final = {
    "public": (_OPEN,),
    "resident": (_OPEN, "available_to_me"),
    "city": (_OPEN, "available_to_3rd_parties", "available_for_resale"),
}
"""Kinds of readers, and the elements of which one must be declared for them."""
_INSIDE: Final = ("staff", "service", "operator")
_NOT_INSIDE: Final = "not_available_to_the_accountable_organization"


@dataclass(frozen=True, slots=True)
class Finding:
    """How a claim stands.

    Attributes:
        claim: the part of the record.
        holds: whether it does; ``None``: there is nothing to hold it against yet.
        code: what was found, for those who put it into words.
        declared: what the record says.
        found: what is there: kinds, instants, counts.
    """

    claim: Claim
    holds: bool | None
    code: str
    declared: Sequence[str]
    found: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON has it."""
        return {
            "claim": self.claim,
            "holds": self.holds,
            "code": self.code,
            "declared": list(self.declared),
            "found": dict(self.found),
        }


def compare(
    record: Mapping[str, Any],
    seen: Mapping[str, Any] | None,
    readers: Mapping[str, int | None],
    now: datetime,
) -> list[Finding]:
    """How the claims of a record stand.

    Args:
        record: of the source.
        seen: what a survey saw of it (see :mod:`.survey`); ``None``: nothing.
        readers: reads of its types by kind of principal; ``None`` for too few to be told.
        now: the present.
    """
    return [
        *_data(record, seen),
        _retention(record, seen, now),
        *_access(record, readers),
    ]


def _data(record: Mapping[str, Any], seen: Mapping[str, Any] | None) -> Iterable[Finding]:
    declared = tuple(record.get("data", ()))
    if not seen or not seen["entities"]:
        yield Finding("data", None, "data.none", declared)
        return
    kinds: Mapping[str, int] = seen["kinds"]
    hidden = [each for each in _MUST if kinds.get(each) and each not in declared]
    for kind in hidden:
        yield Finding(
            "data", False, "data.undeclared", declared, {"kind": kind, "count": kinds[kind]}
        )
    if not hidden:
        found = {each: count for each, count in kinds.items() if count}
        yield Finding("data", True, "data.as-declared", declared, {"kinds": found})


def _retention(record: Mapping[str, Any], seen: Mapping[str, Any] | None, now: datetime) -> Finding:
    text = str(record.get("retention_period", ""))
    declared = (text,)
    if not seen or not seen["entities"] or not seen.get("oldest"):
        return Finding("retention", None, "retention.none", declared)
    oldest = datetime.fromisoformat(seen["oldest"])
    found = {"oldest": seen["oldest"], "days": max(0, (now - oldest).days)}
    if text == "unlimited":
        return Finding("retention", True, "retention.unlimited", declared, found)
    try:
        end = parse_duration(text).after(oldest)
    except (HansaError, OverflowError, ValueError):
        return Finding("retention", None, "retention.unknown", declared, found)
    if now - end > _GRACE:
        return Finding("retention", False, "retention.older", declared, found)
    return Finding("retention", True, "retention.within", declared, found)


def _access(record: Mapping[str, Any], readers: Mapping[str, int | None]) -> Iterable[Finding]:
    declared = tuple(record.get("access", ()))
    if not readers:
        yield Finding("access", None, "access.none", declared)
        return
    wrong = [kind for kind in readers if not _may(kind, declared)]
    for kind in wrong:
        found = {"kind": kind, "reads": readers[kind]}
        yield Finding("access", False, "access.undeclared", declared, found)
    if not wrong:
        yield Finding("access", True, "access.as-declared", declared, {"readers": dict(readers)})


def _may(kind: str, declared: Sequence[str]) -> bool:
    if kind in _INSIDE:
        return _NOT_INSIDE not in declared
    return any(each in declared for each in _NEEDS.get(kind, (_OPEN,)))
