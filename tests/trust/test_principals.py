"""Principals, and what a token leaves of their rights."""

from __future__ import annotations

import pytest

from hansa.trust.principals import (
    LOCAL,
    OPERATOR,
    PUBLIC,
    Narrowing,
    Principal,
    new_token,
    token_hash,
    token_matches,
)


def test_only_the_operator_has_every_role() -> None:
    ana = Principal("ana", "staff", frozenset({"planner"}))
    assert ana.has("planner")
    assert not ana.has("administrator")
    assert OPERATOR.has("administrator")
    assert LOCAL.has("auditor")
    assert not PUBLIC.has("planner")


@pytest.mark.parametrize(
    ("narrowing", "scope", "tenant", "covered"),
    [
        (Narrowing(frozenset({"read"})), "read", None, True),
        (Narrowing(frozenset({"read"})), "read", "harbour", True),
        (Narrowing(frozenset({"read"})), "write", None, False),
        (Narrowing(frozenset({"read"}), tenant="harbour"), "read", "harbour", True),
        (Narrowing(frozenset({"read"}), tenant="harbour"), "read", None, False),
        (Narrowing(frozenset({"read"}), tenant=""), "read", None, True),
        (Narrowing(frozenset({"read"}), tenant=""), "read", "harbour", False),
        (Narrowing(frozenset({"write"}), tenant=""), "admin", None, False),
    ],
)
def test_a_token_narrows_and_never_widens(
    narrowing: Narrowing, scope: str, tenant: str | None, covered: bool
) -> None:
    principal = Principal("ana", "staff", narrowing=narrowing)
    assert principal.may(scope, tenant) is covered  # type: ignore[arg-type]
    assert Principal("ana", "staff").may(scope, tenant)  # type: ignore[arg-type]


def test_a_token_is_known_by_its_hash_alone() -> None:
    token = new_token()
    assert token_matches(token, token_hash(token))
    assert not token_matches(token + "x", token_hash(token))
    assert not token_matches(token, "")
    assert not token_matches("\udcff", token_hash(token))
