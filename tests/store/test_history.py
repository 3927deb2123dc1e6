"""History: what the feed tells, what is written directly, and both together with an archive."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hansa.kernel.clock import micros
from hansa.kernel.errors import NotFound
from hansa.ngsild.model import NULL
from hansa.ngsild.query import TypeName
from hansa.ngsild.temporal import Duration
from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import METHODS
from hansa.store.history import Added, Head, Heads, Moment, Removed, Replaced, Selection
from hansa.store.port import Outcome, Store, Written

from .archive import MemoryArchive
from .build import change, entity, fill, put, remove

ONE = "urn:x:1"
SPEED = "urn:a:speed"
HOUR = Periods(0, Duration(0, timedelta(hours=1)))
NEVER = micros(datetime(3000, 1, 1, tzinfo=UTC))


def observed(value: Any, at: str, dataset: str | None = None) -> dict[str, Any]:
    """A Property instance."""
    made = {"type": "Property", "value": value, "observedAt": at}
    return made if dataset is None else made | {"datasetId": dataset}


def at(minute: int) -> str:
    """A moment on some day."""
    return f"2026-11-01T{minute // 60:02}:{minute % 60:02}:00Z"


def record(store: Store, *recordings: Any) -> list[Outcome]:
    return store.record_history(recordings).result()


def series(store: Store, *ids: str, **wishes: Any) -> list[Moment]:
    with store.past() as past:
        return list(past.series(Selection(ids or (ONE,), **wishes)))


def values(store: Store, *ids: str, **wishes: Any) -> list[Any]:
    return [m.instance["value"] for m in series(store, *ids, **wishes)]


def head(store: Store, id: str = ONE) -> Head | None:
    with store.past() as past:
        return past.head(id)


def add_speeds(store: Store, *pairs: tuple[Any, int], id: str = ONE) -> None:
    instances = [observed(value, at(minute)) for value, minute in pairs]
    [outcome] = record(store, Added(id, ("urn:t:Car",), {SPEED: instances}))
    assert isinstance(outcome, Written)


# -- the feed --------------------------------------------------------------------------------------


def test_every_write_of_an_attribute_is_an_instance(store: Store) -> None:
    for value in (1, 2, 2, 3):
        store.write([put(entity(ONE, speed=value))]).result()
    assert values(store) == [1, 2, 3]  # what did not change at all was not written
    ids = [m.instance["instanceId"] for m in series(store)]
    assert len(set(ids)) == 3
    assert ids == [m.instance["instanceId"] for m in series(store)]


def test_a_removed_attribute_leaves_an_instance_with_null_and_its_time(store: Store) -> None:
    fill(store, entity(ONE, speed=1, other=2))
    store.write([change(ONE, lambda old: {k: v for k, v in old.items() if k != SPEED})]).result()
    [deleted] = series(store, property="deletedAt", timed=True)
    assert deleted.attribute == SPEED
    assert deleted.instance["type"] == "Property"
    assert deleted.instance["value"] == NULL
    assert deleted.time is not None
    assert {"observedAt", "modifiedAt", "createdAt"}.isdisjoint(deleted.instance)


def test_each_kind_and_dataset_is_deleted_as_what_it_was(store: Store) -> None:
    made = entity(ONE) | {
        "urn:a:of": [{"type": "Relationship", "object": "urn:x:2", "datasetId": "urn:d:1"}],
        "urn:a:name": [{"type": "LanguageProperty", "languageMap": {"en": "x"}}],
    }
    fill(store, made)
    store.write([remove(ONE)]).result()
    name, of = series(store, property="deletedAt", timed=True)
    assert name.instance["languageMap"] == {"@none": NULL}
    assert of.instance["object"] == NULL
    assert of.instance["datasetId"] == "urn:d:1"


def test_a_deleted_entity_is_still_known(store: Store) -> None:
    fill(store, entity(ONE, "urn:t:Car", speed=1))
    store.write([remove(ONE)]).result()
    found = head(store)
    assert found is not None
    assert found.types == ("urn:t:Car",)
    assert found.created
    assert found.deleted
    fill(store, entity(ONE, "urn:t:Car", speed=2))
    again = head(store)
    assert again is not None
    assert again.deleted is None
    assert sorted(map(str, values(store))) == ["1", "2", NULL]


def test_instances_of_other_datasets_that_stayed_are_not_told_again(store: Store) -> None:
    one, two = observed(1, at(1)), observed(10, at(1), "urn:d:1")
    fill(store, entity(ONE) | {SPEED: [one, two]})
    store.write(
        [change(ONE, lambda old: old | {SPEED: [observed(2, at(2)), old[SPEED][1]]})]
    ).result()
    store.write([change(ONE, lambda old: old | {SPEED: [old[SPEED][0]]})]).result()
    found = [(m.instance.get("datasetId"), m.instance["value"]) for m in series(store)]
    assert found == [(None, 1), ("urn:d:1", 10), (None, 2), ("urn:d:1", NULL)]


def test_scopes_have_a_history_of_their_own(store: Store) -> None:
    fill(store, entity(ONE) | {"scope": ["/a"]})
    store.write([change(ONE, lambda old: old | {"scope": ["/b", "/c"]})]).result()
    store.write([change(ONE, lambda old: old | {SPEED: [observed(1, at(1))]})]).result()
    store.write([change(ONE, lambda old: {k: v for k, v in old.items() if k != "scope"})]).result()
    found = series(store, attributes=frozenset({"scope"}))
    assert [m.instance["value"] for m in found] == ["/a", ["/b", "/c"], []]
    assert found[0].instance["observedAt"] == found[0].instance["modifiedAt"]
    assert "deletedAt" in found[2].instance


def test_what_is_written_without_history_has_none(store: Store) -> None:
    store.write([put(entity(ONE, speed=1), keep_history=False)]).result()
    assert values(store) == []
    assert head(store) is None


# -- written as history ----------------------------------------------------------------------------


def test_instances_are_added_and_come_by_time(store: Store) -> None:
    [first] = record(store, Added(ONE, ("urn:t:Car",), {SPEED: [observed(2, at(2))]}))
    [second] = record(store, Added(ONE, ("urn:t:Van",), {SPEED: [observed(1, at(1))]}))
    assert isinstance(first, Written)
    assert first.created
    assert isinstance(second, Written)
    assert not second.created
    assert values(store) == [1, 2]
    found = head(store)
    assert found is not None
    assert found.types == ("urn:t:Car", "urn:t:Van")
    assert store.get(ONE) is None  # history alone is no present state


def test_what_is_sent_twice_stands_there_once(store: Store) -> None:
    add_speeds(store, (1, 1), (2, 2))
    [before, _] = series(store)
    add_speeds(store, (5, 1))
    [after, _] = series(store)
    assert values(store) == [5, 2]
    assert after.instance["instanceId"] == before.instance["instanceId"]
    assert after.instance["createdAt"] == before.instance["createdAt"]
    assert after.instance["modifiedAt"] > before.instance["modifiedAt"]


def test_what_is_sent_twice_at_once_stands_there_once_too(store: Store) -> None:
    add_speeds(store, (1, 1), (2, 1), (3, 2))
    assert values(store) == [2, 3]
    one, two = (Added(ONE, ("urn:t:Car",), {SPEED: [observed(v, at(3))]}) for v in (7, 8))
    first, second = record(store, one, two)
    assert not isinstance(first, NotFound)
    assert not isinstance(second, NotFound)
    assert values(store) == [2, 3, 8]


def test_recordings_of_one_request_see_each_other(store: Store) -> None:
    new = Added(ONE, ("urn:t:Car",), {SPEED: [observed(1, at(1))]})
    outcomes = record(
        store, new, Removed(ONE, SPEED), replace(new, types=(), create=False), Removed(ONE), new
    )
    assert all(isinstance(outcome, Written) for outcome in outcomes)
    assert [o.created for o in outcomes if isinstance(o, Written)] == [True, *[False] * 3, True]
    assert values(store) == [1]


def test_adding_without_creating_needs_a_past_or_a_present(store: Store) -> None:
    new = Added(ONE, (), {SPEED: [observed(1, at(1))]}, create=False)
    [outcome] = record(store, new)
    assert isinstance(outcome, NotFound)
    fill(store, entity(ONE))
    [outcome] = record(store, new)
    assert isinstance(outcome, Written)


def test_feed_and_direct_instances_are_one_series(store: Store) -> None:
    fill(store, entity(ONE) | {SPEED: [observed(2, at(2))]})
    add_speeds(store, (1, 1), (3, 3))
    assert values(store) == [1, 2, 3]
    assert values(store, last=2) == [2, 3]
    assert values(store, since=micros(datetime(2026, 11, 1, 0, 2, tzinfo=UTC))) == [2, 3]
    assert values(store, until=micros(datetime(2026, 11, 1, 0, 2, tzinfo=UTC))) == [1]


@pytest.mark.parametrize("written", ["feed", "direct"])
def test_an_instance_is_replaced_wherever_it_came_from(store: Store, written: str) -> None:
    if written == "feed":
        fill(store, entity(ONE, other=7) | {SPEED: [observed(1, at(1)) | {"createdAt": at(0)}]})
    else:
        add_speeds(store, (1, 1))
    [old] = series(store, attributes=frozenset({SPEED}))
    id = old.instance["instanceId"]
    [outcome] = record(store, Replaced(ONE, SPEED, id, observed(9, at(5))))
    assert isinstance(outcome, Written)
    [new] = series(store, attributes=frozenset({SPEED}))
    assert new.instance["value"] == 9
    assert new.instance["instanceId"] == id
    assert new.instance["createdAt"] == old.instance["createdAt"]
    assert new.instance["modifiedAt"]
    if written == "feed":
        assert values(store, attributes=frozenset({"urn:a:other"})) == [7]


@pytest.mark.parametrize("written", ["feed", "direct"])
def test_an_instance_is_removed_wherever_it_came_from(store: Store, written: str) -> None:
    if written == "feed":
        for value in (1, 2):
            store.write([put(entity(ONE, speed=value))]).result()
    else:
        add_speeds(store, (1, 1), (2, 2))
    id = series(store)[0].instance["instanceId"]
    record(store, Removed(ONE, SPEED, id))
    assert values(store) == [2]
    [outcome] = record(store, Removed(ONE, SPEED, id))
    assert isinstance(outcome, NotFound)
    if written == "feed":
        assert store.get(ONE) is not None  # the present is not touched


@pytest.mark.parametrize(
    "id", ["urn:ngsi-ld:instance:w99", "urn:ngsi-ld:instance:c1.7", "urn:ngsi-ld:instance:cx.y",
           "urn:ngsi-ld:instance:w", "urn:other", "urn:ngsi-ld:instance:c" + "9" * 40 + ".1",
           "urn:ngsi-ld:instance:w" + "9" * 40]
)  # fmt: skip
def test_an_instance_that_is_not_there_is_refused(store: Store, id: str) -> None:
    fill(store, entity(ONE, speed=1))
    add_speeds(store, (1, 1))
    for recording in (Removed(ONE, SPEED, id), Replaced(ONE, SPEED, id, observed(1, at(1)))):
        [outcome] = record(store, recording)
        assert isinstance(outcome, NotFound)


def test_an_attribute_is_removed_by_dataset_or_whole(store: Store) -> None:
    fill(store, entity(ONE, other=7) | {SPEED: [observed(1, at(1)), observed(2, at(1), "urn:d:1")]})
    record(store, Added(ONE, (), {SPEED: [observed(3, at(3)), observed(4, at(3), "urn:d:2")]}))
    record(store, Removed(ONE, SPEED))
    assert values(store, attributes=frozenset({SPEED})) == [2, 4]
    record(store, Removed(ONE, SPEED, dataset="urn:d:2"))
    assert values(store, attributes=frozenset({SPEED})) == [2]
    record(store, Removed(ONE, SPEED, all=True))
    assert values(store) == [7]
    [outcome] = record(store, Removed(ONE, SPEED, all=True))
    assert isinstance(outcome, NotFound)


def test_a_whole_past_is_removed_and_the_present_stays(store: Store) -> None:
    fill(store, entity(ONE, speed=1))
    add_speeds(store, (1, 1))
    record(store, Removed(ONE))
    assert head(store) is None
    assert series(store) == []
    assert store.get(ONE) is not None
    [outcome] = record(store, Removed(ONE))
    assert isinstance(outcome, NotFound)
    store.write([put(entity(ONE, speed=2))]).result()
    assert values(store) == [2]


def test_heads_come_by_identifier_and_type(store: Store) -> None:
    fill(store, entity("urn:x:2", "urn:t:Car"), entity("urn:x:4", "urn:t:Bus"))
    add_speeds(store, (1, 1), id="urn:x:1")
    add_speeds(store, (1, 1), id="urn:x:3")
    fill(store, entity("urn:x:5", "urn:t:Car"))
    store.write([remove("urn:x:5")]).result()
    with store.past() as past:

        def ids(**wishes: Any) -> list[str]:
            return [found.id[-1] for found in past.heads(Heads(**wishes))]

        assert ids() == ["1", "2", "3", "4", "5"]
        assert ids(backwards=True, after="urn:x:4") == ["3", "2", "1"]
        assert ids(types=TypeName("urn:t:Car"), after="urn:x:1") == ["2", "3", "5"]
        assert ids(types=TypeName("urn:t:None")) == []
        assert ids(ids=("urn:x:3", "urn:x:9", "urn:x:4")) == ["3", "4"]


def test_spans_and_tallies(store: Store) -> None:
    add_speeds(store, (1, 1), (3, 59), (5, 61))
    with store.past() as past:
        wanted = Selection((ONE,), timed=True)
        [span] = past.spans(wanted)
        assert (span.size, span.attribute) == (3, SPEED)
        first, second = past.tallies(wanted, HOUR, distinct=True)
    assert span.first is not None
    assert span.last is not None
    assert span.last - span.first == 60 * 60_000_000
    assert second.period == first.period + 1
    assert METHODS["avg"](first.tally) == 2
    assert METHODS["distinctCount"](first.tally) == 2
    assert METHODS["max"](second.tally) == 5


# -- with an archive -------------------------------------------------------------------------------


@pytest.fixture
def archive(store: Store) -> MemoryArchive:
    """An archive that the store knows."""
    made = MemoryArchive()
    store.archive = made
    return made


def test_what_moves_to_the_archive_is_still_there_once(
    store: Store, archive: MemoryArchive
) -> None:
    fill(store, entity(ONE) | {SPEED: [observed(1, at(1))]})
    add_speeds(store, (2, 2))
    before = series(store)
    assert archive.keep(store, store.cut(NEVER), "first")
    assert series(store) == before
    with store.past_of(store.cut(NEVER)) as tail:
        assert list(tail.series(Selection((ONE,)))) == []
    add_speeds(store, (3, 3))
    assert len({m.instance["instanceId"] for m in series(store)}) == 3
    assert values(store, last=2) == [2, 3]
    assert head(store) is not None


def test_a_fold_is_refused_when_history_was_rewritten_meanwhile(
    store: Store, archive: MemoryArchive
) -> None:
    add_speeds(store, (1, 1), (2, 2))
    cut = store.cut(NEVER)
    record(store, Removed(ONE, SPEED, series(store)[0].instance["instanceId"]))
    assert not archive.keep(store, cut, "first")
    assert values(store) == [2]


def test_archived_instances_are_replaced_and_removed(store: Store, archive: MemoryArchive) -> None:
    fill(store, entity(ONE) | {SPEED: [observed(1, at(1))]})
    add_speeds(store, (2, 2), (3, 3))
    assert archive.keep(store, store.cut(NEVER), "first")
    ids = [m.instance["instanceId"] for m in series(store)]
    record(store, Replaced(ONE, SPEED, ids[0], observed(10, at(1))))
    record(store, Removed(ONE, SPEED, ids[1]))
    assert values(store) == [10, 3]
    assert [m.instance["instanceId"] for m in series(store)] == [ids[0], ids[2]]
    record(store, Removed(ONE, SPEED))
    assert values(store) == []
