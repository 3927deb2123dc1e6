"""Creating, changing and deleting subscriptions (clauses 5.8.1, 5.8.2 and 5.8.5).

A record holds the members (see :mod:`.model`), the @context that the subscription came with, and when it
was made and changed. Changes follow clause 5.5.8: a member of the fragment takes the place of the one
that was there, ``notification`` as a whole too, and NGSI-LD Null removes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hansa.hub.fields import Fields
from hansa.hub.subscriptions.model import (
    KIND,
    MEMBERS,
    READ_ONLY,
    check_members,
    decoded,
    read_subscription,
)
from hansa.hub.subscriptions.names import expand_members
from hansa.hub.subscriptions.showing import status_of
from hansa.hub.subscriptions.telling import told_members
from hansa.kernel.errors import AlreadyExists, BadRequest, NotFound
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context, Source
from hansa.ngsild.model import NULL
from hansa.store.port import Edited, Write

__all__ = ["Origin", "create", "delete", "existing", "update"]

_SUBJECT: Final = "the subscription"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as far as notifications need it.

    Attributes:
        context: the @context of the request.
        base: public address of this node, before its own @contexts.
        tenant: as the request named it; None for the city's own.
        since: number of the newest change before the request.
        via: the brokers that the request has passed.
        snapshot: the snapshot of the tenant whose entities are meant; None for the tenant's own.
        owner: who makes it, as the gate describes them; None for the node itself.
    """

    context: Context
    base: str
    tenant: str | None
    since: int = 0
    via: tuple[str, ...] = ()
    snapshot: str | None = None
    owner: Mapping[str, Any] | None = None


def create(id: str, payload: Any, origin: Origin, now: str, *, kind: str = KIND) -> Write:
    """Create Subscription (5.8.1); refused with AlreadyExists.

    Raises:
        BadRequest: the payload is no subscription, or has expired already.
    """
    members = check_members(payload, origin.context)
    _check_expiry(members, now)
    source: Source = origin.context.source
    record = {
        "id": id,
        "createdAt": now,
        "modifiedAt": now,
        "since": origin.since,
        "context": source,
        "base": origin.base,
        "tenant": origin.tenant,
        "members": members,
    }
    if origin.via:
        record["via"] = list(origin.via)
    if origin.owner is not None:
        record["owner"] = dict(origin.owner)
    if origin.snapshot is not None:
        record["snapshot"] = origin.snapshot

    def edit(current: dict[str, Any] | None) -> Edited:
        if current is not None:
            raise AlreadyExists(
                f"subscription {id}", "exists already", "change it with PATCH, or delete it first"
            )
        return Edited(record)

    return Write(id, edit)


def update(id: str, fragment: Any, origin: Origin, now: str) -> Write:
    """Update Subscription (5.8.2).

    Raises:
        BadRequest: the fragment alone is wrong already.
    """
    fields = Fields(fragment, "the fragment of a subscription")
    if fields.members.get("type", "Subscription") != "Subscription":
        raise fields.wrong("type", "is not Subscription", "leave it out")
    if "id" in fields and fields.members["id"] != id:
        raise fields.wrong("id", "cannot be changed", "leave it out")
    known = fields.known(MEMBERS | READ_ONLY | {"id", "@context"})
    given = decoded({k: v for k, v in known.items() if k in MEMBERS and k != "type"})
    if isinstance(given.get("notification"), dict):
        given["notification"] = told_members(given["notification"], _SUBJECT)
    _check_expiry(given, now)

    def edit(current: dict[str, Any] | None) -> Edited:
        record = existing(id, current)
        members = _merged(record["members"], _expanded(given, record, origin))
        if "isActive" in given or "expiresAt" in given:
            _check_revival(given, record["members"], now)
        members = {**members, "type": "Subscription"}
        read_subscription(id, members, subject=_SUBJECT)
        revived = status_of(record, now) != "active"  # what happened meanwhile stays untold
        since = origin.since if revived else record["since"]
        return Edited({**record, "members": members, "modifiedAt": now, "since": since})

    return Write(id, edit)


def delete(id: str) -> Write:
    """Delete Subscription (5.8.5)."""

    def edit(current: dict[str, Any] | None) -> Edited:
        existing(id, current)
        return Edited(None)

    return Write(id, edit)


def existing(id: str, record: dict[str, Any] | None) -> dict[str, Any]:
    """`record`, or the error that there is none.

    Raises:
        BadRequest: `id` is not a URI at all.
        NotFound: there is no such subscription.
    """
    if not is_uri(id):
        raise BadRequest(f"subscription id {id[:80]!r}", "is not a URI", "correct it")
    if record is None:
        raise NotFound(f"subscription {id}", "does not exist here", "check the id")
    return record


def _expanded(given: dict[str, Any], record: dict[str, Any], origin: Origin) -> dict[str, Any]:
    """The fragment with names as IRIs, after the subscription as it would be has been checked.

    The check comes first, on the names as written: its messages speak the subscriber's language.
    """
    trial = {**_merged(record["members"], given), "type": "Subscription"}
    read_subscription("", trial, subject=_SUBJECT)
    present = {name: value for name, value in given.items() if not _is_null(value)}
    nulls = dict.fromkeys(given.keys() - present.keys(), NULL)
    extra = record["members"].get("expandValues")
    if "q" in present and extra is not None and "expandValues" not in given:
        found = expand_members({**present, "expandValues": extra}, origin.context)
        del found["expandValues"]
        return found | nulls
    return expand_members(present, origin.context) | nulls


def _merged(members: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    found = members | patch
    return {name: value for name, value in found.items() if not _is_null(value)}


def _is_null(value: Any) -> bool:
    return value is None or value == NULL


def _check_expiry(members: dict[str, Any], now: str) -> None:
    expiry = members.get("expiresAt")
    if isinstance(expiry, str) and expiry != NULL and expiry[:19] <= now[:19] and "T" in expiry:
        raise BadRequest(
            f"the member 'expiresAt' of {_SUBJECT}", "lies in the past", "name a later moment"
        )


def _check_revival(given: dict[str, Any], members: dict[str, Any], now: str) -> None:
    """A subscription that has expired needs a new expiry before anything else (5.8.2.4)."""
    expiry = members.get("expiresAt")
    if expiry is not None and expiry <= now and "expiresAt" not in given:
        raise BadRequest(_SUBJECT, "has expired", "give it a new expiresAt in the same change")
