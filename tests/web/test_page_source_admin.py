"""The register of sources in a browser: half filled in, what is missing beside its field, undo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import orjson
import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.principals import LOCAL
from hansa.trust.sources.record import REFUSED, elements
from hansa.web.pages.source_form import PARTS, rows_of
from tests.trust.sources.test_record import WHOLE

HOME = "http://127.0.0.1:1356"
SECRET = "a long enough sentence"
FORM = {
    "do": "declare",
    "id": "Buses",
    "adapter": "gtfs",
    "name": "Buses",
    "accountable": "City of Visby",
    "contact": "data@visby.example",
    "lawful_basis": "none_personal",
    "purpose": ["mobility"],
    "tech": ["dtpr_api"],
    "data": ["spatial"],
    "process": ["raw_data"],
    "access": ["available_to_download"],
    "storage": ["stored_locally"],
    "retention_period": "P1Y",
}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(tmp_path, Settings(city="Visby"))
    yield made
    made.close()


@pytest.fixture
def officer(node: Node) -> TestClient:
    node.trust.desk.accounts.add("dora", roles=("data_officer",))
    return logged_in(node, "dora")


def logged_in(node: Node, name: str) -> TestClient:
    secret = node.trust.desk.sessions.begin(name, "", "", "passkey")
    client = TestClient(node.app, base_url=HOME, follow_redirects=False)
    client.cookies.set("hansa_session", secret)
    return client


def send(client: TestClient, **fields: object) -> str:
    page = client.get("/admin/sources").text
    found = re.search(r'name="form" value="([^"]*)"', page)
    assert found
    answer = client.post("/admin/sources", data={"form": found[1], **fields})
    return unescape(answer.text)


def test_an_empty_register_says_what_to_do(officer: TestClient) -> None:
    page = officer.get("/admin/sources").text
    assert "No source is declared yet." in page
    assert "<details open>" in page


def test_the_form_is_half_filled_in_by_the_kind_of_source(officer: TestClient) -> None:
    page = officer.get("/admin/sources?spoke=gtfs&id=buses").text
    assert re.search(r'name="data" value="values_time" checked', page)
    assert re.search(r'name="storage" value="stored_locally" checked', page)
    assert not re.search(r'name="purpose" value="\w+" checked', page)
    assert 'name="id" value="buses"' in page


def test_what_is_missing_stands_beside_its_field_and_nothing_is_lost(
    node: Node, officer: TestClient
) -> None:
    page = send(officer, **{**FORM, "contact": "", "purpose": [], "public_space": "yes"})
    for name in ("contact", "purpose", "place"):
        assert f'id="fault-{name}"' in page
    assert 'id="fault-accountable"' not in page
    assert 'value="City of Visby"' in page
    assert node.trust.sources.find("buses") is None


def test_a_source_is_declared_withdrawn_and_each_is_taken_back(
    node: Node, officer: TestClient
) -> None:
    where = {"public_space": "yes", "longitude": "18.29", "latitude": "57.64"}
    page = send(officer, **FORM, **where)
    assert "Buses is declared." in page
    assert "Undo" in page
    found = node.trust.sources.get("buses")
    assert found["place"]["coordinates"] == [18.29, 57.64]
    assert "Buses is withdrawn" in send(officer, do="withdraw", id="buses")
    assert "Buses is declared." in send(officer, do="restore", id="buses", version="1")
    assert [v["status"] for v in node.trust.sources.versions("buses")] == [
        "declared", "withdrawn", "declared"
    ]  # fmt: skip
    said = [e.entry.reason for e in node.trust.log.entries(0, node.trust.log.size)]
    assert said.count("source.changed") == 1


def test_red_lines_and_odd_forms_are_refused_in_words(node: Node, officer: TestClient) -> None:
    page = send(officer, **{**FORM, "tech": ["biometrics"]})
    assert "Regulation (EU) 2024/1689" in page or "of 2024/1689" in page
    assert "is no JSON" in send(officer, **FORM, anonymise="{")
    assert "no version 0" in send(officer, do="restore", id="buses", version="x")
    assert node.trust.sources.all() == []


def test_a_source_from_before_the_register_is_offered(node: Node, officer: TestClient) -> None:
    node.trust.sources.declare(LOCAL, "old", WHOLE)
    node.trust.vault.drop("source", "old", "old@1")
    assert "/admin/sources?id=old" in officer.get("/admin/sources").text


def test_a_step_is_a_row_of_attributes_step_and_detail(node: Node, officer: TestClient) -> None:
    people = {"data": ["personal"], "lawful_basis": "public_task", "process": ["de_identified"]}
    rows = {
        "step_attributes": ["driver, owner", "observedAt", "", "location"],
        "step_word": ["drop", "time", "", "place"],
        "step_detail": ["", "PT1H", "", "8"],
        "anonymise": '[{"step": "drop", "types": ["Car"], "attributes": ["speed"]}]',
    }
    assert "Buses is declared." in send(officer, **{**FORM, **people, **rows})
    steps = node.trust.sources.get("buses")["anonymise"]
    assert steps == [
        {"step": "drop", "attributes": ["driver", "owner"]},
        {"step": "time", "attributes": ["observedAt"], "period": "PT1H"},
        {"step": "place", "attributes": ["location"], "resolution": 8},
        {"step": "drop", "types": ["Car"], "attributes": ["speed"]},
    ]
    page = unescape(officer.get("/admin/sources?id=buses").text)
    assert 'name="step_attributes" value="driver, owner"' in page
    assert page.count('name="step_word"') == 5
    assert '"Car"' in page.split('name="anonymise"')[1].split("</textarea>")[0]


def test_what_is_wrong_with_a_step_or_a_group_stands_below_its_name(
    node: Node, officer: TestClient
) -> None:
    rows = {"step_attributes": "location", "step_word": "place", "step_detail": "fine"}
    page = send(officer, **{**FORM, **rows, "purpose": [], "lawful_basis": ""})
    assert "Steps before data are stored: <span" in page
    assert "resolution is no whole number from 0 to 10" in page
    assert 'value="fine"' in page
    group = page.split("<legend>What it is for")[1].split("</fieldset>")[0]
    assert re.match(
        r'[^<]*<small>[^<]*</small></legend><p class="fault"[^>]*>What it is for: ', group
    )
    assert "<details open>" in group
    assert 'id="fault-retention"' not in page
    assert page.count("<details open>") == 2  # the record, and what it is for
    assert "Lawful basis: is missing" in page


@pytest.mark.parametrize("steps", [[], [{"step": "budget", "epsilon": 1}], [7], "odd", None])
def test_steps_that_no_row_can_say_stand_as_they_are(steps: object) -> None:
    rows, rest = rows_of(steps)
    assert rows == [("", "", "")] * 2
    assert (orjson.loads(rest) if rest else []) == (steps or [])


def test_red_lines_are_not_offered(officer: TestClient) -> None:
    page = officer.get("/admin/sources?spoke=gtfs").text
    for element in REFUSED["tech"]:
        assert f'value="{element}"' not in page


def test_only_officers_keep_it(node: Node) -> None:
    anyone = TestClient(node.app, base_url=HOME, follow_redirects=False)
    assert anyone.get("/admin/sources").headers["location"] == "/login?next=/admin/sources"
    node.trust.desk.accounts.add("pia", roles=("planner",))
    assert logged_in(node, "pia").get("/admin/sources").status_code == 403


@pytest.mark.parametrize("language", ["en", "es", "fr", "ko"])
def test_every_element_is_explained_in_every_language(officer: TestClient, language: str) -> None:
    page = officer.get(f"/admin/sources?lang={language}&spoke=osm").text
    assert page.count("<small>") >= sum(len(elements()[p] - REFUSED.get(p, set())) for p in PARTS)
    assert f'<html lang="{language}"' in page
