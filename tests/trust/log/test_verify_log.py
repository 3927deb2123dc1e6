"""The verifier in one file finds whatever was changed, and names the place."""

from __future__ import annotations

import ast
import base64
import json
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hansa.cli import verify_log
from hansa.cli.verify_log import Fault, Key, Report, Unreachable, fold, peaks
from hansa.kernel.clock import Clock
from hansa.trust.log.book import LogBook
from hansa.trust.log.commitments import Event
from hansa.trust.log.notes import COSIGNATURE, Checkpoint, Note, Signer

from .serving import files_of, serving

SIZE = 256 * 256 + 256 + 40
"""Two full tiles of level 1 and more: tiles of levels 0 to 2, full and partial ones."""
SMALL = 300


def logged(root: Path, size: int) -> LogBook:
    book = LogBook(root, Clock(), base_url="https://city.example")
    futures = [book.submit(Event("read", "anna", reason=f"act-{i}")) for i in range(size)]
    futures[-1].result()
    book.sign()
    return book


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogBook]:
    book = logged(tmp_path_factory.mktemp("large"), SIZE)
    yield book
    book.close()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogBook]:
    book = logged(tmp_path_factory.mktemp("small"), SMALL)
    yield book
    book.close()


def key_of(book: LogBook) -> Key:
    return Key.parse(book.keys.log.verifier.vkey)


def checked(files: dict[str, bytes], key: Key, **more: object) -> Report:
    with serving(files) as address:
        return verify_log.verify(address, key, **more)[0]  # type: ignore[arg-type]


def fault_in(files: dict[str, bytes], key: Key, **more: object) -> Fault:
    with pytest.raises(Fault) as found:
        checked(files, key, **more)
    return found.value


def flipped(files: dict[str, bytes], path: str, place: int, bit: int = 0) -> dict[str, bytes]:
    copy = bytearray(files[path])
    copy[place] ^= 1 << bit
    return {**files, path: bytes(copy)}


def test_a_good_log_is_good(large: LogBook) -> None:
    files = files_of(large)
    steps: list[tuple[int, int]] = []
    report = checked(files, key_of(large), progress=lambda *step: steps.append(step))
    assert (report.size, report.entries, report.origin) == (SIZE, SIZE, "city.example/log")
    assert steps[-1] == (SIZE, SIZE)
    sampled = checked(files, key_of(large), sample=20)
    assert 20 <= sampled.entries <= 20 * 256


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512])
def test_logs_of_every_shape(size: int, tmp_path: Path) -> None:
    book = logged(tmp_path, size)
    report = checked(files_of(book), key_of(book))
    assert report.entries == size
    book.close()


@pytest.mark.parametrize("turn", range(40))
def test_a_flipped_bit_anywhere_is_found_and_named(turn: int, small: LogBook) -> None:
    files = files_of(small)
    chance = random.Random(turn)
    paths = sorted(files.keys() - {"key"})  # it is given, not taken from the node
    path = paths[turn % len(paths)]
    place, bit = chance.randrange(len(files[path])), chance.randrange(8)
    fault = fault_in(flipped(files, path, place, bit), key_of(small))
    related = {
        "tile/entries/000": {"tile/entries/000", "tile/0/000"},
        "tile/0/000": {"tile/0/000"},
        "tile/entries/001.p/44": {"tile/entries/001.p/44", "tile/0/001.p/44"},
        "tile/0/001.p/44": {"tile/0/001.p/44"},
        "tile/1/000.p/1": {"tile/1/000.p/1"},
        "checkpoint": {"checkpoint"},
    }
    assert fault.place.split(",")[0] in related[path]


