"""The seam between the operations of the API and other brokers (clause 4.3.6).

A handler asks :func:`reach_of` for the reach of its request beyond this node: ``None`` when there is
none (no registration at all, ``local=true``, or a snapshot), which costs next to nothing. With a reach it reads
with :meth:`Reach.retrieve` and :meth:`Reach.page`, and hands its writes to :meth:`Reach.write`. The
gate has decided before: whoever may not read or write here reaches nobody through this node, and what others tell
is cut to what whoever asks may see (:mod:`hansa.trust.guard.veil`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from hansa.hub.federation.asker import Asker
from hansa.hub.federation.asks import Question, wanted_in
from hansa.hub.federation.entitymaps import EntityMap
from hansa.hub.federation.federation import Past
from hansa.hub.federation.kinds import shapes_elsewhere
from hansa.hub.federation.linkedmaps import Links
from hansa.hub.federation.past import Pasts, ask_one, ask_some, link_pasts
from hansa.hub.federation.plan import Forward, Plan, plan_write
from hansa.hub.federation.reads import Found, page_of, retrieve
from hansa.hub.federation.speech import Speech
from hansa.hub.federation.trail import read_via
from hansa.hub.federation.warnings import Warned, header
from hansa.hub.federation.writes import Spread, spread
from hansa.hub.registrations.matching import ANYTHING, Wanted
from hansa.hub.registrations.model import Registration
from hansa.hub.temporal import Ask
from hansa.kernel.errors import BadRequest, Forbidden
from hansa.ngsild.context import Context
from hansa.ngsild.model import Entity
from hansa.ngsild.q import expand_q, parse_q
from hansa.ngsild.query import Filter, GeoFilter, Query, TypeFilter
from hansa.store.port import Reader, Shape, Store, Write, Written
from hansa.trust.guard.bringer import SourceStore
from hansa.trust.guard.groups import GroupReader
from hansa.trust.guard.veil import Veil
from hansa.web.api.call import Call
from hansa.web.api.params import flag, names

__all__ = ["Reach", "Target", "asker_of", "reach_of", "shown_attributes", "warn"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a write to one entity is about.

    Attributes:
        types: what the request says of its types.
        names: the attributes written; None when it is the entity as a whole.
        scopes: in which the entity is; None when that is not known.
    """

    id: str
    types: TypeFilter | frozenset[str] | None
    names: frozenset[str] | None
    scopes: frozenset[str] | None = None


def asker_of(call: Call, context: Context) -> Asker:
    """Who asks, in what goes on to sources."""
    headers = {k.decode("latin-1"): v for k, v in call.headers.items()}
    return Asker(call.tenant, context, read_via(headers.get("via")), headers, call.now)


def reach_of(call: Call, context: Context, store: Reader) -> Reach | None:
    """How far a request reaches beyond this node; ``None`` when it does not."""
    if call.snapshot is not None or call.service.federation.is_idle(call.tenant, store):
        return None  # what was frozen is here alone
    if flag(call.query, "local") or isinstance(store, GroupReader):
        return None  # what others have is not in the groups that are counted here
    if isinstance(store, SourceStore):
        raise Forbidden(
            "the request",
            "may concern other brokers, and a token that names a source writes here alone",
            "add local=true",
        )
    return Reach(call, context, store)


def warn(call: Call, warned: Sequence[Warned]) -> None:
    """Say in the answer what went wrong with sources (clause 6.3.17)."""
    alias = call.service.federation.dispatch.alias(call.tenant)
    for line in dict.fromkeys(header(each, alias) for each in warned):
        call.extra.append((b"ngsild-warning", line.encode("latin-1", "replace")))


