"""The OpenAPI 3.1 document of the API, made from the table of operations."""

from __future__ import annotations

import re
from typing import Any

from hansa import __version__
from hansa.web.api.params import DESCRIPTIONS
from hansa.web.api.routes import OPERATIONS, Operation

__all__ = ["openapi"]

_BODY_VERBS = frozenset({"POST", "PUT", "PATCH"})
_INTEGERS = frozenset({"limit", "offset", "lastN", "joinLevel"})
_BOOLEANS = frozenset({"count", "local", "sysAttrs", "details", "deleteAll"})


def openapi() -> dict[str, Any]:
    """The document, for ``/openapi.json``."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.verb.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hansa, NGSI-LD API",
            "version": __version__,
            "summary": "The entities of a city, as ETSI GS CIM 009 V1.9.1 describes.",
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": "/ngsi-ld/v1"}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, "Entity": _ENTITY},
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
        + _HEADERS,
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
    one = {"type": "object"}
    if operation.path.endswith("/delete"):
        one = {"type": "string", "format": "uri"}
    batch = operation.path.startswith("/entityOperations/") and not operation.path.endswith(
        "/query"
    )
    schema = {"type": "array", "items": one, "minItems": 1} if batch else one
    kinds = ["application/json", "application/ld+json"]
    if operation.verb == "PATCH":
        kinds.append("application/merge-patch+json")
    return {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}


def _responses(operation: Operation) -> dict[str, Any]:
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    good = {"GET": "200", "POST": "201"}.get(operation.verb, "204")
    if operation.path.endswith("/query"):
        good = "200"
    elif operation.path.endswith(("/attrs", "/update", "/merge", "/delete")):
        good = "204"
    found: dict[str, Any] = {good: {"description": "Done."}}
    if operation.path.startswith("/entityOperations/") and good != "200":
        found["204"] = {"description": "Done; nothing was created."}
        found["207"] = {"description": "Some entities failed; the body says which and why."}
    for status, words in _PROBLEMS.items():
        found[status] = {"description": words, "content": problem}
    return found


_PROBLEMS = {
    "400": "The request or its content is wrong.",
    "401": "The operator's token is missing or wrong.",
    "404": "There is no such thing here.",
    "406": "No media type that is accepted can be produced.",
    "409": "It exists already.",
    "413": "The body is too large or too deep.",
    "415": "The body's media type cannot be read.",
    "422": "This part of the specification is not offered.",
    "503": "The node cannot do this now; nothing was half written.",
    "504": "The @context could not be had.",
}

_HEADERS = [
    {"name": "NGSILD-Tenant", "in": "header", "schema": {"type": "string"}},
    {"name": "Link", "in": "header", "description": "The @context.", "schema": {"type": "string"}},
]

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "status": {"type": "integer"},
    },
}

_ENTITY = {
    "type": "object",
    "required": ["id", "type"],
    "properties": {
        "id": {"type": "string", "format": "uri"},
        "type": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    },
}
