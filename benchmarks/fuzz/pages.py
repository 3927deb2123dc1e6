"""Requests for pages, tiles, downloads and live streams of a node that has a small town in it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import quote

from benchmarks.fuzz.requests import TEXTS, Request
from benchmarks.fuzz.throw import Answer
from hansa.node import Node
from hansa.spokes.registry import find_spoke
from hansa.spokes.runner import Request as ImportRequest
from hansa.spokes.runner import run_import

__all__ = ["Pages", "build_town"]

_FEED: Final = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nA,<b>Bus,https://b.example/,UTC\n",
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\nS1,Plaza,-29.99,-70.99\nS2,Ñuñoa,-29.97,-70.97\n",
    "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type,route_color\n"
    "R1,A,1,Directo,3,f40606\n",
    "trips.txt": "route_id,service_id,trip_id,trip_headsign\nR1,D,T1,Sur\n",
    "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "T1,08:00:00,08:00:00,S1,1\nT1,25:10:00,25:10:00,S2,2\n",
    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nD,1,1,1,1,1,1,1,20150101,20291231\n",
}
_VALUES: Final[dict[str, tuple[str, ...]]] = {
    "q": ("plaza", "1", "urn:"), "lang": ("en", "es", "fr", "ko", "xx"), "page": ("1", "2"),
    "type": ("GtfsStop", "GtfsRoute"), "attr": ("name", "location"), "part": ("rows", "list"),
    "at": ("08:00", "2026-01-01T08:00"), "hour": ("8", "25"), "day": ("2026-01-01",), "by": ("P1D", "PT1H"),
    "from": ("2026-01-01",), "to": ("2027-01-01",), "z": ("3",), "bbox": ("-71,-30,-70,-29",),
    "select": ("urn:x",), "limit": ("5",), "offset": ("5",), "span": ("day",), "period": ("P1M",),
    "per": ("hour", "day", "month"), "sort": ("name", "-name"), "weekday": ("0", "6"), "v": ("1",),
}  # fmt: skip
_PATHS: Final = (
    "/", "/city/search", "/city/day", "/live/vehicles", "/tiles.json", "/tiles/{n}/{n}/{n}.mvt", "/entity/{id}",
    "/data", "/data/{type}.geojson", "/data/{type}.jsonld", "/data/{type}", "/live", "/live/letters", "/api",
    "/openapi.json", "/contexts/{type}", "/static/{n}/{type}", "/favicon.ico", "/{type}",
)  # fmt: skip
_HEADS: Final = (
    b"accept", b"accept-language", b"cookie", b"authorization", b"origin", b"host", b"range", b"if-none-match",
    b"if-modified-since", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"content-type",
    b"last-event-id", b"referer",
)  # fmt: skip


def build_town(node: Node, place: Path) -> list[str]:
    """Put a small feed into the node; the identifiers of what it holds."""
    feed = place / "feed.zip"
    with zipfile.ZipFile(feed, "w") as archive:
        for name, text in _FEED.items():
            archive.writestr(name, text)
    run_import(node.local_store(), find_spoke("gtfs"), ImportRequest(str(feed)), node.clock)
    feed.unlink()
    return [change.id for change in node.local_store().changes(0, 1000)]


class Pages:
    """An endless stream of requests for pages."""

    def __init__(self, random: Random, ids: list[str]) -> None:
        self._random, self._ids = random, ids

    def one(self) -> Request:
        """The next request."""
        random = self._random
        route = random.choice(_PATHS)
        path = route.replace("{id}", self._quoted(random.choice(self._ids)))
        path = path.replace("{type}", self._quoted(random.choice(_VALUES["type"])))
        while "{n}" in path:
            number = random.choice(
                ("0", "1", "5", "13", "2495", "4830", "22", "99999999999", "-1", "x")
            )
            path = path.replace("{n}", number, 1)
        names = random.sample(sorted(_VALUES), random.choice((0, 1, 1, 2, 4)))
        pairs = [(self._text(n, 0.05), self._text(random.choice(_VALUES[n]))) for n in names]
        verb = random.choice(
            ["GET"] * 16 + ["HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "get"]
        )
        body = b""
        if verb == "POST" or (route == "/live/letters" and random.random() < 0.7):
            verb, body = "POST", f"letter={self._quoted('1')}&do={self._quoted('drop')}".encode()
        query = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in pairs)
        return Request(
            f"{verb} {route}",
            verb,
            path.encode("ascii", "replace"),
            query.encode(),
            self._headers(),
            body,
        )

    def learn(self, request: Request, answer: Answer) -> None:
        """Nothing is learnt from answers."""

    def _text(self, value: str, chance: float = 0.3) -> str:
        return self._random.choice(TEXTS) if self._random.random() < chance else value

    def _quoted(self, value: str) -> str:
        return quote(self._text(value), safe="/" if self._random.random() < 0.3 else "")

    def _headers(self) -> list[tuple[bytes, bytes]]:
        random = self._random
        found = [(b"host", b"127.0.0.1:1356")]
        for name in random.sample(_HEADS, random.choice((0, 0, 1, 2))):
            good = random.choice(
                ("text/html", "es-CL,es;q=0.8", "bytes=0-5", "http://127.0.0.1:1356", "1")
            )
            value = self._text(good).encode("utf-8", "replace").translate(None, b"\r\n\0")
            found = [pair for pair in found if pair[0] != name] + [(name, value)]
        return found
