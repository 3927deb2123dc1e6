"""Logging in, in a real browser: the first link, second factors, passkeys, a provider elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.identity.second import _totp
from hansa.trust.principals import LOCAL, token_hash
from tests.oidc.conftest import issuer, register  # noqa: F401
from tests.trust.test_residents import SECRET as OPERATORS
from tests.trust.test_residents import close_meters, write

from .conftest import Open, chromium, served

pytestmark = pytest.mark.browser
SECRET = "a long way to Visby"
NEWER = "an even longer way to Visby"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    chromium()
    settings = Settings(
        city="Visby",
        egress_allow=("localhost",),
        operator_token_hash=token_hash(OPERATORS),
        second_factor="nobody",
    )
    made = Node.open(tmp_path / "node", settings)
    yield made
    made.close()


@pytest.fixture
def home(node: Node) -> Iterator[str]:
    """The node at a name: passkeys belong to one."""
    with served(node) as address:
        yield address.replace("127.0.0.1", "localhost")


def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.locator(f"form:visible [name={name}]:visible").first.fill(value)


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    page.wait_for_selector("a[href='/login']")


def test_from_the_first_link_to_administering(node: Node, home: str, open_page: Open) -> None:
    page = open_page(f"{home}/link/{node.trust.desk.first_link()}")
    fill(page, name="ana", password=SECRET, again=SECRET)
    page.get_by_role("button", name="Keep it, and log in").click()
    page.wait_for_url(f"{home}/account")
    page.get_by_role("link", name="Accounts of this node").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Accounts of this node"
    fill(page, name="bo")
    page.get_by_label("planner", exact=True).last.check()
    page.get_by_role("button", name="Invite, with a link").click()
    assert "/link/" in page.locator(".once code").inner_text()
    assert node.trust.desk.accounts.named("bo").roles == ("planner",)


def test_a_new_password_an_app_and_a_recovery_code(node: Node, home: str, open_page: Open) -> None:
    node.trust.desk.accounts.add("ana", roles=["administrator"])
    node.trust.desk.choose_password("ana", SECRET)
    page = open_page(f"{home}/login?next=/account", fault="401")
    fill(page, name="ana", password=SECRET)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_text("Change the password").first.click()
    fill(page, current=SECRET, password=NEWER, again=NEWER)
    page.get_by_role("button", name="Change the password").click()
    assert page.locator(".done").inner_text() == "Done."

    page.get_by_text("Set up an app").click()
    assert page.locator(".qr svg path").count() == 2, "a ground and the modules"
    whole, ink = (page.locator(f".qr svg{each}").last.bounding_box() for each in ("", " path"))
    assert whole
    assert ink
    for start, length in (("x", "width"), ("y", "height")):
        left = ink[start] - whole[start]
        right = whole[start] + whole[length] - ink[start] - ink[length]
        assert min(left, right) > 4, "all of it is within the picture, with a margin"
    key = page.locator("code.key").inner_text()
    fill(page, code=_totp(key).generate(int(time.time())).decode(), current=NEWER)
    page.get_by_role("button", name="Put it in force").click()
    codes = page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    log_out(page)

    for code, let_in in (("", False), (codes[0], True)):
        page.goto(f"{home}/login?next=/account")
        fill(page, name="ana", password=NEWER, code=code)
        page.get_by_role("button", name="Log in", exact=True).click()
        assert page.url.endswith("/account") is let_in
    assert "9 recovery codes are left" in page.content()
    log_out(page)
    page.goto(f"{home}/login?next=/account")
    fill(page, name="ana", password=NEWER, code=codes[0])
    page.get_by_role("button", name="Log in", exact=True).click()
    assert page.locator("#fault").is_visible(), "a recovery code is good once"


def authenticator(page: Page) -> None:
    """A device with a finger on it, in the place of a real one."""
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_opens_the_account_it_was_made_for(
    node: Node, home: str, open_page: Open
) -> None:
    for name in ("ana", "bo"):
        node.trust.desk.accounts.add(name)
        node.trust.desk.choose_password(name, SECRET)
    page = open_page(f"{home}/login?next=/account", fault="401")
    authenticator(page)
    fill(page, name="ana", password=SECRET)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_text("Add a passkey").first.click()
    fill(page, label="laptop", current=SECRET)
    page.get_by_role("button", name="Add a passkey").click()
    page.wait_for_selector(".done")
    assert page.get_by_role("row", name="laptop").count() == 1
    (key,) = node.trust.desk.accounts.named("ana").passkeys
    assert key["name"] == "laptop"
    log_out(page)

    page.goto(f"{home}/login?next=/account")
    page.get_by_role("button", name="Log in by a passkey").click()
    page.wait_for_url(f"{home}/account")
    assert page.get_by_role("heading", level=1).inner_text() == "ana"
    (used,) = node.trust.desk.accounts.named("ana").passkeys
    assert used["used"]
    assert used["count"] > key["count"]

    page.get_by_role("row", name="laptop").get_by_text("Remove").first.click()
    fill(page, current=SECRET)
    page.get_by_role("row", name="laptop").get_by_role("button").click()
    assert node.trust.desk.accounts.named("ana").passkeys == ()
    log_out(page)
    page.goto(f"{home}/login?next=/account")
    page.get_by_role("button", name="Log in by a passkey").click()
    page.wait_for_selector("#fault")
    assert page.locator("#fault").inner_text() == "This passkey opens no account here."
    node.trust.log.close()
    reasons = [each.entry.reason for each in node.trust.log.entries(0, 50)]
    assert "passkey.added" in reasons
    assert "passkey.removed" in reasons


def test_logging_in_at_a_provider(
    node: Node,
    home: str,
    open_page: Open,
    issuer: str,  # noqa: F811
) -> None:
    register(node, issuer, home, rules=("administrator if sub=ana",))
    page = open_page(f"{home}/login?next=/admin/accounts", fault="Failed to load")
    page.get_by_role("link", name="Visby ID").click()
    page.wait_for_url(f"{issuer}/**")
    page.get_by_role("button", name="ana").click()
    page.wait_for_url(f"{home}/admin/accounts")
    assert "Ana Lund" in page.locator("table").inner_text()


def test_a_resident_sees_the_reads_of_their_own_entity(
    node: Node, home: str, open_page: Open
) -> None:
    """What everybody may see is not logged; what only staff may see is, and its owner sees that."""
    desk, meter = node.trust.desk, "urn:ngsi-ld:SmartMeter:rosa"
    desk.accounts.add("rosa", kind="resident")
    desk.accounts.add("pia", roles=["planner"])
    desk.choose_password("rosa", SECRET)
    write(node, meter, 7)
    node.trust.residents.link(LOCAL, "rosa", meter, "contract 4711 and passport seen")
    close_meters(node)
    _, token = desk.tokens.add("pia", "test")
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{home}/ngsi-ld/v1/entities/{meter}", headers=bearer).status_code == 200

    page = open_page(f"{home}/login?next=/my-data")
    fill(page, name="rosa", password=SECRET)
    page.get_by_role("button", name="Log in", exact=True).click()
    row = page.locator("table").first.locator("tbody tr")
    assert row.count() == 1
    assert "pia" in row.inner_text()
    assert "household-statistics" in row.inner_text()
    page.get_by_text("Agree to a purpose").click()
    fill(page, purpose="energy-advice")
    page.get_by_role("button", name="Agree", exact=True).click()
    assert node.trust.residents.consents.consented("rosa", "energy-advice")
    page.get_by_role("button", name="Withdraw").click()
    assert not node.trust.residents.consents.consented("rosa", "energy-advice")
    page.get_by_text("Erase it", exact=True).click()
    page.get_by_role("button", name="Ask to erase it").click()
    (wish,) = node.trust.residents.wishes.all()
    node.trust.residents.decide(LOCAL, wish.id, granted=True)
    page.goto(f"{home}/my-data")
    assert "granted" in page.locator("table").last.inner_text()
    assert page.locator("details pre").count() == 0
