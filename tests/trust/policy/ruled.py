"""A node with real rules and real tokens, for tests of what the gate makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.log.commitments import Entry
from hansa.trust.principals import LOCAL, new_token, token_hash
from tests.trust.policy.documents import document

API = "/ngsi-ld/v1"
HOME = "http://127.0.0.1:1356"


class Ruled:
    """A served node; the first policy says that everybody may read what is no Person."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.secret = new_token()
        kept = Settings(city="Visby", operator_token_hash=token_hash(self.secret), **settings)
        self.node = Node.open(folder, kept)
        self.node.trust.begin()
        self.web = TestClient(self.node.app, base_url=HOME)
        self.tokens: dict[str, str] = {"operator": self.secret}

    def person(
        self, name: str, *roles: str, scopes: tuple[str, ...] = ("read",), **more: Any
    ) -> str:
        """An account with a token; its name."""
        desk = self.node.trust.desk
        desk.accounts.add(name, roles=list(roles) or ["planner"])
        self.tokens[name] = desk.tokens.add(name, "test", scopes=scopes, **more)[1]
        return name

    def declare(self, name: str, **rules: Any) -> None:
        """Put a policy in force."""
        self.node.trust.policies.declare(LOCAL, name, document(**rules))

    def ask(self, who: str, verb: str, url: str, **more: Any) -> Any:
        """A request of somebody to the API."""
        headers = dict(more.pop("headers", {}))
        if who != "public":
            headers["authorization"] = f"Bearer {self.tokens[who]}"
        return self.web.request(verb, API + url, headers=headers, **more)

    def put(self, entity: dict[str, Any]) -> None:
        """Store an entity."""
        done = self.ask("operator", "POST", "/entities", json=entity)
        assert done.status_code == 201, done.text

    def entries(self, kind: str) -> list[Entry]:
        """What the log has of a kind, readings that wait included."""
        log = self.node.trust.log
        log.readings.settle()
        return [each.entry for each in log.entries(0, log.size) if each.entry.kind == kind]


@contextmanager
def ruled(folder: Path, **settings: Any) -> Iterator[Ruled]:
    """Such a node, for a while; it may speak to this machine, and tells whoever subscribed."""
    made = Ruled(folder, egress_allow=("127.0.0.1",), **settings)
    try:
        with made.web:
            yield made
    finally:
        made.node.close()


def prop(value: Any, at: str = "") -> dict[str, Any]:
    """A property."""
    return {"type": "Property", "value": value} | ({"observedAt": at} if at else {})