@pytest.mark.parametrize(
    ("path", "place", "named"),
    [
        ("tile/0/000", 32 * 17 + 3, "tile/0/000, hash 17"),
        ("tile/0/255", 0, "tile/0/255, hash 0"),
        ("tile/0/256", 32 * 200, "tile/0/256, hash 200"),
        ("tile/0/257.p/40", 32 * 39, "tile/0/257.p/40, hash 39"),
        ("tile/1/000", 32 * 9, "tile/1/000, hash 9"),
        ("tile/1/001.p/1", 5, "tile/1/001.p/1, hash 0"),
        ("tile/2/000.p/1", 5, "tile/2/000.p/1, hash 0"),
        ("tile/entries/000", 100, "tile/entries/000, entry 0"),
        ("tile/entries/257.p/40", 60, "tile/entries/257.p/40, entry 0"),
        ("checkpoint", 0, "checkpoint"),
    ],
)  # fmt: skip
def test_the_place_is_named(path: str, place: int, named: str, large: LogBook) -> None:
    assert fault_in(flipped(files_of(large), path, place), key_of(large)).place == named


def test_the_signature_is_named(large: LogBook) -> None:
    files = files_of(large)
    note = bytearray(files["checkpoint"])
    note[-60] = ord("B" if note[-60] == ord("A") else "A")  # still base64, whatever stood there
    fault = fault_in({**files, "checkpoint": bytes(note)}, key_of(large))
    assert fault.place == "checkpoint, signature of city.example/log"


@pytest.mark.parametrize("path", ["tile/0/003", "tile/entries/003", "tile/2/000.p/1"])
def test_a_missing_or_cut_file_is_named(path: str, large: LogBook) -> None:
    files = files_of(large)
    assert fault_in({**files, path: files[path][:-1]}, key_of(large)).place.startswith(path)
    del files[path]
    fault = fault_in(files, key_of(large))
    assert (fault.place, fault.fact) == (path, "is not there")


def test_growth_is_checked_against_what_was_seen(tmp_path: Path) -> None:
    book = logged(tmp_path / "one", 300)
    seen = [book.sign()]
    for more in (1, 100, 112, 600):
        for _ in range(more):
            book.submit(Event("read", "anna"))
        book.record(Event("read", "anna"))
        seen.append(book.sign())
    files, key = files_of(book), key_of(book)
    for note in seen:
        assert note is not None
        for sample in (None, 3):
            report = checked(files, key, saved=note.to_bytes(), sample=sample)
            assert report.before == Checkpoint.parse(note.text).size
    earlier = {**files, "checkpoint": seen[0].to_bytes()}  # type: ignore[union-attr]
    last = seen[-1]
    assert last is not None
    assert "had" in fault_in(earlier, key, saved=last.to_bytes()).fact
    book.close()


def test_a_fork_is_found(tmp_path: Path) -> None:
    """The same key signs two histories: whoever saw the one does not take the other."""
    book = logged(tmp_path, 300)
    text = Checkpoint(book.origin, 290, bytes(32)).text
    other = Note(text, (book.keys.log.sign(text),))
    for sample in (None, 3):
        fault = fault_in(files_of(book), key_of(book), saved=other.to_bytes(), sample=sample)
        assert "fork" in fault.fact
    book.close()


def test_a_rewritten_log_does_not_fit_its_checkpoint(small: LogBook, tmp_path: Path) -> None:
    other = logged(tmp_path, SMALL)
    files = {**files_of(other), "checkpoint": files_of(small)["checkpoint"]}
    assert fault_in(files, key_of(small)).place == "checkpoint"
    other.close()


def test_another_logs_key_is_not_this_ones(small: LogBook, tmp_path: Path) -> None:
    other = logged(tmp_path, 1)
    assert "not signed" in fault_in(files_of(small), key_of(other)).fact
    stranger = Signer("other.example/log", 1, Ed25519PrivateKey.generate())
    assert "is of the log" in fault_in(files_of(small), Key.parse(stranger.verifier.vkey)).fact
    other.close()


