"""Witnessing, as C2SP tlog-witness has it: each status for its reason; and asking for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.clock import Clock
from hansa.kernel.egress import Egress
from hansa.trust.log.asking import Asked, Asking, parse_witness
from hansa.trust.log.book import LogBook
from hansa.trust.log.commitments import Event
from hansa.trust.log.hashing import EMPTY_ROOT, Edge, consistency_proof, leaf_hash
from hansa.trust.log.notes import COSIGNATURE, ED25519, Checkpoint, Note, NoteFault, Signer
from hansa.trust.log.witness import Witness, request_of

from .test_hashing import holder, leaves

LOG = Signer("city.example/log", ED25519, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OWN = Signer("w.example/witness", COSIGNATURE, Ed25519PrivateKey.from_private_bytes(bytes(32)))


def signed(size: int, entries: list[bytes] | None = None, by: Signer = LOG) -> Note:
    edge = Edge()
    for entry in (entries or leaves(size))[:size]:
        edge.push(leaf_hash(entry))
    text = Checkpoint("city.example/log", size, edge.root()).text
    return Note(text, (by.sign(text),))


def proof(old: int, new: int) -> list[bytes]:
    return consistency_proof(old, new, holder(leaves(new)))


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path, OWN, [LOG.verifier], Clock())


def test_it_follows_a_log_that_grows(witness: Witness, tmp_path: Path) -> None:
    before = 0
    for size in (0, 3, 3, 8, 100):
        note = signed(size)
        reply = witness.add_checkpoint(request_of(before, proof(before, size), note))
        assert reply.status == 200, reply.body
        cosigned = Note.parse(note.to_bytes() + reply.body.encode())
        assert len(OWN.verifier.verify(cosigned)) == 1
        before = size
    again = Witness(tmp_path, OWN, [LOG.verifier], Clock())
    assert [(each.origin, each.size) for each in again.logs()] == [("city.example/log", 100)]
    assert again.add_checkpoint(request_of(8, proof(8, 100), signed(100))).body == "100\n"


def test_each_refusal_for_its_reason(witness: Witness) -> None:
    assert witness.add_checkpoint(request_of(0, [], signed(5))).status == 200
    other = Signer("other.example/log", ED25519, Ed25519PrivateKey.generate())
    text = Checkpoint("other.example/log", 5, bytes(32)).text
    stranger = Signer("city.example/log", ED25519, Ed25519PrivateKey.generate())
    forked = signed(9, [b"fork", *leaves(9)[1:]])
    forged = Note(signed(9).text, (signed(8).signatures[0],))
    cases = {
        "another log": (404, request_of(0, [], Note(text, (other.sign(text),)))),
        "another key": (403, request_of(5, proof(5, 9), signed(9, by=stranger))),
        "a false signature": (403, request_of(5, proof(5, 9), forged)),
        "old above new": (400, request_of(6, [], signed(5))),
        "not where we are": (409, request_of(4, proof(4, 9), signed(9))),
        "from the start": (409, request_of(0, [], signed(9))),
        "no proof": (422, request_of(5, [], signed(9))),
        "another tree's proof": (422, request_of(5, proof(4, 9), signed(9))),
        "a fork": (422, request_of(5, proof(5, 9), forked)),
        "the same size, another root": (422, request_of(5, [], signed(5, [b"x", *leaves(5)[1:]]))),
        "a proof too many": (422, request_of(5, [bytes(32)], signed(5))),
        "too many lines": (400, request_of(5, [bytes(32)] * 64, signed(9))),
        "a line too short": (400, request_of(5, [bytes(31)], signed(9))),
        "no checkpoint": (400, b"old 5\n\n"),
        "a leading zero": (400, request_of(5, [], signed(9)).replace(b"old 5", b"old 05")),
        "nothing": (400, b""),
        "bytes": (400, b"\xff\n\n\xff"),
    }
    found = {name: witness.add_checkpoint(body) for name, (_, body) in cases.items()}
    assert {name: each.status for name, each in found.items()} == {
        name: status for name, (status, _) in cases.items()
    }
    conflict = found["from the start"]
    assert (conflict.body, conflict.media_type) == ("5\n", "text/x.tlog.size")
    assert [each.size for each in witness.logs()] == [5]
    assert witness.add_checkpoint(request_of(5, proof(5, 9), signed(9)), "held").status == 503
    assert witness.add_checkpoint(request_of(5, proof(5, 9), signed(9))).status == 200


def test_an_empty_tree_has_the_empty_root(witness: Witness) -> None:
    text = Checkpoint("city.example/log", 0, bytes(32)).text
    assert witness.add_checkpoint(request_of(0, [], Note(text, (LOG.sign(text),)))).status == 422
    good = Checkpoint("city.example/log", 0, EMPTY_ROOT).text
    assert witness.add_checkpoint(request_of(0, [], Note(good, (LOG.sign(good),)))).status == 200


@given(st.binary(max_size=300))
def test_whatever_comes_is_answered(body: bytes) -> None:
    witness = Witness(Path("/nowhere"), OWN, [], Clock())
    for whole in (body, b"old 0\n\n" + body, body + request_of(0, [], signed(3))):
        assert witness.add_checkpoint(whole).status in (400, 404)


def test_two_at_once_do_not_roll_it_back(witness: Witness) -> None:
    witness.add_checkpoint(request_of(0, [], signed(5)))
    replies = []
    requests = [request_of(5, proof(5, size), signed(size)) for size in range(6, 30)]
    threads = [
        threading.Thread(target=lambda body=body: replies.append(witness.add_checkpoint(body)))
        for body in requests
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.status for each in replies) == [200] + [409] * 23


# -- asking ------------------------------------------------------------------------------------------


@contextmanager
def served(witness: Witness) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply = witness.add_checkpoint(body)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.media_type)
            self.send_header("Content-Length", str(len(reply.body.encode())))
            self.end_headers()
            self.wfile.write(reply.body.encode())

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(book: LogBook, *witnesses: Asked) -> None:
    async def once() -> None:
        egress = Egress(("127.0.0.0/8",))
        await Asking(book, egress, witnesses, Clock()).ask()
        egress.close()

    asyncio.run(once())


def asked_of(book: LogBook, root: Path, name: str) -> tuple[Witness, Signer]:
    signer = Signer(name, COSIGNATURE, Ed25519PrivateKey.generate())
    return Witness(root / name.partition(".")[0], signer, [book.keys.log.verifier], Clock()), signer


def test_checkpoints_are_shown_with_the_cosignatures(tmp_path: Path) -> None:
    book = LogBook(tmp_path / "log", Clock(), witnessed=True)
    (one, first), (two, second) = (asked_of(book, tmp_path, f"{n}.example/w") for n in "ab")
    book.record(Event("read", "anna"))
    assert book.sign() is None  # nobody was asked yet what they know
    with served(one) as here, served(two) as there:
        asked = [Asked(here, first.verifier), Asked(there, second.verifier)]
        gone = Asked("http://127.0.0.1:9", second.verifier)
        ask(book, *asked, gone)
        for size in (2, 3):
            while book.size < size:
                book.record(Event("read", "anna"))
            book.sign()
            ask(book, *asked, gone)
            shown = book.shown
            assert shown is not None
            assert Checkpoint.parse(shown.text).size == size
            for signer in (first, second):
                assert signer.verifier.verify(shown)
        assert [each.fault for each in asked] == ["", ""]
        assert "cannot be reached" in gone.fault
        cosigned = book.shown
        book.record(Event("read", "anna"))
        book.sign()
        assert book.shown == cosigned  # the newer one waits for its cosignatures
    book.close()


def test_an_old_copy_that_runs_on_is_held_by_its_witness(tmp_path: Path) -> None:
    """The folder is copied, the log goes on, and the copy is started: it signs no fork."""
    import shutil

    book = LogBook(tmp_path / "log", Clock())
    witness, signer = asked_of(book, tmp_path, "a.example/w")
    book.record(Event("read", "anna"))
    book.sign()
    shutil.copytree(book.root, tmp_path / "copy")
    book.record(Event("read", "ben"))
    book.sign()
    with served(witness) as address:
        ask(book, Asked(address, signer.verifier))
        copy = LogBook(tmp_path / "copy", Clock(), witnessed=True)
        copy.record(Event("read", "chris"))
        ask(copy, Asked(address, signer.verifier))
        assert copy.held == "a.example/w has seen 2 entries of this log, which has 1"
        copy.record(Event("read", "chris"))
        note = copy.sign()
        assert note is not None
        assert Checkpoint.parse(note.text).size == 1
    book.close()
    copy.close()


@pytest.mark.parametrize(
    "text", ["", "https://a.example", "a.example key", "https://a.example x+y+z"]
)
def test_what_names_no_witness(text: str) -> None:
    with pytest.raises(NoteFault):
        parse_witness(text)
