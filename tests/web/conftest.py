"""A node with a small town in it, and a client for its pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.principals import LOCAL
from tests.trust.sources.test_record import WHOLE
from tests.web import town

MOMENT = "2026-04-15T08:30"
"""A Wednesday morning; the town's timetable has ended by then."""


@pytest.fixture(scope="session")
def town_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The town, for tests that only read."""
    folder = tmp_path_factory.mktemp("town")
    settings = Settings(city="Town", timezone="America/Santiago", clock=MOMENT)
    node = Node.open(folder, settings)
    town.fill(node, folder)
    node.trust.sources.declare(LOCAL, "town", {**WHOLE, "adapter": "gtfs"})
    yield node
    node.close()


@pytest.fixture
def pages(town_node: Node) -> TestClient:
    """Reads the town's pages, without its live work and without another test's cookies."""
    return TestClient(town_node.app, base_url="http://127.0.0.1:1356")


@pytest.fixture
def empty_node(tmp_path: Path) -> Iterator[Node]:
    """A node without entities, for tests that write."""
    node = Node.open(tmp_path / "node", Settings(city="Empty", dev=True))
    yield node
    node.close()


@pytest.fixture
def empty_pages(empty_node: Node) -> TestClient:
    """Reads the pages of the empty node."""
    return TestClient(empty_node.app, base_url="http://127.0.0.1:1356")
