"""The change feed: numbered without gaps, telling what became of what, and kept as wished."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hansa.kernel.clock import Clock
from hansa.store.port import Change, Store
from hansa.store.sqlite import SqliteStore, open_store

from .build import change, entity, fill, put, remove


def only(changes: list[Change]) -> Change:
    assert len(changes) == 1
    return changes[0]


def test_changes_tell_what_became(store: Store) -> None:
    fill(store, entity("urn:x:1", "urn:t:A", a=1, b=1, c=1))
    store.write(
        [
            change("urn:x:1", lambda old: entity("urn:x:1", "urn:t:A", a=1, b=2, d=3)),
            remove("urn:x:1"),
        ]
    ).result()
    created, updated, deleted = store.changes(0)
    assert [c.seq for c in (created, updated, deleted)] == [1, 2, 3]
    assert [c.kind for c in (created, updated, deleted)] == ["created", "updated", "deleted"]
    assert {c.types for c in (created, updated, deleted)} == {("urn:t:A",)}
    assert set(created.attributes) == {"urn:a:a", "urn:a:b", "urn:a:c"}
    assert updated.attributes == {
        "urn:a:b": [{"type": "Property", "value": 2}],
        "urn:a:d": [{"type": "Property", "value": 3}],
        "urn:a:c": [],
    }
    assert deleted.attributes == {}


@pytest.mark.parametrize(("before", "after"), [(1, True), (1, 1.0), ([0], [False]), ("1", 1)])
def test_a_change_of_type_is_a_change(store: Store, before: Any, after: Any) -> None:
    fill(store, entity("urn:x:1", a=before))
    store.write([change("urn:x:1", lambda old: entity("urn:x:1", a=after))]).result()
    [instance] = only(store.changes(1)).attributes["urn:a:a"]
    assert type(instance["value"]) is type(after)


def test_a_change_of_members_alone_is_told_too(store: Store) -> None:
    fill(store, entity("urn:x:1", a=1))
    store.write([change("urn:x:1", lambda old: old | {"scope": ["/a"]})]).result()
    assert only(store.changes(1)).attributes == {}


def test_changes_come_in_parts(store: Store) -> None:
    fill(store, *(entity(f"urn:x:{n}") for n in range(5)))
    assert [c.seq for c in store.changes(1, limit=3)] == [2, 3, 4]
    assert store.changes(5) == []
    assert store.last_change() == 5


class Hands(Clock):
    """A clock that the test sets."""

    time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return Hands.time


@pytest.fixture
def timed(tmp_path: Path) -> Iterator[SqliteStore]:
    Hands.time = datetime(2026, 1, 1, tzinfo=UTC)
    store = open_store(tmp_path / "timed.sqlite", clock=Hands())
    yield store
    store.close()


def test_history_is_that_of_one_entity_between_two_moments(timed: SqliteStore) -> None:
    start = Hands.time
    for hour in range(5):
        Hands.time = start + timedelta(hours=hour)
        fill(timed, entity("urn:x:1", n=hour), entity("urn:x:2"))
    history = timed.history("urn:x:1", since=start + timedelta(hours=1), until=Hands.time)
    assert [c.at - start for c in history] == [timedelta(hours=h) for h in range(1, 5)]
    assert [c.attributes["urn:a:n"][0]["value"] for c in history] == [1, 2, 3, 4]
    assert len(timed.history("urn:x:1")) == 5
    assert timed.history("urn:x:none") == []


def test_history_outlives_the_entity(store: Store) -> None:
    fill(store, entity("urn:x:1", n=1))
    store.write([remove("urn:x:1")]).result()
    fill(store, entity("urn:x:1", n=2))
    assert [c.kind for c in store.history("urn:x:1")] == ["created", "deleted", "created"]


def test_passing_changes_are_pruned_and_numbers_go_on(timed: SqliteStore) -> None:
    start = Hands.time
    fill(timed, entity("urn:x:kept"))
    timed.write([put(entity("urn:x:bus", n=n), keep_history=False) for n in range(3)]).result()
    Hands.time = start + timedelta(hours=1)
    timed.write([put(entity("urn:x:bus", n=9), keep_history=False)]).result()
    assert timed.prune(start + timedelta(minutes=1)) == 3
    assert [c.seq for c in timed.changes(0)] == [1, 5]
    assert timed.prune(start + timedelta(days=1)) == 1
    assert timed.last_change() == 5
    [outcome] = fill(timed, entity("urn:x:next"))
    assert outcome.seq == 6
    assert timed.check() == []


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    for turn in range(3):
        store = open_store(path)
        [outcome] = fill(store, entity(f"urn:x:{turn}", **{f"p{turn}": 1}))
        store.write([put(entity("urn:x:bus", n=turn), keep_history=False)]).result()
        store.prune(datetime.now(UTC) + timedelta(days=1))
        store.close()
        assert outcome.seq == 2 * turn + 1


def test_watchers_hear_of_every_commit_until_they_stop(store: Store) -> None:
    heard: list[int] = []
    stop = store.watch(heard.append)
    other: list[int] = []
    store.watch(other.append)
    fill(store, entity("urn:x:1"), entity("urn:x:2"))
    store.write([put(entity("urn:x:3"))]).result()
    stop()
    stop()
    store.write([put(entity("urn:x:4"))]).result()
    store.close()
    assert heard == [2, 3]
    assert other == [2, 3, 4]


def test_a_watcher_that_fails_harms_nobody(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def fails(seq: int) -> None:
        raise RuntimeError("boom")

    heard: list[int] = []
    store.watch(fails)
    store.watch(heard.append)
    fill(store, entity("urn:x:1"))
    store.close()
    assert heard == [1]
    assert "boom" in caplog.text
