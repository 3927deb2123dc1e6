"""The entrance: what somebody who says who they are must show, first and again.

What is asked, in this order: the address is not guessing; the account is there and not disabled or locked; the
password; the second factor, if the account has one. Whatever fails, the answer is the same words after the same
work, so that it does not tell which accounts exist.

A session knows by what it began. Where the setting ``second_factor`` asks for more than that, the session reaches its
own account's page and nothing else (:meth:`Entrance.lacks`). Before what is grave, the password is asked again, and the
code as well if the login is older than ten minutes; who has no password logs in again (:meth:`Entrance.confirm`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import Forbidden, Unauthorized
from hansa.trust.identity.accounts import Account, Accounts
from hansa.trust.identity.lockout import Addresses, delay
from hansa.trust.identity.notes import Notes
from hansa.trust.identity.passkeys import Passkeys, Place
from hansa.trust.identity.passwords import hashed, is_stale, matches, spend
from hansa.trust.identity.second import recovery_hash, step_of
from hansa.trust.identity.sessions import Session, Sessions
from hansa.trust.principals import Principal

__all__ = ["By", "Entrance"]

By = Literal["password", "link", "code", "recovery", "passkey", "provider"]
"""By what a session began; ``code`` and ``recovery`` stand for the password and that."""

_STRONG: Final = frozenset({"code", "recovery", "passkey", "provider"})
_FRESH: Final = timedelta(minutes=10)


class Entrance:
    """Lets people in.

    Args:
        accounts, sessions, passkeys, notes, clock: those of the desk.
        required: for whom a password alone does not suffice: "nobody", "staff" or "everybody".
    """

    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        passkeys: Passkeys,
        notes: Notes,
        clock: Clock,
        required: str,
    ) -> None:
        self._accounts, self._sessions, self._passkeys = accounts, sessions, passkeys
        self._notes, self._clock, self._required = notes, clock, required
        self._addresses = Addresses()

    # -- logging in --------------------------------------------------------------------------------

    def log_in(self, name: str, password: str, code: str, address: str, agent: str) -> str:
        """Begin a session; the secret of its cookie.

        Raises:
            Unauthorized: something of it is not right.
            TooManyRequests: the address guessed too often.
        """
        now = self._clock.now()
        self._addresses.check(address, now)
        account = self._accounts.get(name)
        if account is None or account.locked_until > iso(now):
            spend()
            self._addresses.fail(address, now)
            self._notes.refused(f"account:{account.name if account else ''}", "login.refused")
            raise _refused()
        right = matches(password, account.password) and not account.disabled
        by = self.second(account, code, now) if right else None
        if by is None:
            self._fail(account.name, address, now)
            raise _refused()
        if is_stale(account.password):
            self._accounts.change(account.name, lambda old: replace(old, password=hashed(password)))
        return self.enter(account.name, address, agent, by)

    def log_in_by_passkey(
        self, place: Place, sealed: str, answer: str, address: str, agent: str
    ) -> str:
        """Begin a session of the account whose passkey answered; the secret of its cookie.

        Raises:
            Unauthorized, BadRequest: it opens none.
            TooManyRequests: the address guessed too often.
        """
        now = self._clock.now()
        self._addresses.check(address, now)
        try:
            account = self._passkeys.owner(place, sealed, answer)
        except Unauthorized:
            self._addresses.fail(address, now)
            self._notes.refused("account:", "login.refused")
            raise
        return self.enter(account.name, address, agent, "passkey")

    def enter(self, name: str, address: str, agent: str, by: By) -> str:
        """Begin a session of an account that proved itself; the secret of its cookie."""
        now = iso(self._clock.now())
        self._note("login", name, f"login.by-{by}")
        self._accounts.change(
            name, lambda old: replace(old, failures=0, locked_until="", last_login=now)
        )
        return self._sessions.begin(name, address, agent, by)

    def lacks(self, session: Session, account: Account) -> bool:
        """Whether more must be shown than what this session began by."""
        asked = self._required == "everybody" or (
            self._required == "staff" and account.kind == "staff"
        )
        return asked and session.by not in _STRONG

    def second(
        self, account: Account, code: str, now: datetime
    ) -> Literal["password", "code", "recovery"] | None:
        """What the second factor adds to a password; ``None`` if it is not right. A code is used up by it."""
        if not account.totp:
            return "password"
        used: list[Literal["code", "recovery"]] = []

        def use(old: Account) -> Account:
            step = step_of(old.totp, code, now, old.totp_step)
            if step is not None:
                used.append("code")
                return replace(old, totp_step=step)
            left = tuple(each for each in old.recovery if each != recovery_hash(code))
            if len(left) < len(old.recovery):
                used.append("recovery")
            return replace(old, recovery=left)

        self._accounts.change(account.name, use)
        return used[0] if used else None

    def by_link(self, name: str, code: str, address: str) -> By:
        """By what somebody comes who opens a link: with an app, its code is asked all the same.

        Raises:
            Unauthorized: the code is not right.
            TooManyRequests: the address guessed too often.
        """
        account, now = self._accounts.named(name), self._clock.now()
        if not account.totp:
            return "link"
        self._addresses.check(address, now)
        held = account.locked_until > iso(now)
        by = None if held else self.second(account, code, now)
        if by is None:
            self._fail(account.name, address, now)
            raise Unauthorized("the code", "is not right", "wait for the next one of your app")
        return by

    # -- again -------------------------------------------------------------------------------------

    def confirm(
        self, session: Session, account: Account, password: str, code: str, address: str
    ) -> None:
        """Ask the owner of a session again, before something grave.

        Raises:
            Unauthorized: the password or code is not right, or they must log in again.
            Forbidden: they have a factor that this session did not begin by.
            TooManyRequests: the address guessed too often.
        """
        if self.lacks(session, account) and account.passkeys:
            fact = "was begun without the passkey of this account"
            raise Forbidden("this login", fact, "log in by the passkey")
        self._ask(session, account, password, address)
        now = self._clock.now()
        known = not account.totp or (self.is_fresh(session) and session.by in _STRONG)
        if not known and self.second(account, code, now) is None:
            self._fail(account.name, address, now)
            raise Unauthorized("the code", "is not right", "wait for the next one of your app")

    def confirm_lightly(
        self, session: Session, account: Account, password: str, address: str
    ) -> None:
        """Ask for one factor again, if the login is older than ten minutes.

        Raises:
            Unauthorized: it is not right, or they must log in again.
            TooManyRequests: the address guessed too often.
        """
        if not self.is_fresh(session):
            self._ask(session, account, password, address)

    def is_fresh(self, session: Session) -> bool:
        """Whether somebody proved themselves within the last ten minutes."""
        return session.begun > iso(self._clock.now() - _FRESH)

    def renewed(self, session: Session, by: By | None = None) -> str:
        """The secret of a new session that goes on where this one, whose owner proved themselves again, ends."""
        address, agent = session.address, session.agent
        secret = self._sessions.begin(session.account, address, agent, by or session.by)
        self._sessions.end(session.account, session.id)
        return secret

    def _ask(self, session: Session, account: Account, password: str, address: str) -> None:
        now = self._clock.now()
        self._addresses.check(address, now)
        if not account.password:
            if not self.is_fresh(session):
                raise Unauthorized("this login", "is older than ten minutes", "log in again first")
        elif account.locked_until > iso(now) or not matches(password, account.password):
            self._fail(account.name, address, now)
            raise Unauthorized("the password", "is not right", "try again")

    def _fail(self, name: str, address: str, now: datetime) -> None:
        self._addresses.fail(address, now)
        self._note("login", name, "login.failed")

        def count(old: Account) -> Account:
            wait = delay(old.failures + 1)
            return replace(old, failures=old.failures + 1, locked_until=iso(now + wait))

        self._accounts.change(name, count)

    def _note(self, kind: str, name: str, reason: str) -> None:
        """Log what an account's owner does, before it counts."""
        account = self._accounts.get(name)
        who = Principal(name, "staff") if account is None else account.principal()
        self._notes.note(who, f"account:{name}", reason, kind=kind)


def _refused() -> Unauthorized:
    return Unauthorized(
        "logging in",
        "did not succeed: name, password or code is not right, or must wait after many failures",
        "try again, or ask an administrator for a new link",
    )
