"""The operations between brokers: entity maps, registrations, subscriptions to them, identity (see :mod:`.routes`)."""

from __future__ import annotations

from typing import Final

from hansa.web.api import csource_subscriptions, csources, entitymaps, temporal_maps
from hansa.web.api.operation import LINKED, MAPPED, PAGED, SHOWN, WHERE, Operation, names_in

__all__ = ["BROKER_OPERATIONS"]

_MAPS = "/entityMaps"
_MAP = _MAPS + "/{entityMapId}"
_WATCHES = "/csourceSubscriptions"
_WATCH = _WATCHES + "/{subscriptionId}"
_SOURCES = "/csourceRegistrations"
_SOURCE = _SOURCES + "/{registrationId}"

BROKER_OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "GET",
        _MAPS,
        "Create EntityMap",
        "5.14.4",
        entitymaps.create,
        names_in(SHOWN, LINKED, WHERE, PAGED, MAPPED),
    ),
    Operation(
        "POST",
        _MAPS,
        "Create EntityMap via POST",
        "5.14.4",
        entitymaps.create_by_body,
        names_in("options format lang limit offset count local entityMapLifetime splitEntities"),
        open=True,
    ),
    Operation(
        "GET",
        "/temporal" + _MAPS,
        "Create EntityMap for a Temporal Query",
        "5.14.5",
        temporal_maps.create,
        names_in(SHOWN, WHERE, PAGED, MAPPED, "timerel timeAt endTimeAt timeproperty lastN"),
    ),
    Operation("GET", _MAP, "Retrieve EntityMap", "5.14.1", entitymaps.retrieve),
    Operation("PATCH", _MAP, "Update EntityMap", "5.14.2", entitymaps.update, open=True),
    Operation("DELETE", _MAP, "Delete EntityMap", "5.14.3", entitymaps.delete, open=True),
    Operation(
        "POST", _SOURCES, "Register Context Source", "5.9.2", csources.create, names_in("local")
    ),
    Operation(
        "GET",
        _SOURCES,
        "Query Context Source Registrations",
        "5.10.2",
        csources.query,
        names_in(
            WHERE,
            "attrs timerel timeAt endTimeAt timeproperty limit offset count options sysAttrs",
        ),
    ),
    Operation(
        "GET",
        _SOURCE,
        "Retrieve Context Source Registration",
        "5.10.1",
        csources.retrieve,
        names_in("options sysAttrs"),
    ),
    Operation("PATCH", _SOURCE, "Update Context Source Registration", "5.9.3", csources.update),
    Operation("DELETE", _SOURCE, "Delete Context Source Registration", "5.9.4", csources.delete),
    Operation(
        "POST",
        _WATCHES,
        "Create Context Source Registration Subscription",
        "5.11.2",
        csource_subscriptions.subscribe,
    ),
    Operation(
        "GET",
        _WATCHES,
        "Query Context Source Registration Subscriptions",
        "5.11.5",
        csource_subscriptions.query,
        names_in("limit offset count options sysAttrs"),
    ),
    Operation(
        "GET",
        _WATCH,
        "Retrieve Context Source Registration Subscription",
        "5.11.4",
        csource_subscriptions.retrieve,
        names_in("options sysAttrs"),
    ),
    Operation(
        "PATCH",
        _WATCH,
        "Update Context Source Registration Subscription",
        "5.11.3",
        csource_subscriptions.change,
    ),
    Operation(
        "DELETE",
        _WATCH,
        "Delete Context Source Registration Subscription",
        "5.11.6",
        csource_subscriptions.remove,
    ),
    Operation(
        "GET",
        "/info/sourceIdentity",
        "Retrieve Context Source Identity",
        "5.15.1",
        csources.identity,
    ),
)
