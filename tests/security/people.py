"""A town in which several people have things of their own, each with a client of HTTP that sends who they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from httpx import Response
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.identity.sessions import form_secret
from hansa.trust.principals import LOCAL, SCOPES, new_token, token_hash
from hansa.trust.sources.register import OPERATOR_SOURCE
from tests.trust.sources.test_record import WHOLE

__all__ = ["API", "CAR", "HARBOUR", "HOME", "People", "Person", "opened", "prop"]

API = "/ngsi-ld/v1"
HOME = "http://127.0.0.1:1356"
CAR = "urn:ngsi-ld:Car:1"
HARBOUR = {"NGSILD-Tenant": "harbour"}
"""A tenant that nobody published."""


def prop(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


class Person:
    """Somebody who asks the served node."""

    def __init__(self, client: TestClient, headers: dict[str, str]) -> None:
        self._client, self._headers = client, headers

    def request(self, verb: str, path: str, **more: Any) -> Response:
        """One request, with who they are."""
        headers = {**self._headers, **(more.pop("headers", None) or {})}
        return self._client.request(verb, path, headers=headers, **more)

    def get(self, path: str, **more: Any) -> Response:
        """Read."""
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> Response:
        """Create, or ask by a body."""
        return self.request("POST", path, **more)

    def put(self, path: str, **more: Any) -> Response:
        """Replace."""
        return self.request("PUT", path, **more)

    def patch(self, path: str, **more: Any) -> Response:
        """Change."""
        return self.request("PATCH", path, **more)

    def delete(self, path: str, **more: Any) -> Response:
        """Remove."""
        return self.request("DELETE", path, **more)


class People:
    """A node, served, and who may ask it for something."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        operator = new_token()
        self.node = Node.open(
            folder, Settings(city="Town", operator_token_hash=token_hash(operator), **settings)
        )
        self.served = TestClient(self.node.app, base_url=HOME, follow_redirects=False)
        self.served.__enter__()
        desk = self.node.trust.desk
        self.node.trust.sources.operators()
        for name in ("rosa", "nils"):
            desk.accounts.add(name, kind="resident")
        desk.accounts.add("paul", roles=["planner"])
        desk.accounts.add("dora", roles=["data_officer"])
        for name in ("anna", "vera"):
            desk.accounts.add(name, roles=["administrator"])
        self.by_name = {"public": self.client(), "operator": self.client(operator)}
        for name in ("rosa", "nils", "paul", "dora"):
            self.by_name[name] = self.client(self.token(name))
        for name in ("anna", "vera"):
            self.by_name[name] = self.client(self.token(name, source=OPERATOR_SOURCE))
        for source in ("meters", "ferries"):
            self.node.trust.sources.declare(LOCAL, source, {**WHOLE, "name": source})
            brings = {"scopes": ("read", "write"), "source": source}
            self.by_name[f"brings {source}"] = self.client(self.token("dora", **brings))
        cars = [self.iri("Car")]
        self.by_name["of cars"] = self.client(
            self.token("anna", types=cars, source=OPERATOR_SOURCE)
        )
        self.by_name["of here"] = self.client(self.token("anna", tenant="", source=OPERATOR_SOURCE))
        self.by_name["reads"] = self.client(self.token("anna", scopes=("read",)))

    def __getitem__(self, name: str) -> Person:
        return self.by_name[name]

    def iri(self, term: str) -> str:
        """A type or attribute of the city's vocabulary."""
        return self.node.context.expand(term)

    def token(self, account: str, **more: Any) -> str:
        """A token that reaches as far as the account, or less."""
        given = {"scopes": SCOPES, **more}
        return self.node.trust.desk.tokens.add(account, "walk", **given)[1]

    def client(self, token: str | None = None) -> Person:
        """Somebody with that token, or anybody."""
        return Person(self.served, {"Authorization": f"Bearer {token}"} if token else {})

    def session(self, account: str) -> tuple[TestClient, dict[str, str]]:
        """A browser of somebody who is logged in, and what the forms of their pages carry."""
        secret = self.node.trust.desk.sessions.begin(account, "192.0.2.7", "browser", "passkey")
        browser = TestClient(
            self.node.app,
            base_url=HOME,
            follow_redirects=False,
            headers={"Origin": HOME, "Sec-Fetch-Site": "same-origin"},
            cookies={"hansa_session": secret},
        )
        return browser, {"form": form_secret(secret)}

    def link(self, account: str, entity: str) -> None:
        """Let an entity be a resident's."""
        self.node.trust.residents.link(LOCAL, account, entity, "seen")


@contextmanager
def opened(folder: Path, **settings: Any) -> Iterator[People]:
    """The town, while the block runs."""
    people = People(folder, **settings)
    try:
        yield people
    finally:
        people.served.__exit__(None, None, None)
        people.node.close()
