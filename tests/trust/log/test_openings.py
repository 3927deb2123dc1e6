"""What opens the log: found, kept through a crash, and gone for good when it is erased."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest, Conflict, Unavailable
from hansa.trust.log import check, resume
from hansa.trust.log.book import LogBook
from hansa.trust.log.commitments import Event
from hansa.trust.log.notes import Checkpoint, Note
from hansa.trust.log.openings import FILE, KeptOpenings, volume_of
from hansa.trust.log.tiles import Tile
from hansa.trust.log.volumes import Volumes


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeptOpenings]:
    made = KeptOpenings(tmp_path / FILE)
    yield made
    made.close()


@pytest.fixture
def book(tmp_path: Path, kept: KeptOpenings) -> Iterator[LogBook]:
    made = LogBook(tmp_path, Clock(), base_url="https://city.example", openings=kept)
    yield made
    made.close()


def test_acts_are_found_by_whom_and_what_they_are_about(book: LogBook) -> None:
    book.record(Event("read", "anna", ("urn:x", "urn:y"), reason="one"))
    book.record(Event("read", "ben", ("urn:y",), reason="two"))
    assert [n.entry.reason for n, _ in book.about("who", "anna")] == ["one"]
    assert [n.entry.reason for n, _ in book.about("what", "urn:y")] == ["one", "two"]
    assert book.about("what", "anna") == []


def test_what_is_erased_is_in_no_file(book: LogBook, tmp_path: Path) -> None:
    """The bytes of value and salt are looked for in every file, also those of the write-ahead log."""
    for person in ("anna-the-erased", "ben-who-stays"):
        for turn in range(50):
            book.record(Event("read", person, (f"urn:of:{person}",), reason=f"act-{turn}"))
    (_, opening), *_ = book.about("who", "anna-the-erased")
    head = book.sign()
    entries = book.entries(0, 100)
    salt = opening.salt
    import base64

    sought = [b"anna-the-erased", salt, base64.b64encode(salt)]
    assert any(each in _bytes(tmp_path) for each in sought)
    assert book.openings is not None
    assert book.openings.erase("who", "anna-the-erased") == 50
    assert book.openings.erase("what", "urn:of:anna-the-erased") == 50
    assert book.openings.erase("who", "anna-the-erased") == 0
    left = _bytes(tmp_path)
    assert [each for each in sought if each in left] == []
    assert b"ben-who-stays" in left
    assert book.about("who", "anna-the-erased") == []
    assert len(book.about("who", "ben-who-stays")) == 50
    assert book.entries(0, 100) == entries
    assert book.sign() == head
    assert check.faults(tmp_path) == []


def _bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_it_is_private_and_lasts(tmp_path: Path) -> None:
    kept = KeptOpenings(tmp_path / FILE)
    book = LogBook(tmp_path, Clock(), openings=kept)
    book.record(Event("login", "anna"))
    book.close()
    kept.close()
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    kept = KeptOpenings(tmp_path / FILE)
    book = LogBook(tmp_path, Clock(), openings=kept)
    assert len(book.about("who", "anna")) == 1
    book.close()
    kept.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"nonsense" * 1000)
    with pytest.raises(Unavailable, match="what opens the log"):
        KeptOpenings(tmp_path / FILE)


# -- going on after a restore ------------------------------------------------------------------------


def head(note: Note | None) -> Checkpoint:
    assert note is not None
    return Checkpoint.parse(note.text)


def test_it_goes_on_when_nothing_newer_was_published(book: LogBook) -> None:
    for _ in range(3):
        book.record(Event("read", "anna"))
    seen = book.sign()
    assert seen is not None
    book.hold("restored")
    book.record(Event("read", "anna"))
    assert resume.compare(book, seen.to_bytes()).size == 3
    assert resume.go_on(book, "nothing-newer-published") == 4
    assert book.held == ""
    assert head(book.latest).size == 5
    assert book.entries(4, 5)[0].entry.reason == "nothing-newer-published"
    with pytest.raises(Conflict, match="not held"):
        resume.go_on(book, "again")


def test_it_does_not_go_on_where_entries_are_lost(book: LogBook) -> None:
    book.record(Event("read", "anna"))
    book.hold("restored")
    for size, root, word in ((2, bytes(32), "only 1 are here"), (1, bytes(32), "other entries")):
        text = Checkpoint(book.origin, size, root).text
        note = Note(text, (book.keys.log.sign(text),))
        with pytest.raises(Conflict, match=word):
            resume.compare(book, note.to_bytes())
    for wrong in (b"", Note("x\n0\n", (book.keys.witness.sign("x\n0\n"),)).to_bytes()):
        with pytest.raises(BadRequest):
            resume.compare(book, wrong)


def test_a_new_volume_names_the_old_one(tmp_path: Path) -> None:
    kept = KeptOpenings(tmp_path / FILE)
    book = LogBook(tmp_path, Clock(), base_url="https://city.example", openings=kept)
    for person in ("anna", "ben"):
        book.record(Event("read", person))
    signed = head(book.sign())
    book.hold("restored")
    book.record(Event("read", "chris", reason="while-held"))
    old_key = book.keys.log.verifier
    book.close()
    kept.close()
    new = resume.new_volume(tmp_path)
    assert new.origin == "city.example/log/2"
    assert new.keys.log.verifier.public != old_key.public
    assert new.held == ""
    first, moved = new.entries(0, 5)
    assert first.entry.rules == (
        "origin:city.example/log",
        "size:2",
        f"root:{signed.root.hex()}",
    )
    assert moved.entry.reason == "while-held"
    assert [(n.index, n.entry.reason) for n, _ in new.about("who", "chris")] == [(1, "while-held")]
    assert head(new.sign()).size == 2
    new.close()
    assert volume_of(tmp_path) == 2
    assert check.faults(tmp_path) == check.faults(tmp_path / "volumes" / "1") == []
    assert check.signed(tmp_path / "volumes" / "1") == signed
    assert not (tmp_path / "volumes" / "1" / "log.key").exists()
    volumes = Volumes(tmp_path)
    (old,) = volumes
    assert (old.number, old.vkey, old.head) == (1, old_key.vkey, signed)
    assert old_key.verify(old.note)
    assert old.tile(Tile(None, 0, 2)) is not None
    assert old.tile(Tile(None, 0, 3)) is None
    assert volumes.get(2) is None
    volumes.close()
    with pytest.raises(Conflict, match="not held"):
        resume.new_volume(tmp_path)


def test_the_check_up_finds_what_is_wrong(book: LogBook, tmp_path: Path) -> None:
    assert check.faults(tmp_path) == []
    for _ in range(300):
        book.submit(Event("read", "anna"))
    book.record(Event("read", "anna"))
    book.sign()
    assert check.faults(tmp_path) == []
    path = tmp_path / "entries"
    whole = path.read_bytes()
    for changed, word in (
        (whole[:-5], "were signed"),
        (whole[:50] + b"?" + whole[51:], "not those"),
        (b"", "were signed"),
    ):
        path.write_bytes(changed)
        assert word in check.faults(tmp_path)[0]
    path.write_bytes(whole)
    (tmp_path / "log.key").chmod(0o644)
    assert check.too_open(tmp_path) == [tmp_path / "log.key"]
