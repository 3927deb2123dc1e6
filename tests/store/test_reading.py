"""Queries besides q: identifiers, types, attributes, scopes, datasets; pages, counts and order."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from hansa.kernel.errors import BadRequest
from hansa.ngsild.query import (
    And,
    AttributePath,
    Compare,
    Or,
    Order,
    Query,
    ScopeFilter,
    ScopePattern,
    Selector,
    TypeName,
)
from hansa.store.port import Shape, Store

from .build import change, entity, fill, found, put, remove


@pytest.fixture
def city(store: Store) -> Store:
    """Ten entities of two types; the even ones are named."""
    fill(
        store,
        *(
            entity(f"urn:x:{n}", f"urn:t:{'AB'[n % 2]}", **({} if n % 2 else {"name": f"n{9 - n}"}))
            for n in range(10)
        ),
    )
    return store


def test_pages_come_in_the_order_of_creation(city: Store) -> None:
    assert found(city, limit=3) == ["0", "1", "2"]
    assert found(city, limit=3, offset=8) == ["8", "9"]
    assert found(city, types=TypeName("urn:t:B"), limit=2, offset=1) == ["3", "5"]


def test_count_is_that_of_all_matches(city: Store) -> None:
    page = city.query(Query(types=TypeName("urn:t:B"), limit=2, count=True))
    assert (len(page.documents), page.total) == (2, 5)
    assert city.query(Query(limit=0, count=True)).total == 10
    assert city.query(Query(offset=99, count=True)).documents == []
    assert city.query(Query(types=TypeName("urn:t:None"), count=True)).total == 0
    assert city.query(Query()).total is None


def test_types_combine(city: Store) -> None:
    both = entity("urn:x:both") | {"type": ["urn:t:A", "urn:t:B"]}
    fill(city, both)
    a, b = TypeName("urn:t:A"), TypeName("urn:t:B")
    assert found(city, types=And((a, b))) == ["both"]
    assert len(found(city, types=Or((a, b)))) == 11


def test_identifiers_and_patterns_select(city: Store) -> None:
    assert found(city, ids=("urn:x:7", "urn:x:2", "urn:x:7", "urn:x:no")) == ["2", "7"]
    assert found(city, ids=("urn:x:7", "urn:x:2"), types=TypeName("urn:t:B")) == ["7"]
    assert found(city, id_pattern="[3-5]$") == ["3", "4", "5"]
    with pytest.raises(BadRequest, match="RE2"):
        city.query(Query(id_pattern="(?=x)"))


def test_selectors_are_alternatives(city: Store) -> None:
    asked = (
        Selector(TypeName("urn:t:A"), id="urn:x:2"),
        Selector(TypeName("urn:t:B"), id_pattern="[1-3]$"),
        Selector(id="urn:x:9"),
    )
    assert found(city, selectors=asked) == ["1", "2", "3", "9"]


def test_some_of_the_attributes_must_be_there(city: Store) -> None:
    assert found(city, attributes=("urn:a:name", "urn:a:other")) == ["0", "2", "4", "6", "8"]
    assert found(city, attributes=("urn:a:other",)) == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (ScopePattern(("Madrid",)), ["1"]),
        (ScopePattern(("Madrid", "Gardens", "#")), ["2", "3"]),
        (ScopePattern(("Madrid", "+", "ParqueNorte")), ["3", "4"]),
        (ScopePattern(("#",)), ["1", "2", "3", "4", "5"]),
        (And((ScopePattern(("A",)), ScopePattern(("B",)))), ["5"]),
        (Or((ScopePattern(("A",)), ScopePattern(("Madrid",)))), ["1", "5"]),
    ],
)
def test_scopes_select(store: Store, pattern: ScopeFilter, expected: list[str]) -> None:
    scopes: list[list[str]] = [
        ["/Madrid"],
        ["/Madrid/Gardens"],
        ["/Madrid/Gardens/ParqueNorte"],
        ["/Madrid/Sights/ParqueNorte"],
        ["/A", "/B"],
    ]
    fill(store, *(entity(f"urn:x:{n}") | {"scope": s} for n, s in enumerate(scopes, 1)))
    fill(store, entity("urn:x:none"))
    assert found(store, scope=pattern) == expected


def test_datasets_select(store: Store) -> None:
    other: dict[str, Any] = {"type": "Property", "value": 1, "datasetId": "urn:d:1"}
    fill(store, entity("urn:x:1", n=1), entity("urn:x:2") | {"urn:a:n": [other]})
    assert found(store, dataset_ids=("@none",)) == ["1"]
    assert found(store, dataset_ids=("urn:d:1", "@none")) == ["1", "2"]
    assert found(store, dataset_ids=("urn:d:2",)) == []


# -- order -----------------------------------------------------------------------------------------


def by(*names: str, descending: bool = False, trail: tuple[str, ...] = ()) -> tuple[Order, ...]:
    return (Order(AttributePath(names, trail), descending),)


def test_entities_without_the_attribute_come_last_either_way(city: Store) -> None:
    odd = ["1", "3", "5", "7", "9"]
    assert found(city, order=by("urn:a:name")) == ["8", "6", "4", "2", "0", *odd]
    assert found(city, order=by("urn:a:name", descending=True)) == ["0", "2", "4", "6", "8", *odd]


def test_keys_apply_one_after_the_other(city: Store) -> None:
    order = (*by("type", descending=True), *by("id", descending=True))
    assert found(city, order=order, limit=3) == ["9", "7", "5"]


def test_values_of_different_types_are_ordered_by_type(store: Store) -> None:
    values = [True, [1], {"k": 1}, "text", 7, None, 1.5, "Text", False]
    fill(store, *(entity(f"urn:x:{n}", v=v) for n, v in enumerate(values)), entity("urn:x:none"))
    upwards = ["6", "4", "7", "3", "2", "1", "8", "0", "5", "none"]
    assert found(store, order=by("urn:a:v")) == upwards
    assert found(store, order=by("urn:a:v", descending=True)) == [*upwards[-2::-1], "none"]


def test_parts_of_an_attribute_order(store: Store) -> None:
    def measured(n: int, moment: str | None, city: str) -> dict[str, Any]:
        instance = {"type": "Property", "value": {"city": city}}
        return entity(f"urn:x:{n}") | {
            "urn:a:p": [instance | ({"observedAt": moment} if moment else {})]
        }

    fill(
        store,
        measured(1, "2026-01-02T00:00:00Z", "b"),
        measured(2, "2026-01-01T00:00:00Z", "c"),
        measured(3, None, "a"),
    )
    assert found(store, order=by("urn:a:p", "observedAt")) == ["2", "1", "3"]
    assert found(store, order=by("urn:a:p", trail=("city",))) == ["3", "1", "2"]


def test_whole_numbers_of_any_size_order_beside_texts(store: Store) -> None:
    values = [2**64 - 1, "text", 2**63, -(2**63), 1e30, 3]
    fill(store, *(entity(f"urn:x:{n}", v=v) for n, v in enumerate(values)))
    assert found(store, order=by("urn:a:v")) == ["3", "5", "2", "0", "4", "1"]


@pytest.mark.parametrize("member", ["id", "type", "scope", "createdAt", "modifiedAt"])
def test_the_inside_of_a_core_member_orders_nothing(city: Store, member: str) -> None:
    fill(city, entity("urn:x:9", "urn:t:B") | {"scope": ["/a"]})
    whole = [str(n) for n in range(10)]
    assert found(city, order=by(member, trail=("k",), descending=True)) == whole
    assert found(city, order=by(member, "urn:a:sub")) == whole


def test_an_order_is_stable_from_page_to_page(store: Store) -> None:
    fill(store, *(entity(f"urn:x:{n}", v=n % 3) for n in range(30)))
    whole = found(store, order=by("urn:a:v"), limit=30)
    pages = [found(store, order=by("urn:a:v"), limit=7, offset=at) for at in range(0, 30, 7)]
    assert [id for page in pages for id in page] == whole
    assert whole == [str(n) for rest in range(3) for n in range(rest, 30, 3)]


# -- shapes and scans --------------------------------------------------------------------------------


def test_shapes_tell_types_attributes_and_counts(store: Store) -> None:
    link: dict[str, Any] = {"urn:a:v": [{"type": "Relationship", "object": "urn:x:1"}]}
    fill(
        store,
        entity("urn:x:1", "urn:t:A", v=1),
        entity("urn:x:2", "urn:t:A", v="text"),
        entity("urn:x:3", "urn:t:A") | link,
        entity("urn:x:4", "urn:t:B", v=1),
        entity("urn:x:5", "urn:t:C"),
    )
    store.write([remove("urn:x:5")]).result()
    store.write([change("urn:x:4", lambda old: entity("urn:x:4", "urn:t:B", v=2))]).result()
    single, linked = frozenset({"Property"}), frozenset({"Relationship"})
    assert sorted(store.shapes(), key=repr) == sorted(
        [
            Shape(("urn:t:A",), {"urn:a:v": single}, 2),
            Shape(("urn:t:A",), {"urn:a:v": linked}, 1),
            Shape(("urn:t:B",), {"urn:a:v": single}, 1),
        ],
        key=repr,
    )


def test_thousands_of_shapes_make_no_difference(store: Store) -> None:
    fill(
        store, *(entity(f"urn:x:{n}", f"urn:t:{n}", **{f"p{n}": n, "all": n}) for n in range(3000))
    )
    assert found(store, types=TypeName("urn:t:2999")) == ["2999"]
    assert found(store, attributes=("urn:a:p17",)) == ["17"]
    assert found(store, q=Compare(AttributePath(("urn:a:all",)), ">=", (2998,))) == ["2998", "2999"]
    many = Or(tuple(TypeName(f"urn:t:{n}") for n in range(0, 3000, 2)))
    assert store.query(Query(types=many, count=True)).total == 1500
    assert found(store, types=many, limit=2, offset=1000) == ["2000", "2002"]
    assert len(store.shapes()) == 3000


def test_a_scan_sees_one_state(store: Store) -> None:
    fill(store, *(entity(f"urn:x:{n}") for n in range(10)))
    scan = store.scan()
    seen = [next(scan)]
    store.write([remove("urn:x:5"), put(entity("urn:x:new"))]).result()
    seen += scan
    assert [document.decode().partition('"urn:x:')[2][0] for document in seen] == list("0123456789")
    assert len(list(store.scan())) == 10


def test_all_matches_of_several_queries_come_from_one_state(city: Store) -> None:
    queries = [
        Query(types=TypeName("urn:t:A"), limit=1, offset=3),
        Query(types=TypeName("urn:t:None")),
        Query(ids=("urn:x:4", "urn:x:1")),
    ]
    found = city.matching(queries)
    seen = [next(found)]
    fill(city, entity("urn:x:late", "urn:t:A"))
    seen += found
    assert [(place, orjson.loads(document)["id"][-1]) for place, document in seen] == [
        *((0, n) for n in "02468"),
        (2, "1"),
        (2, "4"),
    ]
    assert len(list(city.matching(queries))) == 8
    assert list(city.matching([])) == []
