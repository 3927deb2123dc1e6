"""Accounts: people with a name, a kind, roles, and what proves that it is them.

Disabling an account ends its sessions and tokens at once, because each use of them looks at the account. An
account is never deleted by these verbs: the log names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from threading import Lock
from typing import Any, Final, Literal

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import AlreadyExists, BadRequest, Conflict, NotFound
from hansa.trust.identity.notes import Notes
from hansa.trust.principals import LOCAL, ROLES, Principal, Role
from hansa.trust.vault import Record, Vault

__all__ = ["ACCOUNT", "Account", "Accounts", "checked_name", "checked_roles"]

ACCOUNT: Final = "account"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")
_RESERVED: Final = frozenset({"public", "operator", "local"})


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may log in. ``password`` is "" until one is chosen, or for logins from elsewhere."""

    name: str
    kind: Literal["resident", "staff"] = "staff"
    roles: tuple[Role, ...] = ()
    created: str = ""
    full_name: str = ""
    password: str = ""
    totp: str = ""
    totp_step: int = 0
    recovery: tuple[str, ...] = ()
    passkeys: tuple[dict[str, Any], ...] = ()
    subject: str = ""
    disabled: bool = False
    failures: int = 0
    locked_until: str = ""
    last_login: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    """What a later Hansa wrote and this one does not know."""

    @classmethod
    def of(cls, record: Record) -> Account:
        """From the vault."""
        known = {name: record[name] for name in cls.__dataclass_fields__ if name in record}
        for name in ("roles", "recovery", "passkeys"):
            known[name] = tuple(known.get(name, ()))
        known["more"] = {k: v for k, v in record.items() if k not in cls.__dataclass_fields__}
        return cls(**known)

    def record(self) -> Record:
        """For the vault."""
        found = asdict(self)
        return {**found.pop("more"), **found}

    def principal(self) -> Principal:
        """Who they are to the gate."""
        return Principal(self.name, self.kind, frozenset(self.roles))


def checked_name(name: str) -> str:
    """`name` if an account can have it.

    Raises:
        BadRequest: it cannot.
    """
    low = name.strip().lower()
    if not _NAME.fullmatch(low) or low in _RESERVED:
        raise BadRequest(
            f"account {name[:80]!r}",
            "an account cannot have this name",
            "use 2 to 64 letters, digits, '.', '_', '-' and '@', beginning with a letter or digit",
        )
    return low


def checked_roles(roles: Iterable[str]) -> tuple[Role, ...]:
    """`roles` if all of them exist, in the order in which they are known.

    Raises:
        BadRequest: one does not exist.
    """
    wanted = set(roles)
    if unknown := sorted(wanted - set(ROLES)):
        raise BadRequest(f"role '{unknown[0][:60]}'", "does not exist", f"use {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in wanted)


class Accounts:
    """The accounts of a node."""

    def __init__(self, vault: Vault, clock: Clock, notes: Notes | None = None) -> None:
        self._vault, self._clock, self._notes = vault, clock, notes or Notes()
        self._keeping = Lock()
        """Held while it is made sure that an administrator remains, and until the change is written."""

    def get(self, name: str) -> Account | None:
        """The account of that name, also a disabled one."""
        record = self._vault.get(ACCOUNT, name.strip().lower()[:64])
        return None if record is None else Account.of(record)

    def named(self, name: str) -> Account:
        """The account of that name.

        Raises:
            NotFound: there is none.
        """
        found = self.get(name)
        if found is None:
            raise _missing(name)
        return found

    def all(self) -> list[Account]:
        """All accounts, in order of name."""
        return sorted(map(Account.of, self._vault.all(ACCOUNT)), key=lambda each: each.name)

    def by_subject(self, subject: str) -> Account | None:
        """The account of somebody who logs in elsewhere (issuer and subject)."""
        return next((each for each in self.all() if subject and each.subject == subject), None)

    def has_administrator(self) -> bool:
        """Whether somebody can administer this node over the web."""
        return any(_administers(each) for each in self.all())

    def add(
        self,
        name: str,
        *,
        kind: Literal["resident", "staff"] = "staff",
        roles: Iterable[str] = (),
        full_name: str = "",
        subject: str = "",
        who: Principal = LOCAL,
        reason: str = "account.added",
    ) -> Account:
        """A new account, without a password as yet.

        Args:
            name, kind, roles, full_name, subject: of the account.
            who: who makes it.
            reason: how it comes to be made; a code for the log.

        Raises:
            BadRequest: the name, or a role, is none.
            AlreadyExists: there is one of that name.
        """
        name, known = checked_name(name), checked_roles(roles)
        if kind == "resident" and known:
            raise BadRequest(f"account {name}", "a resident has no roles", "make it staff")
        now = iso(self._clock.now())
        made = Account(name, kind, known, now, full_name.strip()[:200], subject=subject)

        def put(old: Record | None) -> tuple[Record, None]:
            if old is not None:
                raise AlreadyExists(f"account {name}", "is there already", "choose another name")
            return made.record(), None

        if self._vault.get(ACCOUNT, name) is None:
            self._note(who, made, reason)
        self._vault.edit(ACCOUNT, name, put)
        return made

    def _note(self, who: Principal, account: Account, reason: str) -> None:
        roles = (f"role:{role}" for role in account.roles)
        self._notes.note(who, f"account:{account.name}", reason, *roles)

    def change(self, name: str, change: Callable[[Account], Account]) -> Account:
        """Change an account by a function of it as it stands; what of it must be logged is for the caller.

        Raises:
            NotFound: there is none of that name.
        """

        def edit(old: Record | None) -> tuple[Record, Account]:
            if old is None:
                raise _missing(name)
            new = change(Account.of(old))
            return new.record(), new

        return self._vault.edit(ACCOUNT, name.strip().lower()[:64], edit)

    def set_roles(self, name: str, roles: Iterable[str], who: Principal = LOCAL) -> Account:
        """Give an account these roles and no others.

        Raises:
            Conflict: nobody would be left to administer the node.
        """
        known = checked_roles(roles)
        account = self.named(name)
        if account.kind == "resident" and known:
            raise BadRequest(f"account {name}", "a resident has no roles", "make another account")
        with self._keeping:
            if "administrator" not in known:
                self._keep_one(account)
            self._note(who, replace(account, roles=known), "account.roles")
            return self.change(name, lambda old: replace(old, roles=known))

    def disable(self, name: str, *, disabled: bool = True, who: Principal = LOCAL) -> Account:
        """Shut an account, or open it again.

        Raises:
            Conflict: nobody would be left to administer the node.
        """
        with self._keeping:
            account = self.named(name)
            if disabled:
                self._keep_one(account)
            self._note(who, account, "account.disabled" if disabled else "account.enabled")
            return self.change(name, lambda old: replace(old, disabled=disabled))

    def _keep_one(self, account: Account) -> None:
        others = (each for each in self.all() if each.name != account.name)
        if _administers(account) and not any(map(_administers, others)):
            raise Conflict(
                f"account {account.name}",
                "is the only one that administers this node",
                "make another administrator first",
            )


def _administers(account: Account) -> bool:
    able = bool(account.password or account.passkeys or account.subject)
    return able and not account.disabled and "administrator" in account.roles


def _missing(name: str) -> NotFound:
    return NotFound(f"account {name[:80]}", "does not exist", "list them with: hansa account list")
