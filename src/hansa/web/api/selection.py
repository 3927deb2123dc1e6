"""From the parameters of a request to a query (clauses 6.4.3.2, 6.4.3.3 and 6.23.3.1).

A query comes in the URL or, for ``entityOperations/query``, in the body (see :mod:`.body`). Both are
brought to the same parameters first, so that there is one reading of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from hansa.kernel.errors import BadRequest
from hansa.ngsild.context import Context
from hansa.ngsild.geo import expand_geo, parse_geo
from hansa.ngsild.linked import Join
from hansa.ngsild.model import ENTITY_MEMBERS, NGSI_LD
from hansa.ngsild.order import check_collation, expand_order, parse_order
from hansa.ngsild.q import check_pattern, expand_q, parse_q
from hansa.ngsild.query import (
    And,
    AttributePath,
    Filter,
    GeoFilter,
    Or,
    Order,
    Query,
    Selector,
    TypeFilter,
)
from hansa.ngsild.scope import parse_scope_query
from hansa.ngsild.selection import expand_types, parse_types
from hansa.ngsild.values import check_name
from hansa.web.api.call import Call
from hansa.web.api.look import Parameters, check_uris
from hansa.web.api.params import flag, names, number

__all__ = ["read_pattern", "read_query", "read_type_selection", "read_types"]

_SYSTEM: Final = frozenset(
    NGSI_LD + member for member in ("createdAt", "modifiedAt", "deletedAt", "expiresAt")
)


def read_types(call: Call, context: Context) -> TypeFilter | None:
    """The ``type`` parameter (clause 4.17); ``*`` is any."""
    return read_type_selection(call.query.get("type", "*"), context, local=True)


def read_type_selection(text: str, context: Context, *, local: bool) -> TypeFilter | None:
    """A type selection; ``*`` is every type here, and so contradicts ``local=false``."""
    if text != "*":
        return expand_types(parse_types(text), context.expand)
    if not local:
        raise BadRequest("the type '*'", "means every type here", "leave out local=false")
    return None


def read_query(
    call: Call,
    context: Context,
    join: Join | None = None,
    parameters: Parameters | None = None,
    selectors: tuple[Selector, ...] = (),
) -> Query:
    """The query of a URL, or of the `parameters` and `selectors` that a body holds.

    Raises:
        BadRequest: a parameter is malformed, or nothing narrows the query down (too wide a query), or
            q follows more relationships than `join` does (too deep a query).
    """
    given = call.query if parameters is None else parameters
    settings = call.service.settings
    local = flag(call.query, "local", default=True)
    wanted = Query(
        ids=check_uris(names(given, "id")),
        id_pattern=read_pattern(given.get("idPattern")),
        types=read_type_selection(given.get("type", "*"), context, local=local),
        selectors=selectors,
        attributes=tuple(context.expand(check_name(a)) for a in names(given, "attrs")),
        q=_q(given, context),
        scope=parse_scope_query(given["scopeQ"]) if "scopeQ" in given else None,
        geo=_geo(given, context),
        dataset_ids=names(given, "datasetId"),
        order=_order(given, context),
        limit=number(call.query, "limit", settings.page_limit, 0, settings.page_limit_max),
        offset=number(call.query, "offset", 0, 0, 2**31),
        count=flag(call.query, "count") or "count" in call.options,
    )
    if "csf" in given:
        parse_q(given["csf"], "csf")
    if not (flag(call.query, "local") or "type" in given or _is_narrow(wanted)):
        raise BadRequest(
            "the query",
            "names no type, no attribute other than the system's, and no place",
            "name one of them in type, attrs, q or georel, or add local=true",
        )
    _check_depth(wanted.q, join)
    return wanted


def _is_narrow(wanted: Query) -> bool:
    """Whether something beside identifiers says which entities are meant (5.7.2.4)."""
    return bool(
        wanted.selectors
        or wanted.geo
        or any(name not in _SYSTEM for name in wanted.attributes)
        or any(path.names[0] not in ENTITY_MEMBERS for path in _paths(wanted.q))
    )


def _check_depth(q: Filter | None, join: Join | None) -> None:
    depth = max((_depth(path) for path in _paths(q)), default=0)
    if depth > (join.level if join else 0):
        raise BadRequest(
            "q",
            "speaks of linked entities that are not asked for",
            "add join, with a joinLevel that is deep enough",
        )


def _depth(path: AttributePath) -> int:
    return 0 if path.linked is None else 1 + _depth(path.linked)


def _paths(q: Filter | None) -> Iterator[AttributePath]:
    if isinstance(q, And | Or):
        for part in q.parts:
            yield from _paths(part)
    elif q is not None:
        yield q.path


def _q(given: Parameters, context: Context) -> Any:
    if "q" not in given:
        return None
    return expand_q(
        parse_q(given["q"]),
        context.expand,
        expand_values=frozenset(names(given, "expandValues")),
        json_keys=frozenset(names(given, "jsonKeys")),
    )


def _geo(given: Parameters, context: Context) -> GeoFilter | None:
    found = parse_geo(
        given.get("georel"),
        given.get("geometry"),
        given.get("coordinates"),
        given.get("geoproperty"),
    )
    if found is None:
        return None
    if found.min_distance is not None and found.max_distance is not None:
        raise BadRequest("georel", "has two distances", "give maxDistance or minDistance (4.10)")
    return expand_geo(found, context.expand)


def _order(given: Parameters, context: Context) -> tuple[Order, ...]:
    collation = check_collation(given["collation"]) if "collation" in given else None
    if "orderBy" not in given:
        return ()
    found = parse_order(given["orderBy"], given.get("orderFrom"), given.get("orderGeometry"))
    return tuple(replace(o, collation=collation) for o in expand_order(found, context.expand))


def read_pattern(text: Any) -> str | None:
    """A regular expression for identifiers."""
    if text is None:
        return None
    fault = (check_pattern(text) if text else "empty") if isinstance(text, str) else "not text"
    if fault is not None:
        raise BadRequest(
            f"idPattern {str(text)[:80]!r}",
            f"is not a regular expression: {fault}",
            "use RE2 syntax",
        )
    return str(text)
