"""City, search and the timetable day, as the server gives them."""

from __future__ import annotations

import re

import orjson
import pytest
from starlette.testclient import TestClient

from hansa.node import Node
from hansa.web.pages.measures import class_bounds, main_part
from tests.web import town


def config(html: str) -> dict:  # type: ignore[type-arg]
    found = re.search(r'id="city">(.*?)</script>', html)
    assert found
    return orjson.loads(found[1])


def test_city_shows_its_numbers_with_unit_date_and_source(pages: TestClient) -> None:
    html = pages.get("/").text
    assert re.search(r"<strong>451,899</strong> <span>people", html)
    assert "in 4 zones" in html
    # Ten parts of 386 m; the virtual link does not count.
    assert re.search(r"<strong>4</strong> <span>km of streets", html)
    assert re.search(r"<strong>2</strong> <span>stops<sup>", html)
    assert re.search(r"<strong>96</strong> <span>trips", html)
    assert re.search(r'data-entity="[^"]+">Town timetable</a>, retrieved \d+ \w+ \d{4}', html)


def test_city_html_is_small(pages: TestClient) -> None:
    assert len(pages.get("/").content) < 30_000


def test_credits_stand_in_the_page_itself(pages: TestClient) -> None:
    html = pages.get("/").text
    assert re.search(r'id="credits">.*Town Buses', html)


def test_city_starts_where_people_live(pages: TestClient) -> None:
    west, south, east, north = config(pages.get("/").text)["bounds"]
    assert (west, south) == (town.WEST, town.SOUTH)
    assert (round(east, 6), round(north, 6)) == (-70.96, -29.96)


def test_city_shows_only_layers_that_hold_something(
    pages: TestClient, empty_pages: TestClient
) -> None:
    offered = re.findall(r'data-layer="(\w+)"', pages.get("/").text)
    assert offered == ["vehicles", "stops", "transit", "roads", "zones", "buildings", "places"]
    assert "data-layer" not in empty_pages.get("/").text


def test_an_empty_city_says_what_would_be_here_and_how(empty_pages: TestClient) -> None:
    html = empty_pages.get("/").text
    assert "holds no city yet" in html
    assert "hansa import osm" in html


@pytest.mark.parametrize("query", ["cordova", "CÓRDOVA", "avenida cór"])
def test_search_ignores_case_and_accents(pages: TestClient, query: str) -> None:
    html = pages.get("/city/search", params={"q": query, "part": "list"}).text
    assert "Avenida Córdova" in html
    assert "11 parts" in html
    assert "<html" not in html


def test_one_part_of_a_street_tells_of_the_others(pages: TestClient) -> None:
    html = pages.get("/city/search", params={"q": "cordova", "part": "list"}).text
    id = html.split('data-entity="')[1].split('"')[0]
    one = pages.get(f"/entity/{id}", params={"part": "panel"}).text
    assert "Show all 11 parts on the map" in one
    assert "LineString" in one and "GeometryCollection" not in one
    whole = pages.get(f"/entity/{id}?part=panel&whole").text
    assert whole.count("LineString") == 11


def test_streets_of_one_name_in_two_places_are_two(
    empty_pages: TestClient, empty_node: Node
) -> None:
    street = town.streets()
    apart = [{**part, "name": {"type": "Property", "value": "Balmaceda"}} for part in street]
    town.write(empty_node, [apart[0], apart[1], apart[9]])
    html = empty_pages.get("/city/search", params={"q": "balmaceda", "part": "list"}).text
    assert html.count("Balmaceda") == 2
    assert "2 parts" in html
    alone = "urn:ngsi-ld:RoadSegment:town:9"
    assert "Show all" not in empty_pages.get(f"/entity/{alone}?part=panel").text


def test_search_works_as_a_page_too(pages: TestClient) -> None:
    html = pages.get("/city/search", params={"q": "nunoa"}).text
    assert "Ñuñoa Estación" in html
    assert 'value="nunoa"' in html


def test_search_puts_whole_names_first(pages: TestClient) -> None:
    html = pages.get("/city/search", params={"q": "Zone 2", "part": "list"}).text
    assert re.findall(r"<span>([^<]*)</span>", html) == ["Zone 2"]


def test_search_without_match_says_so(pages: TestClient) -> None:
    html = pages.get("/city/search", params={"q": "<b>x", "part": "list"}).text
    assert "Nothing here is called" in html
    assert "<b>" not in html


def test_a_new_name_is_found_at_once(empty_node: Node, empty_pages: TestClient) -> None:
    ask = {"q": "zone", "part": "list"}
    assert "Nothing here" in empty_pages.get("/city/search", params=ask).text
    town.write(empty_node, town.zones())
    assert "Zone 3" in empty_pages.get("/city/search", params=ask).text


