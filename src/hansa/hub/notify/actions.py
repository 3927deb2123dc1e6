"""What an operator does with notifications: look how subscriptions fare, what failed, and replay it.

The command line and the pages call these; each takes the tenant's store, as the gate let it through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from hansa.hub.fields import Fields
from hansa.hub.notify.endpoint import read_endpoint
from hansa.hub.subscriptions.model import KIND
from hansa.hub.subscriptions.showing import status_of
from hansa.kernel.clock import from_micros, iso
from hansa.kernel.errors import NotFound
from hansa.store.outbox import Queued, Standing
from hansa.store.port import Store

__all__ = ["Failure", "Health", "drop", "failures", "health", "healths", "replay"]


@dataclass(frozen=True, slots=True)
class Health:
    """How a subscription fares. Times are ISO 8601 or None."""

    id: str
    name: str
    kind: str
    status: str
    endpoint: str
    sent: int
    failed: int
    waiting: int
    dead: int
    last: str | None
    last_success: str | None
    last_failure: str | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A notification that was given up."""

    number: int
    id: str
    subscription: str
    kind: str
    endpoint: str
    made: str
    tried: str | None
    attempts: int
    fault: str
    body: Any


def healths(store: Store, now: str, kind: str = KIND) -> list[Health]:
    """All subscriptions of a kind, in order of creation, with how they fare."""
    return [_health(store, orjson.loads(raw), now, kind) for raw in store.records(kind)]


def health(store: Store, id: str, now: str, kind: str = KIND) -> Health:
    """How one subscription fares.

    Raises:
        NotFound: there is none of that identifier.
    """
    raw = store.record(kind, id)
    if raw is None:
        raise NotFound(f"subscription {id}", "does not exist here", "list them to see their ids")
    return _health(store, orjson.loads(raw), now, kind)


def failures(store: Store, subscription: str | None = None, limit: int = 1000) -> list[Failure]:
    """The notifications that were given up, newest first."""
    return [_failure(row) for row in store.outbox.dead(None, subscription, limit)]


def replay(store: Store, *, subscription: str | None = None, numbers: Sequence[int] = ()) -> int:
    """Send notifications that were given up again: those `numbers`, else all of a subscription or of all.

    They keep their identifiers. How many there were.
    """
    wanted = numbers or [row.number for row in store.outbox.dead(None, subscription, 1_000_000)]
    return store.outbox.replay(wanted).result()


def drop(store: Store, numbers: Sequence[int]) -> int:
    """Forget notifications that were given up; how many there were."""
    return store.outbox.drop(numbers).result()


def _health(store: Store, record: dict[str, Any], now: str, kind: str) -> Health:
    standing = store.outbox.standing(kind, record["id"])
    members = record["members"]
    endpoint = read_endpoint(Fields(members["notification"]["endpoint"], "the endpoint"))
    return Health(
        id=record["id"],
        name=members.get("subscriptionName", ""),
        kind=kind,
        status=status_of(record, now),
        endpoint=endpoint.shown,
        **_counts(standing),
    )


def _counts(standing: Standing) -> dict[str, Any]:
    return {
        "sent": standing.sent,
        "failed": standing.failed,
        "waiting": standing.waiting,
        "dead": standing.dead,
        "last": _text(standing.last),
        "last_success": _text(standing.last_success),
        "last_failure": _text(standing.last_failure),
        "fault": standing.fault,
    }


def _failure(row: Queued) -> Failure:
    notice = row.notice
    return Failure(
        number=row.number,
        id=notice.id,
        subscription=notice.subscription,
        kind=notice.kind,
        endpoint=_without_password(notice.endpoint),
        made=iso(from_micros(row.made)),
        tried=_text(row.tried),
        attempts=row.attempts,
        fault=row.fault or "",
        body=orjson.loads(notice.body),
    )


def _text(moment: int | None) -> str | None:
    return None if moment is None else iso(from_micros(moment))


def _without_password(uri: str) -> str:
    scheme, _, rest = uri.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"
