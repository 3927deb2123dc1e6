"""Keys and assertions of clients, as a program beside a node makes them."""

from __future__ import annotations

import time
import uuid
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

ISSUER = "http://127.0.0.1:1356"
KEYS = {
    "Ed25519": OKPKey.generate_key("Ed25519", parameters={"kid": "ed"}),
    "ES256": ECKey.generate_key("P-256", parameters={"kid": "ec"}),
    "RS256": RSAKey.generate_key(2048, parameters={"kid": "rsa"}),
}
KEYS["PS256"] = KEYS["RS256"]


def jwks(*names: str) -> dict[str, Any]:
    """The public keys of those algorithms; of Ed25519 where none is named."""
    return {"keys": [KEYS[name].as_dict(private=False) for name in names or ("Ed25519",)]}


def claims(client: str = "parking", **changed: Any) -> dict[str, Any]:
    """What a right assertion claims; a change to ``None`` leaves a claim away."""
    now = int(time.time())
    found = {
        "iss": client,
        "sub": client,
        "aud": ISSUER,
        "iat": now,
        "exp": now + 60,
        "jti": uuid.uuid4().hex,
        **changed,
    }
    return {name: value for name, value in found.items() if value is not None}


def assertion(
    client: str = "parking", *, alg: str = "Ed25519", key: Any = None, head: Any = None, **more: Any
) -> str:
    """An assertion, signed."""
    signer = key or KEYS[alg]
    header = {"alg": alg, "kid": signer.kid, **(head or {})}
    registry = JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jwt.encode(header, claims(client, **more), signer, registry=registry)
