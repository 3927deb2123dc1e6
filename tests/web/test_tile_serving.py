"""Tiles of the town over HTTP: layers, caching, freshness, sharing."""

from __future__ import annotations

import asyncio
import gzip
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import pytest
from starlette.testclient import TestClient

from hansa.ngsild.city import city_iri
from hansa.node import Node
from hansa.web.tiles import TileServer
from hansa.web.tiles.cache import DiskCache, MemoryCache
from hansa.web.tiles.layers import LAYERS
from hansa.web.tiles.projection import tile_of
from tests.web import town

AT = (-70.98, -29.98)


def tile_path(zoom: int) -> str:
    column, row = tile_of(zoom, *AT)
    return f"/tiles/{zoom}/{column}/{row}.mvt"


def layers(pages: TestClient, zoom: int) -> dict[str, Any]:
    answer = pages.get(tile_path(zoom))
    assert answer.status_code == 200
    return mapbox_vector_tile.decode(answer.content)


def test_a_close_tile_holds_everything_by_name(pages: TestClient) -> None:
    found = layers(pages, 14)
    assert set(found) >= {"zones", "roads", "stops", "transit", "buildings"}
    roads = found["roads"]["features"]
    assert all(
        road["properties"]["id"].startswith("urn:ngsi-ld:RoadSegment:town:") for road in roads
    )
    assert {road["properties"]["class"] for road in roads} == {"primary"}


def test_virtual_links_are_never_drawn(pages: TestClient) -> None:
    for zoom in (10, 14):
        classes = {f["properties"]["class"] for f in layers(pages, zoom)["roads"]["features"]}
        assert "centroid_connector" not in classes


def test_far_views_merge_streets_of_a_class(pages: TestClient) -> None:
    (road,) = layers(pages, 10)["roads"]["features"]
    assert road["properties"] == {"class": "primary"}
    assert road["geometry"]["type"] == "MultiLineString"


def test_zones_carry_people_and_area(pages: TestClient) -> None:
    zones = layers(pages, 10)["zones"]["features"]
    assert sum(zone["properties"]["people"] for zone in zones) == 451_899
    assert all(4.0 < zone["properties"]["area"] < 5.0 for zone in zones)


def test_a_building_keeps_its_height(pages: TestClient) -> None:
    (building,) = layers(pages, 14)["buildings"]["features"]
    assert building["properties"]["height"] == 12


def test_an_empty_tile_has_no_content(pages: TestClient) -> None:
    answer = pages.get("/tiles/14/0/0.mvt")
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("path", ["/tiles/16/0/0.mvt", "/tiles/3/8/0.mvt", "/tiles/3/0/8.mvt"])
def test_a_tile_off_the_map_is_refused(pages: TestClient, path: str) -> None:
    assert pages.get(path).status_code == 404


