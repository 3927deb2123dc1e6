"""A record of an algorithm: whether it is complete, true to form, and allowed. Pure.

In order: a use that the law prohibits is refused before anything else, with the article; then the record must have
every field that the standard requires, each in its form; and the class of risk may not be lower than what the
kinds of use that it names have by law.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from hansa.kernel.errors import BadRequest, Forbidden
from hansa.trust.algorithms.fields import FIELDS, PRACTICES, RISKS, STANDARD, Field

__all__ = ["Record", "checked", "is_running", "published", "risk_of"]

Record = dict[str, Any]

_MAIL: Final = re.compile(r"[^@\s]{1,100}@[^@\s]{1,100}\.[^@\s]{1,50}")
_WEB: Final = re.compile(r"https?://[^\s<>\"'`\\]{1,2000}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:/._#~+%-]{0,499}")
_MOST: Final = 200
_RUNNING: Final = frozenset({"pilot", "evaluation", "operational"})


def risk_of(practices: list[str]) -> str:
    """The class of risk that kinds of use have at least."""
    return max((PRACTICES[each].risk for each in practices), key=RISKS.index, default=RISKS[0])


def checked(raw: object) -> Record:
    """The record, if it is whole and allowed; fields that are filled in by the node are left out.

    Raises:
        Forbidden: the use is prohibited; the article is named.
        BadRequest: something is missing or not in its form; all of it is named.
    """
    if not isinstance(raw, Mapping):
        raise BadRequest("the record", "is no JSON object", "send the fields of the form")
    practices = raw.get("practices") or []
    if isinstance(practices, list):
        _refuse_prohibited(practices, raw.get("risk_category"))
    faults = {
        name: fault
        for name, field in FIELDS.items()
        if (fault := _fault(field, raw.get(name))) is not None
    }
    faults |= {str(name)[:50]: "is no field" for name in raw.keys() - FIELDS.keys() - _OURS}
    if "practices" not in faults and "risk_category" not in faults:
        least = risk_of(list(practices))
        if RISKS.index(raw["risk_category"]) < RISKS.index(least):
            faults["risk_category"] = f"must be at least '{least}' for what 'practices' names"
    if faults:
        told = "; ".join(f"{name} {fault}" for name, fault in list(faults.items())[:10])
        more = f"; and {len(faults) - 10} more" if len(faults) > 10 else ""
        raise BadRequest(
            "the record", told + more, "fill these fields in and send it again", faults=faults
        )
    return {name: raw[name] for name in FIELDS if raw.get(name) not in (None, "", [])}


_OURS: Final = frozenset({"id", "standard_version", "uuid", "publication_date", "last_change_date"})


def _refuse_prohibited(practices: list[Any], risk: object) -> None:
    for each in practices:
        practice = PRACTICES.get(each) if isinstance(each, str) else None
        if practice is not None and practice.risk == RISKS[-1]:
            raise Forbidden(
                "the algorithm",
                f"is prohibited: {practice.words.lower()} ({practice.rule} of Regulation (EU) 2024/1689)",
                "it cannot be declared, and gets no data",
                rule=each,
            )
    if risk == RISKS[-1]:
        raise Forbidden(
            "the algorithm",
            "is of unacceptable risk (Art. 5 of Regulation (EU) 2024/1689)",
            "it cannot be declared, and gets no data",
            rule="unacceptable",
        )


def _fault(field: Field, value: object) -> str | None:
    """What is wrong with a field's value; ``None`` if nothing is."""
    if value in (None, "", []):
        return "is missing" if field.required else None
    if field.kind == "list":
        return _list_fault(field, value)
    if not isinstance(value, str) or (not value.isprintable() and not _is_prose(value)):
        return "is no text"
    if not field.low <= len(value) <= field.high:
        return f"has {len(value)} characters, not {field.low or 'up'} to {field.high:,}"
    if field.kind == "choice" and value not in field.values:
        return f"is none of: {', '.join(field.values)}"
    if field.kind == "email" and not _MAIL.fullmatch(value):
        return "is no e-mail address"
    if field.kind == "url" and not _WEB.fullmatch(value):
        return "is no web address"
    if field.kind == "date" and not _is_date(value):
        return "is no date (2027-01-31)"
    return None


def _list_fault(field: Field, value: object) -> str | None:
    if (
        not isinstance(value, list)
        or len(value) > _MOST
        or not all(isinstance(e, str) for e in value)
    ):
        return "is no list of names"
    if field.name == "practices":
        unknown = [each for each in value if each not in PRACTICES]
        return f"names what is not known: {unknown[0][:50]}" if unknown else None
    odd = [each for each in value if not _NAME.fullmatch(each)]
    return f"names no type: {odd[0][:50]!r}" if odd else None


def _is_prose(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)


def _is_date(text: str) -> bool:
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False


def is_running(record: Record) -> bool:
    """Whether the algorithm is in use, so that it may read."""
    return record["status"] in _RUNNING


def published(record: Record) -> Record:
    """The record as the register publishes it: what the standard requires is there, empty if need be."""
    return {"standard_version": STANDARD, **record}
