"""Sums over numbers written as history, worked out by the database.

It takes the plain case alone: numeric values of Properties, by the time of observation, and no distinct
values. Everything else is fed to tallies one by one. To keep the spread exact, distances are taken from
the first value of the series before they are squared: close to the mean, nothing cancels out.

The series of several entities are summed up in one pass; where periods are months, whose lengths differ,
period by period, each a range of the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    " FROM (SELECT entity, attribute, observed, dataset, json_extract(body, '$.value') AS v,"
    " CAST(json_extract(body, '$.value') AS REAL) AS r FROM instance"
    " WHERE entity IN carray(:entities)%s AND number <= :number"
    f" AND observed >= :since AND observed < :until AND {NUMERIC}%s)"
)
_WITHIN: Final = "number <= :number AND observed >= :since AND observed < :until"
_SERIES: Final = (
    "WITH p AS MATERIALIZED (SELECT entity AS e, attribute AS a,"
    " (SELECT CAST(json_extract(body, '$.value') AS REAL) FROM instance AS i"
    f" WHERE i.entity = d.entity AND i.attribute = d.attribute AND {_WITHIN} AND {NUMERIC}"
    " ORDER BY observed LIMIT 1) AS pivot FROM (SELECT DISTINCT entity, attribute FROM instance"
    f" WHERE entity IN carray(:entities)%s AND {_WITHIN}) AS d)"
)
_ALL: Final = (
    "%s SELECT entity, attribute, coalesce(dataset, ''), %s, count(*), sum(r), sum(r * r),"
    " min(v), max(v), sum(r - pivot), sum((r - pivot) * (r - pivot)) FROM p CROSS JOIN"
    " (SELECT entity, attribute, observed, dataset, json_extract(body, '$.value') AS v,"
    f" CAST(json_extract(body, '$.value') AS REAL) AS r FROM instance WHERE {_WITHIN}"
    f" AND {NUMERIC}%s) ON entity = e AND attribute = a GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
)
_ATTRIBUTES: Final = " AND attribute IN carray(:attributes)"
_ATTRIBUTE: Final = " AND attribute = :attribute"
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
    entities: Sequence[str],
    wanted: Selection,
    periods: Periods,
    number: int,
) -> Iterator[Bucket]:
    """The tallies of the numbers in the series of `entities`, up to the instance `number`, in order."""
    values: dict[str, Any] = {
        "entities": apsw.carray(tuple(entities)),
        "number": number,
        "since": -_EVER if wanted.since is None else wanted.since,
        "until": _EVER if wanted.until is None else wanted.until,
    }
    datasets, named = "", ""
    if wanted.datasets is not None:
        datasets, values["datasets"] = _DATASETS, apsw.carray(tuple(wanted.datasets))
    if wanted.attributes is not None:
        named, values["attributes"] = _ATTRIBUTES, apsw.carray(tuple(wanted.attributes))
    if periods.duration.months:
        series = f"SELECT DISTINCT entity, attribute{_FROM % (named, datasets)} ORDER BY 1, 2"
        found: Any = connection.execute(series, values).fetchall()
        for entity, attribute in found:
            one = {**values, "entities": apsw.carray((entity,)), "attribute": attribute}
            one.pop("attributes", None)
            own = _FROM % (_ATTRIBUTE, datasets)
            yield from _in_order(_by_calendar(connection, own, one, periods, (entity, attribute)))
        return
    step = periods.duration.exact // _MICROSECOND
    period = f"(observed - {periods.origin}) / {step}" if step else "0"
    statement = _ALL % (_SERIES % named, period, datasets)
    rows: Any = connection.execute(statement, values)
    for entity, attribute, *row in rows:
        yield _bucket((entity, attribute), row)


def _in_order(buckets: Iterator[Bucket]) -> list[Bucket]:
    return sorted(buckets, key=lambda bucket: (bucket.dataset or "", bucket.period))


def _by_calendar(
    connection: apsw.Connection,
    rows: str,
    values: dict[str, Any],
    periods: Periods,
    series: tuple[str, str],
) -> Iterator[Bucket]:
    """Period by period, each a range of the index."""
    first: Any = connection.execute(f"SELECT r, observed{rows} ORDER BY observed LIMIT 1", values)
    (values["pivot"], begin), *_ = first.fetchall()
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
