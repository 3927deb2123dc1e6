"""The form of a source's record: what it says, and steps as rows of attributes, step and detail.

A row says what most steps say. What a row cannot say (a step for some types, counts, measures, a budget) stands as
JSON below, with all steps after it, because the order of steps counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

import orjson

from hansa.kernel.errors import BadRequest
from hansa.trust.sources.record import CHAIN, REFUSED
from hansa.trust.sources.words import Words
from hansa.web.shell.forms import Form

__all__ = ["PARTS", "STEPS", "TEXTS", "Row", "offered", "read_record", "rows_of"]

TEXTS: Final = {
    "name": ("What people call it", ""),
    "accountable": (
        "Who answers for it",
        "The body that decided to have this source, not the company that installed it.",
    ),
    "contact": ("Contact", "Where people can ask about it and object: an address that is read."),
    "retention_period": (
        "How long data are kept",
        "A duration such as P30D (30 days) or P1Y (a year); 'unlimited' only where the data concern no person.",
    ),
    "description": ("What it does", "In your own words, for people who pass by."),
}
"""The texts of the form: what they are called, and how they are explained."""

STEPS: Final = {
    "drop": "leave out",
    "time": "make times coarser",
    "place": "make places coarser",
    "pseudonymise": "replace by names that end",
    "keep": "keep: it is not about people",
    "suppress": "leave out small groups",
}
"""Steps that a row can say, and what they are called."""

PARTS: Final = tuple(part for part in CHAIN if part != "retention")
"""Parts of the chain that the form asks for; whether data are kept follows from how long they are."""

_DETAILS: Final = {
    "time": "period",
    "place": "resolution",
    "pseudonymise": "rotate",
    "keep": "because",
    "suppress": "k",
}
_SPARE: Final = 2
"""Empty rows below those that say something."""

Row = tuple[str, str, str]
"""Attributes (by commas), the step, its detail."""


def offered(part: str, words: Mapping[str, Words]) -> dict[str, Words]:
    """The elements of a part that a form offers: all but those that no city may have."""
    return {each: word for each, word in words.items() if each not in REFUSED.get(part, ())}


def read_record(form: Form) -> dict[str, Any]:
    """The record that a form says; what is left empty is left out.

    Raises:
        BadRequest: a part of it cannot be read.
    """
    record: dict[str, Any] = {name: form.get(name, "").strip() for name in (*TEXTS, "adapter")}
    record["lawful_basis"] = form.get("lawful_basis", "")
    record |= {part: form.getlist(part) for part in PARTS}
    record["public_space"] = form.get("public_space") == "yes"
    if record["public_space"]:
        try:
            place = [float(form.get(name, "")) for name in ("longitude", "latitude")]
        except ValueError:
            place = []
        record["place"] = {"type": "Point", "coordinates": place} if place else None
    record["anonymise"] = _steps(form)
    return {name: value for name, value in record.items() if value not in ("", [], None)}


def _steps(form: Form) -> Any:
    lists = [form.getlist(f"step_{name}") for name in ("attributes", "word", "detail")]
    rows = [(a.strip(), w, d.strip()) for a, w, d in zip_longest(*lists, fillvalue="")]
    found = [_step(*row) for row in rows if any(row)]
    if not (others := form.get("anonymise", "").strip()):
        return found
    try:
        more = orjson.loads(others)
    except orjson.JSONDecodeError as error:
        fault = f"is no JSON ({error})"
        raise BadRequest("the steps", fault, faults={"anonymise": fault}) from error
    return [*found, *more] if isinstance(more, list) else more


def _step(attributes: str, word: str, detail: str) -> dict[str, Any]:
    names = [name for each in attributes.split(",") if (name := each.strip())]
    step: dict[str, Any] = {"step": word, "by" if word == "suppress" else "attributes": names}
    if detail and word in _DETAILS:
        whole = detail.isdecimal() and len(detail) < 9
        step[_DETAILS[word]] = int(detail) if whole else detail
    return step


def rows_of(steps: object) -> tuple[list[Row], str]:
    """Steps as rows, some empty ones below; and the rest as JSON."""
    listed: Sequence[Any] = steps if isinstance(steps, list) else []
    rows: list[Row] = []
    for each in listed:
        row = _row(each)
        if row is None:
            break
        rows.append(row)
    rest = listed[len(rows) :] if isinstance(steps, list) else steps
    shown = orjson.dumps(rest, option=orjson.OPT_INDENT_2).decode() if rest else ""
    return [*rows, *[("", "", "")] * _SPARE], shown


def _row(step: object) -> Row | None:
    """The row that says all that a step says; ``None`` where none can."""
    if not isinstance(step, Mapping):
        return None
    word = str(step.get("step", ""))
    names = step.get("by" if word == "suppress" else "attributes", [])
    detail = str(step.get(_DETAILS.get(word, ""), ""))
    if not isinstance(names, list) or not all(isinstance(n, str) and "," not in n for n in names):
        return None
    row = (", ".join(names), word, detail)
    return row if _step(*row) == step else None
