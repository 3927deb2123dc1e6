"""What the gate has logged: changes before they count, reads before the answer, refusals within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hansa.kernel.clock import Clock
from hansa.trust.log import recorder as module
from hansa.trust.log.book import LogBook
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import PUBLIC, Principal

ANNA = Principal("anna", "staff")


@pytest.fixture
def book(tmp_path: Path) -> Iterator[LogBook]:
    made = LogBook(tmp_path, Clock())
    yield made
    made.close()


def test_changes_and_reads(book: LogBook) -> None:
    recorder = Recorder(book)
    assert recorder.changed("policy", ANNA, ("rule-1",), "policy.added", ("rule-1",)) == 0
    recorder.read(ANNA, ("urn:x", "urn:y"), ("rule-1",))
    book.readings.settle()
    recorder.refused(ANNA, ("urn:z",), "no-rule")
    recorder.changed("login", ANNA, (), "login.done")
    kinds = [(each.entry.kind, each.entry.reason, each.entry.things) for each in book.entries(0, 9)]
    assert kinds[:3] == [
        ("policy", "policy.added", 1),
        ("read", "by-rule", 2),
        ("refusal", "no-rule", 1),
    ]


def test_nobody_fills_the_disk_by_knocking(book: LogBook, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    recorder = Recorder(book)
    for _ in range(500):
        recorder.refused(PUBLIC, (), "no-rule")
    for _ in range(100):
        recorder.refused(ANNA, (), "no-rule")
    now[0] += 61
    recorder.refused(PUBLIC, (), "no-rule")
    recorder.changed("login", ANNA, (), "login.done")
    reasons = [each.entry.reason for each in book.entries(0, 1_000)]
    assert reasons == ["no-rule"] * 160 + ["more-refusals:440", "no-rule", "login.done"]


def test_a_closed_log_is_no_trouble_for_a_refusal(book: LogBook) -> None:
    size = book.size
    book.close()
    Recorder(book).refused(ANNA, (), "no-rule")
    assert book.size == size
