"""The attribute projection language, clause 4.21: by example and by property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest
from hansa.ngsild.context import CORE
from hansa.ngsild.projection import (
    Projection,
    expand_projection,
    parse_projection,
    print_projection,
)

names = st.from_regex(r"[a-z][A-Za-z0-9]{0,5}(:[a-z]{1,3})?", fullmatch=True) | st.just("id")
trees = st.recursive(
    st.dictionaries(names, st.none(), min_size=1, max_size=4).map(Projection),
    lambda inner: st.dictionaries(names, st.none() | inner, min_size=1, max_size=3).map(Projection),
    max_leaves=8,
)


@given(trees)
def test_what_is_printed_is_read_back(tree: Projection) -> None:
    assert parse_projection(print_projection(tree), "pick") == tree


@given(st.text(alphabet="ab{},| ;.\"'", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        tree = parse_projection(text, "pick")
    except BadRequest:
        return
    assert parse_projection(print_projection(tree), "pick") == tree


def test_members_nest_and_both_separators_mean_the_same() -> None:
    tree = parse_projection("id|locatedAt{name,isIn{name|population}}", "pick")
    assert tree == parse_projection("id,locatedAt{name|isIn{name,population}}", "pick")
    assert tree.depth == 2
    assert tree.plain == {"id"}
    inner = tree.of("locatedAt")
    assert inner is not None
    assert inner.plain == {"name"}
    assert tree.of("id") is None


def test_several_texts_add_up() -> None:
    assert parse_projection(["a", "b{c}"], "pick") == parse_projection("a,b{c}", "pick")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a,,b",
        "a||b",
        ",a",
        "a,",
        "a;b",
        "a{",
        "a{b",
        "a{}",
        "a{{b}",
        "a{,b}",
        "a}b",
        "a,a",
    ],
)
def test_what_breaks_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_projection(text, "pick")


def test_names_become_iris() -> None:
    tree = expand_projection(parse_projection("id,a{b}", "pick"), CORE.expand)
    assert list(tree.members) == ["id", CORE.expand("a")]
    inner = tree.of(CORE.expand("a"))
    assert inner is not None
    assert list(inner.members) == [CORE.expand("b")]


@pytest.mark.parametrize(
    ("pick", "omit", "clash"),
    [
        ("a,b", "b", "b"),
        ("a{b}", "a", "a"),
        ("a{b,c}", "a{c}", "c"),
        ("a", "a{b}", None),
        ("a{b}", "a{c}", None),
        ("a", "b", None),
    ],
)
def test_a_member_cannot_be_both_picked_and_omitted(
    pick: str, omit: str, clash: str | None
) -> None:
    wanted = parse_projection(pick, "pick")
    assert wanted.clashes_with(parse_projection(omit, "omit")) == clash
