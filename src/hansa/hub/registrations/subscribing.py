"""Subscriptions to registrations: their data type, and what they are told (clauses 5.11.2, 5.11.7 and 5.3.2).

It is that of subscriptions to entities, with a temporal query beside. What is registered is matched as in
a query for registrations (:mod:`.discovery`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from hansa.hub.contexts import ContextRegistry
from hansa.hub.notify.endpoint import LD_JSON
from hansa.hub.registrations.discovery import Search, found
from hansa.hub.registrations.matching import Wanted, of_selector
from hansa.hub.registrations.model import Info, Registration
from hansa.hub.registrations.showing import shown
from hansa.hub.subscriptions.model import Subscription
from hansa.hub.subscriptions.notification import notification_id
from hansa.hub.subscriptions.showing import compiled
from hansa.hub.subscriptions.writing import Origin, create, update
from hansa.kernel.errors import BadRequest
from hansa.ngsild.model import ENTITY_MEMBERS, NULL
from hansa.ngsild.q import expand_q, parse_q
from hansa.ngsild.temporal import TemporalFilter, parse_temporal
from hansa.store.outbox import Notice
from hansa.store.port import Edited, Write

__all__ = [
    "KIND",
    "Reason",
    "Watch",
    "change_write",
    "creation_write",
    "matching_infos",
    "notice",
    "watch_in",
]

KIND: Final = "registration-subscription"
"""The kind of the records, and of the notices."""

Reason = Literal["newlyMatching", "updated", "noLongerMatching"]

_TEMPORAL: Final = ("timerel", "timeAt", "endTimeAt", "timeproperty")


@dataclass(frozen=True, slots=True)
class Watch:
    """A subscription to registrations, ready to be matched: one search for each entity selector."""

    subscription: Subscription
    searches: tuple[Search, ...]


def creation_write(id: str, payload: Any, origin: Origin, now: str) -> Write:
    """Create Context Source Registration Subscription (5.11.2)."""
    rest, temporal = _apart(payload)
    write = create(id, rest, origin, now, kind=KIND)
    return _with_temporal(write, temporal)


def change_write(id: str, fragment: Any, origin: Origin, now: str) -> Write:
    """Update Context Source Registration Subscription (5.11.3)."""
    rest, temporal = _apart(fragment)
    write = update(id, rest, origin, now)
    inner = write.edit

    def edit(current: dict[str, Any] | None) -> Edited:
        if current is None:
            return inner(None)
        members = {k: v for k, v in current["members"].items() if k != "temporalQ"}
        edited = inner({**current, "members": members})
        kept = current["members"].get("temporalQ") if temporal is None else temporal
        return _put(edited, kept)

    return Write(id, edit)


def _with_temporal(write: Write, temporal: Any) -> Write:
    return Write(write.id, lambda current: _put(write.edit(current), temporal))


def _put(edited: Edited, temporal: Any) -> Edited:
    if temporal in (None, NULL) or edited.entity is None:
        return edited
    members = {**edited.entity["members"], "temporalQ": temporal}
    return Edited({**edited.entity, "members": members}, edited.detail)


def _apart(payload: Any) -> tuple[Any, Any]:
    """A subscription without its temporal query, and that, checked."""
    if not isinstance(payload, dict) or "temporalQ" not in payload:
        return payload, None
    temporal = payload["temporalQ"]
    if temporal is None:
        temporal = NULL
    if temporal != NULL:
        _temporal(temporal)
    return {k: v for k, v in payload.items() if k != "temporalQ"}, temporal


def _temporal(query: Any) -> TemporalFilter:
    if not isinstance(query, dict) or query.keys() - set(_TEMPORAL) - {"lastN"}:
        raise BadRequest(
            "the member 'temporalQ' of the subscription",
            "is not a temporal query",
            'write {"timerel": …, "timeAt": …}',
        )
    found = parse_temporal(*(query.get(name) for name in _TEMPORAL))
    if found is None:
        raise BadRequest("the member 'temporalQ' of the subscription", "is empty", "leave it out")
    return found


async def watch_in(record: Mapping[str, Any], contexts: ContextRegistry) -> Watch:
    """The subscription in a record, ready to be matched."""
    members = record["members"]
    plain = {k: v for k, v in members.items() if k != "temporalQ"}
    subscription = await compiled({**record, "members": plain}, contexts, KIND)
    csf = None
    if "csf" in members:
        csf = expand_q(parse_q(members["csf"], "csf"), subscription.context.expand)
    temporal = _temporal(members["temporalQ"]) if "temporalQ" in members else None
    attributes = _attributes(subscription)
    wanted = [of_selector(selector, attributes) for selector in subscription.selectors]
    searches = tuple(
        Search(each, csf, subscription.scope, subscription.geo, temporal)
        for each in wanted or [Wanted(attributes=attributes)]
    )
    return Watch(subscription, searches)


def _attributes(subscription: Subscription) -> frozenset[str]:
    """The attributes that count: watched and notified ones; all if either is not said (5.12)."""
    pick = subscription.show.pick
    told = frozenset(pick.members) - ENTITY_MEMBERS if pick is not None else frozenset()
    watched = subscription.watched or frozenset()
    return watched | told


def matching_infos(watch: Watch, registration: Registration) -> list[Info]:
    """What of a registration a subscription is about; nothing when it does not match."""
    infos: list[Info] = []
    for search in watch.searches:
        for _, some in found([registration], search):
            infos += [info for info in some if not any(info is known for known in infos)]
    return infos


def notice(
    watch: Watch,
    reason: Reason,
    matches: Sequence[tuple[Registration, list[Info]]],
    at: str,
    due: int,
    number: str,
) -> Notice:
    """The notification of a reason about some registrations, of which what matches is shown (5.3.2)."""
    subscription = watch.subscription
    id = notification_id(subscription.tenant, subscription.id, number)
    body: dict[str, Any] = {
        "id": id,
        "type": "ContextSourceNotification",
        "subscriptionId": subscription.id,
        "notifiedAt": at,
        "triggerReason": reason,
        "data": [_shown(watch, registration, infos) for registration, infos in matches],
    }
    if subscription.endpoint.accept == LD_JSON:
        body["@context"] = subscription.link
    return Notice(
        id=id,
        kind=KIND,
        subscription=subscription.id,
        endpoint=subscription.endpoint.uri,
        entity=subscription.id,
        due=due,
        media_type=subscription.endpoint.accept,
        link=subscription.link,
        body=orjson.dumps(body),
    )


def _shown(watch: Watch, registration: Registration, infos: list[Info]) -> dict[str, Any]:
    record = dict(registration.record)
    kept = [
        item
        for item, info in zip(record["information"], registration.infos, strict=True)
        if any(info is each for each in infos)
    ]
    record["information"] = kept
    record.pop("contextSourceInfo", None)  # what is conveyed to a source may be a secret
    times = watch.subscription.show.times
    return shown(record, watch.subscription.context, {}, times=times)
