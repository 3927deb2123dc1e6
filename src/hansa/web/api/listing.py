"""Queries and their pages: ``GET /entities`` and ``entityOperations/query`` (5.7.2, 5.5.9, 6.3.10)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final
from urllib.parse import quote, urlencode

from hansa.kernel.errors import BadRequest
from hansa.ngsild.query import Query
from hansa.store.port import Page, Reader
from hansa.web.api.answer import Answer, Header, document
from hansa.web.api.body import read_body_query
from hansa.web.api.call import GEO_JSON, JSON, LD_JSON, Call
from hansa.web.api.distribution import reach_of
from hansa.web.api.entitymaps import location_of, mapped_page, wants_map
from hansa.web.api.look import Look, geometry_property, read_look
from hansa.web.api.rendering import render_all
from hansa.web.api.selection import read_query

__all__ = ["paging", "query", "query_by_body"]

_PLAIN: Final = "/:*@"
"""Signs that stand unescaped in the address of a page; a comma would end a value of the header."""


async def query(call: Call) -> Answer:
    """Query Entities: 6.4.3.2, 5.7.2."""
    kind = call.accepted(JSON, LD_JSON, GEO_JSON)
    context = await call.link_context()
    look = read_look(call, context)
    return await _page_of(call, read_query(call, context, look.join), look, kind)


async def query_by_body(call: Call) -> Answer:
    """Query Entities by POST: 6.23.3.1, 5.7.2."""
    kind = call.accepted(JSON, LD_JSON, GEO_JSON)
    payload = await call.json()
    context = await call.body_context(payload)
    wanted, look = read_body_query(call, payload, context)
    return await _page_of(call, wanted, look, kind, by_body=True)


async def _page_of(
    call: Call, wanted: Query, look: Look, kind: str, *, by_body: bool = False
) -> Answer:
    """Run a query and answer with one page of entities (clause 5.5.9)."""
    if wanted.limit == 0 and not wanted.count:
        raise BadRequest("the parameter 'limit'", "is 0 without count", "ask for count=true too")
    geometry = geometry_property(call, look.view.context, kind)
    counts = wanted.limit == 0 and not wants_map(call)
    store = call.summed_reader(wanted) if counts else call.reader()
    if wants_map(call):
        return await _through_map(call, wanted, look, kind, geometry)
    reach = reach_of(call, look.view.context, store)
    everywhere = await reach.page(wanted, by_body=by_body) if reach is not None else None
    if everywhere is not None:
        found, more, total = everywhere.entities, everywhere.more, everywhere.total
    else:
        page, more = await asyncio.to_thread(_page, store, wanted)
        found = [entity for raw in page.documents if (entity := call.alive(raw)) is not None]
        total = page.total
    headers = paging(call, wanted, more, kind)
    if wanted.count:
        headers.append((b"ngsild-results-count", str(total).encode()))
    body = await render_all(call, found, look, kind, geometry)
    return document(call, body, look.view.context, kind, headers, look.status_of(found))


async def _through_map(call: Call, wanted: Query, look: Look, kind: str, geometry: str) -> Answer:
    """A page of a query through an entity map; 201 when one was made for it (6.4.3.2)."""
    page = await mapped_page(call, look.view.context, wanted)
    found = page.found.entities
    headers = paging(call, wanted, page.found.more, kind)
    headers.append((b"ngsild-entitymap", location_of(page.map)))
    if wanted.count:
        headers.append((b"ngsild-results-count", str(page.found.total).encode()))
    body = await render_all(call, found, look, kind, geometry)
    status = 201 if page.is_new else look.status_of(found)
    return document(call, body, look.view.context, kind, headers, status)


def _page(store: Reader, wanted: Query) -> tuple[Page, bool]:
    """One page, and whether there are more: found out by asking for one entity too many."""
    if wanted.limit == 0:
        return store.query(wanted), False
    page = store.query(replace(wanted, limit=wanted.limit + 1))
    more = len(page.documents) > wanted.limit
    return Page(page.documents[: wanted.limit], page.total), more


def paging(call: Call, wanted: Query, more: bool, kind: str) -> list[Header]:
    """The Link headers to the pages before and after this one (6.3.10)."""
    limit, offset = wanted.limit, wanted.offset
    links = []
    if more:
        links.append(_page_link(call, offset + limit, limit, "next", kind))
    if offset > 0:
        links.append(_page_link(call, max(offset - limit, 0), limit, "prev", kind))
    return [(b"link", link) for link in links]


def _page_link(call: Call, offset: int, limit: int, rel: str, kind: str) -> bytes:
    parameters = sorted({**call.query, "limit": limit, "offset": offset}.items())
    address = f"{quote(call.url.rstrip('/'))}?{urlencode(parameters, safe=_PLAIN, quote_via=quote)}"
    return f'<{address}>;rel="{rel}";type="{kind}"'.encode()
