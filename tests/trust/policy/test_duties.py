"""Obligations go with what is given, and purposes are asked for: in answers, notifications and the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest, Forbidden
from hansa.ngsild.city import city_iri
from hansa.trust.policy.duties import codes, header
from hansa.trust.policy.parse import parse_policy
from hansa.trust.policy.rules import RuleBook
from hansa.trust.policy.view import ACTIONS, Obligation
from hansa.trust.principals import OPERATOR, PUBLIC, Principal
from hansa.trust.purposes import with_purpose
from tests.notify.receiver import receiving
from tests.trust.policy.documents import PRINCIPALS, constraint, policies, rule
from tests.trust.policy.ruled import Ruled, prop, ruled

TREE = {"id": "urn:ngsi-ld:Tree:1", "type": "Tree", "height": prop(7)}
DELETE = constraint("retention", "lteq", "P30D")
KEEP = constraint("onwardTransfer", "eq", "none")
NAMED = {"action": "attribute", "constraint": [constraint("attributedParty", "eq", "Visby stad å")]}
OF_TREES = constraint("entityType", "isAnyOf", ["Tree"])


@pytest.fixture
def city(tmp_path: Path) -> Iterator[Ruled]:
    with ruled(tmp_path) as made:
        made.person("ana")
        made.person("bo")
        made.put(TREE)
        yield made


def test_obligations_go_with_answers_notifications_and_the_log(city: Ruled) -> None:
    city.declare("shut", prohibition=[rule("read", ["kind:public", "name:bo"], OF_TREES)])
    promised = rule(["read", "subscribe"], "name:ana", DELETE, KEEP)
    city.declare("promises", permission=[{**promised, "duty": [NAMED]}])
    told = 'attribution;text=%"Visby stad %c3%a5", delete;after="P30D", no-transfer'
    for url in ("/entities?type=Tree", "/entities/urn:ngsi-ld:Tree:1", "/types"):
        answer = city.ask("ana", "GET", url)
        assert answer.status_code == 200 and answer.headers["hansa-obligations"] == told
        assert "hansa-obligations" not in city.ask("bo", "GET", "/entities?type=Tree").headers
    rules = [each.rules for each in city.entries("read")]
    assert rules and {"duty:delete:P30D", "duty:no-transfer", "duty:attribution"} <= set(rules[-1])
    with receiving() as receiver:
        wish = {
            "type": "Subscription",
            "entities": [{"type": "Tree"}],
            "notification": {"endpoint": {"uri": receiver.url}},
        }
        assert city.ask("ana", "POST", "/subscriptions", json=wish).status_code == 201
        city.put({**TREE, "id": "urn:ngsi-ld:Tree:2"})
        (got,) = receiver.wait(1)
        assert got.headers["hansa-obligations"] == told


def test_an_account_says_what_for_and_a_rule_asks(city: Ruled) -> None:
    research = constraint("purpose", "isAnyOf", ["research"])
    city.declare("shut", prohibition=[rule("read", "kind:public", OF_TREES)])
    city.node.trust.policies.withdraw(OPERATOR, "published")
    city.declare("research", permission=[rule("read", "role:planner", research)])
    url = "/entities/urn:ngsi-ld:Tree:1"
    assert city.ask("ana", "GET", url).status_code == 403
    assert city.ask("ana", "GET", url, headers={"Hansa-Purpose": "sale"}).status_code == 403
    assert city.ask("ana", "GET", url, headers={"Hansa-Purpose": "research"}).status_code == 200
    assert city.ask("public", "GET", url, headers={"Hansa-Purpose": "research"}).status_code == 400
    assert city.ask("ana", "GET", url, headers={"Hansa-Purpose": "a b"}).status_code == 400
    assert [("purpose:research" in each.rules) for each in city.entries("read")] == [True]


def test_a_machine_asks_for_what_its_token_says() -> None:
    machine = Principal("client:bus", "service", purpose="planning")
    assert with_purpose(machine, "planning") == machine
    for who in (machine, replace(machine, purpose=None)):
        with pytest.raises(Forbidden):
            with_purpose(who, "sale")
    with pytest.raises(BadRequest):
        with_purpose(PUBLIC, "planning")
    assert with_purpose(OPERATOR, "x") is OPERATOR


# -- pure -------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50))
def test_any_text_is_one_item_of_plain_signs(text: str) -> None:
    told = header([Obligation("attribution", text)])
    assert told.isascii() and told.isprintable()
    inner = told.removeprefix("attribution;text=")
    if inner.startswith("%"):
        assert unquote_to_bytes(inner[2:-1]).decode() == text
    else:
        assert inner[1:-1].replace('\\"', '"').replace("\\\\", "\\") == text


def test_what_the_log_says_of_them() -> None:
    duties = [
        Obligation("delete", "P30D"),
        Obligation("no-transfer"),
        Obligation("attribution", "x"),
    ]
    assert codes(duties) == ("duty:delete:P30D", "duty:no-transfer", "duty:attribution")
    assert header([]) == "" and codes([]) == ()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(policies(), min_size=1, max_size=3), st.sampled_from(PRINCIPALS))
def test_rules_are_found_by_party_as_by_looking_at_each(documents: Any, who: Principal) -> None:
    found = [parse_policy(f"p{n}", raw, city_iri) for n, raw in enumerate(documents)]
    book = RuleBook(found, 1)
    now = datetime(2026, 6, 1, tzinfo=UTC)
    for action in ACTIONS:
        each = [r for r in book.rules(None) if r.concerns(who, action) and r.holds(now)]
        assert book.concerning(who, action, None, now) == each
