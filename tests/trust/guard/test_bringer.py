"""What a source brings, and what it cannot touch: each rule by a write that breaks it, and by one that keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from hansa.hub import attributes, entities
from hansa.kernel.errors import Forbidden, HansaError, NotFound
from hansa.ngsild.city import city_iri
from hansa.ngsild.query import Query
from hansa.store.history import Added, Removed
from hansa.store.port import Outcome, Store, Write
from hansa.store.sqlite import open_store
from hansa.trust.guard.bringer import brought_by
from hansa.trust.sources.belonging import IMPORTED_FROM
from hansa.trust.sources.register import OPERATOR_SOURCE
from hansa.trust.sources.shown import entity_id

NOW = "2026-04-15T12:00:00.000000Z"
CAR, TREE = "https://x/Car", "https://x/Tree"
COLOUR = "https://x/colour"


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Store]:
    """Everything: a car of the meters, a tree of the gardens, a car that nobody claims."""
    store = open_store(tmp_path / "s.sqlite")
    settled(store, entities.create(entity("urn:car:1", CAR, "meters"), NOW))
    settled(store, entities.create(entity("urn:tree:1", TREE, "gardens"), NOW))
    settled(store, entities.create(entity("urn:car:0", CAR), NOW))
    yield store
    store.close()


def entity(id: str, type: str, source: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": id,
        "type": [type],
        COLOUR: [{"type": "Property", "value": "red"}],
    }
    if source:
        made[IMPORTED_FROM] = [{"type": "Relationship", "object": entity_id(source)}]
    return made


def settled(store: Store, *writes: Write) -> list[Outcome]:
    return store.write(writes).result(10)


def held(store: Store, id: str) -> Any:
    raw = store.get(id)
    return None if raw is None else orjson.loads(raw)


def test_what_is_new_is_the_source_s(whole: Store) -> None:
    meters = brought_by(whole, "meters", None)
    (done,) = settled(meters, entities.create(entity("urn:car:2", CAR), NOW))
    assert not isinstance(done, HansaError)
    (mark,) = held(whole, "urn:car:2")[IMPORTED_FROM]
    assert mark["object"] == "urn:ngsi-ld:DataSource:meters"
    (again,) = settled(meters, entities.upsert(entity("urn:car:2", CAR), NOW))
    assert not isinstance(again, HansaError)
    assert held(whole, "urn:car:2")[IMPORTED_FROM] == [mark]


@pytest.mark.parametrize("id", ["urn:tree:1", "urn:car:0"])
def test_of_others_nothing_is_changed(whole: Store, id: str) -> None:
    meters, before = brought_by(whole, "meters", None), held(whole, id)
    left = {k: v for k, v in entity(id, CAR).items() if k not in ("id", "type")}
    for write in (
        entities.replace(id, entity(id, CAR), NOW),
        entities.upsert(entity(id, CAR), NOW),
        entities.merge(id, left, NOW),
        attributes.append(id, left, NOW),
        entities.delete(id, NOW),
        entities.purge(id, NOW),
    ):
        (refused,) = settled(meters, write)
        assert isinstance(refused, Forbidden), write
    assert held(whole, id) == before


def test_it_can_be_given_to_nobody_else(whole: Store) -> None:
    meters = brought_by(whole, "meters", None)
    (refused,) = settled(meters, entities.create(entity("urn:car:3", CAR, "gardens"), NOW))
    assert isinstance(refused, Forbidden)
    mark = {IMPORTED_FROM: entity("", CAR, "gardens")[IMPORTED_FROM]}
    (refused,) = settled(meters, entities.merge("urn:car:1", mark, NOW))
    assert isinstance(refused, Forbidden)
    (done,) = settled(meters, entities.replace("urn:car:1", entity("urn:car:1", CAR), NOW))
    assert not isinstance(done, HansaError)
    assert held(whole, "urn:car:1")[IMPORTED_FROM][0]["object"] == entity_id("meters")


def test_types_of_the_token_hold_before_and_after(whole: Store) -> None:
    cars = brought_by(whole, "meters", frozenset({CAR}))
    new, other = entity("urn:car:4", CAR), entity("urn:tree:4", TREE)
    made, refused = settled(cars, entities.create(new, NOW), entities.create(other, NOW))
    assert not isinstance(made, HansaError)
    assert isinstance(refused, Forbidden)
    turned = {"id": "urn:car:4", "type": [CAR, TREE]}
    (refused,) = settled(cars, entities.merge("urn:car:4", turned, NOW))
    assert isinstance(refused, Forbidden)
    trees = brought_by(whole, "meters", frozenset({TREE}))
    (refused,) = settled(trees, entities.delete("urn:car:4", NOW))
    assert isinstance(refused, Forbidden)


def test_an_identifier_with_a_past_of_others_is_not_taken_up(whole: Store) -> None:
    meters = brought_by(whole, "meters", None)
    settled(whole, entities.delete("urn:tree:1", NOW), entities.delete("urn:car:0", NOW))
    for id in ("urn:tree:1", "urn:car:0"):
        (refused,) = settled(meters, entities.create(entity(id, CAR), NOW))
        assert isinstance(refused, Forbidden), id
        assert whole.get(id) is None
    deleted, made = settled(
        meters, entities.delete("urn:car:1", NOW), entities.delete("urn:car:1", NOW)
    )
    assert not isinstance(deleted, HansaError)
    assert isinstance(made, HansaError)
    (again,) = settled(meters, entities.create(entity("urn:car:1", CAR), NOW))
    assert not isinstance(again, HansaError), "its own it may"


def test_the_register_s_entities_are_not_a_source_s(whole: Store) -> None:
    meters = brought_by(whole, "meters", None)
    named = entity(entity_id("gardens"), CAR)
    typed = entity("urn:x:1", "https://x/T") | {"type": [city_iri("DataSource")]}
    for each in (named, typed):
        (refused,) = settled(meters, entities.create(each, NOW))
        assert isinstance(refused, Forbidden)


def test_it_finds_what_it_brought_alone(whole: Store) -> None:
    found = brought_by(whole, "meters", None).query(Query(count=True))
    assert [orjson.loads(raw)["id"] for raw in found.documents] == ["urn:car:1"]
    assert found.total == 1


def test_the_past_is_written_of_its_own(whole: Store) -> None:
    meters = brought_by(whole, "meters", None)
    added = {COLOUR: [{"type": "Property", "value": "blue", "observedAt": NOW}]}
    (done,) = meters.record_history([Added("urn:car:1", (CAR,), added)]).result(10)
    assert not isinstance(done, HansaError)
    for recording, kind in (
        (Added("urn:tree:1", (TREE,), added), Forbidden),
        (Added("urn:car:9", (CAR,), added), NotFound),
        (Added("urn:car:1", (CAR,), {IMPORTED_FROM: []}), Forbidden),
        (Removed("urn:car:1", IMPORTED_FROM, all=True), Forbidden),
        (Removed("urn:car:1"), Forbidden),
        (Removed("urn:tree:1", COLOUR), Forbidden),
    ):
        outcomes = meters.record_history([recording]).result(10)
        assert [type(each) for each in outcomes] == [kind], recording


def test_what_nobody_claims_is_the_operator_s(whole: Store) -> None:
    operator = brought_by(whole, OPERATOR_SOURCE, None)
    made, deleted, refused = settled(
        operator,
        entities.create(entity("urn:car:5", CAR), NOW),
        entities.delete("urn:car:0", NOW),
        entities.delete("urn:car:1", NOW),
    )
    assert not isinstance(made, HansaError)
    assert not isinstance(deleted, HansaError)
    assert isinstance(refused, Forbidden)
    assert IMPORTED_FROM not in held(whole, "urn:car:5")


@pytest.mark.parametrize(
    "name", ["write_records", "fold", "relist", "prune", "backup", "outbox", "scan", "close"]
)
def test_nothing_else_of_the_store_is_in_reach(whole: Store, name: str) -> None:
    with pytest.raises(AttributeError):
        getattr(brought_by(whole, "meters", None), name)
