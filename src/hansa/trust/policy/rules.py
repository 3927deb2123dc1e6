"""All rules that are in force, and whom they concern: the views that they give, made once and kept.

What is kept is only a copy: it goes with the rules from which it was made, and each view with the window of time in
which it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from hansa.kernel.errors import TooManyRequests
from hansa.kernel.pace import Pace
from hansa.trust.occasion import current
from hansa.trust.policy.compile import compiled
from hansa.trust.policy.model import Policy, Rule
from hansa.trust.policy.view import Action, View
from hansa.trust.principals import PUBLIC, Principal

__all__ = ["RuleBook"]

_MOST_KEPT: Final = 2_000
_Key = tuple[str, str, frozenset[str], str | None, str, Action, str | None]
"""All of a principal that a rule can ask for, what they do, and the tenant."""


_Ids = tuple[frozenset[str], frozenset[str]]
"""Identifiers of permissions, and of prohibitions."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What was worked out for somebody."""

    view: View
    rules: tuple[Rule, ...]
    paced: bool


class RuleBook:
    """The rules of some policies.

    Args:
        policies: those in force.
        count: the counter of changes when they were read.
    """

    def __init__(self, policies: Sequence[Policy], count: int) -> None:
        self.policies = tuple(policies)
        self.count = count
        self._found: dict[_Key, _Found] = {}
        self._views: dict[tuple[object, ...], View] = {}
        self._paces: dict[str, Pace] = {}
        tenants = {each.tenant for each in self.policies}
        self._about = {tenant: _by_party(self.rules(tenant)) for tenant in tenants}
        self._timed = {
            tenant: [rule for rule in self.rules(tenant) if rule.since or rule.until]
            for tenant in tenants
        }
        self._public: dict[tuple[Action, str | None], tuple[datetime | None, _Ids]] = {}

    def rules(self, tenant: str | None) -> list[Rule]:
        """The rules about a tenant."""
        return [rule for each in self.policies if each.tenant == tenant for rule in each.rules]

    def concerning(
        self, who: Principal, action: Action, tenant: str | None, now: datetime
    ) -> list[Rule]:
        """The rules about what `who` does in a tenant, that hold now."""
        return [
            rule for rule in self._of(who, tenant) if rule.concerns(who, action) and rule.holds(now)
        ]

    def _of(self, who: Principal, tenant: str | None) -> list[Rule]:
        """The rules that name `who` in some way, in their order: so many rules for others cost nothing."""
        about = self._about.get(tenant, {})
        found = {number: rule for key in _keys(who) for number, rule in about.get(key, ())}
        return [found[number] for number in sorted(found)]

    def view(
        self,
        who: Principal,
        action: Action,
        tenant: str | None,
        now: datetime,
        *,
        counts: bool = True,
    ) -> View:
        """What `who` may see, by the rules alone.

        If it `counts`, it is one use of a rule that has a rate; all questions of one request together are one.
        """
        key = (who.name, who.kind, frozenset(who.roles), who.purpose, who.token, action, tenant)
        found = self._found.get(key)
        if found is None or (found.view.until is not None and now >= found.view.until):
            found = self._work_out(who, action, tenant, now)
            if len(self._found) >= _MOST_KEPT:
                self._found.clear()
                self._views.clear()
            self._found[key] = found
        return self._paced(who, found) if found.paced and counts else found.view

    def _work_out(
        self, who: Principal, action: Action, tenant: str | None, now: datetime
    ) -> _Found:
        rules = tuple(self.concerning(who, action, tenant, now))
        turn = self._turn(who, action, tenant, now)
        public = _is_public(rules, self._everybody(action, tenant, now))
        view = self._made(action, rules, public, turn)
        return _Found(view, rules, any(rule.rate for rule in rules))

    def _turn(
        self, who: Principal, action: Action, tenant: str | None, now: datetime
    ) -> datetime | None:
        """When next a rule about `who`, or about everybody, begins or ends to hold."""
        turns = (
            rule.turns(now)
            for rule in self._timed.get(tenant, ())
            if rule.concerns(who, action) or rule.concerns(PUBLIC, action)
        )
        return min((each for each in turns if each is not None), default=None)

    def _everybody(self, action: Action, tenant: str | None, now: datetime) -> _Ids:
        """The permissions and prohibitions that concern everybody now, by their identifiers."""
        known = self._public.get((action, tenant))
        if known is None or (known[0] is not None and now >= known[0]):
            rules = self.concerning(PUBLIC, action, tenant, now)
            turn = self._turn(PUBLIC, action, tenant, now)
            known = self._public[action, tenant] = turn, _ids(rules)
        return known[1]

    def _made(
        self, action: Action, rules: Sequence[Rule], public: bool, until: datetime | None
    ) -> View:
        """The view of these rules, the same object for all who are under them."""
        key = (action, tuple(rule.id for rule in rules), public, until)
        if key not in self._views:
            self._views[key] = replace(compiled(action, rules, until), public=public)
        return self._views[key]

    def _paced(self, who: Principal, found: _Found) -> View:
        """The view without the permissions of which `who` made too much use of late."""
        # What follows a subscription goes on for long after the request that made it.
        occasion = None if found.view.action == "subscribe" else current()
        uses = {} if occasion is None else occasion.uses
        left = tuple(each for each in found.rules if not each.rate or self._takes(each, who, uses))
        if left == found.rules:
            return found.view
        view = self._made(found.view.action, left, found.view.public, found.view.until)
        if view.nothing:
            rated = next(rule for rule in found.rules if rule.rate)
            view = replace(view, reason=f"asked more often than {rated.id} permits")
        return view

    def _takes(self, rule: Rule, who: Principal, uses: dict[tuple[str, ...], bool]) -> bool:
        use = rule.id, who.name, who.token
        if use not in uses:
            pace = self._paces.setdefault(rule.id, Pace(rule.rate))
            try:
                pace.take(f"{who.name}\n{who.token}", who.name)
                uses[use] = True
            except TooManyRequests:
                uses[use] = False
        return uses[use]

    def keep_paces(self, before: RuleBook) -> None:
        """Go on counting what was counted under the rules as they stood before."""
        self._paces.update(before._paces)


def _by_party(rules: Sequence[Rule]) -> dict[tuple[str, str], list[tuple[int, Rule]]]:
    """Rules with their places, by each party that they name."""
    found: dict[tuple[str, str], list[tuple[int, Rule]]] = {}
    for number, rule in enumerate(rules):
        for party in rule.parties:
            found.setdefault((party.kind, party.value), []).append((number, rule))
    return found


def _keys(who: Principal) -> list[tuple[str, str]]:
    """The parties that `who` may belong to."""
    roles = [("role", role) for role in who.roles]
    client = [("client", who.name.removeprefix("client:"))] if who.name[:7] == "client:" else []
    return [("everyone", ""), ("kind", who.kind), ("name", who.name), *roles, *client]


def _ids(rules: Sequence[Rule]) -> _Ids:
    permissions = frozenset(rule.id for rule in rules if rule.permits)
    return permissions, frozenset(rule.id for rule in rules if not rule.permits)


def _is_public(rules: Sequence[Rule], everybody: _Ids) -> bool:
    """Whether those under `rules` see nothing that not everybody sees: less is permitted, more is prohibited."""
    permitted, prohibited = _ids(rules)
    return permitted <= everybody[0] and everybody[1] <= prohibited
