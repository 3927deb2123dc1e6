"""What all pages share: headers, files, languages, banners, errors."""

from __future__ import annotations

import hashlib
import re
from importlib import resources
from pathlib import Path

import orjson
import pytest
from starlette.testclient import TestClient

import hansa.web
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.web.pages.names import attribute_label, type_label
from hansa.web.shell.files import StaticFiles
from hansa.web.shell.language import LANGUAGES, Language, _accepted, language
from tests.web.texts import shown_texts

CITY_TERMS = orjson.loads(resources.files("hansa.ngsild").joinpath("city.jsonld").read_bytes())[
    "@context"
]
PREFIXES = {"sdm", "hansa"}

PAGES = ("/", "/data", "/data/TransportZone", "/entity/urn:ngsi-ld:TransportZone:town:1", "/api",
         "/city/search", "/no-such-page")  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_its_landmarks(pages: TestClient, path: str) -> None:
    html = pages.get(path).text
    assert len(re.findall(r"<h1[ >]", html)) == 1
    for mark in (
        '<html lang="en"',
        "<main",
        'class="skip" href="#main"',
        "<header",
        "<nav",
        "<title>",
    ):
        assert mark in html, mark


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_inline_code_or_other_hosts(pages: TestClient, path: str) -> None:
    answer = pages.get(path)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert " style=" not in answer.text
    assert not re.search(r"\son\w+=", re.sub(r'"[^"]*"', '""', answer.text))
    for script in re.findall(r"<script([^>]*)>", answer.text):
        assert "src=" in script or 'type="application/json"' in script
    for address in re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]*)"', answer.text):
        assert address.startswith("/static/")


@pytest.mark.parametrize("path", PAGES)
def test_every_file_that_a_page_names_is_there(pages: TestClient, path: str) -> None:
    for address in set(re.findall(r'"(/static/[^"]*)"', pages.get(path).text)):
        answer = pages.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]


def test_files_are_revalidated_and_unknown_ones_not_found(pages: TestClient) -> None:
    digest = StaticFiles().digest
    first = pages.get("/static/other/css/base.css")
    assert first.headers["cache-control"] == "no-cache"
    again = pages.get("/static/other/css/base.css", headers={"If-None-Match": f'"{digest}"'})
    assert again.status_code == 304
    assert pages.get(f"/static/{digest}/css/none.css").status_code == 404
    assert pages.get(f"/static/{digest}/../pages/city.py").status_code == 404
    assert pages.get("/favicon.ico").headers["content-type"] == "image/svg+xml"


def test_vendored_parts_are_what_their_list_says_and_carry_their_licences() -> None:
    vendor = Path(hansa.web.__file__).parent / "static" / "vendor"
    row = re.compile(r"\| (\S+) \| .* \| `([0-9a-f]{64})` \|")
    listed = dict(row.findall((vendor / "README.md").read_text()))
    found = {
        str(path.relative_to(vendor)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.glob("*/*")
        if path.name != "LICENSE.txt"
    }
    assert found == listed
    assert all((vendor / name).parent.joinpath("LICENSE.txt").exists() for name in found)


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_every_text_is_translated(code: str) -> None:
    messages = language(code).messages
    missing = [text for text in shown_texts() if text not in messages]
    assert missing == []


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_everything_that_spokes_write_has_a_name_in_every_language(code: str) -> None:
    """The city's @context holds every type and attribute of the spokes (tests/spokes says so)."""
    messages = language(code).messages
    terms = [term for term in CITY_TERMS if term not in PREFIXES]
    types = [term for term in terms if term[0].isupper()]
    labels = [type_label(term, many=many) for term in types for many in (False, True)]
    labels += [attribute_label(term) for term in terms if term not in types]
    assert [label for label in labels if label not in messages] == []


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_translations_keep_the_places_of_values(code: str) -> None:
    for text, found in language(code).messages.items():
        for form in [found] if isinstance(found, str) else found[-1:]:
            assert set(re.findall(r"\{\w+\}", form)) == set(re.findall(r"\{\w+\}", text)), text


def test_counted_texts_have_two_forms_where_the_language_has() -> None:
    for code in ("es", "fr"):
        messages = language(code).messages
        assert all(isinstance(messages[t], list) for t, counted in shown_texts().items() if counted)


def test_the_language_is_chosen_by_address_cookie_and_browser(pages: TestClient) -> None:
    with TestClient(pages.app, base_url="http://127.0.0.1:1356") as client:
        assert '<html lang="fr"' in client.get("/data", headers={"Accept-Language": "fr-CH"}).text
        assert '<html lang="ko"' in client.get("/data?lang=ko").text
        assert '<html lang="ko"' in client.get("/data").text  # the cookie
        assert '<html lang="ko"' in client.get("/data?lang=xx").text


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"), ("de", "en"), ("de,es;q=0.5", "es"), ("fr;q=0.2, ko;q=0.9", "ko"),
        ("ES-cl", "es"), (";;;q=x", "en"), ("en;q=0, fr;q=0", "en"),
    ],
)  # fmt: skip
def test_accept_language(header: str, expected: str) -> None:
    assert _accepted(header) == expected


