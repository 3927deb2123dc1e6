"""The gate: the only way to a store, for pages, APIs, spokes and services alike.

Rules, in order; the first that applies decides, and its reason goes with the answer:

1. a node for experiments (``--dev``) lets everyone who reaches it do everything;
2. the operator, and processes of this machine, may do everything;
3. a token reaches no further than its scopes, its tenant and its types;
4. a token that names a declared source writes the entities of that source and no others, in the hands of a
   program, a data officer or an administrator (:mod:`hansa.trust.guard.bringer`);
5. administrators may do everything;
6. what else may be read, and of it which entities and attributes, the city's rules say (:class:`Rules`); without
   any, what stands in the city's own tenant is published;
7. everything else is refused.

Who may read gets a reader that shows what the rules leave them, and nothing else (:mod:`hansa.trust.guard`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn

from hansa.kernel.errors import Forbidden, Unauthorized, UndeclaredSource
from hansa.ngsild.query import Query
from hansa.store.port import Reader, Store
from hansa.store.tenants import Tenants
from hansa.trust.guard.bringer import brought_by
from hansa.trust.guard.guard import grouped, guarded, guarded_to_count
from hansa.trust.guard.reach import narrowed
from hansa.trust.identity.desk import Desk
from hansa.trust.keeping import brings
from hansa.trust.policy.view import View
from hansa.trust.principals import LOCAL, OPERATOR, PUBLIC, Principal, token_matches
from hansa.trust.reads import Reads
from hansa.trust.sights import Sights
from hansa.trust.sources.register import SourceRegister
from hansa.trust.standing import Decision, Rules, Verb, is_unlimited, overlap

__all__ = ["Decision", "Gate", "Rules", "Verb"]


class Gate(Sights):
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
        super().__init__(dev=dev, desk=desk)
        self._tenants = tenants
        self._token_hash = token_hash
        self.sources: SourceRegister | None = None
        """The sources that may give data; set by the node."""
        self.led: Callable[[dict[str, Any], Store], Store] = lambda record, store: store
        """Leads what is written of a source through its steps; set by the node."""
        self._open: tuple[View, Reader, Reader] | None = None
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
        if verb == "subscribe":
            return self._subscribes(principal, tenant)
        if not principal.may("read" if verb == "read" else "write", tenant):
            return Decision(False, "the token does not reach that far")
        if verb == "read":
            view = self.view(principal, "read", tenant, counts=False)
            return Decision(not view.nothing, view.reason)
        if verb == "bring" and brings(principal):
            if tenant and not principal.names(tenant):
                return Decision(False, "a token that names a source reaches a tenant that it names")
            return Decision(True, f"the token brings the data of source {principal.source}")
        if principal.has("administrator") and is_unlimited(principal):
            return Decision(True, f"{principal.name} administers this node")
        if verb == "bring":
            return Decision(
                False,
                "only the operator, and who brings the data of a declared source, may write entities",
            )
        return Decision(False, "only the operator and administrators may change it")

    def _subscribes(self, principal: Principal, tenant: str | None) -> Decision:
        """Whether `principal` may be told of changes: who may write may, and who says who they are if a rule permits."""
        writes = self.decide(principal, "write", tenant)
        if writes.allowed:
            return writes
        if principal.kind == "public":
            return Decision(False, "who is told of changes must say who they are")
        view = self.view(principal, "subscribe", tenant, counts=False)
        return Decision(not view.nothing, view.reason)

    def admit(self, principal: Principal, verb: Verb, tenant: str | None = None) -> None:
        """Let `principal` pass who may `verb` something in `tenant`; what, is asked when it is known.

        What the rules leave to a reader is asked once, by :meth:`reader`; here counts how far its token reaches.

        Raises:
            Forbidden, Unauthorized: the gate says no.
        """
        if verb != "read":
            self._check(principal, verb, tenant)
        elif not self._dev and not principal.may(verb, tenant):
            self._refuse(principal, verb, tenant, "the token does not reach that far")

    def reader(
        self,
        principal: Principal,
        tenant: str | None = None,
        snapshot: str | None = None,
        *,
        passes_on: bool = False,
    ) -> Reader:
        """What `principal` may see of the tenant's entities, or of those of a snapshot of it; see :meth:`sighted`."""
        return self.sighted(principal, tenant, snapshot, passes_on=passes_on)[0]

    def sighted(
        self,
        principal: Principal,
        tenant: str | None = None,
        snapshot: str | None = None,
        *,
        passes_on: bool = False,
    ) -> tuple[Reader, View]:
        """The same, with the view behind it, whose obligations go with every answer.

        With `passes_on`, a machine gets it for somebody else: then it is what that machine may republish, too.

        Raises:
            Forbidden, Unauthorized: the gate says no.
            NonexistentTenant, NotFound: there is no such tenant, or snapshot.
        """
        view = self.view(principal, "read", tenant)
        if passes_on and principal.kind in ("service", "city"):
            view = overlap(view, self.view(principal, "republish", tenant, counts=False))
        return self._seen(principal, view, tenant, snapshot), view

    def sums(
        self,
        principal: Principal,
        tenant: str | None,
        snapshot: str | None,
        query: Query,
        *,
        by_groups: bool = False,
    ) -> tuple[Reader, View]:
        """What `principal` may see where they ask `query` for counts or sums only, with the view behind it.

        That is what they may read; where this has nothing of what is asked, or `by_groups` is wanted, it is the
        groups that they may have summed up.

        Raises:
            Forbidden, Unauthorized: the gate says no.
            NonexistentTenant, NotFound: there is no such tenant, or snapshot.
        """
        view = self.view(principal, "read", tenant)
        if view.whole:
            return self._seen(principal, view, tenant, snapshot), view
        groups = self.view(principal, "aggregate", tenant)
        if groups.nothing:
            if by_groups:
                self._refuse(principal, "read", tenant, groups.reason)
            return self._seen(principal, view, tenant, snapshot), view
        store = self._behind(tenant, snapshot)
        if not by_groups and not view.nothing:
            about = Query(types=query.types, attributes=query.attributes, seen=view.seen)
            if store.query(replace(about, limit=0, count=True)).total:
                return self._seen(principal, view, tenant, snapshot), view
        public = self._view(PUBLIC, "read", tenant)
        return grouped(store, principal, groups, public, self.log), groups

    def _seen(
        self, principal: Principal, view: View, tenant: str | None, snapshot: str | None
    ) -> Reader:
        """What a view leaves of a tenant, or of a snapshot of it."""
        if view.nothing:
            reason = view.reason
            if not self.view(principal, "aggregate", tenant, counts=False).nothing:
                reason += "; it may be counted (limit=0), and summed up (format=aggregatedValues)"
            self._refuse(principal, "read", tenant, reason)
        store: Reader = self._behind(tenant, snapshot)
        if principal is LOCAL:
            return store
        if principal is PUBLIC and view.public and not tenant and snapshot is None:
            return self._everybodys(store, view)
        if not self._dev:
            public = view if view.public else self._view(PUBLIC, "read", tenant)
            store = guarded(store, principal, view, public, self.log)
        if tenant or snapshot is not None or self.reads is None:
            return store
        return self.reads.counted(store, principal)

    def _everybodys(self, store: Reader, view: View) -> Reader:
        """What everybody may see of the city's own tenant: the same reader as long as nothing changes."""
        known = self._open
        if known is not None and known[0] is view and known[1] is store:
            return known[2]
        made = guarded(store, PUBLIC, view, view, None)
        if self.reads is not None:
            made = self.reads.counted(made, PUBLIC)
        self._open = view, store, made
        return made

    def reader_of(self, algorithm: Principal) -> Reader:
        """What an algorithm of the register may read of the city: the types that its record names, and nothing else."""
        view = narrowed(View.everything("read", f"{algorithm.name} names them"), algorithm)
        public = self._view(PUBLIC, "read", None)
        return guarded(self._behind(None, None), algorithm, view, public, self.log)

    def counting(self, principal: Principal, type: str) -> Reader:
        """What `principal` may have counted of the city's entities of a type: what they may read.

        Raises:
            Forbidden, Unauthorized: the gate says no.
        """
        view = self.view(principal)
        if view.nothing:
            self._refuse(principal, "read", None, view.reason)
        public = self._view(PUBLIC, "read", None)
        return guarded_to_count(self._behind(None, None), principal, view, public, self.log, type)

    def _behind(self, tenant: str | None, snapshot: str | None) -> Store:
        """All of a tenant, or of a snapshot of it."""
        if snapshot is not None:
            return self._tenants.snapshot(tenant, snapshot)
        return self._tenants.get(tenant)

    def source_of(self, principal: Principal) -> dict[str, Any] | None:
        """The record of the source of what `principal` writes by the API; ``None``: none is asked for.

        The operator's own entries have a source, declared when it is first needed.

        Raises:
            UndeclaredSource: its token names no source, or one that is not declared.
        """
        if self._dev or self.sources is None or principal is LOCAL:
            return None
        if principal.kind == "operator":
            return self.sources.operators()
        if not principal.source:
            raise UndeclaredSource(
                f"what {principal.name} writes",
                "belongs to no declared source",
                "declare the source ('hansa source template NAME'), and make a token that names it: "
                "'hansa token add ACCOUNT --scope write --source NAME'",
                missing=["source"],
            )
        return self.sources.in_use(principal.source)

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
        if snapshot is None and make:
            return self._tenants.get_or_create(tenant)
        return self._behind(tenant, snapshot)

    def taker(
        self,
        principal: Principal,
        tenant: str | None = None,
        snapshot: str | None = None,
        *,
        make: bool = False,
    ) -> Store:
        """The tenant's entities, or those of a snapshot, for one who brings some: of a declared source, led through its steps.

        With `make` a new tenant is created, unless a token brings the data of one source alone.

        Raises:
            Forbidden, Unauthorized: the gate says no.
            UndeclaredSource: what it writes belongs to no declared source.
            NonexistentTenant, NotFound: there is no such tenant, or snapshot.
        """
        self._check(principal, "bring", tenant)
        record = self.source_of(principal)
        by_source = not self._dev and principal.source
        if snapshot is None and make and not by_source:
            store = self._tenants.get_or_create(tenant)
        else:
            store = self._behind(tenant, snapshot)
        if record is not None:
            store = self.led(record, store)
        if not by_source:
            return store
        types = None if principal.narrowing is None else principal.narrowing.types
        return brought_by(store, principal.source, types)

    def subscriber(
        self,
        principal: Principal,
        tenant: str | None = None,
        snapshot: str | None = None,
        *,
        make: bool = False,
    ) -> Store:
        """Where `principal` may keep what tells them of changes; it is for subscriptions alone.

        Raises:
            Forbidden, Unauthorized: the gate says no.
            NonexistentTenant, NotFound: there is no such tenant, or snapshot.
        """
        if self.decide(principal, "write", tenant).allowed:
            return self.writer(principal, tenant, snapshot, make=make)
        self._check(principal, "subscribe", tenant)
        return self._behind(tenant, snapshot)

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
        if not decision.allowed:
            self._refuse(principal, verb, tenant, decision.reason)

    def _refuse(
        self, principal: Principal, verb: Verb, tenant: str | None, reason: str
    ) -> NoReturn:
        where = f"tenant {tenant}" if tenant else "the city's data"
        if self.log is not None:
            self.log.refused(principal, (f"tenant:{tenant or 'city'}",), f"{verb}.refused")
        if principal.kind == "public":
            raise Unauthorized(where, reason, "send a token that may as 'Bearer …'")
        raise Forbidden(where, reason)
