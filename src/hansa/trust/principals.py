"""Who is asking."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["LOCAL", "OPERATOR", "PUBLIC", "Principal", "new_token", "token_hash", "token_matches"]

Role = Literal["public", "operator"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody, or some program, that the gate can name in a decision."""

    name: str
    role: Role


PUBLIC: Final = Principal("public", "public")
"""Anyone, without saying who they are."""

OPERATOR: Final = Principal("operator", "operator")
"""Who holds the operator's token of this node."""

LOCAL: Final = Principal("local", "operator")
"""A process that runs on this machine with access to the node's folder: the command line, a spoke."""


def new_token() -> str:
    """A fresh operator token (256 bits); only its hash is to be stored."""
    return "hansa_" + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What of a token is stored. Tokens are long and random, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_matches(token: str, stored_hash: str) -> bool:
    """Whether `token` is the one behind `stored_hash`, compared in constant time."""
    return bool(stored_hash) and hmac.compare_digest(token_hash(token), stored_hash)