def test_witnesses_are_counted(small: LogBook) -> None:
    files = files_of(small)
    note = Note.parse(files["checkpoint"])
    names = [f"w{i}.example/witness" for i in range(3)]
    signers = [Signer(name, COSIGNATURE, Ed25519PrivateKey.generate()) for name in names]
    keys = [Key.parse(each.verifier.vkey) for each in signers]
    two = note.signed(*(each.cosign(note.text, 1_800_000_000) for each in signers[:2]))
    files["checkpoint"] = two.to_bytes()
    report = checked(files, key_of(small), witnesses=keys, quorum=2)
    assert report.witnesses == names[:2]
    assert "by 2 witnesses, not 3" in fault_in(files, key_of(small), witnesses=keys, quorum=3).fact
    forged = files["checkpoint"].decode().splitlines()
    end = forged[-1]
    forged[-1] = end[:-6] + ("AAAA" if end[-6:-2] != "AAAA" else "BBBB") + end[-2:]
    files["checkpoint"] = ("\n".join(forged) + "\n").encode()
    assert fault_in(files, key_of(small), witnesses=keys).place.startswith("checkpoint, signature")


def test_it_runs_alone(small: LogBook, tmp_path: Path) -> None:
    """As a lone file, with only `cryptography` beside the standard library; it keeps the checkpoint."""
    alone = tmp_path / "verify_log.py"
    alone.write_text(Path(verify_log.__file__).read_text())
    seen = tmp_path / "seen.txt"
    files, key = files_of(small), small.keys.log.verifier.vkey
    with serving(files) as address:
        first = _run(alone, address, "--checkpoint", str(seen))
        assert first.returncode == 0, first.stderr
        assert f"--key {key}" in first.stderr
        assert json.loads(first.stdout)["entries"] == SMALL
        assert seen.read_bytes() == files["checkpoint"]
        again = _run(alone, address, "--checkpoint", str(seen), "--key", key, "--sample", "5")
        assert json.loads(again.stdout)["before"] == SMALL
        files["tile/0/000"] = bytes(8192)
        bad = _run(alone, address, "--key", key)
        assert bad.returncode == 1
        assert "FAULT at tile/0/000, hash 0" in bad.stderr
    gone = _run(alone, address, "--key", key)
    assert gone.returncode == 2
    assert "Could not look" in gone.stderr


def _run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_imports_nothing_but_cryptography() -> None:
    tree = ast.parse(Path(verify_log.__file__).read_text())
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    tops = {name.split(".")[0] for name in names}
    assert tops - set(sys.stdlib_module_names) == {"cryptography"}


@pytest.mark.parametrize("key", ["", "a+b", "a+00000000+AAAA", "a+zz+!!"])
def test_a_key_that_is_none(key: str) -> None:
    with pytest.raises(Unreachable):
        Key.parse(key)


@pytest.mark.parametrize(
    "note", [b"", b"\xff", b"a\n1\n\n", b"a\n1\nAA==\n\n\xe2\x80\x94 a AAAA\n"]
)
def test_a_checkpoint_that_is_none(note: bytes, small: LogBook) -> None:
    assert fault_in({"checkpoint": note}, key_of(small)).place == "checkpoint"


def test_an_address_without_a_log(small: LogBook) -> None:
    with pytest.raises(Unreachable, match="no checkpoint"):
        checked({}, key_of(small))
    with pytest.raises(Unreachable, match="no http"):
        verify_log.verify("ftp://x/log", key_of(small))


class Liar:
    """A log whose owner signs whatever it likes."""

    def __init__(self, origin: str = "liar.example/log") -> None:
        private = Ed25519PrivateKey.generate()
        self.origin, self.signer = origin, Signer(origin, 1, private)
        self.key = Key.parse(Signer("liar.example/log", 1, private).verifier.vkey)

    def note(self, size: int | str, root: bytes) -> bytes:
        text = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        return Note(text, (self.signer.sign(text),)).to_bytes()


NOTHING = sha256(b"").digest()


SIZES = [-256, -5, -1, "007", "+1", "-0", "1_0", "٣", 2**70, "9" * 5000]


