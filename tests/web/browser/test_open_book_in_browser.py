"""Open book in a real browser: its map, its width, its colours, without script, and for those who do not see it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from hansa.kernel.settings import Settings
from hansa.node import Node
from tests.web import town
from tests.web.browser.conftest import Open, chromium, served
from tests.web.open_book import declare

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = ("", "/sources", "/sources/count", "/frugality", "/access")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    chromium()
    folder = tmp_path_factory.mktemp("book")
    node = Node.open(folder / "node", Settings(city="Coquimbo y La Serena"))
    town.fill(node, folder)
    declare(node)
    node.trust.reads.refused("source.not-allowed")
    with served(node) as found:
        yield found + "/open-book"
    node.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_are_accessible(open_page: Open, address: str, path: str, scheme: str) -> None:
    page = open_page(address + path, color_scheme=scheme)
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in violations] == []


@pytest.mark.parametrize("tongue", ["en", "es", "fr", "ko"])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_scrolls_sideways_on_a_small_phone(
    open_page: Open, address: str, path: str, tongue: str
) -> None:
    page = open_page(f"{address}{path}?lang={tongue}", width=360, height=740)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    nav = page.locator(".nav").evaluate("(nav) => nav.scrollWidth - nav.clientWidth")
    assert nav <= 0


def test_the_map_shows_the_sources_and_leads_to_them(open_page: Open, address: str) -> None:
    page = open_page(address)
    page.wait_for_selector("html[data-map=ready]", state="attached", timeout=60_000)
    expect(page.locator("#map-missing")).to_be_hidden()
    expect(page.locator("#map canvas")).to_be_visible()


def test_without_scripts_all_is_in_the_list(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#map-missing")).to_contain_text("needs JavaScript")
    page.get_by_role("link", name="Pedestrians on the promenade").click()
    expect(page.locator("h1")).to_have_text("Pedestrians on the promenade")
    expect(page.locator("#facts")).to_be_visible()
    context.close()


def test_the_sign_is_shown_on_the_page_of_its_source(open_page: Open, address: str) -> None:
    page = open_page(address + "/sources/air")
    sign = page.locator(".sign img")
    sign.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('.sign img').naturalWidth > 0")
    expect(sign).to_have_attribute("alt", "The sign of Air at the harbour, to print")


def test_targets_are_large_enough_on_a_phone(open_page: Open, address: str) -> None:
    page = open_page(address, width=360, height=740)
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, .nav a, .links a")]
          .filter(e => e.offsetParent !== null)
          .filter(e => e.getBoundingClientRect().height < 28).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert small == []
