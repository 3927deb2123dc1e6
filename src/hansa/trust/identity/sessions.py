"""Sessions of people in a browser: begun by a login, ended by a logout, by idleness, by age, or from afar.

The cookie holds 256 random bits and nothing else; the vault keeps their hash. A login always begins a new
session, so that nobody can slip one to somebody else beforehand. An account has so many at once: the one that was used least
recently ends when another begins. Forms carry a second secret that only the pages
of the session know.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hansa.kernel.clock import Clock, iso
from hansa.trust.principals import new_token, token_hash
from hansa.trust.vault import Record, Vault

__all__ = ["Session", "Sessions"]

_SESSION: Final = "session"
_NOTED_EVERY: Final = timedelta(minutes=1)
"""How exactly the vault knows when a session was last used."""
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its owner sees it. ``by``: what it began by; ``form``: what the forms of its pages carry."""

    id: str
    account: str
    begun: str
    seen: str
    address: str
    agent: str
    by: str = ""
    form: str = ""

    def allows(self, given: str) -> bool:
        """Whether a form that carries `given` came from this session's pages."""
        return bool(self.form) and hmac.compare_digest(self.form.encode(), given.encode())


class Sessions:
    """The sessions of a node. `idle` and `longest` are read at each use."""

    def __init__(self, vault: Vault, clock: Clock, idle: timedelta, longest: timedelta) -> None:
        self._vault, self._clock = vault, clock
        self._idle, self._longest = idle, longest

    def begin(self, account: str, address: str, agent: str, by: str = "") -> str:
        """A new session; the secret for the cookie."""
        now = self._clock.now()
        self._sweep(now)
        used = sorted(self.of(account), key=lambda each: each.seen, reverse=True)
        self.end(account, *[each.id for each in used[_MOST - 1 :]])
        secret = new_token("")
        id = token_hash(secret)
        record = {
            "id": id,
            "account": account,
            "begun": iso(now),
            "seen": iso(now),
            "address": address[:64],
            "agent": agent[:200],
            "by": by,
        }
        self._vault.put(_SESSION, id, record)
        return secret

    def get(self, secret: str) -> Session | None:
        """The session behind a cookie, if it still lasts; notes that it is used."""
        id, now = token_hash(secret), self._clock.now()
        record = self._vault.get(_SESSION, id)
        if record is None:
            return None
        if self._is_over(record, now):
            self._vault.drop(_SESSION, id)
            return None
        if record["seen"] <= iso(now - _NOTED_EVERY):
            self._vault.edit(_SESSION, id, _seen(iso(now)))
        return _session(record, form_secret(secret))

    def of(self, account: str) -> list[Session]:
        """The sessions of an account that still last, newest first."""
        now = self._clock.now()
        found = [
            _session(each)
            for each in self._vault.all(_SESSION)
            if each["account"] == account and not self._is_over(each, now)
        ]
        return sorted(found, key=lambda each: each.begun, reverse=True)

    def end(self, account: str, *ids: str) -> None:
        """End sessions of an account; those of others are left alone."""
        theirs = {each.id for each in self.of(account)}
        self._vault.drop(_SESSION, *[id for id in ids if id in theirs])

    def end_all(self, account: str, but: str = "") -> None:
        """End every session of an account, except one."""
        self.end(account, *[each.id for each in self.of(account) if each.id != but])

    def _is_over(self, record: Record, now: datetime) -> bool:
        return bool(
            record["begun"] <= iso(now - self._longest) or record["seen"] <= iso(now - self._idle)
        )

    def _sweep(self, now: datetime) -> None:
        over = [each["id"] for each in self._vault.all(_SESSION) if self._is_over(each, now)]
        self._vault.drop(_SESSION, *over)


def form_secret(secret: str) -> str:
    """What the forms of a session carry: follows from the cookie, which it does not give away."""
    return hmac.new(secret.encode(), b"forms of this session", hashlib.sha256).hexdigest()


def _session(record: Record, form: str = "") -> Session:
    names = ("id", "account", "begun", "seen", "address", "agent")
    by = str(record.get("by", ""))
    return Session(**{name: str(record[name]) for name in names}, by=by, form=form)


def _seen(now: str) -> Callable[[Record | None], tuple[Record | None, None]]:
    return lambda old: (old and {**old, "seen": now}, None)