def test_numbers_and_dates_as_people_write_them() -> None:
    from datetime import date

    assert language("en").number(451_899) == "451,899"
    assert language("es").number(1_234.5) == "1.234,5"
    assert language("fr").number(1_234.5) == "1\u202f234,5"
    assert language("ko").date(date(2026, 11, 23)) == "2026년 11월 23일"
    assert language("es").date(date(2026, 11, 23)) == "23 de noviembre de 2026"


def test_plural_forms() -> None:
    english, french = language("en"), language("fr")
    assert english.plural("one stop", "{n} stops", 1) == "one stop"
    assert english.plural("one stop", "{n} stops", 0) == "0 stops"
    assert french.plural("one value", "{n} values", 0) == "une valeur"
    assert Language("xx" if False else "en", {}).plural("a", "{n} b", 2) == "2 b"


def test_a_page_says_when_the_clock_is_set(pages: TestClient) -> None:
    assert "Timetables are shown as of 15 April 2026" in pages.get("/data").text
    assert "set clock" in pages.get("/").text


def test_a_page_says_when_there_are_no_accounts(empty_pages: TestClient, pages: TestClient) -> None:
    text = "A node without accounts, reachable from this machine only."
    for path in ("/", "/data", "/api", "/nothing"):
        assert text in empty_pages.get(path).text
    assert text not in pages.get("/data").text


def test_errors_say_what_why_and_what_now(pages: TestClient) -> None:
    answer = pages.get("/no-such-page")
    assert answer.status_code == 404
    assert "Nothing stands at this address" in answer.text
    assert "What you can do" in answer.text
    assert pages.post("/data").status_code == 405


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/", "City"), ("/city/search?q=a", "City"), ("/data", "Data"), ("/data/GtfsStop", "Data"),
        ("/entity/urn:ngsi-ld:TransportZone:town:1", "Data"), ("/live", "Live"), ("/api", "API"),
    ],
)  # fmt: skip
def test_every_page_says_where_in_the_house_it_is(pages: TestClient, path: str, label: str) -> None:
    nav = pages.get(path).text.split('<nav class="nav"')[1].split("</nav>")[0]
    assert re.findall(r'aria-current="[a-z]+">(\w+)</a>', nav) == [label]


@pytest.mark.parametrize(
    ("verb", "path", "status", "kind"),
    [
        ("GET", "/hansa/v1/nothing", 404, "ResourceNotFound"),
        ("GET", "/hansa/v1/algorithms/none", 404, "ResourceNotFound"),
        ("POST", "/hansa/v1/log", 405, "OperationNotSupported"),
    ],
)
def test_programs_get_problem_documents(
    pages: TestClient, verb: str, path: str, status: int, kind: str
) -> None:
    reply = pages.request(verb, path)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert kind in reply.json()["type"]


def test_errors_speak_one_language(pages: TestClient) -> None:
    spanish = {"lang": "es"}
    html = pages.get("/entity/urn:x:none", params=spanish).text
    assert "entidad urn:x:none" in html
    assert "no está en este nodo" in html
    assert "is not on this node" not in html
    refused = pages.get("/data/GtfsTrip?page=0", params=spanish | {"page": "0"}).text
    assert '<blockquote lang="en">' in refused
    assert "Esta dirección no se entiende" in refused
    assert "<blockquote" not in pages.get("/data/GtfsTrip?page=0&lang=en").text


def test_an_unexpected_fault_is_a_page_that_tells_nothing_of_the_inside(tmp_path: Path) -> None:
    node = Node.open(tmp_path / "node", Settings(city="Broken"))
    try:

        def broken() -> None:
            raise RuntimeError("secret detail")

        node.public_store = broken  # type: ignore[method-assign, assignment]
        client = TestClient(node.app, raise_server_exceptions=False, base_url="http://127.0.0.1")
        answer = client.get("/data")
        assert answer.status_code == 500
        assert "Something went wrong on the node" in answer.text
        assert "secret" not in answer.text
    finally:
        node.close()
