"""Grants: short access tokens for clients that prove by their key who they are (RFC 6749 4.4, RFC 7523 2.2).

What is asked of a client's assertion, in this order: it names a client that holds; one of the client's keys signed
it; its issuer and subject are the client; it is meant for this node; it has not ended, lasts an hour at most and was not
made in the future; and it was never seen before. What was seen is kept in the vault until it would have ended,
so that not even a restart lets somebody use it twice.

The access token is a JWT (RFC 9068) signed by the node's own Ed25519 key, so that who holds it can read what it may do.
It is never enough by itself: each use reads the client's record, which may have been shut or narrowed since.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import BadRequest, Unauthorized
from hansa.ngsild.city import city_iri
from hansa.trust.identity.clients import Client, Clients
from hansa.trust.identity.keysets import Jwks, Signed, public_keys, sign, verified
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import LOCAL, PUBLIC, SCOPES, Narrowing, Principal
from hansa.trust.vault import Record, Vault

__all__ = ["SECONDS", "Granted", "Grants", "InvalidScope", "client_of"]

SECONDS: Final = 600
"""How long an access token holds."""

_KEY: Final = "key"
_OWN: Final = "tokens"
_SEEN: Final = "assertion"
_LONGEST: Final = 3600
_LEEWAY: Final = 30
_SWEEP: Final = timedelta(minutes=1)
_KIND: Final = "at+jwt"
_REMEMBERED: Final = 1000
_SUBJECT: Final = "the client's assertion"


class InvalidScope(BadRequest):
    """A client asked for more than it is registered for."""


@dataclass(frozen=True, slots=True)
class Granted:
    """An access token, as the answer says it."""

    token: str
    scope: str
    seconds: int = SECONDS


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a client asks for, or is given when it says nothing."""

    scopes: tuple[str, ...]
    types: tuple[str, ...] | None
    purpose: str | None

    def text(self) -> str:
        """As the answer's ``scope``."""
        types = [f"type:{each}" for each in self.types or ()]
        purpose = [f"purpose:{self.purpose}"] if self.purpose else []
        return " ".join([*self.scopes, *types, *purpose])


