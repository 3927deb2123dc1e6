"""How Open book says things: findings, kinds of readers, reasons of refusals, amounts of data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hansa.trust.sources.facts import Finding
from hansa.trust.sources.words import words
from hansa.web.shell.language import Language
from hansa.web.signs.chain import period_words

__all__ = ["CLAIMS", "CODES", "READERS", "REASONS", "Said", "amount", "reads_words", "said_of"]

READERS: Final = {
    "public": "The public",
    "resident": "Residents",
    "staff": "Staff of the city",
    "service": "Services and algorithms",
    "city": "Partner cities",
    "operator": "Who operates the node",
}
CLAIMS: Final = {
    "data": "Kind of data",
    "retention": "How long data are kept",
    "access": "Who may see it",
}
CODES: Final = {
    "data.none": "Nothing of this source is here yet.",
    "data.undeclared": "Values of a kind that is not declared: {kind} ({count}).",
    "data.as-declared": "Only kinds of data that are declared were seen.",
    "retention.none": "Nothing of this source is here yet.",
    "retention.unknown": "How long that is cannot be worked out.",
    "retention.older": "The oldest value is of {day}, and so {age} old: older than declared.",
    "retention.within": "The oldest value is of {day}, and so {age} old.",
    "retention.unlimited": "The oldest value is of {day}, and so {age} old.",
    "access.none": "Nobody has read data of these types in the last 30 days.",
    "access.undeclared": "Data of these types were read by readers that are not declared: {kind} ({reads}).",
    "access.as-declared": "Data of these types were read by: {readers}.",
}
REASONS: Final = {
    "read.refused": "Reading what is not published",
    "write.refused": "Changing data without the right to",
    "bring.refused": "Changing data without the right to",
    "subscribe.refused": "Asking to be told of changes without the right to",
    "algorithm.prohibited": "Declaring an algorithm that the law prohibits",
    "algorithm.not-allowed": "Changing the register of algorithms without the right to",
    "source.red-line": "Declaring a source that crosses a red line",
    "source.not-allowed": "Changing the register of sources without the right to",
    "source.undeclared": "Bringing data of a source that is not declared",
    "ingest.red-line": "Bringing data that cross a red line",
}
_STATES: Final = {True: "agrees", False: "does not agree", None: "cannot be told yet"}
_MARKS: Final = {True: "green", False: "red", None: "grey"}
_KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Said:
    """A finding in words: the claim, what the record says, what was found, and how it stands."""

    claim: str
    declared: str
    found: str
    state: str
    mark: str


def said_of(finding: Finding, tongue: Language, local: Any) -> Said:
    """A finding as people read it.

    Args:
        local: an instant to the city's time.
    """
    return Said(
        tongue(CLAIMS[finding.claim]),
        _declared(finding, tongue),
        tongue(CODES[finding.code], **_values(finding, tongue, local)),
        tongue(_STATES[finding.holds]),
        _MARKS[finding.holds],
    )


def _declared(finding: Finding, tongue: Language) -> str:
    if finding.claim == "retention":
        return period_words({"retention_period": finding.declared[0]}, tongue)
    known = words(tongue.code)[finding.claim]
    return ", ".join(known[each].name if each in known else each for each in finding.declared)


def _values(finding: Finding, tongue: Language, local: Any) -> dict[str, str]:
    found: Mapping[str, Any] = finding.found
    values: dict[str, str] = {}
    if "count" in found:
        values["count"] = tongue.number(found["count"])
    if "oldest" in found:
        at: datetime = local(found["oldest"])
        age = tongue.plural("{n} day", "{n} days", found["days"])
        values |= {"day": tongue.date(at), "age": age}
    if finding.claim == "data" and "kind" in found:
        values["kind"] = words(tongue.code)["data"][found["kind"]].name
    elif "kind" in found:
        values |= {
            "kind": tongue(READERS.get(found["kind"], found["kind"])),
            "reads": reads_words(found["reads"], tongue),
        }
    if "readers" in found:
        values["readers"] = "; ".join(
            f"{tongue(READERS.get(kind, kind))} ({reads_words(reads, tongue)})"
            for kind, reads in found["readers"].items()
        )
    return values


def reads_words(reads: int | None, tongue: Language) -> str:
    """A number of reads in words."""
    if reads is None:
        return tongue("too few readers to show")
    return tongue.plural("{n} read", "{n} reads", reads)


def amount(size: int, tongue: Language) -> str:
    """An amount of data with its unit (powers of 1,024)."""
    value, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < _KIB:
            break
        value, unit = value / _KIB, larger
    return f"{tongue.number(round(value, 1 if value < 100 and unit != 'B' else 0), 1)} {unit}"
