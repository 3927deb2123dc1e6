"""The pages of somebody who has shown less than the node asks for, and what is asked again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from tests.trust.identity.test_desk import code_of
from tests.web.test_page_account import HOME, SECRET, form_of, log_in


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(tmp_path / "node", Settings(city="Visby"))
    made.trust.desk.accounts.add("ana", roles=["administrator"])
    made.trust.desk.choose_password("ana", SECRET)
    yield made
    made.close()


@pytest.fixture
def browser(node: Node) -> TestClient:
    return TestClient(node.app, base_url=HOME, follow_redirects=False, headers={"Origin": HOME})


def test_by_a_password_alone_staff_get_no_further_than_their_account(
    node: Node, browser: TestClient
) -> None:
    log_in(browser)
    assert "asks for a second factor" in browser.get("/account").text
    assert browser.get("/hansa/v1/me").json()["kind"] == "public"
    assert browser.get("/admin/accounts").headers["location"] == "/login?next=/admin/accounts"
    assert browser.get("/login?next=/admin/accounts").headers["location"] == "/account"
    assert browser.get("/hansa/v1/accounts").status_code == 403
    form = form_of(browser)
    refused = browser.post("/admin/accounts", data={"form": form, "do": "add", "name": "eve"})
    assert refused.status_code == 403
    wanted = {"do": "token", "label": "t", "scope": "admin", "days": "9", "current": SECRET}
    refused = browser.post("/account", data={"form": form, **wanted})
    assert refused.status_code == 403
    assert "asks for a second factor first" in refused.text
    assert not node.trust.desk.tokens.all("ana")


def test_setting_up_an_app_opens_the_rest_under_a_new_secret(
    node: Node, browser: TestClient
) -> None:
    log_in(browser)
    old = browser.cookies["hansa_session"]
    page = browser.get("/account").text
    form, key = form_of(browser), re.findall(r'name="key" value="(\w+)"', page)[0]
    code = code_of(key, node.clock.now())
    made = browser.post(
        "/account", data={"form": form, "do": "totp", "key": key, "code": code, "current": SECRET}
    )
    assert "Recovery codes" in made.text
    assert browser.cookies["hansa_session"] != old
    assert browser.get("/hansa/v1/me").json()["roles"] == ["administrator"]
    assert browser.get("/admin/accounts").status_code == 200
    assert node.trust.desk.session(old) is None
    assert form not in made.text, "the page's forms are those of the new session"


def test_other_sessions_can_be_ended_after_a_change_of_factors(
    node: Node, browser: TestClient
) -> None:
    node.trust.desk.enter("ana", "192.0.2.9", "another browser")
    log_in(browser)
    page = browser.get("/account").text
    key = re.findall(r'name="key" value="(\w+)"', page)[0]
    data = {"do": "totp", "key": key, "code": code_of(key, node.clock.now()), "current": SECRET}
    made = browser.post("/account", data={"form": form_of(browser), **data}).text
    assert "192.0.2.9" in made
    assert "End all others" in made
    done = browser.post("/account", data={"form": form_of(browser), "do": "end", "all": "1"})
    assert "192.0.2.9" not in done.text
    assert len(node.trust.desk.sessions.of("ana")) == 1


def test_those_that_are_marked_end_and_not_this_one(node: Node, browser: TestClient) -> None:
    desk = node.trust.desk
    for number in range(3):
        desk.enter("ana", f"192.0.2.{number}", "another browser")
    log_in(browser)
    listed = {each.address: each.id for each in desk.sessions.of("ana")}
    wanted = [listed["192.0.2.0"], listed["192.0.2.2"], listed["testclient"]]
    browser.post("/account", data={"form": form_of(browser), "do": "end", "id": wanted})
    assert {each.address for each in desk.sessions.of("ana")} == {"192.0.2.1", "testclient"}


def test_a_wrong_password_changes_nothing_and_keeps_the_session(
    node: Node, browser: TestClient
) -> None:
    log_in(browser)
    before = node.trust.desk.accounts.named("ana").password
    data = {"do": "password", "password": "another long way", "again": "another long way"}
    form = form_of(browser)
    for current in ("", "wrong password!"):
        refused = browser.post("/account", data={"form": form, **data, "current": current})
        assert refused.status_code == 401
    assert node.trust.desk.accounts.named("ana").password == before
    assert browser.get("/account").status_code == 200
    done = browser.post("/account", data={"form": form, **data, "current": SECRET})
    assert done.status_code == 200
    assert node.trust.desk.accounts.named("ana").password != before


def test_administrators_end_sessions_on_their_page(tmp_path: Path) -> None:
    node = Node.open(tmp_path / "free", Settings(city="Visby", second_factor="nobody"))
    desk = node.trust.desk
    desk.accounts.add("ana", roles=["administrator"])
    desk.choose_password("ana", SECRET)
    desk.accounts.add("bo")
    theirs = [desk.enter("bo", "192.0.2.1", "") for _ in range(2)]
    page = TestClient(node.app, base_url=HOME, follow_redirects=False, headers={"Origin": HOME})
    log_in(page)
    form = form_of(page)
    assert "End 2 sessions" in page.get("/admin/accounts").text
    page.post("/admin/accounts", data={"form": form, "do": "end", "name": "bo"})
    assert [desk.session(secret) for secret in theirs] == [None, None]
    page.post("/admin/accounts", data={"form": form, "do": "end-all"})
    assert desk.sessions.of("ana") == []
    node.close()


def test_passwords_are_masked_and_may_be_pasted_and_kept(browser: TestClient, node: Node) -> None:
    """Fields say what they are, so that password managers can fill them; no script stands in the way."""
    link = node.trust.desk.links.make("ana")
    log_in(browser)
    for path in ("/login", "/account", f"/link/{link}"):
        anybody = TestClient(node.app, base_url=HOME)
        page = (browser if path == "/account" else anybody).get(path).text
        fields = re.findall(r"<input[^>]*>", page)
        named = [each for each in fields if re.search(r'name="(password|again|current)"', each)]
        assert named, path
        for each in named:
            assert 'type="password"' in each
            assert re.search(r'autocomplete="(current|new)-password"', each)
            assert "maxlength" not in each or 'maxlength="256"' in each
        assert 'autocomplete="off"' not in "".join(named)
        assert "onpaste" not in page


def test_logging_out_is_on_every_page_of_somebody(node: Node, browser: TestClient) -> None:
    log_in(browser)
    for path in ("/", "/data", "/live", "/open-book", "/account", "/api"):
        page = browser.get(path).text
        assert page.count('action="/logout"') == 1, path
    anybody = TestClient(node.app, base_url=HOME)
    assert 'action="/logout"' not in anybody.get("/data").text
