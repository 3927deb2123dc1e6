"""The demonstration city: how long it takes to import, to start again, and to draw a tile."""

from __future__ import annotations

import gzip
import math
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.http.process import Running, free_port

__all__ = ["CityMissing", "measure_city"]

_HANSA = Path(sys.executable).parent / "hansa"
_ZOOM = 13
_BOX = (-71.41, -30.07, -71.18, -29.82)
"""The built-up area of La Serena and Coquimbo: west, south, east, north."""

_CENTRE = (2474, 4809)
"""Column and row of the tile with the centre of La Serena, of which nothing was read before."""


class CityMissing(RuntimeError):
    """The city could not be built."""


def measure_city(say: Callable[[str], None]) -> dict[str, Any]:
    """Build the city twice (the first time may fetch its data), start it again, draw its tiles.

    Raises:
        CityMissing: it could not be built.
    """
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench-city-") as name:
        root = Path(name) / "node"
        try:
            _serve(root, Path(name)).end()
            shutil.rmtree(root)
            first = _serve(root, Path(name))
            found["first start, import included"] = f"{first.start_seconds:.1f} s"
            found["CPU of the import"] = f"{first.cpu_seconds():.1f} s"
            found["memory after the import"] = f"{first.memory().peak} MiB at most"
            found["entities"] = f"{_count(first.address):,}"
            first.end()
            shutil.rmtree(root / "cache", ignore_errors=True)
            again = _serve(root, Path(name))
        except RuntimeError as error:
            raise CityMissing(f"the city cannot be built: {error}") from error
        found["second start"] = f"{again.start_seconds:.2f} s"
        try:
            found |= _tiles(again.address)
        finally:
            again.end()
    for what, figure in found.items():
        say(f"{what:>30}: {figure}")
    return found


class _City(Running):
    address: str


def _serve(root: Path, place: Path) -> _City:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = f"{_HANSA} demo --folder {root} --port {port} --no-browser"
    running = _City(command, f"{address}/ngsi-ld/v1/types", place / "log.txt")
    running.address = address
    return running


def _tiles(address: str) -> dict[str, str]:
    cold, warm, sizes = [], [], []
    first = _fetch(f"{address}/tiles/{_ZOOM}/{_CENTRE[0]}/{_CENTRE[1]}.mvt")[0]
    for x, y in _covering():
        url = f"{address}/tiles/{_ZOOM}/{x}/{y}.mvt"
        taken, body = _fetch(url)
        if body:
            cold.append(taken)
            sizes.append(len(body))
            warm.append(_fetch(url)[0])
    return {
        f"tile z{_ZOOM}, the very first": f"{first:.0f} ms",
        f"tile z{_ZOOM}, cold": f"median {median(cold):.0f} ms, slowest {max(cold):.0f} ms",
        f"tile z{_ZOOM}, kept": f"median {median(warm):.1f} ms",
        "tiles with content": f"{len(cold)}, the largest {max(sizes) / 1024:.0f} KiB as sent",
    }


def _count(address: str) -> int:
    """How many entities the node holds."""
    url = f"{address}/ngsi-ld/v1/entities?local=true&count=true&limit=0"
    with urllib.request.urlopen(url, timeout=30) as answer:
        return int(answer.headers["NGSILD-Results-Count"])


def _fetch(url: str) -> tuple[float, bytes]:
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    start = time.perf_counter()
    with urllib.request.urlopen(request, timeout=30) as answer:
        body = answer.read()
    taken = (time.perf_counter() - start) * 1000
    is_empty = not (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
    return taken, b"" if is_empty else body


def _covering() -> Iterator[tuple[int, int]]:
    """The tiles that cover the box, in the order of rows."""
    west, south, east, north = _BOX
    left, top = _tile(west, north)
    right, bottom = _tile(east, south)
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            yield x, y


def _tile(longitude: float, latitude: float) -> tuple[int, int]:
    count = 2**_ZOOM
    y = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2
    return int((longitude + 180) / 360 * count), int(y * count)
