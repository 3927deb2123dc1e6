"""Whatever is asked of history, the driver answers as a plain list of all instances does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.kernel.clock import micros
from hansa.ngsild.temporal import Duration
from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import METHODS
from hansa.store.history import Added, Head, Selection, Source
from hansa.store.port import Edited, Entity, Store, Write

from .archive import MemorySource

_NUMBERS = count()
START = datetime(2026, 1, 31, tzinfo=UTC)

json_values = st.one_of(
    st.integers(-(2**50), 2**50),
    st.floats(-1e9, 1e9),
    st.booleans(),
    st.text(max_size=2),
    st.lists(st.integers(0, 3), max_size=3),
    st.just({"@type": "Time", "@value": "08:00:00Z"}),
)
instances = st.tuples(
    st.sampled_from(["urn:a:a", "urn:a:b"]),
    st.sampled_from([None, "urn:d:1"]),
    st.one_of(st.none(), st.integers(0, 100_000)),
    json_values,
    st.booleans(),
)
selections = st.fixed_dictionaries(
    {
        "attributes": st.sampled_from([None, frozenset({"urn:a:a"})]),
        "datasets": st.sampled_from([None, frozenset({"@none"}), frozenset({"urn:d:1"})]),
        "property": st.sampled_from(["observedAt", "observedAt", "modifiedAt", "deletedAt"]),
        "since": st.one_of(st.none(), st.integers(0, 100_000)),
        "until": st.one_of(st.none(), st.integers(0, 100_000)),
        "timed": st.booleans(),
    },
)
ends = st.sampled_from([{}, {}, {"last": 1}, {"last": 3}, {"first": 1}, {"first": 2}])


def _at(minutes: int) -> int:
    return micros(START + timedelta(minutes=minutes))


def _fill(store: Store, id: str, rows: list[tuple[Any, ...]]) -> None:
    for name, dataset, minutes, value, direct in rows:
        made = {"type": "Property", "value": value}
        if minutes is not None:
            moment = START + timedelta(minutes=minutes)
            made["observedAt"] = moment.isoformat().replace("+00:00", "Z")
        if dataset is not None:
            made["datasetId"] = dataset
        if direct:
            store.record_history([Added(id, ("urn:t:T",), {name: [made]})]).result()
        else:
            store.write([_write(id, name, made)]).result()


def _write(id: str, name: str, made: dict[str, Any]) -> Write:
    def edit(old: Entity | None) -> Edited:
        entity = old or {"id": id, "type": ["urn:t:T"]}
        others = [i for i in entity.get(name, []) if i.get("datasetId") != made.get("datasetId")]
        return Edited({**entity, name: [made, *others]})

    return Write(id, edit)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(instances, max_size=25),
    wishes=selections,
    some=ends,
    months=st.integers(0, 1),
    minutes=st.sampled_from([0, 60, 10_000]),
)
def test_the_driver_agrees_with_a_list(
    store: Store,
    rows: list[tuple[Any, ...]],
    wishes: dict[str, Any],
    some: dict[str, int],
    months: int,
    minutes: int,
) -> None:
    id = f"urn:x:{next(_NUMBERS)}"
    _fill(store, id, rows)
    bounds = {
        name: None if wishes[name] is None else _at(wishes[name]) for name in ("since", "until")
    }
    wanted = Selection((id,), **(wishes | bounds | some))
    with store.past() as past:
        every = list(past.series(Selection((id,))))
        oracle = MemorySource(every, {id: Head(id, ("urn:t:T",))})
        assert list(past.series(wanted)) == list(oracle.series(wanted))
        assert list(past.spans(wanted)) == list(oracle.spans(wanted))
        periods = Periods(_at(0), Duration(months, timedelta(minutes=minutes)))
        for distinct in (True, False):
            exact, close = _sums(past, wanted, periods, distinct=distinct)
            exact_oracle, close_oracle = _sums(oracle, wanted, periods, distinct=distinct)
            assert exact == exact_oracle
            for mine, other in zip(close, close_oracle, strict=True):
                assert mine == pytest.approx(other, rel=1e-6, abs=1e-3)


def _sums(
    source: Source, wanted: Selection, periods: Periods, *, distinct: bool
) -> tuple[list[Any], list[Any]]:
    exact, close = [], []
    for bucket in source.tallies(
        Selection(**{n: getattr(wanted, n) for n in wanted.__slots__} | {"timed": True}),
        periods,
        distinct=distinct,
    ):
        found = {name: method(bucket.tally) for name, method in METHODS.items()}
        close += [found.pop(name) for name in ("sum", "sumsq", "stddev")]
        average = found.pop("avg")
        (exact if isinstance(average, str) else close).append(average)
        exact.append((bucket[:4], found))
    return exact, [number or 0 for number in close]
