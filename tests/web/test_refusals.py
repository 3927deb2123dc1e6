"""Requests that fail a check are lines of the process's log, and nobody fills the disk with them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.principals import token_hash

HOME = "http://127.0.0.1:1356"
TOKEN = "hansa_canary-of-refusals"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    settings = Settings(rate_address=200, operator_token_hash=token_hash(TOKEN), body_limit=2000)
    made = Node.open(tmp_path / "node", settings)
    yield made
    made.close()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "hansa.refused"]


def test_what_fails_a_check_is_told_without_what_is_secret(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    page = TestClient(node.app, base_url=HOME)
    entities, own = "/ngsi-ld/v1/entities", {"Authorization": f"Bearer {TOKEN}"}
    page.get(f"{entities}?limit=many&token={TOKEN}", headers=own)
    page.post(entities, content=b"<x/>", headers={**own, "Content-Type": "text/xml"})
    page.post(entities, content=b"{" * 3000, headers={**own, "Content-Type": "application/json"})
    page.get("/data", headers={"Host": "evil.example"})
    page.post("/link/a-secret-that-opens", content=b"\xff")
    page.get("/data")
    found = lines(caplog)
    assert [line.partition(")")[0] for line in found] == [
        f"refused ({status}" for status in (400, 415, 413, 421, 400)
    ]
    assert found[0] == "refused (400) GET /ngsi-ld/v1/entities from testclient"
    assert found[4] == "refused (400) POST /link/… from testclient"
    assert not [line for line in found if "canary" in line or "opens" in line]


def test_a_line_cannot_be_forged(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    page = TestClient(node.app, base_url=HOME)
    page.get("/ngsi-ld/v1/entities/urn:x%0Arefused (200) GET / from nobody?limit=x")
    page.get("/ngsi-ld/v1/entities/" + "x" * 500 + "\u202e?options=none")
    for line in lines(caplog):
        assert line.isprintable()
        assert line.isascii()
        assert len(line) < 300


def test_nobody_fills_the_disk_by_knocking(
    node: Node, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = TestClient(node.app, base_url=HOME)
    for _ in range(100):
        page.get("/data", headers={"Host": "evil.example"})
    assert len(lines(caplog)) == 60
    monkeypatch.setattr("hansa.web.shell.refusals._WHILE", 0.0)
    page.get("/data", headers={"Host": "evil.example"})
    assert lines(caplog)[60] == "40 more requests were refused in the minute before"
    assert len(lines(caplog)) == 62


def test_who_asks_too_often_is_told_too(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    page = TestClient(node.app, base_url=HOME, client=("192.0.2.1", 1))
    while page.get("/hansa/v1/me").status_code == 200:
        pass
    assert lines(caplog) == ["refused (429) GET /hansa/v1/me from 192.0.2.1"]
