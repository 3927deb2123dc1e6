"""Looks a running node over from outside, as its users meet it: through HTTP alone.

Four parts: the *counts* that the node's own API gives, against what a city is known to hold; its *sources*, each of which
must be declared; every *page and file*, found by following links from the front page; and the map *tiles* over the city. What
is wrong is collected, one sentence each, and nothing stops at the first fault.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx
import orjson

from hansa.cli.links import references

__all__ = ["Inspection"]

_ALIKE: Final = 6
"""Pages that differ only in the identifier they show: this many of each kind are fetched."""

_ZOOMS: Final = range(16)
_TILES_PER_ZOOM: Final = 64
"""More tiles of one zoom than this are thinned out evenly."""

_TYPE: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mvt": "application/vnd.mapbox-vector-tile",
}

Progress = Callable[[int, int | None], None]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Answer:
    media_type: str
    headers: httpx.Headers
    content: bytes


class Inspection:
    """One look at the node at `base`; the sentences are in ``faults``."""

    def __init__(self, base: str, client: httpx.Client) -> None:
        self.base = base.rstrip("/")
        self.faults: list[str] = []
        self.fetched = 0
        self._client = client

    # -- counts

    def counts(self, expected: Mapping[str, int]) -> dict[str, int]:
        """How many entities of each type the API counts; a difference is a fault."""
        found = {}
        for name, number in expected.items():
            found[name] = self.count(name)
            if found[name] != number:
                self.faults.append(f"{name}: the API counts {found[name]:,}, not {number:,}")
        return found

    def count(self, type_name: str) -> int:
        """The number of entities of a type, as the API counts them; -1 when it does not answer."""
        answer = self._get(
            "/ngsi-ld/v1/entities", {"type": type_name, "count": "true", "limit": "0"}
        )
        text = answer.headers.get("NGSILD-Results-Count", "-1") if answer else "-1"
        return int(text) if text.lstrip("-").isdigit() else -1

    def total(self, type_name: str, attribute: str, expected: int) -> float:
        """The sum of a number over all entities of a type; a difference is a fault."""
        total, offset = 0.0, 0
        while True:
            query = {
                "type": type_name,
                "pick": attribute,
                "format": "simplified",
                "limit": "500",
                "offset": str(offset),
            }
            rows = self._read("/ngsi-ld/v1/entities", query) or []
            total += sum(float(row.get(attribute, 0)) for row in rows)
            offset += len(rows)
            if len(rows) < 500:
                break
        if round(total) != expected:
            self.faults.append(
                f"{attribute} of all {type_name}: the API gives {total:,.0f}, not {expected:,}"
            )
        return total

    # -- sources

    def sources(self, expected: Iterable[str]) -> int:
        """How many sources are declared; one of `expected`, or of the entities, that is not is a fault."""
        records = self._read("/hansa/v1/sources", {}) or []
        declared = {each["id"] for each in records if each["status"] == "declared"}
        query = {"type": "DataSource", "format": "simplified", "limit": "500"}
        there = self._read("/ngsi-ld/v1/entities", query) or []
        found = {str(each["id"]).rpartition(":")[2] for each in there}
        for name in sorted((found | set(expected)) - declared):
            self.faults.append(f"source {name}: is not declared")
        for name in sorted(set(expected) - found):
            self.faults.append(f"source {name}: has no entity")
        return len(declared)

    # -- pages and files

    def pages(self, starts: list[str], progress: Progress) -> int:
        """Fetch everything that can be reached by links from `starts`; how many there were."""
        waiting = deque(self.base + start for start in starts)
        seen = set(waiting)
        kinds: Counter[str] = Counter()
        done = 0
        while waiting:
            address = waiting.popleft()
            done += 1
            progress(done, done + len(waiting))
            for reference in self._page(address):
                kind = shape(reference)
                if reference not in seen and kinds[kind] < _ALIKE:
                    seen.add(reference)
                    kinds[kind] += 1
                    waiting.append(reference)
        return done

    def _page(self, address: str) -> Iterator[str]:
        answer = self._get(address)
        if answer is None:
            return
        ending = re.search(r"\.\w+$", urlsplit(address).path)
        wanted = _TYPE.get(ending.group()) if ending else None
        if wanted and answer.media_type != wanted:
            self.faults.append(f"{address} is sent as '{answer.media_type}', not as '{wanted}'")
        text = answer.content.decode("utf-8", "replace")
        yield from references(address, answer.media_type, text)

    # -- tiles

    def tiles(self, box: Box, progress: Progress) -> int:
        """Fetch the tiles over `box` (west, south, east, north); the number that hold something."""
        templates = (self._read("/tiles.json") or {}).get("tiles")
        if not templates:
            self.faults.append("/tiles.json names no tiles")
            return 0
        wanted = [tile for zoom in _ZOOMS for tile in _spread(list(tiles_over(box, zoom)))]
        full = 0
        for number, (z, x, y) in enumerate(wanted, 1):
            address = templates[0].format(z=z, x=x, y=y)
            tile = self._get(address, may_be_empty=True)
            full += bool(tile is not None and tile.content)
            progress(number, len(wanted))
        if not full:
            self.faults.append("no map tile over the city holds anything")
        return full

    def _get(
        self, address: str, query: Mapping[str, str] | None = None, *, may_be_empty: bool = False
    ) -> _Answer | None:
        """The answer, or ``None`` and a fault. Of an endless stream only the head is read."""
        whole = address if "://" in address else self.base + address
        self.fetched += 1
        try:
            with self._client.stream("GET", whole, params=query) as answer:
                media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
                content = b"..." if media_type == "text/event-stream" else answer.read()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self.faults.append(f"{whole}: {type(error).__name__} {error}".strip())
            return None
        if answer.status_code not in {200, 204}:
            self.faults.append(f"{whole} answers {answer.status_code}")
            return None
        if not content and not may_be_empty:
            self.faults.append(f"{whole} is empty")
        return _Answer(media_type, answer.headers, content)

    def _read(self, address: str, query: Mapping[str, str] | None = None) -> Any:
        """The JSON document at `address`, or ``None`` and a fault."""
        answer = self._get(address, query)
        if answer is None:
            return None
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError as error:
            self.faults.append(f"{address} is not JSON: {error}")
            return None


def shape(address: str) -> str:
    """`address` with its identifiers taken out, so that pages of one kind are alike."""
    parts = urlsplit(address)
    steps = [
        "*" if re.search(r"[:\d%]", step) and "." not in step[-6:] else step
        for step in parts.path.split("/")
    ]
    keys = sorted(key for key, _ in parse_qsl(parts.query, keep_blank_values=True))
    return "/".join(steps) + "?" + "&".join(keys)


def tiles_over(box: Box, zoom: int) -> Iterator[tuple[int, int, int]]:
    """The web-Mercator tiles (zoom, column, row) that meet `box`."""
    west, south, east, north = box
    left, top = _tile(west, north, zoom)
    right, bottom = _tile(east, south, zoom)
    for x in range(left, right + 1):
        for y in range(top, bottom + 1):
            yield zoom, x, y


def _tile(longitude: float, latitude: float, zoom: int) -> tuple[int, int]:
    size = 2**zoom
    angle = math.radians(max(-85.05, min(85.05, latitude)))
    x = int((longitude + 180) / 360 * size)
    y = int((1 - math.asinh(math.tan(angle)) / math.pi) / 2 * size)
    return min(max(x, 0), size - 1), min(max(y, 0), size - 1)


def _spread(tiles: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    step = max(1, math.ceil(len(tiles) / _TILES_PER_ZOOM))
    return tiles[::step]
