"""My data, as a resident finds it in a browser, and the page of those who answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.principals import LOCAL, token_hash
from tests.trust.sources.test_record import WHOLE
from tests.web.test_page_account import HOME, SECRET, form_of, log_in

METER = "urn:ngsi-ld:SmartMeter:rosa"
OPERATOR = "the operator's own token"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(
        tmp_path / "node",
        Settings(city="Visby", operator_token_hash=token_hash(OPERATOR), second_factor="nobody"),
    )
    desk, trust = made.trust.desk, made.trust
    desk.accounts.add("rosa", kind="resident")
    desk.accounts.add("dora", roles=["data_officer"])
    for name in ("rosa", "dora"):
        desk.choose_password(name, SECRET)
    trust.sources.declare(LOCAL, "meters", {**WHOLE, "name": "Smart meters of Visby"})
    _, token = desk.tokens.add("dora", "t", scopes=["write"], source="meters")
    meter = {"id": METER, "type": "SmartMeter", "used": {"value": 7, "unitCode": "KWH"}}
    answer = TestClient(made.app, base_url=HOME).post(
        "/ngsi-ld/v1/entities", json=meter, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 201, answer.text
    trust.residents.link(LOCAL, "rosa", METER, "contract 4711 seen")
    yield made
    made.close()


def browser(node: Node, name: str) -> TestClient:
    made = TestClient(node.app, base_url=HOME, follow_redirects=False, headers={"Origin": HOME})
    log_in(made, name)
    return made


def test_it_is_told_in_words_with_its_source_and_whom_to_ask(node: Node) -> None:
    page = browser(node, "rosa").get("/my-data").text
    assert re.search(r"<h3>[^<]*rosa</h3>", page)
    assert "<dt" in page and "kWh" in page
    assert '<a href="/open-book/sources/meters">Smart meters of Visby</a>' in page
    assert WHOLE["contact"] in page
    assert "contract 4711 seen" in page


def test_what_is_asked_for_is_answered_by_staff_who_see_it(node: Node) -> None:
    rosa, dora = browser(node, "rosa"), browser(node, "dora")
    form = form_of(rosa, "/my-data")
    wanted = {"form": form, "do": "erase", "entity": METER}
    assert "a month to answer" in rosa.post("/my-data", data=wanted).text
    page = dora.get("/admin/residents").text
    assert "kWh" in page, "they see what they decide about"
    reads = node.trust.residents.reads(node.trust.desk.accounts.named("rosa").principal())
    assert {(each["who"], each["reason"]) for each in reads} == {("dora", "resident-asks")}
    (wish,) = node.trust.residents.wishes.all()
    grant = {"form": form_of(dora, "/admin/residents"), "do": "grant", "id": wish.id}
    assert dora.post("/admin/residents", data=grant).status_code == 400
    assert node.public_store().get(METER) is not None, "it has to be confirmed"
    assert dora.post("/admin/residents", data={**grant, "sure": "yes"}).status_code == 200
    assert node.public_store().get(METER) is None
    assert "can no longer be told" in rosa.get("/my-data").text


def test_purposes_of_the_city_are_proposed(node: Node) -> None:
    node.trust.desk.clients.add(
        "energy", jwks_uri="https://x.example/jwks.json", purposes=["energy-advice"]
    )
    page = browser(node, "rosa").get("/my-data").text
    assert '<option value="energy-advice">' in page


@pytest.mark.parametrize("language", ["en", "es", "fr", "ko"])
def test_it_is_whole_in_every_language(node: Node, language: str) -> None:
    page = browser(node, "rosa").get(f"/my-data?lang={language}")
    assert page.status_code == 200
    assert page.text.count("<h1") == 1


def test_a_consent_with_a_member_that_is_unknown_is_none(node: Node) -> None:
    """Who writes `until` would else be taken at another word: for a year."""
    _, token = node.trust.desk.tokens.add("rosa", "t", scopes=["write"])
    api = TestClient(node.app, base_url=HOME, headers={"Authorization": f"Bearer {token}"})
    for wrong in ({"until": "0001-01-01T00:00:00+23:00"}, {"days": 5, "Days": 3}):
        answer = api.put("/hansa/v1/me/consents/abc", json=wrong)
        assert answer.status_code == 400
        assert "days" in answer.json()["detail"]
    assert not node.trust.residents.consents.of("rosa")
    assert api.put("/hansa/v1/me/consents/abc", json={"days": 5}).status_code == 200
