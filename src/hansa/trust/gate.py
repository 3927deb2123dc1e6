"""The gate: the only way to a store, for pages, APIs, spokes and services alike.

Rules, in order; the first that applies decides, and its reason goes with the answer:

1. a node for experiments (``--dev``) lets everyone who reaches it do everything;
2. the operator, and processes of this machine, may do everything;
3. anyone may read the city's own tenant, because what stands there is published;
4. everything else is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hansa.kernel.errors import Forbidden, Unauthorized
from hansa.store.port import Reader, Store
from hansa.store.tenants import Tenants
from hansa.trust.principals import OPERATOR, PUBLIC, Principal, token_matches

__all__ = ["Decision", "Gate"]

Verb = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and why."""

    allowed: bool
    reason: str


class Gate:
    """Lets principals through to the stores of the tenants, or says why not.

    Args:
        tenants: the stores behind the gate.
        token_hash: hash of the operator's token; empty if nobody may write from outside.
        dev: whether this is a node without accounts.
    """

    def __init__(self, tenants: Tenants, *, token_hash: str = "", dev: bool = False) -> None:
        self._tenants = tenants
        self._token_hash = token_hash
        self._dev = dev

    def identify(self, authorization: str | None) -> Principal:
        """Who an Authorization header speaks for.

        Raises:
            Unauthorized: there is a header, but it proves nothing. A wrong token never passes as public.
        """
        if authorization is None:
            return OPERATOR if self._dev else PUBLIC
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and token_matches(token.strip(), self._token_hash):
            return OPERATOR
        if self._dev:
            return OPERATOR
        raise Unauthorized(
            "the Authorization header",
            "does not hold a valid token of this node",
            "send 'Bearer' and the token that 'hansa init' printed, or no such header to read",
        )

    def decide(self, principal: Principal, verb: Verb, tenant: str | None = None) -> Decision:
        """Whether `principal` may `verb` in `tenant` (None is the city's own)."""
        if self._dev:
            return Decision(True, "this is a node for experiments, without accounts")
        if principal.role == "operator":
            return Decision(True, f"{principal.name} operates this node")
        if verb == "read" and tenant is None:
            return Decision(True, "the city's own tenant is published")
        if verb == "read":
            return Decision(False, "only the city's own tenant is published")
        return Decision(False, "only the operator may change the city's data")

    def reader(self, principal: Principal, tenant: str | None = None) -> Reader:
        """The tenant's entities, to read.

        Raises:
            Forbidden, Unauthorized: the gate says no.
            NonexistentTenant: there is no such tenant.
        """
        self._check(principal, "read", tenant)
        return self._tenants.get(tenant)

    def writer(
        self, principal: Principal, tenant: str | None = None, *, make: bool = False
    ) -> Store:
        """The tenant's entities, to read and write; with `make` a new tenant is created.

        Raises:
            Forbidden, Unauthorized: the gate says no.
            NonexistentTenant: there is no such tenant, and `make` is off.
        """
        self._check(principal, "write", tenant)
        return self._tenants.get_or_create(tenant) if make else self._tenants.get(tenant)

    def _check(self, principal: Principal, verb: Verb, tenant: str | None) -> None:
        decision = self.decide(principal, verb, tenant)
        if decision.allowed:
            return
        where = f"tenant {tenant}" if tenant else "the city's data"
        if principal is PUBLIC:
            raise Unauthorized(where, decision.reason, "send the operator's token as 'Bearer …'")
        raise Forbidden(where, decision.reason)
