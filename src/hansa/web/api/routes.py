"""Every operation of the API: verb, path, clause, parameters and handler, in one table.

The router, the checks of parameters, the Allow headers and the OpenAPI document all come from it.
"""

from __future__ import annotations

from typing import Final

from hansa.web.api import (
    attributes,
    batch,
    contexts,
    discovery,
    entities,
    listing,
    snapshots,
    subscriptions,
    temporal,
    temporal_write,
)
from hansa.web.api.broker_routes import BROKER_OPERATIONS
from hansa.web.api.operation import LINKED, MAPPED, PAGED, SHOWN, WHERE, Operation, names_in

__all__ = ["OPERATIONS", "Operation"]

_TARGET = "type options local"
_ENTITY = "/entities/{entityId}"
_ATTRIBUTE = "/entities/{entityId}/attrs/{attrName}"
_BATCH = "/entityOperations/"
_SNAPSHOT = "/snapshots/{snapshotId}"
_HISTORY = "timerel timeAt endTimeAt timeproperty lastN aggrMethods aggrPeriodDuration"
_PAST = "options format sysAttrs lang pick omit attrs datasetId"
_SUBSCRIPTION = "/subscriptions/{subscriptionId}"
_SHOWN_ALSO = "options sysAttrs"
_SUBSCRIPTIONS = (
    ("POST", "/subscriptions", "Create Subscription", "5.8.1", subscriptions.subscribe, ""),
    (
        "GET",
        "/subscriptions",
        "Query Subscriptions",
        "5.8.4",
        subscriptions.query,
        "limit offset count " + _SHOWN_ALSO,
    ),
    (
        "GET",
        _SUBSCRIPTION,
        "Retrieve Subscription",
        "5.8.3",
        subscriptions.retrieve,
        _SHOWN_ALSO,
    ),
    ("PATCH", _SUBSCRIPTION, "Update Subscription", "5.8.2", subscriptions.change, ""),
    ("DELETE", _SUBSCRIPTION, "Delete Subscription", "5.8.5", subscriptions.remove, ""),
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "POST", "/entities", "Create Entity", "5.6.1", entities.create, names_in("options local")
    ),
    Operation(
        "GET",
        "/entities",
        "Query Entities",
        "5.7.2",
        listing.query,
        names_in(SHOWN, LINKED, WHERE, PAGED, MAPPED),
    ),
    Operation(
        "DELETE",
        "/entities",
        "Purge Entities",
        "5.6.21",
        entities.purge,
        names_in(WHERE, "keep drop attrs"),
    ),
    Operation(
        "GET",
        _ENTITY,
        "Retrieve Entity",
        "5.7.1",
        entities.retrieve,
        names_in(SHOWN, LINKED, MAPPED, "type local"),
    ),
    Operation("PUT", _ENTITY, "Replace Entity", "5.6.18", entities.replace, names_in(_TARGET)),
    Operation(
        "PATCH",
        _ENTITY,
        "Merge Entity",
        "5.6.17",
        entities.merge,
        names_in(_TARGET, "format lang observedAt"),
    ),
    Operation("DELETE", _ENTITY, "Delete Entity", "5.6.6", entities.delete, names_in(_TARGET)),
    Operation(
        "POST",
        _ENTITY + "/attrs",
        "Append Attributes",
        "5.6.3",
        attributes.append,
        names_in(_TARGET),
    ),
    Operation(
        "PATCH",
        _ENTITY + "/attrs",
        "Update Attributes",
        "5.6.2",
        attributes.update,
        names_in(_TARGET),
    ),
    Operation(
        "PATCH",
        _ATTRIBUTE,
        "Partial Attribute Update",
        "5.6.4",
        attributes.partial_update,
        names_in(_TARGET),
    ),
    Operation(
        "PUT", _ATTRIBUTE, "Replace Attribute", "5.6.19", attributes.replace, names_in(_TARGET)
    ),
    Operation(
        "DELETE",
        _ATTRIBUTE,
        "Delete Attribute",
        "5.6.5",
        attributes.delete,
        names_in(_TARGET, "datasetId deleteAll"),
    ),
    Operation(
        "POST",
        _BATCH + "create",
        "Batch Entity Creation",
        "5.6.7",
        batch.create,
        names_in("options local"),
    ),
    Operation(
        "POST",
        _BATCH + "upsert",
        "Batch Entity Upsert",
        "5.6.8",
        batch.upsert,
        names_in("options local"),
    ),
    Operation(
        "POST",
        _BATCH + "update",
        "Batch Entity Update",
        "5.6.9",
        batch.update,
        names_in("options local"),
    ),
    Operation(
        "POST",
        _BATCH + "merge",
        "Batch Entity Merge",
        "5.6.20",
        batch.merge,
        names_in("options local"),
    ),
    Operation(
        "POST",
        _BATCH + "delete",
        "Batch Entity Deletion",
        "5.6.10",
        batch.delete,
        names_in("options local"),
    ),
    Operation(
        "POST",
        _BATCH + "query",
        "Query Entities by POST",
        "5.7.2",
        listing.query_by_body,
        names_in(
            MAPPED,
            "options format sysAttrs limit offset count local lang geometryProperty splitEntities",
        ),
        open=True,
    ),
    Operation(
        "GET",
        "/types",
        "Available Entity Types",
        "5.7.5",
        discovery.types,
        names_in("details local"),
    ),
    Operation(
        "GET",
        "/types/{type}",
        "Entity Type Information",
        "5.7.7",
        discovery.type,
        names_in("local"),
    ),
    Operation(
        "GET",
        "/attributes",
        "Available Attributes",
        "5.7.8",
        discovery.attributes,
        names_in("details local"),
    ),
    Operation(
        "GET",
        "/attributes/{attrName}",
        "Attribute Information",
        "5.7.10",
        discovery.attribute,
        names_in("local"),
    ),
    Operation(
        "POST",
        "/temporal/entities",
        "Create or Update Temporal Evolution",
        "5.6.11",
        temporal_write.upsert,
        names_in("local"),
    ),
    Operation(
        "GET",
        "/temporal/entities",
        "Query Temporal Evolution",
        "5.7.4",
        temporal.query,
        names_in(_HISTORY, _PAST, WHERE, MAPPED, "limit offset count orderBy collation"),
    ),
    Operation(
        "GET",
        "/temporal" + _ENTITY,
        "Retrieve Temporal Evolution",
        "5.7.3",
        temporal.retrieve,
        names_in(_HISTORY, _PAST, MAPPED, "type local"),
    ),
    Operation(
        "DELETE",
        "/temporal" + _ENTITY,
        "Delete Temporal Evolution",
        "5.6.16",
        temporal_write.remove,
        names_in("local"),
    ),
    Operation(
        "POST",
        "/temporal" + _ENTITY + "/attrs",
        "Add Attributes to Temporal Evolution",
        "5.6.12",
        temporal_write.add,
        names_in("local"),
    ),
    Operation(
        "DELETE",
        "/temporal" + _ATTRIBUTE,
        "Delete Attribute from Temporal Evolution",
        "5.6.13",
        temporal_write.remove_attribute,
        names_in("datasetId deleteAll local"),
    ),
    Operation(
        "PATCH",
        "/temporal" + _ATTRIBUTE + "/{instanceId}",
        "Modify Attribute Instance",
        "5.6.14",
        temporal_write.change_instance,
        names_in("local"),
    ),
    Operation(
        "DELETE",
        "/temporal" + _ATTRIBUTE + "/{instanceId}",
        "Delete Attribute Instance",
        "5.6.15",
        temporal_write.remove_instance,
        names_in("local"),
    ),
    Operation(
        "POST",
        "/temporal/entityOperations/query",
        "Query Temporal Evolution by POST",
        "5.7.4",
        temporal.query_by_body,
        names_in(MAPPED, "options format sysAttrs limit offset count local lang"),
        open=True,
    ),
    Operation("POST", "/jsonldContexts", "Add Context", "5.13.2", contexts.add),
    Operation(
        "GET",
        "/jsonldContexts",
        "List Contexts",
        "5.13.3",
        contexts.listing,
        names_in("details kind"),
    ),
    Operation(
        "GET",
        "/jsonldContexts/{contextId}",
        "Serve Context",
        "5.13.4",
        contexts.serve,
        names_in("details"),
    ),
    Operation(
        "DELETE",
        "/jsonldContexts/{contextId}",
        "Delete Context",
        "5.13.5",
        contexts.delete,
        names_in("reload"),
    ),
    Operation("POST", "/snapshots", "Create Snapshot", "5.16.1", snapshots.create),
    Operation("DELETE", "/snapshots", "Purge Snapshots", "5.16.7", snapshots.purge, names_in("q")),
    Operation("GET", _SNAPSHOT, "Retrieve Snapshot Status", "5.16.3", snapshots.retrieve),
    Operation("PATCH", _SNAPSHOT, "Update Snapshot Status", "5.16.4", snapshots.update),
    Operation("DELETE", _SNAPSHOT, "Delete Snapshot", "5.16.5", snapshots.delete),
    Operation("POST", _SNAPSHOT + "/clone", "Clone Snapshot", "5.16.2", snapshots.clone),
    *(
        Operation(verb, path, title, clause, handler, names_in(parameters), subscribes=True)
        for verb, path, title, clause, handler, parameters in _SUBSCRIPTIONS
    ),
    *BROKER_OPERATIONS,
)
