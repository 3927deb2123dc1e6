"""Type selection, scopes and scope queries."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest
from hansa.ngsild.query import And, Or, ScopePattern, TypeName
from hansa.ngsild.reader import MAX_DEPTH
from hansa.ngsild.scope import in_scope, is_scope, parse_scope_query, print_scope_query
from hansa.ngsild.selection import expand_types, parse_types, print_types

HOME, VEHICLE, MOTORHOME = TypeName("Home"), TypeName("Vehicle"), TypeName("Motorhome")


def _grown(terms: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        terms,
        lambda inner: (
            st.lists(inner, min_size=2, max_size=3)
            .map(tuple)
            .flatmap(lambda parts: st.sampled_from([And(parts), Or(parts)]))
        ),
        max_leaves=8,
    )


# -- type selection --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("Building|House", Or((TypeName("Building"), TypeName("House")))),
        ("Building,House", Or((TypeName("Building"), TypeName("House")))),
        ("(Home;Vehicle)", And((HOME, VEHICLE))),
        ("(Home;Vehicle)|Motorhome", Or((And((HOME, VEHICLE)), MOTORHOME))),
        ("(Home;Vehicle),Motorhome", Or((And((HOME, VEHICLE)), MOTORHOME))),
        ("Home;Vehicle,Motorhome", Or((And((HOME, VEHICLE)), MOTORHOME))),
        ("https://x.org/a.b#Home", TypeName("https://x.org/a.b#Home")),
        ("ex:Home", TypeName("ex:Home")),
        (" Home , Vehicle ", Or((HOME, VEHICLE))),
    ],
)
def test_selections(text: str, tree: Any) -> None:
    assert parse_types(text) == tree


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (None, "is empty or not a text"),
        (",", "character 1: expected the name of an entity type"),
        ("Home,", "character 6: expected the name of an entity type, found the end"),
        ("(Home;Vehicle", "character 14: expected ';', '|' or ')'"),
        ("Home Vehicle", "character 6: expected ';' or '|' or the end"),
        ("5Home", "character 1: expected the name"),
        ("Home)", "character 5: expected"),
        ("<script>", "character 1: expected the name"),
        ("(" * (MAX_DEPTH + 1) + "A", "at most"),
    ],
)
def test_faulty_selections(text: Any, words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_types(text)
    assert words in caught.value.sentence


type_names = st.sampled_from(["Home", "Straße", "ex:Home", "a-b", "https://x.org/v1.2/Home"])


@given(_grown(type_names.map(TypeName)))
def test_printing_then_parsing_a_selection_is_the_identity(tree: Any) -> None:
    assert parse_types(print_types(tree)) == tree


@given(st.text("Ab:/;|,() <5é", max_size=15) | st.text(max_size=15))
def test_any_text_is_a_selection_or_a_bad_request(text: str) -> None:
    try:
        tree = parse_types(text)
    except BadRequest as refusal:
        assert refusal.fact
    else:
        assert parse_types(print_types(tree)) == tree


def test_types_are_expanded() -> None:
    tree = expand_types(parse_types("(A;B)|C"), lambda term: f"https://x/{term}")
    assert print_types(tree) == "(https://x/A;https://x/B)|https://x/C"


# -- scopes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/Madrid", True),
        ("Madrid", True),
        ("/Madrid/Gardens/ParqueNorte", True),
        ("/Straße_7/日本", True),
        ("", False),
        ("/", False),
        ("//Madrid", False),
        ("/Madrid/", False),
        ("/7th", False),
        ("/Madrid/#", False),
        ("/Madrid/+", False),
        ("/Mad rid", False),
        ("/A" * 65, False),
        (None, False),
    ],
)
def test_scopes(text: Any, expected: bool) -> None:
    assert is_scope(text) is expected


@pytest.mark.parametrize(
    ("query", "scopes", "expected"),
    [
        ("/Madrid", ["/Madrid"], True),
        ("/Madrid", ["Madrid"], True),
        ("/Madrid", ["/Madrid/Gardens"], False),
        ("/Madrid/Gardens/#", ["/Madrid/Gardens"], True),
        ("/Madrid/Gardens/#", ["/Madrid/Gardens/ParqueNorte/Parterre1"], True),
        ("/Madrid/Gardens/#", ["/Madrid"], False),
        ("/Madrid/+/ParqueNorte", ["/Madrid/Sights/ParqueNorte"], True),
        ("/Madrid/+/ParqueNorte", ["/Madrid/ParqueNorte"], False),
        ("/+/Sights/#", ["/Madrid/Sights"], True),
        ("/#", ["/Anything"], True),
        ("/#", [], False),
        ("(/Madrid/Districts;/CompanyA)", ["/CompanyA", "/Madrid/Districts"], True),
        ("(/Madrid/Districts;/CompanyA)", ["/CompanyA"], False),
        ("(/Madrid/Districts;/CompanyA)|CompanyB", ["/CompanyB"], True),
        ("/Madrid/Districts;/CompanyA,/CompanyB", ["/CompanyB"], True),
    ],
)
def test_scope_queries(query: str, scopes: list[str], expected: bool) -> None:
    assert in_scope(parse_scope_query(query), scopes) is expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("/", "character 2: expected a scope level"),
        ("#", "character 1: expected a scope level"),
        ("/Madrid/", "character 9: expected a scope level"),
        ("/Madrid/#/x", "character 10: expected ';'"),
        ("/Madrid#", "character 8: expected ';'"),
        ("/7", "character 2: expected a scope level"),
        ("/A" * 65, "at most 64 levels"),
        (7, "not a text"),
    ],
)
def test_faulty_scope_queries(text: Any, words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_scope_query(text)
    assert words in caught.value.sentence


levels = st.lists(st.sampled_from(["Madrid", "ñ_1", "+"]), max_size=4)
patterns = st.one_of(
    levels.map(lambda found: ScopePattern((*found, "#"))),
    levels.filter(bool).map(lambda found: ScopePattern(tuple(found))),
)


@given(_grown(patterns))
def test_printing_then_parsing_a_scope_query_is_the_identity(tree: Any) -> None:
    assert parse_scope_query(print_scope_query(tree)) == tree


@given(st.text("/Ab+#;|,() 5", max_size=15) | st.text(max_size=15))
def test_any_text_is_a_scope_query_or_a_bad_request(text: str) -> None:
    try:
        tree = parse_scope_query(text)
    except BadRequest as refusal:
        assert refusal.fact
    else:
        assert parse_scope_query(print_scope_query(tree)) == tree
