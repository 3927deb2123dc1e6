"""A subscription: its data type, read and checked once (clauses 5.2.12 to 5.2.15).

What is stored of a subscription (its *record*) holds the members as the subscriber wrote them, with all
names as IRIs, so that it can be shown in any @context, and merged with a change that was written in
another one. :func:`read_subscription` makes of the members what the matcher works with.

Checks come in this order: which members there are, the type of each, the languages (types, q, scopes,
places, projections), then what the members say together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import unquote

from hansa.hub.fields import Fields
from hansa.hub.notify.endpoint import Endpoint
from hansa.hub.subscriptions.names import expand_members
from hansa.hub.subscriptions.telling import Show, read_notification, told_members
from hansa.kernel.errors import BadRequest
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import CORE, Context
from hansa.ngsild.fallback import Version
from hansa.ngsild.geo import parse_geo
from hansa.ngsild.model import ENTITY_MEMBERS, LOCATION
from hansa.ngsild.q import check_pattern, expand_q, parse_q
from hansa.ngsild.query import Filter, GeoFilter, ScopeFilter, Selector
from hansa.ngsild.scope import parse_scope_query
from hansa.ngsild.selection import parse_types
from hansa.ngsild.temporal import parse_temporal
from hansa.ngsild.values import check_datetime, check_name

__all__ = [
    "KIND",
    "MEMBERS",
    "READ_ONLY",
    "TRIGGERS",
    "Subscription",
    "check_members",
    "read_subscription",
]

KIND: Final = "subscription"
"""The kind of the records that hold subscriptions."""

TRIGGERS: Final = (
    "entityCreated",
    "entityUpdated",
    "entityDeleted",
    "attributeCreated",
    "attributeUpdated",
    "attributeDeleted",
)
DEFAULT_TRIGGERS: Final = ("attributeCreated", "attributeUpdated")
READ_ONLY: Final = frozenset({"status", "createdAt", "modifiedAt"})
"""Members that the node makes; given ones are passed over (table 5.2.12-2)."""

_TEXTS: Final = ("description", "subscriptionName", "lang")
MEMBERS: Final = frozenset(
    {"type", "entities", "notification", "notificationTrigger", "watchedAttributes", "q", "geoQ"}
    | {"scopeQ", "temporalQ", "csf", "datasetId", "expandValues", "jsonKeys", "jsonldContext"}
    | {"expiresAt", "isActive", "localOnly", "ngsildConformance", "splitEntities", "throttling"}
    | {"timeInterval", *_TEXTS}
)
_SHORTEST_INTERVAL: Final = 0.01
_GEO: Final = ("georel", "geometry", "coordinates", "geoproperty")
_TEMPORAL: Final = ("timerel", "timeAt", "endTimeAt", "timeproperty", "lastN")
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")


_LONGEST_WORDS: Final = 10_000
"""Characters of what a subscription says about itself, and of an address."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription, ready for the matcher.

    Attributes:
        selectors: entities that at least one of these selects; empty for any.
        watched: attributes (IRIs) of which a change counts; None for all.
        triggers: kinds of change that count.
        q, scope, geo: what the entity must meet.
        datasets: instances shown; None for all.
        interval, throttling: seconds.
        since: changes up to this number are older than the subscription.
        context, link: the @context of notifications, and its address.
    """

    id: str
    endpoint: Endpoint
    selectors: tuple[Selector, ...] = ()
    watched: frozenset[str] | None = None
    triggers: frozenset[str] = frozenset(DEFAULT_TRIGGERS)
    q: Filter | None = None
    scope: ScopeFilter | None = None
    geo: GeoFilter | None = None
    datasets: frozenset[str] | None = None
    interval: float | None = None
    throttling: float | None = None
    expires: str | None = None
    active: bool = True
    language: str | None = None
    version: Version | None = None
    show: Show = field(default_factory=Show)
    since: int = 0
    made: str = ""
    context: Context = CORE
    link: str = ""
    tenant: str | None = None
    snapshot: str | None = None
    owner: Mapping[str, Any] | None = field(default=None, hash=False)
    kind: str = KIND

    @property
    def home(self) -> str:
        """Where it is, as a text of its own for each tenant and each snapshot."""
        tenant = self.tenant or ""
        return tenant if self.snapshot is None else f"{tenant} {self.snapshot}"

    def status(self, now: str) -> str:
        """``active``, ``paused`` or ``expired`` (table 5.2.12-2)."""
        if self.expires is not None and self.expires <= now:
            return "expired"
        return "active" if self.active else "paused"


def check_members(
    payload: Any, context: Context, subject: str = "the subscription"
) -> dict[str, Any]:
    """The members of a subscription in a request, checked, with names as IRIs.

    A q may be percent-encoded, as it would be in a URL: many clients take it from there.

    Identifier, @context and what the node itself makes are left out.

    Raises:
        BadRequest: a rule of the data type is broken.
    """
    fields = Fields(payload, subject)
    if fields.members.get("type") != "Subscription":
        raise BadRequest(subject, "is not of the type Subscription", 'add "type": "Subscription"')
    if "id" in fields and not is_uri(fields.members["id"]):
        raise fields.wrong("id", "is not a URI", "write for example urn:ngsi-ld:Subscription:1")
    members = fields.known(MEMBERS | READ_ONLY | {"id", "@context"})
    members = {name: value for name, value in members.items() if name in MEMBERS}
    if isinstance(members.get("notification"), dict):
        members["notification"] = told_members(members["notification"], subject)
    members = decoded(members)
    read_subscription("", members, subject=subject)  # with the names as written: better messages
    return expand_members(members, context)


def decoded(members: dict[str, Any]) -> dict[str, Any]:
    """`members` with a q and scopeQ that stand as they do in a URL, if they are percent-encoded."""
    texts = {name: members.get(name) for name in ("q", "scopeQ")}
    plain = {
        name: unquote(text)
        for name, text in texts.items()
        if isinstance(text, str) and _ESCAPE.search(text)
    }
    return members | plain


def read_subscription(
    id: str, members: dict[str, Any], *, subject: str = "the subscription", **more: Any
) -> Subscription:
    """The subscription that `members` describe; `more` are attributes that stand beside them.

    Raises:
        BadRequest: a rule of the data type is broken.
    """
    fields = Fields(members, subject)
    fields.only(MEMBERS)
    told = fields.part("notification")
    for name in _TEXTS:
        fields.text(name, _LONGEST_WORDS)
    for name in ("localOnly", "splitEntities"):
        fields.flag(name)
    if "csf" in fields:
        parse_q(fields.text("csf"), "csf")
    endpoint, show = read_notification(told)
    found = Subscription(
        id=id,
        endpoint=endpoint,
        selectors=_selectors(fields),
        watched=_watched(fields),
        triggers=_triggers(fields),
        q=_q(fields),
        scope=parse_scope_query(members["scopeQ"]) if fields.text("scopeQ") else None,
        geo=_geo(fields),
        datasets=_set(fields.uris("datasetId", "@none")),
        interval=_interval(fields),
        throttling=fields.positive("throttling"),
        expires=_moment(fields),
        active=fields.flag("isActive") is not False,
        language=fields.text("lang"),
        version=_version(fields),
        show=show,
        **more,
    )
    _check_together(fields, found)
    return found


def _check_together(fields: Fields, found: Subscription) -> None:
    """What the members say together (tables 5.2.12-1 and 5.2.14.1-1)."""
    if not found.selectors and found.watched is None and fields.flag("localOnly") is not True:
        raise BadRequest(
            fields.subject,
            "names neither entities nor watchedAttributes",
            "add one of them, or localOnly",
        )
    if found.interval is not None:
        for name in ("watchedAttributes", "throttling"):
            if name in fields:
                raise fields.wrong(name, "cannot stand beside timeInterval", "drop one of the two")
        if not found.selectors and fields.flag("localOnly") is not True:
            raise fields.wrong("timeInterval", "needs entities", "add entities, or localOnly")
    if "temporalQ" in fields:
        raise fields.wrong(
            "temporalQ", "is for subscriptions to registrations only", "leave it out"
        )
    if fields.flag("localOnly") is False and any(s.types is None for s in found.selectors):
        raise fields.wrong("localOnly", "is false, but the type '*' means every type here")
    if fields.text("jsonldContext") and not is_uri(fields.members["jsonldContext"]):
        raise fields.wrong("jsonldContext", "is not a URI", "name a JSON-LD @context")


def _set(items: list[str] | None) -> frozenset[str] | None:
    return None if items is None else frozenset(items)


# -- which entities --------------------------------------------------------------------------------


def _selectors(fields: Fields) -> tuple[Selector, ...]:
    return tuple(
        selector
        for item in fields.list_of_fields("entities") or ()
        for selector in _entity_selectors(item)
    )


def _entity_selectors(item: Fields) -> list[Selector]:
    """An EntitySelector (5.2.33), as one selector for each identifier; they go before a pattern."""
    item.only(("id", "idPattern", "type"))
    item.need("type")
    written = item.text("type")
    types = None if written == "*" else parse_types(written)
    if isinstance(item.members.get("id"), list):
        return [Selector(types, id) for id in item.uris("id") or ()]
    id = item.text("id")
    if id is not None and not is_uri(id):
        raise item.wrong("id", f"{id[:80]!r} is not a URI", "give an absolute URI")
    pattern = item.text("idPattern")
    fault = check_pattern(pattern) if pattern else None
    if fault is not None:
        raise item.wrong("idPattern", f"is not a regular expression: {fault}", "use RE2 syntax")
    return [Selector(types, id, None if id else pattern)]


def _watched(fields: Fields) -> frozenset[str] | None:
    names = fields.texts("watchedAttributes")
    for name in names or ():
        if name not in ENTITY_MEMBERS:
            check_name(name)
    return _set(names)


def _triggers(fields: Fields) -> frozenset[str]:
    given = fields.texts("notificationTrigger")
    for name in given or ():
        if name not in TRIGGERS:
            raise fields.wrong(
                "notificationTrigger", f"{name[:40]!r} is unknown", f"use {', '.join(TRIGGERS)}"
            )
    found = set(given or DEFAULT_TRIGGERS)
    if "entityUpdated" in found:
        found |= {"attributeCreated", "attributeUpdated", "attributeDeleted"}
    return frozenset(found)


def _q(fields: Fields) -> Filter | None:
    text = fields.text("q")
    words = [frozenset(_names(fields, name)) for name in ("expandValues", "jsonKeys")]
    if text is None:
        return None
    return expand_q(parse_q(text), lambda name: name, expand_values=words[0], json_keys=words[1])


def _names(fields: Fields, name: str) -> list[str]:
    """A list of names: one text with commas between them (5.2.12), or a JSON array."""
    if isinstance(fields.members.get(name), list):
        return fields.texts(name) or []
    text = fields.text(name)
    return [part.strip() for part in text.split(",") if part.strip()] if text else []


def _geo(fields: Fields) -> GeoFilter | None:
    """The data type GeoQuery (5.2.13)."""
    place = fields.fields("geoQ")
    if place is None:
        return None
    place.only(_GEO)
    for name in ("georel", "geometry", "coordinates"):
        place.need(name)
    place.text("geoproperty")
    found = parse_geo(*(place.members.get(name) for name in _GEO))
    if found is None or "geoproperty" in place:
        return found
    return replace(found, attribute=LOCATION)


def read_temporal(fields: Fields) -> None:
    """Check the data type TemporalQuery (5.2.21)."""
    period = fields.fields("temporalQ")
    if period is not None:
        period.only(_TEMPORAL)
        parse_temporal(*(period.members.get(name) for name in _TEMPORAL[:4]))


def _interval(fields: Fields) -> float | None:
    """The member timeInterval; what would keep the node busy with nothing else is refused."""
    found = fields.positive("timeInterval")
    if found is not None and found < _SHORTEST_INTERVAL:
        raise fields.wrong(
            "timeInterval",
            f"is {found:g} seconds",
            f"give at least {_SHORTEST_INTERVAL:g}, or watch for changes instead",
        )
    return found


def _moment(fields: Fields) -> str | None:
    if "expiresAt" not in fields:
        return None
    return check_datetime(
        fields.members["expiresAt"], f"the member 'expiresAt' of {fields.subject}"
    )


def _version(fields: Fields) -> Version | None:
    text = fields.text("ngsildConformance")
    if text is None:
        return None
    major, dot, minor = text.partition(".")
    if not (dot and major.isascii() and minor.isascii() and major.isdigit() and minor.isdigit()):
        raise fields.wrong("ngsildConformance", f"{text[:20]!r} is no version", "write 1.6")
    return int(major[:4]), int(minor[:4])
