"""What the gate refuses is logged; what it only considers is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hansa.kernel.errors import Unauthorized
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.identity.passkeys import Place


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(tmp_path, Settings(city="Visby"))
    yield made
    made.close()


def logged(node: Node) -> list[tuple[str, str]]:
    node.trust.log.close()
    return [(each.entry.kind, each.entry.reason) for each in node.trust.log.entries(0, 100)]


def test_a_refused_write_and_read_are_logged(node: Node) -> None:
    pages = TestClient(node.app, base_url="http://127.0.0.1:1356")
    body = {"id": "urn:x:1", "type": "T"}
    assert pages.post("/ngsi-ld/v1/entities", json=body).status_code == 401
    other = {"NGSILD-Tenant": "harbour"}
    assert pages.get("/ngsi-ld/v1/entities?type=T", headers=other).status_code == 401
    assert logged(node) == [("refusal", "bring.refused"), ("refusal", "read.refused")]
    assert [o.value for _, o in node.trust.log.about("what", "tenant:harbour")] == [
        "tenant:harbour"
    ]


def test_logins_that_name_nobody_are_logged_too(node: Node) -> None:
    desk, here = node.trust.desk, ("192.0.2.7", "a browser")
    desk.accounts.add("anna")
    desk.accounts.change("anna", lambda old: replace(old, locked_until="9999-12-31T00:00:00Z"))
    for name in ("nobody", "anna"):
        with pytest.raises(Unauthorized):
            desk.log_in(name, "a long way to Visby", "", *here)
    place = Place("localhost", "http://localhost:1356")
    with pytest.raises(Unauthorized):
        desk.log_in_by_passkey(place, desk.passkeys.to_enter(place)["sealed"], "{}", *here)
    assert [each for each in logged(node) if each[0] == "refusal"] == [
        ("refusal", "login.refused")
    ] * 3


def test_logins_and_changes_of_accounts_are_logged(node: Node) -> None:
    desk = node.trust.desk
    secret, here = "a long way to Visby", ("192.0.2.7", "a browser")
    desk.open_link(desk.first_link(), "anna", secret, *here)
    desk.log_in("anna", secret, "", *here)
    with pytest.raises(Unauthorized):
        desk.log_in("anna", "a wrong one", "", *here)
    desk.reset("anna")
    assert logged(node) == [
        ("account", "link.made"),
        ("account", "account.made-by-link"),
        ("account", "password.chosen"),
        ("login", "login.by-link"),
        ("login", "login.by-password"),
        ("login", "login.failed"),
        ("account", "account.reset"),
        ("account", "link.made"),
    ]
    assert len(node.trust.log.about("who", "anna")) == 5
    assert len(node.trust.log.about("who", "local")) == 3


def test_what_is_public_and_looking_at_pages_is_not(node: Node) -> None:
    pages = TestClient(node.app, base_url="http://127.0.0.1:1356")
    for address in ("/", "/live", "/data", "/ngsi-ld/v1/types", "/open-book/log"):
        assert pages.get(address).status_code == 200
    assert logged(node) == []
