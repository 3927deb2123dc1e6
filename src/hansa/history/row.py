"""An attribute instance as a row of a segment, and back again without loss.

A row has a column for everything that is filtered, ordered or summed up: the four times as integers
of microseconds, the value as a number, a text or JSON. What remains of the instance is its ``rest``, a
JSON text that is the same for nearly all rows of a series and so costs next to nothing in a column.

``form`` says how the columns give the value back, and with :func:`~hansa.ngsild.temporal_tally.measure`
what it counts as:

========= ============================== =========== ==================== ==================
form      number                         text        clock                json
========= ============================== =========== ==================== ==================
INTEGER   the value                      -           -                    the value if not
                                                                          exact as a float
FLOAT     the value                      -           -                    -
BOOLEAN   1 or 0                         -           -                    -
TEXT      -                              the value   -                    -
OTHER     what it counts as, e.g. a size what orders it  time of day [µs] the value
========= ============================== =========== ==================== ==================
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Final, NamedTuple

import orjson

from hansa.kernel.clock import from_micros, micros
from hansa.ngsild.model import VALUE_MEMBER, Instance
from hansa.ngsild.temporal import read_moment
from hansa.ngsild.temporal_tally import measure

__all__ = ["KINDS", "TIMES", "Form", "Row", "Value", "classify", "from_row", "to_row", "value_of"]

TIMES: Final = ("observedAt", "createdAt", "modifiedAt", "deletedAt")
"""The members of an instance that have columns of their own."""

KINDS: Final = tuple(VALUE_MEMBER)
"""The kinds of attribute; a row holds the position in this list."""

_LARGEST_EXACT: Final = 2**53
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,6}))?Z", re.ASCII)


class Form(IntEnum):
    """How the columns of a row give its value back."""

    INTEGER = 0
    FLOAT = 1
    BOOLEAN = 2
    TEXT = 3
    OTHER = 4


class Value(NamedTuple):
    """The columns of a value (see the table above)."""

    form: int
    number: float | None = None
    text: str | None = None
    clock: int | None = None
    json: str | None = None


class Row(NamedTuple):
    """One attribute instance.

    ``moment`` is when it was observed, or else written: the order of a series. Times are microseconds
    since 1970.
    """

    entity: str
    attribute: str
    dataset: str | None
    moment: int
    written: int
    observed: int | None
    created: int | None
    modified: int | None
    deleted: int | None
    instance: str
    kind: int
    form: int
    number: float | None
    text: str | None
    clock: int | None
    json: str | None
    rest: str


def classify(kind: str, value: Any, value_type: str | None = None) -> Value:
    """The columns of a `value` of an attribute of this `kind`."""
    if kind == "Property" and value_type is None:
        if isinstance(value, bool):
            return Value(Form.BOOLEAN, float(value))
        if isinstance(value, int):
            exact = -_LARGEST_EXACT <= value <= _LARGEST_EXACT
            return Value(Form.INTEGER, float(value), json=None if exact else _json(value))
        if isinstance(value, float):
            return Value(Form.FLOAT, value)
        if isinstance(value, str):
            return Value(Form.TEXT, text=value)
    number, text, clock = measure(kind, value, value_type)
    return Value(Form.OTHER, None if number is None else float(number), text, clock, _json(value))


def value_of(value: Value) -> Any:
    """The value that :func:`classify` was given."""
    if value.json is not None:
        return orjson.loads(value.json)
    if value.form == Form.TEXT:
        return value.text
    number = value.number or 0.0
    if value.form == Form.FLOAT:
        return value.number
    return bool(number) if value.form == Form.BOOLEAN else int(number)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


# -- an instance as a row --------------------------------------------------------------------------


def to_row(entity: str, attribute: str, written: int, instance: Instance) -> Row:
    """The row of an attribute instance that has its instanceId."""
    rest = dict(instance)
    kind = rest.pop("type")
    dataset, name = rest.pop("datasetId", None), rest.pop("instanceId")
    observed, created, modified, deleted = (_take_time(rest, each) for each in TIMES)
    member = VALUE_MEMBER[kind]
    value = classify(kind, rest.pop(member), rest.get("valueType")) if member in rest else _NOTHING
    moment = written if observed is None else observed
    return Row(
        entity,
        attribute,
        dataset,
        moment,
        written,
        observed,
        created,
        modified,
        deleted,
        name,
        KINDS.index(kind),
        *value,
        _json(rest),
    )


_NOTHING: Final = Value(Form.OTHER)
"""The value of an instance that has none."""


def _take_time(rest: Instance, name: str) -> int | None:
    """The time `name`; in its place remains how it is written: the digits of its second, or the text."""
    text = rest.get(name)
    if not isinstance(text, str):
        return None
    try:
        moment = read_moment(text)
    except ValueError:
        return None
    if not isinstance(moment, datetime):
        return None
    if (found := _STAMP.fullmatch(text)) is not None:
        rest[name] = len(found[1] or "")
    return micros(moment.replace(tzinfo=UTC))


def from_row(row: Row) -> Instance:
    """The instance that :func:`to_row` was given."""
    kind = KINDS[row.kind]
    instance: Instance = {"type": kind}
    value = Value(*row[11:16])
    if value != _NOTHING:
        instance[VALUE_MEMBER[kind]] = value_of(value)
    if row.dataset is not None:
        instance["datasetId"] = row.dataset
    instance |= orjson.loads(row.rest)
    for name, moment in zip(TIMES, row[5:9], strict=True):
        if moment is not None and isinstance(digits := instance[name], int):
            instance[name] = _written(moment, digits)
    instance["instanceId"] = row.instance
    return instance


def _written(moment: int, digits: int) -> str:
    """A time as text with so many digits after the second."""
    text = from_micros(moment).isoformat(timespec="microseconds")
    return text[: 20 + digits if digits else 19] + "Z"
