"""What sources tell of the subscriptions that were passed on to them (clause 5.8.6).

Nothing in a notification is trusted: its subscriptionId must be that of a copy that is there, its
entities valid, registered and subscribed to; whatever else is left out. Where entities may be split, what
was told is put together with what this node and the other sources know, and the conditions are looked
at then. What is left, as far as the subscriber may see it, goes on like a notification of this node, from the durable outbox;
the same notification told again has the same identifier.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from hansa.hub.contexts import ContextRegistry
from hansa.hub.expiry import alive
from hansa.hub.federation.asker import Asker
from hansa.hub.federation.copies import part_of
from hansa.hub.federation.federation import Federation
from hansa.hub.federation.incoming import few, own_context, timed
from hansa.hub.federation.merging import merged
from hansa.hub.federation.passing import KIND
from hansa.hub.federation.reads import retrieve
from hansa.hub.notify.service import Notifier
from hansa.hub.registrations.matching import Wanted
from hansa.hub.registrations.model import Registration
from hansa.hub.subscriptions.condition import filter_test, in_place, is_selected
from hansa.hub.subscriptions.matcher import notice
from hansa.hub.subscriptions.model import KIND as SUBSCRIPTION
from hansa.hub.subscriptions.model import Subscription
from hansa.hub.subscriptions.notification import (
    body,
    content,
    notification_id,
    shown,
    sight_of,
)
from hansa.hub.subscriptions.showing import compiled
from hansa.kernel.clock import micros
from hansa.kernel.errors import BadRequest, HansaError, NotFound
from hansa.ngsild.context import CORE, Context
from hansa.ngsild.expand import Rules, expand_fragment
from hansa.ngsild.model import ENTITY_MEMBERS, Entity, attributes
from hansa.ngsild.query import And, AttributePath, Filter, Or
from hansa.ngsild.scope import in_scope
from hansa.ngsild.temporal import parse_datetime
from hansa.ngsild.values import check_datetime
from hansa.store.port import Reader, Store

__all__ = ["Relay"]

_MOST: Final = 1000


class Relay:
    """Hands on what sources tell."""

    def __init__(
        self, federation: Federation, notifier: Notifier, contexts: ContextRegistry
    ) -> None:
        self._federation, self._notifier, self._contexts = federation, notifier, contexts

    async def take(self, asker: Asker, store: Store, told: Any) -> None:
        """Take one notification; what there is to tell of it is durable afterwards.

        Raises:
            BadRequest: it is no notification.
            NotFound: no such copy of a subscription is with a source.
        """
        if not isinstance(told, dict) or told.get("type") != "Notification":
            raise BadRequest("the request body", "is not a Notification", "see clause 5.3.1")
        data = told.get("data")
        if not isinstance(data, list):
            raise BadRequest("the notification", "has no list of entities as data")
        copy, record, registration = await self._known(asker, store, told.get("subscriptionId"))
        subscription = await compiled(record, self._contexts)
        if subscription.status(asker.now) != "active":
            return
        link = copy.get("context")
        spoken = await self._contexts.get(link) if link else CORE
        contexts = few(self._contexts.get)
        entities = []
        for item in data[:_MOST]:
            try:
                context = await own_context(item, spoken, contexts) if _is(item) else spoken
                entity = _entity(item, context)
            except HansaError:
                continue  # the others count all the same
            told_of = _within(registration, subscription, entity)
            if told_of is not None:
                entities.append(told_of)
        if record["members"].get("splitEntities", self._federation.splits) is True:
            whole = [await self._whole(asker, store, registration, e) for e in entities]
            entities = [e for e in whole if await asyncio.to_thread(_meets, subscription, e, store)]
        if entities:
            await self._hand_on(asker, store, subscription, entities, copy["id"], told)

    async def _hand_on(
        self,
        asker: Asker,
        store: Store,
        subscription: Subscription,
        entities: list[Entity],
        copy: str,
        told: Mapping[str, Any],
    ) -> None:
        """Hand on what the subscriber may see of these entities."""
        desk = await self._notifier.desk(asker.tenant)
        sight = await asyncio.to_thread(desk.leave.look, subscription.owner or {}, store)
        if sight is not None:
            # the source looked at its conditions, which must not tell of what is hidden
            asked = _asked(subscription)
            entities = [
                each
                for each in entities
                if asked.issubset(sight.allowed(each["id"], each, asked) or ())
            ]
            seen = [left for each in entities if (left := sight.shown(each)) is not None]
            for each in entities:
                await asyncio.to_thread(sight.told, each)
            entities = seen
        if entities:
            await self._post(asker, sight or store, subscription, entities, copy, told)

    async def _known(
        self, asker: Asker, store: Store, id: Any
    ) -> tuple[dict[str, Any], dict[str, Any], Registration]:
        raw = await asyncio.to_thread(store.record, KIND, id) if isinstance(id, str) else None
        copy = None if raw is None else orjson.loads(raw)
        if copy is not None and copy["state"] != "leaving":
            found = await asyncio.to_thread(store.record, SUBSCRIPTION, copy["subscription"])
            book = self._federation.registry.book(asker.tenant, store)
            registration = book.get(copy["registration"])
            if found is not None and registration is not None:
                return copy, orjson.loads(found), registration
        raise NotFound("the subscription", "is with no source", "cease to notify of it")

    async def _whole(
        self, asker: Asker, store: Store, registration: Registration, told: Entity
    ) -> Entity:
        """What was told of an entity, with what everybody else knows of it."""
        raw = await asyncio.to_thread(store.get, told["id"])
        local = None if raw is None else alive(orjson.loads(raw), asker.now)
        wanted = Wanted((told["id"],), None, frozenset(told["type"]))
        others = [
            r for r in self._federation.concerned(asker, store, [wanted]) if r.id != registration.id
        ]
        found = await retrieve(self._federation.dispatch, asker, others, told["id"], wanted, local)
        stamped: Entity = dict(told)
        for name, instances in attributes(told):
            stamped[name] = [{"modifiedAt": asker.now, **instance} for instance in instances]
        return merged([stamped, *found.entities], (), asker.now) or told

    async def _post(
        self,
        asker: Asker,
        store: Reader,
        subscription: Subscription,
        entities: list[Entity],
        copy: str,
        told: Mapping[str, Any],
    ) -> None:
        number = f"{copy} {told.get('id') or told.get('notifiedAt') or asker.now}"
        id = notification_id(subscription.tenant, subscription.id, number)
        sight = sight_of(subscription)
        data = await asyncio.to_thread(shown, subscription, sight, entities, store)
        told_so = body(subscription, id, content(subscription, data), asker.now)
        due = micros(parse_datetime(asker.now))
        only = entities[0]["id"] if len(entities) == 1 else ""
        desk = await self._notifier.desk(asker.tenant)
        await desk.post([notice(subscription, id, told_so, due, entity=only)])


def _is(item: Any) -> bool:
    return isinstance(item, dict)


def _entity(item: Any, context: Context) -> Entity:
    """An entity of a notification; what was removed is NGSI-LD Null in it."""
    if not isinstance(item, dict):
        raise BadRequest("the notification", "holds something that is no entity")
    entity = expand_fragment(item, Rules(context, nulls=True))
    if "id" not in entity or "type" not in entity:
        raise BadRequest("the notification", "holds an entity without id or type")
    if "deletedAt" in item:
        entity["deletedAt"] = check_datetime(item["deletedAt"], "member deletedAt")
    return timed(entity, item, context)


def _within(
    registration: Registration, subscription: Subscription, entity: Entity
) -> Entity | None:
    """What of an entity the source may tell a subscription of."""
    if not is_selected(entity, subscription.selectors):
        return None
    id, types, scopes = entity["id"], entity["type"], entity.get("scope")
    names = part_of(registration, subscription, id, types, scopes)
    if names is None or not names:
        return None if names is None else entity
    return {k: v for k, v in entity.items() if k in ENTITY_MEMBERS or k in names}


def _asked(subscription: Subscription) -> frozenset[str]:
    """The attributes that the conditions of a subscription look at."""
    names = {path.names[0] for path in _paths(subscription.q)}
    if subscription.geo is not None:
        names.add(subscription.geo.attribute)
    return frozenset(names)


def _paths(q: Filter | None) -> Iterator[AttributePath]:
    if isinstance(q, And | Or):
        for part in q.parts:
            yield from _paths(part)
    elif q is not None:
        yield q.path


def _meets(subscription: Subscription, entity: Entity, store: Store) -> bool:
    """Whether an entity that was put together meets the conditions."""

    def find(uri: str) -> Entity | None:
        raw = store.get(uri)
        return None if raw is None else orjson.loads(raw)

    scope, geo, q = subscription.scope, subscription.geo, subscription.q
    return (
        (scope is None or in_scope(scope, entity.get("scope", [])))
        and (geo is None or in_place(geo, entity))
        and (q is None or filter_test(q)(entity, find))
    )
