"""Entities to measure with: about 1 KB each, like the road segments of an imported city."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any, Final

from hansa.kernel.clock import iso
from hansa.ngsild.model import LOCATION
from hansa.store.port import Edited, Write

__all__ = ["CLASSES", "ROAD", "TYPE", "put", "road", "roads"]

ROAD: Final = "https://smartdatamodels.org/dataModel.Transportation/"
TYPE: Final = ROAD + "RoadSegment"
CLASSES: Final = ("primary", "secondary", "tertiary", "residential", "service")

_WEST, _SOUTH, _SIZE = -71.35, -30.05, 0.25


def road(number: int, chance: random.Random, turn: int = 0) -> dict[str, Any]:
    """Road segment `number`; `turn` makes its values differ from those of other turns."""
    now = iso(datetime.now(UTC))
    stamps = {"createdAt": now, "modifiedAt": now}

    def one(kind: str, **members: Any) -> list[dict[str, Any]]:
        return [{"type": kind, **members, **stamps}]

    x, y = _WEST + chance.random() * _SIZE, _SOUTH + chance.random() * _SIZE
    line = [[round(x + i * 0.0004, 6), round(y + i * 0.0003, 6)] for i in range(3)]
    return {
        "id": f"urn:ngsi-ld:RoadSegment:{number}",
        "type": [TYPE],
        **stamps,
        LOCATION: one("GeoProperty", value={"type": "LineString", "coordinates": line}),
        ROAD + "name": one("Property", value=f"Calle {number % 997}"),
        ROAD + "roadClass": one("Property", value=CLASSES[number % len(CLASSES)]),
        ROAD + "length": one("Property", value=round(chance.random() * 900, 2)),
        ROAD + "flow": one("Property", value=chance.randrange(100_000) + turn / 10),
    }


def roads(first: int, count: int, seed: int = 1, turn: int = 0) -> list[dict[str, Any]]:
    """Consecutive road segments."""
    chance = random.Random(seed + first)
    return [road(first + n, chance, turn) for n in range(count)]


def put(entity: dict[str, Any]) -> Write:
    """A write that stores `entity` whatever was there."""
    return Write(entity["id"], lambda old: Edited(entity))
