"""The desk: all that proves who somebody is, of one node, put together.

What somebody must show to come in stands in :mod:`hansa.trust.identity.entrance`; here is what they may then change
about themselves, and what administrators may change about others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import BadRequest
from hansa.kernel.pace import Pace
from hansa.kernel.settings import Settings
from hansa.trust.identity.accounts import Account, Accounts
from hansa.trust.identity.bearers import Bearers
from hansa.trust.identity.clients import Clients
from hansa.trust.identity.entrance import By, Entrance
from hansa.trust.identity.grants import Grants
from hansa.trust.identity.links import Links
from hansa.trust.identity.notes import Notes
from hansa.trust.identity.owners import principal_again
from hansa.trust.identity.passkeys import Passkeys, Place
from hansa.trust.identity.passwords import check_password, hashed
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
        self.clients = Clients(vault, clock, self._notes)
        self.grants = Grants(vault, clock, self.clients, settings.base_url)
        self.providers = Providers(vault, clock, self._notes)
        self.passkeys = Passkeys(vault, self.accounts, clock, settings.city)
        self.entrance = Entrance(
            self.accounts,
            self.sessions,
            self.passkeys,
            self._notes,
            clock,
            settings.second_factor,
        )
        self._bearers = Bearers(vault, clock, self.tokens, self.accounts)
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
        found = self._bearers.find(text)
        if found is not None:
            self._pace.take(found.token, f"token {found.token}")
        return found

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
        """Begin a session; see :meth:`Entrance.log_in`."""
        return self.entrance.log_in(name, password, code, address, agent)

    def log_in_by_passkey(
        self, place: Place, sealed: str, answer: str, address: str, agent: str
    ) -> str:
        """Begin a session; see :meth:`Entrance.log_in_by_passkey`."""
        return self.entrance.log_in_by_passkey(place, sealed, answer, address, agent)

    def enter(self, name: str, address: str, agent: str, by: By = "provider") -> str:
        """Begin a session of an account that proved itself; see :meth:`Entrance.enter`."""
        return self.entrance.enter(name, address, agent, by)

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

    def _note(self, kind: str, name: str, reason: str, who: Principal | None = None) -> None:
        """Log what happens to an account, before it counts; done by its owner if `who` is not named."""
        if who is None:
            account = self.accounts.get(name)
            who = Principal(name, "staff") if account is None else account.principal()
        self._notes.note(who, f"account:{name}", reason, kind=kind)

    # -- what one may change about oneself ---------------------------------------------------------

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

    def open_link(
        self, secret: str, name: str, password: str, address: str, agent: str, code: str = ""
    ) -> str:
        """Use a one-time link: choose a password, and be logged in; the secret of the cookie.

        A link for nobody makes the administrator of that name. A link goes round no second factor: an account with an
        app is asked for its code.

        Raises:
            NotFound: the link was used, or is too old.
            BadRequest: the name or the password cannot be taken; the link is still good then, as below.
            Unauthorized: the code is not right.
            AlreadyExists: there is an account of that name.
        """
        by: By = "link"
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
            by = self.entrance.by_link(account, code, address)
            self.links.use(secret)
        self.choose_password(account, password)
        return self.enter(account, address, agent, by)

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

    def end_everything(self, name: str = "", who: Principal = LOCAL) -> None:
        """End all sessions of an account, or of everybody.

        Raises:
            NotFound: there is no account of that name.
        """
        accounts = [self.accounts.named(name)] if name else self.accounts.all()
        for each in accounts:
            if self.sessions.of(each.name):
                self._note("account", each.name, "sessions.ended", who)
                self.sessions.end_all(each.name)

    def remove_provider(self, id: str, who: Principal = LOCAL) -> None:
        """Remove a provider, and end the sessions of those whom it let in.

        Raises:
            NotFound: there is none of that name.
        """
        issuer = self.providers.named(id).issuer
        self.providers.remove(id, who)
        for each in self.accounts.all():
            if each.subject.startswith(f"{issuer} "):
                self.end_everything(each.name, who)

    def reset(self, name: str, who: Principal = LOCAL, *, factors: bool = False) -> str:
        """Take an account's password and sessions away; the secret of a link to choose a new one.

        Args:
            name: of the account.
            who: who does it.
            factors: whether its second factors go, too, because they are lost.
        """
        held = self.accounts.named(name)
        name = held.name
        self._note("account", name, "account.reset-wholly" if factors else "account.reset", who)

        def reset(old: Account) -> Account:
            old = replace(old, password="", failures=0, locked_until="")
            return replace(old, totp="", totp_step=0, recovery=(), passkeys=()) if factors else old

        self.accounts.change(name, reset)
        if factors:
            self.passkeys.forget(held)
        self.sessions.end_all(name)
        return self.links.make(name, who=who)
