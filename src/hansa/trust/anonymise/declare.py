"""Steps from what a source's record says: strictly read, refused where a step cannot do what it says. Pure.

The record's part is a list. Beside the steps themselves it holds what they go by: ``measure`` (over which attributes k, l
and t are measured) and ``budget`` (what counts may cost); how long a key lasts (``rotate``) stands in the step
``pseudonymise``, and how long entities of a live source are held (``window``) in ``suppress`` or ``count``. All faults are
named at once. Names of types and attributes are the city's short ones, or IRIs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar

from hansa.kernel.errors import BadRequest
from hansa.trust.anonymise import cells, noise
from hansa.trust.anonymise.cells import FINEST
from hansa.trust.anonymise.coherent import incoherent
from hansa.trust.anonymise.groups import written
from hansa.trust.anonymise.kinds import (
    BudgetTerms,
    Count,
    Drop,
    Keep,
    Place,
    Pseudonymise,
    Step,
    Suppress,
    Time,
)
from hansa.trust.anonymise.periods import Period, duration
from hansa.trust.anonymise.steps import Steps

__all__ = ["WORDS", "parse"]

_T = TypeVar("_T")
Expand = Callable[[str], str]

_MOST_STEPS: Final = 50
_MOST_NAMES: Final = 100
_MOST_BY: Final = 8
_MOST_AMONG: Final = 1_000
_MOST_GROUPS: Final = 10_000
_LONGEST: Final = 300
_HIGHEST_K: Final = 100_000
_HIGHEST_EPSILON: Final = 100.0
_HIGHEST_DELTA: Final = 1e-3
_SHORTEST_KEY: Final = timedelta(hours=1)
_LONGEST_KEY: Final = timedelta(days=366)
_SHORTEST_WINDOW: Final = timedelta(minutes=1)
_LONGEST_WINDOW: Final = timedelta(days=1)
_SPECIAL: Final = frozenset({"id", "scope", "observedAt"})
"""What is no attribute, but a step may name all the same."""

WORDS: Final[Mapping[str, frozenset[str]]] = {
    "drop": frozenset({"attributes"}),
    "time": frozenset({"attributes", "period"}),
    "place": frozenset({"attributes", "resolution", "as"}),
    "pseudonymise": frozenset({"attributes", "rotate"}),
    "keep": frozenset({"attributes", "because"}),
    "suppress": frozenset({"k", "by", "per", "window"}),
    "count": frozenset({"by", "among", "epsilon", "noise", "per", "window"}),
    "measure": frozenset({"quasi", "sensitive"}),
    "budget": frozenset({"epsilon", "delta", "renews"}),
}
"""The steps, and what may stand in each beside ``step`` and ``types``."""


def parse(raw: object, expand: Expand) -> Steps:
    """The steps that a record declares.

    Args:
        raw: what stands in the record; ``None`` for nothing.
        expand: a short name to its IRI.

    Raises:
        BadRequest: it is not what it should be; each fault is named by its place.
        MissingExtra: a step needs a package that is not installed.
    """
    if raw is None:
        return Steps()
    if not isinstance(raw, list) or len(raw) > _MOST_STEPS:
        fact = f"are no list of up to {_MOST_STEPS}"
        raise BadRequest("the steps of the source", fact, "give a list of objects with 'step'")
    reader = _Reader(expand)
    steps = reader.whole(raw)
    if not reader.faults:
        reader.faults |= incoherent(steps)
    if reader.faults:
        told = "; ".join(f"{place} {fault}" for place, fault in reader.faults.items())
        remedy = "mend these; the guide 'Anonymise a source' says what a step may be"
        raise BadRequest("the steps of the source", told[:2000], remedy, faults=dict(reader.faults))
    if any(isinstance(step, Place) for step in steps.steps):
        cells.needed()
    if any(isinstance(step, Count) for step in steps.steps):
        noise.needed()
    return steps


class _Reader:
    """Reads parts, and notes what is wrong with each."""

    def __init__(self, expand: Expand) -> None:
        self._expand = expand
        self.faults: dict[str, str] = {}
        self._once: dict[str, Any] = {}

    def whole(self, raw: list[Any]) -> Steps:
        """All steps, and what they go by."""
        steps = [
            step
            for number, each in enumerate(raw, 1)
            if (step := self._step(f"step {number}", each)) is not None
        ]
        return Steps(tuple(steps), **self._once)

    def _step(self, place: str, raw: object) -> Step | None:
        word = raw.get("step") if isinstance(raw, Mapping) else None
        if not isinstance(raw, Mapping) or not isinstance(word, str) or word not in WORDS:
            self.faults[place] = f"has no 'step' that is one of: {', '.join(WORDS)}"
            return None
        before = len(self.faults)
        for name in raw.keys() - WORDS[word] - {"step", "types"}:
            self.faults[f"{place}, {str(name)[:50]}"] = f"is no part of '{word}'"
        types = None
        if "types" in raw and word in {"measure", "budget"}:
            self.faults[f"{place}, types"] = f"is no part of '{word}'"
        elif "types" in raw:
            types = frozenset(self._names(f"{place}, types", raw["types"], _MOST_NAMES))
        made = self._made(word, place, raw, types)
        return made if len(self.faults) == before else None

    def _made(
        self, word: str, place: str, raw: Mapping[Any, Any], types: frozenset[str] | None
    ) -> Step | None:
        if word == "measure":
            self._measure(place, raw)
            return None
        if word == "budget":
            self._set(place, "budget", self._budget(place, raw))
            return None
        names: frozenset[str] = frozenset()
        if "attributes" in WORDS[word]:
            listed = self._names(f"{place}, attributes", raw.get("attributes"), _MOST_NAMES)
            names = frozenset(listed)
        match word:
            case "drop":
                return Drop(types, names)
            case "pseudonymise":
                self._length(place, raw, "rotate", _SHORTEST_KEY, _LONGEST_KEY)
                return Pseudonymise(types, names)
            case "keep":
                return Keep(types, names, self._reason(f"{place}, because", raw.get("because")))
            case "time":
                period = self._tried(f"{place}, period", Period.parse, raw.get("period"))
                return Time(types, names, period) if period else None
            case "place":
                finest = self._whole(f"{place}, resolution", raw.get("resolution"), 0, FINEST)
                shown = raw.get("as", "centre")
                if shown not in ("centre", "cell"):
                    self.faults[f"{place}, as"] = "is neither 'centre' nor 'cell'"
                return Place(types, names, finest, shown)
        by = tuple(self._names(f"{place}, by", raw.get("by", []), _MOST_BY, none=word == "count"))
        self._length(place, raw, "window", _SHORTEST_WINDOW, _LONGEST_WINDOW)
        (per,) = self._names(f"{place}, per", [raw.get("per", "id")], 1) or ["id"]
        if word == "suppress":
            return Suppress(types, self._whole(f"{place}, k", raw.get("k"), 2, _HIGHEST_K), by, per)
        epsilon = self._number(f"{place}, epsilon", raw.get("epsilon"), 1e-4, _HIGHEST_EPSILON)
        kind = raw.get("noise", "laplace")
        if kind not in ("laplace", "gaussian"):
            self.faults[f"{place}, noise"] = "is neither 'laplace' nor 'gaussian'"
        return Count(types, by, epsilon, self._among(place, raw, by), per, kind)

    def _among(
        self, place: str, raw: Mapping[Any, Any], by: tuple[str, ...]
    ) -> tuple[tuple[str, ...], ...] | None:
        if "among" not in raw:
            return None if by else ()
        place, listed = f"{place}, among", raw["among"]
        lists = list(listed.values()) if isinstance(listed, Mapping) else []
        named = tuple(self._iri(str(name)) for name in listed) if lists else ()
        if not isinstance(listed, Mapping) or sorted(named) != sorted(by):
            self.faults[place] = "is no object with a list of values for each attribute in 'by'"
            return None
        if not all(isinstance(each, list) and 0 < len(each) <= _MOST_AMONG for each in lists):
            self.faults[place] = f"holds what is no list of up to {_MOST_AMONG:,} values"
            return None
        if math.prod(map(len, lists)) > _MOST_GROUPS:
            self.faults[place] = f"makes more than {_MOST_GROUPS:,} groups"
            return None
        values = dict(zip(named, lists, strict=True))
        return tuple(tuple(dict.fromkeys(map(written, values[name]))) for name in by)

    def _measure(self, place: str, raw: Mapping[Any, Any]) -> None:
        quasi = self._names(f"{place}, quasi", raw.get("quasi"), _MOST_BY)
        sensitive = self._names(
            f"{place}, sensitive", raw.get("sensitive", []), _MOST_BY, none=True
        )
        self._set(place, "quasi", tuple(quasi))
        self._set(place, "sensitive", tuple(sensitive))

    def _budget(self, place: str, raw: Mapping[Any, Any]) -> BudgetTerms | None:
        epsilon = self._number(f"{place}, epsilon", raw.get("epsilon"), 1e-4, _HIGHEST_EPSILON)
        delta = self._number(f"{place}, delta", raw.get("delta", 0), 0, _HIGHEST_DELTA)
        renews = raw.get("renews", "never")
        if renews not in ("never", "month", "year"):
            self.faults[f"{place}, renews"] = "is none of: never, month, year"
            return None
        return BudgetTerms(epsilon, delta, renews)

    def _set(self, place: str, name: str, value: Any) -> None:
        """Keep what holds for all steps: it may be said again, but not otherwise."""
        if self._once.setdefault(name, value) != value:
            self.faults[place] = f"says another '{name}' than an earlier step"

    def _names(self, place: str, raw: object, most: int, *, none: bool = False) -> list[str]:
        """IRIs from a list of names, which must differ."""
        if not isinstance(raw, list) or len(raw) > most or not (raw or none):
            self.faults[place] = f"is no list of up to {most} names"
            return []
        if not all(isinstance(n, str) and 0 < len(n) <= _LONGEST and n.isprintable() for n in raw):
            self.faults[place] = "holds what is no name"
            return []
        found = [self._iri(name) for name in raw]
        if len(set(found)) < len(found):
            self.faults[place] = "names something twice"
        return found

    def _iri(self, name: str) -> str:
        return name if name in _SPECIAL else self._expand(name)

    def _reason(self, place: str, raw: object) -> str:
        if not isinstance(raw, str) or not 10 <= len(raw.strip()) <= _LONGEST:
            self.faults[place] = f"is no reason of 10 to {_LONGEST} characters; it will be public"
            return ""
        return raw.strip()

    def _whole(self, place: str, raw: object, low: int, high: int) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or not low <= raw <= high:
            self.faults[place] = f"is no whole number from {low} to {high:,}"
            return low
        return raw

    def _number(self, place: str, raw: object, low: float, high: float) -> float:
        good = isinstance(raw, int | float) and not isinstance(raw, bool) and low <= raw <= high
        if not good:
            self.faults[place] = f"is no number from {low:g} to {high:g}"
            return low
        return float(raw)  # type: ignore[arg-type]

    def _length(
        self, place: str, raw: Mapping[Any, Any], name: str, least: timedelta, most: timedelta
    ) -> None:
        if name in raw:
            found = self._tried(
                f"{place}, {name}", lambda text: duration(text, least, most), raw[name]
            )
            self._set(place, name, found)

    def _tried(self, place: str, made: Callable[[object], _T], raw: object) -> _T | None:
        try:
            return made(raw)
        except ValueError as fault:
            self.faults[place] = str(fault)
            return None
