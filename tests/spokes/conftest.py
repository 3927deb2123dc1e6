"""What the tests of the spokes share: a real store, a clock that stands at a known moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hansa.kernel.clock import Clock
from hansa.store.sqlite import SqliteStore, open_store

MOMENT = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock.set_to(MOMENT)


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "store.sqlite", clock=clock)
    yield opened
    opened.close()
