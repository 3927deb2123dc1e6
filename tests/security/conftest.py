"""Nodes to be attacked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.principals import token_hash
from tests.web import town

TOKEN = "hansa_canary-7f3a9b-not-a-real-token"


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A town behind https whose operator's token is known to the tests."""
    folder = tmp_path_factory.mktemp("city")
    settings = Settings(
        city="Town",
        timezone="America/Santiago",
        clock="2026-04-15T08:30",
        base_url="https://town.example",
        operator_token_hash=token_hash(TOKEN),
    )
    node = Node.open(folder, settings)
    town.fill(node, folder)
    yield node
    node.close()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Node]:
    """An empty node for experiments, where everyone may write."""
    node = Node.open(tmp_path / "lab", Settings(city="Lab", dev=True, context="core"))
    yield node
    node.close()
