"""Clients: programs and cities that an administrator registered, which prove by their own key who they are.

A client has no secret that it would have to send. It holds a key; the node knows the public part, given or at a URL.
What a client may do at most (scopes, types, tenant) and what for (purposes) stands in its record, and each use of a
token reads that record, so that shutting, narrowing or removing a client counts at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Final, Literal

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import AlreadyExists, BadRequest, NotFound
from hansa.kernel.urls import parse_url
from hansa.store.tenants import checked
from hansa.trust.identity.accounts import checked_name
from hansa.trust.identity.keysets import public_keys
from hansa.trust.identity.notes import Notes
from hansa.trust.identity.tokens import checked_scopes
from hansa.trust.principals import LOCAL, Narrowing, Principal
from hansa.trust.vault import Record, Vault

__all__ = ["Client", "Clients"]

_CLIENT: Final = "client"
_LONGEST: Final = 3650
_MOST_PURPOSES: Final = 20
_NOTED_EVERY: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client. ``tenant`` None: any; "": the city's own. ``expires`` "": never by itself."""

    id: str
    name: str
    kind: Literal["service", "city"]
    scopes: tuple[str, ...]
    types: tuple[str, ...] | None
    tenant: str | None
    purposes: tuple[str, ...]
    jwks: dict[str, Any] | None
    jwks_uri: str
    made: str
    expires: str
    disabled: bool = False
    used: str = ""
    source: str = ""
    """The declared source whose data it brings; needed to write entities."""

    @classmethod
    def of(cls, record: Record) -> Client:
        """From the vault."""
        known = {name: record[name] for name in cls.__dataclass_fields__ if name in record}
        for name in ("scopes", "purposes"):
            known[name] = tuple(known[name])
        return cls(**{**known, "types": known["types"] and tuple(known["types"])})

    def principal(self, narrowing: Narrowing, purpose: str | None, token: str) -> Principal:
        """Who it is to the gate, with a token."""
        name = f"client:{self.id}"
        return Principal(
            name, self.kind, narrowing=narrowing, purpose=purpose, token=token, source=self.source
        )

    def holds(self, now: str) -> bool:
        """Whether it may come in at all."""
        return not self.disabled and (not self.expires or self.expires > now)


class Clients:
    """The clients of a node."""

    def __init__(self, vault: Vault, clock: Clock, notes: Notes | None = None) -> None:
        self._vault, self._clock, self._notes = vault, clock, notes or Notes()

    def add(
        self,
        id: str,
        *,
        jwks: object = None,
        jwks_uri: str = "",
        name: str = "",
        kind: Literal["service", "city"] = "service",
        scopes: Iterable[str] = ("read",),
        types: Iterable[str] | None = None,
        tenant: str | None = None,
        purposes: Iterable[str] = (),
        days: int = 0,
        source: str = "",
        who: Principal = LOCAL,
    ) -> Client:
        """Register a client.

        Args:
            id: its ``client_id``.
            jwks, jwks_uri: its public keys, or where they are; one of the two.
            name, kind: what it is, in words; whether it is a program or another city.
            scopes, types, tenant: what it may do at most; types as IRIs, ``None``: all.
            purposes: what for; a token names one of them.
            days: after how many it ends; 0: not by itself.
            source: the declared source whose data it brings; "": none.
            who: who registers it.

        Raises:
            BadRequest: something of it cannot be taken.
            AlreadyExists: there is one of that name.
        """
        id, now = checked_name(id), self._clock.now()
        if not 0 <= days <= _LONGEST:
            raise BadRequest(f"client {id}", f"cannot last {days} days", f"at most {_LONGEST}")
        if tenant:
            checked(tenant)
        made = Client(
            id,
            name.strip()[:200] or id,
            kind,
            checked_scopes(scopes),
            None if types is None else tuple(types) or None,
            tenant,
            _purposes(purposes),
            *_keys(id, jwks, jwks_uri),
            iso(now),
            iso(now + timedelta(days=days)) if days else "",
            source=source,
        )

        def put(old: Record | None) -> tuple[Record, None]:
            if old is not None:
                raise AlreadyExists(f"client {id}", "is there already", "choose another name")
            return asdict(made), None

        if self._vault.get(_CLIENT, id) is None:
            self._note(who, id, "client.added")
        self._vault.edit(_CLIENT, id, put)
        return made

    def get(self, id: str) -> Client | None:
        """The client of that name, also one that is shut."""
        record = self._vault.get(_CLIENT, id[:64])
        return None if record is None else Client.of(record)

    def all(self) -> list[Client]:
        """All clients, in order of name."""
        return sorted(map(Client.of, self._vault.all(_CLIENT)), key=lambda each: each.id)

    def disable(self, id: str, *, disabled: bool = True, who: Principal = LOCAL) -> None:
        """Shut a client, or open it again; its tokens follow at once.

        Raises:
            NotFound: there is none of that name.
        """
        self._named(id)
        self._note(who, id, "client.disabled" if disabled else "client.enabled")
        self._vault.edit(_CLIENT, id, _changed(disabled=disabled))

    def remove(self, id: str, who: Principal = LOCAL) -> None:
        """Remove a client; its tokens end at once.

        Raises:
            NotFound: there is none of that name.
        """
        self._named(id)
        self._note(who, id, "client.removed")
        self._vault.drop(_CLIENT, id)

    def note_use(self, client: Client) -> None:
        """Remember that it was given a token."""
        now = self._clock.now()
        if client.used <= iso(now - _NOTED_EVERY):
            self._vault.edit(_CLIENT, client.id, _changed(used=iso(now)))

    def _named(self, id: str) -> Client:
        found = self.get(id)
        if found is None:
            fact, remedy = "is not registered", "list them with: hansa client list"
            raise NotFound(f"client {id[:64]}", fact, remedy)
        return found

    def _note(self, who: Principal, id: str, reason: str) -> None:
        self._notes.note(who, f"client:{id}", reason)


def _purposes(given: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(given))
    for each in found:
        if not each or len(each) > 200 or not each.isprintable() or set(each) & set(' "\\'):
            fact = "is none: it has spaces, quotes or more than 200 signs"
            raise BadRequest(f"purpose {each[:80]!r}", fact, "use a word or an IRI")
    if len(found) > _MOST_PURPOSES:
        raise BadRequest("the client", f"has more than {_MOST_PURPOSES} purposes", "make another")
    return found


def _keys(id: str, jwks: object, jwks_uri: str) -> tuple[dict[str, Any] | None, str]:
    if (jwks is None) == (not jwks_uri):
        fact = "needs its public keys, or the address where they are"
        raise BadRequest(f"client {id}", fact, "give one of the two")
    if jwks is not None:
        return public_keys(jwks), ""
    url = parse_url(jwks_uri)
    if url.scheme not in ("https", "http") or not url.host or len(jwks_uri) > 1000:
        raise BadRequest(f"address {jwks_uri[:100]}", "is not of the web", "give an https address")
    return None, jwks_uri


def _changed(**changes: Any) -> Callable[[Record | None], tuple[Record | None, None]]:
    def edit(old: Record | None) -> tuple[Record | None, None]:
        return (None if old is None else asdict(replace(Client.of(old), **changes))), None

    return edit
