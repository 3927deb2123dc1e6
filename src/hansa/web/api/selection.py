"""From the parameters of a request to a query and a view (clauses 6.4.3.2, 6.5.3.1 and 6.23.3.1).

A query comes in the URL or, for ``entityOperations/query``, in the body (5.2.23). Both are brought to
the same parameters first, so that there is one reading of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hansa.kernel.errors import BadRequest, InvalidRequest, OperationNotSupported
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context
from hansa.ngsild.geo import expand_geo, parse_geo
from hansa.ngsild.model import LOCATION
from hansa.ngsild.order import expand_order, parse_order
from hansa.ngsild.q import check_pattern, expand_q, parse_q
from hansa.ngsild.query import GeoFilter, Order, Query, Selector, TypeFilter
from hansa.ngsild.represent import Form, View
from hansa.ngsild.scope import parse_scope_query
from hansa.ngsild.selection import expand_types, parse_types
from hansa.ngsild.values import check_name
from hansa.web.api.call import Call
from hansa.web.api.params import flag, names, number

__all__ = ["geometry_property", "read_body_query", "read_query", "read_types", "read_view"]

Parameters = Mapping[str, Any]

_FORMS: Final[dict[str, Form]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
_KNOWN_OPTIONS: Final = frozenset(_FORMS) | {"sysAttrs", "count"}
_MEMBERS: Final = frozenset({"id", "type", "scope", "createdAt", "modifiedAt", "expiresAt"})
_CONDITIONS: Final = frozenset({"type", "attrs", "q", "georel"})
_LISTS: Final = ("attrs", "pick", "omit", "datasetId", "expandValues", "jsonKeys", "containedBy")
_BODY_TEXTS: Final = ("q", "scopeQ", "lang")
_BODY_MEMBERS: Final = frozenset(
    {"type", "entities", "geoQ", "ordering", "@context", "local", *_LISTS, *_BODY_TEXTS}
)


def read_view(
    call: Call,
    context: Context,
    parameters: Parameters | None = None,
    *,
    more_options: frozenset[str] = frozenset(),
) -> View:
    """What of each entity is shown, and how. `more_options` are further words the operation takes."""
    given = call.query if parameters is None else parameters
    if not given and not call.query:
        return View(context)
    form = _form(call, _KNOWN_OPTIONS | more_options)
    pick, omit, attrs = (names(given, name) for name in ("pick", "omit", "attrs"))
    if attrs and (pick or omit):
        raise BadRequest("the parameter 'attrs'", "cannot stand beside pick or omit", "use pick")
    picked = _members(attrs, context) | _MEMBERS if attrs else _members(pick, context)
    return View(
        context=context,
        form=form,
        times="sysAttrs" in call.options or flag(call.query, "sysAttrs"),
        language=given.get("lang") or None,
        pick=picked if pick or attrs else None,
        omit=_members(omit, context),
        datasets=_datasets(given),
    )


def _form(call: Call, known: frozenset[str]) -> Form:
    unknown = call.options - known
    if unknown:
        raise InvalidRequest(
            f"the option '{min(unknown)[:60]}'",
            "is not one of this operation",
            f"use {', '.join(sorted(known))}",
        )
    forms = {_FORMS[word] for word in call.options if word in _FORMS}
    if len(forms) > 1:
        raise InvalidRequest("the options", "name two representations", "name one")
    return forms.pop() if forms else "normalized"


def _members(terms: tuple[str, ...], context: Context) -> frozenset[str]:
    return frozenset(
        term if term in _MEMBERS else context.expand(check_name(term)) for term in terms
    )


def _datasets(given: Parameters) -> frozenset[str] | None:
    ids = names(given, "datasetId")
    for id in ids:
        if id != "@none" and not is_uri(id):
            raise BadRequest(f"datasetId {id[:80]!r}", "is not a URI", "give URIs or @none")
    return frozenset(ids) if ids else None


def read_types(call: Call, context: Context) -> TypeFilter | None:
    """The ``type`` parameter (clause 4.17); ``*`` is any."""
    return _types(call.query.get("type"), context)


def _types(text: str | None, context: Context) -> TypeFilter | None:
    if text is None or text == "*":
        return None
    return expand_types(parse_types(text), context.expand)


def read_query(call: Call, context: Context) -> Query:
    """The query of a URL."""
    given = call.query
    if not given.keys() & _CONDITIONS and not flag(given, "local"):
        raise BadRequest(
            "the query",
            "says nothing of type, attrs, q or georel",
            "name one of them, or add local=true to mean everything here",
        )
    return _query(call, given, context)


def _query(
    call: Call, given: Parameters, context: Context, selectors: tuple[Selector, ...] = ()
) -> Query:
    ids = names(given, "id")
    for id in ids:
        _check_uri(id)
    if given.get("collation", "C") != "C":
        raise OperationNotSupported(
            "the parameter 'collation'", "only 'C' (code points) is offered"
        )
    settings = call.service.settings
    return Query(
        ids=ids,
        id_pattern=_pattern(given.get("idPattern")),
        types=_types(given.get("type"), context),
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


def _check_uri(id: Any) -> None:
    if not is_uri(id):
        raise BadRequest(f"entity id {str(id)[:80]!r}", "is not a URI", "correct it")


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
    return expand_geo(found, context.expand) if found else None


def _order(given: Parameters, context: Context) -> tuple[Order, ...]:
    if "orderBy" not in given:
        return ()
    found = parse_order(given["orderBy"], given.get("orderFrom"), given.get("orderGeometry"))
    return expand_order(found, context.expand)


def read_body_query(call: Call, payload: Any, context: Context) -> tuple[Query, View]:
    """The query of a request body (clause 5.2.23), with how its entities are shown."""
    if not isinstance(payload, dict) or payload.get("type") != "Query":
        raise BadRequest("the request body", "is not a Query", 'send {"type": "Query", …}')
    unknown = payload.keys() - _BODY_MEMBERS
    if unknown:
        raise OperationNotSupported(
            f"the member '{min(unknown)[:60]}' of the query", "is not offered by this node"
        )
    given = _as_parameters(payload)
    selectors = tuple(_selector(item, context) for item in _list(payload, "entities"))
    if not (selectors or given.keys() & _CONDITIONS or payload.get("local")):
        raise BadRequest("the query", "says nothing of entities, attrs, q or geoQ", "name one")
    return _query(call, given, context, selectors), read_view(call, context, given)


def _as_parameters(payload: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {name: _text(payload, name) for name in _BODY_TEXTS if name in payload}
    for name in _LISTS:
        if name in payload:
            given[name] = ",".join(map(str, _list(payload, name)))
    for name in ("georel", "geometry", "coordinates", "geoproperty"):
        if name in _object(payload, "geoQ"):
            given[name] = payload["geoQ"][name]
    ordering = _object(payload, "ordering")
    for name, source in (("orderGeometry", "geometry"), ("orderFrom", "coordinates")):
        if source in ordering:
            given[name] = ordering[source]
    if "orderBy" in ordering:
        given["orderBy"] = ",".join(map(str, _list(ordering, "orderBy")))
    return given


def _list(payload: dict[str, Any], name: str) -> list[Any]:
    found = payload.get(name, [])
    if isinstance(found, str):
        return [found]
    if not isinstance(found, list):
        raise BadRequest(f"the member '{name}' of the query", "is not a list", "write [ … ]")
    return found


def _text(payload: dict[str, Any], name: str) -> str:
    if not isinstance(payload[name], str):
        raise BadRequest(f"the member '{name}' of the query", "is not text", "give a string")
    return str(payload[name])


def _object(payload: dict[str, Any], name: str) -> dict[str, Any]:
    found = payload.get(name, {})
    if not isinstance(found, dict):
        raise BadRequest(f"the member '{name}' of the query", "is not an object", "write { … }")
    return found


def _selector(item: Any, context: Context) -> Selector:
    if not isinstance(item, dict) or not isinstance(item.get("type", ""), str):
        raise BadRequest("an entity selector", "is not an object with a type", "name the type")
    if "id" in item:
        _check_uri(item["id"])
    pattern = _pattern(item.get("idPattern"))
    return Selector(_types(item.get("type"), context), item.get("id"), pattern)


def _pattern(text: Any) -> str | None:
    """A regular expression for identifiers."""
    if text is None:
        return None
    fault = check_pattern(text) if isinstance(text, str) else "not text"
    if fault is not None:
        raise BadRequest(
            f"idPattern {str(text)[:80]!r}",
            f"is not a regular expression: {fault}",
            "use RE2 syntax",
        )
    return str(text)


def geometry_property(call: Call, context: Context) -> str:
    """The GeoProperty that becomes the geometry of a feature (clause 4.5.16.1)."""
    name = call.query.get("geometryProperty")
    return context.expand(check_name(name)) if name else LOCATION
