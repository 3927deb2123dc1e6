"""The Data pages, their downloads, and the API for readers."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from hansa.node import Node
from hansa.web.tiles.projection import tile_of
from tests.web import town


def test_data_lists_types_sources_and_freshness(pages: TestClient) -> None:
    html = pages.get("/data").text
    assert re.search(
        r"GtfsTrip</code></small></th>\s*<td class=\"number\"[^>]*><span>96</span></td>", html
    )
    assert "Town timetable" in html
    assert "CC0-1.0" in html
    assert "gtfs 1" in html
    assert re.search(r"\d+ \w+ \d{4}, \d\d:\d\d", html)


def test_every_example_query_runs(pages: TestClient) -> None:
    addresses = re.findall(r'<a href="([^"]*/ngsi-ld/v1/[^"]*)">', pages.get("/data").text)
    assert len(addresses) >= 5
    for address in map(unescape, addresses):
        parts = urlsplit(address)
        answer = pages.get(f"{parts.path}?{parts.query}")
        assert answer.status_code == 200, address
        assert answer.json(), address


def test_the_commands_hold_the_same_addresses(pages: TestClient) -> None:
    html = unescape(pages.get("/data").text)
    addresses = re.findall(r'<a href="([^"]*/ngsi-ld/v1/[^"]*)">', html)
    assert all(f"'{address}'" in html for address in addresses)


def test_an_empty_node_says_how_to_bring_data(empty_pages: TestClient) -> None:
    html = empty_pages.get("/data").text
    assert "holds no data yet" in html
    assert "hansa import" in html


def test_a_type_has_a_table_with_pages(pages: TestClient) -> None:
    first = pages.get("/data/GtfsTrip").text
    assert len(re.findall(r'<th scope="row"><a href="/entity/', first)) == 50
    assert "Page 1 of 2" in first
    second = pages.get("/data/GtfsTrip", params={"page": 2}).text
    assert len(re.findall(r'<th scope="row"><a href="/entity/', second)) == 46


def test_a_type_is_sorted_by_a_column(pages: TestClient) -> None:
    def order(sort: str) -> list[str]:
        html = pages.get("/data/TransportZone", params={"sort": sort}).text
        return re.findall(r">(Zone \d)</a>", html)

    assert order("population") == ["Zone 4", "Zone 1", "Zone 3", "Zone 2"]
    assert order("-population") == ["Zone 2", "Zone 3", "Zone 1", "Zone 4"]


def test_a_type_lists_its_attributes_with_kinds(pages: TestClient) -> None:
    html = pages.get("/data/TransportZone").text
    assert re.search(r"<code>population</code></td><td[^>]*>Property</td>", html)
    assert re.search(r"<code>location</code></td><td[^>]*>GeoProperty</td>", html)


@pytest.mark.parametrize(
    ("query", "status"),
    [("page=0", 400), ("page=3", 400), ("page=x", 400), ("sort=nothing", 400), ("page=2", 200)],
)
def test_odd_pages_and_sortings_are_refused(pages: TestClient, query: str, status: int) -> None:
    assert pages.get(f"/data/GtfsTrip?{query}").status_code == status


def test_an_unknown_type_is_not_found(pages: TestClient) -> None:
    assert pages.get("/data/Nothing").status_code == 404
    assert pages.get("/data/Nothing.geojson").status_code == 404


def test_geojson_of_a_type(pages: TestClient) -> None:
    answer = pages.get("/data/TransportZone.geojson")
    assert answer.headers["content-type"].startswith("application/geo+json")
    document = answer.json()
    assert len(document["features"]) == 4
    first = document["features"][0]
    assert first["geometry"]["type"] == "Polygon"
    assert first["properties"]["population"] == 100_000


def test_jsonld_of_a_type_names_its_context(pages: TestClient) -> None:
    document = pages.get("/data/GtfsTrip.jsonld").json()
    assert len(document["@graph"]) == 96
    assert document["@graph"][0]["type"] == "GtfsTrip"
    assert pages.get(urlsplit(document["@context"]).path).status_code == 200


def test_the_api_page_lists_every_operation(pages: TestClient) -> None:
    html = pages.get("/api").text
    paths = pages.get("/openapi.json").json()["paths"]
    assert all(f"<code>{path}</code>" in html for path in paths)


def test_the_api_page_says_who_may_do_what(pages: TestClient, empty_pages: TestClient) -> None:
    html = unescape(pages.get("/api").text)
    assert "Authorization: Bearer $HANSA_TOKEN" in html
    assert "hansa init FOLDER --new-token" in html
    operations = re.findall(r"<summary>(.*?)</summary>", html)
    guarded = [o for o in operations if "with the token" in o]
    assert any('"verb verb-delete"' in o for o in guarded)
    assert not any("<code>/entities</code>" in o and ">GET<" in o for o in guarded)
    open_to_all = empty_pages.get("/api").text
    assert "everyone on this machine may read and write" in open_to_all
    assert "with the token" not in open_to_all


def test_the_api_page_says_once_what_all_operations_share(pages: TestClient) -> None:
    html = pages.get("/api").text
    assert html.count("NGSILD-Tenant") == 1
    assert html.count("The operator&#39;s token is missing or wrong.") == 1


def test_commands_of_an_empty_node_can_be_copied_as_they_stand(
    empty_pages: TestClient, empty_node: Node
) -> None:
    for path in ("/", "/data"):
        html = unescape(empty_pages.get(path).text)
        line = f"hansa import gtfs feed.zip --folder {empty_node.folder.root}"
        assert f'data-copy="{line}"' in html, path
        assert f"<code>{line}</code>" in re.sub("</?span[^>]*>", "", html), path


def test_vehicles_say_how_their_place_was_made(empty_node: Node, empty_pages: TestClient) -> None:
    others = {f"a{n}": {"type": "Property", "value": n} for n in range(9)}
    made = {"positionSource": {"type": "Property", "value": "scheduled"}}
    town.write(empty_node, [{"id": "urn:x:bus", "type": "Vehicle", **others, **made}])
    assert "scheduled" in empty_pages.get("/data/Vehicle").text
    assert "scheduled" in empty_pages.get("/data/Vehicle", params={"sort": "a3"}).text


def test_what_vanished_from_its_source_is_counted_listed_and_drawn_apart(
    empty_node: Node, empty_pages: TestClient
) -> None:
    def stop(number: int, **more: str) -> dict[str, object]:
        at = {"type": "Point", "coordinates": [-71.0, -30.0]}
        named = {"name": f"Stop {number}", **more}
        plain = {term: {"type": "Property", "value": value} for term, value in named.items()}
        place = {"type": "GeoProperty", "value": at}
        return {"id": f"urn:x:stop:{number}", "type": "GtfsStop", "location": place, **plain}

    since = {"vanishedAt": "2026-01-02T10:00:00Z"}
    town.write(empty_node, [stop(1), stop(2), stop(3, **since)])
    data = empty_pages.get("/data").text
    assert "holds 2 entities" in data
    assert "One more is no longer in its source" in data
    assert re.search(r'<span>2<br><small><a href="/data/GtfsStop\?gone=1">one gone', data)
    here, gone = (empty_pages.get(f"/data/GtfsStop{q}").text for q in ("", "?gone=1"))
    assert "Stop 1</a>" in here
    assert "Stop 3</a>" not in here
    assert "Stop 3</a>" in gone
    assert "Stop 1</a>" not in gone
    assert empty_pages.get("/data/GtfsStop?gone=x").status_code == 400
    city = empty_pages.get("/").text
    assert re.search(r"<strong>2</strong> <span>stops", city)
    assert "Stop 3" not in empty_pages.get("/city/search?q=stop").text
    assert "Stop 2" in empty_pages.get("/city/search?q=stop").text
    tile = empty_pages.get("/tiles/15/{}/{}.mvt".format(*tile_of(15, -71.0, -30.0))).content
    assert b"urn:x:stop:1" in tile
    assert b"urn:x:stop:3" not in tile


def test_a_type_of_which_all_vanished_is_still_found(
    empty_node: Node, empty_pages: TestClient
) -> None:
    gone = {"type": "Property", "value": "2026-01-02T10:00:00Z"}
    town.write(empty_node, [{"id": "urn:x:1", "type": "Kiosk", "vanishedAt": gone}])
    assert "One that its source no longer has" in empty_pages.get("/data/Kiosk").text
    assert "Kiosk" not in empty_pages.get("/").text


def source(**more: object) -> dict[str, object]:
    plain = {
        "title": "Feed",
        "adapter": "gtfs",
        "adapterVersion": "1",
        "fileName": "a b.zip",
    } | more
    values = {term: {"type": "Property", "value": value} for term, value in plain.items()}
    return {"id": "urn:ngsi-ld:DataSource:feed", "type": "DataSource", **values}


def test_an_import_that_broke_off_is_told_in_words_with_what_mends_it(
    empty_node: Node, empty_pages: TestClient
) -> None:
    town.write(empty_node, [source(status="incomplete", liveStatus="failing")])
    html = unescape(empty_pages.get("/data").text)
    assert "import broke off" in html
    assert "does not answer" in html
    assert "import gtfs 'a b.zip' --name feed --folder" in html
    assert ">incomplete<" not in html
    assert "importación interrumpida" in empty_pages.get("/data?lang=es").text


def test_a_source_that_is_well_says_nothing_of_it(
    empty_node: Node, empty_pages: TestClient
) -> None:
    town.write(empty_node, [source(status="current", liveStatus="current")])
    html = empty_pages.get("/data").text
    assert 'class="standing"' not in html
    assert "--name feed" not in html


def test_what_a_licence_is_stands_on_every_page_that_shows_its_data(
    empty_node: Node, empty_pages: TestClient
) -> None:
    origin = {"type": "Relationship", "object": "urn:ngsi-ld:DataSource:feed"}
    stop = {"id": "urn:x:stop", "type": "GtfsStop", "importedFrom": origin}
    town.write(empty_node, [source(license="CC-BY-4.0"), stop])
    link = 'href="https://creativecommons.org/licenses/by/4.0/" rel="'
    for path in ("/data", "/data/GtfsStop", "/entity/urn:x:stop"):
        html = empty_pages.get(path).text
        assert link in html, path
        assert "not stated" not in html, path
    assert link in empty_pages.get("/entity/urn:ngsi-ld:DataSource:feed").text


def test_a_source_without_licence_says_what_that_means(
    empty_node: Node, empty_pages: TestClient
) -> None:
    said = {"type": "Property", "value": "Bus Co."}
    origin = {
        "type": "Relationship",
        "object": "urn:ngsi-ld:DataSource:feed",
        "attribution": said,
    }
    stop = {"id": "urn:x:stop", "type": "GtfsStop", "importedFrom": origin}
    town.write(empty_node, [source(attribution="Bus Co."), stop])
    for path in (
        "/data",
        "/data/GtfsStop",
        "/entity/urn:x:stop",
        "/entity/urn:ngsi-ld:DataSource:feed",
    ):
        html = empty_pages.get(path).text
        assert "not stated" in html, path
        assert "Ask Bus Co. before you pass it on" in html, path
