"""Small work shares the commit of the writes beside it, and a fault of one touches no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from hansa.hub.entities import create
from hansa.kernel.errors import Unavailable
from hansa.store.port import Edited, Write
from hansa.store.sqlite import SqliteStore, open_store
from hansa.store.sqlite.writer import Writer

NOW = "2026-01-01T00:00:00.000000Z"


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[SqliteStore, Writer, threading.Event]]:
    """A store whose writer does nothing before the event is set, so that all that is queued is a group."""
    go = threading.Event()
    with closing(open_store(tmp_path / "a.sqlite")) as store:
        writer: Writer = store._writer
        writer.start(lambda _: go.wait(30))
        yield store, writer, go
        go.set()


def commits(writer: Writer) -> list[None]:
    """A list that grows with every commit."""
    seen: list[None] = []
    writer._connection.set_commit_hook(lambda: bool(seen.append(None)))
    return seen


def put(name: str) -> Any:
    return lambda connection: connection.execute(
        "INSERT INTO counter VALUES (?, 1)", (name,)
    ).fetchall()


def fail(error: Exception) -> Any:
    def work(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO counter VALUES ('never', 1)")
        raise error

    return work


def counters(store: SqliteStore) -> set[str]:
    with store._pool.connection() as connection:
        return {name for (name,) in connection.execute("SELECT name FROM counter WHERE value = 1")}


def test_a_group_has_one_commit(held: tuple[SqliteStore, Writer, threading.Event]) -> None:
    store, writer, go = held
    seen = commits(writer)
    waiting: list[Any] = [
        store.write([create({"id": "urn:x:1", "type": ["A"]}, NOW)]),
        writer.start(put("one"), joins=True),
        store.write([create({"id": "urn:x:2", "type": ["A"]}, NOW)]),
        store.write_records("k", [Write("r", lambda _: Edited({"id": "r"}))]),
    ]
    go.set()
    for future in waiting:
        future.result(30)
    assert len(seen) == 2  # the work that was waited for, and all of these together
    assert store.get("urn:x:1") and store.get("urn:x:2") and store.record("k", "r")
    assert "one" in counters(store)


def test_work_that_does_not_join_has_its_own_commit(
    held: tuple[SqliteStore, Writer, threading.Event],
) -> None:
    _store, writer, go = held
    seen = commits(writer)
    waiting = [writer.start(put(name)) for name in ("one", "two")]
    go.set()
    for future in waiting:
        future.result(30)
    assert len(seen) == 3


@pytest.mark.parametrize(
    "error", [ValueError("a defect"), apsw.ConstraintError("twice"), Unavailable("a", "b", "c")]
)
def test_what_fails_is_undone_alone(
    held: tuple[SqliteStore, Writer, threading.Event], error: Exception
) -> None:
    store, writer, go = held
    before = writer.start(put("before"), joins=True)
    broken = writer.start(fail(error), joins=True)
    after = writer.start(put("after"), joins=True)
    written = store.write([create({"id": "urn:x:1", "type": ["A"]}, NOW)])
    go.set()
    for future in (before, after, written):
        future.result(30)
    with pytest.raises(type(error)):
        broken.result(30)
    assert {"before", "after"} <= counters(store)
    assert "never" not in counters(store)
    assert store.get("urn:x:1")


def test_work_whose_asker_has_gone_is_left_out(
    held: tuple[SqliteStore, Writer, threading.Event],
) -> None:
    store, writer, go = held
    gone = writer.start(put("gone"), joins=True)
    kept = writer.start(put("kept"), joins=True)
    assert gone.cancel()
    go.set()
    kept.result(30)
    assert counters(store) >= {"kept"}
    assert "gone" not in counters(store)
