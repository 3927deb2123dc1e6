"""Rules to views: what somebody may see of all entities at once. Pure.

Order of precedence: without a permission there is nothing; a prohibition wins over every permission. A permission that
names attributes shows an entity only where one of these is there to be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from hansa.ngsild.query import Portion, Seen, Within
from hansa.trust.policy.model import Rule
from hansa.trust.policy.portions import both, either, outside, portion
from hansa.trust.policy.view import Action, Obligation, View

__all__ = ["compiled"]

_MOST_NAMED: Final = 50
"""As many as an entry of the log may name."""


def compiled(action: Action, rules: Sequence[Rule], until: datetime | None = None) -> View:
    """The view of somebody whom exactly these rules concern, for `action`, now.

    For *aggregate* there is one view for each size of group that a rule asks for, each showing more than the one before.
    """
    permissions = [rule for rule in rules if rule.permits]
    prohibitions = [rule for rule in rules if not rule.permits]
    sizes = sorted({rule.group for rule in permissions}) or [1]
    wider: View | None = None
    for size in reversed(sizes[1:]):
        within = [rule for rule in permissions if rule.group <= size]
        wider = _layer(action, within, prohibitions, size, until, wider)
    least = [rule for rule in permissions if rule.group <= sizes[0]]
    return _layer(action, least, prohibitions, sizes[0], until, wider)


def _layer(
    action: Action,
    permissions: list[Rule],
    prohibitions: list[Rule],
    size: int,
    until: datetime | None,
    wider: View | None,
) -> View:
    attributes = {
        name: _of_attribute(name, permissions, prohibitions)
        for name in sorted(
            {name for rule in (*permissions, *prohibitions) for name in rule.attributes}
        )
    }
    otherwise = either(portion(rule) for rule in permissions if not rule.attributes)
    hidden = either(portion(rule) for rule in prohibitions if not rule.attributes)
    shown = either((otherwise, *_by_attributes(permissions, prohibitions)))
    return View(
        action,
        Seen(
            both((shown, outside(hidden))),
            {name: within for name, within in attributes.items() if within != otherwise},
            otherwise,
        ),
        size,
        wider,
        _obligations(permissions),
        _reason(action, permissions, prohibitions),
        _names((*permissions, *prohibitions)),
        until=until,
    )


def _of_attribute(name: str, permissions: list[Rule], prohibitions: list[Rule]) -> Within:
    """The entities on which an attribute is there."""
    given = either(
        portion(rule) for rule in permissions if not rule.attributes or name in rule.attributes
    )
    taken = either(portion(rule) for rule in prohibitions if name in rule.attributes)
    return both((given, outside(taken)))


def _by_attributes(permissions: list[Rule], prohibitions: list[Rule]) -> list[Within]:
    """The entities that permissions of some attributes show: those that have one of them to be seen."""
    prohibited = {name for rule in prohibitions for name in rule.attributes}
    found: list[Within] = []
    for rule in permissions:
        free = tuple(name for name in rule.attributes if name not in prohibited)
        if free:
            found.append(both((portion(rule), Portion(having=free))))
        for name in rule.attributes:
            if name in prohibited:
                taken = either(portion(each) for each in prohibitions if name in each.attributes)
                found.append(both((portion(rule), Portion(having=(name,)), outside(taken))))
    return found


def _obligations(permissions: list[Rule]) -> tuple[Obligation, ...]:
    return tuple(dict.fromkeys(duty for rule in permissions for duty in rule.duties))


def _names(rules: Sequence[Rule]) -> tuple[str, ...]:
    """The identifiers of rules, or, where that were too many to log, of their policies."""
    if len(rules) <= _MOST_NAMED:
        return tuple(rule.id for rule in rules)
    policies = dict.fromkeys(rule.id.partition("/")[0] for rule in rules)
    return tuple(policies)[:_MOST_NAMED]


def _reason(action: Action, permissions: list[Rule], prohibitions: list[Rule]) -> str:
    if not permissions:
        return f"no rule permits to {action} here"
    named = ", ".join(rule.id for rule in permissions)
    if not prohibitions:
        return f"permitted by {named}"
    return (
        f"permitted by {named}, less what {', '.join(rule.id for rule in prohibitions)} prohibits"
    )
