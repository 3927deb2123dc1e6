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

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn, Protocol

from hansa.kernel.errors import Forbidden, Unauthorized, UndeclaredSource
from hansa.ngsild.model import Entity
from hansa.store.port import Reader, Store
from hansa.store.tenants import Tenants
from hansa.trust.guard.bringer import brought_by
from hansa.trust.guard.guard import guarded, guarded_always, guarded_to_count, sieve_of
from hansa.trust.guard.reach import CLOSED, NOBODYS, PUBLISHED, narrowed
from hansa.trust.guard.reader import GuardedReader
from hansa.trust.identity.desk import Desk
from hansa.trust.keeping import brings
from hansa.trust.log.recorder import Recorder
from hansa.trust.policy.view import Action, View
from hansa.trust.principals import LOCAL, OPERATOR, PUBLIC, Principal, token_matches
from hansa.trust.reads import Reads
from hansa.trust.sources.register import SourceRegister

__all__ = ["Decision", "Gate", "Rules", "Verb"]

Verb = Literal["read", "write", "bring"]
"""What is asked of a store: to see it, to change it, or to bring entities of a source to it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and why."""

    allowed: bool
    reason: str


class Rules(Protocol):
    """What the city decided about who may see what."""

    def view(self, who: Principal, action: Action, tenant: str | None) -> View:
        """What `who` may see now; the same object as long as that does not change. It counts as one use, once in a request."""


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
        self.sources: SourceRegister | None = None
        """The sources that may give data; set by the node."""
        self.led: Callable[[dict[str, Any], Store], Store] = lambda record, store: store
        """Leads what is written of a source through its steps; set by the node."""
        self.log: Recorder | None = None
        """What logs refusals and readings; set by the node."""
        self.rules: Rules | None = None
        """What the city decided; set by the node. Without them, the city's own tenant is published."""
        self._marked = (PUBLISHED.seen, "")
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
        if not principal.may("read" if verb == "read" else "write", tenant):
            return Decision(False, "the token does not reach that far")
        if verb == "read":
            view = self.view(principal, "read", tenant)
            return Decision(not view.nothing, view.reason)
        if verb == "bring" and brings(principal):
            if tenant and not principal.names(tenant):
                return Decision(False, "a token that names a source reaches a tenant that it names")
            return Decision(True, f"the token brings the data of source {principal.source}")
        if principal.has("administrator") and _is_whole(principal):
            return Decision(True, f"{principal.name} administers this node")
        if verb == "bring":
            return Decision(
                False,
                "only the operator, and who brings the data of a declared source, may write entities",
            )
        return Decision(False, "only the operator and administrators may change it")

    def view(
        self, principal: Principal, action: Action = "read", tenant: str | None = None
    ) -> View:
        """What `principal` may see by `action` in `tenant`, as far as its token reaches."""
        if self._dev or principal.kind == "operator":
            return View.everything(action, f"{principal.name} operates this node")
        if principal.narrowing is not None and not principal.may("read", tenant):
            return replace(CLOSED, action=action, reason="the token does not reach that far")
        return narrowed(self._view(principal, action, tenant), principal)

    def _view(self, principal: Principal, action: Action, tenant: str | None) -> View:
        if principal.has("administrator"):
            return View.everything(action, f"{principal.name} administers this node")
        if self.rules is not None:
            return self.rules.view(principal, action, tenant)
        return PUBLISHED if tenant is None else CLOSED

    def public_mark(self) -> str:
        """A word that changes when everybody may see more, or less, of the city than before.

        What is worked out from what everybody may see, and kept, is to be kept under it.
        """
        seen = self._view(PUBLIC, "read", None).seen
        if seen is not self._marked[0]:
            whole = sieve_of(seen).is_whole
            self._marked = (
                seen,
                "" if whole else hashlib.sha256(repr(seen).encode()).hexdigest()[:16],
            )
        return self._marked[1]

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
        self, principal: Principal, tenant: str | None = None, snapshot: str | None = None
    ) -> Reader:
        """What `principal` may see of the tenant's entities, or of those of a snapshot of it.

        Raises:
            Forbidden, Unauthorized: the gate says no.
            NonexistentTenant, NotFound: there is no such tenant, or snapshot.
        """
        view = self.view(principal, "read", tenant)
        if view.nothing:
            self._refuse(principal, "read", tenant, view.reason)
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

    def sight(
        self, principal: Principal, action: Action = "read", tenant: str | None = None
    ) -> Callable[[Entity], Entity | None] | None:
        """A function that leaves of an entity at hand what `principal` may see; ``None``: all of it."""
        view = self.view(principal, action, tenant)
        return None if view.whole else sieve_of(view.seen).shown

    def eyes(
        self, tenant: str | None
    ) -> Callable[[Mapping[str, Any], Reader], GuardedReader | None]:
        """In a tenant, what whoever owns a subscription may see of a store; ``None``: everything.

        Who is not known any more sees nothing.
        """

        def look(owner: Mapping[str, Any], store: Reader) -> GuardedReader | None:
            who = self._owner(owner)
            view = NOBODYS if who is None else self.view(who, "subscribe", tenant)
            public = self._view(PUBLIC, "read", tenant)
            if view.whole and (self._dev or public.whole or self.log is None):
                return None
            return guarded_always(store, who or PUBLIC, view, public, self.log)

        return look

    def _owner(self, kept: Mapping[str, Any]) -> Principal | None:
        """Who owns something; what says nothing of an owner is of a time when only the operator could."""
        if self._dev or kept.get("kind", "operator") == "operator":
            return OPERATOR
        return None if self._desk is None else self._desk.again(kept)

    def denies(
        self, principal: Principal, tenant: str | None = None
    ) -> Callable[[Collection[str], str, Collection[str]], bool] | None:
        """A function that knows of types, an identifier and attributes whether `principal` may surely not
        see such an entity, or these of it; ``None``: they may see everything."""
        view = self.view(principal, "read", tenant)
        return None if view.whole else sieve_of(view.seen).denies

    def source_of(self, principal: Principal) -> dict[str, Any] | None:
        """The record of the source of what `principal` writes by the API; ``None``: none is asked for. What the operator writes belongs to a source of its own, declared when it is first needed.

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


def _is_whole(principal: Principal) -> bool:
    """Whether no token limits it to some types of entities."""
    return principal.narrowing is None or principal.narrowing.types is None
