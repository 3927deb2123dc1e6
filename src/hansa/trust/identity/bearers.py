"""Who a bearer token speaks for, remembered as long as nothing in the vault has changed.

Whether anything has, in whatever process, is asked each time and costs a few microseconds; so a token that is revoked, or an
account that is disabled, is refused from the next request on. Once a minute the token is looked up all the same, so that its
last use is noted. What is remembered is found by the token's hash.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from hansa.kernel.clock import Clock, iso
from hansa.trust.identity.accounts import Accounts
from hansa.trust.identity.tokens import Tokens
from hansa.trust.principals import Principal, token_hash
from hansa.trust.vault import Vault

__all__ = ["Bearers"]

_MOST: Final = 1_000
_FOR: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Known:
    """A principal, the moment of the vault at which it was found, and when to look again."""

    principal: Principal
    moment: int
    until: str


class Bearers:
    """The principals of tokens. Safe to use from any thread."""

    def __init__(self, vault: Vault, clock: Clock, tokens: Tokens, accounts: Accounts) -> None:
        self._vault, self._clock = vault, clock
        self._tokens, self._accounts = tokens, accounts
        self._known: dict[str, _Known] = {}

    def find(self, text: str) -> Principal | None:
        """Who a token speaks for; ``None`` if it does not hold.

        Raises:
            Unavailable: the vault cannot be read.
        """
        # The order matters: a change that comes in between is seen at the next question.
        moment = self._vault.moment()
        now, key = self._clock.now(), token_hash(text)
        known = self._known.get(key)
        if known is not None and known.moment == moment and iso(now) < known.until:
            return known.principal
        token = self._tokens.find(text)
        account = self._accounts.get(token.account) if token else None
        if token is None or account is None or account.disabled:
            return None
        found = replace(
            account.principal(), narrowing=token.narrowing(), token=token.id, source=token.source
        )
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = _Known(found, moment, min(token.expires, iso(now + _FOR)))
        return found
