"""Two sources of the past give the same answers as one that holds all, however it is divided."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.ngsild.temporal import Duration
from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import METHODS
from hansa.store.history import Head, Heads, Moment, Selection, Source
from hansa.store.merged import Merged

from .archive import MemorySource

IDS = ("urn:x:1", "urn:x:2")

json_values = st.one_of(
    st.integers(-(2**40), 2**40),
    st.floats(-1e6, 1e6),
    st.booleans(),
    st.text(max_size=3),
    st.lists(st.integers(0, 3), max_size=3),
    st.just({"a": 1}),
)
moments = st.tuples(
    st.sampled_from(IDS),
    st.sampled_from(["urn:a:a", "urn:a:b"]),
    st.integers(0, 300),
    st.sampled_from([None, "urn:d:1"]),
    json_values,
    st.booleans(),
)


def _source(rows: list[tuple[int, tuple[Any, ...]]]) -> MemorySource:
    made = []
    for number, (entity, attribute, minute, dataset, value, _) in rows:
        at = f"2026-11-01T{minute // 60:02}:{minute % 60:02}:00Z"
        instance = {
            "type": "Property",
            "value": value,
            "observedAt": at,
            "instanceId": f"urn:i:{number}",
        }
        if dataset is not None:
            instance["datasetId"] = dataset
        made.append(Moment(entity, attribute, None, number, instance))
    return MemorySource(made, {id: Head(id, (f"urn:t:{len(rows) % 3}",)) for id in IDS})


@settings(deadline=None)
@given(
    rows=st.lists(moments, max_size=40),
    ends=st.sampled_from([{}, {"last": 1}, {"last": 4}, {"first": 1}, {"first": 3}]),
    months=st.integers(0, 1),
    minutes=st.integers(0, 90),
)
def test_divided_and_whole_give_the_same(
    rows: list[tuple[Any, ...]], ends: dict[str, int], months: int, minutes: int
) -> None:
    numbered = list(enumerate(rows))
    whole = _source(numbered)
    merged = Merged([_source([r for r in numbered if r[1][5] is side]) for side in (True, False)])
    wanted = Selection(IDS, timed=True, **ends)
    assert list(merged.series(wanted)) == list(whole.series(wanted))
    assert list(merged.spans(wanted)) == list(whole.spans(wanted))
    assert [h.id for h in merged.heads(Heads())] == [h.id for h in whole.heads(Heads())]
    periods = Periods(0, Duration(months, timedelta(minutes=minutes)))
    exact, close = _sums(merged, wanted, periods)
    exact_whole, close_whole = _sums(whole, wanted, periods)
    assert exact == exact_whole
    for mine, other in zip(close, close_whole, strict=True):
        assert mine == pytest.approx(other, rel=1e-6, abs=1e-6)


def _sums(source: Source, wanted: Selection, periods: Periods) -> tuple[list[Any], list[Any]]:
    exact, close = [], []
    for bucket in source.tallies(wanted, periods, distinct=True):
        found = {name: method(bucket.tally) for name, method in METHODS.items()}
        close += [found.pop(name) or 0 for name in ("avg", "sum", "sumsq", "stddev")]
        exact.append((bucket[:4], found))
    return exact, close


def test_what_is_known_of_an_entity_is_united() -> None:
    old = MemorySource([], {})
    old.named = {IDS[0]: Head(IDS[0], ("urn:t:A",), created="2025")}
    new = MemorySource([], {})
    new.named = {IDS[0]: Head(IDS[0], ("urn:t:B", "urn:t:A"), "2026", "2027", "2028")}
    assert Merged([new, old]).head(IDS[0]) == Head(
        IDS[0], ("urn:t:B", "urn:t:A"), "2025", "2027", "2028"
    )
    assert Merged([new, old]).head(IDS[1]) is None
