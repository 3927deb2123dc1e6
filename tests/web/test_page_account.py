"""Logging in on the web: the way in, what keeps others out, and the accounts of the node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.principals import LOCAL
from tests.trust.sources.test_record import WHOLE

SECRET = "a long way to Visby"
HOME = "http://127.0.0.1:1356"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(tmp_path / "node", Settings(city="Visby", second_factor="nobody"))
    made.trust.desk.accounts.add("ana", roles=["administrator"])
    made.trust.desk.choose_password("ana", SECRET)
    made.trust.desk.accounts.add("bo", roles=["planner"])
    made.trust.desk.choose_password("bo", SECRET)
    yield made
    made.close()


@pytest.fixture
def browser(node: Node) -> TestClient:
    return TestClient(node.app, base_url=HOME, follow_redirects=False, headers={"Origin": HOME})


def log_in(browser: TestClient, name: str = "ana", **more: str) -> None:
    answer = browser.post("/login", data={"name": name, "password": SECRET, **more})
    assert answer.status_code == 303, answer.text


def form_of(browser: TestClient, path: str = "/account") -> str:
    found = re.search(r'name="form" value="(\w+)"', browser.get(path).text)
    assert found
    return found[1]


def test_public_pages_need_no_account(browser: TestClient) -> None:
    assert browser.get("/").status_code == 200
    assert 'href="/login"' in browser.get("/data").text
    assert browser.get("/account").headers["location"] == "/login?next=/account"
    assert browser.get("/hansa/v1/me").json()["kind"] == "public"


def test_the_cookie_of_a_session_is_kept_from_scripts_and_other_sites(node: Node) -> None:
    for base, name, secure in (
        (HOME, "hansa_session", False),
        ("https://localhost", "__Host-hansa", True),
    ):
        browser = TestClient(node.app, base_url=base, follow_redirects=False)
        answer = browser.post("/login", data={"name": "ana", "password": SECRET})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{name}=")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert ("Secure" in cookie) is secure


def test_logging_in_and_out(browser: TestClient) -> None:
    log_in(browser)
    page = browser.get("/account")
    assert page.headers["cache-control"] == "no-store"
    assert "/admin/accounts" in page.text
    assert browser.get("/hansa/v1/me").json()["roles"] == ["administrator"]
    kept = dict(browser.cookies)
    out = browser.post("/logout", data={"form": form_of(browser)})
    assert out.status_code == 303
    assert out.headers["clear-site-data"] == '"cache"'
    assert out.headers["cache-control"] == "no-store"
    assert browser.get("/hansa/v1/me").json()["kind"] == "public"
    again = TestClient(browser.app, base_url=HOME, cookies=kept)
    assert again.get("/hansa/v1/me").json()["kind"] == "public"


def test_a_login_always_begins_a_new_session(browser: TestClient) -> None:
    browser.cookies.set("hansa_session", "chosen by somebody else", domain="127.0.0.1")
    log_in(browser)
    first = browser.cookies["hansa_session"]
    assert first != "chosen by somebody else"
    log_in(browser, form=form_of(browser))
    assert browser.cookies["hansa_session"] != first
    browser.cookies.set("hansa_session", first, domain="127.0.0.1")
    assert browser.get("/hansa/v1/me").json()["kind"] == "public"


def test_a_wrong_password_is_refused_on_the_page(browser: TestClient) -> None:
    answer = browser.post("/login", data={"name": "ana", "password": "wrong password!"})
    assert answer.status_code == 401
    assert "is not right" in answer.text
    assert "set-cookie" not in answer.headers
    assert "wrong password!" not in answer.text


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/a\r\nb",
        "/é",
        "evil",
    ],
)
def test_logging_in_leads_nowhere_else(browser: TestClient, wanted: str) -> None:
    answer = browser.post("/login", data={"name": "ana", "password": SECRET, "next": wanted})
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize(
    "path", ["/login", "/logout", "/account", "/admin/accounts", "/link/x", "/live/letters"]
)
def test_forms_of_other_sites_are_refused(
    browser: TestClient, path: str, headers: dict[str, str]
) -> None:
    log_in(browser)
    form = form_of(browser)
    answer = browser.post(
        path, data={"form": form, "name": "ana", "password": SECRET}, headers=headers
    )
    assert answer.status_code == 403
    assert browser.get("/hansa/v1/me").json()["name"] == "ana"


@pytest.mark.parametrize("form", ["", "0" * 64])
def test_a_form_needs_the_secret_of_its_session(browser: TestClient, form: str) -> None:
    log_in(browser)
    data = {"form": form, "do": "add", "name": "eve", "role": "administrator"}
    assert browser.post("/admin/accounts", data=data).status_code == 403
    assert browser.post("/logout", data={"form": form}).status_code == 403


def test_the_secret_of_another_session_is_no_use(node: Node, browser: TestClient) -> None:
    log_in(browser)
    other = TestClient(node.app, base_url=HOME, follow_redirects=False)
    log_in(other, "bo")
    data = {"form": form_of(other), "do": "add", "name": "eve"}
    assert browser.post("/admin/accounts", data=data).status_code == 403


def test_the_api_knows_no_cookies(browser: TestClient) -> None:
    log_in(browser)
    answer = browser.post("/ngsi-ld/v1/entities", json={"id": "urn:x:1", "type": "T"})
    assert answer.status_code == 401


def test_only_administrators_keep_accounts(browser: TestClient, node: Node) -> None:
    assert browser.get("/admin/accounts").headers["location"] == "/login?next=/admin/accounts"
    assert browser.get("/hansa/v1/accounts").status_code == 403
    log_in(browser, "bo")
    assert browser.get("/admin/accounts").status_code == 403
    data = {"form": form_of(browser), "do": "roles", "name": "bo", "role": "administrator"}
    assert browser.post("/admin/accounts", data=data).status_code == 403
    assert node.trust.desk.accounts.named("bo").roles == ("planner",)
    _, narrow = node.trust.desk.tokens.add("ana", "t", scopes=["read", "write"])
    _, wide = node.trust.desk.tokens.add("ana", "t", scopes=["admin"])
    plain = TestClient(node.app, base_url=HOME)
    for token, status in ((narrow, 403), (wide, 200)):
        answer = plain.get("/hansa/v1/accounts", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status
    assert "argon2" not in answer.text


def test_an_administrator_invites_somebody_who_chooses_a_password(
    browser: TestClient, node: Node
) -> None:
    log_in(browser)
    data = {"form": form_of(browser), "do": "add", "name": "Eva", "role": ["planner", "auditor"]}
    page = unescape(browser.post("/admin/accounts", data=data).text)
    link = re.search(rf"{HOME}(/link/[\w-]+)", page)
    assert link
    eva = TestClient(node.app, base_url=HOME, follow_redirects=False)
    assert "eva" in eva.get(link[1]).text
    assert eva.post(link[1], data={"password": SECRET, "again": "no"}).status_code == 400
    chosen = {"name": "ana", "password": SECRET, "again": SECRET}
    assert eva.post(link[1], data=chosen).headers["location"] == "/account"
    assert eva.get("/hansa/v1/me").json()["roles"] == ["auditor", "planner"]
    assert eva.get(link[1]).status_code == 404


def test_what_is_grave_asks_for_the_password_again(browser: TestClient, node: Node) -> None:
    log_in(browser)
    form = form_of(browser)
    wanted = {"form": form, "do": "token", "label": "meters", "scope": "read", "days": "9"}
    refused = browser.post("/account", data={**wanted, "current": "wrong password!"})
    assert refused.status_code == 401
    assert not node.trust.desk.tokens.all("ana")
    made = browser.post("/account", data={**wanted, "current": SECRET})
    token = re.search(r"hansat_[\w-]+", made.text)
    assert token
    assert token[0] not in browser.get("/account").text
    me = TestClient(node.app).get("/hansa/v1/me", headers={"Authorization": f"Bearer {token[0]}"})
    assert me.json()["scopes"] == ["read"]


def test_a_token_writes_where_its_scope_says(node: Node) -> None:
    api = TestClient(node.app, base_url=HOME)
    node.trust.sources.declare(LOCAL, "meters", WHOLE)
    for scopes, types, source, status in (
        (["write"], None, "meters", 201),
        (["read"], None, "meters", 403),
        (["write"], ["https://x/T"], "meters", 403),
        (["write"], None, "", 403),
        (["write"], None, "unknown", 403),
    ):
        _, text = node.trust.desk.tokens.add("ana", "t", scopes=scopes, types=types, source=source)
        answer = api.post(
            "/ngsi-ld/v1/entities",
            json={"id": f"urn:x:{status}", "type": "T"},
            headers={"Authorization": f"Bearer {text}"},
        )
        assert answer.status_code == status, answer.text
    _, text = node.trust.desk.tokens.add("bo", "t", scopes=["write"])
    answer = api.delete(
        "/ngsi-ld/v1/entities/urn:x:201", headers={"Authorization": f"Bearer {text}"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("language", ["en", "es", "fr", "ko"])
@pytest.mark.parametrize("path", ["/login", "/account", "/admin/accounts"])
def test_the_pages_are_whole_in_every_language(
    browser: TestClient, path: str, language: str
) -> None:
    log_in(browser)
    page = browser.get(f"{path}?lang={language}")
    assert page.status_code == 200
    assert page.text.count("<h1") == 1


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:1356", 200),
        ("[::1]:1356", 200),
        ("localhost", 200),
        ("visby.example", 421),
        ("evil.example:1356", 421),
        ("127.0.0.1.evil.example", 421),
        ("[", 421),
    ],
)
@pytest.mark.parametrize("path", ["/hansa/v1/me", "/ngsi-ld/v1/types"])
def test_a_foreign_name_is_not_answered(
    browser: TestClient, path: str, host: str, status: int
) -> None:
    assert browser.get(path, headers={"Host": host}).status_code == status


def test_a_node_answers_to_the_names_that_it_is_given(tmp_path: Path) -> None:
    settings = Settings(base_url="https://node.visby.example", hosts=("other.example",))
    node = Node.open(tmp_path / "named", settings)
    pages = TestClient(node.app, base_url=HOME)
    for host, status in (
        ("Node.Visby.example", 200),
        ("other.example", 200),
        ("visby.example", 421),
    ):
        assert pages.get("/hansa/v1/me", headers={"Host": host}).status_code == status
    node.close()


def test_the_log_says_which_administrator_changed_whose_account(
    node: Node, browser: TestClient
) -> None:
    log_in(browser)
    form, book = form_of(browser), node.trust.log
    changes = [
        ({"do": "add", "name": "eva", "kind": "staff", "role": "planner"}, "account.added"),
        ({"do": "roles", "name": "eva", "role": "auditor"}, "account.roles"),
        ({"do": "disable", "name": "eva"}, "account.disabled"),
        ({"do": "enable", "name": "eva"}, "account.enabled"),
        ({"do": "reset", "name": "eva"}, "account.reset"),
    ]
    for data, reason in changes:
        size = book.size
        assert browser.post("/admin/accounts", data={**data, "form": form}).status_code == 200
        told = [(each.index, each.entry.reason) for each in book.entries(size, book.size)]
        assert told[0] == (size, reason)
        assert {name for _, name in told[1:]} <= {"link.made"}
        for index, _ in told:
            assert [o.value for o in node.trust.openings.principals(index)] == ["ana"]
            assert index in [numbered.index for numbered, _ in book.about("what", "account:eva")]
    size = book.size
    wanted = {"form": form, "do": "token", "label": "meters", "scope": "read", "days": "9"}
    page = browser.post("/account", data={**wanted, "current": SECRET}).text
    id = re.findall(r"hansat_([0-9a-f]{12})_", page)[0]
    form = form_of(browser)
    browser.post("/account", data={"form": form, "do": "revoke", "id": id})
    told = [(each.index, each.entry.reason) for each in book.entries(size, book.size)]
    assert [reason for _, reason in told] == ["token.made", "token.revoked"]
    for index, _ in told:
        assert [o.value for o in node.trust.openings.principals(index)] == ["ana"]
        assert index in [numbered.index for numbered, _ in book.about("what", f"token:{id}")]


def test_a_token_of_a_source_is_made_by_who_keeps_the_register(node: Node) -> None:
    """It would bring data as soon as its owner became a data officer."""
    node.trust.sources.declare(LOCAL, "meters", WHOLE)
    for name, status in (("bo", 403), ("ana", 200)):
        browser = TestClient(node.app, base_url=HOME, headers={"Origin": HOME})
        assert browser.post("/login", data={"name": name, "password": SECRET}).is_success
        form = {"form": form_of(browser), "do": "token", "current": SECRET, "days": "5"}
        form |= {"scope": "write", "source": "meters", "label": "t"}
        assert browser.post("/account", data=form).status_code == status
        made = [each.source for each in node.trust.desk.tokens.all(name)]
        assert made == ([] if status == 403 else ["meters"])
