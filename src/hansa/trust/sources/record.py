"""A record of a source in the device chain of DTPR: is it whole, and may such a source be at all? Pure.

In order: what no city may collect is refused first, with the rule; then every part of the chain must be there,
in the standard's own identifiers, with a lawful basis, a contact, and how long data are kept, as a duration that
can be checked; then the parts must agree with each other. All that is missing is named at once. The steps that data
go through before they are stored stand under ``anonymise`` (see :mod:`hansa.trust.anonymise.declare`).
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

from hansa.kernel.errors import BadRequest, HansaError, RedLine
from hansa.ngsild.city import city_iri
from hansa.ngsild.temporal import Duration, parse_duration
from hansa.trust.anonymise.declare import parse
from hansa.trust.anonymise.steps import Steps

__all__ = [
    "BASES",
    "CHAIN",
    "REFUSED",
    "UNLIMITED",
    "checked",
    "elements",
    "is_kept",
    "keeps",
    "kept_until",
]

CHAIN: Final = ("purpose", "tech", "data", "process", "access", "storage", "retention")
"""The parts of the chain that name elements; ``accountable`` is a text."""

BASES: Final = (
    "consent",
    "contract",
    "legal_obligation",
    "vital_interests",
    "public_task",
    "none_personal",
)
"""Article 6(1) of Regulation (EU) 2016/679, and the word for data that concern no person."""

UNLIMITED: Final = "unlimited"
"""In place of a duration: data that concern no person may be kept for as long as they are of use."""

_TEXTS: Final = ("accountable", "contact", "lawful_basis")
_WORDS: Final = {"name": 200, "description": 2000, "adapter": 60}
_OTHERS: Final = ("retention_period", "public_space", "place", "anonymise")
_LONGEST: Final = 500
_IDENTIFIES: Final = frozenset(
    {"identifiable_nfc", "identifiable_rfid", "identifiable_wifi_sensor"}
)
_NOT_RAW: Final = "must not say 'raw_data' beside steps: say what they do (de_identified, k_anonymity, differential_privacy)"
_RED: Final = {
    (
        "tech",
        "biometrics",
    ): "biometric identification (Art. 9 of Regulation (EU) 2016/679; Art. 5(1)(h) of 2024/1689)",
    (
        "tech",
        "facial_characterization",
    ): "sorting people by their faces (Art. 5(1)(g) of Regulation (EU) 2024/1689)",
    (
        "tech",
        "identifiable_image",
    ): "faces in clear (Art. 5(1)(c) and 9 of Regulation (EU) 2016/679)",
    (
        "tech",
        "identifiable_video",
    ): "faces in clear (Art. 5(1)(c) and 9 of Regulation (EU) 2016/679)",
}

REFUSED: Final[Mapping[str, frozenset[str]]] = {
    "tech": frozenset(element for part, element in _RED if part == "tech")
}
"""Elements of the standard that no city may have, by part: forms leave them out."""


@cache
def elements() -> Mapping[str, frozenset[str]]:
    """The standard's identifiers, by part of the chain."""
    text = files("hansa.trust.sources").joinpath("dtpr.toml").read_text(encoding="utf-8")
    return {part: frozenset(names) for part, names in tomllib.loads(text)["elements"].items()}


def checked(raw: object) -> dict[str, Any]:
    """The record, if such a source may be and nothing is missing.

    Raises:
        RedLine: it crosses a red line; the rule is cited.
        BadRequest: something is missing or unknown; all of it is named, also in ``faults``.
    """
    if not isinstance(raw, Mapping):
        raise BadRequest("the record of the source", "is no object", "give the parts of the chain")
    _refuse_red(raw)
    faults = {part: fault for part in CHAIN if (fault := _fault(part, raw.get(part)))}
    faults |= {name: fault for name in _TEXTS if (fault := _text_fault(raw.get(name), True))}
    for name, longest in _WORDS.items():
        if fault := _text_fault(raw.get(name), False, longest):
            faults[name] = fault
    if "lawful_basis" not in faults and raw["lawful_basis"] not in BASES:
        faults["lawful_basis"] = f"is none of: {', '.join(BASES)}"
    if fault := _period_fault(raw.get("retention_period")):
        faults["retention_period"] = fault
        if not raw.get("retention"):
            faults.pop("retention")  # it follows from the period
    faults |= _place_faults(raw)
    known = {*CHAIN, *_TEXTS, *_WORDS, *_OTHERS}
    faults |= {str(n)[:50]: "is no part of it" for n in raw.keys() - known}
    steps = Steps()
    try:
        steps = parse(raw.get("anonymise"), city_iri)
    except HansaError as refused:
        faults["anonymise"] = refused.fact
    if not faults:
        faults = _disagreements(raw, steps)
    if faults:
        told = "; ".join(f"{name} {fault}" for name, fault in faults.items())
        raise BadRequest("the record of the source", told[:2000], "fill these in", faults=faults)
    return _made(raw)


