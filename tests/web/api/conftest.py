"""A node without accounts and one with them, and clients of their APIs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from tests.web.api.client import ApiClient


def _client(folder: Path, settings: Settings) -> Iterator[ApiClient]:
    node = Node.open(folder, settings)
    try:
        with TestClient(node.app, base_url="http://127.0.0.1:1356") as client:
            yield ApiClient(node, client)
    finally:
        node.close()


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    """A node for experiments: core @context, everyone may write."""
    yield from _client(tmp_path / "node", Settings(dev=True, context="core"))


@pytest.fixture
def city_api(tmp_path: Path) -> Iterator[ApiClient]:
    """A city's node: its own @context, and only the operator may write (token 'secret')."""
    from hansa.trust.principals import token_hash

    settings = Settings(operator_token_hash=token_hash("secret"))
    yield from _client(tmp_path / "city", settings)
