"""Snapshots: what a tenant's entities were like when it was made, in a store of its own (5.16, 4.3.7).

A snapshot is a *record* of kind ``snapshot`` in the tenant's store, which says what was asked for and
how it went, and a *store* beside the tenant's, which answers every operation that a tenant's does. It
goes through these states: ``preparing`` until its queries have run, then ``success`` (each found
something), ``empty`` (none did), ``partial`` (some did) or ``failure``.

All its queries see one consistent view of the tenant. An entity that several of them find has what
each of them shows of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

import orjson
import re2

from hansa.hub.expiry import alive
from hansa.kernel.clock import iso
from hansa.kernel.errors import AlreadyExists, BadRequest, NotFound
from hansa.kernel.ids import is_uri
from hansa.ngsild.model import ENTITY_MEMBERS, NULL, Entity
from hansa.ngsild.query import And, Filter, Or, Query
from hansa.ngsild.represent import View
from hansa.ngsild.temporal import parse_duration
from hansa.store.meaning import instance_test
from hansa.store.port import Edited, Reader, Store, Write

__all__ = [
    "CHANGEABLE",
    "RECORD",
    "Part",
    "Snapshot",
    "changed",
    "check_members",
    "copied",
    "dropped",
    "expired",
    "fill",
    "finished",
    "made",
    "purge_test",
    "ready",
    "removed",
    "told_of",
    "used",
]

RECORD: Final = "snapshot"
"""The kind of the records in the store."""

CHANGEABLE: Final = frozenset({"snapshotPriority", "snapshotLifetime", "endpoint", "receiverInfo"})
"""Members that a client may set, and may change later (5.16.4)."""

_MEMBERS: Final = CHANGEABLE | {
    "id",
    "type",
    "createdAt",
    "expiresAt",
    "lastUsedAt",
    "snapshotQueries",
    "snapshotQueriesDetails",
    "snapshotStatus",
    "snapshotTemporalQueries",
    "snapshotTemporalQueriesDetails",
}
_PRIORITY: Final = 5
_BATCH: Final = 1000

Snapshot = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One of the queries of a snapshot: which entities, and what of them."""

    query: Query
    view: View


# -- the data type (5.2.41) -------------------------------------------------------------------------


def check_members(payload: Any, more: frozenset[str] = frozenset()) -> Snapshot:
    """What a client says of a snapshot; `more` members are looked at by the caller.

    Raises:
        BadRequest: a member is malformed, or is not the client's to set.
    """
    if not isinstance(payload, dict) or payload.get("type", "Snapshot") != "Snapshot":
        raise BadRequest("the request body", "is not a Snapshot", 'send {"type": "Snapshot", …}')
    for name in payload.keys() - CHANGEABLE - more - {"type", "@context"}:
        raise BadRequest(
            f"the member '{name[:60]}' of the snapshot",
            "cannot be set",
            f"set {', '.join(sorted(CHANGEABLE | more))}",
        )
    priority = payload.get("snapshotPriority", _PRIORITY)
    if type(priority) is not int or not 1 <= priority <= 10:
        raise BadRequest("snapshotPriority", f"{priority!r:.40} is not 1 to 10", "correct it")
    if "snapshotLifetime" in payload and not parse_duration(
        payload["snapshotLifetime"], "snapshotLifetime"
    ):
        raise BadRequest("snapshotLifetime", "is no time at all", "write for example P1D")
    if payload.get("endpoint") != NULL:
        _check_endpoint(payload.get("endpoint"), given="endpoint" in payload)
    if payload.get("receiverInfo") != NULL:
        _check_receiver(payload.get("receiverInfo", []))
    return {name: payload[name] for name in payload.keys() & CHANGEABLE}


def _check_endpoint(endpoint: Any, *, given: bool) -> None:
    if not given:
        return
    uri = endpoint.get("uri") if isinstance(endpoint, dict) else None
    if not is_uri(uri) or not str(uri).startswith(("http://", "https://")):
        raise BadRequest("endpoint", "has no uri that is an http address", "name one")
    kinds = ("application/json", "application/ld+json")
    if not isinstance(endpoint, dict) or endpoint.get("accept", kinds[0]) not in kinds:
        raise BadRequest(
            "endpoint, accept", "is none of the types sent", f"use {' or '.join(kinds)}"
        )
    _check_receiver(endpoint.get("receiverInfo", []))


def _check_receiver(pairs: Any) -> None:
    good = isinstance(pairs, list) and all(
        isinstance(pair, dict)
        and isinstance(pair.get("key"), str)
        and isinstance(pair.get("value"), str)
        and pair["key"].isascii()
        for pair in pairs
    )
    if not good:
        raise BadRequest("receiverInfo", "is not a list of keys and values", "correct it")


# -- records ----------------------------------------------------------------------------------------


def made(id: str, given: Mapping[str, Any], now: datetime, default: str) -> Write:
    """The record of a new snapshot; `default` is how long it lives when `given` does not say."""
    lifetime = str(given.get("snapshotLifetime", default))
    record = {
        "id": id,
        "type": "Snapshot",
        "snapshotPriority": _PRIORITY,
        **given,
        "snapshotStatus": "preparing",
        "createdAt": iso(now),
        "lastUsedAt": iso(now),
        "expiresAt": _after(now, lifetime),
    }

    def edit(current: Snapshot | None) -> Edited:
        if current is not None and not expired(current, now):
            raise AlreadyExists(f"snapshot {id}", "it exists already", "choose another id")
        return Edited(record)

    return Write(id, edit)


