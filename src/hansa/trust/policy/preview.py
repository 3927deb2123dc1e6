"""What a change of the rules would change, before it is made: how many entities come into sight, or go out of it.

Compared are the rules as they stand with the rules as they would stand, for everybody and for each party that a changed
rule names, type by type, and attribute by attribute where a changed rule names some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from hansa.store.port import Reader
from hansa.trust.policy.compile import compiled
from hansa.trust.policy.explain import counted
from hansa.trust.policy.model import Party, Policy, Rule
from hansa.trust.policy.rules import RuleBook
from hansa.trust.policy.view import View
from hansa.trust.principals import PUBLIC, Kind, Principal, Role

__all__ = ["Difference", "differences"]


@dataclass(frozen=True, slots=True)
class Difference:
    """For whom how many entities of a type, or how many values of an attribute of them, there are before and after."""

    who: str
    type: str
    attribute: str
    before: int
    after: int


def differences(
    reader: Reader, book: RuleBook, name: str, after: Policy | None, now: datetime
) -> list[Difference]:
    """What differs if the policy `name` becomes `after` (``None``: is withdrawn).

    Args:
        reader: all of the tenant that the policy is about.
        book: the rules as they stand.
        name: the policy's name.
        after: what it would be.
        now: the moment for which it is asked.
    """
    before = next((each for each in book.policies if each.name == name), None)
    tenant = after.tenant if after is not None else before.tenant if before is not None else None
    others = [each for each in book.policies if each.name != name]
    then = RuleBook([*others, *([after] if after else [])], -1)
    changed = [rule for policy in (before, after) if policy is not None for rule in policy.rules]
    types = sorted({type for shape in reader.shapes() for type in shape.types})
    attributes = ["", *sorted({each for rule in changed for each in rule.attributes})]
    found: list[Difference] = []
    for label, who in _people(changed):
        old, new = _view(book, who, tenant, now), _view(then, who, tenant, now)
        if old.seen != new.seen:
            found += _counted(reader, label, old, new, types, attributes)
    return found


def _counted(
    reader: Reader, label: str, old: View, new: View, types: list[str], attributes: list[str]
) -> list[Difference]:
    found = []
    for type in types:
        for attribute in attributes:
            before = counted(reader, type, attribute, old.seen)
            after = counted(reader, type, attribute, new.seen)
            if before != after:
                found.append(Difference(label, type, attribute, before, after))
    return found


def _view(book: RuleBook, who: Principal, tenant: str | None, now: datetime) -> View:
    return compiled("read", book.concerning(who, "read", tenant, now))


def _people(rules: Sequence[Rule]) -> list[tuple[str, Principal]]:
    """Somebody for each party of the rules: with the first purpose of the rule that names it, where it has any."""
    found: dict[str, Principal] = {"kind:public": PUBLIC}
    for rule in rules:
        for party in rule.parties:
            who = _somebody(party, rule.purposes[0] if rule.purposes else None)
            if who is not None:
                found.setdefault(str(party), who)
    return list(found.items())


def _somebody(party: Party, purpose: str | None) -> Principal | None:
    match party.kind:
        case "kind":
            return Principal(str(party), cast(Kind, party.value), purpose=purpose)
        case "role":
            roles = frozenset({cast(Role, party.value)})
            return Principal(str(party), "staff", roles, purpose=purpose)
        case "name":
            return Principal(party.value, "staff", purpose=purpose)
        case "client":
            return Principal(f"client:{party.value}", "service", purpose=purpose)
    return None
