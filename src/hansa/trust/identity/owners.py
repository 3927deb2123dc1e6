"""Who made a thing that goes on by itself, such as a subscription: kept with it, and found again.

What is kept says who it was and what their token left of their rights, not what their rights were: these are looked up
each time. So whoever loses a role, an account or a token loses what they made with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hansa.trust.identity.accounts import Accounts
from hansa.trust.identity.clients import Clients
from hansa.trust.identity.tokens import Tokens
from hansa.trust.principals import OPERATOR, PUBLIC, Narrowing, Principal

__all__ = ["owner_of", "principal_again"]


def owner_of(who: Principal) -> dict[str, Any]:
    """What is kept of somebody."""
    kept: dict[str, Any] = {"kind": who.kind, "name": who.name}
    if who.token:
        kept["token"] = who.token
    if who.purpose is not None:
        kept["purpose"] = who.purpose
    if (narrowing := who.narrowing) is not None:
        kept["scopes"] = sorted(narrowing.scopes)
        kept["types"] = None if narrowing.types is None else sorted(narrowing.types)
        kept["tenant"] = narrowing.tenant
    return kept


def principal_again(
    kept: Mapping[str, Any], accounts: Accounts, tokens: Tokens, clients: Clients, now: str
) -> Principal | None:
    """Who that is now; ``None`` if they, or the token they came with, may do nothing any more."""
    kind = kept.get("kind")
    if kind == "operator":
        return OPERATOR
    if kind == "public":
        return PUBLIC
    narrowing = _narrowing(kept)
    if kind in ("service", "city"):
        client = clients.get(str(kept.get("name")))
        if client is None or narrowing is None or not client.holds(now):
            return None
        return client.principal(narrowing, kept.get("purpose"), str(kept.get("token", "")))
    account = accounts.get(str(kept.get("name")))
    if account is None or account.disabled:
        return None
    token = str(kept.get("token", ""))
    standing = (each.id for each in tokens.all(account.name) if each.expires > now)
    if token and token not in standing:
        return None
    return replace(
        account.principal(), narrowing=narrowing, purpose=kept.get("purpose"), token=token
    )


def _narrowing(kept: Mapping[str, Any]) -> Narrowing | None:
    if "scopes" not in kept:
        return None
    types = kept.get("types")
    reached = None if types is None else frozenset(types)
    return Narrowing(frozenset(kept["scopes"]), reached, kept.get("tenant"))
