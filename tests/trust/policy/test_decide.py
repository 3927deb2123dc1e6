"""What rules decide: no permission, no access; a prohibition wins; and a view says the same of all entities at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.ngsild.city import city_iri
from hansa.store.within import within_test
from hansa.trust.policy.compile import compiled
from hansa.trust.policy.decide import Answer, decided
from hansa.trust.policy.model import Rule
from hansa.trust.policy.parse import parse_policy
from hansa.trust.policy.view import ACTIONS, ALL, NONE, Action, View
from hansa.trust.principals import Principal
from tests.trust.policy.documents import (
    ATTRIBUTES,
    PRINCIPALS,
    constraint,
    document,
    entities,
    permissions,
    policies,
    prohibitions,
    rule,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ENTITIES = entities()
NAMES = [None, *map(city_iri, ATTRIBUTES), city_iri("speed")]

actions = st.sampled_from(ACTIONS)
people = st.sampled_from(PRINCIPALS)


def concerning(raw: dict[str, Any], who: Principal, action: Action) -> list[Rule]:
    """The rules of a policy that are about somebody, now."""
    policy = parse_policy("p", raw, city_iri)
    return [each for each in policy.rules if each.concerns(who, action) and each.holds(NOW)]


def answers(rules: list[Rule]) -> dict[tuple[int, str | None], Answer]:
    """What the rules say of each entity, and of each attribute that it has."""
    return {
        (number, name): decided(rules, entity, name)
        for number, entity in enumerate(ENTITIES)
        for name in NAMES
        if name is None or name in entity
    }


def seen(view: View | None) -> dict[tuple[int, str | None], int]:
    """What a view shows of the same, and from which size of groups on."""
    found: dict[tuple[int, str | None], int] = {}
    while view is not None:
        there = within_test(view.seen.entities)
        tests = {name: within_test(view.seen.attribute(name)) for name in NAMES if name}
        for number, entity in enumerate(ENTITIES):
            if there(entity):
                found.setdefault((number, None), view.smallest_group)
                for name, test in tests.items():
                    if name in entity and test(entity):
                        found.setdefault((number, name), view.smallest_group)
        view = view.wider
    return found


def allowed(rules: list[Rule]) -> set[tuple[int, str | None]]:
    return {key for key, answer in answers(rules).items() if answer.allowed}


@settings(max_examples=60, deadline=None)
@given(policies(), people, actions)
def test_a_view_says_what_the_rules_decide(
    raw: dict[str, Any], who: Principal, action: Action
) -> None:
    rules = concerning(raw, who, action)
    told = {key: each.group for key, each in answers(rules).items() if each.allowed}
    assert seen(compiled(action, rules)) == told


@settings(max_examples=40, deadline=None)
@given(policies(), permissions, people, actions)
def test_one_more_permission_never_shows_less(
    raw: dict[str, Any], more: dict[str, Any], who: Principal, action: Action
) -> None:
    before = allowed(concerning(raw, who, action))
    after = concerning({**raw, "permission": [*raw["permission"], more]}, who, action)
    assert before <= allowed(after)
    assert before <= seen(compiled(action, after)).keys()


@settings(max_examples=40, deadline=None)
@given(policies(), prohibitions, people, actions)
def test_one_more_prohibition_never_shows_more(
    raw: dict[str, Any], more: dict[str, Any], who: Principal, action: Action
) -> None:
    before = allowed(concerning(raw, who, action))
    after = concerning({**raw, "prohibition": [*raw.get("prohibition", ()), more]}, who, action)
    assert allowed(after) <= before
    assert seen(compiled(action, after)).keys() <= before


@settings(max_examples=40, deadline=None)
@given(policies(), people, actions)
def test_what_is_prohibited_to_all_nobody_sees(
    raw: dict[str, Any], who: Principal, action: Action
) -> None:
    none = {**raw, "prohibition": [rule(["read", "aggregate"])]}
    rules = concerning(none, who, action)
    assert not allowed(rules)
    assert compiled(action, rules).nothing


@settings(max_examples=25, deadline=None)
@given(policies(), people, actions, st.integers(min_value=0, max_value=6))
def test_the_order_of_rules_decides_nothing(
    raw: dict[str, Any], who: Principal, action: Action, turn: int
) -> None:
    rules = concerning(raw, who, action)
    turned = rules[turn:] + rules[:turn]
    assert allowed(turned) == allowed(rules)


def test_without_a_permission_there_is_nothing_and_it_says_so() -> None:
    view = compiled("read", [])
    assert view.nothing and view.seen.entities == NONE
    assert view.reason == "no rule permits to read here"
    assert decided([], ENTITIES[0]) == Answer(False, "no-rule")


def test_what_is_published_whole_needs_no_filter() -> None:
    raw = document(permission=[rule(["read", "subscribe"])])
    view = compiled("read", concerning(raw, PRINCIPALS[0], "read"))
    assert view.whole and view.seen.entities == ALL
    assert view.reason == "permitted by p:1/permission/1"


@pytest.mark.parametrize("action", ["read", "subscribe", "republish"])
def test_who_may_not_read_may_not_be_notified_or_pass_on(action: Action) -> None:
    raw = document(
        permission=[rule(["read", "subscribe", "republish"])],
        prohibition=[rule("read", "everyone", constraint("entityType", "isAnyOf", ["Tree"]))],
    )
    rules = concerning(raw, PRINCIPALS[0], action)
    tree, bench = ENTITIES[0], ENTITIES[-1]
    refusal = decided(rules, tree)
    assert not refusal.allowed and refusal.reason == "p:1/prohibition/1 prohibits it"
    assert decided(rules, bench).allowed


def test_no_stated_purpose_is_every_prohibited_and_no_permitted_one() -> None:
    planning = constraint("purpose", "isAnyOf", ["planning"])
    permitted = document(permission=[rule("read", "role:planner", planning)])
    prohibited = document(prohibition=[rule("read", "role:planner", planning)])
    silent, stated, _ = PRINCIPALS[1], PRINCIPALS[2], PRINCIPALS[3]
    other = Principal("ana", "staff", frozenset({"planner"}), purpose="research")
    assert [len(concerning(permitted, who, "read")) for who in (silent, stated, other)] == [0, 1, 0]
    assert [len(concerning(prohibited, who, "read")) for who in (silent, stated, other)] == [
        1,
        1,
        0,
    ]


def test_the_smallest_groups_come_first() -> None:
    wide = rule("aggregate", "everyone", constraint("groupSize", "gteq", 10))
    tight = rule(
        "aggregate",
        "everyone",
        constraint("groupSize", "gteq", 3),
        constraint("entityType", "isAnyOf", ["Tree"]),
    )
    rules = concerning(document(permission=[wide, tight]), PRINCIPALS[0], "aggregate")
    view = compiled("aggregate", rules)
    assert view.smallest_group == 3 and not view.whole
    assert view.wider is not None and view.wider.smallest_group == 10 and view.wider.whole
    assert view.wider.wider is None
