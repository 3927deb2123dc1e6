"""Reads of 100,000 entities: by id, by type, q hot and cold, boxes, counts, orders, drawing; memory."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import shapely

from benchmarks.store.city import ROAD, TYPE, put, roads
from benchmarks.store.gauge import median_ms, memory_mib, say, span
from hansa.ngsild.model import LOCATION
from hansa.ngsild.query import (
    AttributePath,
    Compare,
    GeoFilter,
    Order,
    Query,
    Range,
    TypeName,
)
from hansa.store.port import Store
from hansa.store.sqlite import open_store

__all__ = ["measure"]

_MANY = 100_000
_FLOW = AttributePath((ROAD + "flow",))
_LENGTH = AttributePath((ROAD + "length",))
_ROADS = TypeName(TYPE)


def measure(folder: Path) -> None:
    """Print the figures of this group."""
    store = open_store(folder / "reading.sqlite")
    try:
        before = memory_mib()
        for first in range(0, _MANY, 1_000):
            store.write([put(entity) for entity in roads(first, 1_000)]).result()
        say(
            f"memory, {_MANY:,} entities",
            f"{memory_mib():.0f} MiB ({before:.0f} before)",
            "300 MiB",
        )
        with span() as taken:
            store.declare_hot(ROAD + "flow")
        say("declare an attribute hot", f"{taken.wall:.2f} s")
        _gets(store)
        _queries(store)
        _drawing(store)
        say("memory at the end", f"{memory_mib():.0f} MiB", "300 MiB")
    finally:
        store.close()


def _gets(store: Store) -> None:
    chance = random.Random(2)
    ids = [f"urn:ngsi-ld:RoadSegment:{chance.randrange(_MANY)}" for _ in range(50_000)]
    with span() as taken:
        for id in ids:
            store.get(id)
    each = taken.cpu / len(ids) * 1e6
    say("get by id", f"{len(ids) / taken.wall:9,.0f}/s  {each:6.1f} µs CPU each", "60,000/s")


def _queries(store: Store) -> None:
    chance = random.Random(3)

    def point() -> float:
        return float(chance.randrange(99_000))

    def narrow() -> Compare:
        low = point()
        return Compare(_FLOW, "==", (Range(low, low + 50),))

    def box(size: float) -> GeoFilter:
        x, y = -71.35 + chance.random() * 0.24, -30.05 + chance.random() * 0.24
        return GeoFilter("within", shapely.box(x, y, x + size, y + size), LOCATION)

    def around(metres: float) -> GeoFilter:
        x, y = -71.35 + chance.random() * 0.24, -30.05 + chance.random() * 0.24
        return GeoFilter("near", shapely.Point(x, y), LOCATION, max_distance=metres)

    wide = Compare(_FLOW, ">", (20_000,))
    cold = Compare(_LENGTH, "==", (Range(100, 101),))
    cases: list[tuple[str, Callable[[], Query], int, str]] = [
        ("20 of a type", lambda: Query(types=_ROADS), 300, "5 ms"),
        ("20 of a type, offset 50,000", lambda: Query(types=_ROADS, offset=50_000), 30, ""),
        ("20 of a type, counted", lambda: Query(types=_ROADS, count=True), 300, ""),
        ("q hot, 50 match", lambda: Query(types=_ROADS, q=narrow()), 300, "5 ms"),
        ("q hot, 50 match, counted", lambda: Query(types=_ROADS, q=narrow(), count=True), 300, ""),
        ("q hot, 80 % match", lambda: Query(types=_ROADS, q=wide), 100, "5 ms"),
        ("q hot, 80 % match, counted", lambda: Query(types=_ROADS, q=wide, count=True), 30, ""),
        ("q cold, 0.1 % match", lambda: Query(types=_ROADS, q=cold), 20, ""),
        ("q cold, counted", lambda: Query(types=_ROADS, q=cold, count=True), 20, ""),
        ("box, 30 match", lambda: Query(types=_ROADS, geo=box(0.0045)), 300, "5 ms"),
        ("box, 4,000 match", lambda: Query(types=_ROADS, geo=box(0.05)), 50, ""),
        ("box, everything, counted", lambda: Query(geo=box(1), count=True), 10, ""),
        ("near, 300 m", lambda: Query(types=_ROADS, geo=around(300)), 100, "5 ms"),
        ("order by hot", lambda: Query(types=_ROADS, order=(Order(_FLOW),)), 50, ""),
        (
            "order by hot, descending",
            lambda: Query(types=_ROADS, order=(Order(_FLOW, True),)),
            50,
            "",
        ),
        ("order by cold", lambda: Query(types=_ROADS, order=(Order(_LENGTH),)), 10, ""),
        (
            "order by modifiedAt, descending",
            lambda: Query(types=_ROADS, order=(Order(AttributePath(("modifiedAt",)), True),)),
            50,
            "",
        ),
    ]
    for what, query, times, goal in cases:
        asked = [query() for _ in range(times)]
        wall, cpu = median_ms(lambda n, asked=asked: store.query(asked[n]), times)
        say(f"query: {what}", f"{wall:8.2f} ms median {cpu:8.2f} ms CPU", goal)


def _drawing(store: Store) -> None:
    values = [ROAD + name for name in ("name", "roadClass", "length", "flow")]
    for size in (0.056, 0.112):
        box = (-71.30, -30.0, -71.30 + size, -30.0 + size)
        count = len(store.features([TYPE], box, values))
        wall, cpu = median_ms(lambda _, box=box: store.features([TYPE], box, values), 10)
        say(
            f"draw {count:,} features with 4 values",
            f"{wall:8.2f} ms median {cpu:8.2f} ms CPU",
            "40 ms per 5,000",
        )
