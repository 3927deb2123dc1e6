"""Measure import, compaction and questions; say on what machine."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

import duckdb
import httpx

from benchmarks.http.machine import describe
from benchmarks.store.gauge import median_ms, memory_mib, say, span
from hansa.history.bulk import import_history
from hansa.history.compact import compact
from hansa.kernel.folder import Folder
from hansa.kernel.settings_file import load, template
from hansa.ngsild.context import CORE
from hansa.node import Node
from hansa.store.history import Added
from hansa.store.port import Store

TYPE = "AirQualityObserved"
SENSOR = "urn:ngsi-ld:AirQualityObserved:"
_START = datetime(2025, 1, 1, tzinfo=UTC)
_STEP = 300  # seconds
_NOW = 1_795_565_000_000_000
_TAIL = 10_000
_MOVED = 400_000


def main() -> None:
    """Measure in a folder that is removed afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--sensors", type=int, default=100)
    given = parser.parse_args()
    about = describe()
    print(
        f"{about['date']} {about['commit']}: {about['processor']}, {about['cores']} cores,"
        f" {about['memory_mib']:,} MiB, Python {about['python']}, DuckDB {version('duckdb')},"
        f" load {about['load']}"
    )
    with tempfile.TemporaryDirectory(prefix="hansa-history-") as place:
        folder = Folder.create(Path(place) / "node", template({"city": "Benchmark"}))
        with closing(Node.open(folder.root, load(folder.root, {}))) as node:
            measure(node, Path(place), given.rows, given.sensors)
        for what, url in goals(given.sensors):
            walls, cpus = zip(*(first_answer(folder.root, url) for _ in range(3)), strict=True)
            say(
                f"first question after a start: {what}",
                f"{median(walls):8.1f} ms median {median(cpus):8.1f} ms CPU",
            )


def measure(node: Node, place: Path, rows: int, sensors: int) -> None:
    """All measurements, in order."""
    store, archive = node.local_store(), node.archive("default")
    table = place / "air.parquet"
    make_table(table, rows, sensors)
    for what in (f"import of {rows:,} rows of Parquet", "the same import again (adds nothing)"):
        with span() as taken:
            done = import_history(store, archive, table, CORE, _NOW)
        say(what, f"{taken.wall:.1f} s, {rows / taken.wall:,.0f} rows/s, {done.added:,} added")
    table.unlink()
    size = sum(each.size for each in archive.segments(store))
    say("archive", f"{size / 2**20:,.0f} MiB, {size / rows:.1f} bytes/instance")
    with span() as taken:
        append(store, sensors, _TAIL)
    say(
        f"append of {_TAIL:,} instances to the tail",
        f"{_TAIL / taken.wall:,.0f} instances/s, {taken.cpu / _TAIL * 1e6:.0f} µs CPU each",
        "5,000/s",
    )
    with asyncio.Runner() as run:
        transport = httpx.ASGITransport(node.app)
        client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
        _questions(lambda url: run.run(client.get(url)), "with a tail", sensors)
        append(store, sensors, _MOVED)
        with span() as taken:
            moved = compact(store, archive, 1 << 60).moved
        say(
            f"compaction of {moved:,} instances",
            f"{moved / taken.wall:,.0f} instances/s, {taken.cpu / moved * 1e6:.0f} µs CPU each",
        )
        _questions(lambda url: run.run(client.get(url)), "compacted", sensors)
        run.run(client.aclose())
    say("memory", f"{memory_mib():,.0f} MiB")


def make_table(path: Path, rows: int, sensors: int) -> None:
    """A year or so of five-minute values of fine dust."""
    each = rows // sensors
    duckdb.sql(
        f"COPY (SELECT '{SENSOR}' || lpad((i // {each})::VARCHAR, 4, '0') AS entity,"
        f" '{TYPE}' AS type, 'pm25' AS attribute,"
        f" make_timestamptz({int(_START.timestamp())}000000 + (i % {each}) * {_STEP}000000) AS time,"
        " round(20 + 10 * sin(i / 46) + (hash(i) % 1000) / 200, 2) AS value, 'GQ' AS unit"
        f" FROM range({each * sensors}) AS t(i)) TO '{path}' (FORMAT parquet)"
    )


