"""A rule, and what it says of somebody at a moment: whether it concerns them. Pure.

A policy is a named list of rules. A rule permits or prohibits actions to parties, for purposes, in a window of time,
on a part of all entities and some or all of their attributes. Names in it are IRIs.

Two things that follow from what the actions mean: who may not read may not be notified or pass on either, so a
prohibition to *read* forbids *subscribe* and *republish* too; and where somebody states no purpose, a prohibition for
some purposes takes them to have one of these, while a permission for some purposes takes them to have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from shapely.geometry.base import BaseGeometry

from hansa.ngsild.query import ScopeFilter
from hansa.trust.policy.view import Action, Obligation
from hansa.trust.principals import Principal

__all__ = ["Party", "PartyKind", "Policy", "Rule"]

PartyKind = Literal["everyone", "kind", "role", "name", "client"]

_FOLLOWS: Final[Mapping[Action, frozenset[Action]]] = {
    "read": frozenset({"read"}),
    "aggregate": frozenset({"aggregate"}),
    "subscribe": frozenset({"subscribe", "read"}),
    "republish": frozenset({"republish", "read"}),
}
"""By action, the actions whose prohibition forbids it."""


@dataclass(frozen=True, slots=True)
class Party:
    """Whom a rule is about: everyone, or those of a kind, a role, a name, or the client of that identifier."""

    kind: PartyKind
    value: str = ""

    def has(self, who: Principal) -> bool:
        """Whether `who` belongs to it."""
        match self.kind:
            case "everyone":
                return True
            case "kind":
                return who.kind == self.value
            case "role":
                return self.value in who.roles
            case "name":
                return who.kind != "public" and who.name == self.value
            case "client":
                return who.name == f"client:{self.value}"

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}" if self.value else self.kind


@dataclass(frozen=True, slots=True)
class Rule:
    """One permission or prohibition.

    Attributes:
        id: how decisions and the log name it, for example ``open-data:1/permission/1``.
        permits: whether it is a permission.
        actions: what it permits or prohibits.
        parties: whom; any of these.
        purposes: what for; empty: whatever for.
        since: from when on; until: up to before when.
        types, id_pattern, scope, area: on which entities; all that is given must hold.
        attributes: on which attributes of these; empty: all, and the entity itself.
        group: of how many entities an aggregate must at least be made.
        rate: how often a minute somebody may make use of it; 0: as often as they like.
        duties: what goes with what is given.
    """

    id: str
    permits: bool
    actions: frozenset[Action]
    parties: tuple[Party, ...]
    purposes: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    types: tuple[str, ...] = ()
    id_pattern: str | None = None
    scope: ScopeFilter | None = None
    area: BaseGeometry | None = None
    attributes: tuple[str, ...] = ()
    group: int = 1
    rate: int = 0
    duties: tuple[Obligation, ...] = ()

    def __hash__(self) -> int:
        return hash(self.id)

    def concerns(self, who: Principal, action: Action) -> bool:
        """Whether it is about `who` and what they do, at whatever time."""
        about = (
            action in self.actions
            if self.permits
            else not _FOLLOWS[action].isdisjoint(self.actions)
        )
        return about and any(party.has(who) for party in self.parties) and self._for(who.purpose)

    def _for(self, purpose: str | None) -> bool:
        if not self.purposes or purpose in self.purposes:
            return True
        return purpose is None and not self.permits

    def holds(self, now: datetime) -> bool:
        """Whether `now` is in its window of time."""
        return (self.since is None or self.since <= now) and (
            self.until is None or now < self.until
        )

    def turns(self, now: datetime) -> datetime | None:
        """When next it begins or ends to hold; ``None``: it stays as it is."""
        ahead = [each for each in (self.since, self.until) if each is not None and each > now]
        return min(ahead, default=None)


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules under one name.

    Attributes:
        name: of the policy.
        tenant: the tenant that it is about; ``None`` is the city's own.
        title: what its author calls it, by language.
        rules: in the order in which they are written.
        document: as it was written, in the form that is published.
    """

    name: str
    tenant: str | None
    title: Mapping[str, str]
    rules: tuple[Rule, ...]
    document: Mapping[str, Any]
