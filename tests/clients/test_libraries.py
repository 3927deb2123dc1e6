"""Client libraries, unchanged, against a served node: create, read, change, query, subscribe, delete."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("name", ["ngsildclient", "filip"])
def test_a_client_library_drives_a_node(drive: Callable[[str], str], name: str) -> None:
    assert "all done" in drive(name)
