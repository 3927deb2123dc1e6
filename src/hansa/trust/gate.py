"""The gate: the only way to a store, for pages, APIs, spokes and services alike.

Rules, in order; the first that applies decides, and its reason goes with the answer:

1. a node for experiments (``--dev``) lets everyone who reaches it do everything;
2. the operator, and processes of this machine, may do everything;
3. a token reaches no further than its scopes and its tenant;
4. administrators may do everything, unless their token is limited to some types;
5. anyone may read the city's own tenant, because what stands there is published;
6. everything else is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hansa.kernel.errors import Forbidden, Unauthorized
from hansa.store.port import Reader, Store
from hansa.store.tenants import Tenants
from hansa.trust.identity.desk import Desk
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import OPERATOR, PUBLIC, Principal, token_matches
from hansa.trust.reads import Reads

__all__ = ["Decision", "Gate", "Verb"]

Verb = Literal["read", "write"]
"""What is asked of a store."""


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
        desk: what knows the tokens of accounts; ``None`` if there are no accounts.
    """

    def __init__(
        self,
        tenants: Tenants,
        *,
        token_hash: str = "",
        dev: bool = False,
        desk: Desk | None = None,
    ) -> None:
        self._desk = desk
        self._tenants = tenants
        self._token_hash = token_hash
        self._dev = dev
        self.log: Recorder | None = None
        """What logs refusals; set by the node."""
        self.reads: Reads | None = None
        """What counts reads of the city's own tenant; set by the node."""

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
        found = self._desk and scheme.lower() == "bearer" and self._desk.bearer(token.strip())
        if found:
            return found
        raise Unauthorized(
            "the Authorization header",
            "does not hold a valid token of this node",
            "send 'Bearer' and the token that 'hansa init' or 'hansa token add' printed, or no such "
            "header to read",
        )

    def decide(self, principal: Principal, verb: Verb, tenant: str | None = None) -> Decision:
        """Whether `principal` may `verb` in `tenant` (None is the city's own)."""
        if self._dev:
            return Decision(True, "this is a node for experiments, without accounts")
        if principal.kind == "operator":
            return Decision(True, f"{principal.name} operates this node")
        if not principal.may(verb, tenant):
            return Decision(False, "the token does not reach that far")
        if principal.has("administrator") and _is_whole(principal):
            return Decision(True, f"{principal.name} administers this node")
        if verb == "read" and tenant is None:
            return Decision(True, "the city's own tenant is published")
        if verb == "read":
            return Decision(False, "only the city's own tenant is published")
        return Decision(False, "only the operator may change the city's data")

    def admit(self, principal: Principal, verb: Verb, tenant: str | None = None) -> None:
        """Let `principal` pass who may `verb` something in `tenant`; what, is asked when it is known.

        Raises:
            Forbidden, Unauthorized: the gate says no.
        """
        self._check(principal, verb, tenant)

    def reader(
        self, principal: Principal, tenant: str | None = None, snapshot: str | None = None
    ) -> Reader:
        """The tenant's entities, or those of a snapshot of it, to read.

        Raises:
            Forbidden, Unauthorized: the gate says no.
            NonexistentTenant, NotFound: there is no such tenant, or snapshot.
        """
        self._check(principal, "read", tenant)
        if snapshot is not None:
            return self._tenants.snapshot(tenant, snapshot)
        found = self._tenants.get(tenant)
        return found if tenant or self.reads is None else self.reads.counted(found, principal)

    def writer(
        self,
        principal: Principal,
        tenant: str | None = None,
        snapshot: str | None = None,
        *,
        make: bool = False,
    ) -> Store:
        """The tenant's entities, or those of a snapshot of it, to read and write.

        With `make` a new tenant is created; a snapshot is only made by :meth:`make_snapshot`.

        Raises:
            Forbidden, Unauthorized: the gate says no.
            NonexistentTenant, NotFound: there is no such tenant, or snapshot.
        """
        self._check(principal, "write", tenant)
        if snapshot is not None:
            return self._tenants.snapshot(tenant, snapshot)
        return self._tenants.get_or_create(tenant) if make else self._tenants.get(tenant)

    def make_snapshot(
        self, principal: Principal, tenant: str | None, id: str, source: str | None = None
    ) -> Store:
        """A new snapshot of the tenant, empty or a copy of another.

        Raises:
            Forbidden, Unauthorized: the gate says no.
            AlreadyExists, NotFound: it exists, or `source` does not.
        """
        self._check(principal, "write", tenant)
        return self._tenants.make_snapshot(tenant, id, source)

    def drop_snapshot(self, principal: Principal, tenant: str | None, id: str) -> None:
        """Delete what a snapshot holds.

        Raises:
            Forbidden, Unauthorized: the gate says no.
        """
        self._check(principal, "write", tenant)
        self._tenants.drop_snapshot(tenant, id)

    def _check(self, principal: Principal, verb: Verb, tenant: str | None) -> None:
        decision = self.decide(principal, verb, tenant)
        if decision.allowed:
            return
        where = f"tenant {tenant}" if tenant else "the city's data"
        if self.log is not None:
            self.log.refused(principal, (f"tenant:{tenant or 'city'}",), f"{verb}.refused")
        if principal.kind == "public":
            raise Unauthorized(where, decision.reason, "send the operator's token as 'Bearer …'")
        raise Forbidden(where, decision.reason)


def _is_whole(principal: Principal) -> bool:
    """Whether no token limits it to some types of entities."""
    return principal.narrowing is None or principal.narrowing.types is None
