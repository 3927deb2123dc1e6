"""Own data, of types that no layer knows, are on the map all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mapbox_vector_tile
import pytest
from starlette.testclient import TestClient

from hansa.ngsild.city import city_iri
from hansa.ngsild.model import LOCATION
from hansa.node import Node
from hansa.spokes.registry import find_spoke
from hansa.spokes.runner import Request, run_import
from hansa.store.port import Shape
from hansa.web.tiles.others import FEW, other_layers, other_types
from hansa.web.tiles.projection import tile_of
from tests.web import town

MAPPING = """
type = "Tree"
id = "{number}"

[location]
longitude = "lon"
latitude = "lat"

[attributes]
name = "species"
"""

TREES = """number,species,lon,lat
1,Araucaria,-70.981,-29.981
2,Molle,-70.982,-29.982
"""


def plant(node: Node, folder: Path) -> None:
    """Import the trees as any table is imported."""
    (folder / "trees.csv").write_text(TREES)
    (folder / "trees.toml").write_text(MAPPING)
    request = Request(
        source=str(folder / "trees.csv"),
        name="trees",
        attribution="Parks of Town",
        options={"mapping": str(folder / "trees.toml")},
    )
    run_import(node.local_store(), find_spoke("table"), request, node.clock)


def layers(pages: TestClient, zoom: int) -> dict[str, Any]:
    column, row = tile_of(zoom, -70.981, -29.981)
    answer = pages.get(f"/tiles/{zoom}/{column}/{row}.mvt")
    return mapbox_vector_tile.decode(answer.content) if answer.content else {}


@pytest.mark.parametrize("zoom", [4, 10, 14])
def test_a_table_of_trees_is_on_the_map(
    empty_node: Node, empty_pages: TestClient, tmp_path: Path, zoom: int
) -> None:
    assert layers(empty_pages, zoom) == {}
    plant(empty_node, tmp_path)
    found = [f["properties"] for f in layers(empty_pages, zoom)["other-points"]["features"]]
    assert [tree["name"] for tree in found] == ["Araucaria", "Molle"]
    assert all(tree["id"].startswith("urn:ngsi-ld:Tree:trees:") for tree in found)


def test_the_panel_offers_a_switch_for_them(
    empty_node: Node, empty_pages: TestClient, tmp_path: Path
) -> None:
    assert 'data-layer="others"' not in empty_pages.get("/").text
    plant(empty_node, tmp_path)
    page = empty_pages.get("/").text
    assert 'data-layer="others"' in page
    assert "Parks of Town" in page
    assert 'href="/data/Tree"' in page


def test_lines_and_areas_have_their_layers(empty_node: Node, empty_pages: TestClient) -> None:
    line = {"type": "LineString", "coordinates": [[-70.981, -29.981], [-70.98, -29.98]]}
    shapes = {"Hedge": line, "Park": town.square(0, 0)}
    town.write(
        empty_node,
        [
            {"id": f"urn:x:{kind}", "type": kind, "location": {"type": "GeoProperty", "value": v}}
            for kind, v in shapes.items()
        ],
    )
    assert {"other-areas", "other-lines"} <= set(layers(empty_pages, 14))


def test_what_is_drawn_elsewhere_or_left_out_is_not_drawn_twice(pages: TestClient) -> None:
    assert not [name for name in layers(pages, 14) if name.startswith("other")]


def shape(count: int, *terms: str, place: bool = True) -> Shape:
    attributes = {LOCATION: frozenset({"GeoProperty"})} if place else {}
    return Shape(tuple(map(city_iri, terms)), attributes, count)


def test_types_are_chosen_by_place_and_by_what_else_draws_them() -> None:
    shapes = [
        shape(3, "Tree"),
        shape(4, "Tree", "Plant"),
        shape(1, "Idea", place=False),
        shape(9, "Vehicle"),
        shape(9, "RoadNode"),
        shape(9, "DataSource"),
        shape(9, "Monument", "Building"),
    ]
    assert other_types(shapes, city_iri) == {city_iri("Tree"): 7, city_iri("Plant"): 4}


def test_many_are_drawn_from_close_only() -> None:
    assert {layer.from_zoom for layer in other_layers({"x": FEW})} == {0}
    assert {layer.from_zoom for layer in other_layers({"x": FEW + 1})} == {11}
