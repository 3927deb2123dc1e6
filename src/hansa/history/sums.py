"""Sums: what instances come to by hour or day, kept beside them, and sums asked by any period.

A row of a file of sums is a :class:`~hansa.ngsild.temporal_tally.Tally` of one attribute (and dataset) of
an entity in one *bucket*: an hour, or a day where there are few instances to an hour; beside
sums by hour stand those by day, for the questions about months. A question whose
periods begin with buckets is answered from them; any other one, and one for distinct values, from the
instances. Instances without observedAt have no sums.

The spread (sum of squared distances from the mean) of several buckets is their spreads, and the squared
distances of their means from the mean of all: two steps, but nothing cancels out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson

from hansa.history.engine import ask
from hansa.history.periods import DAY, Numbering, numbering
from hansa.history.question import COLUMN_OF, Condition, conditions, table_of
from hansa.history.row import KINDS, Form, Value, value_of
from hansa.history.segment import Segment
from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import Tally
from hansa.store.history import Bucket, Selection, Span

__all__ = [
    "BUCKETS",
    "HIDDEN",
    "by_bucket",
    "named",
    "named_in",
    "spans",
    "split",
    "tallies",
    "worth",
]

HOUR: Final = DAY // 24
BUCKETS: Final = (HOUR, DAY)
"""The lengths of buckets that are tried, in order."""
_WORTH: Final = 4
"""Sums are kept where a bucket has so many instances on average."""

_INTEGRAL: Final = f"form <> {int(Form.FLOAT)}"
_OF_INSTANCES: Final = f"""
  arg_max(kind, moment) AS kind, count(*) AS total,
  count(number) AS numbers, sum(number) AS sum, sum(number * number) AS squares,
  var_pop(number) * count(number) AS spread, min(number) AS low, max(number) AS high,
  bool_and({_INTEGRAL}) AS integral,
  min(number) FILTER ({_INTEGRAL}) AS low_integer, max(number) FILTER ({_INTEGRAL}) AS high_integer,
  count(text) AS texts, min(text) AS first, max(text) AS last,
  count(clock) AS times, sum(clock)::BIGINT AS seconds"""
_ENDS: Final = "min(observed) AS earliest, max(observed) AS latest"
_OF_BUCKETS: Final = """
  {kind} AS kind, sum(b.total)::BIGINT AS total,
  sum(b.numbers)::BIGINT AS numbers, sum(b.sum) AS sum, sum(b.squares) AS squares,
  sum(b.spread + b.numbers * (b.sum / b.numbers - i.base) ** 2)
  - sum(b.numbers) * (sum(b.sum) / sum(b.numbers) - min(i.base)) ** 2 AS spread,
  min(b.low) AS low, max(b.high) AS high, bool_and(b.integral) AS integral,
  min(b.low_integer) AS low_integer, max(b.high_integer) AS high_integer"""
_OF_TEXTS: Final = """
  sum(b.texts)::BIGINT AS texts, min(b.first) AS first, max(b.last) AS last,
  sum(b.times)::BIGINT AS times, sum(b.seconds)::BIGINT AS seconds"""
_NO_TEXTS: Final = "0 AS texts, NULL AS first, NULL AS last, 0 AS times, 0 AS seconds"
_NAMES: Final = "entity, attribute, dataset"
HIDDEN: Final = (
    "NOT list_has_any($hidden, ['*' || entity, '*' || entity || ' ' || attribute,"
    " '*' || entity || ' ' || attribute || ' ' || dataset])"
)
"""The condition on sums that nothing of what they are of was erased as a whole."""
_SERIES: Final = "entity, attribute, coalesce(dataset, '') AS dataset"


def worth(source: str) -> int:
    """The bucket by which the instances in `source` are worth summing up; 0 if none is."""
    for bucket in BUCKETS:
        found = next(
            ask(
                f"SELECT count(*), sum(n)::BIGINT FROM (SELECT count(*) AS n FROM {source}"
                f" WHERE observed IS NOT NULL GROUP BY entity, attribute, dataset, {_start(bucket)})"
            )
        )
        if found[0] and found[1] >= _WORTH * found[0]:
            return bucket
    return 0


def split(named: str) -> tuple[str, str]:
    """The questions for the series in sums with names, and for the sums without names.

    ``base`` is the mean of a series: what the means of its buckets are near to.
    """
    series = (
        f"SELECT row_number() OVER (ORDER BY {_NAMES})::INTEGER AS series, {_NAMES},"
        " sum(sum) / sum(numbers) AS base, sum(total)::BIGINT AS total,"
        f" min(earliest) AS earliest, max(latest) AS latest FROM {named} GROUP BY {_NAMES}"
    )
    sums = (
        f"SELECT series, n.* EXCLUDE ({_NAMES}) FROM {named} AS n"
        f" JOIN (SELECT row_number() OVER (ORDER BY {_NAMES})::INTEGER AS series, {_NAMES}"
        f" FROM {named} GROUP BY {_NAMES}) USING ({_NAMES}) ORDER BY series, start"
    )
    return series, sums


def by_day(series: Path, sums: Path) -> str:
    """The question for sums by day of sums by hour."""
    kind = "arg_max(b.kind, b.start)"
    return (
        f"SELECT series, b.start - ((b.start % {DAY}) + {DAY}) % {DAY} AS start,"
        f" {_OF_BUCKETS.format(kind=kind)}, {_OF_TEXTS}, min(b.earliest) AS earliest,"
        f" max(b.latest) AS latest FROM {table_of([sums])} AS b"
        f" JOIN (SELECT series, base FROM {table_of([series])}) AS i USING (series)"
        " GROUP BY ALL ORDER BY series, start"
    )


def named(series: Path, sums: Path) -> str:
    """Sums with the names of their series, as a table of a question."""
    return (
        f"(SELECT {_NAMES}, s.* EXCLUDE (series) FROM {table_of([sums])} AS s"
        f" JOIN (SELECT series, {_NAMES} FROM {table_of([series])}) USING (series))"
    )


def named_in(folder: Path, segments: Sequence[Segment]) -> str:
    """The sums of segments with the names of their series, as a table of a question."""
    parts = [f"SELECT * FROM {named(each.series(folder), each.sums(folder))}" for each in segments]
    return f"({' UNION ALL '.join(parts)})"


def by_bucket(source: str, bucket: int) -> str:
    """The question for the sums of the instances in `source`."""
    return (
        f"SELECT {_SERIES}, {_start(bucket)} AS start, {_OF_INSTANCES}, {_ENDS} FROM {source}"
        " WHERE observed IS NOT NULL GROUP BY ALL ORDER BY entity, attribute, dataset, start"
    )


def _start(bucket: int) -> str:
    return f"observed - ((observed % {bucket}) + {bucket}) % {bucket}"


# -- asking ----------------------------------------------------------------------------------------


def _spans_of_sums(folder: Path, segment: Segment, wanted: Selection, asked: Condition) -> str:
    series = f"(SELECT * FROM {table_of([segment.series(folder)])}{asked})"
    first = "b.start" if segment.summary else "b.earliest"
    if _on_every_row(segment, wanted) and not segment.summary:
        return (
            "SELECT entity, attribute, sum(total)::BIGINT AS n, min(earliest) AS first,"
            f" max(latest) AS last FROM {series} GROUP BY ALL"
        )
    return (
        f"SELECT i.entity, i.attribute, sum(b.total)::BIGINT AS n, min({first}) AS first,"
        f" max(b.latest) AS last FROM {table_of([segment.sums(folder)])} AS b"
        f" JOIN {series} AS i USING (series){_window(wanted)} GROUP BY ALL"
    )


def _on_every_row(segment: Segment, wanted: Selection) -> bool:
    """Whether all of a segment is in the window."""
    return (wanted.since is None or wanted.since <= segment.first) and (
        wanted.until is None or segment.last < wanted.until
    )


def _window(wanted: Selection) -> str:
    """The window as a condition on the beginnings of buckets."""
    bounds = [
        f"start {comparison} {bound}"
        for comparison, bound in ((">=", wanted.since), ("<", wanted.until))
        if bound is not None
    ]
    return f" WHERE {' AND '.join(bounds)}" if bounds else ""


def spans(folder: Path, segments: Sequence[Segment], wanted: Selection) -> Iterator[Span]:
    """How many instances there are, and the first and last of their times, in order."""
    time = COLUMN_OF[wanted.property]
    every = wanted.timed or wanted.since is not None or wanted.until is not None
    values: dict[str, Any] = {}
    parts, condition = [], conditions(wanted, time)
    for segment in segments:
        if segment.summary or (every and _served(segment, wanted, segment.bucket)):
            asked = _of_series(wanted)
            if segment.summary and (gone := [w for w in wanted.without if w.startswith("*")]):
                asked.add(HIDDEN, hidden=gone)
            values |= asked.values
            parts.append(_spans_of_sums(folder, segment, wanted, asked))
        else:
            values |= condition.values
            parts.append(
                f"SELECT entity, attribute, count(*) AS n, min({time}) AS first, max({time}) AS last"
                f" FROM {table_of([segment.instances(folder)])}{condition} GROUP BY ALL"
            )
    rows = ask(
        "SELECT entity, attribute, sum(n)::BIGINT, min(first), max(last)"
        f" FROM ({' UNION ALL '.join(parts)}) GROUP BY ALL ORDER BY entity, attribute",
        values,
    )
    return (Span(*row) for row in rows)


def tallies(
    folder: Path,
    segments: Sequence[Segment],
    wanted: Selection,
    periods: Periods,
    *,
    distinct: bool,
) -> Iterator[Bucket]:
    """The instances of `segments` summed up by period, in order."""
    by = numbering(periods)
    found: dict[tuple[str, str, str, int], Tally] = {}
    whole: list[Segment] = []
    for segment in segments:
        if segment.summary or (not distinct and _served(segment, wanted, by.grid)):
            _gather(found, by, _ask_buckets(folder, segment, wanted, by), distinct=False)
        else:
            whole.append(segment)
    if whole:
        _gather(found, by, _ask_instances(folder, whole, wanted, by, distinct), distinct=distinct)
    for (entity, attribute, dataset, period), tally in sorted(
        found.items(), key=lambda item: item[0]
    ):
        yield Bucket(entity, attribute, dataset or None, period, tally)


def _served(segment: Segment, wanted: Selection, grid: int) -> bool:
    """Whether the segment's sums answer the question exactly."""
    bucket = segment.bucket
    return (
        bucket > 0
        and wanted.property == "observedAt"
        and wanted.instance is None
        and not wanted.without
        and grid % bucket == 0
        and _on_grid(wanted.since, bucket, segment.first)
        and (wanted.until is None or wanted.until % bucket == 0 or segment.last < wanted.until)
    )


