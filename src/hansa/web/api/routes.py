"""Every operation of the API: verb, path, clause, parameters and handler, in one table.

The router, the checks of parameters, the Allow headers and the OpenAPI document all come from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from hansa.web.api import (
    attributes,
    batch,
    contexts,
    csources,
    discovery,
    entities,
    entitymaps,
    listing,
    snapshots,
    subscriptions,
    temporal,
    temporal_write,
)
from hansa.web.api.answer import Answer
from hansa.web.api.call import Call

__all__ = ["OPERATIONS", "Operation"]

Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: what it is called, where it is and what it takes."""

    verb: str
    path: str
    title: str
    clause: str
    handler: Handler
    parameters: frozenset[str] = frozenset()


def _set(*groups: str) -> frozenset[str]:
    return frozenset(" ".join(groups).split())


_SHOWN = "options format sysAttrs lang pick omit attrs datasetId geometryProperty"
_WHERE = (
    "type id idPattern q expandValues jsonKeys scopeQ georel geometry coordinates geoproperty csf local "
    "splitEntities"
)
_MAPPED = "entityMap entityMapLifetime"
_LINKED = "join joinLevel containedBy"
_PAGED = "limit offset count orderBy orderFrom orderGeometry collation"
_TARGET = "type options local"
_ENTITY = "/entities/{entityId}"
_ATTRIBUTE = "/entities/{entityId}/attrs/{attrName}"
_BATCH = "/entityOperations/"
_SNAPSHOT = "/snapshots/{snapshotId}"
_HISTORY = "timerel timeAt endTimeAt timeproperty lastN aggrMethods aggrPeriodDuration"
_PAST = "options format sysAttrs lang pick omit attrs datasetId"
_SUBSCRIPTION = "/subscriptions/{subscriptionId}"
_MAPS = "/entityMaps"
_MAP = _MAPS + "/{entityMapId}"
_SOURCES = "/csourceRegistrations"
_SOURCE = _SOURCES + "/{registrationId}"

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "POST", "/entities", "Create Entity", "5.6.1", entities.create, _set("options local")
    ),
    Operation(
        "GET",
        "/entities",
        "Query Entities",
        "5.7.2",
        listing.query,
        _set(_SHOWN, _LINKED, _WHERE, _PAGED, _MAPPED),
    ),
    Operation(
        "DELETE",
        "/entities",
        "Purge Entities",
        "5.6.21",
        entities.purge,
        _set(_WHERE, "keep drop attrs"),
    ),
    Operation(
        "GET",
        _ENTITY,
        "Retrieve Entity",
        "5.7.1",
        entities.retrieve,
        _set(_SHOWN, _LINKED, _MAPPED, "type local"),
    ),
    Operation("PUT", _ENTITY, "Replace Entity", "5.6.18", entities.replace, _set(_TARGET)),
    Operation(
        "PATCH",
        _ENTITY,
        "Merge Entity",
        "5.6.17",
        entities.merge,
        _set(_TARGET, "format lang observedAt"),
    ),
    Operation("DELETE", _ENTITY, "Delete Entity", "5.6.6", entities.delete, _set(_TARGET)),
    Operation(
        "POST", _ENTITY + "/attrs", "Append Attributes", "5.6.3", attributes.append, _set(_TARGET)
    ),
    Operation(
        "PATCH", _ENTITY + "/attrs", "Update Attributes", "5.6.2", attributes.update, _set(_TARGET)
    ),
    Operation(
        "PATCH",
        _ATTRIBUTE,
        "Partial Attribute Update",
        "5.6.4",
        attributes.partial_update,
        _set(_TARGET),
    ),
    Operation("PUT", _ATTRIBUTE, "Replace Attribute", "5.6.19", attributes.replace, _set(_TARGET)),
    Operation(
        "DELETE",
        _ATTRIBUTE,
        "Delete Attribute",
        "5.6.5",
        attributes.delete,
        _set(_TARGET, "datasetId deleteAll"),
    ),
    Operation(
        "POST",
        _BATCH + "create",
        "Batch Entity Creation",
        "5.6.7",
        batch.create,
        _set("options local"),
    ),
    Operation(
        "POST",
        _BATCH + "upsert",
        "Batch Entity Upsert",
        "5.6.8",
        batch.upsert,
        _set("options local"),
    ),
    Operation(
        "POST",
        _BATCH + "update",
        "Batch Entity Update",
        "5.6.9",
        batch.update,
        _set("options local"),
    ),
    Operation(
        "POST", _BATCH + "merge", "Batch Entity Merge", "5.6.20", batch.merge, _set("options local")
    ),
    Operation(
        "POST",
        _BATCH + "delete",
        "Batch Entity Deletion",
        "5.6.10",
        batch.delete,
        _set("options local"),
    ),
    Operation(
        "POST",
        _BATCH + "query",
        "Query Entities by POST",
        "5.7.2",
        listing.query_by_body,
        _set(
            _MAPPED,
            "options format sysAttrs limit offset count local lang geometryProperty splitEntities",
        ),
    ),
    Operation(
        "GET", "/types", "Available Entity Types", "5.7.5", discovery.types, _set("details local")
    ),
    Operation(
        "GET", "/types/{type}", "Entity Type Information", "5.7.7", discovery.type, _set("local")
    ),
    Operation(
        "GET",
        "/attributes",
        "Available Attributes",
        "5.7.8",
        discovery.attributes,
        _set("details local"),
    ),
    Operation(
        "GET",
        "/attributes/{attrName}",
        "Attribute Information",
        "5.7.10",
        discovery.attribute,
        _set("local"),
    ),
    Operation(
        "POST",
        "/temporal/entities",
        "Create or Update Temporal Evolution",
        "5.6.11",
        temporal_write.upsert,
        _set("local"),
    ),
    Operation(
        "GET",
        "/temporal/entities",
        "Query Temporal Evolution",
        "5.7.4",
        temporal.query,
        _set(_HISTORY, _PAST, _WHERE, "limit offset count orderBy collation"),
    ),
    Operation(
        "GET",
        "/temporal" + _ENTITY,
        "Retrieve Temporal Evolution",
        "5.7.3",
        temporal.retrieve,
        _set(_HISTORY, _PAST, "type local"),
    ),
    Operation(
        "DELETE",
        "/temporal" + _ENTITY,
        "Delete Temporal Evolution",
        "5.6.16",
        temporal_write.remove,
        _set("local"),
    ),
    Operation(
        "POST",
        "/temporal" + _ENTITY + "/attrs",
        "Add Attributes to Temporal Evolution",
        "5.6.12",
        temporal_write.add,
        _set("local"),
    ),
    Operation(
        "DELETE",
        "/temporal" + _ATTRIBUTE,
        "Delete Attribute from Temporal Evolution",
        "5.6.13",
        temporal_write.remove_attribute,
        _set("datasetId deleteAll local"),
    ),
    Operation(
        "PATCH",
        "/temporal" + _ATTRIBUTE + "/{instanceId}",
        "Modify Attribute Instance",
        "5.6.14",
        temporal_write.change_instance,
        _set("local"),
    ),
    Operation(
        "DELETE",
        "/temporal" + _ATTRIBUTE + "/{instanceId}",
        "Delete Attribute Instance",
        "5.6.15",
        temporal_write.remove_instance,
        _set("local"),
    ),
    Operation(
        "POST",
        "/temporal/entityOperations/query",
        "Query Temporal Evolution by POST",
        "5.7.4",
        temporal.query_by_body,
        _set("options format sysAttrs limit offset count local lang"),
    ),
    Operation("POST", "/jsonldContexts", "Add Context", "5.13.2", contexts.add),
    Operation(
        "GET", "/jsonldContexts", "List Contexts", "5.13.3", contexts.listing, _set("details kind")
    ),
    Operation(
        "GET",
        "/jsonldContexts/{contextId}",
        "Serve Context",
        "5.13.4",
        contexts.serve,
        _set("details"),
    ),
    Operation(
        "DELETE",
        "/jsonldContexts/{contextId}",
        "Delete Context",
        "5.13.5",
        contexts.delete,
        _set("reload"),
    ),
    Operation("POST", "/snapshots", "Create Snapshot", "5.16.1", snapshots.create),
    Operation("DELETE", "/snapshots", "Purge Snapshots", "5.16.7", snapshots.purge, _set("q")),
    Operation("GET", _SNAPSHOT, "Retrieve Snapshot Status", "5.16.3", snapshots.retrieve),
    Operation("PATCH", _SNAPSHOT, "Update Snapshot Status", "5.16.4", snapshots.update),
    Operation("DELETE", _SNAPSHOT, "Delete Snapshot", "5.16.5", snapshots.delete),
    Operation("POST", _SNAPSHOT + "/clone", "Clone Snapshot", "5.16.2", snapshots.clone),
    Operation("POST", "/subscriptions", "Create Subscription", "5.8.1", subscriptions.subscribe),
    Operation(
        "GET",
        "/subscriptions",
        "Query Subscriptions",
        "5.8.4",
        subscriptions.query,
        _set("limit offset count options sysAttrs"),
    ),
    Operation(
        "GET",
        _SUBSCRIPTION,
        "Retrieve Subscription",
        "5.8.3",
        subscriptions.retrieve,
        _set("options sysAttrs"),
    ),
    Operation("PATCH", _SUBSCRIPTION, "Update Subscription", "5.8.2", subscriptions.change),
    Operation("DELETE", _SUBSCRIPTION, "Delete Subscription", "5.8.5", subscriptions.remove),
    Operation(
        "GET",
        _MAPS,
        "Create EntityMap",
        "5.14.4",
        entitymaps.create,
        _set(_SHOWN, _LINKED, _WHERE, _PAGED, _MAPPED),
    ),
    Operation(
        "POST",
        _MAPS,
        "Create EntityMap via POST",
        "5.14.4",
        entitymaps.create_by_body,
        _set("options format lang limit offset count local entityMapLifetime splitEntities"),
    ),
    Operation("GET", _MAP, "Retrieve EntityMap", "5.14.1", entitymaps.retrieve),
    Operation("PATCH", _MAP, "Update EntityMap", "5.14.2", entitymaps.update),
    Operation("DELETE", _MAP, "Delete EntityMap", "5.14.3", entitymaps.delete),
    Operation("POST", _SOURCES, "Register Context Source", "5.9.2", csources.create, _set("local")),
    Operation(
        "GET",
        _SOURCES,
        "Query Context Source Registrations",
        "5.10.2",
        csources.query,
        _set(
            _WHERE,
            "attrs timerel timeAt endTimeAt timeproperty limit offset count options sysAttrs",
        ),
    ),
    Operation(
        "GET",
        _SOURCE,
        "Retrieve Context Source Registration",
        "5.10.1",
        csources.retrieve,
        _set("options sysAttrs"),
    ),
    Operation("PATCH", _SOURCE, "Update Context Source Registration", "5.9.3", csources.update),
    Operation("DELETE", _SOURCE, "Delete Context Source Registration", "5.9.4", csources.delete),
    Operation(
        "GET",
        "/info/sourceIdentity",
        "Retrieve Context Source Identity",
        "5.15.1",
        csources.identity,
    ),
)
