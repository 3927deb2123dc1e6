"""History that moved into the archive is answered as before; what is moved is moved once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from hansa.history import compact as compaction
from hansa.history.archive import ParquetArchive
from hansa.history.compact import compact, merge, sweep
from hansa.kernel.clock import micros
from hansa.ngsild.temporal import Duration, parse_datetime
from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import METHODS
from hansa.store.history import Added, Heads, Removed, Replaced, Selection
from hansa.store.port import Edited, Write
from hansa.store.sqlite import SqliteStore, open_store

IDS = tuple(f"urn:x:{n}" for n in range(6))
NEVER = micros(parse_datetime("3000-01-01T00:00:00Z"))
START = parse_datetime("2026-11-01T00:00:00Z")
PERIODS = Periods(micros(START), Duration(months=1))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "store.sqlite")
    opened.archive = ParquetArchive(tmp_path / "history")
    yield opened
    faults = opened.check()
    opened.close()
    assert faults == []


def archive_of(store: SqliteStore) -> ParquetArchive:
    assert isinstance(store.archive, ParquetArchive)
    return store.archive


def observed(value: Any, minute: int) -> dict[str, Any]:
    at = f"2026-11-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00Z"
    return {"type": "Property", "value": value, "observedAt": at}


def fill(store: SqliteStore, turn: int = 0) -> None:
    """Some of every kind of history."""
    for number, id in enumerate(IDS[:4]):
        values = [observed(n * 1.5 + number, 300 * turn + 7 * n) for n in range(40)]
        added = Added(id, ("urn:t:Car",), {"urn:a:speed": values})
        store.record_history([added]).result()
    for value in (1, "two", [3], {"four": 4}, True):
        entity = {"id": IDS[5], "type": ["urn:t:T"], "createdAt": "c", "modifiedAt": "m"}
        entity["urn:a:x"] = [{"type": "Property", "value": value}]
        store.write([Write(IDS[5], lambda old, new=entity: Edited(new))]).result()
    store.write([Write(IDS[5], lambda old: Edited(None))]).result()


def seen(store: SqliteStore) -> list[Any]:
    """Everything that questions can tell."""
    found: list[Any] = []
    with store.past() as past:
        found += past.heads(Heads())
        found += [past.head(id) for id in IDS]
        for wanted in (
            Selection(IDS),
            Selection(IDS, last=3),
            Selection(IDS, property="modifiedAt", timed=True),
            Selection(IDS, since=micros(START) + 10**9, until=micros(START) + 10**10),
        ):
            found += past.series(wanted)
            found += past.spans(wanted)
        wanted = Selection(IDS, since=micros(START), timed=True)
        for bucket in past.tallies(wanted, PERIODS, distinct=True):
            sums = [method(bucket.tally) for method in METHODS.values()]
            # Parts are added in another order than their elements: the last digit may differ.
            rounded = [round(each, 6) if isinstance(each, float) else each for each in sums]
            found.append((bucket[:4], rounded))
    return found


def test_nothing_changes_for_who_asks(store: SqliteStore) -> None:
    fill(store)
    before = seen(store)
    done = compact(store, archive_of(store), NEVER)
    assert done.moved == 4 * 40 + 6
    assert done.made == 1
    assert len(store.records("archive")) == 1
    with store.past_of(store.cut(NEVER)) as tail:
        assert list(tail.series(Selection(IDS))) == []
    assert seen(store) == before
    assert compact(store, archive_of(store), NEVER).moved == 0
    assert seen(store) == before


def test_the_recent_stays(store: SqliteStore) -> None:
    fill(store)
    assert compact(store, archive_of(store), micros(START)).moved == 0
    assert store.records("archive") == []


def test_many_small_segments_become_one(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "MANY", 4)
    for turn in range(4):
        fill(store, turn)
        before = seen(store)
        done = compact(store, archive_of(store), NEVER)
        assert seen(store) == before
        assert done.merged == (4 if turn == 3 else 0)
    assert len(store.records("archive")) == 1


def test_what_is_erased_is_hidden_at_once_and_gone_after_the_next_compaction(
    store: SqliteStore,
) -> None:
    fill(store)
    compact(store, archive_of(store), NEVER)
    with store.past() as past:
        victim = next(past.series(Selection((IDS[0],)))).instance["instanceId"]
        second = list(past.series(Selection((IDS[1],))))[1].instance["instanceId"]
    store.record_history(
        [
            Removed(IDS[0], "urn:a:speed", victim),
            Removed(IDS[2]),
            Replaced(IDS[1], "urn:a:speed", second, observed(999, 7)),
        ]
    ).result()
    before = seen(store)
    assert repr(victim) not in repr(before)
    assert repr(IDS[2]) not in repr([each for each in before if each is not None])
    assert store.erased()
    compact(store, archive_of(store), NEVER)
    assert store.erased() == []
    assert seen(store) == before
    [segment] = [each for each in archive_of(store).segments(store) if each.rows > 100]
    rows = parquet.read_table(segment.instances(archive_of(store).folder)).to_pylist()
    gone = [each for each in rows if each["entity"] == IDS[2] or each["instance"] == victim]
    assert gone == []


def test_a_cut_that_was_rewritten_is_read_again(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    written = compaction._written
    tries = []

    def meddle(*args: Any) -> Any:
        found = written(*args)
        if not tries:
            store.record_history([Removed(IDS[0], "urn:a:speed", all=True)]).result()
        tries.append(found.name)
        return found

    monkeypatch.setattr(compaction, "_written", meddle)
    compact(store, archive_of(store), NEVER)
    assert len(tries) == 2
    with store.past() as past:
        assert list(past.spans(Selection((IDS[0],), frozenset({"urn:a:speed"})))) == []


def test_files_off_the_list_are_swept_after_an_hour(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    compact(store, archive_of(store), NEVER)
    fill(store, 1)
    compact(store, archive_of(store), NEVER)
    folder = archive_of(store).folder
    before = set(folder.iterdir())
    merge(store, archive_of(store), all=True)
    sweep(store, archive_of(store))
    assert before <= set(folder.iterdir()), "a reader may still be reading"
    monkeypatch.setattr(compaction, "GRACE", -1.0)
    sweep(store, archive_of(store))
    [segment] = archive_of(store).segments(store)
    assert set(folder.iterdir()) == set(segment.files(folder))
