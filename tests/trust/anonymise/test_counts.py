"""Questions about numbers: who may ask, what is told, what it costs, and where anyone sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from hansa.cli.app import app
from hansa.cli.init import create
from hansa.kernel.errors import BadRequest, Forbidden, HansaError, NotFound, Unauthorized
from hansa.kernel.settings import Settings
from hansa.ngsild import merge
from hansa.node import Node
from hansa.store.port import Edited, Write
from hansa.trust.principals import LOCAL, OPERATOR, PUBLIC, Principal, new_token, token_hash

from .samples import entity, point

TOKEN = new_token()
PLANNER = Principal("ana", "staff", frozenset({"planner"}))
RECORD: dict[str, Any] = {
    "name": "Bicycle trips",
    "accountable": "City of Visby",
    "contact": "data@visby.example",
    "lawful_basis": "public_task",
    "purpose": ["mobility"],
    "tech": ["dtpr_api"],
    "data": ["personal", "spatial"],
    "process": ["de_identified"],
    "access": ["available_to_download"],
    "storage": ["stored_locally"],
    "retention": ["data_retained"],
    "retention_period": "P30D",
    "public_space": False,
    "anonymise": [
        {"step": "pseudonymise", "attributes": ["id"], "rotate": "P1D"},
        {"step": "measure", "quasi": ["age"], "sensitive": ["speed"]},
        {"step": "budget", "epsilon": 2.0, "delta": 1e-3},
    ],
}
ASKED = {"source": "trips", "type": "Trip", "epsilon": 0.5}


def open_node(folder: Path) -> Node:
    settings = Settings(city="Visby", operator_token_hash=token_hash(TOKEN))
    return Node.open(folder, settings)


def fill(node: Node) -> None:
    """300 trips by people of 30, 200 by people of 40, one by somebody of 90."""
    node.trust.sources.declare(LOCAL, "trips", RECORD)
    mark = {"type": "Relationship", "object": "urn:ngsi-ld:DataSource:trips"}
    writes = []
    for n in range(501):
        age = 30 if n < 300 else 40 if n < 500 else 90
        place = point(8.6 + n / 1e6, 53.1)
        made = entity(f"t{n}", "Trip", age=age, speed=n % 7, location=place, importedFrom=mark)
        stored = merge.create(made, "2026-01-01T00:00:00.000000Z")
        writes.append(Write(made["id"], lambda _, stored=stored: Edited(stored)))
    for outcome in node.local_store().write(writes).result():
        assert not isinstance(outcome, HansaError)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    made = open_node(tmp_path_factory.mktemp("node"))
    fill(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(node: Node) -> Iterator[TestClient]:
    with TestClient(node.app, base_url="http://127.0.0.1") as made:
        yield made


def test_a_number_by_value(node: Node) -> None:
    answer = node.trust.counts.ask(PLANNER, {**ASKED, "by": "age", "among": [30, 40, 50]})
    told = {each["value"]: each["count"] for each in answer["counts"]}
    assert set(told) == {30, 40, 50}
    assert abs(told[30] - 300) < 80
    assert abs(told[50]) < 80
    assert (answer["noise"], answer["epsilon"], answer["delta"]) == ("laplace", 0.5, 0.0)
    assert 5 < answer["within95"] < 10


def test_groups_of_one_are_not_told(node: Node) -> None:
    answer = node.trust.counts.ask(OPERATOR, {**ASKED, "by": "age"})
    assert {each["value"] for each in answer["counts"]} == {30, 40}
    assert answer["delta"] == pytest.approx(1e-5)
    assert answer["leastTold"] > 10


def test_a_number_by_cell_and_of_all(node: Node) -> None:
    (whole,) = node.trust.counts.ask(OPERATOR, {**ASKED, "epsilon": 0.2})["counts"]
    assert whole["value"] is None
    assert abs(whole["count"] - 501) < 150
    cells = node.trust.counts.ask(OPERATOR, {**ASKED, "epsilon": 0.3, "by": "cell:7"})["counts"]
    assert 1 <= len(cells) <= 3
    assert all(each["value"].startswith("87") for each in cells)


@pytest.mark.parametrize("who", [PUBLIC, Principal("ria", "resident")])
def test_only_those_the_node_knows_may_spend(node: Node, who: Principal) -> None:
    with pytest.raises((Unauthorized, Forbidden), match="spends a budget"):
        node.trust.counts.ask(who, ASKED)


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"epsilon": 0}, "no 'epsilon' from"),
        ({"epsilon": True}, "no 'epsilon' from"),
        ({"epsilon": float("nan")}, "no 'epsilon' from"),
        ({"type": 5}, "no 'type'"),
        ({"by": "id"}, "no attribute and no cell"),
        ({"by": "cell:12"}, "finer than 10"),
        ({"among": [1]}, "is no list of up to"),
        ({"why": "so"}, "not what it should be"),
    ],
)
def test_odd_questions_are_refused(node: Node, change: dict[str, Any], fact: str) -> None:
    with pytest.raises(BadRequest, match=fact):
        node.trust.counts.ask(OPERATOR, {**ASKED, **change})


def test_a_source_without_a_budget_is_not_counted(node: Node) -> None:
    with pytest.raises(NotFound, match="declares no privacy budget"):
        node.trust.counts.ask(OPERATOR, {**ASKED, "source": "operator"})


def test_over_http_and_on_the_page(node: Node, client: TestClient) -> None:
    assert client.post("/hansa/v1/privacy/counts", json=ASKED).status_code == 401
    sent = {"Authorization": f"Bearer {TOKEN}"}
    asked = client.post("/hansa/v1/privacy/counts", json={**ASKED, "epsilon": 0.001}, headers=sent)
    assert asked.status_code == 200
    (newest, *_) = client.get("/hansa/v1/privacy/counts?source=trips").json()["answers"]
    assert newest == asked.json()
    refused = client.post("/hansa/v1/privacy/counts", json={**ASKED, "epsilon": 9}, headers=sent)
    assert refused.status_code == 403
    assert "would cost 9" in refused.json()["detail"] + refused.json()["title"]
    assert client.post("/hansa/v1/privacy/counts", content=b"{", headers=sent).status_code == 400

    node.trust.privacy.measure("trips", node.local_store())
    (shown,) = client.get("/hansa/v1/privacy").json()["sources"]
    assert shown["measures"]["k"] == 1
    assert shown["measures"]["l"] == {"speed": 1}
    assert shown["budget"]["spent"]["epsilon"] < 2.0
    assert client.get("/hansa/v1/privacy/sources/trips").json() == shown
    assert client.get("/hansa/v1/privacy/sources/none").status_code == 404
    named = client.get("/hansa/v1/privacy/personal").json()
    assert "person" in {each["type"] for each in named["types"]}
    for tongue, word in (("en", "Privacy"), ("es", "Privacidad"), ("fr", "Vie"), ("ko", "개인")):
        page = client.get(f"/open-book/privacy?lang={tongue}")
        assert page.status_code == 200
        assert word in page.text
        assert "Bicycle trips" in page.text


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["privacy", *map(str, words)])
    return done.exit_code, done.output


def test_from_the_command_line(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    create(folder, {"city": "Visby"})
    made = open_node(folder)
    fill(made)
    made.trust.counts.ask(OPERATOR, ASKED)
    made.trust.privacy.begin("trips", made.trust.privacy.steps_of("trips")).take([])
    made.close()
    assert json.loads(run("show", "-f", folder, "--json")[1])[0]["source"] == "trips"
    code, told = run("measure", "trips", "-f", folder)
    assert code == 0
    assert "k = 1 (by age)" in told
    (spent,) = json.loads(run("budget", "-f", folder, "--json")[1])
    assert spent["spent"]["epsilon"] == 0.5
    assert "trips" in run("budget", "-f", folder)[1]
    assert "is destroyed" in run("end-key", "trips", "-f", folder)[1]
    assert "was none" in run("end-key", "trips", "-f", folder)[1]
    assert run("measure", "operator", "-f", folder)[0] == 1
    assert run("measure", "none", "-f", folder)[0] == 1