def test_tiles_are_revalidated_or_kept_when_the_address_pins_them(pages: TestClient) -> None:
    first = pages.get(tile_path(12))
    assert first.headers["cache-control"] == "no-cache"
    again = pages.get(tile_path(12), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    pinned = pages.get(tile_path(12) + "?v=" + first.headers["etag"].strip('"'))
    assert "max-age" in pinned.headers["cache-control"]


def test_a_client_without_gzip_gets_the_same_tile(pages: TestClient) -> None:
    packed = pages.get(tile_path(12))
    assert packed.headers["content-encoding"] == "gzip"
    plain = pages.get(tile_path(12), headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == packed.content


def test_tilejson_names_tiles_layers_and_credit(pages: TestClient) -> None:
    document = pages.get("/tiles.json").json()
    assert document["tiles"][0].startswith("http://127.0.0.1:1356/tiles/{z}/{x}/{y}.mvt?v=")
    named = [layer["id"] for layer in document["vector_layers"]]
    others = ["other-areas", "other-lines", "other-points"]
    assert named == [*(layer.name for layer in LAYERS), *others]
    assert "Town Buses" in document["attribution"]


def served(node: Node, path: Path | None = None) -> TileServer:
    return TileServer(node.public_store(), city_iri, path)


def zone_count(server: TileServer) -> int:
    _, data = server.tile((10, *tile_of(10, *AT)))
    if not data:
        return 0
    return len(mapbox_vector_tile.decode(gzip.decompress(data))["zones"]["features"])


def test_a_change_shows_in_the_next_tile(empty_node: Node) -> None:
    server = served(empty_node)
    assert zone_count(server) == 0
    before = server.version()
    town.write(empty_node, town.zones()[:1])
    assert zone_count(server) == 1
    assert server.version() != before


def test_a_change_of_something_else_leaves_tiles_alone(empty_node: Node) -> None:
    town.write(empty_node, town.zones())
    server = served(empty_node)
    before = server.version()
    town.write(empty_node, [{"id": "urn:ngsi-ld:Vehicle:town:1", "type": "Vehicle"}])
    assert server.version() == before


def test_layers_on_disk_are_used_again(empty_node: Node, tmp_path: Path) -> None:
    town.write(empty_node, town.zones())
    path = tmp_path / "cache" / "tiles.sqlite"
    assert zone_count(served(empty_node, path)) == 4

    class Unreadable:
        """A store whose features must not be asked for."""

        def __init__(self, node: Node) -> None:
            store = node.public_store()
            self.last_change, self.changes = store.last_change, store.changes
            self.shapes = store.shapes

    assert zone_count(TileServer(Unreadable(empty_node), city_iri, path)) == 4  # type: ignore[arg-type]


def test_a_damaged_cache_file_is_made_anew(empty_node: Node, tmp_path: Path) -> None:
    town.write(empty_node, town.zones())
    path = tmp_path / "tiles.sqlite"
    path.write_bytes(b"this is no database" * 100)
    assert zone_count(served(empty_node, path)) == 4


def test_parts_of_old_versions_leave_the_disk() -> None:
    cache = DiskCache(None)
    cache.put((1, 0, 0), {"zones": (5, b"old"), "roads": (5, b"kept")})
    cache.save_state({"#read": 6}, {"zones": 6, "roads": 5})
    assert cache.get("zones", (1, 0, 0), 5) is None
    assert cache.get("roads", (1, 0, 0), 5) == b"kept"
    assert cache.state() == {"#read": 6}


def test_memory_keeps_the_tiles_used_last() -> None:
    cache = MemoryCache(limit=10)
    cache.put((1, 0, 0), "v", b"12345")
    cache.put((1, 0, 1), "v", b"12345")
    assert cache.get((1, 0, 0), "v") == b"12345"
    cache.put((1, 1, 0), "v", b"12345")
    assert cache.get((1, 0, 1), "v") is None
    assert cache.get((1, 0, 0), "v") == b"12345"
    assert cache.get((1, 0, 0), "other") is None


def test_identical_requests_share_one_computation(empty_node: Node) -> None:
    town.write(empty_node, town.zones())
    server = served(empty_node)
    made: list[int] = []
    hold = threading.Event()
    original = server.tile

    def counted(tile: tuple[int, int, int]) -> tuple[str, bytes]:
        made.append(1)
        hold.wait(10)
        return original(tile)

    server.tile = counted  # type: ignore[method-assign]

    async def ask() -> set[bytes]:
        tile = (10, *tile_of(10, *AT))
        tasks = [asyncio.ensure_future(server.shared(tile)) for _ in range(5)]
        await asyncio.sleep(0.05)
        hold.set()
        return {data for _, data in await asyncio.gather(*tasks)}

    assert len(asyncio.run(ask())) == 1
    assert len(made) == 1


def test_the_first_tile_is_made_before_anyone_asks(empty_node: Node) -> None:
    town.write(empty_node, town.zones())
    with TestClient(empty_node.app, base_url="http://127.0.0.1:1356"):
        pass  # the node has started and stopped; whatever it did at its start is done
    with closing(sqlite3.connect(empty_node.folder.cache / "tiles.sqlite")) as cache:
        rows = cache.execute("SELECT count(*) FROM part WHERE z = 11").fetchone()
    assert rows[0] > 0
