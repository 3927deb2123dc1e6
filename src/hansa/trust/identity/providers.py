"""Providers: who else may say who somebody is (OpenID Connect), as an administrator declared them.

A provider has an issuer, a client of this node at it, and rules. Its secret, where the client has one, must be sent, so it
stands in the vault as it is; the vault's folder is closed to other users of the machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import AlreadyExists, BadRequest, NotFound
from hansa.kernel.urls import parse_url
from hansa.trust.identity.accounts import checked_name
from hansa.trust.identity.notes import Notes
from hansa.trust.identity.rules import Rule, parsed
from hansa.trust.principals import LOCAL, Principal
from hansa.trust.vault import Record, Vault

__all__ = ["Provider", "Providers", "web_address"]

_PROVIDER: Final = "provider"
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of logins. ``rules`` are lines; see :mod:`hansa.trust.identity.rules`."""

    id: str
    name: str
    issuer: str
    client_id: str
    secret: str
    rules: tuple[str, ...]
    residents: bool
    made: str

    @classmethod
    def of(cls, record: Record) -> Provider:
        """From the vault."""
        known = {name: record[name] for name in cls.__dataclass_fields__}
        return cls(**{**known, "rules": tuple(known["rules"])})

    def parsed(self) -> tuple[Rule, ...]:
        """Its rules."""
        return parsed(self.rules)


class Providers:
    """The providers of a node."""

    def __init__(self, vault: Vault, clock: Clock, notes: Notes | None = None) -> None:
        self._vault, self._clock, self._notes = vault, clock, notes or Notes()

    def add(
        self,
        id: str,
        *,
        issuer: str,
        client_id: str,
        secret: str = "",
        name: str = "",
        rules: Iterable[str] = (),
        residents: bool = True,
        who: Principal = LOCAL,
    ) -> Provider:
        """Declare a provider.

        Args:
            id: a word of ours for it; it stands in addresses.
            issuer: its address, as it names itself.
            client_id, secret: this node's client there; without a secret a public one.
            name: what the login page calls it.
            rules: lines that say what its people are here.
            residents: whether somebody to whom no rule applies is let in, as a resident.
            who: who declares it.

        Raises:
            BadRequest: something of it cannot be taken.
            AlreadyExists: there is one of that name.
        """
        id = checked_name(id)
        web_address(issuer, f"issuer {issuer[:100]}")
        if not client_id or len(client_id) > 500 or len(secret) > 1000:
            raise BadRequest(f"provider {id}", "needs the client_id that it gave to this node")
        lines = tuple(line.strip() for line in rules)
        parsed(lines)
        made = Provider(
            id,
            name.strip()[:80] or id,
            issuer,
            client_id,
            secret,
            lines,
            residents,
            iso(self._clock.now()),
        )

        def put(old: Record | None) -> tuple[Record, None]:
            if old is not None:
                raise AlreadyExists(f"provider {id}", "is there already", "remove it first")
            return asdict(made), None

        if self._vault.get(_PROVIDER, id) is None:
            self._note(who, id, "provider.added")
        self._vault.edit(_PROVIDER, id, put)
        return made

    def named(self, id: str) -> Provider:
        """The provider of that name.

        Raises:
            NotFound: there is none.
        """
        record = self._vault.get(_PROVIDER, id[:64])
        if record is None:
            fact, remedy = "is not declared", "list them with: hansa provider list"
            raise NotFound(f"provider {id[:64]}", fact, remedy)
        return Provider.of(record)

    def all(self) -> list[Provider]:
        """All providers, in order of name."""
        found = map(Provider.of, self._vault.all(_PROVIDER))
        return sorted(found, key=lambda each: each.name.casefold())

    def remove(self, id: str, who: Principal = LOCAL) -> None:
        """Remove a provider; who came by it keeps their account, but not the way in (see :meth:`Desk.remove_provider`).

        Raises:
            NotFound: there is none of that name.
        """
        self.named(id)
        self._note(who, id, "provider.removed")
        self._vault.drop(_PROVIDER, id)

    def _note(self, who: Principal, id: str, reason: str) -> None:
        self._notes.note(who, f"provider:{id}", reason)


def web_address(text: object, subject: str) -> str:
    """`text` if it is an address that may be trusted with a login: https, or on this machine.

    Raises:
        BadRequest: it is not.
    """
    if isinstance(text, str) and len(text) <= 1000 and text.isascii() and text.isprintable():
        url = parse_url(text)
        plain = url.scheme == "http" and url.host in _HERE
        if (url.scheme == "https" or plain) and not url.userinfo and not url.fragment:
            return text
    raise BadRequest(subject, "is not at an https address", "use the address that it names itself")
