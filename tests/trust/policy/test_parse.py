"""Reading policies: what is of the profile is understood, all else is refused by name with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest
from hansa.ngsild.city import city_iri
from hansa.trust.policy.model import Party
from hansa.trust.policy.operands import DUTIES, LIMITS, OPERANDS
from hansa.trust.policy.parse import CONTEXT, decoded, parse_party, parse_policy
from hansa.trust.policy.view import Obligation
from tests.trust.policy.documents import CORNER, constraint, document, policies, rule

ANA = "name:ana"
PERMIT: dict[str, tuple[str, Any]] = {
    "purpose": ("isAnyOf", ["planning"]),
    "dateTime": ("gteq", "2027-01-01T00:00:00Z"),
    "entityType": ("isAnyOf", ["Tree"]),
    "idPattern": ("eq", "^urn:"),
    "attribute": ("isAnyOf", ["height"]),
    "scope": ("isPartOf", "/Coquimbo/#"),
    "area": ("isPartOf", CORNER),
    "rate": ("lteq", 60),
    "retention": ("lteq", "P30D"),
    "onwardTransfer": ("eq", "none"),
}


def read(**members: Any) -> Any:
    return parse_policy("p", document(**members), city_iri)


def refused(**members: Any) -> str:
    with pytest.raises(BadRequest) as told:
        read(**members)
    return told.value.sentence


def test_all_that_a_permission_may_say_is_understood() -> None:
    full = rule("read", [ANA, "role:planner"], *(constraint(n, *c) for n, c in PERMIT.items()))
    full["duty"] = [
        {"action": "attribute", "constraint": [constraint("attributedParty", "eq", "City of X")]},
        {"action": "delete", "constraint": [constraint("elapsedTime", "lteq", "P1Y")]},
    ]
    policy = read(
        permission=[full], title={"en": "Trees", "es": "Árboles"}, **{"@context": CONTEXT}
    )
    (found,) = policy.rules
    assert policy.tenant is None and policy.title["es"] == "Árboles"
    assert found.id == "p:1/permission/1" and found.permits and found.actions == {"read"}
    assert found.parties == (Party("name", "ana"), Party("role", "planner"))
    assert found.types == (city_iri("Tree"),) and found.attributes == (city_iri("height"),)
    assert found.purposes == ("planning",) and found.rate == 60 and found.area is not None
    assert set(found.duties) == {
        Obligation("attribution", "City of X"),
        Obligation("delete", "P1Y"),
        Obligation("delete", "P30D"),
        Obligation("no-transfer"),
    }


def test_every_operand_is_tried_here() -> None:
    assert OPERANDS.keys() == PERMIT.keys() | {"groupSize", "privacyBudget"}
    assert DUTIES.keys() == {"attribute", "log", "delete"}


@pytest.mark.parametrize("name", ["rate", "retention", "onwardTransfer"])
def test_a_prohibition_says_nothing_that_only_a_permission_can(name: str) -> None:
    told = refused(prohibition=[rule("read", ANA, constraint(name, *PERMIT[name]))])
    assert told.startswith(f"the policy, prohibition[0].constraint[0]: '{name}' says nothing")


def test_what_cannot_be_carried_out_is_refused_and_not_passed_over() -> None:
    told = refused(permission=[rule("read", ANA, constraint("privacyBudget", "lteq", 1))])
    assert "permission[0].constraint[0]: 'privacyBudget' cannot be carried out" in told


@pytest.mark.parametrize("name", ["purpose", "retention", "onwardTransfer"])
@pytest.mark.parametrize("party", ["everyone", "kind:public"])
def test_a_promise_binds_nobody_without_a_name(name: str, party: str) -> None:
    told = refused(permission=[rule("read", [ANA, party], constraint(name, *PERMIT[name]))])
    assert f"'{name}' binds nobody who has no name" in told


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"permission": [rule()], "obligation": []}, "the policy: has the unknown member"),
        ({"permission": []}, "the policy, permission: has 0 items"),
        ({}, "the policy: has 0 rules"),
        ({"permission": [rule() | {"duty": [{"action": "log"}]}]}, "cannot be carried out"),
        ({"permission": [rule() | {"target": "x"}]}, "permission[0]: has the unknown member"),
        ({"prohibition": [rule() | {"duty": []}]}, "prohibition[0]: has the unknown member 'duty'"),
        ({"permission": [{"action": "read"}]}, "permission[0]: lacks the member 'assignee'"),
        ({"permission": [rule("use")]}, "permission[0].action: 'use' is not known"),
        (
            {"permission": [rule("read", "planner")]},
            "permission[0].assignee: 'planner' names nobody",
        ),
        ({"permission": [rule("read", "kind:operator")]}, "'operator' is not known"),
        ({"permission": [rule("read", "role:king")]}, "'king' is not known"),
        ({"permission": [rule("read", "everyone:x")]}, "names nobody"),
        ({"permission": [rule("aggregate")]}, "without a least size of groups"),
        ({"permission": [rule()], "@type": "Agreement"}, "@type: 'Agreement' is for agreements"),
        ({"permission": [rule()], "@context": "https://evil.example"}, "@context: is another one"),
        ({"permission": [rule()], "profile": "x"}, "profile: 'x' is not known"),
        ({"permission": [rule()], "uid": "urn:hansa:policy:q"}, "uid: is not its name"),
        ({"permission": [rule()], "target": "urn:hansa:tenant:../x"}, "target: is no tenant"),
        ({"permission": [rule()], "target": "water"}, "target: is no tenant"),
        ({"permission": [rule()], "title": {"de": "x"}}, "title: has the unknown member 'de'"),
        ({"permission": [rule()], "title": "a\u202eb"}, "title: is no text"),
    ],
)
def test_what_is_not_of_the_profile_is_refused_where_it_stands(
    members: dict[str, Any], place: str
) -> None:
    assert place in refused(**members)


@pytest.mark.parametrize(
    ("left", "operator", "right"),
    [
        ("entityType", "isNoneOf", ["Tree"]),
        ("entityType", "isAnyOf", "Tree"),
        ("entityType", "isAnyOf", []),
        ("entityType", "isAnyOf", ["a b"]),
        ("entityType", "isAnyOf", ["a"] * 101),
        ("attribute", "isAnyOf", ["id"]),
        ("idPattern", "eq", "(a"),
        ("idPattern", "eq", r"(a)\1"),
        ("idPattern", "eq", "a" * 501),
        ("scope", "isPartOf", "/a//b"),
        ("area", "isPartOf", {"type": "Point", "coordinates": [1, 2]}),
        ("area", "isPartOf", {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}),
        ("area", "isPartOf", {"type": "Polygon", "coordinates": [[["0", 0]]]}),
        ("area", "isPartOf", CORNER | {"crs": "x"}),
        ("dateTime", "gteq", "2027-01-01"),
        ("dateTime", "eq", "2027-01-01T00:00:00Z"),
        ("dateTime", "gteq", "2027-02-30T00:00:00Z"),
        ("rate", "lteq", 0),
        ("rate", "lteq", True),
        ("rate", "lteq", 1.5),
        ("groupSize", "gteq", 5),
        ("retention", "lteq", "P0D"),
        ("retention", "lteq", "soon"),
        ("onwardTransfer", "eq", "some"),
        ("spatial", "eq", "x"),
    ],
)
def test_what_a_constraint_cannot_say_is_refused(left: str, operator: str, right: Any) -> None:
    told = refused(permission=[rule("read", ANA, constraint(left, operator, right))])
    assert told.startswith("the policy, permission[0]")


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    window = [
        constraint("dateTime", "gteq", "2027-01-01T00:00:00Z"),
        constraint("dateTime", "lt", "2027-01-01T00:00:00Z"),
    ]
    for both in (window, window[::-1]):
        assert "ends before it begins" in refused(permission=[rule("read", ANA, *both)])


def test_passing_on_cannot_be_permitted_and_forbidden_at_once() -> None:
    told = refused(
        permission=[rule(["read", "republish"], ANA, constraint("onwardTransfer", "eq", "none"))]
    )
    assert "permits to republish, and forbids to pass on" in told


def test_limits_hold() -> None:
    assert "has 101 items" in refused(permission=[rule()] * 101)
    half = [rule()] * 51
    assert "has 102 rules" in refused(permission=half, prohibition=half)
    assert "has 21 items" in refused(permission=[rule("read", ["everyone"] * 21)])
    with pytest.raises(BadRequest, match="longer than"):
        decoded(" " * (LIMITS["bytes of a policy"] + 1))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 60_000, "nested deeper"),
        ('{"a":' * 60_000, "longer than"),
        ('"' + '\\"' * 30_000, "is no JSON"),
        ('{"a": 1, "a": 2}', "names 'a' twice"),
        ('{"a": NaN}', "has the number NaN"),
        ('{"a": -Infinity}', "has the number -Infinity"),
        ('{"a": ' + "9" * 5_000 + "}", "cannot be read"),
        ('{"a":\n  x}', "line 2, column 3"),
        (b"\xff\xfe", "UTF-8"),
        ("", "is no JSON"),
    ],
)
def test_hostile_text_is_refused(text: str | bytes, told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        decoded(text)


@settings(max_examples=100)
@given(policies())
def test_what_is_written_out_reads_the_same(raw: dict[str, Any]) -> None:
    again = parse_policy("p", decoded(json.dumps(raw)), city_iri)
    assert again.rules == parse_policy("p", raw, city_iri).rules


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=300)
@given(policies(), junk, st.data())
def test_whatever_is_put_in_it_is_read_or_refused(raw: dict[str, Any], odd: Any, data: Any) -> None:
    at: Any = raw
    while True:
        keys = list(at) if isinstance(at, dict) else range(len(at))
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(at[key], dict | list) or not at[key] or data.draw(st.booleans()):
            break
        at = at[key]
    at[key] = odd
    try:
        parse_policy("p", raw, city_iri)
    except BadRequest as told:
        assert told.sentence.startswith("the policy")


@given(st.text(max_size=40) | st.binary(max_size=40))
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    try:
        parse_policy("p", decoded(text), city_iri)
    except BadRequest as told:
        assert told.sentence.startswith("the policy")


@given(st.text(max_size=30))
def test_any_party_is_read_or_refused(text: str) -> None:
    try:
        assert str(parse_party(text)) == text
    except BadRequest as told:
        assert "assignee" in told.subject
