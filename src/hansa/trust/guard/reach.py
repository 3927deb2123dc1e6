"""Views that no rule of the city gives: what is published without rules, nothing at all, and what a token leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hansa.ngsild.query import Or, Portion, TypeName
from hansa.trust.policy.portions import both
from hansa.trust.policy.view import NONE, View
from hansa.trust.principals import Principal

__all__ = ["CLOSED", "NOBODYS", "PUBLISHED", "narrowed"]

PUBLISHED: Final = replace(
    View.everything("read", "the city's own tenant is published"), public=True
)
CLOSED: Final = View(
    "read",
    replace(PUBLISHED.seen, entities=NONE),
    reason="only the city's own tenant is published",
)
NOBODYS: Final = replace(CLOSED, action="subscribe", reason="nobody knows whose it is")

_MOST: Final = 512
_kept: dict[tuple[int, frozenset[str]], tuple[View, View]] = {}
"""By the identity of the view and the types: the view, which is kept alive, and what is left of it."""


def narrowed(view: View, principal: Principal) -> View:
    """What a token leaves of a view that reaches only some types of entities; the same object for the same."""
    types = None if principal.narrowing is None else principal.narrowing.types
    if types is None:
        return view
    found = _kept.get((id(view), types))
    if found is None or found[0] is not view:
        if len(_kept) >= _MOST:
            _kept.clear()
        found = _kept[id(view), types] = (view, _narrowed(view, types))
    return found[1]


def _narrowed(view: View, types: frozenset[str]) -> View:
    reached = Portion(types=Or(tuple(TypeName(name) for name in sorted(types)))) if types else NONE
    within = both((reached, view.seen.entities))
    wider = None if view.wider is None else _narrowed(view.wider, types)
    return replace(view, seen=replace(view.seen, entities=within), wider=wider)
