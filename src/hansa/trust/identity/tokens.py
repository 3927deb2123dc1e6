"""API tokens: what a program sends as ``Authorization: Bearer …`` in the name of an account.

A token is named, scoped, and ends. ``hansat_`` lets scanners of leaked secrets find it, the first part after
it is its public identifier, the second its secret. It is shown once; the vault keeps a hash. It never may do more
than its account, and ends with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import BadRequest, NotFound
from hansa.store.tenants import checked
from hansa.trust.identity.notes import Notes
from hansa.trust.principals import (
    LOCAL,
    SCOPES,
    Narrowing,
    Principal,
    new_token,
    token_hash,
    token_matches,
)
from hansa.trust.vault import Record, Vault

__all__ = ["PREFIX", "Token", "Tokens", "checked_scopes"]

PREFIX: Final = "hansat_"
_TOKEN: Final = "token"  # noqa: S105
_LONGEST: Final = 3650
_NOTED_EVERY: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is listed. ``tenant`` None: any; "": the city's own. ``source``: whose data it may bring."""

    id: str
    name: str
    account: str
    scopes: tuple[str, ...]
    types: tuple[str, ...] | None
    tenant: str | None
    made: str
    expires: str
    used: str
    source: str = ""

    def narrowing(self) -> Narrowing:
        """What it leaves of its account's rights."""
        types = None if self.types is None else frozenset(self.types)
        return Narrowing(frozenset(self.scopes), types, self.tenant)


class Tokens:
    """The tokens of a node."""

    def __init__(self, vault: Vault, clock: Clock, notes: Notes | None = None) -> None:
        self._vault, self._clock, self._notes = vault, clock, notes or Notes()

    def add(
        self,
        account: str,
        name: str,
        *,
        scopes: Iterable[str] = ("read",),
        types: Iterable[str] | None = None,
        tenant: str | None = None,
        days: int = 90,
        source: str = "",
        who: Principal = LOCAL,
    ) -> tuple[Token, str]:
        """A new token, and its text, which is never seen again; `who` makes it.

        Raises:
            BadRequest: a scope, the tenant or the number of days is none.
        """
        wanted = checked_scopes(scopes)
        if not 1 <= days <= _LONGEST:
            raise BadRequest("the token", f"cannot last {days} days", f"at most {_LONGEST} days")
        if tenant:
            checked(tenant)
        id, now = secrets.token_hex(6), self._clock.now()
        text = new_token(f"{PREFIX}{id}_")
        limited = None if types is None else tuple(types)
        end = iso(now + timedelta(days=days))
        label = name.strip()[:80] or "token"
        token = Token(
            id, label, account, wanted, limited or None, tenant, iso(now), end, "", source
        )
        record = {name: getattr(token, name) for name in Token.__dataclass_fields__}
        self._notes.note(who, f"token:{id}", "token.made", f"account:{account}")
        self._vault.put(_TOKEN, id, {**record, "hash": token_hash(text)})
        return token, text

    def find(self, text: str) -> Token | None:
        """The token of that text, if it still holds."""
        id = text.removeprefix(PREFIX).partition("_")[0]
        record = self._vault.get(_TOKEN, id[:32]) if text.startswith(PREFIX) else None
        now = self._clock.now()
        if record is None or not token_matches(text, str(record["hash"])):
            return None
        if record["expires"] <= iso(now):
            return None
        if record["used"] <= iso(now - _NOTED_EVERY):
            self._vault.edit(_TOKEN, id, _used(iso(now)))
        return _token(record)

    def all(self, account: str | None = None) -> list[Token]:
        """All tokens, or those of an account; also those that are over."""
        found = map(_token, self._vault.all(_TOKEN))
        return [each for each in found if account is None or each.account == account]

    def revoke(self, id: str, account: str | None = None, who: Principal = LOCAL) -> Token:
        """End a token, of an account if one is named; `who` ends it.

        Raises:
            NotFound: there is none of that identifier.
        """
        record = self._vault.get(_TOKEN, id[:32])
        if record is None or (account is not None and record["account"] != account):
            raise NotFound(f"token {id[:40]}", "does not exist", "list them with: hansa token list")
        self._notes.note(who, f"token:{id}", "token.revoked", f"account:{record['account']}")
        self._vault.drop(_TOKEN, id)
        return _token(record)


def checked_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """`scopes` if all of them exist, in the order in which they are known.

    Raises:
        BadRequest: one does not exist, or there is none.
    """
    given = set(scopes)
    if unknown := sorted(given - set(SCOPES)):
        fact = "does not exist"
        raise BadRequest(f"scope '{unknown[0][:40]}'", fact, f"use {', '.join(SCOPES)}")
    if not given:
        raise BadRequest("the scopes", "are none", f"name one of {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in given)


def _token(record: Record) -> Token:
    known = {name: record[name] for name in Token.__dataclass_fields__ if name in record}
    types = known["types"]
    return Token(**{**known, "scopes": tuple(known["scopes"]), "types": types and tuple(types)})


def _used(now: str) -> Callable[[Record | None], tuple[Record | None, None]]:
    return lambda old: (old and {**old, "used": now}, None)
