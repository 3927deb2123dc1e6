"""The pages of single entities: complete, safe, and set in their city."""

from __future__ import annotations

import html as escaping
import json
import re
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from hansa.node import Node
from hansa.web.pages.codes import meaning
from hansa.web.pages.history import Point, _counting, _Written
from hansa.web.shell.links import web_link
from tests.web import town

ZONE = "urn:ngsi-ld:TransportZone:town:1"


def test_a_zone_is_set_against_all_zones(pages: TestClient) -> None:
    html = pages.get(f"/entity/{ZONE}").text
    assert "100,000 of 451,899 people in 4 zones" in html


def test_words_for_units_are_translated(pages: TestClient) -> None:
    html = pages.get(f"/entity/{ZONE}", params={"lang": "fr"}).text
    assert re.search(r'<span class="unit">habitants</span>', html)


def test_an_entity_is_a_whole_page_without_scripts(pages: TestClient) -> None:
    html = pages.get(f"/entity/{ZONE}").text
    assert html.count("<h1") == 1
    assert "<h1>Zone 1</h1>" in html
    assert f'href="/#entity={ZONE.replace(":", "%3A")}"' in html or "Show it on the map" in html
    assert f"/ngsi-ld/v1/entities/{ZONE}" in html


def test_the_panel_part_is_no_page(pages: TestClient) -> None:
    html = pages.get(f"/entity/{ZONE}", params={"part": "panel"}).text
    assert "<html" not in html
    assert '<h2 class="name"' in html
    assert "data-back" in html


def test_the_geometry_comes_with_the_page(pages: TestClient) -> None:
    html = pages.get(f"/entity/{ZONE}", params={"part": "panel"}).text
    found = re.search(r'data-geometry="([^"]*)" data-box="([^"]*)"', html)
    assert found
    assert json.loads(escaping.unescape(found[1]))["type"] == "Polygon"
    assert json.loads(escaping.unescape(found[2])) == [-71.0, -30.0, -70.98, -29.98]


def test_units_stand_beside_numbers(pages: TestClient) -> None:
    html = pages.get("/entity/urn:ngsi-ld:RoadSegment:town:0").text
    assert re.search(r'386<span class="unit">m</span>', html)


def test_origin_licence_and_credit_are_shown(pages: TestClient) -> None:
    html = pages.get("/entity/urn:ngsi-ld:GtfsStop:town:S1").text
    assert "Town timetable" in html
    assert "CC0-1.0" in html
    assert "Town Buses" in html


def test_links_lead_to_entities_by_name(pages: TestClient) -> None:
    html = pages.get("/entity/urn:ngsi-ld:GtfsTrip:town:T0").text
    assert "06:00 → Estación" in html
    assert re.search(r'data-entity="urn:ngsi-ld:GtfsRoute:town:R1">1 Directo</a>', html)


def test_colours_of_lines_are_shown_without_style_attributes(pages: TestClient) -> None:
    html = pages.get("/entity/urn:ngsi-ld:GtfsRoute:town:R1").text
    assert 'fill="#f40606"' in html
    assert "style=" not in html


def test_hostile_texts_are_escaped_everywhere(pages: TestClient) -> None:
    id = "urn:ngsi-ld:PointOfInterest:town:1"
    for path in (
        f"/entity/{id}",
        f"/entity/{id}?part=panel",
        "/city/search?q=img",
        "/city/search?q=img&part=list",
        "/data/PointOfInterest",
    ):
        html = pages.get(path).text
        assert "&lt;img" in html, path
        assert "<img" not in html, path


def test_only_web_addresses_become_links(pages: TestClient) -> None:
    html = pages.get("/entity/urn:ngsi-ld:PointOfInterest:town:1").text
    assert "javascript:alert(1)" in html
    assert 'href="javascript:' not in html
    assert 'href="https://town.example/?a=1&amp;b=2"' in html


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("https://a.example/x", True),
        ("HTTP://a.example", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://a.example/ b", False),
        ('https://a.example/"onclick=', False),
        ("//a.example", False),
        (" https://a.example", False),
    ],
)
def test_web_link(text: str, safe: bool) -> None:
    assert bool(web_link(text)) is safe


def change(node: Node, value: float, observed: str) -> None:
    from hansa.ngsild import merge
    from hansa.ngsild.city import city_context
    from hansa.ngsild.expand import Rules, expand_entity
    from hansa.store.port import Edited, Write

    fresh = expand_entity(
        {
            "id": "urn:ngsi-ld:Sensor:1",
            "type": "Sensor",
            "speed": {
                "type": "Property",
                "value": value,
                "unitCode": "KMH",
                "observedAt": observed,
            },
        },
        Rules(city_context()),
    )

    def edit(current):  # type: ignore[no-untyped-def]
        if current is None:
            return Edited(merge.create(fresh, observed))
        return Edited(merge.append(current, fresh, observed)[0])

    node.local_store().write([Write("urn:ngsi-ld:Sensor:1", edit)]).result()


