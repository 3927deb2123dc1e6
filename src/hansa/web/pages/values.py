"""Plain values out of entities in internal form."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, TypeVar

from hansa.ngsild.model import VALUE_MEMBER, Entity, Instance

__all__ = ["day_of", "first", "instant_of", "text", "unwrapped", "value_of"]

T = TypeVar("T")

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


def unwrapped(value: Any) -> Any:
    """What a JSON-LD value object holds (``{"@type": "Date", "@value": ...}``); others as they are."""
    return value["@value"] if isinstance(value, dict) and "@value" in value else value


def day_of(written: str) -> date | None:
    """The day of the calendar that a text is, ``2019-05-01``; ``None`` when it is anything else."""
    return _parsed(date.fromisoformat, _DAY, written)


def instant_of(written: str) -> datetime | None:
    """The moment with a time zone that a text is; ``None`` when it is anything else."""
    return _parsed(datetime.fromisoformat, _INSTANT, written)


def _parsed(parse: Callable[[str], T], form: re.Pattern[str], written: str) -> T | None:
    if not form.fullmatch(written):
        return None
    try:
        return parse(written)
    except ValueError:
        return None


def value_of(instance: Instance) -> Any:
    """The value that an attribute instance carries, whatever its kind."""
    return instance.get(VALUE_MEMBER[instance["type"]])


def first(entity: Entity, iri: str) -> Any:
    """The value of the first instance of an attribute, or ``None``."""
    instances = entity.get(iri)
    return value_of(instances[0]) if instances else None


def text(entity: Entity, *iris: str) -> str:
    """The first of these attributes that has a value, as text; "" when none has."""
    for iri in iris:
        value = unwrapped(first(entity, iri))
        if isinstance(value, dict):
            value = next((v for v in value.values() if isinstance(v, str)), None)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
    return ""