def _on_grid(since: int | None, bucket: int, first: int) -> bool:
    return since is None or since % bucket == 0 or since <= first


def _ask_buckets(
    folder: Path, segment: Segment, wanted: Selection, by: Numbering
) -> Iterator[tuple[Any, ...]]:
    asked = _of_series(wanted)
    if hidden := [each for each in wanted.without if each.startswith("*")]:
        asked.add(HIDDEN, hidden=hidden)
    kind = "arg_max(b.kind, b.start)" if segment.kind < 0 else str(segment.kind)
    sums = _OF_BUCKETS.format(kind=kind)
    texts = _OF_TEXTS if segment.texts else _NO_TEXTS
    by_days = segment.days and _served(replace(segment, bucket=DAY), wanted, by.grid)
    file = segment.sums_by_day(folder) if by_days else segment.sums(folder)
    # Grouping by numbers is several times as fast as grouping by names.
    yield from ask(
        f"WITH i AS MATERIALIZED (SELECT * FROM {table_of([segment.series(folder)])}{asked}),"
        f" s AS (SELECT series, {by.expression.format(time='start')} AS number, {sums}, {texts}"
        f" FROM {table_of([file])} AS b JOIN i USING (series){_window(wanted)} GROUP BY ALL)"
        f" SELECT {_NAMES}, s.* EXCLUDE (series), NULL FROM s JOIN i USING (series)",
        asked.values,
    )