def test_history_is_drawn_once_a_number_has_changed(
    empty_node: Node, empty_pages: TestClient
) -> None:
    change(empty_node, 30, "2026-01-01T00:00:00.000000Z")
    page = empty_pages.get("/entity/urn:ngsi-ld:Sensor:1").text
    assert "No number of this entity has changed yet" in page
    change(empty_node, 42.5, "2026-01-02T00:00:00.000000Z")
    page = empty_pages.get("/entity/urn:ngsi-ld:Sensor:1").text
    assert plotted(page) == ([1767225600, 1767312000], [[30.0, 42.5]])
    assert "42.5</b> km/h" in page
    assert "by day" not in page


def test_of_values_for_one_moment_the_last_written_counts(
    empty_node: Node, empty_pages: TestClient
) -> None:
    for value in (18.5, 20.5, 19.5):
        change(empty_node, value, "2026-05-04T04:00:00.000000Z")
    page = empty_pages.get("/entity/urn:ngsi-ld:Sensor:1").text
    assert plotted(page) == ([1777867200], [[19.5]])
    assert "19.5</b> km/h" in page
    rows = re.findall(r"<td>([\d.]+) km/h(<br><small>corrected on )?", page)
    assert rows == [("19.5", "")] + [(v, "<br><small>corrected on ") for v in ("20.5", "18.5")]


def test_what_an_entity_says_now_counts_though_the_clock_was_set_back() -> None:
    moment, written = datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    new, old = (_Written(Point(moment, value, value, value), written) for value in (19.5, 18.5))
    points, superseded = _counting([new, old], present=19.5)
    assert [point.value for point in points] == [19.5]
    assert [point.value for point in superseded] == [18.5]


def test_a_link_to_what_is_not_here_says_so(empty_node: Node, empty_pages: TestClient) -> None:
    zone = {"type": "Relationship", "object": "urn:ngsi-ld:TransportZone:coquimbo:42"}
    town.write(empty_node, [{"id": "urn:ngsi-ld:Tree:1", "type": "Tree", "inZone": zone}])
    page = empty_pages.get("/entity/urn:ngsi-ld:Tree:1").text
    assert "<span>ngsi-ld:</span><span>TransportZone:</span>" in page
    assert "not in this node" in page
    town.write(empty_node, [{"id": zone["object"], "type": "TransportZone"}])
    page = empty_pages.get("/entity/urn:ngsi-ld:Tree:1").text
    assert "Zone 42</a>" in page
    assert "not in this node" not in page


def plotted(page: str) -> tuple[list[float], list[list[float]]]:
    """Times and columns of the first chart."""
    found = re.search(r'data-times="([^"]*)" data-columns="([^"]*)"', page)
    assert found
    return json.loads(escaping.unescape(found[1])), json.loads(escaping.unescape(found[2]))


def test_a_long_history_can_be_summed_up_by_periods(
    empty_node: Node, empty_pages: TestClient
) -> None:
    for hour in range(48):
        day, clock = divmod(hour, 24)
        change(empty_node, hour, f"2026-01-{day + 1:02d}T{clock:02d}:30:00.000000Z")
    page = empty_pages.get("/entity/urn:ngsi-ld:Sensor:1").text
    assert len(plotted(page)[0]) == 48
    assert 'per=day#history"' in page
    page = empty_pages.get("/entity/urn:ngsi-ld:Sensor:1?per=day").text
    times, (means, low, high) = plotted(page)
    assert times == [1767225600, 1767312000]
    assert (means, low, high) == ([11.5, 35.5], [0, 24], [23, 47])
    assert "2 periods, 48 values" in page


def test_only_periods_of_the_calendar_can_be_chosen(pages: TestClient) -> None:
    answer = pages.get("/entity/urn:ngsi-ld:GtfsStop:town:a?per=fortnight")
    assert answer.status_code in (400, 404)
    assert "Traceback" not in answer.text


def test_what_vanished_from_its_source_says_so(empty_node: Node, empty_pages: TestClient) -> None:
    gone = {"type": "Property", "value": "2026-01-02T10:00:00Z"}
    town.write(empty_node, [{"id": "urn:ngsi-ld:Tree:1", "type": "Tree", "vanishedAt": gone}])
    page = empty_pages.get("/entity/urn:ngsi-ld:Tree:1").text
    assert "Its source no longer has this, since 2 January 2026" in page


def test_an_unknown_entity_is_a_page_that_helps(pages: TestClient) -> None:
    answer = pages.get("/entity/urn:x:<script>")
    assert answer.status_code == 404
    assert "is not on this node" in answer.text
    assert "<script>" not in answer.text.split("<main")[1].split("</main>")[0]


