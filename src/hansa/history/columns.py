"""Many instances as rows of a segment at once, column by column; what is out of the ordinary, one by one.

The engine reads the JSON of instances as they lie in the database. It takes those whose meaning it cannot
get wrong; of these, the columns are what :func:`~hansa.history.row.to_row` makes of them (tests hold the two
against each other). An instance is *plain* when

1. it is a Property with a number that a float holds exactly, a boolean or a text, a GeoProperty with an
   object, or a Relationship with one target;
2. it has no members but its value, datasetId, unitCode and the four times;
3. its times are written as the API writes them.

All others go through Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import orjson

from hansa.history.build import spill
from hansa.history.engine import ask, run
from hansa.history.question import quoted, table_of
from hansa.history.row import KINDS, TIMES, Form, Row, to_row
from hansa.history.segment import COLUMNS
from hansa.store.history import Line

__all__ = ["spill_lines"]

_STAMP: Final = r"[12]\d{3}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?Z"
_EXACT: Final = 2**53
_TEXTS: Final = ("type", "datasetId", *TIMES)
_MEMBERS: Final = {
    **dict.fromkeys(_TEXTS, "VARCHAR"),
    **dict.fromkeys(("value", "object", "unitCode"), "JSON"),
}
_SHAPE: Final = orjson.dumps(_MEMBERS).decode()
_COLUMN: Final = {
    "observedAt": "observed",
    "createdAt": "created",
    "modifiedAt": "modified",
    "deletedAt": "deleted",
}

_COUNT: Final = " + ".join(f"(m.{name} IS NOT NULL)::INT" for name in _MEMBERS)
_TIMED: Final = " AND ".join(
    f"(m.{name} IS NULL OR ({column} IS NOT NULL AND regexp_full_match(m.{name}, '{_STAMP}')))"
    for name, column in _COLUMN.items()
)
_PLAIN: Final = f"""
  len(json_keys(body)) = {_COUNT} AND (m.value IS NULL) <> (m.object IS NULL) AND {_TIMED}
  AND NOT contains(body, '\\u0000') AND CASE m.type
    WHEN 'Property' THEN sort IN ('DOUBLE', 'BOOLEAN', 'VARCHAR')
      OR (sort IN ('BIGINT', 'UBIGINT') AND abs(try_cast(m.value AS HUGEINT)) <= {_EXACT})
    WHEN 'GeoProperty' THEN sort = 'OBJECT'
    WHEN 'Relationship' THEN m.object IS NOT NULL AND json_type(m.object) = 'VARCHAR'
    ELSE false END"""
_DIGITS: Final = [
    f"""'"{name}":' || CASE m.{name}[20] WHEN '.' THEN length(m.{name}) - 21 WHEN 'Z' THEN 0 END"""
    for name in TIMES
]
_JUDGED: Final = f"""
WITH split AS (SELECT *, from_json(body, '{_SHAPE}') AS m FROM %s),
known AS (SELECT *, json_type(m.value) AS sort,
  {", ".join(f"epoch_us(try_cast(m.{name} AS TIMESTAMP)) AS {column}" for name, column in _COLUMN.items())}
  FROM split),
judged AS (SELECT *, coalesce({_PLAIN}, false) AS plain FROM known)
SELECT entity, attribute, m.datasetId AS dataset, coalesce(observed, written) AS moment, written,
  observed, created, modified, deleted, instance,
  CASE m.type {" ".join(f"WHEN '{kind}' THEN {number}" for number, kind in enumerate(KINDS))} END::TINYINT AS kind,
  CASE WHEN NOT plain THEN NULL WHEN m.type <> 'Property' THEN {int(Form.OTHER)}
    WHEN sort = 'DOUBLE' THEN {int(Form.FLOAT)} WHEN sort = 'BOOLEAN' THEN {int(Form.BOOLEAN)}
    WHEN sort = 'VARCHAR' THEN {int(Form.TEXT)} ELSE {int(Form.INTEGER)} END::TINYINT AS form,
  CASE WHEN NOT plain OR m.type <> 'Property' THEN NULL
    WHEN sort = 'BOOLEAN' THEN CASE WHEN m.value::VARCHAR = 'true' THEN 1 ELSE 0 END
    WHEN sort <> 'VARCHAR' THEN try_cast(m.value AS DOUBLE) END::DOUBLE AS number,
  CASE WHEN plain AND m.type = 'Property' AND sort = 'VARCHAR' THEN m.value ->> '$' END AS text,
  NULL::BIGINT AS clock,
  CASE WHEN plain AND m.type <> 'Property' THEN coalesce(m.value, m.object)::VARCHAR END AS json,
  '{{' || concat_ws(',', {_DIGITS[0]}, '"unitCode":' || m.unitCode::VARCHAR, {", ".join(_DIGITS[1:])}) || '}}'
    AS rest,
  CASE WHEN NOT plain THEN body END AS body
FROM judged"""


def spill_lines(portions: Iterable[list[Line]], folder: Path, name: str) -> tuple[str, list[Path]]:
    """Write instances to drafts in `folder`; the rows as a table of a question ("" if there are none), and
    the drafts."""
    lines, rows, others = (folder / f"{name}.{each}.part" for each in ("lines", "rows", "others"))
    drafts = [lines, rows, others]
    if not _write(portions, lines):
        return "", drafts
    run(f"COPY ({_JUDGED % table_of([lines])}) TO {quoted(rows)} (FORMAT parquet, COMPRESSION lz4)")
    columns = ", ".join(column for column, _ in COLUMNS)
    source = f"SELECT {columns} FROM {table_of([rows])} WHERE body IS NULL"
    if spill(_one_by_one(rows), others):
        source += f" UNION ALL SELECT {columns} FROM {table_of([others])}"
    return f"({source})", drafts


def _write(portions: Iterable[list[Line]], target: Path) -> int:
    import pyarrow
    from pyarrow import parquet

    names = ("entity", "attribute", "written", "instance", "body")
    text = pyarrow.string()
    schema = pyarrow.schema(
        list(zip(names, (text, text, pyarrow.int64(), text, text), strict=True))
    )
    count = 0
    with parquet.ParquetWriter(target, schema, compression="lz4", use_dictionary=False) as writer:
        for portion in portions:
            if portion:
                columns = [
                    pyarrow.array(column, field.type)
                    for column, field in zip(zip(*portion, strict=True), schema, strict=True)
                ]
                writer.write_batch(pyarrow.record_batch(columns, schema=schema))
                count += len(portion)
    return count


def _one_by_one(rows: Path) -> Iterator[Row]:
    question = f"SELECT entity, attribute, written, instance, body FROM {table_of([rows])} WHERE body IS NOT NULL"
    for entity, attribute, written, instance, body in ask(question):
        found = {**orjson.loads(body), "instanceId": instance}
        yield to_row(entity, attribute, written, found)