class Reach:
    """A request that may reach other brokers."""

    def __init__(self, call: Call, context: Context, store: Reader) -> None:
        self._call = call
        self.context = context
        self.now = call.now
        self._store = store
        self._federation = call.service.federation
        self.dispatch = self._federation.dispatch
        self.asker = asker_of(call, context)
        self._veil: Veil | None = getattr(store, "veil", None)
        self.hides = self._veil is not None and self._veil.hides
        """Whether whoever asks may not see everything; then all conditions are looked at here."""
        self.splits = self.hides or flag(
            call.query, "splitEntities", default=self._federation.splits
        )

    # -- reading ------------------------------------------------------------------------------------

    async def retrieve(
        self,
        id: str,
        types: TypeFilter | None,
        attributes: Sequence[str],
        local: Entity | None,
        through: EntityMap | None = None,
    ) -> tuple[Entity | None, list[str]]:
        """One entity, from here (`local`) and from everyone who may know of it; and who did.

        With an entity map those alone are asked who have it by that map (5.7.1.4).
        """
        among = None if through is None else through.sources.get(id, ())
        wanted = Wanted((id,), None, types, frozenset(attributes))
        concerned = [r for r in self.concerned([wanted]) if among is None or r.id in among]
        if not concerned:
            return local, []
        maps = {} if through is None else through.locations
        found = await retrieve(self.dispatch, self.asker, concerned, id, wanted, local, maps)
        warn(self._call, found.warned)
        if self._veil is not None:
            found.entities = await asyncio.to_thread(self._veil.entities, found.entities)
        return found.entities[0] if found.entities else None, found.origins.get(id, [])

    async def page(self, query: Query, *, by_body: bool = False) -> Found | None:
        """One page of a query over everyone; ``None`` when no source is concerned.

        Raises:
            BadRequest: it is to be ordered, which needs all of it in one place (clause 4.23).
        """
        if self._call.query.get("type") == "*":
            return None
        concerned = self.concerned(wanted_in(query), geo=query.geo)
        if not concerned:
            return None
        if query.order:
            raise BadRequest(
                "orderBy", "several sources answer, so there is no order", "add local=true"
            )
        found = await page_of(
            self.dispatch,
            self.asker,
            concerned,
            query,
            self.entities,
            self._count,
            split=self.splits,
            by_body=by_body,
            cut=self._veil.entities if self.hides and self._veil is not None else None,
        )
        warn(self._call, found.warned)
        return found

    def entities(self, query: Query) -> list[Entity]:
        """The entities here of a query."""
        documents = self._store.query(query).documents
        return [entity for raw in documents if (entity := self._call.alive(raw)) is not None]

    def _count(self, query: Query) -> int:
        return self._store.query(replace(query, limit=0, offset=0, count=True)).total or 0

    def concerned(
        self, wanted: Sequence[Wanted], past: Past | None = None, geo: GeoFilter | None = None
    ) -> list[Registration]:
        """The registrations that the request concerns; with `past` it is about history."""
        return self._federation.concerned(self.asker, self._store, wanted, self._csf(), past, geo)

    def _csf(self) -> Filter | None:
        text = self._call.query.get("csf")
        return expand_q(parse_q(text, "csf"), self.context.expand) if text else None

    async def shapes(
        self, what: str, *, details: bool = False, name: str | None = None
    ) -> list[Shape]:
        """The types or attributes that the sources have (clauses 5.7.5 to 5.7.10)."""
        found, warned = await shapes_elsewhere(
            self.dispatch,
            self.asker,
            self.concerned([ANYTHING]),
            what,
            details=details,
            name=name,
        )
        warn(self._call, warned)
        return found if self._veil is None else self._veil.shapes(found)

    async def commit(self, store: Store, write: Write) -> Written:
        """Make a write durable here, or raise what refused it."""
        return await self._call.commit(store, write)

    async def pasts(
        self,
        query: Query,
        ask: Ask,
        id: str | None = None,
        through: EntityMap | None = None,
        done: Collection[str] = (),
    ) -> Pasts | None:
        """What sources know of the past (5.7.3 for one `id`, 5.7.4); ``None`` when none is concerned.

        With an entity map only those are asked that it names; none of `done` is.
        """
        if self._call.query.get("type") == "*":
            return None
        one = [Wanted((id,), None, query.types, frozenset(query.attributes))] if id else []
        concerned = self.concerned(one or wanted_in(query), Past(ask.filter), query.geo)
        concerned = [each for each in concerned if each.id not in done]
        if through is not None:
            concerned = [each for each in concerned if each.id in through.names(query.ids)]
        maps = {} if through is None else through.locations
        if not concerned:
            return None
        if query.order:
            raise BadRequest(
                "orderBy", "several sources answer, so there is no order", "add local=true"
            )
        if id is not None:
            found = await ask_one(self.dispatch, self.asker, concerned, id, query, ask, maps)
        else:
            found = await ask_some(
                self.dispatch, self.asker, concerned, query, ask, split=self.splits, maps=maps
            )
        warn(self._call, found.warned)
        return found if self._veil is None else await asyncio.to_thread(self._veil.pasts, found)

    async def past_links(self, query: Query, ask: Ask) -> Links:
        """The maps that sources make of a query for the past (5.14.5.4)."""
        concerned = self.concerned(wanted_in(query), Past(ask.filter), query.geo)
        return await link_pasts(self.dispatch, self.asker, concerned, query, ask, split=self.splits)

    # -- writing ------------------------------------------------------------------------------------

    async def write(
        self,
        target: Target,
        operation: str,
        question: Callable[[Forward, Speech], Question],
        local: Callable[[frozenset[str]], Awaitable[Any]],
        *,
        past: bool = False,
    ) -> Spread | None:
        """Carry out a write here and at the sources; ``None`` when no source is concerned.

        Args:
            past: whether history is written.
            operation: its name (clause 4.20).
            question: what is sent to a source.
            local: this node's part: the attributes that are left to it (none: all of them).
        """
        types = target.types
        if types is None:
            types = await asyncio.to_thread(self._types_here, target.id)
        wanted = Wanted((target.id,), None, types, scopes=target.scopes)
        plan = self.plan(wanted, target.names, (operation,), past=past)
        if plan.is_local:
            return None
        outcome = await spread(
            self.dispatch,
            self.asker,
            plan,
            question,
            lambda: local(plan.rest),
            may_be_absent=target.names is None,
        )
        outcome.check()
        return outcome

    async def purge(
        self,
        query: Query,
        question: Callable[[Forward, Speech], Question],
        local: Callable[[], Awaitable[Any]],
    ) -> Spread | None:
        """Carry out a purge here and at the sources; ``None`` when no source is concerned."""
        wanted = wanted_in(query)
        for each in wanted:
            self._federation.check_loop(self.asker, self._store, each)
        concerned = self.concerned(wanted)
        plans = [plan_write(concerned, each, None, ("purgeEntity",)) for each in wanted]
        plan = Plan(
            tuple(forward for each in plans for forward in each.forwards),
            tuple(forward for each in plans for forward in each.refused),
        )
        if plan.is_local:
            return None
        outcome = await spread(self.dispatch, self.asker, plan, question, local)
        outcome.check()
        return outcome

    def plan(
        self,
        wanted: Wanted,
        names: frozenset[str] | None,
        operations: Sequence[str],
        *,
        past: bool = False,
    ) -> Plan:
        """Where the parts of a write to one entity go.

        Raises:
            LoopDetected: it came back here, for what is held elsewhere alone.
        """
        about = Past() if past else None
        self._federation.check_loop(self.asker, self._store, wanted, about)
        concerned = self.concerned([wanted], about)
        return plan_write(concerned, wanted, names, operations, past=past)

    def _types_here(self, id: str) -> frozenset[str] | None:
        raw = self._store.get(id)
        return None if raw is None else frozenset(orjson.loads(raw)["type"])

    def parameters(self, *names: str) -> Mapping[str, str]:
        """Parameters of the request that go on as they are."""
        return {name: self._call.query[name] for name in names if name in self._call.query}


def shown_attributes(call: Call, context: Context) -> tuple[str, ...]:
    """The attributes that a request asks for, of which at least one must be there."""
    return tuple(context.expand(name) for name in names(call.query, "attrs"))
