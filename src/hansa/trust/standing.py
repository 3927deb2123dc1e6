"""What is asked of the gate, what the gate asks of the city's rules, and what two answers of theirs have in common. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol

from hansa.ngsild.query import Seen
from hansa.trust.policy.portions import both
from hansa.trust.policy.view import Action, View
from hansa.trust.principals import Principal

__all__ = ["Decision", "Rules", "Verb", "is_unlimited", "overlap"]


Verb = Literal["read", "write", "bring", "subscribe"]
"""What is asked of a store: to see it, to change it, to bring entities of a source to it, to be told of changes."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and why."""

    allowed: bool
    reason: str


class Rules(Protocol):
    """What the city decided about who may see what."""

    def view(
        self, who: Principal, action: Action, tenant: str | None, *, counts: bool = True
    ) -> View:
        """What `who` may see now; the same object as long as that does not change. It `counts` as one use."""


def overlap(view: View, other: View) -> View:
    """What two views have in common; the very same `view` if the other one takes nothing away."""
    if other.whole or other.seen == view.seen:
        return view
    if other.nothing:
        return replace(view, seen=other.seen, reason=other.reason, public=False)
    one, two = view.seen, other.seen
    names = one.attributes.keys() | two.attributes.keys()
    seen = Seen(
        both((one.entities, two.entities)),
        {name: both((one.attribute(name), two.attribute(name))) for name in names},
        both((one.otherwise, two.otherwise)),
    )
    rules = tuple(dict.fromkeys((*view.rules, *other.rules)))
    duties = tuple(dict.fromkeys((*view.obligations, *other.obligations)))
    public = view.public and other.public
    return replace(view, seen=seen, rules=rules, obligations=duties, public=public)


def is_unlimited(principal: Principal) -> bool:
    """Whether no token limits it to some types of entities."""
    return principal.narrowing is None or principal.narrowing.types is None