def test_any_attribute_kind_has_a_row(empty_node: Node, empty_pages: TestClient) -> None:
    town.write(
        empty_node,
        [
            {
                "id": "urn:ngsi-ld:Thing:1",
                "type": "Thing",
                "title": {"type": "LanguageProperty", "languageMap": {"es": "Hola", "en": "Hello"}},
                "payload": {"type": "JsonProperty", "json": {"a": ["</pre><script>x</script>"]}},
                "series": {"type": "ListProperty", "valueList": [1, 2.5, "x"]},
                "kind": {"type": "VocabProperty", "vocab": "Building"},
                "near": {
                    "type": "ListRelationship",
                    "objectList": [{"object": "urn:ngsi-ld:Gone:1"}],
                },
                "outline": {"type": "GeoProperty", "value": town.square(0, 0)},
                "open": {"type": "Property", "value": True},
                "since": {"type": "Property", "value": "2026-01-01T10:00:00Z"},
                "nested": {
                    "type": "Property",
                    "value": {"deep": 1},
                    "accuracy": {"type": "Property", "value": 3},
                },
            }
        ],
    )
    page = empty_pages.get("/entity/urn:ngsi-ld:Thing:1", headers={"Accept-Language": "es"}).text
    for text in (
        "Hola",
        "2,5",
        "Building",
        "urn:ngsi-ld:Gone:1",
        "sí",
        "1 de enero de 2026",
        "accuracy: 3",
    ):
        assert text in page, text
    assert "<script>x" not in page


def test_the_record_of_an_import_says_who_wrote_it(pages: TestClient) -> None:
    source = pages.get("/ngsi-ld/v1/entities?type=DataSource&limit=1").json()[0]["id"]
    html = pages.get(f"/entity/{source}").text
    assert "Written by the import that it tells of." in html
    assert "Written through the API" not in html


def test_codes_of_timetables_stand_in_words(pages: TestClient) -> None:
    assert "bus (3)" in pages.get("/entity/urn:ngsi-ld:GtfsRoute:town:R1").text
    assert meaning(["GtfsStop"], "wheelChairAccessible", 2) == "not accessible"
    assert meaning(["GtfsTrip"], "direction", "1") == "the opposite direction"
    assert meaning(["WeatherObserved"], "direction", 1) == ""
    assert meaning(["GtfsStop"], "wheelChairAccessible", "limited") == ""


def test_progress_is_per_cent_and_a_day_has_no_hour(
    empty_node: Node, empty_pages: TestClient
) -> None:
    progress = {"type": "Property", "value": 0.374, "observedAt": "2026-05-04T00:00:00Z"}
    vehicle = {"id": "urn:x:bus", "type": "Vehicle", "progress": progress}
    town.write(empty_node, [vehicle])
    html = empty_pages.get("/entity/urn:x:bus").text
    assert re.search(r'37<span class="unit">%</span>', html)
    assert "observed 4 May 2026<" in html.replace("\n", "")


def test_a_day_is_a_day_in_the_language_of_the_page(
    empty_node: Node, empty_pages: TestClient
) -> None:
    def value(given: object) -> dict[str, object]:
        return {"type": "Property", "value": given}

    tree = {
        "id": "urn:x:tree",
        "type": "Tree",
        "plantedOn": value("2019-05-01"),
        "feltOn": value({"@type": "Date", "@value": "2031-06-07"}),
        "seenAt": value({"@type": "DateTime", "@value": "2020-02-03T04:05:00Z"}),
        "pruned": value(["2021-01-02", "2022-03-04"]),
        "label": value("2019-13-45"),
    }
    town.write(empty_node, [tree])
    english = empty_pages.get("/entity/urn:x:tree").text
    for text in ("1 May 2019", "7 June 2031", "3 February 2020, ", "2 January 2021", "2019-13-45"):
        assert text in english, text
    assert "1 May 2019, " not in english
    assert "1 de mayo de 2019" in empty_pages.get("/entity/urn:x:tree?lang=es").text
    assert "2019년 5월 1일" in empty_pages.get("/data/Tree?lang=ko").text


def test_words_of_vocabularies_are_read_in_the_language_of_the_page(
    empty_node: Node, empty_pages: TestClient
) -> None:
    plain = {
        "roadClass": "living_street",
        "modes": ["car", "bicycle"],
        "travelDirection": "both",
        "surface": "fancy_stones",
        "wheelChairAccessible": "limited",
        "name": "car",
    }
    road = {term: {"type": "Property", "value": value} for term, value in plain.items()}
    town.write(empty_node, [{"id": "urn:x:road", "type": "RoadSegment", **road}])
    english = empty_pages.get("/entity/urn:x:road").text
    for text in ("living street", "bicycle", "both ways", "fancy stones", "accessible in part"):
        assert text in english, text
    spanish = empty_pages.get("/entity/urn:x:road?lang=es").text
    for text in (
        "calle de convivencia",
        "automóvil",
        "bicicleta",
        "ambos sentidos",
        "<h1>car</h1>",
    ):
        assert text in spanish, text
    assert "bicicleta" in empty_pages.get("/data/RoadSegment?lang=es").text


def test_the_state_of_a_source_is_told_in_words(empty_node: Node, empty_pages: TestClient) -> None:
    state = {"status": {"type": "Property", "value": "incomplete"}}
    town.write(
        empty_node,
        [
            {"id": "urn:x:source", "type": "DataSource", **state},
            {"id": "urn:x:other", "type": "Delivery", **state},
        ],
    )
    assert "broke off, is incomplete" in empty_pages.get("/entity/urn:x:source").text
    other = empty_pages.get("/entity/urn:x:other").text
    assert "broke off" not in other
    assert "incomplete" in other
