"""Data: what the node holds, by type, and how to take it along."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hansa.kernel.errors import InvalidRequest
from hansa.ngsild.model import ENTITY_MEMBERS, Entity
from hansa.ngsild.query import AttributePath, Order, Query, TypeName
from hansa.web.pages.commands import IMPORTS, command
from hansa.web.pages.describe import Describer, Row
from hansa.web.pages.facts import GONE, Facts, Kind
from hansa.web.pages.licences import Licence, licence
from hansa.web.pages.names import attribute_label, heading, type_label
from hansa.web.pages.services import Services
from hansa.web.pages.sources import Source, Standing, standings
from hansa.web.pages.values import text
from hansa.web.shell.language import Language, choose
from hansa.web.shell.site import Site

__all__ = ["DataPages"]

PAGE: Final = 50
"""Entities in the table of a type."""

_COLUMNS: Final = 5
_SERVICE: Final = "hasService"
_FIRST: Final = ("positionSource", _SERVICE)
"""How values were made, and on which days a trip runs, stands before the values."""
_ASIDE: Final = frozenset({"name", "importedFrom", "location"})


@dataclass(frozen=True, slots=True)
class TypeRow:
    """A type on the Data page."""

    label: str
    kind: Kind
    newest: datetime | None
    source: Source | None


@dataclass(frozen=True, slots=True)
class Origin:
    """A source on the Data page: what it is, its licence, what is wrong, the command that mends it."""

    source: Source
    licence: Licence
    standings: list[Standing]
    remedy: str


@dataclass(frozen=True, slots=True)
class Example:
    """A query to copy: what it asks, its address, and the command line."""

    title: str
    url: str
    curl: str


class DataPages:
    """Handlers of the Data pages."""

    def __init__(self, site: Site, facts: Facts, services: Services) -> None:
        self._site = site
        self._facts = facts
        self._services = services

    async def overview(self, request: Request) -> Response:
        """``/data``"""
        return await run_in_threadpool(self._overview, request)

    def _overview(self, request: Request) -> Response:
        tongue = choose(request)
        kinds = self._facts.kinds()
        rows = [
            TypeRow(
                tongue(type_label(kind.term, many=True)),
                kind,
                self._facts.newest(kind.iri),
                self._facts.source_of(kind.term),
            )
            for kind in kinds
        ]
        return self._site.page(
            request,
            "data.html",
            rows=rows,
            total=sum(kind.count for kind in kinds),
            gone=sum(kind.gone for kind in kinds),
            sources=[self._origin(source, tongue) for source in self._facts.sources()],
            commands=[command(self._site.node, words) for words in IMPORTS.values()],
            examples=self._examples(request, kinds, tongue),
            texts=self._site.script_texts(tongue),
        )

    def _origin(self, source: Source, tongue: Language) -> Origin:
        broken = source.status == "incomplete" and source.command
        return Origin(
            source,
            licence(tongue, source.license, source.attribution),
            standings(tongue, source),
            command(self._site.node, source.command) if broken else "",
        )

    def _examples(self, request: Request, kinds: list[Kind], tongue: Language) -> list[Example]:
        """Queries that run on this very node."""
        base = self._site.base(request) + "/ngsi-ld/v1"
        terms = [kind.term for kind in kinds]
        found = [
            Example(tongue("All types that are here"), *_both(f"{base}/types", {})),
        ]
        for term in ("GtfsStop", "TransportZone", "RoadSegment", *terms):
            if term in terms:
                query = {"type": term, "limit": "10", "format": "simplified"}
                label = tongue("The first ten of a type, as plain values")
                found.append(Example(label, *_both(f"{base}/entities", query)))
                break
        if "TransportZone" in terms:
            query = {"type": "TransportZone", "q": "population>4000", "pick": "id,population"}
            label = tongue("Zones with more than 4,000 people")
            found.append(Example(label, *_both(f"{base}/entities", query)))
        bounds = self._facts.bounds()
        if "GtfsStop" in terms and bounds:
            middle = f"[{(bounds[0] + bounds[2]) / 2:.4f},{(bounds[1] + bounds[3]) / 2:.4f}]"
            query = {
                "type": "GtfsStop",
                "georel": "near;maxDistance==2000",
                "geometry": "Point",
                "coordinates": middle,
            }
            label = tongue("Stops within 2 km of the middle of the city")
            found.append(Example(label, *_both(f"{base}/entities", query)))
        if "RoadSegment" in terms:
            query = {
                "type": "RoadSegment",
                "q": 'roadClass=="primary"',
                "count": "true",
                "limit": "1",
            }
            label = tongue("How many primary road segments there are (in the header)")
            found.append(Example(label, *_both(f"{base}/entities", query, "-i ")))
        return found

    async def type_page(self, request: Request) -> Response:
        """``/data/{type}?page=&sort=&gone=1``: what is here, or what its source no longer has."""
        return await run_in_threadpool(self._type_page, request)

    def _type_page(self, request: Request) -> Response:
        kind = self._facts.kind(request.path_params["type"])
        tongue = choose(request)
        gone = _wants_gone(request, kind)
        last = max(-(-(kind.gone if gone else kind.count) // PAGE), 1)
        number = _page_number(request, last)
        plain = _plain_terms(kind)
        sort = request.query_params.get("sort", "")
        page = self._facts.store.query(
            Query(
                types=TypeName(kind.iri),
                attributes=GONE if gone else (),
                without=() if gone else GONE,
                order=self._order(sort, plain),
                limit=PAGE,
                offset=(number - 1) * PAGE,
            )
        )
        entities = [orjson.loads(document) for document in page.documents]
        columns = self._columns(entities, plain, sort)
        rows = self._rows(entities, columns, tongue)
        base = self._site.base(request)
        origin = self._facts.source_of(kind.term)
        query = {"type": self._site.node.context.compact(kind.iri), "limit": "100"}
        return self._site.page(
            request,
            "type.html",
            kind=kind,
            gone=gone,
            label=tongue(type_label(kind.term, many=True)),
            columns=[
                (term, heading(tongue(attribute_label(term))), _is_numeric(rows, place))
                for place, term in enumerate(columns)
            ],
            attributes=[
                (term, heading(tongue(attribute_label(term))), kinds)
                for term, kinds in sorted(kind.attributes.items())
            ],
            rows=rows,
            page=number,
            last=last,
            sort=sort,
            origin=origin and self._origin(origin, tongue),
            newest=self._facts.newest(kind.iri),
            example=Example("", *_both(f"{base}/ngsi-ld/v1/entities", query)),
            texts=self._site.script_texts(tongue),
        )

    def _columns(self, entities: list[Entity], plain: list[str], sort: str) -> list[str]:
        """The attributes to show, in the order in which the first entities have them."""
        met = dict.fromkeys(
            self._site.term(iri)
            for entity in entities
            for iri in entity
            if iri not in ENTITY_MEMBERS
        )
        sorted_by = sort.removeprefix("-")
        wanted = [term for term in (sorted_by, *_FIRST, *met) if term in plain]
        return list(dict.fromkeys(wanted))[:_COLUMNS]

    def _rows(
        self, entities: list[Entity], columns: list[str], tongue: Language
    ) -> list[dict[str, Any]]:
        describer = Describer(
            tongue,
            self._site.term,
            self._site.iri,
            self._site.local,
            self._services.names(tongue),
        )
        service = self._site.iri(_SERVICE)
        others = self._facts.entities(text(entity, service) for entity in entities)
        found = []
        for entity in entities:
            sheet = describer.sheet(entity, others)
            by_term: dict[str, Row] = {row.term: row for row in (*sheet.rows, *sheet.links)}
            cells = [by_term.get(term) for term in columns]
            found.append({"id": sheet.id, "name": sheet.name, "cells": cells, "at": sheet.modified})
        return found

    def _order(self, sort: str, plain: list[str]) -> tuple[Order, ...]:
        if not sort:
            return ()
        term = sort.removeprefix("-")
        if term not in (*plain, "name", "modifiedAt"):
            raise InvalidRequest(
                "sort", f"'{term[:50]}' is no column here", "choose a column's heading"
            )
        name = term if term == "modifiedAt" else self._site.iri(term)
        return (Order(AttributePath((name,)), descending=sort.startswith("-")),)


def _plain_terms(kind: Kind) -> list[str]:
    """The attributes that a table can show and sort by: those with one plain value."""
    return [
        term
        for term, kinds in kind.attributes.items()
        if term == _SERVICE
        or (term not in _ASIDE and set(kinds) <= {"Property", "LanguageProperty", "VocabProperty"})
    ]


def _is_numeric(rows: list[dict[str, Any]], place: int) -> bool:
    """Whether a column of the table holds numbers alone."""
    cells = [row["cells"][place] for row in rows if row["cells"][place]]
    return bool(cells) and all(len(c.values) == 1 and c.values[0].number for c in cells)


def _wants_gone(request: Request, kind: Kind) -> bool:
    """Whether the reader asks for what its source no longer has; so it is if there is nothing else."""
    given = request.query_params.get("gone", "0" if kind.count else "1")
    if given not in ("0", "1"):
        raise InvalidRequest("gone", f"'{given[:20]}' is neither 0 nor 1", "leave it out")
    return given == "1"


def _page_number(request: Request, last: int) -> int:
    given = request.query_params.get("page", "1")
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= last:
        raise InvalidRequest("page", f"'{given[:20]}' is no page here", f"use 1 to {last}")
    return int(given)


def _both(address: str, query: dict[str, str], options: str = "") -> tuple[str, str]:
    """A query as an address and as a command line."""
    url = f"{address}?{urlencode(query, quote_via=quote, safe=',:')}" if query else address
    return url, f"curl {options}'{url}'"
