"""Every address of a node, and single requests straight into its application."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from hansa.node import Node
from hansa.web.api.routes import OPERATIONS

VALUES = {
    "id": "urn:ngsi-ld:TransportZone:town:1",
    "entityId": "urn:ngsi-ld:TransportZone:town:1",
    "type": "TransportZone",
    "name": "city.jsonld",
    "snapshotId": "urn:x:1",
    "registrationId": "urn:x:1",
    "entityMapId": "urn:x:1",
    "digest": "x",
    "path": "css/base.css",
    "z": "12",
    "x": "1",
    "y": "1",
}


@dataclass(frozen=True)
class Address:
    """A route of a node with something plausible in its variable parts."""

    pattern: str
    path: str
    verbs: frozenset[str]


@dataclass(frozen=True)
class Reply:
    """Status, header fields and the first piece of the body."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def every(self, name: str) -> list[str]:
        """All values of a header field."""
        return [value for key, value in self.fields if key == name]

    def one(self, name: str) -> str:
        """The only value of a header field."""
        (value,) = self.every(name)
        return value


def addresses(node: Node) -> Iterator[Address]:
    """Every address of the node: pages, files, tiles, streams, the log, the API."""
    (pages,) = (part for part in closed_over(node.app) if isinstance(part, Starlette))
    for route in pages.routes:
        assert isinstance(route, Route), "a mounted application would not be walked"
        yield Address(route.path, filled(route.path), frozenset(route.methods or {"GET"}))
    for operation in OPERATIONS:
        pattern = "/ngsi-ld/v1" + operation.path
        yield Address(pattern, filled(pattern), frozenset({operation.verb}))


def closed_over(app: Any) -> Iterator[Any]:
    """What a function, and the functions that it wraps, hold on to."""
    for cell in getattr(app, "__closure__", None) or ():
        yield cell.cell_contents
        yield from closed_over(cell.cell_contents)


QUERIES = {
    "/ngsi-ld/v1/entities": "type=T",
    "/ngsi-ld/v1/entityMaps": "type=T",
    "/ngsi-ld/v1/csourceRegistrations": "type=T",
    "/ngsi-ld/v1/temporal/entities": "type=T&timerel=after&timeAt=2020-01-01T00:00:00Z",
    "/ngsi-ld/v1/temporal/entityMaps": "type=T&timerel=after&timeAt=2020-01-01T00:00:00Z",
}
"""What makes a ``GET`` of these a question that can be answered."""

BODIES = {
    "/ngsi-ld/v1/entityOperations/query": b'{"type": "Query", "entities": [{"type": "T"}]}',
    "/ngsi-ld/v1/entityMaps": b'{"type": "Query", "entities": [{"type": "T"}]}',
    "/ngsi-ld/v1/temporal/entityOperations/query": b'{"type": "Query", "entities": [{"type": "T"}], '
    b'"temporalQ": {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}}',
}
"""What makes a ``POST`` to these a question that can be answered."""


def filled(pattern: str) -> str:
    """The pattern of a route with values for its variables."""
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: VALUES.get(found[1], "x"), pattern)


async def _ask(node: Node, verb: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
    sent: list[dict[str, Any]] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]
    plain, _, query = path.partition("?")

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message.get("body"):
            raise OSError("the client hung up")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": verb,
        "scheme": "http",
        "path": plain,
        "raw_path": plain.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (key.lower().encode(), value.encode())
            for key, value in {"host": "127.0.0.1:1356", **headers}.items()
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1356),
    }
    try:
        await asyncio.wait_for(node.app(scope, receive, send), 20)
    except Exception:
        if not sent:
            raise
    start = sent[0]
    fields = [(key.decode().lower(), value.decode("latin-1")) for key, value in start["headers"]]
    return Reply(start["status"], fields, b"".join(m.get("body", b"") for m in sent[1:]))


def ask(
    node: Node, verb: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> Reply:
    """One request; of a stream only the first piece is read."""
    return asyncio.run(_ask(node, verb, path, headers or {}, body))
