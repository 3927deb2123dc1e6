"""Sums: what instances come to by hour or day, kept beside them, and sums asked by any period.

A row of a file of sums is a :class:`~hansa.ngsild.temporal_tally.Tally` of one attribute (and dataset) of
an entity in one *bucket*: an hour, or a day where there are few instances to an hour. A question whose
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

from hansa.history.engine import ask, run
from hansa.history.periods import DAY, Numbering, numbering
from hansa.history.question import COLUMN_OF, Condition, conditions, quoted, table_of
from hansa.history.row import KINDS, Form, Value, value_of
from hansa.history.segment import Segment, options
from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import Tally
from hansa.store.history import Bucket, Selection, Span

__all__ = ["BUCKETS", "HIDDEN", "by_bucket", "spans", "tallies", "write_sums"]

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
  arg_max(b.kind, b.start) AS kind, sum(b.total)::BIGINT AS total,
  sum(b.numbers)::BIGINT AS numbers, sum(b.sum) AS sum, sum(b.squares) AS squares,
  sum(b.spread + b.numbers * (b.sum / b.numbers - m.mean) ** 2) AS spread,
  min(b.low) AS low, max(b.high) AS high, bool_and(b.integral) AS integral,
  min(b.low_integer) AS low_integer, max(b.high_integer) AS high_integer,
  sum(b.texts)::BIGINT AS texts, min(b.first) AS first, max(b.last) AS last,
  sum(b.times)::BIGINT AS times, sum(b.seconds)::BIGINT AS seconds"""
HIDDEN: Final = (
    "NOT list_has_any($hidden, ['*' || entity, '*' || entity || ' ' || attribute,"
    " '*' || entity || ' ' || attribute || ' ' || dataset])"
)
"""The condition on sums that nothing of what they are of was erased as a whole."""
_SERIES: Final = "entity, attribute, coalesce(dataset, '') AS dataset"


def write_sums(source: str, target: Path) -> int:
    """Sum up the instances in `source` (a table of a question) if it is worth it; the bucket, or 0."""
    for bucket in BUCKETS:
        found = next(
            ask(
                f"SELECT count(*), sum(n)::BIGINT FROM (SELECT count(*) AS n FROM {source}"
                f" WHERE observed IS NOT NULL GROUP BY entity, attribute, dataset, {_start(bucket)})"
            )
        )
        if found[0] and found[1] >= _WORTH * found[0]:
            run(f"COPY ({by_bucket(source, bucket)}) TO {quoted(target)} {options()}")
            return bucket
    return 0


def by_bucket(source: str, bucket: int) -> str:
    """The question for the sums of the instances in `source`."""
    return (
        f"SELECT {_SERIES}, {_start(bucket)} AS start, {_OF_INSTANCES}, {_ENDS} FROM {source}"
        " WHERE observed IS NOT NULL GROUP BY ALL ORDER BY entity, attribute, dataset, start"
    )


def _start(bucket: int) -> str:
    return f"observed - ((observed % {bucket}) + {bucket}) % {bucket}"


# -- asking ----------------------------------------------------------------------------------------


def spans(folder: Path, segments: Sequence[Segment], wanted: Selection) -> Iterator[Span]:
    """How many instances there are, and the first and last of their times, in order."""
    time = COLUMN_OF[wanted.property]
    every = wanted.timed or wanted.since is not None or wanted.until is not None
    parts, condition = [], conditions(wanted, time)
    for segment in segments:
        if every and _served(segment, wanted, segment.bucket):
            asked = _of_sums(wanted)
            condition.values |= asked.values
            parts.append(
                "SELECT entity, attribute, sum(total)::BIGINT AS n, min(earliest) AS first,"
                f" max(latest) AS last FROM {table_of([segment.sums(folder)])}{asked} GROUP BY ALL"
            )
        else:
            parts.append(
                f"SELECT entity, attribute, count(*) AS n, min({time}) AS first, max({time}) AS last"
                f" FROM {table_of([segment.instances(folder)])}{condition} GROUP BY ALL"
            )
    rows = ask(
        "SELECT entity, attribute, sum(n)::BIGINT, min(first), max(last)"
        f" FROM ({' UNION ALL '.join(parts)}) GROUP BY ALL ORDER BY entity, attribute",
        condition.values,
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
    condition = _of_sums(wanted)
    if hidden := [each for each in wanted.without if each.startswith("*")]:
        condition.add(HIDDEN, hidden=hidden)
    source = table_of([segment.sums(folder)])
    number = by.expression.format(time="start")
    groups = "entity, attribute, dataset, number"
    yield from ask(
        f"WITH b AS MATERIALIZED (SELECT *, {number} AS number FROM {source}{condition}),"
        f" m AS (SELECT {groups}, sum(sum) / sum(numbers) AS mean FROM b GROUP BY ALL)"
        f" SELECT {groups}, {_OF_BUCKETS}, NULL FROM b JOIN m USING ({groups}) GROUP BY ALL",
        condition.values,
    )


def _of_sums(wanted: Selection) -> Condition:
    """The condition that a selection makes on rows of sums."""
    asked = replace(wanted, datasets=None, without=frozenset(), instance=None)
    condition = conditions(asked, "start")
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
        tally = _tally(rest, distinct=distinct)
        place = (entity, attribute, dataset, number if by.period is None else by.period(number))
        before = found.get(place)
        if before is None:
            found[place] = tally
        else:
            before.add(tally)


def _tally(row: list[Any], *, distinct: bool) -> Tally:
    kind, total, numbers, sum_, squares, spread, low, high, integral, low_integer, high_integer = (
        row[:11]
    )
    texts, first, last, times, seconds, values = row[11:]
    return Tally(
        kind=KINDS[kind],
        total=total,
        numbers=numbers,
        sum=_as(sum_ or 0.0, integral),
        squares=_as(squares or 0.0, integral),
        spread=spread or 0.0,
        low=None if low is None else _as(low, low == low_integer),
        high=None if high is None else _as(high, high == high_integer),
        texts=texts,
        first=first,
        last=last,
        times=times,
        seconds=seconds or 0,
        distinct={_canonical(each) for each in values} if distinct else None,
    )


def _as(number: float, integral: bool) -> float:
    """A number that was only summed up of integers as one."""
    return int(number) if integral else number


def _canonical(value: tuple[Any, ...]) -> str:
    form, number, text, json = value
    return orjson.dumps(
        value_of(Value(form, number, text, json=json)), option=orjson.OPT_SORT_KEYS
    ).decode()
