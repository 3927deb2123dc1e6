"""Bulk import of history: from a table straight into a segment.

In this order:

1. the table is read once, and every row is judged (see :mod:`.table`) into a file beside the archive; what may
   never go in refuses the whole file;
2. rows that are wrong are reported with their lines; rows of a time of which only sums are kept, and rows whose attribute (and dataset) has an instance of
   the same observedAt already, in the archive, in the tail or earlier in the file, are left out, so that
   repeating an import adds nothing;
3. the rest is sorted into a segment; the entities that are new here get a past; the segment is listed.

What is there already with another value is not changed; the report counts it.
"""

from __future__ import annotations

import secrets
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from hansa.history import sums, table
from hansa.history.archive import ParquetArchive
from hansa.history.build import build, new_name, spill
from hansa.history.compact import Progress
from hansa.history.engine import Follow, cursor, failures, followed
from hansa.history.mapping import Mapping
from hansa.history.question import quoted, table_of
from hansa.history.row import to_row
from hansa.kernel.errors import BadRequest, HansaError, Unavailable
from hansa.ngsild.context import Context
from hansa.ngsild.values import check_name
from hansa.store.history import Added, Selection
from hansa.store.port import Entity, Screen, Store

__all__ = ["Imported", "Screened", "import_history"]

_LISTED: Final = 1_000
"""Rows that are named in a report of what is wrong."""
_TOGETHER: Final = 1_000
_LONG: Final = 200
"""Texts of this length are shown to the screen, whatever they stand under."""
_READ, _COMPARED, _SORTED = 50, 60, 90
"""Percent of an import that is done when the table is read, compared with what is there, sorted."""
_SAME: Final = "s.entity = o.entity AND s.attribute = o.attribute AND s.observed = o.observed"
_SAME_SET: Final = f"{_SAME} AND s.dataset IS NOT DISTINCT FROM o.dataset"


class Screened(Protocol):
    """What sees the names and values of a table before any is kept; a module can be one."""

    @property
    def check(self) -> Screen:
        """Refuses what may not be kept."""

    @property
    def looks_closely(self) -> Callable[[str], bool]:
        """Whether every value under a name is to be shown."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do.

    Attributes:
        read: rows (values, where a row has several) in the table.
        added: instances that are new.
        unchanged: instances that were there already with this value.
        different: ... with another value; they stay as they are.
        summed: of hours or days that are kept as sums alone; they are left out.
        refused: rows that are wrong.
        faults: (line, what is wrong) of the first of them.
        entities: how many entities the added instances belong to.
    """

    read: int
    added: int
    unchanged: int
    different: int
    summed: int
    refused: int
    faults: tuple[tuple[int, str], ...]
    entities: int


