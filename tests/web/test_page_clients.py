"""The page of programs and cities, for administrators."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from tests.trust.identity.machines import jwks

SECRET = "a long way to Visby"
HOME = "http://127.0.0.1:1356"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(tmp_path / "node", Settings(city="Visby", second_factor="nobody"))
    for name, role in (("ana", "administrator"), ("bo", "planner")):
        made.trust.desk.accounts.add(name, roles=[role])
        made.trust.desk.choose_password(name, SECRET)
    yield made
    made.close()


def browser(node: Node, name: str) -> TestClient:
    made = TestClient(node.app, base_url=HOME, follow_redirects=False, headers={"Origin": HOME})
    made.post("/login", data={"name": name, "password": SECRET})
    return made


def send(page: TestClient, **form: str | list[str]) -> str:
    found = re.search(r'name="form" value="(\w+)"', page.get("/admin/clients").text)
    assert found
    return page.post("/admin/clients", data={"form": found[1], **form}).text


def test_an_administrator_registers_shuts_and_removes(node: Node) -> None:
    page = browser(node, "ana")
    assert "None is registered yet." in page.get("/admin/clients").text
    keys = json.dumps(jwks("Ed25519", "RS256"))
    shown = send(page, do="add", id="Parking", jwks=keys, scope=["read", "write"], types="Stop")
    assert "Done." in shown
    made = node.trust.desk.clients.get("parking")
    assert made is not None
    assert made.scopes == ("read", "write")
    assert send(page, do="disable", id="parking").count("disabled") >= 1
    listed = page.get("/hansa/v1/clients").json()
    assert [(each["id"], each["disabled"]) for each in listed] == [("parking", True)]
    send(page, do="enable", id="parking")
    send(page, do="remove", id="parking")
    assert node.trust.desk.clients.all() == []
    node.trust.log.close()
    reasons = [each.entry.reason for each in node.trust.log.entries(0, 100)]
    assert [each for each in reasons if each.startswith("client.")] == [
        "client.added",
        "client.disabled",
        "client.enabled",
        "client.removed",
    ]


@pytest.mark.parametrize(
    ("form", "fact"),
    [
        ({"id": "parking", "jwks": "no JSON"}, "is no JSON"),
        ({"id": "parking", "jwks": "{}"}, "is no JWKS"),
        ({"id": "parking"}, "needs its public keys"),
        ({"id": "?", "jwks": "{}"}, "cannot have this name"),
        ({"id": "parking", "jwks_uri": "http://user:secret@"}, "is not a URL"),
        ({"id": "parking", "jwks_uri": "https://x.example", "days": "many"}, "cannot last"),
    ],
    ids="text empty none name address days".split(),
)
def test_what_is_wrong_is_said(node: Node, form: dict[str, str], fact: str) -> None:
    page = browser(node, "ana")
    assert fact in send(page, do="add", scope="read", **form)
    assert node.trust.desk.clients.all() == []


def test_nobody_else_sees_or_changes_them(node: Node) -> None:
    nobody = TestClient(node.app, base_url=HOME, follow_redirects=False)
    assert nobody.get("/admin/clients").headers["location"] == "/login?next=/admin/clients"
    assert nobody.get("/hansa/v1/clients").status_code == 403
    planner = browser(node, "bo")
    assert planner.get("/admin/clients").status_code == 403
    form = re.search(r'name="form" value="(\w+)"', planner.get("/account").text)
    assert form
    answer = planner.post("/admin/clients", data={"form": form[1], "do": "add", "id": "x"})
    assert answer.status_code == 403
