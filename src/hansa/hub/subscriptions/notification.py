"""Notifications as they are sent (clauses 5.3.1 and 5.8.6).

An entity of a notification is put together in the internal form first: as it is now, with an instance
that says NGSI-LD Null for each one that was removed, and previous values where they are asked for. From
there on it is shown like any other entity.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Hashable, Sequence
from typing import Any, Final

import orjson

from hansa.hub.links import linked_entities
from hansa.hub.notify.endpoint import GEO_JSON, LD_JSON
from hansa.hub.subscriptions.difference import Difference
from hansa.hub.subscriptions.model import Subscription
from hansa.ngsild.linked import Sight, flat, inline
from hansa.ngsild.model import LOCATION, NULL, VALUE_MEMBER, Entity, Instance
from hansa.ngsild.represent import View, feature, feature_collection, represent
from hansa.store.port import Reader

__all__ = [
    "body",
    "changed_entity",
    "content",
    "likeness",
    "merged",
    "notification_id",
    "shown",
    "sight_of",
]

_NAMESPACE: Final = uuid.UUID("6d4f8a0e-5c3a-4c07-9a3f-0f1f64f8b6c2").bytes
_PREVIOUS: Final = {
    "value": "previousValue",
    "object": "previousObject",
    "languageMap": "previousLanguageMap",
    "vocab": "previousVocab",
    "json": "previousJson",
    "valueList": "previousValueList",
    "objectList": "previousObjectList",
}


def notification_id(home: str | None, subscription: str, number: int | str) -> str:
    """The identifier of a notification: the same change gives the same one (a UUID of version 5)."""
    name = f"{home or ''} {subscription} {number}".encode()
    made = bytearray(hashlib.sha1(_NAMESPACE + name, usedforsecurity=False).digest()[:16])
    made[6] = made[6] & 0x0F | 0x50
    made[8] = made[8] & 0x3F | 0x80
    text = made.hex()
    return (
        f"urn:ngsi-ld:Notification:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    )


def sight_of(subscription: Subscription) -> Sight:
    """How entities are shown to a subscriber, and those that they link to."""
    show = subscription.show
    view = View(
        context=subscription.context,
        form=show.form,
        times=show.times,
        language=subscription.language,
        pick=frozenset(show.pick.members) if show.pick else None,
        omit=show.omit.plain if show.omit else frozenset(),
        version=subscription.version,
        datasets=subscription.datasets,
    )
    return Sight(view, show.pick, show.omit)


# -- one entity ------------------------------------------------------------------------------------


def changed_entity(subscription: Subscription, change: Difference, at: str) -> Entity:
    """The entity of a notification about a change, in the internal form."""
    if change.after is None:
        return _deleted_entity(subscription, change, at)
    entity = dict(change.after)
    if subscription.show.changes:
        for name in change.updated & entity.keys():
            if name != "scope":
                entity[name] = [
                    _with_previous(instance, change.old.get((name, instance.get("datasetId"))))
                    for instance in entity[name]
                ]
    for name, instances in change.gone.items():
        entity[name] = [*entity.get(name, []), *_nulls(name, instances, subscription, change, at)]
    return entity


def _deleted_entity(subscription: Subscription, change: Difference, at: str) -> Entity:
    """What is told of an entity that is gone: that it is, and which attributes went if that counts."""
    before = change.before or {}
    head = ("id", "type", "createdAt", "modifiedAt")
    entity: Entity = {name: before[name] for name in head if name in before}
    entity["deletedAt"] = at
    for name, instances in change.gone.items():
        counts = "attributeDeleted" in subscription.triggers and (
            subscription.watched is None or name in subscription.watched
        )
        if counts or subscription.show.changes:
            entity[name] = _nulls(name, instances, subscription, change, at)
    return entity


def _nulls(
    name: str, gone: list[Instance], subscription: Subscription, change: Difference, at: str
) -> list[Instance]:
    """What is told of removed instances; one Null says that all of an attribute's several are gone."""
    told = [_null(instance, subscription, at) for instance in gone]
    if len(told) == 1 or subscription.show.changes or name in (change.after or {}):
        return told
    return [{k: v for k, v in told[0].items() if k != "datasetId"}]


