"""A node for experiments, and a receiver of its notifications."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.notify.receiver import Receiver, receiving
from tests.web.api.conftest import api, city_api

__all__ = ["api", "city_api"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found
