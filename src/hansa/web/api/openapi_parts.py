"""What the operations of the API share in the OpenAPI document: statuses, headers, data types."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["BODIES", "HEADERS", "PROBLEMS", "SCHEMAS", "SUCCESSES"]

SUCCESSES: Final = {
    "200": "What was asked for.",
    "201": "Created; Location says where.",
    "203": "What was asked for, changed to conform to the version in Prefer.",
    "204": "Done; there is nothing to say.",
    "206": "A part of the history; Content-Range says which.",
    "207": "Some of it failed; the body says what and why.",
    "304": "The client has it already (If-None-Match).",
}

PROBLEMS: Final = {
    "400": "The request or its content is wrong.",
    "401": "The operator's token is missing or wrong.",
    "403": "The gate, or a limit of this node, does not allow it.",
    "404": "There is no such thing here.",
    "405": "The resource does not offer this verb.",
    "406": "No media type that is accepted can be produced.",
    "409": "It exists already, or its state forbids it.",
    "411": "The length of the body is not declared.",
    "412": "It has changed since it was read (If-Match).",
    "413": "The body is too large or too deep.",
    "415": "The body's media type cannot be read.",
    "422": "This part of the specification is not offered.",
    "501": "An optional part of this node is not installed.",
    "503": "The node cannot do this now; nothing was half written.",
    "504": "The @context, or a source, could not be had.",
}

HEADERS: Final[list[dict[str, Any]]] = [
    {
        "name": "NGSILD-Tenant",
        "in": "header",
        "description": "The tenant that is meant; the city's own if left out.",
        "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"},
    },
    {
        "name": "Link",
        "in": "header",
        "description": "The @context, with rel=http://www.w3.org/ns/json-ld#context.",
        "schema": {"type": "string", "pattern": "^[ -~]*$"},
    },
]

_URI: Final = {"type": "string", "format": "uri"}
_NAMES: Final = {"type": "array", "items": {"type": "string"}}
_TYPE: Final = {"anyOf": [{"type": "string"}, _NAMES]}
_SELECTORS: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["type"],
        "properties": {"id": {}, "idPattern": {"type": "string"}, "type": {"type": "string"}},
    },
}
_QUERIES: Final = {"type": "array", "items": {"$ref": "#/components/schemas/Query"}, "minItems": 1}


def _object(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    return {**found, "required": list(required)} if required else found


SCHEMAS: Final[dict[str, Any]] = {
    "Problem": _object(
        ("type", "title", "status"),
        type=_URI,
        title={"type": "string"},
        detail={"type": "string"},
        status={"type": "integer"},
    ),
    "Entity": _object(("id", "type"), id=_URI, type=_TYPE, scope=_TYPE),
    "Query": _object(
        ("type",),
        type={"const": "Query"},
        entities=_SELECTORS,
        attrs=_NAMES,
        q={"type": "string"},
        geoQ={"type": "object"},
        scopeQ={"type": "string"},
        temporalQ={"type": "object"},
    ),
    "Subscription": _object(
        ("type", "notification"),
        id=_URI,
        type={"const": "Subscription"},
        entities=_SELECTORS,
        watchedAttributes=_NAMES,
        q={"type": "string"},
        notification=_object(("endpoint",), endpoint=_object(("uri",), uri=_URI)),
    ),
    "ContextSourceRegistration": _object(
        ("type", "information", "endpoint"),
        id=_URI,
        type={"const": "ContextSourceRegistration"},
        information={"type": "array", "items": {"type": "object"}, "minItems": 1},
        endpoint=_URI,
    ),
    "Snapshot": _object(
        ("type",),
        id=_URI,
        type={"const": "Snapshot"},
        snapshotQueries=_QUERIES,
        snapshotTemporalQueries={"type": "array", "items": {"type": "object"}, "minItems": 1},
        snapshotPriority={"type": "integer", "minimum": 1, "maximum": 10},
        snapshotLifetime={"type": "string"},
    ),
    "Context": {"type": "object", "required": ["@context"], "properties": {"@context": {}}},
}

BODIES: Final = {
    "entities": "Entity",
    "temporal": "Entity",
    "subscriptions": "Subscription",
    "csourceSubscriptions": "Subscription",
    "csourceRegistrations": "ContextSourceRegistration",
    "snapshots": "Snapshot",
    "jsonldContexts": "Context",
}
"""The data type that a POST to a resource reads."""
