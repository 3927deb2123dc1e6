"""Rules of logins from elsewhere: what somebody is here by what a provider says about them. Pure.

A rule is a line ``ROLES if CLAIM=VALUE and CLAIM=VALUE``: roles of staff with commas between, or ``staff`` for staff
without a role, or ``nobody`` for somebody who is not let in. Order: a rule for nobody decides; else the roles of all rules
that apply are put together; where none applies, the person is a resident, or is not let in, as the provider's record
says. So nobody gets a right by logging in that no rule has given.

A claim is named as the provider names it, or by a path with dots; of a list one member must be the value. An ``email`` counts
only if the provider says that it is verified.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from hansa.kernel.errors import BadRequest
from hansa.trust.identity.accounts import checked_roles
from hansa.trust.principals import Role

__all__ = ["Rule", "Standing", "parse_rule", "parsed", "standing"]

_LONGEST: Final = 1000
_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Rule:
    """What somebody is of whom all conditions hold."""

    kind: Literal["staff", "nobody"]
    roles: tuple[Role, ...]
    conditions: tuple[tuple[str, str], ...]

    def applies(self, claims: Mapping[str, Any]) -> bool:
        """Whether all its conditions hold."""
        return all(_holds(claims, claim, value) for claim, value in self.conditions)


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is at this node."""

    kind: Literal["resident", "staff"]
    roles: tuple[Role, ...] = ()


def parse_rule(text: str) -> Rule:
    """The rule that a line says.

    Raises:
        BadRequest: it says none.
    """
    who, word, rest = text.strip().partition(" if ")
    conditions = tuple(_condition(each) for each in rest.split(" and ")) if word else ()
    whole = len(text) <= _LONGEST and not rest.rstrip().endswith(" and")
    if not whole or not all(claim and value for claim, value in conditions or [("", "")]):
        fact, remedy = "is none", "write for example: planner,auditor if groups=city-planners"
        raise BadRequest(f"rule {text[:80]!r}", fact, remedy)
    who = who.strip()
    if who in ("staff", "nobody"):
        return Rule("nobody" if who == "nobody" else "staff", (), conditions)
    return Rule("staff", checked_roles(part.strip() for part in who.split(",")), conditions)


def parsed(texts: Iterable[str]) -> tuple[Rule, ...]:
    """The rules that some lines say.

    Raises:
        BadRequest: one says none, or there are too many.
    """
    found = tuple(map(parse_rule, texts))
    if len(found) > _MOST:
        raise BadRequest(
            "the rules", f"are more than {_MOST}", "give groups to people, and fewer rules"
        )
    return found


def standing(
    rules: Iterable[Rule], claims: Mapping[str, Any], *, residents: bool
) -> Standing | None:
    """What somebody with these claims is; ``None``: they are not let in.

    Args:
        rules: those of the provider.
        claims: what it says about them.
        residents: whether somebody to whom no rule applies is a resident.
    """
    if claims.get("email_verified") is not True:
        claims = {name: value for name, value in claims.items() if name != "email"}
    applying = [rule for rule in rules if rule.applies(claims)]
    if any(rule.kind == "nobody" for rule in applying):
        return None
    if applying:
        return Standing("staff", checked_roles(role for rule in applying for role in rule.roles))
    return Standing("resident") if residents else None


def _condition(text: str) -> tuple[str, str]:
    claim, _, value = text.strip().partition("=")
    return claim.strip(), value.strip()


def _holds(claims: Mapping[str, Any], claim: str, value: str) -> bool:
    found = _found(claims, claim)
    listed = found if isinstance(found, list) else [found]
    return any(_text(each) == value for each in listed)


def _found(claims: Mapping[str, Any], claim: str) -> Any:
    if claim in claims:
        return claims[claim]
    found: Any = claims
    for name in claim.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None
