"""Logging in at a real OpenID provider: who somebody is afterwards, and what cannot be slipped in between."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from hansa.node import Node

from .conftest import HOME, away, browser, register


def me(page: TestClient) -> tuple[str, str, list[str]]:
    found = page.get("/hansa/v1/me").json()
    return found["name"], found["kind"], found["roles"]


def test_a_rule_gives_roles(node: Node, issuer: str) -> None:
    register(node, issuer)
    page = browser(node)
    assert "Visby ID" in page.get("/login").text
    done = page.get(away(page, "ana", "/live"))
    assert (done.status_code, done.headers["location"]) == (303, "/live")
    name, kind, roles = me(page)
    assert name.startswith("ana.")
    assert (kind, roles) == ("staff", ["auditor", "planner"])
    account = node.trust.desk.accounts.named(name)
    assert account.full_name == "Ana Lund"
    assert account.subject == f"{issuer} ana"
    assert "Ana Lund" in page.get("/account").text


def test_nobody_gets_a_right_without_a_rule(node: Node, issuer: str) -> None:
    """An address that the provider has not verified is no condition that holds."""
    register(node, issuer)
    page = browser(node)
    page.get(away(page, "bo"))
    assert me(page)[1:] == ("resident", [])
    other = browser(node)
    other.get(away(other, "a stranger"))
    assert me(other)[1:] == ("resident", [])
    assert me(other)[0] != me(page)[0]


def test_the_account_stays_and_its_roles_follow_the_rules(node: Node, issuer: str) -> None:
    register(node, issuer)
    page = browser(node)
    page.get(away(page, "ana"))
    first = me(page)
    node.trust.desk.providers.remove("visby")
    register(node, issuer, rules=("data_officer if sub=ana",))
    page.get(away(page, "ana"))
    assert me(page) == (first[0], "staff", ["data_officer"])
    node.trust.desk.providers.remove("visby")
    register(node, issuer, rules=())
    page.get(away(page, "ana"))
    assert me(page) == (first[0], "resident", [])
    assert len(node.trust.desk.accounts.all()) == 1


def test_who_is_not_let_in(node: Node, issuer: str) -> None:
    register(node, issuer, residents=False)
    for person in ("eve", "a stranger"):
        page = browser(node)
        assert page.get(away(page, person)).status_code == 403
        assert me(page)[1] == "public"
    assert node.trust.desk.accounts.all() == []


def test_a_shut_account_stays_shut(node: Node, issuer: str) -> None:
    register(node, issuer)
    page = browser(node)
    page.get(away(page, "ana"))
    node.trust.desk.accounts.disable(me(page)[0])
    assert me(page)[1] == "public"
    assert page.get(away(page, "ana")).status_code == 403
    assert me(page)[1] == "public"


def test_nobody_can_be_logged_in_by_a_link_of_others(node: Node, issuer: str) -> None:
    """The way back belongs to the browser that went, once, and to its provider."""
    register(node, issuer)
    attacker, victim = browser(node), browser(node)
    back = away(attacker, "ana")
    assert victim.get(back).status_code == 400
    own = away(victim, "bo")
    assert victim.get(back).status_code == 400, "another state than that of this browser"
    assert victim.get(own.replace("state=", "state=x")).status_code == 400
    assert victim.get(f"{own}&iss=https://evil.example").status_code == 401
    assert me(victim)[1] == "public"
    assert attacker.get(back).status_code == 303
    assert attacker.get(back).status_code == 400, "the seal is gone"


def test_a_page_elsewhere_begins_no_login(node: Node, issuer: str) -> None:
    """A provider that knows somebody may ask them nothing, so it is they who choose to go there."""
    register(node, issuer)
    page = browser(node)
    for site in ("cross-site", "same-site"):
        answer = page.get("/login/with/visby", headers={"Sec-Fetch-Site": site})
        assert answer.headers["location"] == "/login"
        assert "set-cookie" not in answer.headers
    for site in ("same-origin", "none"):
        answer = page.get("/login/with/visby", headers={"Sec-Fetch-Site": site})
        assert answer.headers["location"].startswith(f"{issuer}/")


def test_a_code_is_good_once(node: Node, issuer: str) -> None:
    register(node, issuer)
    page = browser(node)
    back = away(page, "ana")
    kept = page.cookies["hansa_login"]
    assert page.get(back).status_code == 303
    page.cookies.set("hansa_login", kept, domain="127.0.0.1")
    assert page.get(back).status_code == 401


def test_somebody_who_says_no_there(node: Node, issuer: str) -> None:
    register(node, issuer)
    page = browser(node)
    address = page.get("/login/with/visby").headers["location"]
    state = address.partition("state=")[2].partition("&")[0]
    answer = page.get(f"/login/from/visby?error=access_denied&state={state}")
    assert answer.status_code == 401
    assert "access_denied" in answer.text
    assert page.get(f"/login/from/visby?error=<script>&state={state}").text.count("<script>") == 0


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example", "/\\evil"])
def test_it_leads_nowhere_else(node: Node, issuer: str, onward: str) -> None:
    register(node, issuer)
    page = browser(node)
    assert page.get(away(page, "ana", onward)).headers["location"] == "/"


def test_an_unknown_provider(node: Node) -> None:
    page = browser(node)
    for path in ("/login/with/nobody", "/login/from/nobody?code=x&state=y"):
        assert page.get(path).status_code == 404


def test_a_provider_within_is_not_asked(node: Node) -> None:
    node.trust.desk.providers.add("inside", issuer="https://10.0.0.1", client_id="hansa")
    assert browser(node).get("/login/with/inside").status_code == 403


def test_logins_and_accounts_are_logged(node: Node, issuer: str) -> None:
    register(node, issuer)
    page = browser(node)
    page.get(away(page, "ana"))
    other = browser(node)
    other.get(away(other, "eve"))
    node.trust.log.close()
    reasons = [each.entry.reason for each in node.trust.log.entries(0, 10)]
    assert reasons == [
        "provider.added",
        "account.made-by-login",
        "login.by-provider",
        "login.refused",
    ]


def test_administrators_see_the_providers_without_secrets(node: Node, issuer: str) -> None:
    register(node, issuer, rules=("administrator if sub=ana",))
    page = browser(node)
    assert page.get("/hansa/v1/providers").status_code == 403
    page.get(away(page, "ana"))
    (found,) = page.get("/hansa/v1/providers").json()
    assert found["issuer"] == issuer
    assert node.trust.desk.providers.named("visby").secret not in str(found)
    assert page.base_url == HOME
