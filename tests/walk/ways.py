"""Every way out of the node: how each is walked, or why it need not be.

An *ask* is one request. The words ``{word}``, ``{id}``, ``{type}`` and ``{note}`` in it stand for something hidden; it is then
made a second time with words for what is nowhere, and both answers must be the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["API", "OTHER", "ROOMS", "Ask", "Exempt", "Usual", "Walk"]

_ZONE = "urn:ngsi-ld:TransportZone:town:1"
_BOX = "[[[-72,-31],[-70,-31],[-70,-29],[-72,-29],[-72,-31]]]"


@dataclass(frozen=True)
class Ask:
    """A request of the public. `shown`: the operator's answer has a secret in it."""

    url: str
    body: Any = None
    shown: bool = False
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Walk:
    """A way that is walked."""

    asks: tuple[Ask, ...]


@dataclass(frozen=True)
class Usual:
    """Ways that are walked as they are: a part of the path that varies is a hidden word, a body is empty."""

    what: str


@dataclass(frozen=True)
class Exempt:
    """A way that need not be walked, and why."""

    why: str


def walk(*asks: Ask | str) -> Walk:
    return Walk(tuple(Ask(each) if isinstance(each, str) else each for each in asks))


def refused(url: str, body: Any = None) -> Walk:
    """A write, which tells whoever may not write nothing of what is there."""
    return walk(Ask(url, body))


_E, _T = "/entities/{id}", "/temporal/entities/{id}"
_SINCE = "timerel=after&timeAt=2020-01-01T00:00:00Z"
_PROPERTY = {"type": "Property", "value": 1}
_QUERY = {"type": "Query", "entities": [{"type": "{type}"}]}
_ALL = {"type": "Query", "entities": [{"type": "TransportZone"}], "q": "{note}"}
_SUBSCRIPTION = {
    "type": "Subscription",
    "entities": [{"type": "{type}"}],
    "notification": {"endpoint": {"uri": "http://127.0.0.1:9/told"}},
}
_BATCH = [{"id": "{id}", "type": "{type}", "name": _PROPERTY}]

