"""A query in the body of ``entityOperations/query``: the data type Query (clause 5.2.23)."""

from __future__ import annotations

from typing import Any, Final

from hansa.kernel.errors import BadRequest
from hansa.ngsild.context import Context
from hansa.ngsild.query import Query, Selector
from hansa.web.api.call import Call
from hansa.web.api.look import Look, check_uris, read_look
from hansa.web.api.params import flag
from hansa.web.api.selection import read_pattern, read_query, read_type_selection

__all__ = ["read_body_history_query", "read_body_query"]

_TEXTS: Final = ("q", "scopeQ", "lang", "csf", "join")
_NAME_LISTS: Final = ("attrs", "datasetId", "expandValues", "jsonKeys", "containedBy")
_PROJECTIONS: Final = ("pick", "omit")
_MEMBERS: Final = frozenset(
    {"type", "entities", "geoQ", "ordering", "joinLevel", "@context"}
    | {*_TEXTS, *_NAME_LISTS, *_PROJECTIONS}
)
_TEMPORAL: Final = frozenset({"temporalQ", "aggrParams"})
_TEMPORAL_MEMBERS: Final = frozenset(
    "timerel timeAt endTimeAt timeproperty lastN aggrMethods aggrPeriodDuration".split()
)
_AGGREGATION_MEMBERS: Final = frozenset({"aggrMethods", "aggrPeriodDuration"})
_GEO: Final = ("georel", "geometry", "coordinates", "geoproperty")
_ORDERING: Final = {"geometry": "orderGeometry", "coordinates": "orderFrom"}


def read_body_query(call: Call, payload: Any, context: Context) -> tuple[Query, Look]:
    """The query of a request body, with how its entities are shown.

    Raises:
        BadRequest: the body breaks a rule of the data type.
    """
    _check(payload, _MEMBERS)
    given = _as_parameters(payload)
    local = flag(call.query, "local", default=True)
    selectors = tuple(
        selector
        for item in _list(payload, "entities")
        for selector in _selectors(item, context, local=local)
    )
    look = read_look(call, context, given)
    return read_query(call, context, look.join, given, selectors), look


def read_body_history_query(
    call: Call, payload: Any, context: Context, forms: frozenset[str]
) -> tuple[Query, Look, dict[str, str]]:
    """The query for history of a request body, how it is shown, and its temporal part as parameters.

    The temporal query (5.2.21) may carry the parameters of aggregation; the member ``aggrParams``
    (5.2.44) goes before it. `forms` are the representations of history.
    """
    _check(payload, _MEMBERS | _TEMPORAL)
    given = _as_parameters(payload)
    selectors = tuple(
        selector
        for item in _list(payload, "entities")
        for selector in _selectors(item, context, local=flag(call.query, "local", default=True))
    )
    look = read_look(call, context, given, more_options=forms)
    wanted = read_query(call, context, look.join, given, selectors)
    return wanted, look, _temporal(payload)


def _temporal(payload: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for member, known in (("temporalQ", _TEMPORAL_MEMBERS), ("aggrParams", _AGGREGATION_MEMBERS)):
        part = _object(payload, member)
        for name, value in part.items():
            if name not in known:
                raise BadRequest(
                    f"the member '{name[:60]}' of {member}",
                    "is not one of its data type",
                    f"use {', '.join(sorted(known))}",
                )
            found[name] = _as_text(name, value)
    return found


def _as_text(name: str, value: Any) -> str:
    """A member of a temporal query as the parameter of a URL that means the same."""
    if name == "aggrMethods" and isinstance(value, list):
        return ",".join(map(str, value))
    if name == "lastN":
        if type(value) is not int or value < 1:
            raise BadRequest("lastN", f"{value!r:.40} is not a positive whole number", "correct it")
        return str(value)
    if not isinstance(value, str):
        raise BadRequest(f"the member '{name}' of the query", "is not text", "give a string")
    return value


def _check(payload: Any, members: frozenset[str]) -> None:
    if not isinstance(payload, dict) or payload.get("type") != "Query":
        raise BadRequest("the request body", "is not a Query", 'send {"type": "Query", …}')
    for member in payload.keys() - members:
        raise _refusal(member)


def _refusal(member: str) -> BadRequest:
    subject = f"the member '{member[:60]}' of the query"
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
