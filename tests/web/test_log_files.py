"""The log on the web: as C2SP has it, and checked from outside with the verifier."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings, SettingsError
from hansa.node import Node
from hansa.trust.log.commitments import Event
from hansa.trust.log.hashing import consistency_proof
from hansa.trust.log.notes import Checkpoint, Note
from hansa.trust.log.witness import request_of


def opened(folder: Path, **more: object) -> Node:
    return Node.open(folder, Settings(city="Log", dev=True, **more))  # type: ignore[arg-type]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = opened(tmp_path / "node")
    made.trust.log.submit(Event("login", "anna"))
    for _ in range(300):
        last = made.trust.log.submit(Event("read", "anna", ("urn:x",), ("rule-1",), "by-rule"))
    last.result()
    made.trust.log.sign()
    yield made
    made.close()


@pytest.fixture
def pages(node: Node) -> TestClient:
    return TestClient(node.app, base_url="http://127.0.0.1:1356")


def test_the_files_are_those_of_the_log(node: Node, pages: TestClient) -> None:
    answer = pages.get("/log/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "max-age=1" in answer.headers["cache-control"]
    note = Note.parse(answer.content)
    assert node.trust.log.keys.log.verifier.verify(note)
    size = Checkpoint.parse(note.text).size
    assert size == 301
    tile = pages.get("/log/tile/0/000")
    assert len(tile.content) == 8192
    assert tile.headers["content-type"] == "application/octet-stream"
    assert "immutable" in tile.headers["cache-control"]
    assert len(pages.get("/log/tile/0/001.p/45").content) == 45 * 32
    assert pages.get("/log/tile/entries/001.p/45").content.count(b'"kind":"read"') == 45
    assert pages.get("/log/key").text.strip() == node.trust.log.keys.log.verifier.vkey


@pytest.mark.parametrize(
    "path",
    ["0/001", "0/001.p/46", "0/2", "entries/x000/001", "1/001.p/1", "0/000/"],
)
def test_what_is_not_there_is_not_found(path: str, pages: TestClient) -> None:
    answer = pages.get(f"/log/tile/{path}")
    assert answer.status_code == 404


def test_the_log_as_json(node: Node, pages: TestClient) -> None:
    about = pages.get("/hansa/v1/log").json()
    assert (about["size"], about["held"], about["origin"]) == (301, None, node.trust.log.origin)
    entries = pages.get("/hansa/v1/log/entries?from=0&limit=2").json()
    assert [each["kind"] for each in entries] == ["login", "read"]
    assert [each["index"] for each in pages.get("/hansa/v1/log/entries?limit=1").json()] == [300]
    for wrong in ("from=-1", "limit=0", "limit=x", "from=" + "9" * 40, "from=²"):
        answer = pages.get(f"/hansa/v1/log/entries?{wrong}")
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
    assert pages.get("/hansa/v1/log/entries?from=5000").json() == []


def test_a_log_without_entries(tmp_path: Path) -> None:
    node = opened(tmp_path / "empty")
    pages = TestClient(node.app, base_url="http://127.0.0.1:1356")
    assert pages.get("/log/checkpoint").status_code == 404
    assert pages.get("/hansa/v1/log").json()["size"] == 0
    assert pages.get("/hansa/v1/log/entries").json() == []
    node.close()


def test_a_partner_cosigns(node: Node, tmp_path: Path) -> None:
    partner = opened(tmp_path / "partner", witness_logs=(node.trust.log.keys.log.verifier.vkey,))
    pages = TestClient(partner.app, base_url="http://127.0.0.1:1356")
    note = node.trust.log.latest
    assert note is not None
    answer = pages.post("/log/add-checkpoint", content=request_of(0, [], note))
    assert answer.status_code == 200
    cosigned = Note.parse(note.to_bytes() + answer.content)
    assert partner.trust.witness.verifier.verify(cosigned)
    again = pages.post("/log/add-checkpoint", content=request_of(0, [], note))
    assert (again.status_code, again.text) == (409, "301\n")
    assert again.headers["content-type"].startswith("text/x.tlog.size")
    node.trust.log.record(Event("read", "anna"))
    newer = node.trust.log.sign()
    assert newer is not None
    proof = consistency_proof(301, 302, node.trust.log.node)
    assert pages.post("/log/add-checkpoint", content=request_of(301, [], newer)).status_code == 422
    assert (
        pages.post("/log/add-checkpoint", content=request_of(301, proof, newer)).status_code == 200
    )
    import hashlib

    address = f"/log/{hashlib.sha256(node.trust.log.origin.encode()).hexdigest()}/checkpoint"
    kept = Note.parse(pages.get(address).content)
    assert kept.text == newer.text
    assert partner.trust.witness.verifier.verify(kept)
    assert node.trust.log.keys.log.verifier.verify(kept)
    assert pages.get("/log/" + "0" * 64 + "/checkpoint").status_code == 404
    assert pages.post("/log/add-checkpoint", content=b"x" * 200_000).status_code == 413
    partner.trust.log.hold("for this test")
    assert pages.post("/log/add-checkpoint", content=request_of(302, [], newer)).status_code == 503
    partner.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("log_witnesses", "city.example key"),
        ("log_witnesses", "https://x y"),
        ("witness_logs", "key"),
    ],
)
def test_a_setting_that_names_no_key(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=name):
        opened(tmp_path / "node", **{name: (value,)})
