"""What is counted with noise is what whoever asks may read, and that they asked is in the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hansa.ngsild.city import city_iri
from hansa.node import Node
from hansa.trust.policy.parse import PROFILE
from hansa.trust.principals import LOCAL, OPERATOR, Principal

from .test_counts import ASKED, fill, open_node

PLANNER = Principal("ana", "staff", frozenset({"planner"}))
AUDITOR = Principal("olga", "staff", frozenset({"auditor"}))


def prohibition(assignee: str, operand: str, *values: str) -> dict[str, Any]:
    constraint = {"leftOperand": operand, "operator": "isAnyOf", "rightOperand": list(values)}
    return {"action": "read", "assignee": assignee, "constraint": [constraint]}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = open_node(tmp_path)
    fill(made)
    made.trust.policies.begin()
    yield made
    made.close()


def test_counts_obey_the_rules(node: Node) -> None:
    hiding = {
        "@type": "Set",
        "profile": PROFILE,
        "target": "urn:hansa:city",
        "prohibition": [
            prohibition("kind:public", "entityType", "Trip"),
            prohibition("role:planner", "entityType", "Trip"),
            prohibition("role:auditor", "attribute", "age"),
        ],
    }
    node.trust.policies.declare(LOCAL, "hiding", hiding)
    asked = {**ASKED, "epsilon": 0.4, "by": "age", "among": [30, None]}

    def counted(who: Principal) -> dict[Any, int]:
        told = node.trust.counts.ask(who, asked)["counts"]
        return {each["value"]: each["count"] for each in told}

    hidden = counted(PLANNER)
    assert abs(hidden[30]) < 100
    assert abs(hidden[None]) < 100
    cut = counted(AUDITOR)
    assert abs(cut[30]) < 100
    assert abs(cut[None] - 501) < 100
    whole = counted(OPERATOR)
    assert abs(whole[30] - 300) < 100
    entries = node.trust.log.about("what", f"type:{city_iri('Trip')}")
    assert [entry.entry.reason for entry, _ in entries] == ["by-rule.asked"] * 3
