"""Which entities are drawn on which layer of the map: one table, and the words it uses.

The order of the table is the order of the layers in a tile. Names of types and attributes are terms
of the city context, so the table reads like the API.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hansa.web.tiles.mvt import LINE, POINT, POLYGON

__all__ = ["LAYERS", "MAX_ZOOM", "Layer"]

MAX_ZOOM: Final = 15
"""The deepest zoom that tiles are made for; closer than that the map enlarges these."""

Z = MAX_ZOOM


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a tile.

    Attributes:
        name: the layer's name in the tile.
        types: entity types drawn on it (terms).
        kind: POINT, LINE or POLYGON; geometries of another dimension are left out.
        columns: tile property to attribute (terms), in order of preference where several.
        from_zoom: the layer is empty at lower zooms.
        known_from: lower than this zoom features carry no identifier or name and those whose
            other properties agree are one feature, which keeps far views small.
        rank: the column that :attr:`rank_from` speaks of.
        rank_from: least zoom by value of that column; a value that is not named appears at
            `rest_from`, one mapped to 99 never does.
        smallest: least length, or side, in grid units (of 4096); not applied at the deepest zoom.
        area: whether the area in km² is added as the property ``area``.
    """

    name: str
    types: tuple[str, ...]
    kind: int
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    from_zoom: int = 0
    known_from: int = 0
    rank: str = ""
    rank_from: dict[str, int] = field(default_factory=dict)
    rest_from: int = 0
    smallest: float = 0.0
    area: bool = False


NEVER: Final = 99

ROAD_RANKS: Final = {
    "motorway": 0,
    "motorway_link": 9,
    "trunk": 0,
    "trunk_link": 9,
    "primary": 8,
    "primary_link": 11,
    "secondary": 9,
    "secondary_link": 11,
    "tertiary": 10,
    "tertiary_link": 12,
    "unclassified": 11,
    "residential": 12,
    "living_street": 12,
    "pedestrian": 13,
    "service": 14,
    "track": 14,
    "cycleway": 14,
    "path": 14,
    "footway": 14,
    "steps": 15,
    "centroid_connector": NEVER,
}

LAYERS: Final = (
    Layer(
        name="land",
        types=("LandCover",),
        kind=POLYGON,
        columns={"class": ("coverClass",)},
        known_from=Z + 1,
        smallest=24.0,
    ),
    Layer(
        name="water",
        types=("OSMWater",),
        kind=POLYGON,
        columns={"name": ("name",)},
        known_from=12,
        smallest=16.0,
    ),
    Layer(
        name="waterway",
        types=("OSMWater",),
        kind=LINE,
        columns={"name": ("name",)},
        from_zoom=11,
        known_from=14,
    ),
    Layer(
        name="zones",
        types=("TransportZone",),
        kind=POLYGON,
        columns={"name": ("name",), "people": ("population",)},
        area=True,
    ),
    Layer(
        name="buildings",
        types=("Building",),
        kind=POLYGON,
        columns={"height": ("height",), "floors": ("floorsAboveGround",)},
        from_zoom=13,
        known_from=14,
        smallest=20.0,
    ),
    Layer(
        name="roads",
        types=("RoadSegment",),
        kind=LINE,
        columns={"class": ("roadClass",), "name": ("name",)},
        known_from=14,
        rank="class",
        rank_from=ROAD_RANKS,
        rest_from=13,
    ),
    Layer(
        name="transit",
        types=("GtfsShape", "PublicTransportRoute"),
        kind=LINE,
        columns={"name": ("name",), "colour": ("routeColor",)},
        known_from=13,
    ),
    Layer(
        name="stops",
        types=("GtfsStop", "GtfsStation", "PublicTransportStop"),
        kind=POINT,
        columns={"name": ("name",)},
        from_zoom=11,
    ),
    Layer(
        name="places",
        types=("PointOfInterest",),
        kind=POINT,
        columns={"name": ("name",), "class": ("category",)},
        from_zoom=14,
    ),
    Layer(
        name="settlements",
        types=("OSMPlace",),
        kind=POINT,
        columns={"name": ("name",), "class": ("placeType",)},
    ),
)