def _of_series(wanted: Selection) -> Condition:
    """The condition that a selection makes on series."""
    asked = Selection(wanted.entities, wanted.attributes)
    condition = conditions(asked, "earliest")
    if wanted.datasets is not None:
        named = ["" if name == "@none" else name for name in sorted(wanted.datasets)]
        condition.add("list_contains($sets, dataset)", sets=named)
    return condition


def _ask_instances(
    folder: Path, segments: Sequence[Segment], wanted: Selection, by: Numbering, distinct: bool
) -> Iterator[tuple[Any, ...]]:
    time = COLUMN_OF[wanted.property]
    condition = conditions(wanted, time)
    condition.add(f"{time} IS NOT NULL")
    source = table_of([segment.instances(folder) for segment in segments])
    values = "list(DISTINCT (form, number, text, json))" if distinct else "NULL"
    yield from ask(
        f"SELECT {_SERIES}, {by.expression.format(time=time)} AS number, {_OF_INSTANCES}, {values}"
        f" FROM {source}{condition} GROUP BY ALL",
        condition.values,
    )


def _gather(
    found: dict[tuple[str, str, str, int], Tally],
    by: Numbering,
    rows: Iterator[tuple[Any, ...]],
    *,
    distinct: bool,
) -> None:
    for entity, attribute, dataset, number, *rest in rows:
        tally = _tally(*rest, distinct=distinct)
        place = (entity, attribute, dataset, number if by.period is None else by.period(number))
        before = found.get(place)
        if before is None:
            found[place] = tally
        else:
            before.add(tally)


def _tally(
    kind: int,
    total: int,
    numbers: int,
    sum: float | None,
    squares: float | None,
    spread: float | None,
    low: float | None,
    high: float | None,
    integral: bool,
    low_integer: float | None,
    high_integer: float | None,
    texts: int,
    first: str | None,
    last: str | None,
    times: int,
    seconds: int | None,
    values: list[Any] | None,
    *,
    distinct: bool,
) -> Tally:
    sum, squares = sum or 0.0, squares or 0.0
    return Tally(
        KINDS[kind],
        total,
        numbers,
        int(sum) if integral else sum,
        int(squares) if integral else squares,
        spread or 0.0,
        int(low) if low is not None and low == low_integer else low,
        int(high) if high is not None and high == high_integer else high,
        texts,
        first,
        last,
        times,
        seconds or 0,
        {_canonical(each) for each in values or ()} if distinct else None,
    )


def _canonical(value: tuple[Any, ...]) -> str:
    form, number, text, json = value
    return orjson.dumps(
        value_of(Value(form, number, text, json=json)), option=orjson.OPT_SORT_KEYS
    ).decode()
