"""``/jsonldContexts/``: the @contexts that the node holds, and those it serves for clients (5.13).

An identifier in the path is looked for in this order: the tenant's stored @contexts, those that an
answer made necessary, the node's own and the cached ones; these also by their original URL.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import quote

import orjson

from hansa.hub.own_contexts import (
    KINDS,
    RECORD,
    Entry,
    check_source,
    inside,
    outside,
    own_path,
    record_place,
    removed,
    single_url,
    stored,
)
from hansa.kernel.clock import from_micros, iso
from hansa.kernel.errors import (
    BadRequest,
    HansaError,
    InvalidRequest,
    NotFound,
    OperationNotSupported,
)
from hansa.ngsild.context import Context
from hansa.store.port import Reader, Store, Write
from hansa.web.api.answer import Answer, created, nothing, plain, tagged
from hansa.web.api.call import JSON, LD_JSON, Call
from hansa.web.api.params import flag

__all__ = ["add", "delete", "lasting_url", "listing", "serve"]

_MICROS: Final = 1_000_000
_PLACE: Final = "/ngsi-ld/v1/jsonldContexts/"


async def add(call: Call) -> Answer:
    """Add @context: 6.29.3.1, 5.13.2."""
    payload = await call.json(JSON, LD_JSON)
    if not isinstance(payload, dict) or "@context" not in payload:
        raise InvalidRequest(
            "the request body", "is no object with an @context", 'send {"@context": …}'
        )
    source = check_source(inside(payload["@context"], call.base, call.tenant))
    write = stored(source, "Hosted", call.now)
    await _commit(call, call.writer(make=True), write)
    return created(_PLACE + quote(write.id, safe=":"))


async def listing(call: Call) -> Answer:
    """List @contexts: 6.29.3.2, 5.13.3."""
    details = flag(call.query, "details")
    kind = call.query.get("kind")
    if kind is not None and kind not in KINDS:
        raise BadRequest(
            "the parameter 'kind'", "is no kind of @context", f"use {', '.join(KINDS)}"
        )
    records = await asyncio.to_thread(call.reader().records, RECORD)
    found = [_entry(call, orjson.loads(raw)) for raw in records]
    known = {entry.url for entry in found}
    found += [e for e in await call.service.contexts.held(call.tenant) if e.url not in known]
    chosen = [entry for entry in found if kind in (None, entry.kind)]
    return plain(
        200,
        [_details(call, e) for e in chosen]
        if details
        else [outside(e.url, call.base) for e in chosen],
    )


async def serve(call: Call) -> Answer:
    """Serve @context: 6.30.3.1, 5.13.4."""
    kind = call.accepted(JSON, LD_JSON)
    details = flag(call.query, "details")
    entry, source = await _find(call, call.reader())
    if details:
        said = _details(call, entry)
        if entry.kind != "Hosted":  # found once more; those that clients keep here count uses alone
            call.service.contexts.found(entry.url)
        return plain(200, said)
    if entry.kind == "Cached":
        raise OperationNotSupported(
            f"@context {entry.url[:200]}",
            "is a copy, which is not given on",
            "ask its source, or for details=true",
        )
    answer = plain(200, {"@context": outside(source, call.base)})
    answer.headers = [(b"content-type", kind.encode())]
    return tagged(call, answer)


async def delete(call: Call) -> Answer:
    """Delete and Reload @context: 6.30.3.2, 5.13.5."""
    again = flag(call.query, "reload")
    store = call.writer()
    entry, _ = await _find(call, store)
    contexts = call.service.contexts
    if again and entry.kind != "Cached":
        raise BadRequest(
            f"@context {entry.id}", f"is {entry.kind}; only a copy can be read again", "add it anew"
        )
    if again:
        await contexts.reload(entry.url)
        return nothing()
    if entry.fixed:
        raise BadRequest(f"@context {entry.url}", "is part of this node", "leave it")
    raw = await asyncio.to_thread(store.record, RECORD, entry.id)
    if raw is not None and entry.kind != "Cached":
        await _commit(call, store, removed(entry.id))
    await contexts.forget(entry.url)
    return nothing()


async def lasting_url(call: Call, store: Store, context: Context) -> str:
    """An address at which `context` is found also after a restart, for what outlives this request.

    An @context that is no single URL is stored for it, as "ImplicitlyCreated" (5.13.1).
    """
    source = context.source
    url = single_url(source)
    if url is None:
        url = call.service.contexts.host(source, call.tenant)
        _, id = record_place(url) or (None, url)
        if await asyncio.to_thread(store.record, RECORD, id) is None:
            await _commit(call, store, stored(source, "ImplicitlyCreated", call.now, id))
    return str(outside(url, call.base))


async def _commit(call: Call, store: Store, write: Write) -> None:
    (outcome,) = await call.service.commits().settled(store.write_records(RECORD, [write]))
    if isinstance(outcome, HansaError):
        raise outcome


async def _find(call: Call, store: Reader) -> tuple[Entry, Any]:
    """The @context that the path names, with its content unless it is a copy."""
    name = inside(call.path[0], call.base, call.tenant)
    place = record_place(name)
    id = place[1] if place else call.path[0]
    path = own_path(id, call.tenant)
    contexts = call.service.contexts
    raw = await asyncio.to_thread(store.record, RECORD, id)
    if raw is not None:
        record = orjson.loads(raw)
        return _entry(call, record), record["@context"]
    for entry in await contexts.held(call.tenant):
        if path == entry.url or name in (entry.id, entry.url):
            document = contexts.document(entry.url)
            return entry, document and document["@context"]
    raise NotFound(f"@context {call.path[0][:200]}", "is not held here", f"see {_PLACE}")


def _entry(call: Call, record: dict[str, Any]) -> Entry:
    """A stored @context as an entry of the list."""
    path = own_path(record["id"], call.tenant)
    hits, used = call.service.contexts.usage(path)
    return Entry(path, record["id"], record["kind"], record["createdAt"], None, used, hits)


def _details(call: Call, entry: Entry) -> dict[str, Any]:
    """What is said of an @context (5.13.3.5)."""
    found = {
        "URL": outside(entry.url, call.base),
        "localId": entry.id,
        "kind": entry.kind,
        "createdAt": _moment(entry.created),
        "numberOfHits": entry.hits,
    }
    if entry.expires is not None:
        found["expiresAt"] = _moment(entry.expires)
    if entry.used is not None:
        found["lastUsage"] = _moment(entry.used)
    return found


def _moment(value: float | str) -> str:
    return value if isinstance(value, str) else iso(from_micros(int(value * _MICROS)))
