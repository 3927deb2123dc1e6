"""Writes: pure edits, applied in order, each kept or refused on its own."""

from __future__ import annotations

from typing import Any

import pytest

from hansa.kernel.errors import AlreadyExists, BadRequest, NotFound, TooLarge, Unavailable
from hansa.ngsild.query import Query, TypeName
from hansa.store.port import Edited, Entity, Store, Write, Written

from .build import change, entity, fill, found, placed, point, put, read, remove


def test_a_created_entity_can_be_read(store: Store) -> None:
    one = entity("urn:x:1", name="Plaza")
    [outcome] = store.write([put(one)]).result()
    assert outcome == Written(1, created=True, deleted=False)
    assert read(store, "urn:x:1") == one
    assert store.get("urn:x:2") is None


def test_text_of_any_kind_comes_back_unchanged(store: Store) -> None:
    odd = 'quote " slash \\ newline \n bell \u0007 nul \u0000 é 漢 🚋 \u2028'
    one = entity("urn:x:" + "é'\"", **{"n": odd}) | {f"urn:a:{odd}": []}
    one[f"urn:a:{odd}"] = [{"type": "Property", "value": {odd: [odd, 1.5, -0.0, True, None]}}]
    fill(store, one)
    assert read(store, one["id"]) == one


def test_an_edit_sees_what_earlier_edits_of_the_request_left(store: Store) -> None:
    def double(old: Entity) -> Entity:
        return entity("urn:x:1", n=old["urn:a:n"][0]["value"] * 2)

    outcomes = store.write(
        [put(entity("urn:x:1", n=1)), change("urn:x:1", double), change("urn:x:1", double)]
    ).result()
    assert [o.seq for o in outcomes if isinstance(o, Written)] == [1, 2, 3]
    assert read(store, "urn:x:1") == entity("urn:x:1", n=4)


def test_an_entity_may_go_and_come_back_in_one_request(store: Store) -> None:
    fill(store, placed("urn:x:1", point(1, 1)), entity("urn:x:2"))
    new = placed("urn:x:1", point(2, 2))
    outcomes = store.write([remove("urn:x:1"), put(new)]).result()
    assert outcomes == [
        Written(3, created=False, deleted=True),
        Written(4, created=True, deleted=False),
    ]
    assert read(store, "urn:x:1") == new
    assert found(store) == ["2", "1"], "what is created again stands at the end"


def test_an_entity_may_come_and_go_in_one_request(store: Store) -> None:
    store.write([put(placed("urn:x:1", point(1, 1))), remove("urn:x:1")]).result()
    assert store.get("urn:x:1") is None
    assert store.last_change() == 2
    assert store.shapes() == []


def test_a_refusal_stands_among_the_outcomes_and_changes_nothing(store: Store) -> None:
    def refuse(old: Entity | None) -> Edited:
        raise AlreadyExists("entity urn:x:1", "it is here already")

    fill(store, entity("urn:x:1", n=1))
    first, refused, last = store.write(
        [put(entity("urn:x:2")), Write("urn:x:1", refuse), put(entity("urn:x:3"))]
    ).result()
    assert isinstance(refused, AlreadyExists)
    assert (first, last) == (Written(2, True, False), Written(3, True, False))
    assert read(store, "urn:x:1") == entity("urn:x:1", n=1)


def test_returning_the_same_object_changes_nothing(store: Store) -> None:
    fill(store, entity("urn:x:1"))
    outcomes = store.write(
        [
            Write("urn:x:1", lambda old: Edited(old, "as it was")),
            Write("urn:x:9", Edited),
        ]
    ).result()
    assert outcomes == [Written(0, False, False, "as it was"), Written(0, False, False)]
    assert store.last_change() == 1


def test_the_word_of_an_edit_reaches_the_caller(store: Store) -> None:
    [outcome] = store.write(
        [Write("urn:x:1", lambda old: Edited(entity("urn:x:1"), detail={"ignored": ["a"]}))]
    ).result()
    assert isinstance(outcome, Written)
    assert outcome.detail == {"ignored": ["a"]}


def test_an_edit_that_breaks_takes_its_request_along_and_nothing_else(store: Store) -> None:
    def breaks(old: Entity | None) -> Edited:
        raise ZeroDivisionError

    fill(store, entity("urn:x:1", n=1))
    broken = store.write([put(entity("urn:x:1", n=2)), Write("urn:x:2", breaks)])
    sound = store.write([put(entity("urn:x:3"))])
    with pytest.raises(ZeroDivisionError):
        broken.result()
    assert sound.result() == [Written(2, created=True, deleted=False)]
    assert read(store, "urn:x:1") == entity("urn:x:1", n=1)
    assert [change.seq for change in store.changes(0)] == [1, 2]


@pytest.mark.parametrize(
    "value", ["\ud800", 1 << 70, object()], ids=["surrogate", "huge", "object"]
)
def test_what_json_cannot_carry_is_refused(store: Store, value: Any) -> None:
    bad, good = store.write([put(entity("urn:x:1", n=value)), put(entity("urn:x:2"))]).result()
    assert isinstance(bad, BadRequest)
    assert good == Written(1, created=True, deleted=False)


def test_an_edit_may_not_return_another_entity(store: Store) -> None:
    with pytest.raises(ValueError, match="urn:x:2"):
        store.write([Write("urn:x:1", lambda old: Edited(entity("urn:x:2")))]).result()
    assert store.last_change() == 0


def test_more_geometries_than_can_be_numbered_are_refused(store: Store) -> None:
    one = placed("urn:x:1", point(1, 1))
    instance = one["https://uri.etsi.org/ngsi-ld/location"][0]
    one["https://uri.etsi.org/ngsi-ld/location"] = [instance] * (1 << 16)
    [outcome] = store.write([put(one)]).result()
    assert isinstance(outcome, TooLarge)


def test_an_empty_request_is_answered(store: Store) -> None:
    assert store.write([]).result() == []


def test_an_update_may_change_types_and_attributes(store: Store) -> None:
    fill(store, entity("urn:x:1", "urn:t:A", a=1))
    store.write([change("urn:x:1", lambda old: entity("urn:x:1", "urn:t:B", b=2))]).result()
    assert found(store, types=TypeName("urn:t:A")) == []
    assert found(store, types=TypeName("urn:t:B")) == ["1"]
    [shape] = store.shapes()
    assert (shape.types, shape.count) == (("urn:t:B",), 1)
    assert shape.attributes == {"urn:a:b": frozenset({"Property"})}


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(Unavailable, match="closed"):
        store.write([put(entity("urn:x:1"))])
    with pytest.raises(Unavailable, match="closed"):
        store.get("urn:x:1")


def test_closing_finishes_the_writes_in_hand(store: Store) -> None:
    waiting = [store.write([put(entity(f"urn:x:{n}"))]) for n in range(50)]
    store.close()
    assert all(isinstance(each.result(timeout=0)[0], Written) for each in waiting)


def test_a_missing_entity_can_be_refused_by_the_edit(store: Store) -> None:
    def must_exist(old: Entity | None) -> Edited:
        if old is None:
            raise NotFound("entity urn:x:1", "there is none")
        return Edited(old)

    [outcome] = store.write([Write("urn:x:1", must_exist)]).result()
    assert isinstance(outcome, NotFound)
    assert store.query(Query(count=True)).total == 0
