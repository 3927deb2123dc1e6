"""The question that a part of a query becomes: parameters of a URL, or the body of a query (4.3.6.7, 5.7.2.4).

Entities that are whole wherever they are (the default) are filtered by each source. Split ones cannot
be: then no filter goes along, and what has been put together is filtered here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

import orjson

from hansa.hub.registrations.matching import Part, Wanted, names_of, of_selector, parts_of
from hansa.hub.registrations.model import Registration
from hansa.hub.registrations.scopes import narrowed
from hansa.ngsild.geo import expand_geo, print_geo
from hansa.ngsild.q import expand_q, print_q
from hansa.ngsild.query import Query
from hansa.ngsild.scope import print_scope_query
from hansa.ngsild.selection import expand_types, print_types

__all__ = [
    "Question",
    "entity_path",
    "filters_of",
    "parts_of_query",
    "question",
    "selection",
    "wanted_in",
]

Compact = Callable[[str], str]

_GEO: Final[tuple[str, ...]] = ("georel", "geometry", "coordinates", "geoproperty")


def entity_path(id: str) -> str:
    """The path of an entity below the address of an API."""
    return f"/entities/{quote(id, safe=':')}"


@dataclass(frozen=True, slots=True)
class Question:
    """A question to a source: method, path, parameters and body."""

    method: str
    path: str
    parameters: dict[str, str]
    payload: Any = None


def wanted_in(query: Query) -> list[Wanted]:
    """What a query wants, one for each of its entity selectors."""
    attributes, datasets = frozenset(query.attributes), frozenset(query.dataset_ids)
    if not query.selectors:
        return [Wanted(query.ids, query.id_pattern, query.types, attributes, datasets, query.scope)]
    return [
        replace(of_selector(s, attributes), datasets=datasets, scope=query.scope)
        for s in query.selectors
    ]


def parts_of_query(registrations: Iterable[Registration], query: Query) -> list[Part]:
    """What the sources may be asked for a query; parts that differ in the identifiers are joined."""
    together: dict[object, Part] = {}
    listed = list(registrations)
    for wanted in wanted_in(query):
        for part in parts_of(listed, wanted):
            key = (part.registration.id, part.types, part.pattern, part.attributes, not part.ids)
            known = together.get(key)
            if known is None:
                together[key] = part
            elif part.ids:
                ids = tuple(dict.fromkeys((*known.ids, *part.ids)))
                both = replace(known.wanted, ids=ids)
                together[key] = replace(known, ids=ids, wanted=both)
    return list(together.values())


def question(
    part: Part,
    query: Query,
    compact: Compact,
    *,
    split: bool,
    limit: int,
    offset: int = 0,
    count: bool = False,
    by_body: bool = False,
) -> Question:
    """The question to the source of `part`, in the words of `compact`."""
    steps = {"options": "sysAttrs", "limit": str(limit)}
    if offset:
        steps["offset"] = str(offset)
    if count:
        steps["count"] = "true"
    filters = filters_of(part, query, compact, split=split)
    types = _types(part, query, compact)
    attributes = sorted(compact(name) for name in part.attributes)
    if by_body:
        body = _body(part, types, attributes, filters)
        return Question("POST", "/entityOperations/query", steps, body)
    asked = selection(part, query, compact)
    return Question("GET", "/entities", {**asked, **filters, **steps})


def selection(part: Part, query: Query, compact: Compact) -> dict[str, str]:
    """The parameters that say which entities and attributes of `part` are meant."""
    asked: dict[str, str] = {}
    if types := _types(part, query, compact):
        asked["type"] = types
    if part.ids:
        asked["id"] = ",".join(part.ids)
    elif part.pattern is not None:
        asked["idPattern"] = part.pattern
    if part.attributes:
        asked["attrs"] = ",".join(sorted(compact(name) for name in part.attributes))
    return asked


def _types(part: Part, query: Query, compact: Compact) -> str:
    if part.types:
        return ",".join(sorted(compact(name) for name in part.types))
    wanted = part.wanted.types
    if wanted is None or isinstance(wanted, frozenset):
        return ",".join(sorted(compact(name) for name in names_of(wanted)))
    return print_types(expand_types(wanted, compact))


def filters_of(
    part: Part, query: Query, compact: Compact, *, split: bool = False
) -> dict[str, str]:
    """The parameters that say which values, scopes, places and datasets are meant.

    Where entities may be split no filter goes along, but what the registration limits holds (4.3.6.1).
    """
    scope = narrowed(part.registration.scopes, None if split else query.scope)
    filters = {} if scope is None else {"scopeQ": print_scope_query(scope)}
    if split:
        return filters
    if query.q is not None:
        filters["q"] = print_q(expand_q(query.q, compact))
    if query.geo is not None:
        filters |= print_geo(expand_geo(query.geo, compact))
    if query.dataset_ids:
        filters["datasetId"] = ",".join(query.dataset_ids)
    return filters


def _body(part: Part, types: str, attributes: list[str], filters: dict[str, str]) -> dict[str, Any]:
    selector: dict[str, Any] = {"type": types} if types else {}
    if part.ids:
        entities = [{**selector, "id": id} for id in part.ids]
    elif part.pattern is not None:
        entities = [{**selector, "idPattern": part.pattern}]
    else:
        entities = [selector] if selector else []
    body: dict[str, Any] = {"type": "Query"}
    if entities:
        body["entities"] = entities
    if attributes:
        body["attrs"] = attributes
    geo = {
        k: filters[k] for k in ("georel", "geometry", "coordinates", "geoproperty") if k in filters
    }
    if geo:
        body["geoQ"] = {**geo, "coordinates": orjson.loads(geo["coordinates"])}
    for name in ("q", "scopeQ"):
        if name in filters:
            body[name] = filters[name]
    if "datasetId" in filters:
        body["datasetId"] = filters["datasetId"].split(",")
    return body