def _made(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The record in one order, without what is empty."""
    names = ("name", "description", *_TEXTS, *CHAIN, "retention_period", "public_space")
    found: dict[str, Any] = {}
    for name in names:
        value = raw.get(name)
        if isinstance(value, str):
            value = value.strip()
        if value not in (None, ""):
            found[name] = value
    if raw["public_space"]:
        longitude, latitude = raw["place"]["coordinates"]
        found["place"] = {"type": "Point", "coordinates": [float(longitude), float(latitude)]}
    for name in ("anonymise", "adapter"):
        if raw.get(name):
            found[name] = raw[name]
    return found


def keeps(record: Mapping[str, Any]) -> Duration | None:
    """How long the source's data are kept; ``None``: without a limit."""
    text = record["retention_period"]
    return None if text == UNLIMITED else parse_duration(text)


def is_kept(period: object) -> bool:
    """Whether data that are kept for `period` are kept at all."""
    try:
        return bool(parse_duration(period))
    except HansaError:
        return True


def kept_until(record: Mapping[str, Any], at: datetime) -> datetime | None:
    """When what came at `at` has to be gone; ``None``: never."""
    period = keeps(record)
    try:
        return None if period is None else period.after(at)
    except (OverflowError, ValueError):
        return None


def _text_fault(value: object, required: bool, longest: int = _LONGEST) -> str | None:
    if value in (None, "") and not required:
        return None
    if not isinstance(value, str) or not value.strip():
        return "is missing"
    if len(value) > longest or not value.replace("\n", " ").isprintable():
        return f"is no text of up to {longest} characters"
    return None


def _fault(part: str, value: object) -> str | None:
    if value in (None, "", []):
        return "is missing"
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return "is no list of identifiers"
    unknown = [each for each in value if each not in elements()[part]]
    if unknown:
        return f"names what DTPR has not: {unknown[0][:50]!r}"
    return "names something twice" if len(set(value)) < len(value) else None


def _period_fault(value: object) -> str | None:
    if value in (None, ""):
        return "is missing"
    if value == UNLIMITED:
        return None
    try:
        if not isinstance(value, str) or len(value) > 60:
            raise BadRequest("it", "is no text")
        parse_duration(value)
    except HansaError:
        return f"is neither a duration such as P30D or P1Y nor '{UNLIMITED}'"
    return None


def _place_faults(raw: Mapping[Any, Any]) -> dict[str, str]:
    public, place = raw.get("public_space"), raw.get("place")
    if not isinstance(public, bool):
        return {"public_space": "is missing" if public is None else "is neither true nor false"}
    if not public:
        return {"place": "is of a source in public space only"} if place is not None else {}
    if place is None:
        return {"place": "is missing: a source in public space stands somewhere"}
    return {} if _is_point(place) else {"place": "is no GeoJSON Point [longitude, latitude]"}


def _is_point(place: object) -> bool:
    if not isinstance(place, Mapping) or place.keys() != {"type", "coordinates"}:
        return False
    two = place["coordinates"]
    if place["type"] != "Point" or not isinstance(two, list) or len(two) != 2:
        return False
    if not all(type(n) in (int, float) and math.isfinite(n) for n in two):
        return False
    return bool(abs(two[0]) <= 180 and abs(two[1]) <= 90)


def _disagreements(raw: Mapping[str, Any], steps: Steps) -> dict[str, str]:
    """Where the parts, each sound, do not go together."""
    faults = {}
    personal = "personal" in raw["data"]
    period = raw["retention_period"]
    kept = "data_retained" if is_kept(period) else "no_data_retained"
    if raw["retention"] != [kept]:
        faults["retention"] = "does not agree with the retention_period"
    if personal and raw["lawful_basis"] == "none_personal":
        faults["lawful_basis"] = "must be one of Article 6: the data concern people"
    elif steps.needs_key and raw["lawful_basis"] == "none_personal":
        faults["lawful_basis"] = "must be one of Article 6: pseudonyms stay personal data"
    if personal and period == UNLIMITED:
        faults["retention_period"] = "must end: the data concern people"
    if personal and not steps.steps:
        faults["anonymise"] = "is missing: data about people come in by a declared step only"
    if "raw_data" in raw["process"] and steps.hides:
        faults["process"] = _NOT_RAW
    if _IDENTIFIES & set(raw["tech"]) and not personal:
        faults["data"] = "must say 'personal': the technology identifies people's things"
    return faults


def _refuse_red(raw: Mapping[Any, Any]) -> None:
    for (part, element), rule in _RED.items():
        if _names(raw, part, element):
            raise _red(f"is {rule}", f"{part}__{element}")
    if _names(raw, "data", "personal") and _names(raw, "access", "available_for_resale"):
        raise _red("sells data about people (Art. 5(1)(b) of Regulation (EU) 2016/679)", "resale")


def _names(raw: Mapping[Any, Any], part: str, element: str) -> bool:
    value = raw.get(part)
    return isinstance(value, list) and element in value


def _red(fact: str, rule: str) -> RedLine:
    return RedLine("the source", fact, "it cannot be declared, and gives no data", rule=rule)
