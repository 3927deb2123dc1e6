"""The OpenAPI 3.1 document of the API, made from the table of operations and from the routes beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from starlette.routing import BaseRoute

from hansa import __version__
from hansa.web.api.openapi_own import own_paths
from hansa.web.api.openapi_parts import BODIES, HEADERS, PROBLEMS, SCHEMAS, SUCCESSES
from hansa.web.api.params import DESCRIPTIONS
from hansa.web.api.routes import OPERATIONS, Operation

__all__ = ["openapi"]

_BODY_VERBS = frozenset({"POST", "PUT", "PATCH"})
_INTEGERS = frozenset({"limit", "offset", "lastN", "joinLevel"})
_BOOLEANS = frozenset({"count", "local", "sysAttrs", "details", "deleteAll"})


def openapi(routes: Iterable[BaseRoute] = ()) -> dict[str, Any]:
    """The document, for ``/openapi.json``.

    Args:
        routes: the addresses of the node beside the NGSI-LD API, of which those for programs are described too.
    """
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.verb.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hansa, NGSI-LD API and the registers of the gate",
            "version": __version__,
            "summary": "The entities of a city, as ETSI GS CIM 009 V1.9.1 describes.",
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": "/ngsi-ld/v1"}],
        "paths": paths | own_paths(routes),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"operator": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    described: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "", operation.title),
        "summary": operation.title,
        "description": f"Clause {operation.clause} of ETSI GS CIM 009 V1.9.1.",
        "tags": [operation.path.split("/")[1]],
        "parameters": in_path
        + [_parameter(name) for name in sorted(operation.parameters)]
        + HEADERS,
        "responses": _responses(operation),
    }
    if operation.verb in _BODY_VERBS:
        described["requestBody"] = _body(operation)
    if operation.verb != "GET" and not operation.path.endswith("/query"):
        described["security"] = [{"operator": []}]
    return described


def _parameter(name: str) -> dict[str, Any]:
    kind = "integer" if name in _INTEGERS else "boolean" if name in _BOOLEANS else "string"
    schema: dict[str, Any] = {"type": kind}
    if kind == "integer":
        schema["minimum"] = 0
    return {"name": name, "in": "query", "description": DESCRIPTIONS[name], "schema": schema}


def _body(operation: Operation) -> dict[str, Any]:
    schema = _schema_of(operation)
    kinds = ["application/json", "application/ld+json"]
    if operation.verb == "PATCH":
        kinds.append("application/merge-patch+json")
    return {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}


def _schema_of(operation: Operation) -> dict[str, Any]:
    """What an operation reads."""
    place, *rest = operation.path.strip("/").split("/")
    if rest and rest[-1] == "query":
        return _ref("Query")
    if place == "entityOperations":
        uri = {"type": "string", "format": "uri"}
        return {
            "type": "array",
            "items": uri if rest == ["delete"] else _ref("Entity"),
            "minItems": 1,
        }
    if operation.verb == "POST" and not (rest and rest[-1] in ("attrs", "clone")):
        return _ref(BODIES[place]) if place in BODIES else {"type": "object"}
    return {"type": "object"}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _responses(operation: Operation) -> dict[str, Any]:
    problem = {
        kind: {"schema": _ref("Problem")}
        for kind in ("application/json", "application/problem+json")
    }
    found: dict[str, Any] = {}
    for status in _successes(operation):
        found[status] = {"description": SUCCESSES[status]}
        if status in _WITH_BODY or (status == "201" and _is_batch(operation)):
            schema = {"type": ["object", "array"]}
            found[status]["content"] = {kind: {"schema": schema} for kind in _KINDS}
    for status, words in PROBLEMS.items():
        found[status] = {"description": words}
        if status not in _BARE:
            found[status]["content"] = problem
    return found


def _is_batch(operation: Operation) -> bool:
    return operation.path.startswith("/entityOperations/")


def _successes(operation: Operation) -> tuple[str, ...]:
    """The statuses of an operation that did what it was asked for."""
    if operation.path.endswith("/query"):
        return ("200", "203", "206")
    if _is_batch(operation):
        made = operation.path.endswith(("/create", "/upsert"))
        return ("201", "204", "207") if made else ("204", "207")
    return {
        "GET": ("200", "203", "206", "304"),
        "POST": ("200", "201", "204", "207"),
        "PATCH": ("200", "204", "207"),
    }.get(operation.verb, ("204", "207"))


_KINDS = ("application/json", "application/ld+json", "application/geo+json")
_WITH_BODY = frozenset({"200", "203", "206", "207"})
_BARE = frozenset({"411", "415"})
