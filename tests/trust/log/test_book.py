"""The log of a node: durable before answered, signed as it grows, held after a restore."""

from __future__ import annotations

import itertools
import random
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.errors import Unavailable
from hansa.trust.log.book import LogBook
from hansa.trust.log.commitments import Event, Opening
from hansa.trust.log.files import LogDamaged
from hansa.trust.log.hashing import consistency_proof, verify_consistency
from hansa.trust.log.keys import suggested_origin
from hansa.trust.log.notes import Checkpoint, Note
from hansa.trust.log.tiles import Tile

from .openings import InMemory

ROOT = Path(__file__).parents[3]
KILLS = 25
READ = Event("read", "anna", ("urn:x",), ("rule-1",), "by-rule")


@pytest.fixture
def book(tmp_path: Path) -> Iterator[LogBook]:
    made = LogBook(tmp_path / "log", Clock(), base_url="https://city.example", openings=InMemory())
    yield made
    made.close()


def head(note: Note | None) -> Checkpoint:
    assert note is not None
    return Checkpoint.parse(note.text)


def test_an_act_is_logged_signed_and_opened(book: LogBook) -> None:
    assert book.record(READ) == 0
    assert book.record(READ) == 1
    assert book.size == 2
    note = book.sign()
    assert note is not None
    assert book.keys.log.verifier.verify(note)
    assert (head(note).origin, head(note).size) == ("city.example/log", 2)
    assert book.tile(Tile(0, 0, 2)) is not None
    assert book.tile(Tile(0, 0, 3)) is None
    entries = book.entries(0, 10)
    assert [(each.index, each.entry.kind, each.entry.rules) for each in entries] == [
        (0, "read", ("rule-1",)),
        (1, "read", ("rule-1",)),
    ]
    assert book.openings is not None
    for opening in book.openings.about("who", "anna") + book.openings.about("what", "urn:x"):
        assert opening.opens(entries[opening.index].entry)


def test_it_is_signed_by_itself_and_nothing_unsigned_is_shown(book: LogBook) -> None:
    book.record(READ)
    for _ in range(200):
        if book.shown_size:
            break
        threading.Event().wait(0.05)
    assert book.shown_size == 1
    book.hold("for this test")
    book.record(READ)
    assert book.size == 2
    assert book.tile(Tile(None, 0, 2)) is None


def test_after_erasure_the_log_is_the_same_and_nothing_opens_it(book: LogBook) -> None:
    book.record(READ)
    book.record(Event("read", "ben", ("urn:x", "urn:y")))
    note, entries = book.sign(), book.entries(0, 2)
    openings = book.openings
    assert openings is not None
    assert openings.erase("who", "anna") == 1
    assert openings.about("who", "anna") == []
    left: list[Opening] = openings.about("who", "ben") + openings.about("what", "urn:x")
    assert [each.opens(entries[each.index].entry) for each in left] == [True] * 3
    assert book.entries(0, 2) == entries
    assert book.sign() == note


def test_many_at_once_are_in_the_order_of_their_indexes(book: LogBook) -> None:
    futures = [book.submit(Event("read", "anna", reason=f"act-{i}")) for i in range(3_000)]
    wait(futures)
    assert [future.result() for future in futures] == list(range(3_000))
    assert [each.entry.reason for each in book.entries(0, 3_000)] == [
        f"act-{i}" for i in range(3_000)
    ]


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    checkpoints = []
    for _ in range(4):
        book = LogBook(tmp_path, Clock())
        for _ in range(100):
            book.record(READ)
        book.close()
        checkpoints.append((head(book.latest), book.origin))
    assert [each.size for each, _ in checkpoints] == [100, 200, 300, 400]
    assert len({origin for _, origin in checkpoints}) == 1
    book = LogBook(tmp_path, Clock())
    for old, new in itertools.pairwise(checkpoints):
        proof = consistency_proof(old[0].size, new[0].size, book.node)
        assert verify_consistency(old[0].size, new[0].size, old[0].root, new[0].root, proof)
    book.close()


