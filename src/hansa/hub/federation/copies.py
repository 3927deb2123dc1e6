"""Subscriptions as sources get them: reduced to what was registered (clause 5.8.1.4). Pure functions.

A copy asks for whole entities in the normalized form, for what the subscriber is shown is made here. Where
entities may be split it has no conditions: they are looked at when everything is together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from hansa.hub.registrations.matching import Part, Wanted, of_selector, parts
from hansa.hub.registrations.model import Registration
from hansa.hub.registrations.scopes import narrowed
from hansa.hub.subscriptions.model import Subscription
from hansa.hub.subscriptions.names import compact_members
from hansa.ngsild.context import Context
from hansa.ngsild.model import ENTITY_MEMBERS
from hansa.ngsild.scope import print_scope_query
from hansa.ngsild.selection import print_types

__all__ = ["PATH", "goes_out", "part_of", "reduced", "wanted_by"]

PATH: Final = "/ngsi-ld/ex/remote-notify"
"""Where sources send their notifications to."""

_SAME: Final = ("notificationTrigger", "timeInterval", "throttling", "expiresAt", "isActive")
_CONDITIONS: Final = ("q", "scopeQ", "geoQ", "expandValues", "jsonKeys", "datasetId")


def goes_out(members: Mapping[str, Any]) -> bool:
    """Whether a subscription may concern sources at all."""
    return members.get("localOnly") is not True


def wanted_by(subscription: Subscription) -> list[Wanted]:
    """What a subscription is about (5.12), one for each of its selectors."""
    names = frozenset[str]()
    pick = subscription.show.pick
    if pick is not None:
        names = (frozenset(pick.members) - ENTITY_MEMBERS) | (subscription.watched or frozenset())
    datasets = subscription.datasets or frozenset()
    if not subscription.selectors:
        attributes = names or subscription.watched or frozenset()
        return [Wanted(attributes=attributes, datasets=datasets, scope=subscription.scope)]
    found = (of_selector(selector, names) for selector in subscription.selectors)
    return [replace(w, datasets=datasets, scope=subscription.scope) for w in found]


def _parts(registration: Registration, subscription: Subscription) -> list[Part]:
    return [part for wanted in wanted_by(subscription) for part in parts(registration, wanted)]


def part_of(
    registration: Registration,
    subscription: Subscription,
    id: str,
    types: list[str],
    scopes: list[str] | None = None,
) -> frozenset[str] | None:
    """The attributes of an entity that the source may tell a subscription of (empty: all); None if it
    may not tell of that entity at all."""
    fitting = [p for p in _parts(registration, subscription) if p.covers(id, types, scopes)]
    if not fitting:
        return None
    named = {
        name for info in registration.infos for name in info.attributes
    }  # what is watched limits when is told, not what
    limited = all(info.attributes for info in registration.infos)
    return frozenset(named) if limited else frozenset()


def reduced(
    registration: Registration,
    subscription: Subscription,
    members: Mapping[str, Any],
    *,
    id: str,
    endpoint: str,
    context: Context,
    link: str | None,
    splits: bool,
) -> dict[str, Any] | None:
    """The copy for one source, in the words of `context`; None when it is not concerned.

    Args:
        members: of the subscription, names as IRIs.
        id, endpoint: of the copy; where its notifications go.
        link: the address of `context`; None for the core one.
        splits: whether entities may be spread over several sources.
    """
    found = _parts(registration, subscription)
    if not found:
        return None
    copy: dict[str, Any] = {"id": id, "type": "Subscription"}
    entities = [each for part in found for each in _entities(part)]
    if entities and all(entities):
        copy["entities"] = [e for n, e in enumerate(entities) if e not in entities[:n]]
    registered = {name for info in registration.infos for name in info.attributes}
    limited = all(info.attributes for info in registration.infos)
    watched = subscription.watched
    if watched is not None:
        kept = (watched & (registered | ENTITY_MEMBERS)) if limited else watched
        if not kept:
            return None
        copy["watchedAttributes"] = sorted(kept)
    if "entities" not in copy and "watchedAttributes" not in copy:
        return None
    copy |= {name: members[name] for name in _SAME if name in members}
    if registration.source.local_only:
        copy["localOnly"] = True
    if splits:
        copy["splitEntities"] = True
    else:
        copy |= {name: members[name] for name in _CONDITIONS if name in members}
    scope = narrowed(registration.scopes, None if splits else subscription.scope)
    if scope is not None:
        copy["scopeQ"] = print_scope_query(scope)
    told: dict[str, Any] = {"format": "normalized", "sysAttrs": True}
    if limited:
        told["attributes"] = sorted(registered)
    if subscription.show.changes:
        told["showChanges"] = True
    told["endpoint"] = {"uri": endpoint, "accept": "application/json"}
    if subscription.tenant is not None:
        told["endpoint"]["receiverInfo"] = [{"key": "NGSILD-Tenant", "value": subscription.tenant}]
    copy["notification"] = told
    if link is not None:
        copy["jsonldContext"] = link
    return compact_members(copy, context)


def _entities(part: Part) -> list[dict[str, Any]]:
    """The entity selectors of a part; an empty one when it selects nothing."""
    wanted = part.wanted.types
    if part.types:
        types = ",".join(sorted(part.types))
    elif wanted is None:
        types = ""
    else:
        types = ",".join(sorted(wanted)) if isinstance(wanted, frozenset) else print_types(wanted)
    if not types:
        return [{}]
    if part.ids:
        return [{"type": types, "id": id} for id in part.ids]
    if part.pattern is not None:
        return [{"type": types, "idPattern": part.pattern}]
    return [{"type": types}]
