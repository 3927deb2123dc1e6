"""The register of algorithms: what a record must hold, what is refused, who an algorithm is, how it is published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from hansa.kernel.errors import BadRequest, Forbidden, HansaError, NotFound
from hansa.kernel.settings import Settings
from hansa.ngsild.city import city_iri
from hansa.node import Node
from hansa.trust.algorithms.fields import FIELDS, PRACTICES, RISKS
from hansa.trust.algorithms.record import checked, risk_of
from hansa.trust.principals import Principal, new_token, token_hash

OFFICER = Principal("anna", "staff", frozenset({"data_officer"}))
RECORD: dict[str, Any] = {
    "name": "Green wave",
    "organization": "City of Visby",
    "department": "Traffic",
    "country": "Sweden",
    "contact_email": "traffic@visby.example",
    "description_short": "Times the lights of the ring road by counted traffic",
    "status": "pilot",
    "lang": "en",
    "revision_date": "2027-11-25",
    "decision_making_process": "Timing of traffic lights",
    "domain": "traffic and transportation",
    "area": "Visby",
    "goal": "Fewer stops on the ring road",
    "impact": "People wait more or less at lights",
    "risks": "Side streets wait longer; capped at 90 seconds",
    "risk_category": "high risk",
    "practices": ["infrastructure-safety"],
    "proportionality": "No other means was as cheap",
    "lawful_basis": "Decision 2026-114 of the council",
    "reads": ["TrafficFlowObserved"],
    "training_data": "Not trained",
    "source_data": "Counts of loops",
    "connected_data_sources": "none",
    "algorithm_type": "rule-based",
    "type": "prescriptive",
    "monitoring": "Weekly",
    "human_intervention": "The control room",
    "objection_procedure": "Write to the department",
}
REQUIRED_BY_THE_STANDARD = set(
    "standard_version lang publication_date last_change_date revision_date name organization department country "
    "contact_email description_short status decision_making_process domain area goal impact risks risk_category "
    "proportionality lawful_basis training_data source_data connected_data_sources algorithm_type type monitoring "
    "human_intervention objection_procedure".split()
)
TOKEN = new_token()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(tmp_path, Settings(city="Visby", operator_token_hash=token_hash(TOKEN)))
    yield made
    made.close()


@pytest.fixture
def pages(node: Node) -> TestClient:
    return TestClient(node.app, base_url="http://127.0.0.1:1356")


def kinds(node: Node) -> list[tuple[str, str]]:
    return [(each.entry.kind, each.entry.reason) for each in node.trust.log.entries(0, 100)]


def test_a_record_is_declared_changed_and_retired(node: Node) -> None:
    first = node.trust.algorithms.declare(OFFICER, "green-wave", RECORD)
    assert first.keys() >= REQUIRED_BY_THE_STANDARD
    assert first["standard_version"] == "0.3.1"
    second = node.trust.algorithms.declare(OFFICER, "green-wave", {**first, "goal": "Less noise"})
    assert second["uuid"] == first["uuid"]
    assert node.trust.algorithms.all() == [second]
    node.trust.algorithms.retire(OFFICER, "green-wave")
    assert node.trust.algorithms.get("green-wave")["status"] == "retired"
    assert kinds(node) == [
        ("algorithm", "algorithm.declared"),
        ("algorithm", "algorithm.changed"),
        ("algorithm", "algorithm.retired"),
    ]
    assert len(node.trust.log.about("what", "algorithm:green-wave")) == 3


def test_it_is_a_principal_that_reads_the_types_of_its_record(node: Node) -> None:
    with pytest.raises(NotFound):
        node.trust.algorithms.principal("green-wave")
    node.trust.algorithms.declare(OFFICER, "green-wave", RECORD)
    principal = node.trust.algorithms.principal("green-wave")
    assert (principal.name, principal.kind) == ("algorithm:green-wave", "service")
    assert principal.narrowing is not None
    assert principal.narrowing.types == {city_iri("TrafficFlowObserved")}
    assert principal.may("read")
    assert not principal.may("write")
    with pytest.raises(HansaError):
        node.gate.writer(principal)
    node.trust.algorithms.retire(OFFICER, "green-wave")
    with pytest.raises(Forbidden, match="not in use"):
        node.trust.algorithms.principal("green-wave")


@pytest.mark.parametrize("name", sorted(n for n, p in PRACTICES.items() if p.risk == RISKS[-1]))
def test_what_the_law_prohibits_is_refused_with_the_article(name: str, node: Node) -> None:
    for rest in (RECORD, {}):
        with pytest.raises(Forbidden, match=r"Art\. 5\(1\)"):
            node.trust.algorithms.declare(OFFICER, "watcher", {**rest, "practices": [name]})
    assert node.trust.algorithms.all() == []
    node.trust.log.close()
    assert kinds(node) == [("refusal", "algorithm.prohibited")] * 2


def test_unacceptable_risk_is_refused_by_itself() -> None:
    with pytest.raises(Forbidden, match="unacceptable"):
        checked({**RECORD, "risk_category": "unacceptable"})


@pytest.mark.parametrize("name", sorted(n for n, f in FIELDS.items() if f.required))
def test_each_required_field_is_named_when_it_is_missing(name: str) -> None:
    with pytest.raises(BadRequest, match=f"{name} is missing") as found:
        checked({key: value for key, value in RECORD.items() if key != name})
    assert found.value.extra["faults"] == {name: "is missing"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"risk_category": "minimal risk"}, "at least 'high risk'"),
        ({"status": "soon"}, "is none of"),
        ({"contact_email": "traffic"}, "no e-mail"),
        ({"website": "javascript:alert(1)"}, "no web address"),
        ({"revision_date": "20271125"}, "no date"),
        ({"description": "short"}, "500 to 10,000"),
        ({"description_short": "x" * 151}, "151 characters"),
        ({"reads": "everything"}, "no list"),
        ({"reads": ["a b"]}, "names no type"),
        ({"practices": ["magic"]}, "not known"),
        ({"goal": 5}, "no text"),
        ({"goal": "a\x00b"}, "no text"),
        ({"colour": "blue"}, "no field"),
    ],
)
def test_a_field_that_is_not_in_its_form_is_named(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        checked({**RECORD, **wrong})


@given(
    st.one_of(
        st.none(),
        st.text(),
        st.dictionaries(
            st.sampled_from([*FIELDS, "x"]),
            st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text() | st.integers())),
        ),
    )
)
def test_whatever_comes_is_a_record_or_named_a_fault(raw: object) -> None:
    with pytest.raises((BadRequest, Forbidden)):
        checked(raw)


def test_the_highest_risk_counts() -> None:
    assert risk_of([]) == "minimal risk"
    assert risk_of(["talks-with-people"]) == "limited risk"
    assert risk_of(["talks-with-people", "employment"]) == "high risk"


@pytest.mark.parametrize(
    "who", [Principal("ben", "staff", frozenset({"planner"})), Principal("eva", "resident")]
)
def test_others_do_not_change_the_register(who: Principal, node: Node) -> None:
    with pytest.raises(Forbidden, match="data officers"):
        node.trust.algorithms.declare(who, "green-wave", RECORD)
    with pytest.raises(Forbidden, match="data officers"):
        node.trust.algorithms.retire(who, "green-wave")


def test_the_register_publishes_itself(node: Node, pages: TestClient) -> None:
    address = "/hansa/v1/algorithms"
    assert pages.get(address).json() == []
    assert "No algorithm is declared yet" in pages.get("/open-book/algorithms").text
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    anonymous = pages.put(f"{address}/green-wave", json=RECORD)
    assert anonymous.status_code == 401
    made = pages.put(f"{address}/green-wave", json=RECORD, headers=bearer)
    assert made.status_code == 200
    (record,) = pages.get(address).json()
    assert record == made.json() == pages.get(f"{address}/green-wave").json()
    page = pages.get("/open-book/algorithms").text
    for text in ("Green wave", "high risk (Annex III(2))", "a pilot", "Write to the department"):
        assert text in page
    assert "alto riesgo" in pages.get("/open-book/algorithms?lang=es").text
    assert pages.delete(f"{address}/green-wave", headers=bearer).status_code == 204
    assert "It reads nothing any more" in pages.get("/open-book/algorithms?lang=en").text


def test_errors_are_problem_documents(pages: TestClient) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    address = "/hansa/v1/algorithms"
    answers = {
        404: pages.get(f"{address}/nothing"),
        401: pages.put(f"{address}/x", json={}, headers={"Authorization": "Bearer x"}),
        400: pages.put(f"{address}/x", content=b"{", headers=bearer),
        403: pages.put(f"{address}/x", json={"practices": ["social-scoring"]}, headers=bearer),
        413: pages.put(f"{address}/x", content=b" " * 300_000, headers=bearer),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
    assert pages.put(f"{address}/Not%20a%20name", json=RECORD, headers=bearer).status_code == 400
    form = pages.get(f"{address}/form").json()
    assert {each["name"] for each in form["fields"]} == set(FIELDS)