API: dict[str, Walk | Exempt] = {
    "POST /entities": refused("/entities", _BATCH[0]),
    "GET /entities": walk(
        Ask("/entities?local=true&limit=1000&count=true&sysAttrs=true", shown=True),
        Ask("/entities?type={type}&count=true", shown=True),
        Ask("/entities?type=Building&limit=1000", shown=True),
        Ask("/entities?type=Building&options=concise&limit=1000", shown=True),
        Ask("/entities?type=Building&options=keyValues&limit=1000", shown=True),
        Ask("/entities?id={id}&local=true", shown=True),
        Ask("/entities?idPattern={word}&local=true&count=true", shown=True),
        Ask("/entities?q={note}&local=true&count=true", shown=True),
        Ask("/entities?q={note}~=%22loft%7Ccellar%22&type=TransportZone", shown=True),
        Ask("/entities?attrs={note}&count=true", shown=True),
        Ask("/entities?type=TransportZone&pick={note},id", shown=True),
        Ask("/entities?type=TransportZone&orderBy={note}", shown=True),
        Ask("/entities?local=true&datasetId=urn:ngsi-ld:Dataset:loft&count=true", shown=True),
        Ask("/entities?type=TransportZone&join=inline&limit=1000", shown=True),
        Ask("/entities?type=TransportZone&join=flat&limit=1000", shown=True),
        Ask("/entities?type=TransportZone&join=inline&q=keeper%7B{type}:name%7D", shown=True),
        Ask(
            "/entities?type={type}&georel=near;maxDistance==90000&geometry=Point"
            "&coordinates=[-70.99,-29.99]",
            shown=True,
        ),
        Ask(f"/entities?georel=within&geometry=Polygon&coordinates={_BOX}&limit=1000", shown=True),
        Ask(
            "/entities?type=Building&limit=1000",
            headers={"accept": "application/geo+json"},
            shown=True,
        ),
    ),
    "DELETE /entities": refused("/entities?type={type}"),
    "GET /entities/{entityId}": walk(
        Ask(_E, shown=True),
        Ask(_E + "?options=keyValues", shown=True),
        Ask(f"/entities/{_ZONE}", shown=True),
        Ask(f"/entities/{_ZONE}?attrs={{note}}", shown=True),
        Ask(f"/entities/{_ZONE}?pick={{note}}", shown=True),
        Ask(f"/entities/{_ZONE}?join=inline", shown=True),
        Ask(f"/entities/{_ZONE}", headers={"accept": "application/geo+json"}, shown=True),
        Ask("/entities/urn:ngsi-ld:Shed:7", shown=True),
    ),
    "PUT /entities/{entityId}": refused(_E, {"name": _PROPERTY}),
    "PATCH /entities/{entityId}": refused(_E, {"name": _PROPERTY}),
    "DELETE /entities/{entityId}": refused(_E),
    "POST /entities/{entityId}/attrs": refused(_E + "/attrs", {"name": _PROPERTY}),
    "PATCH /entities/{entityId}/attrs": refused(_E + "/attrs", {"name": _PROPERTY}),
    "PATCH /entities/{entityId}/attrs/{attrName}": refused(_E + "/attrs/name", _PROPERTY),
    "PUT /entities/{entityId}/attrs/{attrName}": refused(_E + "/attrs/name", _PROPERTY),
    "DELETE /entities/{entityId}/attrs/{attrName}": refused(_E + "/attrs/name"),
    "POST /entityOperations/create": refused("/entityOperations/create", _BATCH),
    "POST /entityOperations/upsert": refused("/entityOperations/upsert", _BATCH),
    "POST /entityOperations/update": refused("/entityOperations/update", _BATCH),
    "POST /entityOperations/merge": refused("/entityOperations/merge", _BATCH),
    "POST /entityOperations/delete": refused("/entityOperations/delete", ["{id}"]),
    "POST /entityOperations/query": walk(
        Ask("/entityOperations/query?count=true", _QUERY, shown=True),
        Ask("/entityOperations/query?count=true", _ALL, shown=True),
    ),
    "GET /types": walk(
        Ask("/types", shown=True),
        Ask("/types?details=true", shown=True),
    ),
    "GET /types/{type}": walk(
        Ask("/types/{type}", shown=True),
        Ask("/types/TransportZone", shown=True),
        Ask("/types/Building"),
    ),
    "GET /attributes": walk(
        Ask("/attributes", shown=True),
        Ask("/attributes?details=true", shown=True),
    ),
    "GET /attributes/{attrName}": walk(Ask("/attributes/{note}", shown=True), "/attributes/name"),
    "POST /temporal/entities": refused("/temporal/entities", _BATCH[0]),
    "GET /temporal/entities": walk(
        Ask(
            f"/temporal/entities?local=true&{_SINCE}&timeproperty=modifiedAt&count=true", shown=True
        ),
        Ask(f"/temporal/entities?type={{type}}&{_SINCE}&count=true", shown=True),
        Ask(f"/temporal/entities?type=TransportZone&{_SINCE}", shown=True),
        Ask(f"/temporal/entities?type=TransportZone&{_SINCE}&q={{note}}", shown=True),
        Ask(f"/temporal/entities?type=TransportZone&{_SINCE}&attrs={{note}}", shown=True),
        Ask(
            f"/temporal/entities?type={{type}}&{_SINCE}&format=aggregatedValues"
            "&aggrMethods=max&aggrPeriodDuration=P1Y",
            shown=True,
        ),
        Ask(f"/temporal/entities?type={{type}}&{_SINCE}&options=temporalValues", shown=True),
        Ask(f"/temporal/entities?type=TransportZone&{_SINCE}&pick=id,type"),
    ),
    "GET /temporal/entities/{entityId}": walk(
        Ask(_T, shown=True),
        Ask(f"{_T}?lastN=1", shown=True),
        Ask("/temporal/entities/urn:ngsi-ld:{type}:{word}-gone", shown=True),
        Ask(f"/temporal/entities/{_ZONE}", shown=True),
        Ask(f"/temporal/entities/{_ZONE}?attrs={{note}}", shown=True),
    ),
    "DELETE /temporal/entities/{entityId}": refused(_T),
    "POST /temporal/entities/{entityId}/attrs": refused(_T + "/attrs", {"name": [_PROPERTY]}),
    "DELETE /temporal/entities/{entityId}/attrs/{attrName}": refused(_T + "/attrs/name"),
    "PATCH /temporal/entities/{entityId}/attrs/{attrName}/{instanceId}": refused(
        _T + "/attrs/name/urn:x:1", {"name": [_PROPERTY]}
    ),
    "DELETE /temporal/entities/{entityId}/attrs/{attrName}/{instanceId}": refused(
        _T + "/attrs/name/urn:x:1"
    ),
    "POST /temporal/entityOperations/query": walk(
        Ask(
            "/temporal/entityOperations/query",
            {
                **_QUERY,
                "temporalQ": {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"},
            },
            shown=True,
        )
    ),
    "POST /jsonldContexts": refused("/jsonldContexts", {"@context": {"a": "urn:a"}}),
    "GET /jsonldContexts": walk("/jsonldContexts", "/jsonldContexts?details=true"),
    "GET /jsonldContexts/{contextId}": Exempt(
        "an @context holds words, which whoever hosts it here publishes by that"
    ),
    "DELETE /jsonldContexts/{contextId}": refused("/jsonldContexts/urn:x:1"),
    "POST /snapshots": refused("/snapshots", {"type": "Snapshot", "snapshotQueries": [_QUERY]}),
    "DELETE /snapshots": refused("/snapshots"),
    "GET /snapshots/{snapshotId}": walk(Ask("/snapshots/urn:ngsi-ld:Snapshot:walk", shown=True)),
    "PATCH /snapshots/{snapshotId}": refused(
        "/snapshots/urn:ngsi-ld:Snapshot:walk", {"type": "Snapshot", "snapshotPriority": 3}
    ),
    "DELETE /snapshots/{snapshotId}": refused("/snapshots/urn:ngsi-ld:Snapshot:walk"),
    "POST /snapshots/{snapshotId}/clone": refused(
        "/snapshots/urn:ngsi-ld:Snapshot:walk/clone", {"type": "Snapshot"}
    ),
    "POST /subscriptions": refused("/subscriptions", _SUBSCRIPTION),
    "GET /subscriptions": refused("/subscriptions"),
    "GET /subscriptions/{subscriptionId}": refused("/subscriptions/urn:ngsi-ld:Subscription:walk"),
    "PATCH /subscriptions/{subscriptionId}": refused(
        "/subscriptions/urn:ngsi-ld:Subscription:walk", {"type": "Subscription", "lang": "en"}
    ),
    "DELETE /subscriptions/{subscriptionId}": refused(
        "/subscriptions/urn:ngsi-ld:Subscription:walk"
    ),
    "GET /entityMaps": walk(
        Ask("/entityMaps?type={type}", shown=True),
        Ask("/entityMaps?type=Building"),
    ),
    "POST /entityMaps": walk(Ask("/entityMaps", _QUERY, shown=True)),
    "GET /temporal/entityMaps": walk(
        Ask(f"/temporal/entityMaps?type={{type}}&{_SINCE}", shown=True)
    ),
    "GET /entityMaps/{entityMapId}": walk(Ask("{map}", shown=True)),
    "PATCH /entityMaps/{entityMapId}": walk(Ask("{map}", {"expiresAt": "2030-01-01T00:00:00Z"})),
    "DELETE /entityMaps/{entityMapId}": walk("/entityMaps/urn:ngsi-ld:EntityMap:none"),
    "POST /csourceRegistrations": refused("/csourceRegistrations", {"type": "X"}),
    "GET /csourceRegistrations": walk(
        Ask("/csourceRegistrations?local=true&type={type}", shown=True),
        Ask("/csourceRegistrations?type=TransportZone&attrs={note}"),
        Ask("/csourceRegistrations?attrs=name", shown=True),
    ),
    "GET /csourceRegistrations/{registrationId}": walk(
        Ask("/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:walk", shown=True)
    ),
    "PATCH /csourceRegistrations/{registrationId}": refused(
        "/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:walk", {"type": "X"}
    ),
    "DELETE /csourceRegistrations/{registrationId}": refused(
        "/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:walk"
    ),
    "POST /csourceSubscriptions": refused("/csourceSubscriptions", _SUBSCRIPTION),
    "GET /csourceSubscriptions": refused("/csourceSubscriptions"),
    "GET /csourceSubscriptions/{subscriptionId}": refused("/csourceSubscriptions/urn:x:1"),
    "PATCH /csourceSubscriptions/{subscriptionId}": refused(
        "/csourceSubscriptions/urn:x:1", {"type": "Subscription"}
    ),
    "DELETE /csourceSubscriptions/{subscriptionId}": refused("/csourceSubscriptions/urn:x:1"),
    "GET /info/sourceIdentity": Exempt("it tells of the node, and changes with the time"),
}

_NODE = "it tells of the node itself, not of entities"

OTHER: dict[str, Walk | Exempt] = {
    "GET /openapi.json": Exempt(_NODE),
    "GET /contexts/{name}": Exempt("it serves the @contexts that come with the node"),
    "GET /": walk("/", "/?lang=es"),
    "GET /city/search": walk("/city/search?q={word}", "/city/search?q=zone"),
    "GET /city/day": walk("/city/day", "/city/day?stop=urn:ngsi-ld:GtfsStop:{word}-stop"),
    "GET /tiles.json": walk("/tiles.json"),
    "GET /tiles/{z:int}/{x:int}/{y:int}.mvt": Exempt("walked by itself: tiles are not text"),
    "GET /live/vehicles": Exempt("walked by itself: it is a stream"),
    "GET /entity/{id:path}": walk("/entity/{id}", f"/entity/{_ZONE}", "/entity/urn:ngsi-ld:Shed:7"),
    "GET /data": walk("/data"),
    "GET /data/{type:path}.geojson": walk(
        "/data/{type}.geojson", "/data/Building.geojson", "/data/TransportZone.geojson"
    ),
    "GET /data/{type:path}.jsonld": walk(
        "/data/{type}.jsonld", "/data/Building.jsonld", "/data/TransportZone.jsonld"
    ),
    "GET /data/{type:path}": walk(
        "/data/{type}", "/data/Building", "/data/TransportZone", "/data/TransportZone?q={word}"
    ),
    "GET /live": walk("/live", "/live?part=rows", "/live?type={type}"),
    "POST /live/letters": Usual("letters that could not be delivered are for the operator"),
    "GET /api": walk("/api"),
    "GET /static/{digest}/{path:path}": Exempt("files that come with the node"),
    "GET /favicon.ico": Exempt("a file that comes with the node"),
}

ROOMS: dict[str, Usual] = {
    "* /log/*": Usual("the log holds commitments alone"),
    "* /hansa/v1/*": Usual("the gate's own registers, and what those in charge are told"),
    "* /open-book*": Usual("what the city tells of its data, from what is public"),
    "* /admin/*": Usual("for those in charge"),
    "* /account*": Usual("for whoever is logged in"),
    "* /my-data": Usual("what is held about whoever is logged in"),
    "* /log[io]*": Usual("who logs in and out"),
    "* /link/*": Usual("a secret link opens an account"),
    "* /oauth/*": Usual("programs prove who they are"),
    "* /oidc/*": Usual("people prove who they are elsewhere"),
    "* /.well-known/*": Usual("keys and addresses of the node"),
}
"""Rooms of the gate, whose ways come and go: by pattern, each way in the usual manner."""