def append(store: Store, sensors: int, count: int) -> None:
    """Instances of today, in requests of 100."""
    waiting = []
    for number in range(count // 100):
        at = f"2026-11-25T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
        values = [
            {"type": "Property", "value": n / 7, "observedAt": f"{at}.{n:03}Z"} for n in range(100)
        ]
        id, name = f"{SENSOR}{number % sensors:04}", CORE.expand("pm25")
        waiting.append(store.record_history([Added(id, (CORE.expand(TYPE),), {name: values})]))
    for each in waiting:
        each.result()


def goals(sensors: int) -> list[tuple[str, str]]:
    """The questions over everything that the goal is for."""
    base = f"/ngsi-ld/v1/temporal/entities?type={TYPE}&limit={min(sensors, 1000)}"
    base += "&format=aggregatedValues&timeAt=2025-01-01T00:00:00Z"
    every = "avg,sum,min,max,sumsq,stddev,totalCount&aggrPeriodDuration=PT0S"
    whole = f"{base}&timerel=between&endTimeAt=2027-01-01T00:00:00Z&aggrMethods={every}"
    months = f"{base}&timerel=after&aggrMethods=avg,max&aggrPeriodDuration=P1M"
    return [
        ("all sensors, avg and max by month", months),
        ("all sensors, all but distinct, whole time", whole),
    ]


def first_answer(folder: Path, url: str) -> tuple[float, float]:
    """Milliseconds of wall clock and of CPU for the first question to a node in a new process."""
    command = [sys.executable, "-m", "benchmarks.history.cold", str(folder), url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    wall, cpu = done.stdout.split()
    return float(wall), float(cpu)


def _questions(get: Callable[[str], httpx.Response], state: str, sensors: int) -> None:
    base = f"/ngsi-ld/v1/temporal/entities?type={TYPE}&limit={min(sensors, 1000)}&timerel=after"
    since = "&timeAt=2025-01-01T00:00:00Z&format=aggregatedValues&aggrMethods="
    one = f"{SENSOR}{sensors // 2:04}"
    single = f"/ngsi-ld/v1/temporal/entities/{one}?timerel=between"
    day = "&timeAt=2025-06-01T00:00:00Z&endTimeAt=2025-06-02T00:00:00Z"
    year = "&timeAt=2025-01-01T00:00:00Z&endTimeAt=2026-01-01T00:00:00Z"
    sums = "&format=aggregatedValues&aggrMethods="
    cases = [
        *((what, url, "200 ms") for what, url in goals(sensors)),
        ("all sensors, avg by day", f"{base}{since}avg&aggrPeriodDuration=P1D", ""),
        (
            "one sensor, avg, min, max by day of a year",
            f"{single}{year}{sums}avg,min,max&aggrPeriodDuration=P1D",
            "",
        ),
        (
            "one sensor, avg by 15 minutes of a day",
            f"{single}{day}{sums}avg&aggrPeriodDuration=PT15M",
            "",
        ),
        ("one sensor, the values of a day", f"{single}{day}&format=temporalValues", ""),
        ("one sensor, the last 10", f"/ngsi-ld/v1/temporal/entities/{one}?lastN=10", ""),
    ]
    for what, url, goal in cases:
        answer = get(url)
        assert answer.status_code in {200, 206}, answer.text
        wall, cpu = median_ms(lambda n, url=url: get(url), 5)
        say(
            f"{state}: {what}",
            f"{wall:8.1f} ms median {cpu:8.1f} ms CPU, {len(answer.content):,} B",
            goal,
        )


if __name__ == "__main__":
    main()
