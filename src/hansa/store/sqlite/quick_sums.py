"""Sums over numbers written as history, worked out by the database.

It takes the plain case alone: numeric values of Properties, by the time of observation, in one attribute
of one entity, and no distinct values. Everything else is fed to tallies one by one. To keep the spread
exact, distances are taken from some value of the series before they are squared: close to the mean,
nothing cancels out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import apsw

from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import Tally
from hansa.store.history import Bucket, Selection

__all__ = ["NUMERIC", "can_sum", "summed"]

NUMERIC: Final = (
    "(json_extract(body, '$.type') = 'Property'"
    " AND json_type(body, '$.value') IN ('integer', 'real'))"
)
_FROM: Final = (
    " FROM (SELECT observed, dataset, json_extract(body, '$.value') AS v,"
    " CAST(json_extract(body, '$.value') AS REAL) AS r FROM instance"
    " WHERE entity = :entity AND attribute = :attribute AND number <= :number"
    f" AND observed >= :since AND observed < :until AND {NUMERIC}%s)"
)
_SUMS: Final = (
    "SELECT coalesce(dataset, ''), %s, count(*), sum(r), sum(r * r), min(v), max(v),"
    " sum(r - :pivot), sum((r - :pivot) * (r - :pivot))"
)
_DATASETS: Final = " AND coalesce(dataset, '@none') IN carray(:datasets)"
_MICROSECOND: Final = timedelta(microseconds=1)
_EVER: Final = 1 << 62


def can_sum(wanted: Selection, *, distinct: bool) -> bool:
    """Whether the database can sum up the numbers of a selection."""
    plain = wanted.last is None and wanted.first is None and wanted.instance is None
    return plain and wanted.property == "observedAt" and not wanted.without and not distinct


def summed(
    connection: apsw.Connection,
    entity: str,
    attribute: str,
    wanted: Selection,
    periods: Periods,
    number: int,
) -> Iterator[Bucket]:
    """The tallies of the numbers in one series, up to the instance `number`."""
    values: dict[str, Any] = {
        "entity": entity,
        "attribute": attribute,
        "number": number,
        "since": -_EVER if wanted.since is None else wanted.since,
        "until": _EVER if wanted.until is None else wanted.until,
    }
    rows = _FROM % ("" if wanted.datasets is None else _DATASETS)
    if wanted.datasets is not None:
        values["datasets"] = apsw.carray(tuple(wanted.datasets))
    first: Any = connection.execute(f"SELECT r, observed{rows} ORDER BY observed LIMIT 1", values)
    for pivot, begin in first.fetchall():
        values["pivot"] = pivot
        step = periods.duration.exact // _MICROSECOND
        if periods.duration.months:
            yield from _by_calendar(connection, rows, values, periods, begin, (entity, attribute))
            return
        period = f"(observed - {periods.origin}) / {step}" if step else "0"
        statement = f"{_SUMS % period}{rows} GROUP BY 1, 2"
        for row in connection.execute(statement, values):
            yield _bucket((entity, attribute), row)


def _by_calendar(
    connection: apsw.Connection,
    rows: str,
    values: dict[str, Any],
    periods: Periods,
    begin: int,
    series: tuple[str, str],
) -> Iterator[Bucket]:
    """Period by period, each a range of the index."""
    last: Any = connection.execute(f"SELECT max(observed){rows}", values).get
    for number in range(periods.number(begin), periods.number(last) + 1):
        start, end = periods.bounds(number)
        bounds = {"since": max(start, values["since"]), "until": min(end, values["until"])}
        statement = f"{_SUMS % number}{rows} GROUP BY 1, 2"
        for row in connection.execute(statement, {**values, **bounds}):
            yield _bucket(series, row)


def _bucket(series: tuple[str, str], row: Any) -> Bucket:
    dataset, period, count, total, squares, low, high, apart, apart_squares = row
    tally = Tally(
        total=count,
        numbers=count,
        sum=total,
        squares=squares,
        spread=max(apart_squares - apart * apart / count, 0.0),
        low=low,
        high=high,
        distinct=None,
    )
    return Bucket(*series, dataset or None, period, tally)
