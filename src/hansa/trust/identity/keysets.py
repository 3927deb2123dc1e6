"""Public keys of others (JWKS), and what is signed by them (JWT): which keys and algorithms count here.

Taken are Ed25519, ECDSA on P-256, and RSA of 2,048 to 8,192 bits; the algorithm must be one of the key's own. What
is signed symmetrically, or not at all, is never taken. A key set by URL comes through the egress guard, is kept for ten
minutes, and is asked for again, at most once a minute, when a signature names a key that it does not hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import orjson
from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from hansa.kernel.egress import Egress
from hansa.kernel.errors import BadRequest, Unauthorized

__all__ = ["ALGORITHMS", "Keysets", "Signed", "public_keys", "sign", "verified"]

Key = OKPKey | ECKey | RSAKey
Jwks = dict[str, Any]

ALGORITHMS: Final = ("EdDSA", "Ed25519", "ES256", "PS256", "RS256")
"""The signatures that are taken, by their names in JOSE."""

_MOST_KEYS: Final = 20
_MOST_BYTES: Final = 100_000
_LONGEST: Final = 16_000
_KEPT_SECONDS: Final = 600.0
_AGAIN_SECONDS: Final = 60.0
_MOST_SETS: Final = 1_000
_LEAST_RSA: Final = 342
_MOST_RSA: Final = 1366
"""Lengths of a modulus of 2,048 and 8,192 bits as it is written."""
_FITTING: Final = {
    "OKP": ("EdDSA", "Ed25519"),
    "EC": ("ES256",),
    "RSA": ("PS256", "RS256"),
}


class _Registry(JWSRegistry):
    """Only our algorithms; without the library's warning that EdDSA has a newer name, which most still lack."""

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(f"'{name[:20]}'")
        return self.algorithms[name]


_REGISTRY: Final = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


class UnknownKey(Unauthorized):
    """Something is signed by a key that is not in the set."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A JWT whose signature is right."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def public_keys(raw: object, *, lenient: bool = False) -> Jwks:
    """The keys of a JWKS that count here, each with what is public of it alone.

    Args:
        raw: the JSON of the set.
        lenient: whether keys of other kinds are passed over, as in sets that serve many; else they are a fault.

    Raises:
        BadRequest: it is no key set, or holds a key that cannot be taken, or none that can.
    """
    listed = raw.get("keys") if isinstance(raw, dict) else None
    if not isinstance(listed, list) or not 1 <= len(listed) <= _MOST_KEYS:
        fact = f"is no JWKS of 1 to {_MOST_KEYS} keys"
        raise BadRequest("the key set", fact, 'give an object with "keys" (RFC 7517)')
    found: list[dict[str, Any]] = []
    for each in listed:
        try:
            found.append(_public(each))
        except BadRequest:
            if not lenient:
                raise
    if not found:
        raise _no_key("holds none that can be taken")
    return {"keys": found}


def _public(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict) or raw.get("use", "sig") != "sig":
        raise _no_key("holds something that is no key for signatures")
    kinds: dict[str, type[Key]] = {"OKP": OKPKey, "EC": ECKey, "RSA": RSAKey}
    kind = kinds.get(str(raw.get("kty")))
    if kind is None:
        raise _no_key("holds a key of another kind")
    if kind is RSAKey and not _LEAST_RSA <= len(str(raw.get("n"))) <= _MOST_RSA:
        raise _no_key("holds a key of another size")
    try:
        key = kind.import_key({name: raw[name] for name in raw if isinstance(raw[name], str)})
        public: Any = key.as_dict(private=False)
    except (JoseError, ValueError, TypeError, KeyError) as fault:
        raise _no_key("holds a key that cannot be read") from fault
    if key.is_private:
        fact, remedy = "holds a private key", "keep that to yourself, and give its public part"
        raise BadRequest("the key set", fact, remedy)
    if raw.get("crv", "Ed25519") not in ("Ed25519", "P-256"):
        raise _no_key("holds a key of another size or curve")
    kept: dict[str, Any] = {
        name: public[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in public
    }
    return {**kept, "kid": str(raw.get("kid") or key.thumbprint())[:200]}


def verified(text: str, keys: Jwks) -> Signed:
    """A JWT whose signature one of `keys` made.

    Raises:
        UnknownKey: it names none of them.
        Unauthorized: none did, or it is no JWT that is taken here.
    """
    subject = "the signed token"
    if len(text) > _LONGEST or text.count(".") != 2 or not text.isascii():
        raise Unauthorized(subject, "is no JWT in three parts", "send one (RFC 7519)")
    head = _header(text)
    fitting = [
        each
        for each in keys["keys"]
        if head.get("alg") in _FITTING[each["kty"]] and head.get("kid", each["kid"]) == each["kid"]
    ]
    if not fitting:
        fact = "is signed by a key, or in a way, that is not known here"
        raise UnknownKey(subject, fact, f"use {', '.join(ALGORITHMS)}")
    for each in fitting:
        try:
            found = jwt.decode(text, KeySet.import_key_set({"keys": [each]}), registry=_REGISTRY)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        except RecursionError:
            raise Unauthorized(subject, "is nested too deeply", "send plain claims") from None
        return Signed(found.header, found.claims)
    raise Unauthorized(subject, "bears a signature that is not right", "sign it with the key named")


def sign(claims: Mapping[str, Any], key: Mapping[str, Any], kind: str) -> str:
    """`claims` as a JWT, signed by a private Ed25519 key (JWK)."""
    header = {"alg": "EdDSA", "kid": key["kid"], "typ": kind}
    private = OKPKey.import_key({name: str(value) for name, value in key.items()})
    return jwt.encode(header, dict(claims), private, registry=_REGISTRY)


def _header(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(urlsafe_b64decode(text.partition(".")[0].encode()))
    except ValueError:
        found = None
    if not isinstance(found, dict) or "crit" in found:
        raise Unauthorized("the signed token", "has a head that is not understood", "see RFC 7519")
    return found


def _no_key(fact: str) -> BadRequest:
    return BadRequest("the key set", fact, "use Ed25519, P-256, or RSA of at least 2,048 bits")


class Keysets:
    """Key sets by URL, through the egress guard."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._kept: dict[str, tuple[float, Jwks]] = {}

    async def at(self, url: str) -> Jwks:
        """The key set there, as it was within the last ten minutes.

        Raises:
            HansaError: it cannot be had, or is none.
        """
        kept = self._kept.get(url)
        if kept is None or monotonic() - kept[0] > _KEPT_SECONDS:
            return await self._fetch(url)
        return kept[1]

    async def verified(self, text: str, url: str) -> Signed:
        """A JWT that a key of the set at `url` signed; a key that is not known there may be new.

        Raises:
            Unauthorized: none of them did.
            HansaError: the set cannot be had.
        """
        keys = await self.at(url)
        try:
            return verified(text, keys)
        except UnknownKey:
            if monotonic() - self._kept.get(url, (0.0, keys))[0] <= _AGAIN_SECONDS:
                raise
        return verified(text, await self._fetch(url))

    async def _fetch(self, url: str) -> Jwks:
        kinds = "application/jwk-set+json, application/json"
        answer = await self._egress.fetch(url, accept=kinds, max_bytes=_MOST_BYTES, timeout=10)
        try:
            raw = orjson.loads(answer.content)
        except orjson.JSONDecodeError as fault:
            raise BadRequest(f"the key set at {url[:200]}", "is no JSON", "see RFC 7517") from fault
        if len(self._kept) >= _MOST_SETS:
            self._kept.clear()
        found = public_keys(raw, lenient=True)
        self._kept[url] = (monotonic(), found)
        return found
