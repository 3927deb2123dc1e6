"""A client of a node's NGSI-LD API that runs the whole application in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node

__all__ = ["ApiClient", "problem_of", "served"]

BASE = "/ngsi-ld/v1"


class ApiClient:
    """Requests below ``/ngsi-ld/v1``; bodies are JSON unless said otherwise."""

    def __init__(self, node: Node, client: TestClient) -> None:
        self.node = node
        self._client = client

    def request(self, verb: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """One request; `type` sets the media type, `raw` sends bytes as they are."""
        headers = dict(more.pop("headers", {}))
        kind = more.pop("type", "application/json")
        if body is not None:
            headers.setdefault("content-type", kind)
            more["json"] = body
        elif "raw" in more:
            headers.setdefault("content-type", kind)
            more["content"] = more.pop("raw")
        return self._client.request(
            verb, path if path.startswith("/contexts") else BASE + path, headers=headers, **more
        )

    def get(self, path: str, **more: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, body, **more)

    def patch(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """PATCH."""
        return self.request("PATCH", path, body, **more)

    def put(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """PUT."""
        return self.request("PUT", path, body, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        """DELETE."""
        return self.request("DELETE", path, **more)

    def create(
        self, id: str = "urn:ngsi-ld:Car:1", type: str = "Car", **attributes: Any
    ) -> dict[str, Any]:
        """Create an entity and return it as sent."""
        entity = {"id": id, "type": type, **attributes}
        response = self.post("/entities", entity)
        assert response.status_code == 201, response.text
        return entity


def problem_of(response: httpx.Response) -> tuple[int, str]:
    """Status and short name of the error that a response reports."""
    body = response.json()
    assert body["status"] == response.status_code
    assert body["title"]
    return response.status_code, body["type"].removeprefix("https://uri.etsi.org/ngsi-ld/errors/")


@contextmanager
def served(folder: Path, settings: Settings) -> Iterator[ApiClient]:
    """A node in `folder`, whose background work runs, and a client of it."""
    node = Node.open(folder, settings)
    try:
        with TestClient(node.app, base_url="http://127.0.0.1:1356") as client:
            yield ApiClient(node, client)
    finally:
        node.close()
