"""Hot attributes and the ways of statements; backup; the check for faults."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely

from hansa.kernel.errors import AlreadyExists, Unavailable
from hansa.ngsild.model import LOCATION
from hansa.ngsild.query import And, AttributePath, Compare, GeoFilter, Order, Query, Range, TypeName
from hansa.store.sqlite import SqliteStore, open_store
from hansa.store.sqlite.schema import connect

from ..build import entity, fill, found, placed, point, put

A = AttributePath(("urn:a:a",))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A thousand placed entities with a number, a text and a link each."""
    opened = open_store(tmp_path / "store.sqlite")
    link = {"urn:a:to": [{"type": "Relationship", "object": "urn:x:1"}]}
    fill(
        opened,
        *(
            placed(f"urn:x:{n}", point(n / 10, 1), type=f"urn:t:{n % 2}", a=n, b=f"t{n % 50}")
            | link
            for n in range(1000)
        ),
    )
    yield opened
    opened.close()


def plan(store: SqliteStore, **conditions: Any) -> str:
    return " / ".join(store.explain(Query(**conditions)))


def test_a_hot_attribute_is_looked_up(store: SqliteStore) -> None:
    narrow = Compare(A, "==", (Range(10, 12),))
    assert "hot" not in plan(store, q=narrow)
    store.declare_hot("urn:a:a")
    assert "INDEX hot_1 (" in plan(store, q=narrow)
    assert "INDEX hot_1 (" in plan(store, q=narrow, types=TypeName("urn:t:0"))
    assert found(store, q=narrow, types=TypeName("urn:t:0")) == ["10", "12"]


@pytest.mark.parametrize("operator", ["==", ">=", ">"])
def test_texts_and_references_are_looked_up_too(store: SqliteStore, operator: Any) -> None:
    store.declare_hot("urn:a:b")
    store.declare_hot("urn:a:to")
    assert "hot_1" in plan(store, q=Compare(AttributePath(("urn:a:b",)), operator, ("t9",)))
    if operator == "==":
        fill(
            store,
            entity("urn:x:new") | {"urn:a:to": [{"type": "Relationship", "object": "urn:x:2"}]},
        )
        term = Compare(AttributePath(("urn:a:to",)), "==", ("urn:x:2",))
        assert "hot_2" in plan(store, q=term)
        assert found(store, q=term) == ["new"]


def test_two_bounds_on_a_hot_attribute_are_one_range(store: SqliteStore) -> None:
    store.declare_hot("urn:a:a")
    both = And((Compare(A, ">=", (500,)), Compare(A, "<", (503,))))
    assert "INDEX hot_1 (<expr>>? AND <expr><?)" in plan(store, q=both, limit=5)
    assert found(store, q=both) == ["500", "501", "502"]


def test_a_common_value_is_walked_to_in_order(store: SqliteStore) -> None:
    store.declare_hot("urn:a:a")
    assert "hot" not in plan(store, q=Compare(A, ">=", (0,)), limit=5)
    assert found(store, q=Compare(A, ">=", (0,)), limit=3, offset=1) == ["1", "2", "3"]


def test_an_index_gives_the_order(store: SqliteStore) -> None:
    store.declare_hot("urn:a:a")
    assert "hot_1" in plan(store, order=(Order(A),), limit=5)
    newest = (Order(AttributePath(("modifiedAt",)), True),)
    assert "entity_modified" in plan(store, order=newest, limit=5)
    assert "entity_created" in plan(store, order=(Order(AttributePath(("createdAt",))),), limit=5)
    assert found(store, order=(Order(A, True),), limit=3) == ["999", "998", "997"]


def test_a_small_box_is_looked_up(store: SqliteStore) -> None:
    small = GeoFilter("within", shapely.box(1, 0, 1.25, 2), LOCATION)
    asked = plan(store, geo=small, types=TypeName("urn:t:1"))
    assert "INTEGER PRIMARY KEY (rowid=?)" in asked
    assert "entity_shape" not in asked


