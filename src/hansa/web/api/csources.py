"""``/csourceRegistrations/`` and ``/info/sourceIdentity`` (clauses 6.8, 6.9 and 6.37; 5.9, 5.10 and 5.15).

What a registration conveys to its source (``contextSourceInfo``) may be a secret: it is shown to those
only who may change registrations.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from hansa.hub.registrations.book import Book
from hansa.hub.registrations.discovery import Search, wanted_of
from hansa.hub.registrations.discovery import found as matching
from hansa.hub.registrations.model import EntityInfo, Registration
from hansa.hub.registrations.reading import read
from hansa.hub.registrations.registry import found
from hansa.hub.registrations.showing import shown
from hansa.kernel.errors import BadRequest, NonexistentTenant, NotFound
from hansa.kernel.ids import is_uri, urn
from hansa.ngsild.context import Context
from hansa.ngsild.q import expand_q, parse_q
from hansa.ngsild.temporal import Duration, parse_temporal, print_duration
from hansa.web.api.answer import Answer, created, document, nothing
from hansa.web.api.call import JSON, LD_JSON, MERGE_JSON, Call
from hansa.web.api.listing import paging
from hansa.web.api.params import flag
from hansa.web.api.selection import read_query

__all__ = ["create", "delete", "identity", "query", "registration_id", "retrieve", "update"]

_PLACE: Final = "/ngsi-ld/v1/csourceRegistrations/"
_HIDDEN: Final = "(hidden)"


def registration_id(call: Call) -> str:
    """The identifier in the path."""
    id = call.path[0]
    if not is_uri(id):
        raise BadRequest(
            f"registration id {id[:120]!r}",
            "is not a URI",
            "use for example urn:ngsi-ld:ContextSourceRegistration:17",
        )
    return id


def _book(call: Call) -> Book:
    """The registrations of the tenant; those of a snapshot are the tenant's own."""
    reader = call.service.gate.reader(call.principal, call.tenant)
    return call.service.federation.registry.book(call.tenant, reader)


async def create(call: Call) -> Answer:
    """Register Context Source: 6.8.3.1, 5.9.2."""
    payload = await call.json()
    record = read(payload, await call.body_context(payload))
    record.setdefault("id", urn("ContextSourceRegistration", call.service.federation.new_id()))
    store = call.service.gate.writer(call.principal, call.tenant, make=True)
    registry = call.service.federation.registry
    await registry.create(call.tenant, store, record, call.now, call.service.commits().settled)
    return created(_PLACE + quote(record["id"], safe=":"))


async def update(call: Call) -> Answer:
    """Update Context Source Registration: 6.9.3.2, 5.9.3."""
    id = registration_id(call)
    payload = await call.json(JSON, LD_JSON, MERGE_JSON)
    context = await call.body_context(payload)
    await call.service.federation.registry.update(
        call.tenant,
        call.service.gate.writer(call.principal, call.tenant),
        id,
        payload,
        context,
        call.now,
        call.service.commits().settled,
    )
    return nothing()


async def delete(call: Call) -> Answer:
    """Delete Context Source Registration: 6.9.3.3, 5.9.4."""
    id = registration_id(call)
    await call.service.federation.registry.delete(
        call.tenant,
        call.service.gate.writer(call.principal, call.tenant),
        id,
        call.now,
        call.service.commits().settled,
    )
    return nothing()


async def retrieve(call: Call) -> Answer:
    """Retrieve Context Source Registration: 6.9.3.1, 5.10.1."""
    kind = call.accepted(JSON, LD_JSON)
    id = registration_id(call)
    context = await call.link_context()
    book = _book(call)
    registration = found(book, id, call.now)
    if not _may_see(call)(registration):
        raise NotFound(f"registration {id}", "does not exist here", "check the id")
    return document(call, _shown(call, registration, context), context, kind)


async def query(call: Call) -> Answer:
    """Query Context Source Registrations: 6.8.3.2, 5.10.2."""
    kind = call.accepted(JSON, LD_JSON)
    context = await call.link_context()
    wanted = read_query(call, context)
    if wanted.limit == 0 and not wanted.count:
        raise BadRequest("the parameter 'limit'", "is 0 without count", "ask for count=true too")
    given = call.query
    csf = expand_q(parse_q(given["csf"], "csf"), context.expand) if "csf" in given else None
    temporal = parse_temporal(
        given.get("timerel"), given.get("timeAt"), given.get("endTimeAt"), given.get("timeproperty")
    )
    search = Search(wanted_of(wanted), csf, wanted.scope, wanted.geo, temporal)
    book = _book(call)
    registrations = list(filter(_may_see(call), book.concerned(search.wanted, call.now)))
    matches = await asyncio.to_thread(lambda: list(matching(registrations, search)))
    page = matches[wanted.offset : wanted.offset + wanted.limit]
    more = len(matches) > wanted.offset + wanted.limit and wanted.limit > 0
    headers = paging(call, wanted, more, kind)
    if wanted.count:
        headers.append((b"ngsild-results-count", str(len(matches)).encode()))
    body = [_shown(call, registration, context) for registration, _ in page]
    return document(call, body, context, kind, headers)


def _may_see(call: Call) -> Callable[[Registration], bool]:
    """Whether whoever asks may know of a registration: not if it names what is hidden from them."""
    denies = call.service.gate.denies(call.principal, call.tenant)

    def may(registration: Registration) -> bool:
        if denies is None:
            return True
        return not any(
            denies(entity.types, entity.id or "", info.attributes)
            for info in registration.infos
            for entity in info.entities or (EntityInfo(frozenset()),)
        )

    return may


def _shown(call: Call, registration: Registration, context: Context) -> dict[str, Any]:
    health = call.service.federation.registry.health(call.tenant, registration.id)
    times = "sysAttrs" in call.options or flag(call.query, "sysAttrs")
    body = shown(registration.record, context, health.shown(), times=times)
    may_change = call.service.gate.decide(call.principal, "write", call.tenant).allowed
    if "contextSourceInfo" in body and not may_change:
        body["contextSourceInfo"] = [
            {"key": pair["key"], "value": _HIDDEN} for pair in body["contextSourceInfo"]
        ]
    return body


async def identity(call: Call) -> Answer:
    """Retrieve Context Source Identity Information: 6.37.3.1, 5.15.1."""
    kind = call.accepted(JSON, LD_JSON)
    context = await call.link_context()
    with suppress(NonexistentTenant):  # who sees nothing of a tenant is not told of it either
        call.service.gate.reader(call.principal, call.tenant)
    federation = call.service.federation
    alias = federation.dispatch.alias(call.tenant)
    uptime = timedelta(seconds=int(federation.uptime))
    body = {
        "id": urn("ContextSourceIdentity", alias),
        "type": "ContextSourceIdentity",
        "contextSourceAlias": alias,
        "contextSourceUptime": print_duration(Duration(0, uptime)),
        "contextSourceTimeAt": call.now,
    }
    return document(call, body, context, kind)
