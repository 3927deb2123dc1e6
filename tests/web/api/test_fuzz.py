"""A few thousand of the hostile requests that ``make fuzz`` throws by the million."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import pytest

from benchmarks.fuzz.__main__ import Fuzz
from benchmarks.fuzz.requests import Requests
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.upkeep.databases import faults
from tests.web.api.client import ApiClient, problem_of


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_no_hostile_request_breaks_a_node(tmp_path: Path, seed: int) -> None:
    node = Node.open(tmp_path / "node", Settings(dev=True, context="core"))
    options = argparse.Namespace(requests=1200, seconds=0, seed=seed, first=0)
    try:
        assert asyncio.run(Fuzz(node, options).run()) == 0
        assert [faults(path) for path in node.folder.databases if faults(path)] == []
    finally:
        node.close()


def test_the_same_seed_gives_the_same_requests() -> None:
    one, again, other = Requests(7), Requests(7), Requests(8)
    first = [one.one() for _ in range(50)]
    assert [again.one() for _ in range(50)] == first
    assert [other.one() for _ in range(50)] != first


@pytest.mark.parametrize("path", ["/entities/*", "/types/*", "/subscriptions/*", "/entities/%2A"])
def test_a_star_in_a_path_is_a_name_like_any_other(api: ApiClient, path: str) -> None:
    assert problem_of(api.get(path))[0] in (400, 404)
