"""A node without accounts and one with them, and clients of their APIs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hansa.kernel.settings import Settings
from tests.web.api.client import ApiClient, served


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    """A node for experiments: core @context, everyone may write."""
    with served(tmp_path / "node", Settings(dev=True, context="core")) as client:
        yield client


@pytest.fixture
def city_api(tmp_path: Path) -> Iterator[ApiClient]:
    """A city's node: its own @context, and only the operator may write (token 'secret')."""
    from hansa.trust.principals import token_hash

    settings = Settings(operator_token_hash=token_hash("secret"))
    with served(tmp_path / "city", settings) as client:
        yield client
