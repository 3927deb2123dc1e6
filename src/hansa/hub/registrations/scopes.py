"""What a registered ``scope`` means for a request (clauses 4.18, 4.19, 4.3.6.1 and 5.2.9).

A registration that names scopes says that its source has entities in these, and in what lies below them.
So its source is left out where a scope query can be met by none of them; where it is asked, it is asked
for these alone; what it tells of an entity that is elsewhere does not count; and an entity that is created
elsewhere is none of its business. Pure functions; without registered scopes there is no limit.
"""

from __future__ import annotations

from collections.abc import Iterable

from hansa.ngsild.query import And, Or, ScopeFilter, ScopePattern
from hansa.ngsild.scope import in_scope, scope_levels

__all__ = ["holds", "limit", "may_meet", "narrowed"]


def may_meet(registered: tuple[str, ...], wanted: ScopeFilter | None) -> bool:
    """Whether an entity in one of the registered scopes, or below, can meet a scope query."""
    if not registered or wanted is None:
        return True
    if isinstance(wanted, And):
        return all(may_meet(registered, part) for part in wanted.parts)
    if isinstance(wanted, Or):
        return any(may_meet(registered, part) for part in wanted.parts)
    return any(_may_be_below(wanted.levels, scope_levels(scope)) for scope in registered)


def holds(registered: tuple[str, ...], scopes: Iterable[str]) -> bool:
    """Whether an entity with `scopes` is in a registered one, or below."""
    bound = limit(registered)
    return bound is None or in_scope(bound, list(scopes))


def limit(registered: tuple[str, ...]) -> ScopeFilter | None:
    """The scope query that is met by what is in the registered scopes, or below; None: by anything."""
    patterns = tuple(ScopePattern((*scope_levels(scope), "#")) for scope in registered)
    return Or(patterns) if len(patterns) > 1 else patterns[0] if patterns else None


def narrowed(registered: tuple[str, ...], wanted: ScopeFilter | None) -> ScopeFilter | None:
    """A scope query, held to what is registered; as it is where that lies within anyway."""
    bound = limit(registered)
    if bound is None or wanted is None:
        return wanted if bound is None else bound
    if _lies_within(registered, wanted):
        return wanted
    return And((*wanted.parts, bound) if isinstance(wanted, And) else (wanted, bound))


def _lies_within(registered: tuple[str, ...], wanted: ScopeFilter) -> bool:
    if isinstance(wanted, And):
        return any(_lies_within(registered, part) for part in wanted.parts)
    if isinstance(wanted, Or):
        return all(_lies_within(registered, part) for part in wanted.parts)
    for scope in registered:
        levels = scope_levels(scope)
        if wanted.levels[: len(levels)] == levels:
            return True
    return False


def _may_be_below(pattern: tuple[str, ...], levels: tuple[str, ...]) -> bool:
    """Whether `pattern` can be met at `levels` or further down."""
    if pattern[-1] == "#":
        pattern = pattern[:-1]
    elif len(pattern) < len(levels):
        return False
    return all(wanted in ("+", level) for wanted, level in zip(pattern, levels, strict=False))
