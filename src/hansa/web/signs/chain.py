"""The chain of a source in words: each part with its elements, each element with its name and its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hansa.kernel.errors import HansaError
from hansa.ngsild.temporal import parse_duration
from hansa.trust.sources.record import CHAIN
from hansa.trust.sources.words import Words, words
from hansa.web.shell.language import Language

__all__ = ["Element", "Link", "basis_words", "chain_of", "period_words"]

_UNITS: Final = (
    ("{n} year", "{n} years"),
    ("{n} month", "{n} months"),
    ("{n} day", "{n} days"),
    ("{n} hour", "{n} hours"),
    ("{n} minute", "{n} minutes"),
    ("{n} second", "{n} seconds"),
)


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a part, in words."""

    id: str
    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Link:
    """One part of the chain, in words."""

    part: str
    label: str
    meaning: str
    elements: tuple[Element, ...]

    @property
    def names(self) -> str:
        """The names of its elements in one line."""
        return ", ".join(each.name for each in self.elements)


def chain_of(record: Mapping[str, Any], tongue: Language) -> list[Link]:
    """The parts of a record in the standard's order, who answers for it first."""
    known = words(tongue.code)
    found = []
    for part in ("accountable", *CHAIN):
        about = known["chain"][part]
        if part == "accountable":
            elements: tuple[Element, ...] = (Element("", str(record[part]), ""),)
        else:
            elements = tuple(_element(known[part], each) for each in record.get(part, ()))
        found.append(Link(part, about.name, about.meaning, elements))
    return found


def _element(known: Mapping[str, Words], id: str) -> Element:
    said = known.get(id, Words(id.replace("_", " "), ""))
    return Element(id, *said)


def basis_words(record: Mapping[str, Any], tongue: Language) -> Words:
    """The lawful basis in words."""
    name = str(record.get("lawful_basis", ""))
    return words(tongue.code)["basis"].get(name, Words(name.replace("_", " "), ""))


def period_words(record: Mapping[str, Any], tongue: Language) -> str:
    """How long data are kept, in words; "" where the record does not say."""
    text = str(record.get("retention_period", ""))
    if not text:
        return ""
    if text == "unlimited":
        return tongue("Without a limit")
    try:
        period = parse_duration(text)
    except HansaError:
        return text
    if not period:
        return tongue("Not at all")
    return " ".join(_lengths(tongue, period.months, period.exact.total_seconds()))


def _lengths(tongue: Language, months: int, seconds: float) -> list[str]:
    years, months = divmod(months, 12)
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3_600)
    minutes, seconds = divmod(seconds, 60)
    counts = (years, months, days, hours, minutes, seconds)
    return [
        tongue.plural(one, many, count)
        for (one, many), count in zip(_UNITS, counts, strict=True)
        if count
    ]
