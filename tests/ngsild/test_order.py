"""The ordering language."""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest
from hansa.ngsild.order import MAX_KEYS, check_collation, expand_order, parse_order, print_order
from hansa.ngsild.query import AttributePath, Order

POINT = shapely.Point(8, 40)


def path(*names: str, trail: tuple[str, ...] = ()) -> AttributePath:
    return AttributePath(names, trail)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("name", (Order(path("name")),)),
        ("name,age", (Order(path("name")), Order(path("age")))),
        ("name,age;desc", (Order(path("name")), Order(path("age"), True))),
        ("name;asc", (Order(path("name")),)),
        ("address[city]", (Order(path("address", trail=("city",))),)),
        ("name.observedAt", (Order(path("name", "observedAt")),)),
        ("location;dist-asc", (Order(path("location"), False, POINT),)),
        ("location;dist-desc,id", (Order(path("location"), True, POINT), Order(path("id")))),
    ],
)
def test_the_clause_s_examples(text: str, order: tuple[Order, ...]) -> None:
    assert parse_order(text, "[8,40]") == order


def test_a_body_gives_a_list_and_coordinates() -> None:
    line = parse_order(["name", "location;dist-asc"], [[8, 40], [9, 42]], "LineString")[1].origin
    assert line == shapely.LineString([(8, 40), (9, 42)])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("",), "orderBy: is empty"),
        (([],), "not a text or a list"),
        (({"name": 1},), "not a text or a list"),
        (([5],), "not a text"),
        (("name;up",), "character 6: expected asc, desc"),
        (("name,",), "character 6: expected the name of an attribute"),
        (("name asc",), "character 6: expected ','"),
        (("name;ascending",), "character 9: expected ','"),
        (("a{b}",), "character 1: expected an attribute of the entity itself"),
        (("location;dist-asc",), "character 10: sorting by distance needs"),
        (("location;dist-asc", "8;40"), "orderFrom: not JSON"),
        (("location;dist-asc", "8,40"), "orderFrom: not JSON"),
        (("location;dist-asc", [8, 400]), "orderFrom, coordinates[1]"),
        (("id", None, 5), "orderGeometry"),
        (("name", [8, 40], 5), "orderGeometry"),
        ((",".join("a" * (MAX_KEYS + 1)),), "more than"),
    ],
)
def test_faults_are_refused(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_order(*arguments)
    assert words in caught.value.sentence


keys = st.builds(
    Order,
    st.sampled_from([path("id"), path("a", "b"), path("https://x.org/a", trail=("b c", "d"))]),
    st.booleans(),
    st.sampled_from([None, POINT]),
)


@given(st.lists(keys, min_size=1, max_size=4).map(tuple))
def test_printing_then_parsing_is_the_identity(order: tuple[Order, ...]) -> None:
    words = print_order(order)
    again = parse_order(words["orderBy"], words.get("orderFrom"), words.get("orderGeometry"))
    assert again == order


@given(st.text("ab.,;[]-dist asc{}", max_size=20) | st.text(max_size=20))
def test_any_text_is_an_order_or_a_bad_request(text: str) -> None:
    try:
        order = parse_order(text, [8, 40])
    except BadRequest as refusal:
        assert refusal.fact
    else:
        assert parse_order(print_order(order)["orderBy"], [8, 40]) == order


def test_names_become_iris() -> None:
    order = expand_order(parse_order("id,name.observedAt"), lambda term: f"https://x/{term}")
    assert [key.path for key in order] == [path("id"), path("https://x/name", "observedAt")]


@pytest.mark.parametrize("tag", ["und", "de-u-co-phonebk", "und-u-ks-identic", "es"])
def test_collations(tag: str) -> None:
    assert check_collation(tag) == tag


@pytest.mark.parametrize(
    "tag", ["", "!!nope", "not a bcp47 tag!!", "de-", "x" * 9, None, "de-" * 99]
)
def test_faulty_collations(tag: Any) -> None:
    with pytest.raises(BadRequest, match="is not a language tag"):
        check_collation(tag)
