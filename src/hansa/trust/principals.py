"""Who is asking: somebody, or some program, that the gate can name in a decision.

A principal has one *kind* and any number of *roles*. Kinds: the public, a resident, a member of staff, a
service of this node or beside it, another city, and the operator of the machine. Roles are those of staff.
A token may narrow its principal: it then may do less than the principal may, never more.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final, Literal, get_args

__all__ = [
    "KINDS",
    "LOCAL",
    "OPERATOR",
    "PUBLIC",
    "ROLES",
    "SCOPES",
    "Kind",
    "Narrowing",
    "Principal",
    "Role",
    "new_token",
    "token_hash",
    "token_matches",
]

Kind = Literal["public", "resident", "staff", "service", "city", "operator"]
Role = Literal["data_officer", "strategy", "diplomat", "planner", "auditor", "administrator"]
Scope = Literal["read", "write", "admin"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
ROLES: Final[tuple[Role, ...]] = get_args(Role)
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a token leaves of its principal's rights.

    Attributes:
        scopes: what may be done at all: "read", "write", "admin" (accounts, rules, sources, keys).
        types: the entity types (IRIs) that may be touched; ``None``: all.
        tenant: the only tenant that may be touched, "" for the city's own; ``None``: any.
    """

    scopes: frozenset[str]
    types: frozenset[str] | None = None
    tenant: str | None = None

    def covers(self, scope: Scope, tenant: str | None) -> bool:
        """Whether the token reaches `scope` in `tenant` (``None`` is the city's own).

        What is limited to some types of entities administers nothing.
        """
        if scope == "admin" and self.types is not None:
            return False
        return scope in self.scopes and (self.tenant is None or self.tenant == (tenant or ""))


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody, or some program, that the gate can name in a decision.

    Attributes:
        name: how decisions and the log name it: an account's name, a client's identifier.
        kind: what it is.
        roles: of staff; empty for everybody else.
        narrowing: what its token leaves of its rights; ``None``: all of them.
        purpose: what it says that it asks for; ``None`` if it says nothing.
        token: the identifier of the token, client or agreement it came with; "" without one.
        source: the declared source that what it writes belongs to; "" where none is named.
    """

    name: str
    kind: Kind
    roles: frozenset[Role] = frozenset()
    narrowing: Narrowing | None = None
    purpose: str | None = None
    token: str = ""
    source: str = ""

    def has(self, role: Role) -> bool:
        """Whether it may act in `role`: because it has it, or as the machine's operator."""
        return role in self.roles or self.kind == "operator"

    def names(self, tenant: str) -> bool:
        """Whether its token is for this tenant, and not for any."""
        return self.narrowing is not None and self.narrowing.tenant == tenant

    def may(self, scope: Scope, tenant: str | None = None) -> bool:
        """Whether its token, if it came with one, leaves it `scope` in `tenant`."""
        return self.narrowing is None or self.narrowing.covers(scope, tenant)


PUBLIC: Final = Principal("public", "public")
"""Anyone, without saying who they are."""

OPERATOR: Final = Principal("operator", "operator")
"""Who holds the operator's token of this node."""

LOCAL: Final = Principal("local", "operator")
"""A process that runs on this machine with access to the node's folder: the command line, a spoke."""


def new_token(prefix: str = "hansa_") -> str:
    """A fresh token (256 bits); only its hash is to be stored."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What of a token is stored. Tokens are long and random, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def token_matches(token: str, stored_hash: str) -> bool:
    """Whether `token` is the one behind `stored_hash`, compared in constant time."""
    return bool(stored_hash) and hmac.compare_digest(token_hash(token), stored_hash)
