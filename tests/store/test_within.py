"""What there is for somebody: what a store keeps to itself, against a naive evaluator and the rule in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.ngsild.query import (
    AttributePath,
    Either,
    Every,
    Or,
    Order,
    Outside,
    Portion,
    Query,
    Seen,
    TypeName,
    Within,
)
from hansa.store.port import Store
from hansa.store.sqlite import open_store
from hansa.store.within import known_of, within_test

from . import oracle
from .strategies import (
    IDS,
    NAMES,
    PLACE,
    TYPES,
    geo_filters,
    names,
    queries,
    scope_patterns,
    trees,
    worlds,
)
from .test_oracle import keep_only

pytestmark = pytest.mark.slow

portions = st.builds(
    Portion,
    types=st.one_of(st.none(), trees(st.sampled_from(TYPES).map(TypeName))),
    ids=st.one_of(st.just(()), st.lists(st.sampled_from(IDS), max_size=4).map(tuple)),
    id_pattern=st.one_of(st.none(), st.none(), st.sampled_from(["[0-3]$", "^urn", "x:7"])),
    having=st.one_of(st.just(()), st.lists(names, max_size=2).map(tuple)),
    scope=st.one_of(st.none(), st.none(), trees(scope_patterns)),
    geo=st.one_of(st.none(), st.none(), geo_filters),
)
withins: st.SearchStrategy[Within] = st.recursive(
    portions,
    lambda inner: st.one_of(
        inner.map(Outside),
        st.lists(inner, max_size=3).map(lambda parts: Every(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: Either(tuple(parts))),
    ),
    max_leaves=4,
)
seens = st.builds(
    Seen,
    entities=st.one_of(st.just(Every()), withins),
    attributes=st.dictionaries(names, withins, max_size=2),
    otherwise=st.one_of(st.just(Every()), st.just(Every()), withins),
)
thorough = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module", params=["cold", "hot"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("within")
    opened = open_store(folder / "store.sqlite")
    if request.param == "hot":
        opened.declare_hot(NAMES[0])
    yield opened
    opened.close()


def inside(entity: dict[str, Any], node: Within) -> bool:
    """The naive word: it reads the definition once more, by what the oracle of queries does."""
    match node:
        case Outside(part):
            return not inside(entity, part)
        case Every(parts):
            return all(inside(entity, part) for part in parts)
        case Either(parts):
            return any(inside(entity, part) for part in parts)
        case Portion():
            asked = Query(
                ids=node.ids,
                id_pattern=node.id_pattern,
                types=node.types,
                attributes=node.having,
                scope=node.scope,
                geo=node.geo,
            )
            return oracle.matches(entity, asked, {})


def left_of(entities: list[dict[str, Any]], seen: Seen) -> list[dict[str, Any]]:
    """What there is of `entities` for somebody who sees so much."""
    return [cut(entity, seen) for entity in entities if inside(entity, seen.entities)]


def cut(entity: dict[str, Any], seen: Seen) -> dict[str, Any]:
    """What there is of an entity: where something is hidden, it last changed when something else did."""
    left = {
        name: value
        for name, value in entity.items()
        if name in oracle.CORE or inside(entity, seen.attribute(name))
    }
    if left != entity:
        seen_ones = [each for name in left.keys() - oracle.CORE for each in left[name]]
        times = [each["modifiedAt"] for each in seen_ones if "modifiedAt" in each]
        left["modifiedAt"] = max([entity["createdAt"], *times])
    return left


@thorough
@given(worlds, seens, st.lists(queries(), min_size=1, max_size=3))
def test_what_is_not_seen_is_as_if_it_were_not_there(
    store: Store, entities: list[dict[str, Any]], seen: Seen, asked: list[Query]
) -> None:
    keep_only(store, entities)
    left = left_of(entities, seen)
    for query in asked:
        page = store.query(replace(query, seen=seen))
        ids, total = oracle.answer(left, query)
        assert [orjson.loads(document)["id"] for document in page.documents] == ids
        assert page.total == (total if query.count else None)
    whole = [orjson.loads(raw)["id"] for _, raw in store.matching([Query(seen=seen)])]
    assert whole == [entity["id"] for entity in left]


@thorough
@given(worlds, seens, st.lists(names, max_size=1))
def test_shapes_and_features_are_those_of_what_is_seen(
    store: Store, entities: list[dict[str, Any]], seen: Seen, without: list[str]
) -> None:
    keep_only(store, entities)
    left = left_of(entities, seen)
    counted = Counter(
        (frozenset(e["type"]), name) for e in left for name in {*(e.keys() - oracle.CORE), ""}
    )
    found: Counter[tuple[frozenset[str], str]] = Counter()
    for shape in store.shapes(seen):
        for name in {*shape.attributes, ""}:
            found[frozenset(shape.types), name] += shape.count
    assert found == counted
    everywhere = (-180.0, -90.0, 180.0, 90.0)
    drawn = store.features(TYPES, everywhere, NAMES[:1], PLACE, without=without, seen=seen)
    there = {e["id"]: e for e in left if PLACE in e and not any(name in e for name in without)}
    assert {feature.id for feature in drawn} == there.keys()
    for feature in drawn:
        instances = there[feature.id].get(NAMES[0])
        assert feature.values == (instances and oracle.first_value(instances[0]),)


@thorough
@given(worlds, withins)
def test_the_rule_in_python_agrees(entities: list[dict[str, Any]], node: Within) -> None:
    test = within_test(node)
    for entity in entities:
        wanted = inside(entity, node)
        assert test(entity) is wanted
        assert known_of(node, entity["type"], entity["id"]) in (None, wanted)


def test_what_is_unseen_has_no_datasets(store: Store) -> None:
    plain = {"type": "Property", "value": 1}
    entities = [
        {"id": IDS[0], "type": [TYPES[0]], NAMES[0]: [plain | {"datasetId": "urn:d:1"}]},
        {"id": IDS[1], "type": [TYPES[0]], NAMES[1]: [plain | {"datasetId": "urn:d:1"}]},
    ]
    keep_only(store, entities)
    asked = Query(dataset_ids=("urn:d:1",))
    assert len(store.query(asked).documents) == 2
    page = store.query(replace(asked, seen=Seen(attributes={NAMES[0]: Either()})))
    assert [orjson.loads(document)["id"] for document in page.documents] == [IDS[1]]


def test_ordering_by_what_is_outside_tells_nothing(store: Store) -> None:
    entities = [
        {"id": id, "type": [TYPES[n % 2]], NAMES[0]: [{"type": "Property", "value": value}]}
        for n, (id, value) in enumerate(zip(IDS[:4], (4, 3, 2, 1), strict=True))
    ]
    keep_only(store, entities)
    seen = Seen(attributes={NAMES[0]: Portion(types=TypeName(TYPES[0]))})
    page = store.query(Query(order=(Order(AttributePath((NAMES[0],))),), seen=seen))
    ids = [orjson.loads(document)["id"] for document in page.documents]
    assert ids == [IDS[2], IDS[0], IDS[1], IDS[3]]


def test_what_is_lacked_and_what_is_hidden_are_one(store: Store) -> None:
    """Whether a value is hidden or was never there must not show in the order."""
    entities: list[dict[str, Any]] = [
        {"id": IDS[0], "type": [TYPES[0]], NAMES[0]: [{"type": "Property", "value": 1}]},
        {"id": IDS[1], "type": [TYPES[1]]},
    ]
    keep_only(store, entities)
    seen = Seen(attributes={NAMES[0]: Portion(types=TypeName(TYPES[1]))})
    page = store.query(Query(order=(Order(AttributePath((NAMES[0],))),), seen=seen))
    assert [orjson.loads(document)["id"] for document in page.documents] == [IDS[0], IDS[1]]


def test_everything_that_matches_comes_in_order_of_creation(store: Store) -> None:
    entities: list[dict[str, Any]] = [
        {"id": id, "type": [TYPES[n % 2]]} for n, id in enumerate(IDS)
    ]
    keep_only(store, entities)
    asked = Query(types=Or((TypeName(TYPES[0]), TypeName(TYPES[1]))))
    assert [orjson.loads(raw)["id"] for _, raw in store.matching([asked])] == IDS
