"""Claims of a source against what is there: what agrees, what does not, and what cannot be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.trust.sources.facts import Finding, compare

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
RECORD: dict[str, Any] = {
    "data": ["values_time"],
    "access": ["available_to_download"],
    "retention_period": "P30D",
}


def seen(**changes: Any) -> dict[str, Any]:
    return {
        "entities": 3,
        "bytes": 900,
        "types": {"T": [3, 900]},
        "kinds": {"values_time": 3, "tabular": 2},
        "oldest": (NOW - timedelta(days=3)).isoformat(),
    } | changes


def found(claim: str, record: dict[str, Any], *rest: Any) -> list[Finding]:
    return [each for each in compare(RECORD | record, *rest, NOW) if each.claim == claim]


def test_a_source_that_keeps_its_word() -> None:
    findings = compare(RECORD, seen(), {"public": 10, "staff": None}, NOW)
    assert [each.code for each in findings] == [
        "data.as-declared",
        "retention.within",
        "access.as-declared",
    ]
    assert all(each.holds for each in findings)
    assert findings[1].found["days"] == 3


def test_nothing_to_hold_the_claims_against() -> None:
    findings = compare(RECORD, None, {}, NOW)
    assert [each.holds for each in findings] == [None, None, None]


@pytest.mark.parametrize("kind", ["personal", "spatial", "values_time"])
def test_kinds_of_data_that_nobody_declared(kind: str) -> None:
    (finding,) = found("data", {"data": ["tabular"]}, seen(kinds={kind: 7, "tabular": 1}), {})
    assert (finding.holds, finding.code) == (False, "data.undeclared")
    assert finding.found == {"kind": kind, "count": 7}


def test_what_is_declared_and_not_seen_is_no_fault() -> None:
    (finding,) = found("data", {"data": ["spatial", "values_time", "personal"]}, seen(), {})
    assert finding.holds


@pytest.mark.parametrize(
    ("period", "days", "holds", "code"),
    [
        ("P30D", 29, True, "retention.within"),
        ("P30D", 30.5, True, "retention.within"),
        ("P30D", 31.5, False, "retention.older"),
        ("P1M", 45, False, "retention.older"),
        ("PT0S", 0.5, True, "retention.within"),
        ("PT0S", 2, False, "retention.older"),
        ("unlimited", 9_000, True, "retention.unlimited"),
        ("soon", 3, None, "retention.unknown"),
        ("P9999Y", 3, None, "retention.unknown"),
    ],
)
def test_how_old_the_oldest_may_be(period: str, days: float, holds: bool | None, code: str) -> None:
    oldest = (NOW - timedelta(days=days)).isoformat()
    (finding,) = found("retention", {"retention_period": period}, seen(oldest=oldest), {})
    assert (finding.holds, finding.code) == (holds, code)


@pytest.mark.parametrize(
    ("access", "kind", "holds"),
    [
        ("available_to_download", "public", True),
        ("available_to_3rd_parties", "public", False),
        ("available_to_3rd_parties", "city", True),
        ("available_to_the_accountable_organization", "city", False),
        ("available_to_the_accountable_organization", "staff", True),
        ("available_to_the_accountable_organization", "service", True),
        ("not_available_to_the_accountable_organization", "staff", False),
        ("available_to_me", "resident", True),
        ("available_to_vendor", "resident", False),
    ],
)
def test_who_may_have_read(access: str, kind: str, holds: bool) -> None:
    (finding,) = found("access", {"access": [access]}, None, {kind: 12})
    assert finding.holds is holds


@given(
    data=st.lists(st.sampled_from(["personal", "spatial", "values_time", "tabular"]), unique=True),
    kinds=st.dictionaries(
        st.sampled_from(["personal", "spatial", "values_time"]), st.integers(1, 9)
    ),
    days=st.integers(0, 5_000),
    readers=st.dictionaries(st.sampled_from(["public", "city", "staff"]), st.integers(1, 9)),
)
def test_every_claim_gets_a_finding_and_all_can_be_written(
    data: list[str], kinds: dict[str, int], days: int, readers: dict[str, int]
) -> None:
    oldest = (NOW - timedelta(days=days)).isoformat()
    findings = compare(RECORD | {"data": data}, seen(kinds=kinds, oldest=oldest), readers, NOW)
    assert {each.claim for each in findings} == {"data", "retention", "access"}
    assert all(each.to_dict()["code"].startswith(each.claim) for each in findings)
    undeclared = {each.found["kind"] for each in findings if each.code == "data.undeclared"}
    assert undeclared == set(kinds) - set(data)
