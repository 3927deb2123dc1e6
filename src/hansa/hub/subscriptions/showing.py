"""Subscriptions as they are shown, and as the matcher reads them from their records."""

from __future__ import annotations

from typing import Any

from hansa.hub.contexts import ContextRegistry
from hansa.hub.own_contexts import implicit_path, outside, single_url
from hansa.hub.subscriptions.model import (
    DEFAULT_TRIGGERS,
    KIND,
    Subscription,
    read_subscription,
)
from hansa.hub.subscriptions.names import compact_members
from hansa.kernel.clock import from_micros, iso
from hansa.kernel.errors import HansaError
from hansa.ngsild.context import CORE, Context
from hansa.ngsild.core import CORE_URL
from hansa.store.outbox import Standing

__all__ = ["compiled", "show", "status_of"]


def status_of(record: dict[str, Any], now: str) -> str:
    """``active``, ``paused`` or ``expired``."""
    members = record["members"]
    expiry = members.get("expiresAt")
    if expiry is not None and expiry <= now:
        return "expired"
    return "paused" if members.get("isActive") is False else "active"


def show(
    record: dict[str, Any],
    standing: Standing,
    context: Context,
    now: str,
    *,
    system: bool = False,
) -> dict[str, Any]:
    """A subscription as a client reads it (5.2.12 with the members of tables 5.2.12-2 and 5.2.14.2-1)."""
    members = compact_members(record["members"], context)
    shown: dict[str, Any] = {"id": record["id"], "type": "Subscription"}
    shown |= {name: value for name, value in members.items() if name != "type"}
    if "jsonldContext" not in shown and single_url(record["context"]) is None:
        path = implicit_path(record["context"], record.get("tenant"))
        shown["jsonldContext"] = outside(path, record.get("base", ""))
    shown["notification"] = _told(members["notification"], standing)
    if "notificationTrigger" not in shown:
        shown["notificationTrigger"] = list(DEFAULT_TRIGGERS)
    shown["status"] = status_of(record, now)
    if system:
        shown |= {name: record[name] for name in ("createdAt", "modifiedAt")}
    return shown


def _told(members: dict[str, Any], standing: Standing) -> dict[str, Any]:
    endpoint = {"accept": "application/json", **members["endpoint"]}
    shown = {"format": "normalized", **members, "endpoint": endpoint}
    if standing.status is not None:
        shown["status"] = standing.status
    for name, count in (("timesSent", standing.sent), ("timesFailed", standing.failed)):
        if count:
            shown[name] = count
    for name, moment in (
        ("lastNotification", standing.last),
        ("lastSuccess", standing.last_success),
        ("lastFailure", standing.last_failure),
    ):
        if moment is not None:
            shown[name] = iso(from_micros(moment))
    return shown


async def compiled(
    record: dict[str, Any], contexts: ContextRegistry, kind: str = KIND
) -> Subscription:
    """The subscription in a record, ready for the matcher.

    If its @context cannot be had any more, notifications come with full names and the core @context: what
    they say is the same.
    """
    members = record["members"]
    source = members.get("jsonldContext") or record["context"]
    base = record.get("base", "")
    try:
        context = await contexts.get(source)
        link = _link(context, contexts, base, record.get("tenant"))
    except HansaError:
        context, link = CORE, CORE_URL
    return read_subscription(
        record["id"],
        members,
        since=record.get("since", 0),
        made=record["createdAt"],
        context=context,
        link=link,
        tenant=record.get("tenant"),
        snapshot=record.get("snapshot"),
        owner=record.get("owner"),
        kind=kind,
    )


def _link(context: Context, contexts: ContextRegistry, base: str, tenant: str | None) -> str:
    """The address of a @context: its own, or one at which this node hosts it (5.13.1)."""
    url = single_url(context.source)
    return str(outside(url or contexts.host(context.source, tenant), base))
