"""While a node is served, old history is looked after; what fails is said once."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from hansa.history import archivist
from hansa.history.archivist import Archivist, Tenant
from hansa.history.rules import Rule, put_rule
from hansa.kernel.clock import Clock
from hansa.kernel.errors import Unavailable

from .stores import add, archive_of, opened, values


def test_a_round_moves_what_is_old_and_applies_the_rules(tmp_path: Path) -> None:
    store = opened(tmp_path)
    add(store, "urn:x:1", "urn:t:T", x=[("2020-01-01T00:00:00Z", 1)])
    later = Clock(offset=timedelta(days=10))
    keeper = Archivist(lambda: [("default", store, archive_of(store))], later, recent=7)
    keeper.round()
    assert [segment.rows for segment in archive_of(store).segments(store)] == [1]
    assert values(store, "urn:x:1", "x") == [1]
    put_rule(store, Rule("r", "P1Y"))
    keeper.round()
    assert values(store, "urn:x:1", "x") == []
    store.close()


def test_it_begins_comes_back_and_ends(tmp_path: Path) -> None:
    store = opened(tmp_path)
    add(store, "urn:x:1", "urn:t:T", x=[("2020-01-01T00:00:00Z", 1)])
    third = Event()
    asked = 0

    def tenants() -> list[Tenant]:
        nonlocal asked
        asked += 1
        if asked == 3:
            third.set()
        return [("default", store, archive_of(store))]

    later = Clock(offset=timedelta(days=10))
    keeper = Archivist(tenants, later, recent=7, first=0.0, every=0.01)
    assert asked == 0
    keeper.start()
    assert third.wait(30)
    keeper.stop()
    assert [segment.rows for segment in archive_of(store).segments(store)] == [1]
    assert not keeper._thread.is_alive()
    store.close()


def test_a_failure_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(tmp_path)
    failing = [True]

    def compact(*args: Any) -> None:
        if failing[0]:
            raise Unavailable("compaction", "the disk is full", "make room")

    monkeypatch.setattr(archivist, "compact", compact)
    keeper = Archivist(lambda: [("default", store, archive_of(store))], Clock(), recent=7)
    with caplog.at_level(logging.INFO, logger="hansa.history.archivist"):
        keeper.round()
        keeper.round()
        failing[0] = False
        keeper.round()
        keeper.round()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    store.close()
