"""Readings: written down before the answer, entered together, and none lost by a process that is killed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.errors import Unavailable
from hansa.trust.log.book import LogBook
from hansa.trust.log.commitments import Event
from hansa.trust.log.openings import FILE, KeptOpenings
from hansa.trust.log.readings import NEW, OLD
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import Principal

ANNA, BEN = Principal("anna", "staff"), Principal("ben", "staff")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeptOpenings]:
    made = KeptOpenings(tmp_path / FILE)
    yield made
    made.close()


def opened(folder: Path, kept: KeptOpenings, clock: Clock | None = None) -> LogBook:
    return LogBook(folder, clock or Clock(), openings=kept)


def test_what_one_reads_in_a_second_is_one_entry(tmp_path: Path, kept: KeptOpenings) -> None:
    book = opened(tmp_path, kept, _Standing())
    recorder = Recorder(book)
    for number in (1, 2, 3, 2):
        recorder.read(ANNA, (f"urn:x:{number}",), ("r:1",))
    recorder.read(BEN, ("urn:x:1", "urn:x:9"), ("r:1",))
    recorder.read(ANNA, ("urn:x:1",), ("r:2",))
    about = book.about("what", "urn:x:1")
    assert [(n.entry.things, n.entry.rules) for n, _ in about] == [
        (3, ("r:1",)),
        (2, ("r:1",)),
        (1, ("r:2",)),
    ]
    assert all(n.entry.time == "2026-01-02T03:04:05Z" for n, _ in about)
    assert [o.value for _, o in book.about("who", "ben")] == ["ben"]
    for number in (2, 3, 9):
        assert len(book.about("what", f"urn:x:{number}")) == 1
    book.close()


class _Standing(Clock):
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2026, 1, 2, 3, 4, 5, 678, UTC)


def test_a_large_reading_is_divided_and_each_thing_is_found(
    tmp_path: Path, kept: KeptOpenings
) -> None:
    book = opened(tmp_path, kept)
    ids = [f"urn:x:{number}" for number in range(700)]
    Recorder(book).read(ANNA, ids, ())
    found = [book.about("what", id) for id in ids]
    assert all(len(each) == 1 for each in found)
    assert {entry.index for ((entry, _),) in found} == {0, 1, 2}
    assert sum(each.entry.things for each in book.entries(0, 9)) == 700
    book.close()


def test_it_is_entered_without_anybody_asking(tmp_path: Path, kept: KeptOpenings) -> None:
    book = opened(tmp_path, kept)
    Recorder(book).read(ANNA, ("urn:x:1",), ())
    for _ in range(200):
        if book.size:
            break
        book.readings._wake.wait(0.05)
    assert book.size == 1
    book.close()


_KILLED = """
import os, sys
from pathlib import Path
from hansa.kernel.clock import Clock
from hansa.trust.log.book import LogBook
from hansa.trust.log.openings import FILE, KeptOpenings
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import Principal
folder = Path(sys.argv[1])
book = LogBook(folder, Clock(), openings=KeptOpenings(folder / FILE))
recorder = Recorder(book)
for number in range(int(sys.argv[2])):
    recorder.read(Principal("anna", "staff"), (f"urn:x:{number}",), ("r:1",))
    print(number, flush=True)
    if number % 50 == 20:
        book.readings.settle()
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("count", [1, 21, 130])
def test_what_was_answered_is_in_the_log_after_a_kill(tmp_path: Path, count: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path), str(count)],
        check=False,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == -9
    assert len(done.stdout.split()) == count, done.stderr
    kept = KeptOpenings(tmp_path / FILE)
    book = opened(tmp_path, kept)
    for number in range(count):
        assert book.about("what", f"urn:x:{number}")
    assert not (tmp_path / NEW).exists()
    assert not (tmp_path / OLD).exists()
    book.close()
    kept.close()


def test_what_is_torn_is_passed_over_and_the_rest_entered(
    tmp_path: Path, kept: KeptOpenings
) -> None:
    whole = orjson.dumps([1_700_000_000, "anna", ["r:1"], "by-rule", ["urn:x:1"]])
    wrong = orjson.dumps([1_700_000_000, "anna", ["no code!"], "by-rule", ["urn:x:2"]])
    (tmp_path / OLD).write_bytes(b"\n" + whole + b"\n")
    (tmp_path / NEW).write_bytes(whole[:-9] + b"\n" + wrong + b"\n\n" + whole[:20])
    book = opened(tmp_path, kept)
    ((numbered, _),) = book.about("what", "urn:x:1")
    assert numbered.entry.time == "2023-11-14T22:13:20Z"
    assert book.size == 1
    book.close()


def test_while_the_log_refuses_nothing_is_let_through(
    tmp_path: Path, kept: KeptOpenings, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = opened(tmp_path, kept)
    recorder = Recorder(book)
    recorder.read(ANNA, ("urn:x:1",), ())

    def full(*_: object) -> None:
        raise Unavailable("what opens the log", "cannot be written")

    with monkeypatch.context() as broken:
        broken.setattr(kept, "keep", full)
        with pytest.raises(Unavailable):
            book.readings.settle()
        with pytest.raises(Unavailable):
            recorder.read(ANNA, ("urn:x:2",), ())
    book.readings.settle()
    recorder.read(ANNA, ("urn:x:3",), ())
    assert [len(book.about("what", f"urn:x:{n}")) for n in (1, 2, 3)] == [1, 0, 1]
    book.close()


def test_a_full_disk_lets_nothing_through(
    tmp_path: Path, kept: KeptOpenings, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = opened(tmp_path, kept)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", full)
        with pytest.raises(Unavailable, match="no space"):
            Recorder(book).read(ANNA, ("urn:x:1",), ())
    Recorder(book).read(ANNA, ("urn:x:2",), ())
    assert [len(book.about("what", f"urn:x:{n}")) for n in (1, 2)] == [0, 1]
    book.close()


def test_what_waits_is_erased_with_the_rest(tmp_path: Path, kept: KeptOpenings) -> None:
    book = opened(tmp_path, kept)
    Recorder(book).read(ANNA, ("urn:of:erased",), ())
    assert b"urn:of:erased" in _bytes(tmp_path)
    book.readings.settle()
    assert kept.erase("what", "urn:of:erased") == 1
    assert b"urn:of:erased" not in _bytes(tmp_path)
    book.close()
    with pytest.raises(Unavailable, match="closed"):
        book.readings.note(Event("read", "anna"))


def _bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