def test_keys_are_private_and_two(book: LogBook) -> None:
    for name in ("log.key", "witness.key"):
        assert stat.S_IMODE((book.root / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(book.root.stat().st_mode) == 0o700
    assert book.keys.log.verifier.public != book.keys.witness.verifier.public
    assert book.keys.witness.verifier.name == "city.example/witness"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://city.example", "city.example/log"),
        ("https://city.example:8080/hansa", "city.example:8080/hansa/log"),
        ("", "hansa-000102030405/log"),
        ("https://a b+c", "abc/log"),
    ],
)
def test_a_log_is_named_after_its_address(url: str, origin: str) -> None:
    assert suggested_origin(url, bytes(range(6))) == origin


def test_a_lost_or_strange_key_is_no_new_key(tmp_path: Path) -> None:
    book = LogBook(tmp_path, Clock())
    book.record(READ)
    book.close()
    key = (tmp_path / "log.key").read_bytes()
    (tmp_path / "log.key").unlink()
    with pytest.raises(Unavailable, match="is lost"):
        LogBook(tmp_path, Clock())
    (tmp_path / "log.key").write_bytes(b"nonsense")
    with pytest.raises(Unavailable, match="cannot be used"):
        LogBook(tmp_path, Clock())
    (tmp_path / "log.key").write_bytes((tmp_path / "witness.key").read_bytes())
    with pytest.raises(LogDamaged, match="not signed with the log's key"):
        LogBook(tmp_path, Clock())
    (tmp_path / "log.key").write_bytes(key)
    LogBook(tmp_path, Clock()).close()


def test_an_older_log_below_a_newer_checkpoint_is_refused(tmp_path: Path) -> None:
    book = LogBook(tmp_path, Clock())
    book.record(READ)
    book.close()
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    book = LogBook(tmp_path, Clock())
    book.record(READ)
    book.close()
    for name in set(old) - {"checkpoint"}:
        (tmp_path / name).write_bytes(old[name])
    with pytest.raises(LogDamaged):
        LogBook(tmp_path, Clock())


def test_a_held_log_takes_entries_in_and_signs_nothing(tmp_path: Path) -> None:
    book = LogBook(tmp_path, Clock())
    book.record(READ)
    first = book.sign()
    book.hold("restored from a backup")
    assert book.record(READ) == 1
    assert book.sign() == first
    book.close()
    book = LogBook(tmp_path, Clock())
    assert book.held == "restored from a backup"
    assert book.size == 2
    assert book.sign() == first
    book.close()


def test_a_closed_log_takes_nothing_in(tmp_path: Path) -> None:
    book = LogBook(tmp_path, Clock())
    book.close()
    book.close()
    with pytest.raises(Unavailable, match="closed"):
        book.record(READ)


def test_a_failure_reaches_those_who_wait(tmp_path: Path) -> None:
    class Full(InMemory):
        def keep(self, openings: object) -> None:
            raise Unavailable("the vault", "is full")

    book = LogBook(tmp_path, Clock(), openings=Full())
    with pytest.raises(Unavailable, match="is full"):
        book.record(READ)
    assert book.size == 0
    book.close()


def test_what_was_acknowledged_survives_kill(tmp_path: Path) -> None:
    """25 times: a process logs from four threads and is killed; all it acknowledged is there, in its place."""
    chance = random.Random(11)
    acknowledged: dict[int, str] = {}
    signed: list[Checkpoint] = []
    for _ in range(KILLS):
        before = len(acknowledged)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.trust.log.writing", str(tmp_path), "4"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(chance.randrange(1, 400)):
            index, reason = process.stdout.readline().split()
            acknowledged[int(index)] = reason
        process.kill()
        for line in process.stdout.read().splitlines(keepends=True):
            if line.endswith("\n"):
                index, reason = line.split()
                acknowledged[int(index)] = reason
        process.stdout.close()
        process.wait()
        assert len(acknowledged) > before
        book = LogBook(tmp_path, Clock())
        there = {each.index: each.entry.reason for each in book.entries(0, book.size)}
        assert {index: there.get(index) for index in acknowledged} == acknowledged
        book.close()
        signed.append(head(book.latest))
        assert signed[-1].size == book.size
    book = LogBook(tmp_path, Clock())
    for old, new in itertools.pairwise(signed):
        proof = consistency_proof(old.size, new.size, book.node)
        assert verify_consistency(old.size, new.size, old.root, new.root, proof)
    book.close()
