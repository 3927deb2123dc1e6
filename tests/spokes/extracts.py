"""A tiny OpenStreetMap extract: a harbour town of a few streets and houses, written with pyosmium.

The extract is the square from 0.000 to 0.010 degrees; some ways run out of it and lack nodes there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import osmium
from osmium.osm.mutable import Node, Relation, Way

NODES: dict[int, tuple[float, float]] = {
    1: (0.001, 0.001), 2: (0.002, 0.001), 3: (0.002, 0.002), 4: (0.001, 0.002),
    5: (0.0013, 0.0013), 6: (0.0016, 0.0013), 7: (0.0016, 0.0016), 8: (0.0013, 0.0016),
    10: (0.003, 0.005), 11: (0.004, 0.005), 12: (0.005, 0.005), 14: (0.009, 0.005),
    20: (0.006, 0.001), 21: (0.007, 0.001), 22: (0.007, 0.002), 23: (0.006, 0.002),
    30: (0.008, 0.0005), 31: (0.008, 0.004), 32: (0.008, 0.0095),
    40: (0.004, 0.008), 41: (0.0045, 0.008), 42: (0.0045, 0.0085),
}  # fmt: skip
"""Places by number; 13, 15 and 43 lie outside the extract and are not in it."""

POINTS: list[tuple[int, tuple[float, float], dict[str, str]]] = [
    (50, (0.005, 0.0055), {"amenity": "cafe", "name": "Harbour Café", "cuisine": "coffee"}),
    (51, (0.0052, 0.0055), {"amenity": "bench"}),
    (52, (0.0054, 0.0055), {"shop": "books;gifts", "tourism": "attraction"}),
    (53, (0.0056, 0.0055), {"place": "suburb", "name": "Old Town", "population": "1200"}),
    (54, (0.0058, 0.0055), {"shop": "no"}),
]
WAYS: list[tuple[int, list[int], dict[str, str]]] = [
    (100, [10, 11, 12], {"highway": "primary", "name": "Quay", "lanes": "2", "maxspeed": "30 mph", "bridge": "yes", "surface": "asphalt", "oneway": "-1"}),
    (101, [12, 13, 14, 15], {"highway": "residential"}),
    (102, [11, 12, 13, 14, 10], {"highway": "service", "junction": "roundabout"}),
    (103, [10, 14], {"highway": "proposed"}),
    (110, [20, 21, 22, 23, 20], {"building": "apartments", "building:levels": "4", "addr:street": "Quay", "addr:housenumber": "7", "amenity": "library"}),
    (111, [40, 41, 42, 43, 40], {"building": "yes", "height": "12.5 m"}),
    (112, [40, 43, 40], {"building": "yes"}),
    (120, [1, 2, 3, 4, 1], {}),
    (121, [5, 6, 7, 8, 5], {}),
    (130, [20, 21, 22, 20], {"leisure": "park", "name": "Green"}),
    (131, [40, 41, 42, 40], {"natural": "water", "water": "pond", "intermittent": "yes"}),
    (132, [10, 11], {"waterway": "river", "name": "Bach"}),
    (140, [30, 31, 32], {"natural": "coastline"}),
]  # fmt: skip
RELATIONS: list[tuple[int, list[tuple[str, int, str]], dict[str, str]]] = [
    (200, [("w", 120, "outer"), ("w", 121, "inner")], {"type": "multipolygon", "building": "yes"}),
    (201, [("w", 999, "outer")], {"type": "multipolygon", "landuse": "forest"}),
    (202, [("w", 999, "outer")], {"type": "route", "route": "bus"}),
]


def write_extract(path: Path, **changes: Any) -> Path:
    """Write the extract; `changes` replaces ``nodes``, ``points``, ``ways`` or ``relations``."""
    path.unlink(missing_ok=True)
    header = osmium.io.Header()
    header.add_box(osmium.osm.Box(0.0, 0.0, 0.01, 0.01))
    with osmium.SimpleWriter(str(path), header=header) as writer:
        for id, place in changes.get("nodes", NODES).items():
            writer.add_node(Node(id=id, location=place, version=1))
        for id, place, tags in changes.get("points", POINTS):
            writer.add_node(Node(id=id, location=place, tags=tags, version=1))
        for id, nodes, tags in changes.get("ways", WAYS):
            writer.add_way(Way(id=id, nodes=nodes, tags=tags, version=1))
        for id, members, tags in changes.get("relations", RELATIONS):
            writer.add_relation(Relation(id=id, members=members, tags=tags, version=1))
    return path
