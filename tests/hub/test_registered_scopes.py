"""What a registered scope means: who is asked, and for what (clauses 4.18, 4.19, 4.3.6.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.hub.registrations.scopes import holds, limit, may_meet, narrowed
from hansa.ngsild.scope import in_scope, parse_scope_query, print_scope_query

LEVELS = st.lists(st.sampled_from(["A", "B", "C"]), min_size=1, max_size=4)
SCOPES = LEVELS.map(lambda levels: "/" + "/".join(levels))
PATTERNS = st.builds(
    lambda levels, end: "/" + "/".join(levels) + end,
    st.lists(st.sampled_from(["A", "B", "C", "+"]), min_size=1, max_size=4),
    st.sampled_from(["", "/#"]),
)
QUERIES = st.one_of(
    PATTERNS,
    st.builds(lambda a, b: f"{a}|{b}", PATTERNS, PATTERNS),
    st.builds(lambda a, b: f"({a};{b})", PATTERNS, PATTERNS),
).map(parse_scope_query)


@pytest.mark.parametrize(
    ("registered", "wanted", "answer"),
    [
        ("/Madrid", "/Madrid", True),
        ("/Madrid", "/Madrid/Gardens", True),
        ("/Madrid", "/#", True),
        ("/Madrid", "/+/Gardens", True),
        ("/Madrid/Gardens", "/Madrid", False),
        ("/Madrid/Gardens", "/Madrid/#", True),
        ("/Madrid", "/Paris/#", False),
        ("/Madrid", "/Paris|/Madrid", True),
        ("/Madrid", "(/Paris;/Madrid)", False),
    ],
)
def test_who_may_meet_a_scope_query(registered: str, wanted: str, answer: bool) -> None:
    assert may_meet((registered,), parse_scope_query(wanted)) is answer


def test_without_scopes_nothing_is_limited() -> None:
    wanted = parse_scope_query("/Paris")
    assert may_meet((), wanted)
    assert holds((), ["/Rome"])
    assert narrowed((), wanted) is wanted
    assert narrowed((), None) is None


def test_what_a_source_is_asked_for() -> None:
    def shown(wanted: str | None, *registered: str) -> str:
        tree = narrowed(registered, None if wanted is None else parse_scope_query(wanted))
        assert tree is not None
        return print_scope_query(tree)

    assert shown(None, "/Madrid") == "/Madrid/#"
    assert shown(None, "/Madrid", "/Rome") == "/Madrid/#|/Rome/#"
    assert shown("/Madrid/Gardens", "/Madrid") == "/Madrid/Gardens"
    assert shown("/+/Gardens", "/Madrid") == "(/+/Gardens;/Madrid/#)"


@given(st.lists(SCOPES, min_size=1, max_size=2).map(tuple), QUERIES, st.lists(SCOPES, max_size=2))
def test_nothing_that_is_registered_and_wanted_is_missed(
    registered: tuple[str, ...], wanted: object, scopes: list[str]
) -> None:
    asked = narrowed(registered, wanted)  # type: ignore[arg-type]
    assert asked is not None
    meant = holds(registered, scopes) and in_scope(wanted, scopes)  # type: ignore[arg-type]
    assert in_scope(asked, scopes) is meant
    assert parse_scope_query(print_scope_query(asked)) is not None
    if len(scopes) == 1 and meant:
        assert may_meet(registered, wanted)  # type: ignore[arg-type]
    bound = limit(registered)
    assert bound is not None and in_scope(bound, scopes) is holds(registered, scopes)
