"""How the columns of a table become history: a mapping, as its file says it, checked.

Without a mapping the table has a row per value, with the columns ``entity``, ``type``, ``attribute``,
``time`` and ``value``, and if need be ``dataset`` and ``unit``. A mapping (TOML) is for tables that have
a row per moment and a column per attribute::

    entity = "urn:ngsi-ld:AirQualityObserved:{station}"   # {COLUMN} stands for that column's value
    type = "AirQualityObserved"
    time = "measured_at"                                   # a column
    zone = "America/Santiago"                              # of times that name no zone; else UTC

    [attributes]
    pm25 = { column = "PM2_5", unit = "GQ" }
    no2 = { column = "NO2" }
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from hansa.kernel.errors import BadRequest
from hansa.kernel.toml import TOMLDecodeError, parsed

__all__ = ["Column", "Mapping", "read_mapping"]

_PLACE: Final = re.compile(r"\{([^{}]+)\}")
_KEYS: Final = ("entity", "type", "time", "zone", "attributes")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that holds the values of one attribute; `unit` is a UN/CEFACT code."""

    attribute: str
    column: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """A row per moment: see the module."""

    entity: str
    type: str
    time: str
    attributes: tuple[Column, ...]
    zone: str = "UTC"

    @property
    def parts(self) -> list[tuple[str, str]]:
        """The template of identifiers as (text, column that follows it or "")."""
        split = _PLACE.split(self.entity)
        return list(zip(split[::2], [*split[1::2], ""], strict=True))

    @property
    def columns(self) -> set[str]:
        """The columns that the table must have."""
        named = {column for _, column in self.parts if column}
        return named | {self.time} | {each.column for each in self.attributes}


def read_mapping(path: Path) -> Mapping:
    """The mapping in a file.

    Raises:
        BadRequest: it cannot be read, or is no such mapping; the error says where.
    """
    try:
        found = parsed(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, TOMLDecodeError) as error:
        raise _wrong(path, f"cannot be read ({error})") from error
    if unknown := found.keys() - set(_KEYS):
        raise _wrong(path, f"'{min(unknown)}' is not known")
    texts: dict[str, Any] = {
        name: found.get(name, "UTC" if name == "zone" else None) for name in _KEYS
    }
    table = texts.pop("attributes")
    for name, text in texts.items():
        if not isinstance(text, str) or not text:
            raise _wrong(path, f"'{name}' is missing, or no text")
    if not isinstance(table, dict) or not table:
        raise _wrong(path, "it names no attributes")
    try:
        ZoneInfo(texts["zone"])
    except (KeyError, ValueError, OSError) as error:
        raise _wrong(path, f"'{texts['zone']}' is not a time zone") from error
    columns = tuple(_column(path, name, entry) for name, entry in table.items())
    return Mapping(texts["entity"], texts["type"], texts["time"], columns, texts["zone"])


def _column(path: Path, name: str, entry: Any) -> Column:
    if isinstance(entry, str):
        entry = {"column": entry}
    well_formed = (
        isinstance(entry, dict)
        and entry.keys() <= {"column", "unit"}
        and all(isinstance(value, str) and value for value in entry.values())
    )
    if not well_formed or "column" not in entry:
        raise _wrong(path, f"attribute '{name}' does not name its column")
    return Column(name, entry["column"], entry.get("unit"))


def _wrong(path: Path, fact: str) -> BadRequest:
    return BadRequest(f"mapping {path.name}", fact, "see `hansa history import --help`")
