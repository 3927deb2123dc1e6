"""A table of measurements, read by DuckDB into rows that are ready to be sorted into a segment.

Every row is judged: what is wrong with it stands in its column ``bad``, and its number in ``line``. A CSV
file's texts become the values that they write in JSON (numbers, true, false), else texts; a Parquet
file's keep their types. Empty cells of a table with a mapping are no values; without one, they are wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hansa.history.engine import ask
from hansa.history.mapping import Mapping
from hansa.history.question import quoted
from hansa.history.row import Form
from hansa.kernel.errors import BadRequest

__all__ = ["Names", "columns_of", "names_in", "source_of", "staging"]

LONG: Final = ("entity", "type", "attribute", "time", "value")
OPTIONAL: Final = ("dataset", "unit")
_NUMBER: Final = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"
_URI: Final = r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+"
_EXACT: Final = 2**53


@dataclass(frozen=True, slots=True)
class Names:
    """The names of types or attributes in a table: as they stand, and expanded ("" if not valid)."""

    written: Sequence[str]
    expanded: Sequence[str]


def source_of(path: Path) -> str:
    """The file as a table of a question.

    Raises:
        BadRequest: there is no such file, or its name does not tell its form.
    """
    if not path.is_file():
        raise BadRequest(f"file {path.name}", "does not exist", "check the path")
    ending = path.suffix.lower()
    if ending in {".parquet", ".pq"}:
        return f"read_parquet({quoted(path)})"
    if ending in {".csv", ".tsv", ".txt"}:
        return (
            f"read_csv({quoted(path)}, all_varchar=true, header=true, store_rejects=true,"
            " quote='\"', escape='\"', rejects_limit=100000)"
        )
    raise BadRequest(
        f"file {path.name}", "its name does not tell its form", "name it .csv, .tsv or .parquet"
    )


def columns_of(path: Path, source: str, mapping: Mapping | None) -> dict[str, str]:
    """The columns of a table and DuckDB's names of their types.

    Raises:
        BadRequest: a column that is needed is missing.
    """
    found = {row[0]: row[1] for row in ask(f"DESCRIBE SELECT * FROM {source}")}
    needed = set(LONG) if mapping is None else mapping.columns
    if missing := sorted(needed - found.keys()):
        raise BadRequest(
            f"file {path.name}",
            f"has no column '{missing[0]}' (it has {', '.join(sorted(found))[:200]})",
            "name the columns entity, type, attribute, time, value; or write a --mapping",
        )
    return found


def names_in(source: str, column: str) -> list[str]:
    """The different texts in a column."""
    name = _name(column)
    return [
        row[0]
        for row in ask(f"SELECT DISTINCT {name}::VARCHAR FROM {source} WHERE {name} IS NOT NULL")
    ]


def staging(source: str, columns: dict[str, str], mapping: Mapping | None) -> str:
    """The question for all rows, judged. It needs the parameters ``token``, ``now`` and the names."""
    plain = _long(source, columns) if mapping is None else _wide(source, columns, mapping)
    zone = "UTC" if mapping is None else mapping.zone
    time = _time(columns["time" if mapping is None else mapping.time], zone)
    return f"""
WITH plain AS ({plain}),
timed AS (SELECT *, {time} AS moment FROM plain),
types AS (SELECT unnest($types) AS written, unnest($type_iris) AS iri),
attributes AS (SELECT unnest($attributes) AS written, unnest($attribute_iris) AS iri)
SELECT line, r.entity, t.iri AS type, a.iri AS attribute, nullif(dataset, '') AS dataset,
  moment, $now::BIGINT AS written, moment AS observed, $now::BIGINT AS created,
  $now::BIGINT AS modified, NULL::BIGINT AS deleted,
  'urn:ngsi-ld:instance:i' || $token || '.' || line || coalesce('.' || part, '') AS instance,
  0::TINYINT AS kind, form::TINYINT AS form, number, text, NULL::BIGINT AS clock,
  CASE WHEN form = {int(Form.INTEGER)} AND abs(number) > {_EXACT} THEN raw END AS json,
  '{{"observedAt":' || CASE WHEN moment % 1000000 = 0 THEN '0' ELSE '6' END
  || ',"createdAt":6,"modifiedAt":6'
  || CASE WHEN nullif(unit, '') IS NULL THEN '' ELSE ',"unitCode":' || to_json(unit)::VARCHAR END
  || '}}' AS rest,
  CASE
    WHEN r.entity IS NULL OR NOT regexp_full_match(r.entity, '{_URI}')
      THEN 'the entity ' || coalesce(r.entity[:60], 'is missing and') || ' is not a URI'
    WHEN coalesce(t.iri, '') = '' THEN 'the type is missing or not a valid name'
    WHEN coalesce(a.iri, '') = '' THEN 'the attribute is missing or not a valid name'
    WHEN moment IS NULL THEN 'the time is missing or not a time'
    WHEN form IS NULL THEN 'the value is missing or not one of JSON'
    WHEN nullif(dataset, '') IS NOT NULL AND NOT regexp_full_match(dataset, '{_URI}')
      THEN 'the dataset is not a URI'
  END AS bad
