"""The store's answers against a naive evaluator, on odd entities and random queries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.ngsild.query import Filter, Query
from hansa.store.port import Edited, Store, Write
from hansa.store.sqlite import open_store

from .oracle import answer
from .strategies import IDS, NAMES, PLACE, queries, simple_terms, simple_worlds, worlds

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["cold", "hot"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store that lives on from example to example, so that it comes to know very many shapes."""
    folder: Path = tmp_path_factory.mktemp("oracle")
    opened = open_store(folder / "store.sqlite")
    if request.param == "hot":
        for name in (NAMES[0], NAMES[2], PLACE):
            opened.declare_hot(name)
    yield opened
    faults = opened.check()
    opened.close()
    assert faults == []


def keep_only(store: Store, entities: list[dict[str, Any]]) -> None:
    clear = [Write(id, lambda old: Edited(None)) for id in IDS]
    fill = [Write(e["id"], lambda old, e=e: Edited(e)) for e in entities]
    store.write([*clear, *fill]).result()


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(worlds, st.lists(queries(), min_size=1, max_size=6))
def test_answers_are_those_of_the_specification(
    store: Store, entities: list[dict[str, Any]], asked: list[Query]
) -> None:
    keep_only(store, entities)
    for query in asked:
        page = store.query(query)
        ids, total = answer(entities, query)
        assert [orjson.loads(document)["id"] for document in page.documents] == ids
        assert page.total == (total if query.count else None)


@settings(max_examples=150, deadline=None)
@given(simple_worlds, st.lists(simple_terms, min_size=5, max_size=20))
def test_terms_compare_within_types(
    store: Store, entities: list[dict[str, Any]], terms: list[Filter]
) -> None:
    keep_only(store, entities)
    for term in terms:
        page = store.query(Query(q=term))
        assert [orjson.loads(d)["id"] for d in page.documents] == answer(entities, Query(q=term))[0]
