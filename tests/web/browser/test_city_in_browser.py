"""City in a real browser: the map, what moves on it, the panel, the keyboard, small and dark."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright, expect

from hansa.node import Node
from tests.web.browser.conftest import Open, chromium, served
from tests.web.test_tile_others import plant
from tests.web.town import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VEHICLES = """() => hansaMap.queryRenderedFeatures({layers: ["vehicles"]})
  .map(f => [f.properties.id, ...f.geometry.coordinates])"""


def click_on_map(page: Page, longitude: float, latitude: float) -> None:
    """Click where a place is drawn."""
    x, y = page.evaluate(
        "([lon, lat]) => { const p = hansaMap.project([lon, lat]);"
        " const r = hansaMap.getContainer().getBoundingClientRect(); return [p.x + r.x, p.y + r.y]; }",
        [longitude, latitude],
    )
    page.mouse.click(x, y)


def test_the_map_draws_the_town(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/")
    layers = page.evaluate(
        "() => [...new Set(hansaMap.queryRenderedFeatures().map(f => f.layer.id))]"
    )
    assert {"zones", "roads", "transit", "stops"} <= set(layers)
    expect(page.locator("#map-missing")).to_be_hidden()
    expect(page.locator("#credits")).to_contain_text("Town Buses")


def test_vehicles_move_by_the_change_feed(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/")
    page.wait_for_function(f"() => ({VEHICLES})().length > 0", timeout=30_000)
    before = {id: place for id, *place in page.evaluate(VEHICLES)}
    page.wait_for_function(
        f"""(before) => ({VEHICLES})().some(([id, x, y]) => before[id] &&
            (before[id][0] !== x || before[id][1] !== y))""",
        arg=before,
        timeout=30_000,
    )
    expect(page.locator("#day-say")).to_contain_text(re.compile(r"vehicles? on the way"))
    expect(page.locator("#day .mark")).to_have_text("scheduled")
    expect(page.locator("#day-replay")).to_contain_text("ended on 31 December 2019")


def test_a_click_opens_a_zone_and_escape_closes_it(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/")
    click_on_map(page, -70.993, -29.995)
    expect(page.locator("#detail .said")).to_have_text("100,000 of 451,899 people in 4 zones")
    assert "entity=" in page.url
    expect(page).to_have_title("Zone 1 · Town")
    page.keyboard.press("Escape")
    expect(page).to_have_title("Town")
    expect(page.locator("#overview h1")).to_be_visible()
    assert "entity=" not in page.url


def test_a_click_opens_what_has_no_layer_of_its_own(
    open_page: Open, tmp_path: Path, empty_node: Node
) -> None:
    plant(empty_node, tmp_path)
    with served(empty_node) as address:
        page = open_page(address + "/#map=17/-29.981/-70.981")
        click_on_map(page, -70.981, -29.981)
        expect(page.locator("#detail .name")).to_have_text("Araucaria")
        page.close()


def test_back_leads_out_of_an_entity_and_not_out_of_the_city(
    open_page: Open, town_address: str
) -> None:
    page = open_page(town_address + "/")
    click_on_map(page, -70.993, -29.995)
    expect(page.locator("#detail .said")).to_be_visible()
    page.go_back()
    expect(page.locator("#overview h1")).to_be_visible()
    assert "entity=" not in page.url
    page.go_forward()
    expect(page.locator("#detail .said")).to_have_text("100,000 of 451,899 people in 4 zones")


def test_an_address_opens_its_entity(open_page: Open, town_address: str) -> None:
    page = open_page(f"{town_address}/#entity=urn%3Angsi-ld%3AGtfsStop%3Atown%3AS1")
    expect(page.locator("#detail .name")).to_have_text("Plaza de Armas")


def test_hostile_texts_stay_text(open_page: Open, town_address: str) -> None:
    page = open_page(f"{town_address}/#entity=urn%3Angsi-ld%3APointOfInterest%3Atown%3A1")
    expect(page.locator("#detail .name")).to_have_text(HOSTILE)
    assert page.locator("#detail img").count() == 0


def test_search_by_keyboard_flies_to_the_match(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/")
    page.locator("#q").fill("estacion")
    expect(page.locator(".match")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#detail .name")).to_have_text("Ñuñoa Estación")
    page.wait_for_function("() => !hansaMap.isMoving() && hansaMap.getZoom() > 14", timeout=30_000)


def test_a_found_street_is_shown_as_a_whole(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/")
    page.locator("#q").fill("avenida córdova")
    expect(page.locator(".match")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#detail .name")).to_have_text("Avenida Córdova")
    whole = page.locator("#detail [data-geometry]").get_attribute("data-geometry") or ""
    assert len(json.loads(whole)["geometries"]) == 11
    expect(page.locator("#detail [data-whole]")).to_contain_text("11")


def test_the_word_that_the_map_is_drawn_goes_when_it_is(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/")
    page.wait_for_function("() => document.documentElement.dataset.map === 'ready'", timeout=30_000)
    expect(page.locator("#map-loading")).to_be_hidden()


def test_everything_can_be_reached_by_keyboard(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/")
    met: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        met.append(
            page.evaluate(
                "() => { const e = document.activeElement;"
                " return e.dataset.layer || e.id || e.className || e.textContent.trim(); }"
            )
        )
        if "maplibregl-canvas" in str(met[-1]):
            break
    for wanted in ("skip", "panel-toggle", "q", "day-time", "day-play", "vehicles", "zones"):
        assert wanted in met, (wanted, met)


def test_a_switch_hides_its_layer(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/")
    page.locator("input[data-layer=zones]").focus()
    page.keyboard.press("Space")
    assert page.evaluate("() => hansaMap.getLayoutProperty('zones', 'visibility')") == "none"


def test_the_legend_stands_on_the_map_while_the_zones_do(
    open_page: Open, town_address: str
) -> None:
    page = open_page(town_address + "/")
    legend = page.locator("#legend")
    expect(legend).to_be_in_viewport(ratio=1)
    expect(legend).to_contain_text("No data: land or sea")
    page.locator('[data-layer="zones"]').evaluate("(switch_) => switch_.click()")
    expect(legend).to_be_hidden()


def test_the_credits_take_one_line_on_a_phone(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/", width=360, height=740)
    box = page.locator("#credits").bounding_box()
    assert box is not None
    assert box["height"] < 24


def test_the_panel_slides_away_and_back(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/")
    toggle = page.locator("#panel-toggle")
    toggle.click()
    expect(toggle).to_have_attribute("aria-expanded", "false")
    expect(page.locator("#q")).to_be_hidden()
    toggle.click()
    expect(page.locator("#q")).to_be_visible()


def test_watching_an_hour_shows_its_vehicles(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/")
    expect(page.locator("#day")).to_be_visible()
    page.locator("#day-time").fill("200")
    expect(page.locator("#day-say")).to_have_text(
        "03:20 No vehicle runs at this hour; the next one starts at 06:00."
    )
    page.locator("#day-time").fill("700")
    expect(page.locator("#day-say")).to_contain_text("11:40 3 vehicles on the way")
    page.locator("#day-live").click()
    expect(page.locator("#day-live")).to_be_hidden()


def test_the_day_plays(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/")
    play = page.locator("#day-play")
    play.click()
    expect(play).to_have_attribute("aria-pressed", "true")
    start = int(page.locator("#day-time").input_value())
    page.wait_for_function(
        "(start) => Number(document.getElementById('day-time').value) > start + 2", arg=start
    )
    play.click()
    expect(play).to_have_attribute("aria-pressed", "false")


def test_colours_follow_the_system_and_the_button(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/", color_scheme="dark")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(15, 27, 38)"
    page.locator("[data-theme-button]").click()
    assert page.evaluate(ground) == "rgb(250, 248, 244)"
    page.wait_for_function(
        "() => hansaMap.isStyleLoaded() &&"
        " hansaMap.getPaintProperty('ground', 'background-color') === 'rgb(226, 232, 234)'",
        timeout=30_000,
    )
    page.reload()
    assert page.evaluate(ground) == "rgb(250, 248, 244)"


@pytest.mark.parametrize("path", ["/", "/data", "/data/GtfsTrip", "/api", "/live",
                                  "/entity/urn:ngsi-ld:GtfsStop:town:S1"])  # fmt: skip
def test_nothing_scrolls_sideways_on_a_small_phone(
    open_page: Open, town_address: str, path: str
) -> None:
    page = open_page(town_address + path, width=360, height=740)
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= 360


def test_targets_are_large_enough_on_a_phone(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/", width=390, height=844)
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, .nav a, .switch-row, select, input[type=search]")]
          .filter(e => e.offsetParent !== null && e.id !== "panel-toggle")
          .filter(e => e.getBoundingClientRect().height < 43.5).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert small == []


def test_without_webgl_there_is_a_list_and_a_word_why(
    playwright: Playwright, town_address: str
) -> None:
    browser = playwright.chromium.launch(
        executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", "--disable-3d-apis"]
    )
    page = browser.new_page()
    page.goto(town_address + "/")
    expect(page.locator("#map-missing")).to_contain_text("WebGL is off or missing")
    expect(page.locator(".kinds a").first).to_be_visible()
    page.locator("#q").fill("plaza")
    page.locator(".match").first.click()
    expect(page.locator("#detail .name")).to_have_text("Plaza de Armas")
    browser.close()


def test_without_scripts_there_is_a_list_and_a_word_why(
    browser: Browser, town_address: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(town_address + "/")
    expect(page.locator("#map-missing")).to_contain_text("needs JavaScript")
    page.locator("#q").fill("plaza")
    page.keyboard.press("Enter")
    page.locator(".match").first.click()
    expect(page.locator("h1")).to_have_text("Plaza de Armas")
    context.close()


def test_motion_stops_for_those_who_ask(open_page: Open, town_address: str) -> None:
    page = open_page(town_address + "/", reduced_motion="reduce")
    assert (
        page.evaluate("() => getComputedStyle(document.querySelector('.panel')).transitionDuration")
        == "0s"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    ["/", "/data", "/data/GtfsTrip", "/entity/urn:ngsi-ld:GtfsTrip:town:T0", "/api", "/nothing"],
)
def test_pages_are_accessible(open_page: Open, town_address: str, path: str, scheme: str) -> None:
    page = open_page(
        town_address + path, fault="404" if path == "/nothing" else "", color_scheme=scheme
    )
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in violations] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_open_entity_is_accessible(open_page: Open, town_address: str, scheme: str) -> None:
    address = f"{town_address}/#entity=urn%3Angsi-ld%3ATransportZone%3Atown%3A1"
    page = open_page(address, color_scheme=scheme)
    expect(page.locator("#detail .said")).to_be_visible()
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in violations] == []


@pytest.mark.demo
def test_the_demonstration_city_is_alive(open_page: Open, city_address: str) -> None:
    page = open_page(city_address + "/", width=1440, height=900)
    expect(page.locator(".figure.first strong")).to_have_text("451,899")
    page.wait_for_function(f"() => ({VEHICLES})().length >= 30", timeout=60_000)
    before = {id: place for id, *place in page.evaluate(VEHICLES)}
    page.wait_for_function(
        f"""(before) => ({VEHICLES})().filter(([id, x, y]) => before[id] &&
            (before[id][0] !== x || before[id][1] !== y)).length >= 5""",
        arg=before,
        timeout=60_000,
    )
    zone = page.evaluate(
        """() => { const f = hansaMap.queryRenderedFeatures({layers: ["zones"]})
             .find(f => f.properties.people > 3000);
           return f.properties.id; }"""
    )
    page.evaluate("(id) => { location.hash = '#entity=' + encodeURIComponent(id); }", zone)
    expect(page.locator("#detail .said")).to_have_text(
        re.compile(r"^[\d,]+ of 451,899 people in 133 zones$")
    )
    expect(page.locator("#credits")).to_contain_text("© OpenStreetMap contributors")
