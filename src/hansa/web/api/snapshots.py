"""``/snapshots/`` (clauses 5.16 and 6.36 to 6.38), and entering one with NGSILD-Snapshot (6.3.22).

Creating one answers at once; its queries run in the background, and who asked for it by `endpoint` is
told when they have. What a stopped node left half done has failed.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import orjson

from hansa.hub import snapshots as hub
from hansa.hub.snapshots import RECORD, Snapshot
from hansa.hub.subscriptions.model import KIND as SUBSCRIPTION
from hansa.hub.subscriptions.writing import delete as removed
from hansa.kernel.egress import Egress
from hansa.kernel.errors import (
    BadRequest,
    Conflict,
    HansaError,
    InternalError,
    NotFound,
    OperationNotSupported,
    TooManyResults,
)
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context
from hansa.ngsild.q import parse_q
from hansa.store.port import Outcome, Store, Write
from hansa.trust.principals import LOCAL, Principal
from hansa.web.api.answer import Answer, created, document, nothing, plain
from hansa.web.api.call import JSON, LD_JSON, MERGE_JSON, Call
from hansa.web.api.problem import problem
from hansa.web.api.snapshot_queries import DETAILS, QUERIES, Details, Filling, fill, read_filling

__all__ = ["clone", "create", "delete", "enter", "purge", "retrieve", "update"]

_LOG = logging.getLogger(__name__)

_WITHIN: Final = frozenset(
    {"entities", "entityOperations", "types", "attributes", "subscriptions", "temporal"}
)
"""Resources that a snapshot has too: those of the Core and the Temporal API (5.5.15, table 4.3.5-1)."""

_USE: Final = timedelta(minutes=1)
"""How much lastUsedAt may be behind, so that reading costs no write."""

_CONTEXT: Final = "@context"


# -- entering one -----------------------------------------------------------------------------------


async def enter(call: Call, path: str) -> None:
    """See that the snapshot which a request names is there, ready, and has that resource.

    Raises:
        BadRequest, NotFound, Conflict, OperationNotSupported: it is not.
    """
    id = str(call.snapshot)
    resource = path.split("/")[1]
    if resource not in _WITHIN:
        raise OperationNotSupported(
            f"/{resource}", "is not part of a snapshot", "leave out the header NGSILD-Snapshot"
        )
    record = await _found(call, id)
    if record["snapshotStatus"] == "preparing":
        raise Conflict(f"snapshot {id}", "is still being prepared", f"see /snapshots/{id}")
    now = call.service.clock.now()
    if now - datetime.fromisoformat(record["lastUsedAt"]) > _USE:
        store = call.service.gate.writer(LOCAL, call.tenant)
        store.write_records(RECORD, [hub.used(id, now)])


async def _found(call: Call, id: str) -> Snapshot:
    """The record of a snapshot as it is now.

    Raises:
        BadRequest, NotFound: it cannot be there, or is not.
    """
    if not is_uri(id):
        raise BadRequest(f"snapshot id {id[:120]!r}", "is not a URI", "correct it")
    gate = call.service.gate
    raw = await asyncio.to_thread(gate.reader(call.principal, call.tenant).record, RECORD, id)
    now = call.service.clock.now()
    record: Snapshot | None = None if raw is None else orjson.loads(raw)
    if record is None or hub.expired(record, now):
        if record is not None:
            await _forget(call, id)
        raise NotFound(f"snapshot {id}", "does not exist here", "check the id, or create it first")
    if record["snapshotStatus"] == "preparing" and not call.service.background.is_running(
        (RECORD, call.tenant, id)
    ):
        fault = InternalError("the snapshot", "the node stopped while it was being prepared")
        present, past = ([_failure(fault)] * len(record.get(name, ())) for name in QUERIES)
        store = gate.writer(LOCAL, call.tenant)
        outcome = await _commit(call, store, hub.finished(id, present, past))
        return dict(outcome.detail)
    return record


async def _forget(call: Call, id: str) -> None:
    """Delete a snapshot that has outlived its time."""
    gate = call.service.gate
    store = gate.writer(LOCAL, call.tenant)
    await _drop(call, LOCAL, id)
    await call.service.commits().settled(store.write_records(RECORD, [hub.dropped(id)]))


async def _drop(call: Call, principal: Principal, id: str) -> None:
    """Delete what a snapshot holds; nobody is told of its changes any more."""
    await call.service.notifier.leave(call.tenant, id)
    await asyncio.to_thread(call.service.gate.drop_snapshot, principal, call.tenant, id)


# -- making -----------------------------------------------------------------------------------------


async def create(call: Call) -> Answer:
    """Create Snapshot: 6.36.3.1, 5.16.1."""
    payload = await call.json()
    context = await call.body_context(payload)
    given = hub.check_members(payload, frozenset({"id", *QUERIES}))
    filling = read_filling(call, payload, context)
    given |= {name: payload[name] for name in QUERIES if name in payload}
    given[_CONTEXT] = context.source
    return await _make(call, _new_id(payload), given, filling)


async def clone(call: Call) -> Answer:
    """Clone Snapshot: 6.38.3.1, 5.16.2."""
    original = await _found(call, call.path[0])
    if original["snapshotStatus"] == "preparing":
        raise Conflict(f"snapshot {original['id']}", "is still being prepared", "wait for it")
    payload = await call.json()
    await call.body_context(payload)
    given = hub.check_members(payload, frozenset({"id"}))
    kept = (*QUERIES, *DETAILS, "snapshotPriority", _CONTEXT)
    given = {name: original[name] for name in kept if name in original} | given
    return await _make(call, _new_id(payload), given, source=original)


async def _make(
    call: Call,
    id: str,
    given: Snapshot,
    filling: Filling | None = None,
    source: Snapshot | None = None,
) -> Answer:
    settings = call.service.settings
    store = call.writer()
    now = call.service.clock.now()
    await _make_room(call, store, now)
    write = hub.made(id, given, now, f"PT{settings.snapshot_hours}H")
    await _commit(call, store, write)
    await _drop(call, call.principal, id)
    name = (RECORD, call.tenant, id)
    if filling is not None:
        work: Any = fill(call, store, id, filling)
    else:
        work = asyncio.to_thread(_copy, call, id, source or {})
    call.service.background.start(name, _finish(call, store, id, work))
    return created(f"/ngsi-ld/v1/snapshots/{quote(id, safe=':')}")


def _copy(call: Call, id: str, source: Snapshot) -> Details:
    """Have what the source has, but for its subscriptions: those are to that snapshot, not to this."""
    store = call.service.gate.make_snapshot(LOCAL, call.tenant, id, source["id"])
    for raw in store.records(SUBSCRIPTION):
        subscription = orjson.loads(raw)["id"]
        store.write_records(SUBSCRIPTION, [removed(subscription)]).result()
        store.outbox.forget(SUBSCRIPTION, subscription).result()
    store.outbox.keep_images(False)
    present, past = (source.get(name, []) for name in DETAILS)
    return present, past


async def _finish(call: Call, store: Store, id: str, work: Any) -> None:
    """Wait for the work on a snapshot, note how it went, and tell who asked to be told."""
    try:
        present, past = await work
    except HansaError as fault:
        present, past = [_failure(fault)], []
    written = await call.service.commits().settled(
        store.write_records(RECORD, [hub.finished(id, present, past)])
    )
    await _tell(call, written[0])


def _failure(fault: HansaError) -> dict[str, Any]:
    return {"resultStatus": "failure", "problemDetails": problem(fault)}


def _new_id(payload: Any) -> str:
    id = payload.get("id", f"urn:ngsi-ld:Snapshot:{uuid.uuid4()}")
    if not is_uri(id):
        raise BadRequest(f"snapshot id {str(id)[:120]!r}", "is not a URI", "correct it")
    return str(id)


async def _make_room(call: Call, store: Store, now: datetime) -> None:
    """Delete what has outlived its time.

    Raises:
        TooManyResults: there are too many snapshots all the same.
    """
    records = [orjson.loads(raw) for raw in await asyncio.to_thread(store.records, RECORD)]
    for record in records:
        if hub.expired(record, now):
            await _forget(call, record["id"])
    limit = call.service.settings.snapshot_limit
    if sum(not hub.expired(record, now) for record in records) >= limit:
        raise TooManyResults(
            "the snapshots of this tenant", f"are {limit} already", "delete one that is not needed"
        )


# -- one of them ------------------------------------------------------------------------------------


async def retrieve(call: Call) -> Answer:
    """Retrieve Snapshot Status: 6.37.3.1, 5.16.3."""
    kind = call.accepted(JSON, LD_JSON)
    return _shown(call, await _found(call, call.path[0]), kind)


async def update(call: Call) -> Answer:
    """Update Snapshot Status: 6.37.3.2, 5.16.4."""
    kind = call.accepted(JSON, LD_JSON)
    id = call.path[0]
    payload = await call.json(JSON, LD_JSON, MERGE_JSON)
    await call.body_context(payload)
    store = call.writer()
    await _found(call, id)
    given = hub.check_members(payload)
    outcome = await _commit(call, store, hub.changed(id, given, call.service.clock.now()))
    call.service.background.start((id, call.now), _tell(call, outcome))
    return _shown(call, outcome.detail, kind)


async def delete(call: Call) -> Answer:
    """Delete Snapshot: 6.37.3.3, 5.16.5."""
    id = call.path[0]
    store = call.writer()
    await _found(call, id)
    await _commit(call, store, hub.removed(id, call.service.clock.now()))
    await _drop(call, call.principal, id)
    return nothing()


async def purge(call: Call) -> Answer:
    """Purge Snapshots: 6.36.3.2, 5.16.7."""
    if "q" not in call.query:
        raise BadRequest("the parameter 'q'", "is missing", "say which snapshots are meant")
    fits = hub.purge_test(parse_q(call.query["q"]))
    store = call.writer()
    now = call.service.clock.now()
    records = [orjson.loads(raw) for raw in await asyncio.to_thread(store.records, RECORD)]
    doomed = [r["id"] for r in records if not hub.expired(r, now) and fits(r)]
    if not doomed:
        raise NotFound("the snapshots", "none of them fits", "correct q")
    writes = [hub.removed(id, now) for id in doomed]
    outcomes = await call.service.commits().settled(store.write_records(RECORD, writes))
    for id in doomed:
        await _drop(call, call.principal, id)
    failed = {id: o for id, o in zip(doomed, outcomes, strict=True) if isinstance(o, HansaError)}
    if not failed:
        return nothing()
    errors = [{"entityId": id, "error": problem(error)} for id, error in failed.items()]
    return plain(207, {"success": [id for id in doomed if id not in failed], "errors": errors})


def _shown(call: Call, record: Snapshot, kind: str) -> Answer:
    """The status of a snapshot; its queries are in the terms that they were written in."""
    context = Context((), record[_CONTEXT])
    hidden = {_CONTEXT}
    if call.service.gate.denies(call.principal, call.tenant) is not None:
        hidden |= {*QUERIES, *DETAILS}  # what they ask about may not be for whoever sees some only
    if not call.service.gate.decide(call.principal, "write", call.tenant).allowed:
        hidden |= {"endpoint", "receiverInfo"}  # it may hold what proves who tells
    body = {name: value for name, value in record.items() if name not in hidden}
    return document(call, body, context, kind)


async def _commit(call: Call, store: Store, write: Write) -> Any:
    (outcome,) = await call.service.commits().settled(store.write_records(RECORD, [write]))
    if isinstance(outcome, HansaError):
        raise outcome
    return outcome


# -- telling (5.16.6) -------------------------------------------------------------------------------


async def _tell(call: Call, outcome: Outcome) -> None:
    """Send a SnapshotNotification to the endpoint, if there is one; once, and a failure is logged."""
    record = None if isinstance(outcome, HansaError) else outcome.detail
    if record is None or "endpoint" not in record:
        return
    endpoint = record["endpoint"]
    message = {
        "id": f"urn:ngsi-ld:SnapshotNotification:{uuid.uuid4()}",
        "type": "SnapshotNotification",
        "notifiedAt": call.now,
        "snapshotId": record["id"],
    }
    told = ("snapshotStatus", DETAILS[0], "snapshotPriority", "expiresAt")
    message |= {name: record[name] for name in told if name in record}
    if (
        DETAILS[1] in record
    ):  # the data type of the notification has a name of its own for it (5.3.4)
        message["temporalSnapshotQueriesDetails"] = record[DETAILS[1]]
    headers = {
        pair["key"]: pair["value"]
        for pair in (*record.get("receiverInfo", ()), *endpoint.get("receiverInfo", ()))
    }
    headers |= {"content-type": endpoint.get("accept", JSON), "ngsild-snapshot": record["id"]}
    if call.tenant is not None:
        headers["ngsild-tenant"] = call.tenant
    egress = Egress.for_node(call.service.settings)
    try:
        await egress.request(
            "POST", endpoint["uri"], headers=headers, body=orjson.dumps(message), max_bytes=100_000
        )
    except HansaError as fault:
        _LOG.warning("snapshot %s: its endpoint was not told: %s", record["id"], fault)
    finally:
        egress.close()