class Grants:
    """The access tokens of a node's clients."""

    def __init__(self, vault: Vault, clock: Clock, clients: Clients, name: str = "") -> None:
        self._vault, self._clock, self._clients = vault, clock, clients
        self._name = name
        """The node's public address, if it is known: a token for another one, such as that of a copy, is not taken."""
        self.log: Recorder | None = None
        """What logs grants and refusals; set by the node."""
        self._swept = clock.now()
        self._known: OrderedDict[str, Mapping[str, Any]] = OrderedDict()
        self._own: dict[str, Any] | None = None

    # -- giving ------------------------------------------------------------------------------------

    def holder(self, assertion: str, client_id: str = "") -> Client:
        """The client that an assertion is about, before anything of it is proved.

        Raises:
            Unauthorized: there is none, or it is shut.
        """
        id = client_of(assertion)
        found = self._clients.get(id) if id else None
        named = not client_id or client_id == id
        if found is None or not named or not found.holds(iso(self._clock.now())):
            self._refused(id)
            raise Unauthorized("the client", "is not registered here", "ask an administrator")
        return found

    def grant(
        self, client: Client, assertion: str | Signed, audiences: set[str], issuer: str, scope: str
    ) -> Granted:
        """An access token for a client whose assertion proves that it is it.

        Args:
            client: what :meth:`holder` found.
            assertion: its text, or what came of it where the keys are elsewhere.
            audiences: the names of this node that an assertion may be meant for.
            issuer: this node, as the token will name it.
            scope: what is asked for; "": all that the client may have.

        Raises:
            Unauthorized: the assertion does not prove it.
            InvalidScope: it asks for more than the client may have.
        """
        try:
            if isinstance(assertion, str):
                assertion = verified(assertion, client.jwks or {"keys": []})
            self._check(client, assertion, audiences)
        except Unauthorized:
            self._refused(client.id)
            raise
        asked = _asked(client, scope)
        now, id = int(self._clock.now().timestamp()), secrets.token_hex(8)
        claims = {
            "iss": issuer,
            "sub": client.id,
            "client_id": client.id,
            "aud": issuer,
            "iat": now,
            "exp": now + SECONDS,
            "jti": id,
            "scope": asked.text(),
            "scopes": asked.scopes,
            "types": asked.types,
            "purpose": asked.purpose,
            **({} if client.tenant is None else {"tenant": client.tenant}),
        }
        if self.log is not None:
            who = client.principal(Narrowing(frozenset(asked.scopes)), asked.purpose, id)
            self.log.changed("grant", who, (f"client:{client.id}",), "token.granted")
        self._clients.note_use(client)
        return Granted(sign(claims, self._key(), _KIND), asked.text())

    def _check(self, client: Client, signed: Signed, audiences: set[str]) -> None:
        """See what an assertion claims (RFC 7523, section 3), and that it is new."""
        claims, now = signed.claims, self._clock.now().timestamp()
        if signed.header.get("typ", "JWT") not in ("JWT", "client-authentication+jwt"):
            raise _wrong("is a token of another kind")
        if claims.get("iss") != client.id or claims.get("sub") != client.id:
            raise _wrong("does not have the client as issuer and subject")
        if not _named(claims.get("aud")) & audiences:
            raise _wrong(f"is not meant for {min(audiences)}")
        ends, made, since = (_instant(claims, name) for name in ("exp", "iat", "nbf"))
        if ends is None or ends + _LEEWAY <= now:
            raise _wrong("has ended, or does not say when it ends")
        if ends > now + _LONGEST + _LEEWAY:
            raise _wrong("lasts longer than an hour")
        if max(made or 0, since or 0) > now + _LEEWAY:
            raise _wrong("is made for later")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 1 <= len(jti) <= 500:
            raise _wrong("has no identifier of its own (jti)")
        self._see(client.id, jti, ends)

    def _see(self, client: str, jti: str, ends: float) -> None:
        """Take an assertion's identifier once; durable when this returns."""
        self._sweep()
        id = hashlib.sha256(f"{client}\n{jti}".encode("utf-8", "surrogatepass")).hexdigest()
        until = iso(self._clock.now() + timedelta(seconds=_LONGEST + 2 * _LEEWAY))

        def take(old: Record | None) -> tuple[Record, None]:
            if old is not None:
                raise _wrong("was used before")
            return {"id": id, "until": until, "ends": ends}, None

        self._vault.edit(_SEEN, id, take)

    def _sweep(self) -> None:
        now = self._clock.now()
        if now - self._swept >= _SWEEP:
            self._swept = now
            over = [each["id"] for each in self._vault.all(_SEEN) if each["until"] <= iso(now)]
            self._vault.drop(_SEEN, *over)

    def _refused(self, client: str) -> None:
        if self.log is not None:
            self.log.refused(PUBLIC, (f"client:{client[:64]}",), "token.refused")

    # -- taking ------------------------------------------------------------------------------------

    def principal(self, text: str) -> Principal | None:
        """Who an access token speaks for; ``None`` if it is none of ours, or no longer holds."""
        claims = self._known.get(text) or self._claims(text)
        now = self._clock.now()
        if claims is None or not claims.get("nbf", 0) <= now.timestamp() < claims["exp"]:
            return None
        client = self._clients.get(str(claims["client_id"]))
        if client is None or not client.holds(iso(now)) or client.made > _made(claims):
            return None
        scopes = frozenset(claims["scopes"]) & frozenset(client.scopes)
        narrowing = Narrowing(scopes, _both(claims["types"], client.types), client.tenant)
        return client.principal(narrowing, claims["purpose"], str(claims["jti"]))

    def _claims(self, text: str) -> Mapping[str, Any] | None:
        try:
            signed = verified(text, self.published())
        except Unauthorized:
            return None
        meant = signed.claims.get("aud")
        if signed.header.get("typ") != _KIND or meant != signed.claims.get("iss"):
            return None
        if self._name and meant != self._name:
            return None
        self._known[text] = signed.claims
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return signed.claims

    def published(self) -> Jwks:
        """The public key of this node's access tokens, as a JWKS."""
        own = self._key()
        return public_keys({"keys": [{name: own[name] for name in ("kty", "crv", "x", "kid")}]})

    def new_key(self, who: Principal = LOCAL) -> None:
        """Make another key; tokens that were signed by the one before end with it."""
        if self.log is not None:
            self.log.changed("account", who, ("key:tokens",), "key.replaced")
        made = _new_key()
        self._vault.put(_KEY, _OWN, made)
        self._own, self._known = made, OrderedDict()

    def _key(self) -> dict[str, Any]:
        """The node's own key, made when it is first needed."""

        def kept(old: Record | None) -> tuple[Record, Record]:
            found = old or _new_key()
            return found, found

        if self._own is None:
            self._own = self._vault.get(_KEY, _OWN) or self._vault.edit(_KEY, _OWN, kept)
        return self._own