def test_hot_attributes_stay_hot(store: SqliteStore) -> None:
    store.declare_hot("urn:a:a")
    store.declare_hot("urn:a:a")
    store.close()
    again = open_store(store.path)
    assert "hot_1" in plan(again, q=Compare(A, "==", (7,)))
    again.declare_hot('urn:a:it\'s "odd"')
    odd = AttributePath(('urn:a:it\'s "odd"',))
    fill(again, *(entity(f"urn:x:odd{n}", **{'it\'s "odd"': n}) for n in range(50)))
    assert "hot_2" in plan(again, q=Compare(odd, "==", (5,)))
    assert found(again, q=Compare(odd, "==", (5,))) == ["odd5"]
    again.close()


def test_identifiers_are_looked_up(store: SqliteStore) -> None:
    assert "(id=?)" in plan(store, ids=("urn:x:5", "urn:x:7"), types=TypeName("urn:t:1"))


def test_another_process_may_write_too(store: SqliteStore) -> None:
    other = open_store(store.path)
    for turn in range(3):
        fill(store, entity(f"urn:x:mine{turn}", **{f"p{turn}": 1}))
        fill(other, entity(f"urn:x:other{turn}", **{f"q{turn}": 1}))
        assert found(store, id_pattern=f"r{turn}$") == [f"other{turn}"]
    other.close()
    assert store.last_change() == 1006
    assert [change.seq for change in store.changes(1000)] == list(range(1001, 1007))
    assert store.check() == []


# -- backup ----------------------------------------------------------------------------------------


def test_a_backup_is_a_whole_store(store: SqliteStore, tmp_path: Path) -> None:
    store.declare_hot("urn:a:a")
    copy = tmp_path / "copy.sqlite"
    store.backup(str(copy))
    assert sorted(p.name for p in tmp_path.glob("copy*")) == ["copy.sqlite"]
    opened = open_store(copy)
    assert list(opened.scan()) == list(store.scan())
    assert opened.last_change() == store.last_change() == 1000
    assert opened.check() == []
    fill(opened, entity("urn:x:more"))
    opened.close()


def test_a_backup_taken_amid_writes_is_consistent(store: SqliteStore, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            store.write([put(entity(f"urn:y:{n}:{part}", n=n)) for part in range(3)]).result()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for turn in range(3):
            store.backup(str(tmp_path / f"copy{turn}.sqlite"))
    finally:
        stop.set()
        thread.join()
    for turn in range(3):
        opened = open_store(tmp_path / f"copy{turn}.sqlite")
        assert opened.check() == []
        total = opened.query(Query(count=True, limit=0)).total
        assert total is not None
        assert (total - 1000) % 3 == 0
        opened.close()


def test_a_backup_overwrites_nothing(store: SqliteStore, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite"
    target.write_text("precious")
    with pytest.raises(AlreadyExists):
        store.backup(str(target))
    assert target.read_text() == "precious"


def test_a_backup_to_nowhere_says_so(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be opened"):
        store.backup(str(tmp_path / "none" / "copy.sqlite"))


# -- check -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("DELETE FROM place WHERE id = 3 << 16", "0 geometries in the spatial index instead of 1"),
        ("DELETE FROM entity WHERE key = 3", "missing entity number 3"),
        ('UPDATE entity SET doc = jsonb(\'{"id":"urn:x:no","type":[]}\') WHERE key = 3', "another"),
        ("UPDATE entity SET shape = 99 WHERE key = 3", "shape noted for urn:x:2"),
        ("UPDATE population SET count = 7 WHERE shape = 1", "7 entities are noted for shape 1"),
        ("UPDATE counter SET value = 3", "beyond its counter 3"),
        ("UPDATE entity SET doc = x'ff' WHERE key = 3", "the document of urn:x:2 is damaged"),
    ],
)
def test_a_check_finds(store: SqliteStore, statement: str, fault: str) -> None:
    assert store.check() == []
    connection = connect(store.path)
    connection.execute(statement)
    connection.close()
    assert any(fault in found for found in store.check()), store.check()
