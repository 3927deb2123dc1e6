"""A query in the body of ``entityOperations/query``: the data type Query (clause 5.2.23)."""

from __future__ import annotations

from typing import Any, Final

from hansa.kernel.errors import BadRequest, OperationNotSupported
from hansa.ngsild.context import Context
from hansa.ngsild.query import Query, Selector
from hansa.web.api.call import Call
from hansa.web.api.look import Look, check_uris, read_look
from hansa.web.api.params import NOT_OFFERED, flag
from hansa.web.api.selection import read_pattern, read_query, read_type_selection

__all__ = ["read_body_query"]

_TEXTS: Final = ("q", "scopeQ", "lang", "csf", "join")
_NAME_LISTS: Final = ("attrs", "datasetId", "expandValues", "jsonKeys", "containedBy")
_PROJECTIONS: Final = ("pick", "omit")
_MEMBERS: Final = frozenset(
    {"type", "entities", "geoQ", "ordering", "joinLevel", "@context"}
    | {*_TEXTS, *_NAME_LISTS, *_PROJECTIONS}
)
_TEMPORAL: Final = frozenset({"temporalQ", "aggrParams"})
_GEO: Final = ("georel", "geometry", "coordinates", "geoproperty")
_ORDERING: Final = {"geometry": "orderGeometry", "coordinates": "orderFrom"}


def read_body_query(call: Call, payload: Any, context: Context) -> tuple[Query, Look]:
    """The query of a request body, with how its entities are shown.

    Raises:
        BadRequest: the body breaks a rule of the data type.
        OperationNotSupported: it has a member that this node does not offer.
    """
    if not isinstance(payload, dict) or payload.get("type") != "Query":
        raise BadRequest("the request body", "is not a Query", 'send {"type": "Query", …}')
    for member in payload.keys() - _MEMBERS:
        raise _refusal(member)
    given = _as_parameters(payload)
    local = flag(call.query, "local", default=True)
    selectors = tuple(
        selector
        for item in _list(payload, "entities")
        for selector in _selectors(item, context, local=local)
    )
    look = read_look(call, context, given)
    return read_query(call, context, look.join, given, selectors), look


def _refusal(member: str) -> BadRequest | OperationNotSupported:
    subject = f"the member '{member[:60]}' of the query"
    if member in NOT_OFFERED:
        return OperationNotSupported(
            subject, f"needs {NOT_OFFERED[member]}, which this node does not offer"
        )
    if member in _TEMPORAL:
        return BadRequest(subject, "is for queries of history only", "leave it out")
    return BadRequest(subject, "is not one of its data type", f"use {', '.join(sorted(_MEMBERS))}")


def _as_parameters(payload: dict[str, Any]) -> dict[str, Any]:
    """The members of a Query as the parameters of a URL that mean the same."""
    given: dict[str, Any] = {name: _text(payload, name) for name in _TEXTS if name in payload}
    for name in _NAME_LISTS:
        if name in payload:
            given[name] = ",".join(map(str, _list(payload, name)))
    for name in _PROJECTIONS:
        if name in payload:
            given[name] = _list(payload, name)
    if "joinLevel" in payload:
        given["joinLevel"] = str(payload["joinLevel"])
    place = _object(payload, "geoQ")
    given |= {name: place[name] for name in _GEO if name in place}
    ordering = _object(payload, "ordering")
    given |= {_ORDERING.get(name, name): value for name, value in ordering.items()}
    if "orderBy" in ordering:
        given["orderBy"] = ",".join(map(str, _list(ordering, "orderBy")))
    return given


def _list(payload: dict[str, Any], name: str) -> list[Any]:
    found = payload.get(name, [])
    if isinstance(found, str):
        return [found]
    if not isinstance(found, list) or (name in payload and not found):
        raise BadRequest(
            f"the member '{name}' of the query", "is not a list with something in it", "write [ … ]"
        )
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


def _selectors(item: Any, context: Context, *, local: bool) -> list[Selector]:
    """An EntitySelector (5.2.33), as one selector for each identifier; they go before a pattern."""
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        raise BadRequest("an entity selector", "is not an object with a type", "name the type")
    types = read_type_selection(item["type"], context, local=local)
    if "id" in item:
        ids = item["id"] if isinstance(item["id"], list) else [item["id"]]
        return [Selector(types, id) for id in check_uris(tuple(ids))]
    return [Selector(types, None, read_pattern(item.get("idPattern")))]