def test_numbers_follow_the_data(empty_node: Node, empty_pages: TestClient) -> None:
    town.write(empty_node, town.zones()[:1])
    assert "<strong>100,000</strong>" in empty_pages.get("/").text
    town.write(empty_node, town.zones()[1:])
    assert "<strong>451,899</strong>" in empty_pages.get("/").text


def test_a_node_without_streets_is_not_called_empty(
    empty_node: Node, empty_pages: TestClient
) -> None:
    no_city, own = "This node holds no city yet.", "What this node holds stands on the map"
    page = empty_pages.get("/").text
    assert no_city in page
    assert own not in page
    assert "also while the node is served" in page
    town.write(empty_node, [{**town.places()[1], "type": "Tree", "id": "urn:ngsi-ld:Tree:1"}])
    page = empty_pages.get("/").text
    assert own in page
    assert no_city not in page


def test_the_day_holds_every_run(pages: TestClient) -> None:
    day = pages.get("/city/day", params={"weekday": 2}).json()
    assert len(day["runs"]) == 96
    assert len(day["patterns"]) == len(day["shapes"]) == 1
    pattern, start, trip = day["runs"][0]
    assert (pattern, start, trip) == (0, 6 * 3600, "urn:ngsi-ld:GtfsTrip:town:T0")
    assert day["patterns"][0]["times"] == [0, 1500]
    assert day["patterns"][0]["metres"][1] == day["shapes"][0]["metres"][-1]


def test_the_day_counts_vehicles_on_the_way(pages: TestClient) -> None:
    service = pages.get("/city/day", params={"weekday": 2}).json()["service"]
    assert len(service) == 97
    assert service[5 * 4] == 0
    assert service[8 * 4 + 2] == 3  # 25 minutes on the way, one every ten
    assert max(service) == 3


def test_runs_past_midnight_are_on_the_next_day_too(pages: TestClient) -> None:
    # The last one leaves at 21:50 and arrives at 22:15, so nothing runs at midnight here.
    assert pages.get("/city/day", params={"weekday": 0}).json()["service"][0] == 0


def test_an_ended_timetable_says_that_it_is_replayed(pages: TestClient) -> None:
    note = pages.get("/city/day", params={"weekday": 2}).json()["note"]
    assert "ended on 31 December 2019" in note
    assert "replays 18 December 2019" in note


@pytest.mark.parametrize("weekday", ["7", "-1", "x", ""])
def test_a_day_that_is_none_is_refused(pages: TestClient, weekday: str) -> None:
    assert pages.get("/city/day", params={"weekday": weekday}).status_code == 400


def test_class_bounds_are_round_and_at_most_six() -> None:
    import numpy as np

    bounds = class_bounds(np.linspace(1, 9_000, 500))
    assert bounds[0] == 0
    assert len(bounds) == 6
    assert all(bound % 500 == 0 for bound in bounds)
    assert class_bounds(np.array([])) == ()
    assert class_bounds(np.array([7.0, 7.0])) == (0, 7) or len(class_bounds(np.array([7.0]))) <= 2


def test_main_part_leaves_out_where_nobody_lives() -> None:
    import numpy as np

    boxes = np.array([[0, 0, 1, 1], [1, 0, 2, 1], [50, 50, 90, 90]], dtype=float)
    assert main_part(boxes, np.array([500.0, 500.0, 1.0])) == (0.0, 0.0, 2.0, 1.0)


def test_people_say_of_which_year_they_are_or_that_nobody_says(
    pages: TestClient, empty_node: Node, empty_pages: TestClient
) -> None:
    assert "in 4 zones; year not given by the source" in pages.get("/").text
    (zone, *_) = town.zones()
    zone["population"]["observedAt"] = "2017-04-19T12:00:00Z"
    town.write(empty_node, [zone])
    assert "in one zone; as of 19 April 2017" in empty_pages.get("/").text


def test_without_streets_the_page_says_how_they_come(
    empty_node: Node, empty_pages: TestClient
) -> None:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [10.0, 50.0]}}
    source = {
        "id": "urn:ngsi-ld:DataSource:trees",
        "type": "DataSource",
        "title": {"type": "Property", "value": "trees.csv"},
    }
    town.write(
        empty_node, [{"id": "urn:ngsi-ld:Tree:1", "type": "Tree", "location": place}, source]
    )
    page = empty_pages.get("/").text
    assert "no streets beneath it yet" in page
    assert "import osm city.osm.pbf" in page
    assert 'placeholder="Search by name"' in page
    assert re.search(r'id="credits"></p>', page)  # nobody is to be named
    assert 'id="map-loading" role="status"' in page


def test_with_streets_the_page_asks_for_none(pages: TestClient) -> None:
    page = pages.get("/").text
    assert "no streets beneath it yet" not in page
    assert 'placeholder="Search streets, stops, places"' in page