def _with_previous(instance: Instance, old: Instance | None) -> Instance:
    if old is None:
        return instance
    member = VALUE_MEMBER[old["type"]]
    return {**instance, _PREVIOUS[member]: old.get(member)}


def _null(instance: Instance, subscription: Subscription, at: str) -> Instance:
    """An instance that says that one is gone (5.8.6)."""
    kind = instance["type"]
    member = VALUE_MEMBER[kind]
    if subscription.show.form == "simplified":
        found: Instance = {"type": "Property", "value": NULL}
    else:
        empty: Any = {"@none": NULL} if kind == "LanguageProperty" else NULL
        found = {"type": kind, member: [NULL] if kind.startswith("List") else empty}
    if "datasetId" in instance:
        found["datasetId"] = instance["datasetId"]
    if subscription.show.changes:
        found[_PREVIOUS[member]] = instance.get(member)
    if subscription.show.times:
        found |= {k: instance[k] for k in ("createdAt", "modifiedAt") if k in instance}
        found["deletedAt"] = at
    return found


# -- the whole -------------------------------------------------------------------------------------


def shown(
    subscription: Subscription, sight: Sight, entities: Sequence[Entity], store: Reader
) -> list[dict[str, Any]]:
    """Entities as the subscriber sees them, with linked ones where they are asked for (4.5.23)."""
    join = subscription.show.join
    geo = subscription.endpoint.accept == GEO_JSON

    def render(entity: Entity, view: View) -> dict[str, Any]:
        found = feature(entity, view, LOCATION) if geo else represent(entity, view)
        if "deletedAt" in entity:
            (found["properties"] if geo else found)["deletedAt"] = entity["deletedAt"]
        return found

    if join is None:
        return [render(entity, sight.view) for entity in entities]
    found = linked_entities(store, entities, sight, join, orjson.loads)
    if join.form == "flat":
        return [render(entity, view) for entity, view in flat(entities, found, sight, join)]
    return inline(entities, found, sight, join, render)


def likeness(subscription: Subscription, sight: Sight) -> Hashable | None:
    """What two subscriptions have in common that are told of a change in the same words.

    ``None`` where that cannot be said beforehand: with linked entities, and with previous values.
    """
    if subscription.show.join is not None or subscription.show.changes:
        return None
    view = sight.view
    shown = (view.form, view.times, view.language, view.pick, view.omit, view.version)
    told = (subscription.endpoint.accept, subscription.link, _is_plain(subscription))
    return (id(view.context), view.datasets, *shown, *told)


def content(subscription: Subscription, data: list[dict[str, Any]]) -> bytes:
    """The entities of a notification as JSON; in JSON-LD and GeoJSON with their @context (5.3.1)."""
    found: Any = data
    accept = subscription.endpoint.accept
    if accept == GEO_JSON:
        found = feature_collection(data)
        if not _is_plain(subscription):
            found["@context"] = subscription.link
    elif accept == LD_JSON:
        found = [{**entity, "@context": subscription.link} for entity in data]
    return orjson.dumps(found)


def body(subscription: Subscription, id: str, data: bytes, at: str) -> bytes:
    """The notification as JSON (5.3.1), around its entities."""
    whole = {
        "id": id,
        "type": "Notification",
        "subscriptionId": subscription.id,
        "notifiedAt": at,
        "data": orjson.Fragment(data),
    }
    return orjson.dumps(whole)


def _is_plain(subscription: Subscription) -> bool:
    """Whether the receiver prefers GeoJSON without an @context in it (6.3.6)."""
    return any(
        key.lower() == "prefer" and value.replace(" ", "") == "body=json"
        for key, value in subscription.endpoint.receiver
    )


def merged(older: bytes, newer: bytes) -> bytes:
    """Two notifications of a subscription as one: of each entity the newest state, in order of change."""
    first, second = orjson.loads(older), orjson.loads(newer)
    news = _entities(second)
    changed = {entity["id"] for entity in news if "id" in entity}
    kept = [entity for entity in _entities(first) if entity.get("id") not in changed]
    news[:0] = kept
    return orjson.dumps(second)


def _entities(notification: dict[str, Any]) -> list[dict[str, Any]]:
    data = notification["data"]
    found: list[dict[str, Any]] = data if isinstance(data, list) else data["features"]
    return found
