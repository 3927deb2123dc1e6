"""The drivers of the store port. Every test that takes ``store`` runs with each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hansa.store.port import Store
from hansa.store.sqlite import open_store

DRIVERS: dict[str, Callable[[Path], Store]] = {
    "sqlite": lambda folder: open_store(folder / "store.sqlite"),
}


@pytest.fixture(params=DRIVERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store; what a test leaves behind must be sound."""
    opened = DRIVERS[request.param](tmp_path)
    yield opened
    opened.close()
    again = DRIVERS[request.param](tmp_path)
    faults = again.check()
    again.close()
    assert faults == []