def changed(id: str, given: Mapping[str, Any], now: datetime) -> Write:
    """The record with what a client changed of it; a new lifetime begins now."""

    def edit(current: Snapshot | None) -> Edited:
        present = _present(id, current, now)
        after = {k: v for k, v in {**present, **given}.items() if v != NULL}
        if "snapshotLifetime" in given:
            after["expiresAt"] = _after(now, str(given["snapshotLifetime"]))
        return Edited(after, after)

    return Write(id, edit)


def finished(
    id: str, details: Sequence[Mapping[str, Any]], past: Sequence[Mapping[str, Any]] = ()
) -> Write:
    """The record once its queries have run, those for entities and those for their past."""

    def edit(current: Snapshot | None) -> Edited:
        if current is None:
            return Edited(None)
        status = _status([str(each["resultStatus"]) for each in (*details, *past)])
        after = {**current, "snapshotStatus": status}
        if details:
            after["snapshotQueriesDetails"] = list(details)
        if past:
            after["snapshotTemporalQueriesDetails"] = list(past)
        return Edited(after, after)

    return Write(id, edit)


def used(id: str, now: datetime) -> Write:
    """The record of a snapshot that was of use."""
    return Write(
        id,
        lambda current: Edited(None if current is None else {**current, "lastUsedAt": iso(now)}),
    )


def removed(id: str, now: datetime) -> Write:
    """No record any more."""

    def edit(current: Snapshot | None) -> Edited:
        _present(id, current, now)
        return Edited(None)

    return Write(id, edit)


def dropped(id: str) -> Write:
    """No record any more, whether or not there was one."""
    return Write(id, lambda current: Edited(None))


def expired(record: Mapping[str, Any], now: datetime) -> bool:
    """Whether a snapshot has outlived its time."""
    return str(record["expiresAt"]) <= iso(now)


def ready(store: Reader, now: datetime) -> list[str]:
    """The snapshots of a tenant that can be used now."""
    records = [orjson.loads(raw) for raw in store.records(RECORD)]
    return [
        record["id"]
        for record in records
        if record["snapshotStatus"] != "preparing" and not expired(record, now)
    ]


def _present(id: str, current: Snapshot | None, now: datetime) -> Snapshot:
    if current is None or expired(current, now):
        raise NotFound(f"snapshot {id}", "does not exist here", "check the id, or create it first")
    return current


def _after(now: datetime, lifetime: str) -> str:
    try:
        return iso(parse_duration(lifetime).after(now))
    except OverflowError:
        raise BadRequest(
            "snapshotLifetime", f"{lifetime[:40]!r} is too long", "shorten it"
        ) from None


def _status(results: list[str]) -> str:
    kinds = Counter(results)
    if kinds["partial"]:
        return "partial"
    if kinds["success"]:
        return "success" if kinds["success"] == len(results) else "partial"
    return "failure" if kinds["failure"] else "empty"


# -- filling ----------------------------------------------------------------------------------------


def fill(source: Reader, target: Store, parts: Sequence[Part], now: str) -> list[dict[str, Any]]:
    """Copy what the parts find into `target`; the result of each. Takes as long as it takes."""
    found: Counter[int] = Counter()

    def writes() -> Iterator[Write]:
        for place, raw in source.matching([part.query for part in parts]):
            entity = alive(orjson.loads(raw), now)
            if entity is not None:
                found[place] += 1
                yield copied(projected(entity, parts[place].view), passed=True)

    rows = writes()
    while batch := list(islice(rows, _BATCH)):
        target.write(batch).result()
    return [{"resultStatus": "success" if found[place] else "empty"} for place in range(len(parts))]


def told_of(detail: Mapping[str, Any], found: bool, *, complete: bool) -> dict[str, Any]:
    """The result of a query with what sources told; ``partial`` where one of them failed."""
    if not complete:
        return {**detail, "resultStatus": "partial"}
    return {**detail, "resultStatus": "success"} if found else dict(detail)


def copied(entity: Entity, *, passed: bool) -> Write:
    """Put an entity into a snapshot as it is; what is there of it already stays. `passed` if it is one of this node."""
    return Write(
        entity["id"],
        lambda there: Edited(entity if there is None else {**there, **entity}),
        passed=passed,
    )


def projected(entity: Entity, view: View) -> Entity:
    """What a query shows of an entity; its members that are no attributes stay."""
    kept: Entity = {}
    for name, value in entity.items():
        if name in ENTITY_MEMBERS:
            kept[name] = value
        elif view.shows(name) and (instances := view.selected(value)):
            kept[name] = instances
    return kept


# -- purging (5.16.7) -------------------------------------------------------------------------------


def purge_test(q: Filter) -> Callable[[Snapshot], bool]:
    """A test of a condition on the members of a snapshot.

    Raises:
        BadRequest: it speaks of anything else.
    """
    if isinstance(q, And | Or):
        tests = [purge_test(part) for part in q.parts]
        every = all if isinstance(q, And) else any
        return lambda snapshot: every(test(snapshot) for test in tests)
    path = q.path
    if path.names[0] not in _MEMBERS or len(path.names) > 1 or path.linked is not None:
        raise BadRequest(
            f"q, '{'.'.join(path.names)[:60]}'",
            "is no member of a snapshot",
            f"use {', '.join(sorted(_MEMBERS))}",
        )
    name, test = path.names[0], instance_test(q, _contains)
    return lambda snapshot: (
        name in snapshot and test([{"type": "Property", "value": snapshot[name]}])
    )


def _contains(pattern: str, text: Any) -> bool:
    return isinstance(text, str) and re2.search(pattern, text) is not None
