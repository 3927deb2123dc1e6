"""A record of a source in the device chain of DTPR: is it whole, and may such a source be at all? Pure.

In order: what no city may collect is refused first, with the rule; then every part of the chain must be there,
in the standard's own identifiers, with a lawful basis and a contact. All that is missing is named at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from hansa.kernel.errors import BadRequest, Forbidden

__all__ = ["BASES", "CHAIN", "checked", "elements"]

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

_TEXTS: Final = ("accountable", "contact", "lawful_basis")
_LONGEST: Final = 500
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


@cache
def elements() -> Mapping[str, frozenset[str]]:
    """The standard's identifiers, by part of the chain."""
    text = files("hansa.trust.sources").joinpath("dtpr.toml").read_text(encoding="utf-8")
    return {part: frozenset(names) for part, names in tomllib.loads(text)["elements"].items()}


def checked(raw: object) -> dict[str, Any]:
    """The record, if such a source may be and nothing is missing.

    Raises:
        Forbidden: it crosses a red line; the rule is cited.
        BadRequest: something is missing or unknown; all of it is named.
    """
    if not isinstance(raw, Mapping):
        raise BadRequest("the record of the source", "is no object", "give the parts of the chain")
    _refuse_red(raw)
    faults = {part: fault for part in CHAIN if (fault := _fault(part, raw.get(part)))}
    for name in _TEXTS:
        value = raw.get(name)
        if not isinstance(value, str) or not value.strip():
            faults[name] = "is missing"
        elif len(value) > _LONGEST or not value.isprintable():
            faults[name] = f"is no text of up to {_LONGEST} characters"
    if "lawful_basis" not in faults and raw["lawful_basis"] not in BASES:
        faults["lawful_basis"] = f"is none of: {', '.join(BASES)}"
    faults |= {str(n)[:50]: "is no part of it" for n in raw.keys() - {*CHAIN, *_TEXTS}}
    if faults:
        told = "; ".join(f"{name} {fault}" for name, fault in faults.items())
        raise BadRequest("the record of the source", told[:2000], "fill these in", faults=faults)
    return {name: raw[name] for name in (*_TEXTS, *CHAIN)}


def _fault(part: str, value: object) -> str | None:
    if value in (None, "", []):
        return "is missing"
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return "is no list of identifiers"
    unknown = [each for each in value if each not in elements()[part]]
    return f"names what DTPR has not: {unknown[0][:50]!r}" if unknown else None


def _refuse_red(raw: Mapping[Any, Any]) -> None:
    for (part, element), rule in _RED.items():
        if _names(raw, part, element):
            raise _red(f"is {rule}", f"{part}__{element}")
    if _names(raw, "data", "personal") and _names(raw, "access", "available_for_resale"):
        raise _red("sells data about people (Art. 5(1)(b) of Regulation (EU) 2016/679)", "resale")


def _names(raw: Mapping[Any, Any], part: str, element: str) -> bool:
    value = raw.get(part)
    return isinstance(value, list) and element in value


def _red(fact: str, rule: str) -> Forbidden:
    return Forbidden("the source", fact, "it cannot be declared, and gives no data", rule=rule)
