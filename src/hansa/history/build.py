"""Making segments: from rows, or from other segments. What is not finished has the ending ``.part``.

A segment is complete on the disk, and its folder's entry too, before anyone is told its name; so what
the database lists exists whatever happens. Files that it does not list are left over from a crash and
swept away by the next compaction.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hansa.history import sums
from hansa.history.engine import Follow, ask, run
from hansa.history.question import quoted, table_of
from hansa.history.row import Row
from hansa.history.segment import COLUMNS, Segment, options
from hansa.kernel.folder import sync

if TYPE_CHECKING:
    import pyarrow

__all__ = ["build", "digest", "new_name", "settle", "spill", "summarise"]

_BATCH: Final = 20_000
_PIECE: Final = 1 << 20
ORDER: Final = "entity, attribute, moment, written, instance"


def new_name() -> str:
    """A name for a segment that no other one has had."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def spill(rows: Iterable[Row], target: Path) -> int:
    """Write rows as they come to the Parquet file `target`; how many there were."""
    from pyarrow import parquet

    count = 0
    schema = _schema()
    with parquet.ParquetWriter(target, schema, compression="lz4") as writer:
        for batch in _batches(rows, schema):
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def _schema() -> pyarrow.Schema:
    import pyarrow

    types = {
        "VARCHAR": pyarrow.string(),
        "BIGINT": pyarrow.int64(),
        "TINYINT": pyarrow.int8(),
        "DOUBLE": pyarrow.float64(),
    }
    return pyarrow.schema([(name, types[type]) for name, type in COLUMNS])


def _batches(rows: Iterable[Row], schema: pyarrow.Schema) -> Iterator[pyarrow.RecordBatch]:
    import pyarrow

    waiting = iter(rows)
    while part := list(islice(waiting, _BATCH)):
        columns = [
            pyarrow.array(column, field.type)
            for column, field in zip(zip(*part, strict=True), schema, strict=True)
        ]
        yield pyarrow.record_batch(columns, schema=schema)


def build(
    folder: Path,
    name: str,
    source: str,
    *,
    where: str = "true",
    without: Collection[tuple[str, str]] = (),
    values: Mapping[str, Any] | None = None,
    follow: Follow | None = None,
) -> Segment | None:
    """The segment of the rows of `source` (a table of a question); None if there are none.

    `where` is a condition on the rows, `values` are its parameters and those of `source`; `without` names
    instances (entity, instanceId) that are left out; `follow` is told how far the sorting is. The files
    are durable when this returns, and known to nobody.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{name}.part"
    columns = ", ".join(column for column, _ in COLUMNS)
    given = dict(values or {})
    if without:
        where += (
            " AND NOT EXISTS (SELECT 1 FROM (SELECT unnest($entities) AS e, unnest($instances) AS i)"
            " WHERE e = r.entity AND i = r.instance)"
        )
        given |= {"entities": [e for e, _ in without], "instances": [i for _, i in without]}
    rows = run(
        f"COPY (SELECT {columns} FROM {source} AS r WHERE {where} ORDER BY {ORDER})"
        f" TO {quoted(draft)} {options()}",
        given,
        follow,
    )
    if not rows:
        draft.unlink()
        return None
    ends = next(
        ask(f"SELECT min(entity), max(entity), min(moment), max(moment) FROM {table_of([draft])}")
    )
    low, high, first, last = ends
    unfinished = Segment(name, rows, 0, "", low, high, first, last)
    bucket = sums.worth(table_of([draft]))
    if not bucket:
        return settle(folder, unfinished, [draft])
    query = sums.by_bucket(table_of([draft]), bucket)
    whole, drafts = _sums(folder, replace(unfinished, bucket=bucket), query)
    return settle(folder, whole, [draft, *drafts])


def _sums(
    folder: Path, segment: Segment, query: str, values: Mapping[str, Any] | None = None
) -> tuple[Segment, list[Path]]:
    """Write the files of series and sums; the segment with what is known of them, and the files."""
    named = folder / f"{segment.name}.named.part"
    series, rows, days = (folder / f"{segment.name}.{e}.part" for e in ("series", "sums", "days"))
    try:
        run(f"COPY ({query}) TO {quoted(named)} (FORMAT parquet, COMPRESSION lz4)", values)
        for each, draft in zip(sums.split(table_of([named])), (series, rows), strict=True):
            run(f"COPY ({each}) TO {quoted(draft)} {options()}")
        [(low, high, texts)] = ask(
            f"SELECT min(kind), max(kind), coalesce(sum(texts), 0) > 0 FROM {table_of([named])}"
        )
    finally:
        named.unlink(missing_ok=True)
    by_day = segment.bucket == sums.HOUR
    if by_day:
        run(f"COPY ({sums.by_day(series, rows)}) TO {quoted(days)} {options()}")
    known = replace(segment, kind=low if low == high else -1, texts=texts, days=by_day)
    return known, [series, rows, *([days] if by_day else [])]


def summarise(
    folder: Path, name: str, query: str, bucket: int, values: Mapping[str, Any] | None = None
) -> Segment | None:
    """The summary of the sums that a question gives (with their names); None if there are none."""
    folder.mkdir(parents=True, exist_ok=True)
    [(count,)] = ask(f"SELECT count(*) FROM ({query})", values)
    if not count:
        return None
    blank = Segment(name, 0, 0, "", "", "", 0, 0, bucket, summary=True)
    known, drafts = _sums(folder, blank, query, values)
    rows, low, high, first, last = next(
        ask(
            "SELECT sum(total)::BIGINT, min(entity), max(entity), min(start), max(start)"
            f" FROM {sums.named(*drafts[:2])}"
        )
    )
    ends = {"first_entity": low, "last_entity": high, "first": first, "last": last}
    return settle(folder, replace(known, rows=rows, **ends), drafts)


def settle(folder: Path, segment: Segment, drafts: list[Path]) -> Segment:
    """Give the finished `drafts` the names of the segment's files, durably; the segment, completed."""
    files = segment.files(folder)
    size = sum(draft.stat().st_size for draft in drafts)
    for draft, file in zip(drafts, files, strict=True):
        sync(draft)
        draft.rename(file)
    sync(folder)
    return replace(segment, size=size, digest=digest(files))


def digest(files: Iterable[Path]) -> str:
    """SHA-256 of files, one after the other."""
    sum = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                sum.update(piece)
    return sum.hexdigest()