@pytest.mark.parametrize("size", SIZES, ids=range(len(SIZES)))
def test_a_size_that_is_none(size: int | str) -> None:
    """A negative one would have no entries to look at, and be good."""
    liar = Liar()
    for sample in (None, 3):
        fault = fault_in({"checkpoint": liar.note(size, NOTHING)}, liar.key, sample=sample)
        assert fault.fact == "is no signed checkpoint"


def _zeros(size: int) -> tuple[dict[str, bytes], bytes]:
    """The tiles at the edge of a tree of that size, all zero, and their root."""
    levels = [(n, size >> 8 * n) for n in range((size.bit_length() + 7) // 8)]
    tiles = {
        verify_log.name_of(n, there // 256, there & 255): bytes(32 * (there & 255))
        for n, there in levels
        if there & 255
    }
    found = [p for n, there in reversed(levels) for p in peaks([bytes(32)] * (there & 255))]
    return tiles, fold(found)


def test_a_log_without_end_is_not_begun() -> None:
    liar, size = Liar(), 2**50
    tiles, root = _zeros(size)
    files = {**tiles, "checkpoint": liar.note(size, root)}
    with pytest.raises(Unreachable, match="give --sample"):
        checked(files, liar.key)
    assert "is not there" in fault_in(files, liar.key, sample=3).fact


def test_a_large_log_is_begun_at_its_beginning() -> None:
    """Nothing is made for all of it beforehand."""
    liar, size = Liar(), 2**36
    tiles, root = _zeros(size)
    fault = fault_in({**tiles, "checkpoint": liar.note(size, root)}, liar.key)
    assert (fault.place, fault.fact) == ("tile/3/000", "is not there")


def test_a_witness_named_twice_counts_once(small: LogBook) -> None:
    files = files_of(small)
    signer = Signer("w.example/witness", COSIGNATURE, Ed25519PrivateKey.generate())
    note = Note.parse(files["checkpoint"])
    files["checkpoint"] = note.signed(signer.cosign(note.text, 1_800_000_000)).to_bytes()
    keys = [Key.parse(signer.verifier.vkey)] * 2
    assert "by 1 witnesses, not 2" in fault_in(files, key_of(small), witnesses=keys, quorum=2).fact
    assert checked(files, key_of(small), witnesses=keys, quorum=1).witnesses == [keys[0].name]


@pytest.mark.parametrize("address", ["http://127.0.0.1:x", "http://[", "http://a:0/log", "http://"])
def test_an_address_that_is_none(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_log.main([address, "--key", Liar().key.name]) == 2
    assert verify_log.main([address]) == 2
    assert f"Could not look: {address} is no http or https address" in capsys.readouterr().err


def test_nothing_reaches_the_terminal_raw(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b[2J\x1b[31mEVIL\u202e"
    liar = Liar(evil)
    files = {"checkpoint": liar.note(0, NOTHING)}
    assert fault_in(files, liar.key).fact == "is no signed checkpoint"
    keys = (evil, f"{evil}; touch pwned #", liar.signer.verifier.vkey)
    with serving(files) as address:
        for key in keys:
            files["key"] = key.encode()
            assert verify_log.main([address]) == 2
    said = capsys.readouterr().err
    assert "EVIL" in said
    assert not {"\x1b", "\u202e"} & set(said)
    assert "compare it" not in said


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_server_that_drips_is_left(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time; the file never does."""
    monkeypatch.setattr(verify_log, "SECONDS", 0.3)
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        first = b"HTTP/1.1 200 OK\r\n" if part == "head" else b"HTTP/1.1 200 OK\r\n\r\n"
        with server.accept()[0] as line, suppress(OSError):
            line.recv(4096)
            line.sendall(first)
            while not over.wait(0.01):
                line.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        try:
            with pytest.raises(Unreachable, match="took longer than"):
                verify_log.verify(f"http://127.0.0.1:{server.getsockname()[1]}/log", Liar().key)
        finally:
            over.set()
            thread.join()
