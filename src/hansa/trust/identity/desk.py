"""The desk: where somebody shows who they are.

What is asked, in this order: the address is not guessing; the account is there and not disabled or locked; the
password; the second factor, if the account has one. Whatever fails, the answer is the same words after the same
work, so that it does not tell which accounts exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import BadRequest, Unauthorized
from hansa.kernel.pace import Pace
from hansa.kernel.settings import Settings
from hansa.trust.identity.accounts import Account, Accounts
from hansa.trust.identity.clients import Clients
from hansa.trust.identity.grants import Grants
from hansa.trust.identity.links import Links
from hansa.trust.identity.lockout import Addresses, delay
from hansa.trust.identity.notes import Notes
from hansa.trust.identity.owners import principal_again
from hansa.trust.identity.passkeys import Passkeys, Place
from hansa.trust.identity.passwords import check_password, hashed, is_stale, matches, spend
from hansa.trust.identity.providers import Providers
from hansa.trust.identity.rules import Standing
from hansa.trust.identity.second import new_recovery, new_secret, recovery_hash, step_of
from hansa.trust.identity.sessions import Session, Sessions
from hansa.trust.identity.tokens import PREFIX, Tokens
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import LOCAL, Principal
from hansa.trust.vault import Vault

__all__ = ["Desk"]


class Desk:
    """All that proves who somebody is, of one node."""

    def __init__(self, vault: Vault, settings: Settings, clock: Clock) -> None:
        self._clock, self._city = clock, settings.city
        self._words = settings.password_words
        self._notes = Notes()
        self.accounts = Accounts(vault, clock, self._notes)
        self.links = Links(vault, clock, self._notes)
        self.sessions = Sessions(
            vault,
            clock,
            timedelta(minutes=settings.session_idle_minutes),
            timedelta(hours=settings.session_hours),
        )
        self.tokens = Tokens(vault, clock, self._notes)
        self._addresses = Addresses()
        self.clients = Clients(vault, clock, self._notes)
        self.grants = Grants(vault, clock, self.clients, settings.base_url)
        self.providers = Providers(vault, clock, self._notes)
        self.passkeys = Passkeys(vault, self.accounts, clock, settings.city)
        self._pace = Pace(settings.rate_token)
        self._session_pace = Pace(settings.rate_session)

    @property
    def log(self) -> Recorder | None:
        """What logs logins, grants and changes of accounts; set by the node."""
        return self._notes.log

    @log.setter
    def log(self, recorder: Recorder | None) -> None:
        self._notes.log = self.grants.log = recorder

    # -- who is asking -----------------------------------------------------------------------------

    def bearer(self, text: str) -> Principal | None:
        """Who a bearer token speaks for; ``None`` if it is not one of ours, or no longer holds.

        Raises:
            TooManyRequests: it was sent too often of late.
        """
        if text.startswith("eyJ"):
            found = self.grants.principal(text)
            if found is not None:
                self._pace.take(found.name, found.name)
            return found
        if not text.startswith(PREFIX):
            return None
        token = self.tokens.find(text)
        account = self.accounts.get(token.account) if token else None
        if token is None or account is None or account.disabled:
            return None
        self._pace.take(token.id, f"token {token.id}")
        return replace(
            account.principal(), narrowing=token.narrowing(), token=token.id, source=token.source
        )

    def session(self, secret: str, *, counted: bool = False) -> tuple[Session, Account] | None:
        """The session behind a cookie and its account; ``None`` if it is over.

        Args:
            secret: what the cookie holds.
            counted: whether this request was counted already.

        Raises:
            TooManyRequests: it was used too often of late.
        """
        found = self.sessions.get(secret)
        account = self.accounts.get(found.account) if found else None
        if found is None or account is None or account.disabled:
            return None
        if not counted:
            self._session_pace.take(found.id, "this session")
        return found, account

    def again(self, kept: Mapping[str, Any]) -> Principal | None:
        """Who made something that goes on by itself, as they are now; ``None`` if they may do nothing any more."""
        now = iso(self._clock.now())
        return principal_again(kept, self.accounts, self.tokens, self.clients, now)

    # -- logging in --------------------------------------------------------------------------------

    def log_in(self, name: str, password: str, code: str, address: str, agent: str) -> str:
        """Begin a session; the secret of its cookie.

        Raises:
            Unauthorized: something of it is not right.
            TooManyRequests: the address guessed too often.
        """
        now = self._clock.now()
        self._addresses.check(address, now)
        account = self.accounts.get(name)
        if account is None or account.locked_until > iso(now):
            spend()
            self._addresses.fail(address, now)
            raise _refused()
        right = matches(password, account.password) and not account.disabled
        if not right or not self._second(account, code, now):
            self._addresses.fail(address, now)
            self._failed(account.name, now)
            raise _refused()
        if is_stale(account.password):
            self.accounts.change(account.name, lambda old: replace(old, password=hashed(password)))
        return self.enter(account.name, address, agent)

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
            account = self.passkeys.owner(place, sealed, answer)
        except Unauthorized:
            self._addresses.fail(address, now)
            raise
        return self.enter(account.name, address, agent)

    def add_passkey(
        self, account: Account, place: Place, sealed: str, answer: str, name: str
    ) -> None:
        """Keep a passkey that a browser made.

        Raises:
            BadRequest: it is not what was asked for.
        """
        self._note("account", account.name, "passkey.added")
        self.passkeys.add(account, place, sealed, answer, name)

    def remove_passkey(self, account: Account, id: str) -> None:
        """Take a passkey away.

        Raises:
            NotFound: the account has none of that identifier.
        """
        self._note("account", account.name, "passkey.removed")
        self.passkeys.remove(account, id)

    def enter(self, name: str, address: str, agent: str) -> str:
        """Begin a session of an account that proved itself; the secret of its cookie."""
        now = iso(self._clock.now())
        self._note("login", name, "login.done")
        self.accounts.change(
            name, lambda old: replace(old, failures=0, locked_until="", last_login=now)
        )
        return self.sessions.begin(name, address, agent)

    def welcome(self, name: str, subject: str, found: Standing, full_name: str) -> None:
        """Make an account for somebody whom a provider vouches for.

        Raises:
            AlreadyExists: there is an account of that name.
        """
        self.accounts.add(
            name,
            kind=found.kind,
            roles=found.roles,
            full_name=full_name,
            subject=subject,
            who=Principal(name, found.kind),
            reason="account.made-by-login",
        )

    def follow(self, account: Account, found: Standing, full_name: str) -> Account:
        """Let an account be what its provider's rules make of it today."""
        full_name = full_name or account.full_name
        wanted = (found.kind, found.roles)
        if wanted != (account.kind, account.roles):
            self._note("account", account.name, "account.changed-by-login")
        elif full_name == account.full_name:
            return account
        return self.accounts.change(
            account.name,
            lambda old: replace(old, kind=found.kind, roles=found.roles, full_name=full_name),
        )

    def confirm(self, account: Account, password: str, address: str) -> None:
        """Ask the owner of a session for the password again, before something grave.

        Raises:
            Unauthorized: it is not right.
            TooManyRequests: the address guessed too often.
        """
        now = self._clock.now()
        self._addresses.check(address, now)
        held = account.locked_until > iso(now)
        if held or (account.password and not matches(password, account.password)):
            self._addresses.fail(address, now)
            self._failed(account.name, now)
            raise Unauthorized("the password", "is not right", "try again")

    def _second(self, account: Account, code: str, now: datetime) -> bool:
        """Whether the second factor is right; a code or recovery code is used up by it."""
        if not account.totp:
            return True
        used: list[bool] = []

        def use(old: Account) -> Account:
            step = step_of(old.totp, code, now, old.totp_step)
            if step is not None:
                used.append(True)
                return replace(old, totp_step=step)
            left = tuple(each for each in old.recovery if each != recovery_hash(code))
            if len(left) < len(old.recovery):
                used.append(True)
            return replace(old, recovery=left)

        self.accounts.change(account.name, use)
        return bool(used)

    def _note(self, kind: str, name: str, reason: str, who: Principal | None = None) -> None:
        """Log what happens to an account, before it counts; done by its owner if `who` is not named."""
        if who is None:
            account = self.accounts.get(name)
            who = Principal(name, "staff") if account is None else account.principal()
        self._notes.note(who, f"account:{name}", reason, kind=kind)

    def _failed(self, name: str, now: datetime) -> None:
        self._note("login", name, "login.failed")

        def count(old: Account) -> Account:
            wait = delay(old.failures + 1)
            return replace(old, failures=old.failures + 1, locked_until=iso(now + wait))

        self.accounts.change(name, count)

    # -- what one may change about oneself ---------------------------------------------------------

    def choose_password(self, name: str, password: str, but: str = "") -> None:
        """Give an account a new password, and end all its sessions except `but`.

        Raises:
            BadRequest: the password is too easily found.
        """
        account = self.accounts.named(name)
        check_password(password, account.name, account.full_name, self._city, words=self._words)
        made = hashed(password)
        self._note("account", account.name, "password.chosen")
        self.accounts.change(
            name, lambda old: replace(old, password=made, failures=0, locked_until="")
        )
        self.sessions.end_all(account.name, but)

    def open_link(self, secret: str, name: str, password: str, address: str, agent: str) -> str:
        """Use a one-time link: choose a password, and be logged in; the secret of the cookie.

        A link for nobody makes the administrator of that name.

        Raises:
            NotFound: the link was used, or is too old.
            BadRequest: the name or the password cannot be taken; the link is still good then.
            AlreadyExists: there is an account of that name.
        """
        account = self.links.account(secret)
        check_password(password, account or name, self._city, words=self._words)
        if not account:
            who = Principal(name.strip().lower(), "staff")
            made = self.accounts.add(
                name, roles=("administrator",), who=who, reason="account.made-by-link"
            )
            account = made.name
            try:
                self.links.use(secret)
            except Exception:
                self.accounts.change(account, lambda old: replace(old, disabled=True))
                raise
        else:
            self.links.use(secret)
        self.choose_password(account, password)
        return self.enter(account, address, agent)

    def first_link(self) -> str:
        """The secret of a link that makes the first administrator; "" if the node has one."""
        return "" if self.accounts.has_administrator() else self.links.make("")

    def new_totp(self) -> str:
        """A key for an authenticator app, not in force until a code of it is shown."""
        return new_secret()

    def set_totp(self, name: str, secret: str, code: str) -> list[str]:
        """Put an authenticator app in force; fresh recovery codes, shown once.

        Raises:
            BadRequest: the code is not one of that key.
        """
        step = step_of(secret, code, self._clock.now())
        if step is None:
            raise BadRequest(
                "the code", "is not right", "wait for the next one, and check the clock"
            )
        codes = new_recovery()
        kept = tuple(map(recovery_hash, codes))
        self._note("account", name, "second-factor.set")
        self.accounts.change(
            name, lambda old: replace(old, totp=secret, totp_step=step, recovery=kept)
        )
        return codes

    def no_totp(self, name: str) -> None:
        """Put the authenticator app, and its recovery codes, out of force."""
        self._note("account", name, "second-factor.dropped")
        self.accounts.change(name, lambda old: replace(old, totp="", totp_step=0, recovery=()))

    def disable(self, name: str, *, disabled: bool = True, who: Principal = LOCAL) -> None:
        """Shut an account and end its sessions, or open it again.

        Raises:
            NotFound: there is none of that name.
            Conflict: nobody would be left to administer the node.
        """
        self.accounts.disable(name, disabled=disabled, who=who)
        if disabled:
            self.sessions.end_all(name)

    def log_out(self, session: Session) -> None:
        """End the session of somebody who says so."""
        self._note("login", session.account, "login.ended")
        self.sessions.end(session.account, session.id)

    def end_sessions(self, account: str, *ids: str, but: str = "") -> None:
        """End sessions of an account from another of its sessions: those named, or all except `but`."""
        self._note("account", account, "sessions.ended")
        if but:
            self.sessions.end_all(account, but)
        else:
            self.sessions.end(account, *ids)

    def reset(self, name: str, who: Principal = LOCAL) -> str:
        """Take an account's password, second factors and sessions away; a link to choose new ones."""
        name = self.accounts.named(name).name
        self._note("account", name, "account.reset", who)
        account = self.accounts.change(
            name,
            lambda old: replace(
                old, password="", totp="", recovery=(), passkeys=(), failures=0, locked_until=""
            ),
        )
        self.sessions.end_all(account.name)
        return self.links.make(account.name, who=who)


def _refused() -> Unauthorized:
    return Unauthorized(
        "logging in",
        "did not succeed: name, password or code is not right, or must wait after many failures",
        "try again, or ask an administrator for a new link",
    )
