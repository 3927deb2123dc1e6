"""Records: documents beside the entities."""

from __future__ import annotations

import orjson
import pytest

from hansa.kernel.errors import NotFound
from hansa.ngsild.query import Query
from hansa.store.port import Edited, Entity, Store, Write, Written

from .build import entity, fill


def keep(id: str, **members: object) -> Write:
    """A write that stores a record whatever was there."""
    return Write(id, lambda old: Edited({"id": id, **members}))


def ids(store: Store, kind: str) -> list[str]:
    return [orjson.loads(text)["id"] for text in store.records(kind)]


def test_records_are_kept_in_order_of_creation(store: Store) -> None:
    outcomes = store.write_records("rule", [keep("b"), keep("a")]).result()
    assert outcomes == [Written(0, created=True, deleted=False)] * 2
    store.write_records("rule", [keep("b", changed=True)]).result()
    assert ids(store, "rule") == ["b", "a"]
    assert orjson.loads(store.record("rule", "b") or b"") == {"id": "b", "changed": True}


def test_kinds_do_not_mix(store: Store) -> None:
    store.write_records("rule", [keep("a", kind=1)]).result()
    store.write_records("other", [keep("a", kind=2)]).result()
    assert store.record("third", "a") is None
    assert orjson.loads(store.record("rule", "a") or b"")["kind"] == 1


def test_an_edit_sees_the_record_as_it_stands_and_may_delete_it(store: Store) -> None:
    def count(old: Entity | None) -> Edited:
        return Edited({"id": "a", "n": (old or {"n": 0})["n"] + 1})

    store.write_records("rule", [Write("a", count)] * 3).result()
    assert orjson.loads(store.record("rule", "a") or b"")["n"] == 3
    (gone,) = store.write_records("rule", [Write("a", lambda old: Edited(None))]).result()
    assert gone == Written(0, created=False, deleted=True)
    assert store.records("rule") == []


def test_a_refusal_leaves_the_others_alone(store: Store) -> None:
    def refuse(old: Entity | None) -> Edited:
        raise NotFound("rule a", "does not exist")

    first, second = store.write_records("rule", [Write("a", refuse), keep("b")]).result()
    assert isinstance(first, NotFound)
    assert isinstance(second, Written)
    assert ids(store, "rule") == ["b"]


def test_a_faulty_edit_undoes_its_request(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        store.write_records("rule", [keep("a"), Write("b", lambda old: 1 // 0)]).result()  # type: ignore[arg-type,return-value]
    assert store.records("rule") == []


def test_records_are_no_entities(store: Store) -> None:
    fill(store, entity("urn:e:1"))
    before = store.last_change()
    store.write_records("rule", [keep("urn:e:2")]).result()
    assert store.last_change() == before
    assert len(store.query(Query()).documents) == 1
