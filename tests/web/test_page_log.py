"""Open book, the log: what it shows of an empty, a full, a witnessed and a held log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hansa.kernel.clock import Clock
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.log.commitments import Event
from hansa.trust.log.notes import Checkpoint


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(Folder(tmp_path / "node"), Settings(city="Log", dev=True), Clock())
    yield made
    made.close()


@pytest.fixture
def pages(node: Node) -> TestClient:
    return TestClient(node.app, base_url="http://127.0.0.1:1356")


def test_an_empty_log_says_what_would_be_here(pages: TestClient) -> None:
    page = pages.get("/open-book/log").text
    assert "Nothing has been logged yet" in page
    assert "Nobody witnesses this log yet" in page


def test_the_last_entries_in_plain_words(node: Node, pages: TestClient) -> None:
    node.trust.log.record(Event("policy", "anna", ("rule-9",), reason="policy.added"))
    node.trust.log.record(Event("read", "ben", ("urn:x", "urn:y"), ("rule-9",), "by-rule"))
    note = node.trust.log.sign()
    assert note is not None
    page = pages.get("/open-book/log").text
    assert "A policy was changed" in page
    assert "Restricted data were read (2 things)" in page
    assert Checkpoint.parse(note.text).root.hex() in page
    assert node.trust.log.keys.log.verifier.vkey.replace("+", "&#43;") in page or (
        node.trust.log.keys.log.verifier.vkey in page
    )
    assert "hansa" in page
    for secret in ("anna", "ben", "urn:x"):
        assert secret not in page
    assert "Se leyeron datos restringidos (2 cosas)" in pages.get("/open-book/log?lang=es").text


def test_growth_by_day(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    today = datetime(2026, 11, 25, 12, tzinfo=UTC)
    for back, count in ((3, 5), (1, 2), (0, 300)):
        moment = today - timedelta(days=back)
        node = Node(Folder(folder), Settings(city="Log", dev=True), Clock.set_to(moment))
        for _ in range(count):
            last = node.trust.log.submit(Event("read", "anna"))
        last.result()
        node.trust.log.sign()
        if back:
            node.close()
    page = TestClient(node.app, base_url="http://127.0.0.1:1356").get("/open-book/log").text
    rows = [
        f'<th scope="row">{day} November 2026</th><td class="number" data-label="Entries">{count}</td>'
        for day, count in ((25, 300), (24, 2), (23, 0), (22, 5))
    ]
    assert all(row in page for row in rows)
    assert "21 November" not in page
    node.close()


def test_a_held_log_says_so(node: Node, pages: TestClient) -> None:
    node.trust.log.hold("it was restored from a backup")
    assert "it was restored from a backup" in pages.get("/open-book/log").text


def test_the_foot_of_every_page_leads_there(pages: TestClient) -> None:
    assert 'href="/open-book/log"' in pages.get("/api").text
