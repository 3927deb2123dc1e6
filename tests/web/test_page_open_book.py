"""Open book: its pages and its data, of a full and of an empty node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.principals import Principal
from tests.web.open_book import declare

PAGES = ("", "/sources", "/frugality", "/access")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    made = Node.open(tmp_path_factory.mktemp("book") / "node", Settings(city="Book", base_url=""))
    declare(made)
    yield made
    made.close()


@pytest.fixture
def pages(node: Node) -> TestClient:
    return TestClient(node.app, base_url="http://127.0.0.1:1356")


def test_the_front_page_leads_to_everything(pages: TestClient) -> None:
    page = pages.get("/open-book").text
    for wanted in ("Air at the harbour", "Pedestrians on the promenade", "Timetable of the buses"):
        assert wanted in page
    for path in ("/sources", "/sources/air", "/frugality", "/access", "/algorithms", "/log"):
        assert f'href="/open-book{path}"' in page
    assert 'id="places"' in page
    assert "look inside" in page


def test_every_page_is_in_the_navigation(pages: TestClient) -> None:
    assert 'href="/open-book" aria-current="page"' in pages.get("/open-book").text
    assert 'href="/open-book" aria-current="true"' in pages.get("/open-book/access").text


def test_a_source_tells_its_chain_in_words(pages: TestClient) -> None:
    page = pages.get("/open-book/sources/air").text
    for wanted in (
        "City of Town, Department of the Environment",
        "Nature and climate",
        "Air quality sensor",
        "Measures dust and gases in the air.",
        "2 years",
        "No personal data",
        "data@town.example",
    ):
        assert wanted in page
    assert page.count('class="hexagon') == 8
    assert "Qué se hace con ellos" in pages.get("/open-book/sources/air?lang=es").text


def test_a_record_that_is_kept_says_so(pages: TestClient) -> None:
    page = pages.get("/open-book/sources/air").text
    assert "Only kinds of data that are declared were seen." in page
    assert "does not agree" not in page


def test_a_mismatch_is_said_plainly_with_its_numbers(pages: TestClient) -> None:
    page = pages.get("/open-book/sources/count").text
    assert "Values of a kind that is not declared: Measurements over time (1)." in page
    assert "The oldest value is of 1 May 2019" in page
    assert "older than declared" in page
    assert page.count("does not agree") >= 2
    assert "Looked at on" in page
    assert '<a href="/open-book/privacy">1 step</a>' in page


def test_readers_that_are_not_declared_are_a_mismatch(node: Node, pages: TestClient) -> None:
    for _ in range(6):
        pages.get("/ngsi-ld/v1/entities?type=CrowdFlowObserved")
    found = pages.get("/hansa/v1/open-book/sources/count").json()
    access = next(each for each in found["findings"] if each["claim"] == "access")
    assert access["holds"] is False
    assert access["found"]["kind"] == "public"
    assert "The public" in pages.get("/open-book/sources/count").text


@pytest.mark.parametrize("form", ["svg", "pdf"])
def test_the_sign_can_be_had(pages: TestClient, form: str) -> None:
    answer = pages.get(f"/open-book/sources/air/sign.{form}?size=a4&lang=ko")
    assert answer.status_code == 200
    assert answer.content.startswith(b"%PDF" if form == "pdf" else b"<svg")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert pages.get(f"/open-book/sources/air/sign.{form}?size=a0").status_code == 400


@pytest.mark.parametrize("path", ["/open-book/sources/none", "/open-book/sources/none/sign.svg",
                                  "/open-book/sources/air/sign.exe"])  # fmt: skip
def test_what_is_not_there_is_a_page_that_says_so(pages: TestClient, path: str) -> None:
    assert pages.get(path).status_code == 404


def test_what_is_kept_by_source_and_type(pages: TestClient) -> None:
    page = pages.get("/open-book/frugality").text
    assert "Air at the harbour" in page
    assert "What the node writes about its sources" in page
    found = pages.get("/hansa/v1/open-book/frugality").json()
    air = next(each for each in found["sources"] if each["source"] == "air")
    assert air["entities"] == 2
    assert air["bytes"] == sum(each["bytes"] for each in air["types"])


def test_reads_and_refusals_are_counted(node: Node, pages: TestClient) -> None:
    for _ in range(5):
        pages.get("/ngsi-ld/v1/entities?type=AirQualityObserved")
    refused = pages.post(
        "/ngsi-ld/v1/entities",
        json={"id": "urn:a:b", "type": "T"},
        headers={"Content-Type": "application/json"},
    )
    assert refused.status_code in (401, 403)
    found = pages.get("/hansa/v1/open-book/access").json()
    row = next(each for each in found["types"] if each["type"].endswith("AirQualityObserved"))
    assert row["reads"]["public"] >= 5
    assert found["refused"]["bring.refused"] >= 1
    page = pages.get("/open-book/access").text
    assert "Changing data without the right to" in page


def test_few_people_are_hidden_on_the_page_and_in_the_data(node: Node, pages: TestClient) -> None:
    node.trust.reads.note(Principal("anna", "staff"), ("urn:rare",))
    row = next(
        each
        for each in pages.get("/hansa/v1/open-book/access").json()["types"]
        if each["type"] == "urn:rare"
    )
    assert row["reads"] == {"staff": None}
    page = pages.get("/open-book/access").text
    assert "Read too seldom to show:" in page
    assert "anna" not in page


def test_the_data_lead_on(pages: TestClient) -> None:
    found = pages.get("/hansa/v1/open-book").json()
    assert found["sources"] >= 3
    for address in found["parts"].values():
        assert pages.get(address).status_code == 200
    missing = pages.get("/hansa/v1/open-book/sources/none")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_node_says_what_would_be_here(empty_pages: TestClient, path: str) -> None:
    answer = empty_pages.get(f"/open-book{path}")
    assert answer.status_code == 200
    assert empty_pages.get(f"/hansa/v1/open-book{path}").status_code == 200


def test_a_withdrawn_source_is_listed_apart_with_what_is_still_kept(tmp_path: Path) -> None:
    node = Node.open(tmp_path / "node", Settings(city="Book"))
    declare(node)
    from hansa.trust.principals import LOCAL

    node.trust.sources.withdraw(LOCAL, "air")
    pages = TestClient(node.app, base_url="http://127.0.0.1:1356")
    page = pages.get("/open-book/sources").text
    others, listed = page.split("Withdrawn sources")
    assert "Air at the harbour" in listed and "Air at the harbour" not in others
    kept = node.trust.surveyor.look()["sources"]["air"]["entities"]
    assert kept and f"{kept} entities" in pages.get("/open-book/sources").text
    assert "was withdrawn" in pages.get("/open-book/sources/air").text
    node.close()


@pytest.mark.parametrize("tongue", ["en", "es", "fr", "ko"])
@pytest.mark.parametrize("path", (*PAGES, "/sources/count"))
def test_every_language(pages: TestClient, tongue: str, path: str) -> None:
    page = pages.get(f"/open-book{path}?lang={tongue}")
    assert page.status_code == 200
    assert f'<html lang="{tongue}"' in page.text


def test_two_types_of_one_name_are_told_apart(node: Node, pages: TestClient) -> None:
    from hansa.trust.principals import PUBLIC

    kinds = ("GtfsStop", "PublicTransportStop")
    for kind in kinds:
        node.trust.reads.note(PUBLIC, [node.context.expand(kind)])
    page = pages.get("/open-book/access").text
    for kind in kinds:
        assert page.count(f"Stop ({kind})") == 1
