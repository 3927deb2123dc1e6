"""Small work shares the commit of the writes beside it, and a fault of one touches no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
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


@dataclass
class Held:
    """A writer that does nothing before ``go``, so that all that is queued until then is a group."""

    store: SqliteStore
    writer: Writer
    go: threading.Event = field(default_factory=threading.Event)
    commits: list[None] = field(default_factory=list)

    def wait(self, connection: apsw.Connection) -> None:
        connection.set_commit_hook(lambda: bool(self.commits.append(None)))
        assert self.go.wait(30)

    def done(self, *waiting: Future[Any]) -> None:
        self.go.set()
        for future in waiting:
            future.result(30)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    with closing(open_store(tmp_path / "a.sqlite")) as store:
        found = Held(store, store._writer)
        found.writer.start(found.wait)
        yield found
        found.go.set()


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


def test_a_group_has_one_commit(held: Held) -> None:
    store = held.store
    held.done(
        store.write([create({"id": "urn:x:1", "type": ["A"]}, NOW)]),
        held.writer.start(put("one"), joins=True),
        store.write([create({"id": "urn:x:2", "type": ["A"]}, NOW)]),
        store.write_records("k", [Write("r", lambda _: Edited({"id": "r"}))]),
    )
    assert len(held.commits) == 2  # the work that was waited for, and all of these together
    assert store.get("urn:x:1") and store.get("urn:x:2") and store.record("k", "r")
    assert "one" in counters(store)


def test_work_that_does_not_join_has_its_own_commit(held: Held) -> None:
    held.done(*(held.writer.start(put(name)) for name in ("one", "two")))
    assert len(held.commits) == 3


@pytest.mark.parametrize(
    "error",
    [ValueError("a defect"), apsw.ConstraintError("twice"), Unavailable("a", "b", "c")],
    ids=["defect", "constraint", "refusal"],
)
def test_what_fails_is_undone_alone(held: Held, error: Exception) -> None:
    before = held.writer.start(put("before"), joins=True)
    broken = held.writer.start(fail(error), joins=True)
    after = held.writer.start(put("after"), joins=True)
    written = held.store.write([create({"id": "urn:x:1", "type": ["A"]}, NOW)])
    held.done(before, after, written)
    with pytest.raises(type(error)):
        broken.result(30)
    assert {"before", "after"} <= counters(held.store)
    assert "never" not in counters(held.store)
    assert held.store.get("urn:x:1")


def test_work_whose_asker_has_gone_is_left_out(held: Held) -> None:
    gone = held.writer.start(put("gone"), joins=True)
    kept = held.writer.start(put("kept"), joins=True)
    assert gone.cancel()
    held.done(kept)
    assert "kept" in counters(held.store)
    assert "gone" not in counters(held.store)
