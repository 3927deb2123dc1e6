"""A guarded reader, on every path, against a store that holds only what is left for whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.kernel.errors import Forbidden
from hansa.ngsild.query import Either, Outside, Portion, Query, Seen, TypeName
from hansa.ngsild.temporal_periods import Periods
from hansa.store.history import Heads, Selection
from hansa.store.port import Edited, Store, Write
from hansa.store.sqlite import open_store
from hansa.trust.guard.reader import GuardedReader
from hansa.trust.guard.sieve import Sieve
from hansa.trust.guard.witness import Notes
from hansa.trust.principals import Principal
from tests.store.strategies import IDS, PLACE, TYPES, queries, worlds
from tests.store.test_oracle import keep_only
from tests.store.test_within import left_of, seens

ANNA = Principal("anna", "staff")
A, B = TYPES[0], TYPES[1]
SECRET, OPEN = "urn:a:secret", "urn:a:open"
NOTHING = Sieve(Seen(entities=Either()))


class Log:
    """Takes down what is read, at once."""

    def __init__(self) -> None:
        self.read_ones: list[list[str]] = []

    def read(self, who: Principal, what: Any, rules: Any, reason: str = "") -> None:
        self.read_ones.append(list(what))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    folder: Path = tmp_path_factory.mktemp("guard")
    stores = open_store(folder / "whole.sqlite"), open_store(folder / "left.sqlite")
    yield stores
    for store in stores:
        store.close()


def reader(store: Store, seen: Seen, log: Log | None = None) -> GuardedReader:
    return GuardedReader(store, Sieve(seen), Notes(log, ANNA, ["r:1"], NOTHING))


@pytest.mark.slow
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(worlds, seens, st.lists(queries(), min_size=1, max_size=3))
def test_it_is_like_a_store_of_what_is_left(
    pair: tuple[Store, Store], entities: list[dict[str, Any]], seen: Seen, asked: list[Query]
) -> None:
    whole, left = pair
    keep_only(whole, entities)
    keep_only(left, left_of(entities, seen))
    guarded = reader(whole, seen)
    for query in asked:
        assert loaded(guarded.query(query).documents) == loaded(left.query(query).documents)
        assert guarded.query(query).total == left.query(query).total
    for id in IDS:
        assert loaded([guarded.get(id)]) == loaded([left.get(id)])
    assert loaded(guarded.scan()) == loaded(left.scan())
    matched = [(place, loaded([raw])) for place, raw in guarded.matching(asked)]
    assert matched == [(place, loaded([raw])) for place, raw in left.matching(asked)]
    world = (-180.0, -90.0, 180.0, 90.0)
    drawn = guarded.features(TYPES, world, [SECRET, PLACE], PLACE)
    assert sorted(drawn) == sorted(left.features(TYPES, world, [SECRET, PLACE], PLACE))


def loaded(documents: Any) -> list[Any]:
    return [None if raw is None else orjson.loads(raw) for raw in documents]


# -- what changed, and the past ---------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.sqlite")
    yield opened
    opened.close()


def put(store: Store, id: str, type: str, **values: Any) -> None:
    names = {"secret": SECRET, "open": OPEN}
    stamp = {
        "createdAt": "2026-01-01T00:00:00.000000Z",
        "modifiedAt": "2026-01-01T00:00:00.000000Z",
    }
    entity = {"id": id, "type": [type], **stamp} | {
        names[name]: [{"type": "Property", "value": value, **stamp}]
        for name, value in values.items()
    }
    (outcome,) = store.write([Write(id, lambda old: Edited(entity))]).result()
    assert not isinstance(outcome, Exception)


HALF = Seen(entities=Portion(types=TypeName(A)), attributes={SECRET: Either()})


def test_changes_are_those_that_may_be_seen_and_hidden_ones_do_not_stop_them(store: Store) -> None:
    put(store, "urn:x:1", A, secret=1, open=1)
    for n in range(30):
        put(store, "urn:x:2", B, open=n)
    put(store, "urn:x:1", A, secret=2, open=1)
    put(store, "urn:x:1", A, secret=2, open=2)
    guarded = reader(store, HALF)
    first = guarded.changes(0, limit=5)
    assert [(c.id, c.kind, set(c.attributes)) for c in first] == [("urn:x:1", "created", {OPEN})]
    second = guarded.changes(first[-1].seq, limit=5)
    assert [(c.id, c.attributes[OPEN][0]["value"]) for c in second] == [("urn:x:1", 2)]
    assert guarded.changes(second[-1].seq) == []
    assert [c.seq for c in guarded.history("urn:x:2")] == []
    assert len(guarded.history("urn:x:1")) == 2


def test_a_deletion_is_told_only_where_types_and_identifier_decide(store: Store) -> None:
    put(store, "urn:x:1", A, open=1)
    after = store.last_change()
    store.write([Write("urn:x:1", lambda old: Edited(None))]).result()
    kinds = [c.kind for c in reader(store, HALF).changes(after)]
    assert kinds == ["deleted"]
    by_attribute = Seen(entities=Portion(having=(OPEN,)))
    assert reader(store, by_attribute).changes(after) == []
    but_one = Seen(entities=Outside(Portion(ids=("urn:x:1",))))
    assert reader(store, but_one).changes(after) == []


def test_the_past_shows_nothing_else(store: Store) -> None:
    put(store, "urn:x:1", A, secret=1, open=1)
    put(store, "urn:x:2", B, open=5)
    guarded = reader(store, HALF)
    every = Selection(("urn:x:1", "urn:x:2"), property="modifiedAt")
    with guarded.past() as past:
        assert [head.id for head in past.heads(Heads())] == ["urn:x:1"]
        assert past.head("urn:x:2") is None
        assert {(m.entity, m.attribute) for m in past.series(every)} == {("urn:x:1", OPEN)}
        assert {(s.entity, s.attribute) for s in past.spans(every)} == {("urn:x:1", OPEN)}
        whole = Periods(0)
        timed = Selection(("urn:x:1", "urn:x:2"), property="modifiedAt", timed=True)
        sums = past.tallies(timed, whole)
        assert {(b.entity, b.attribute) for b in sums} == {("urn:x:1", OPEN)}


def test_moving_the_history_is_for_the_node_alone(store: Store) -> None:
    guarded = reader(store, HALF)
    with pytest.raises(Forbidden):
        guarded.cut(0)


# -- what is put down -------------------------------------------------------------------------------


def test_readings_of_what_not_everybody_may_see_are_put_down(store: Store) -> None:
    put(store, "urn:x:1", A, secret=1, open=1)
    put(store, "urn:x:2", A, open=1)
    log = Log()
    public = Sieve(HALF)
    guarded = GuardedReader(store, Sieve(Seen()), Notes(log, ANNA, ["r:1"], public))
    guarded.query(Query(types=TypeName(A)))
    guarded.get("urn:x:1")
    guarded.get("urn:x:2")
    list(guarded.scan())
    guarded.changes(0)
    with guarded.past() as past:
        list(past.series(Selection(("urn:x:1", "urn:x:2"))))
        list(past.series(Selection(("urn:x:1",))))
    assert log.read_ones == [["urn:x:1"]] * 5


def test_a_count_of_what_is_hidden_is_put_down_too(store: Store) -> None:
    put(store, "urn:x:2", B, open=1)
    log = Log()
    guarded = GuardedReader(store, Sieve(Seen()), Notes(log, ANNA, [], Sieve(HALF)))
    guarded.query(Query(types=TypeName(B), limit=0, count=True))
    guarded.query(Query(types=TypeName(A), limit=0, count=True))
    assert log.read_ones == [[f"type:{B}"]]
