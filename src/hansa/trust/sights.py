"""What somebody may see: the rules, and what stands before and beside them; the part of the gate that only considers.

For each question a :class:`~hansa.trust.policy.view.View` is worked out; the doors (:mod:`hansa.trust.gate`) make
readers of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from hansa.store.port import Reader
from hansa.trust.guard.guard import guarded_always, sieve_of
from hansa.trust.guard.reach import CLOSED, NOBODYS, PUBLISHED, narrowed
from hansa.trust.guard.reader import GuardedReader
from hansa.trust.identity.desk import Desk
from hansa.trust.log.recorder import Recorder
from hansa.trust.policy.view import Action, View
from hansa.trust.principals import OPERATOR, PUBLIC, Principal
from hansa.trust.standing import Rules, overlap

__all__ = ["Sights"]


class Sights:
    """What principals may see of the tenants.

    Args:
        dev: whether this is a node without accounts.
        desk: what knows the tokens of accounts; ``None`` if there are no accounts.
    """

    def __init__(self, *, dev: bool = False, desk: Desk | None = None) -> None:
        self._dev, self._desk = dev, desk
        self.log: Recorder | None = None
        """What logs refusals and readings; set by the node."""
        self.rules: Rules | None = None
        """What the city decided; set by the node. Without them, the city's own tenant is published."""
        self._marked = (PUBLISHED.seen, "")

    def view(
        self,
        principal: Principal,
        action: Action = "read",
        tenant: str | None = None,
        *,
        counts: bool = True,
    ) -> View:
        """What `principal` may see by `action` in `tenant`, as far as its token reaches.

        If it `counts`, it is one use of the rules that limit how often they are made use of.
        """
        if self._dev or principal.kind == "operator":
            return View.everything(action, f"{principal.name} operates this node")
        if principal.narrowing is not None and not principal.may("read", tenant):
            return replace(CLOSED, action=action, reason="the token does not reach that far")
        return narrowed(self._view(principal, action, tenant, counts=counts), principal)

    def _view(
        self, principal: Principal, action: Action, tenant: str | None, *, counts: bool = True
    ) -> View:
        if principal.has("administrator"):
            return View.everything(action, f"{principal.name} administers this node")
        if self.rules is not None:
            return self.rules.view(principal, action, tenant, counts=counts)
        return PUBLISHED if tenant is None else CLOSED

    def public_mark(self) -> str:
        """A word that changes when everybody may see more, or less, of the city than before.

        What is worked out from what everybody may see, and kept, is to be kept under it.
        """
        seen = self._view(PUBLIC, "read", None).seen
        if seen is not self._marked[0]:
            whole = sieve_of(seen).is_whole
            self._marked = (
                seen,
                "" if whole else hashlib.sha256(repr(seen).encode()).hexdigest()[:16],
            )
        return self._marked[1]

    def eyes(
        self, tenant: str | None
    ) -> Callable[[Mapping[str, Any], Reader], GuardedReader | None]:
        """In a tenant, what whoever owns a subscription may see of a store; ``None``: everything.

        Who is not known any more sees nothing.
        """

        def look(owner: Mapping[str, Any], store: Reader) -> GuardedReader | None:
            who = self._owner(owner)
            view = NOBODYS if who is None else self.view(who, "subscribe", tenant, counts=False)
            if who is not None and owner.get("passes_on"):
                view = overlap(view, self.view(who, "republish", tenant, counts=False))
            public = self._view(PUBLIC, "read", tenant)
            is_all = view.whole and not view.obligations
            if is_all and (self._dev or public.whole or self.log is None):
                return None
            return guarded_always(store, who or PUBLIC, view, public, self.log)

        return look

    def _owner(self, kept: Mapping[str, Any]) -> Principal | None:
        """Who owns something; what says nothing of an owner is of a time when only the operator could."""
        if self._dev or kept.get("kind", "operator") == "operator":
            return OPERATOR
        return None if self._desk is None else self._desk.again(kept)

    def denies(
        self, principal: Principal, tenant: str | None = None
    ) -> Callable[[Collection[str], str, Collection[str]], bool] | None:
        """A function that knows of types, an identifier and attributes whether `principal` may surely not
        see such an entity, or these of it; ``None``: they may see everything."""
        view = self.view(principal, "read", tenant, counts=False)
        return None if view.whole else sieve_of(view.seen).denies