def client_of(assertion: str) -> str:
    """The client that an assertion says that it is about, unproved; "" if it says none."""
    try:
        claims = orjson.loads(urlsafe_b64decode(assertion.split(".")[1].encode()))
    except (ValueError, IndexError):
        return ""
    found = claims.get("sub") if isinstance(claims, dict) else None
    return found if isinstance(found, str) and len(found) <= 64 else ""


def _asked(client: Client, scope: str) -> _Asked:
    """What a request's ``scope`` asks for: scopes, ``type:…`` and ``purpose:…``."""
    words = list(dict.fromkeys(scope.split()))
    scopes = tuple(word for word in words if ":" not in word)
    types = tuple(city_iri(word[5:]) for word in words if word.startswith("type:"))
    purposes = [word[8:] for word in words if word.startswith("purpose:")]
    known = len(scopes) + len(types) + len(purposes) == len(words)
    if not known or len(purposes) > 1 or set(scopes) - set(SCOPES):
        raise InvalidScope("the scope", "is not understood", f"use {', '.join(SCOPES)}, type:…")
    if set(scopes) - set(client.scopes) or not set(types) <= set(client.types or types):
        fact = "is more than the client is registered for"
        raise InvalidScope("the scope", fact, f"it may have: {' '.join(client.scopes)}")
    if purposes and purposes[0] not in client.purposes:
        raise InvalidScope(f"purpose '{purposes[0][:80]}'", "is not one of the client's")
    if not purposes and len(client.purposes) > 1:
        fact = "does not say for which of the client's purposes"
        raise InvalidScope("the scope", fact, "add purpose:…")
    purpose = next(iter(purposes or client.purposes), None)
    return _Asked(scopes or client.scopes, types or client.types, purpose)


def _both(one: Any, other: tuple[str, ...] | None) -> frozenset[str] | None:
    """The types that two limits leave; ``None`` is no limit."""
    if one is None or other is None:
        limit = other if one is None else one
        return None if limit is None else frozenset(limit)
    return frozenset(one) & frozenset(other)


def _made(claims: Mapping[str, Any]) -> str:
    """The end of the second in which a token was made."""
    return iso(datetime.fromtimestamp(int(claims["iat"]) + 1, UTC))


def _named(audience: object) -> set[str]:
    listed = audience if isinstance(audience, list) else [audience]
    return {each for each in listed if isinstance(each, str)}


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    """A claim that is an instant; ``None`` if it is not there.

    Raises:
        Unauthorized: it is there, but is none.
    """
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise _wrong(f"has something in {name} that is no instant")
    return float(value)


def _new_key() -> Record:
    key = OKPKey.generate_key("Ed25519")
    return {**key.as_dict(private=True), "kid": key.thumbprint()}


def _wrong(fact: str) -> Unauthorized:
    return Unauthorized(_SUBJECT, fact, "make a new one (RFC 7523)")