class _Work:
    """One import under way, with a connection of its own to the engine."""

    def __init__(self, store: Store, archive: ParquetArchive, progress: Progress) -> None:
        self.store, self.archive, self.progress = store, archive, progress
        self.engine = cursor()
        self.token = secrets.token_hex(4)
        self.draft = archive.folder / f"import-{self.token}.part"
        self.tail = archive.folder / f"import-{self.token}.tail.part"

    def run(self, question: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of an answer."""
        rows: list[tuple[Any, ...]] = self.engine.execute(question, values or {}).fetchall()
        return rows

    def part(self, begin: int, end: int) -> Follow:
        """What tells how far a step is that goes from `begin` to `end` percent of the whole."""
        return lambda share: self.progress(round(begin + share * (end - begin)), 100)

    def one(self, question: str, values: dict[str, Any] | None = None) -> Any:
        """The only value of an answer."""
        return self.run(question, values)[0][0]


def import_history(
    store: Store,
    archive: ParquetArchive,
    path: Path,
    context: Context,
    now: int,
    *,
    mapping: Mapping | None = None,
    dry_run: bool = False,
    progress: Progress = lambda done, whole: None,
    screen: Screened | None = None,
) -> Imported:
    """Bring the table in `path` into the archive; `now` is the time of writing [microseconds].

    Raises:
        HansaError: the screen refuses something of it; nothing is kept.
        BadRequest: the file is no table, or lacks a column. Rows that are wrong raise nothing.
        MissingExtra: DuckDB or pyarrow is not installed.
        Unavailable: the disk is full; nothing is kept then.
    """
    source = table.source_of(path)
    archive.folder.mkdir(parents=True, exist_ok=True)
    work = _Work(store, archive, progress)
    try:
        _stage(work, path, source, context, now, mapping)
        if screen is not None:
            _show(work, screen)
        return _take(work, dry_run=dry_run)
    except failures() as error:
        first = str(error).partition("\n")[0][:300]
        raise Unavailable(
            f"import of {path.name}", f"it failed ({first}); nothing was kept", "mend it, try again"
        ) from error
    finally:
        work.engine.close()
        work.draft.unlink(missing_ok=True)
        work.tail.unlink(missing_ok=True)


# -- reading and judging ---------------------------------------------------------------------------


def _stage(
    work: _Work, path: Path, source: str, context: Context, now: int, mapping: Mapping | None
) -> None:
    """Write every row of the table, judged, to the draft."""
    try:
        columns = table.columns_of(path, source, mapping)
        if mapping is None:
            types, attributes = table.names_in(source, "type"), table.names_in(source, "attribute")
        else:
            types, attributes = [mapping.type], [each.attribute for each in mapping.attributes]
    except Unavailable as error:
        raise BadRequest(
            f"file {path.name}", f"is no table ({error.fact[:300]})", "look at it"
        ) from error
    values = table.parameters(
        _expanded(types, context), _expanded(attributes, context), work.token, now
    )
    statement = (
        f"COPY ({table.staging(source, columns, mapping)}) TO {quoted(work.draft)}"
        " (FORMAT parquet, COMPRESSION lz4)"
    )
    followed(work.engine, statement, values, work.part(0, _READ))
    work.progress(_READ, 100)


def _expanded(names: list[str], context: Context) -> table.Names:
    """Names with their IRIs, or "" where one is not a valid name."""

    def expand(name: str) -> str:
        try:
            return context.expand(check_name(name))
        except HansaError:
            return ""

    return table.Names(names, [expand(name) for name in names])


def _faults(work: _Work) -> tuple[int, list[tuple[int, str]]]:
    """How many rows are wrong; the line of the file and the fault of the first of them."""
    torn = work.run(
        "SELECT line, min(error_message) FROM reject_errors GROUP BY line ORDER BY line"
        if work.one("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'")
        else "SELECT 0, '' WHERE false"
    )
    lines = [line for line, _ in torn]
    bad = f"FROM {table_of([work.draft])} WHERE bad IS NOT NULL"
    count = work.one(f"SELECT count(*) {bad}")
    wrong = work.run(f"SELECT line, bad {bad} ORDER BY line LIMIT {_LISTED}")
    found = [(_line(number, lines), fault) for number, fault in wrong]
    return count + len(torn), sorted([*found, *torn])[:_LISTED]


def _line(number: int, torn: list[int]) -> int:
    """The line of the file in which a row stands: under the heads, and the torn lines before it."""
    line = number + 1
    while (after := number + 1 + bisect_right(torn, line)) != line:
        line = after
    return line


def _show(work: _Work, screen: Screened) -> None:
    """Show the screen all names, every long text, and each value under a name that it looks closely at."""
    good = f"FROM {table_of([work.draft])} WHERE bad IS NULL"
    names = work.run(f"SELECT DISTINCT type, attribute {good}")
    for type, attribute in names:
        screen.check(_instance(type, attribute, ""), None, False)
    close = [name for name in {attribute for _, attribute in names} if screen.looks_closely(name)]
    value = (
        "coalesce(text, json, CASE WHEN number = floor(number) THEN number::HUGEINT::VARCHAR END)"
    )
    wanted = f"length(text) >= {_LONG} OR list_contains($close, attribute)"
    asked = f"SELECT DISTINCT type, attribute, {value} {good} AND ({wanted})"
    work.engine.execute(asked, {"close": close})
    while rows := work.engine.fetchmany(_TOGETHER):
        for type, attribute, text in rows:
            screen.check(_instance(type, attribute, text or ""), None, False)


def _instance(type: str, attribute: str, value: str) -> Entity:
    instance = {"type": "Property", "value": value}
    return {"id": "urn:ngsi-ld:row", "type": [type], attribute: [instance]}


# -- taking what is new ----------------------------------------------------------------------------


def _take(work: _Work, *, dry_run: bool) -> Imported:
    """Make a segment of the rows of the draft that are new, and list it."""
    draft = table_of([work.draft])
    read = work.one(f"SELECT count(*) FROM {draft}")
    refused, faults = _faults(work)
    fresh, doubled = _fresh(work, draft)
    old = _old(work, draft)
    unchanged = different = 0
    if old is not None:
        equal = "(s.form, s.number, s.text, s.json) IS NOT DISTINCT FROM (o.form, o.number, o.text, o.json)"
        unchanged, different = work.run(
            "SELECT count(*) FILTER (e), count(*) FILTER (NOT e) FROM"
            f" (SELECT bool_or({equal}) AS e FROM {fresh} AS s JOIN {old} AS o ON {_SAME_SET}"
            " GROUP BY s.instance)"
        )[0]
        fresh = f"(SELECT s.* FROM {fresh} AS s ANTI JOIN {old} AS o ON {_SAME_SET})"
    fresh, summed = _unsummed(work, fresh)
    added, entities = work.run(f"SELECT count(*), count(DISTINCT entity) FROM {fresh}")[0]
    work.progress(_COMPARED, 100)
    if added and not dry_run:
        _list(work, fresh)
    return Imported(
        read,
        added,
        unchanged + doubled,
        different,
        summed,
        refused,
        tuple(faults),
        entities,
    )


def _fresh(work: _Work, draft: str) -> tuple[str, int]:
    """The good rows, each moment of a series once; how many were there twice."""
    good = f"(SELECT * FROM {draft} WHERE bad IS NULL)"
    key = "entity, attribute, dataset, observed"
    doubled = work.one(
        f"SELECT coalesce(sum(n - 1), 0)::BIGINT FROM (SELECT count(*) AS n FROM {good}"
        f" GROUP BY {key} HAVING count(*) > 1)"
    )
    if not doubled:
        return good, 0
    once = f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY line, instance) = 1"
    return f"(SELECT * FROM {draft} WHERE bad IS NULL {once})", doubled


def _old(work: _Work, draft: str) -> str | None:
    """What is there already of the entities and the time of the draft, as a table of a question."""
    ends = work.run(
        f"SELECT min(entity), max(entity), min(moment), max(moment) FROM {draft} WHERE bad IS NULL"
    )[0]
    if ends[0] is None:
        return None
    low, high, first, last = ends
    files = [
        each.instances(work.archive.folder)
        for each in work.archive.segments(work.store)
        if not each.summary
        and each.first_entity <= high
        and each.last_entity >= low
        and each.first <= last
        and each.last >= first
    ]
    if spill(_tail(work, draft), work.tail):
        files.append(work.tail)
    if not files:
        return None
    within = (
        f"entity BETWEEN {_text(low)} AND {_text(high)} AND observed BETWEEN {first} AND {last}"
    )
    hidden = work.store.erased()
    if hidden:
        gone = ", ".join(f"({_text(entity)}, {_text(id)})" for entity, id in hidden)
        within += f" AND (entity, instance) NOT IN ({gone})"
    return f"(SELECT * FROM {table_of(files)} WHERE {within})"


def _unsummed(work: _Work, fresh: str) -> tuple[str, int]:
    """The rows of periods that the archive does not keep as sums alone; how many others there were."""
    left = fresh
    for segment in work.archive.segments(work.store):
        if segment.summary:
            bucket = segment.bucket
            same = (
                "s.entity = o.entity AND s.attribute = o.attribute"
                " AND coalesce(s.dataset, '') = o.dataset"
                f" AND o.start = s.observed - ((s.observed % {bucket}) + {bucket}) % {bucket}"
            )
            kept = sums.named_in(work.archive.folder, [segment])
            left = f"(SELECT s.* FROM {left} AS s ANTI JOIN {kept} AS o ON {same})"
    if left == fresh:
        return fresh, 0
    counts = [work.one(f"SELECT count(*) FROM {each}") for each in (fresh, left)]
    return left, counts[0] - counts[1]


def _tail(work: _Work, draft: str) -> Iterator[Any]:
    """The recent history of the entities of the draft, which is still in the database."""
    ids = [id for (id,) in work.run(f"SELECT DISTINCT entity FROM {draft} WHERE bad IS NULL")]
    everything = work.store.cut(1 << 62, 1 << 62)
    with work.store.past_of(everything) as past:
        for start in range(0, len(ids), _TOGETHER):
            wanted = Selection(tuple(ids[start : start + _TOGETHER]), timed=True)
            for each in past.series(wanted):
                yield to_row(each.entity, each.attribute, each.written, each.instance)


def _list(work: _Work, fresh: str) -> None:
    """Sort the rows into a segment, and make it known."""
    follow = work.part(_COMPARED, _SORTED)
    made = build(work.archive.folder, new_name(), fresh, follow=follow)
    if made is None:
        return
    heads = work.run(f"SELECT entity, list(DISTINCT type) FROM {fresh} GROUP BY entity")
    for start in range(0, len(heads), _TOGETHER):
        part = heads[start : start + _TOGETHER]
        known = [Added(entity, tuple(sorted(types))) for entity, types in part]
        work.store.record_history(known).result()
    work.store.relist([], [made.to_dict()])
    work.progress(100, 100)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