FROM timed AS r LEFT JOIN types AS t ON t.written = r.type
LEFT JOIN attributes AS a ON a.written = r.attribute"""


def _long(source: str, columns: dict[str, str]) -> str:
    more = [
        f"{_name(each)}::VARCHAR AS {each}" if each in columns else f"NULL::VARCHAR AS {each}"
        for each in OPTIONAL
    ]
    return (
        "SELECT row_number() OVER () AS line, NULL::VARCHAR AS part, entity::VARCHAR AS entity,"
        f" type::VARCHAR AS type, attribute::VARCHAR AS attribute, {', '.join(more)},"
        f" time AS at_, {_value('value', columns['value'])} FROM {source}"
    )


def _wide(source: str, columns: dict[str, str], mapping: Mapping) -> str:
    """One row a moment becomes one row a value."""
    entity = " || ".join(
        part
        for text, column in mapping.parts
        for part in ([_text(text)] if text else [])
        + ([f"{_name(column)}::VARCHAR"] if column else [])
    )
    lines = f"SELECT row_number() OVER () AS line_, * FROM {source}"
    parts = [
        f"SELECT line_ AS line, '{number}' AS part, {entity} AS entity, {_text(mapping.type)} AS type,"
        f" {_text(each.attribute)} AS attribute, NULL::VARCHAR AS dataset,"
        f" {'NULL::VARCHAR' if each.unit is None else _text(each.unit)} AS unit,"
        f" {_name(mapping.time)} AS at_, {_value(each.column, columns[each.column])}"
        f" FROM lines WHERE nullif({_name(each.column)}::VARCHAR, '') IS NOT NULL"
        for number, each in enumerate(mapping.attributes)
    ]
    return f"WITH lines AS ({lines}) {' UNION ALL '.join(parts)}"


def _time(type: str, zone: str) -> str:
    """A time as microseconds since 1970; NULL if it is none."""
    if type.startswith("TIMESTAMP WITH TIME ZONE"):
        return "epoch_us(at_)"
    if type.startswith(("TIMESTAMP", "DATE")):
        return f"epoch_us(timezone({_text(zone)}, at_::TIMESTAMP))"
    zoned = r"regexp_matches(at_, '(Z|[+-][0-9]{2}(:?[0-9]{2})?)$')"
    return (
        f"CASE WHEN {zoned} AND at_ LIKE '%:%' THEN epoch_us(TRY_CAST(at_ AS TIMESTAMPTZ))"
        f" ELSE epoch_us(timezone({_text(zone)}, TRY_CAST(at_ AS TIMESTAMP))) END"
    )


def _value(column: str, type: str) -> str:
    """The columns form, number, text and raw of a value."""
    name = _name(column)
    if type in {"DOUBLE", "FLOAT"} or type.startswith("DECIMAL"):
        form = f"CASE WHEN isfinite({name}::DOUBLE) THEN {int(Form.FLOAT)} END"
        return f"{form} AS form, {name}::DOUBLE AS number, NULL::VARCHAR AS text, NULL AS raw"
    if type.endswith("INT") or type.endswith("INTEGER"):
        form = f"CASE WHEN {name} IS NOT NULL THEN {int(Form.INTEGER)} END"
        return (
            f"{form} AS form, {name}::DOUBLE AS number, NULL::VARCHAR AS text,"
            f" {name}::VARCHAR AS raw"
        )
    if type == "BOOLEAN":
        form = f"CASE WHEN {name} IS NOT NULL THEN {int(Form.BOOLEAN)} END"
        return f"{form} AS form, {name}::INT::DOUBLE AS number, NULL::VARCHAR AS text, NULL AS raw"
    text = f"{name}::VARCHAR"
    number = f"regexp_full_match({text}, '{_NUMBER}')"
    form = (
        f"CASE WHEN nullif({text}, '') IS NULL THEN NULL"
        f" WHEN {text} IN ('true', 'false') THEN {int(Form.BOOLEAN)}"
        f" WHEN NOT {number} THEN {int(Form.TEXT)}"
        f" WHEN TRY_CAST({text} AS DOUBLE) IS NULL OR isinf(TRY_CAST({text} AS DOUBLE)) THEN NULL"
        f" WHEN regexp_full_match({text}, '-?[0-9]+') AND coalesce(TRY_CAST({text} AS BIGINT)::HUGEINT,"
        f" TRY_CAST({text} AS UBIGINT)::HUGEINT) IS NOT NULL THEN {int(Form.INTEGER)}"
        f" ELSE {int(Form.FLOAT)} END"
    )
    amount = f"CASE {text} WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 ELSE TRY_CAST({text} AS DOUBLE) END"
    return (
        f"{form} AS form, CASE WHEN {number} OR {text} IN ('true', 'false') THEN {amount} END"
        f" AS number, CASE WHEN NOT {number} AND {text} NOT IN ('true', 'false') THEN {text} END"
        f" AS text, {text} AS raw"
    )


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def parameters(types: Names, attributes: Names, token: str, now: int) -> dict[str, Any]:
    """The parameters of :func:`staging`."""
    return {
        "types": list(types.written),
        "type_iris": list(types.expanded),
        "attributes": list(attributes.written),
        "attribute_iris": list(attributes.expanded),
        "token": token,
        "now": now,
    }
