"""Measure the log: ``python -m benchmarks.log [append] [verify] [--entries N]``.

*append*: 64 threads each log an act and wait until it is durable; then one caller hands in acts without waiting for
each. *verify*: a log of N entries (a million) is served by a node in a process of its own and checked whole, and by a
sample, with the verifier in another.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from time import perf_counter

from benchmarks.store.gauge import machine
from hansa.kernel.clock import Clock
from hansa.kernel.folder import Folder
from hansa.kernel.settings_file import template
from hansa.trust.log.book import LogBook
from hansa.trust.log.commitments import Event
from hansa.trust.log.openings import FILE, KeptOpenings

SECONDS = 5.0
THREADS = 64
ACT = Event("read", "resident-4711", ("urn:ngsi-ld:Sensor:1",), ("rule-12",), "by-rule")


def _opened(root: Path) -> tuple[LogBook, KeptOpenings]:
    root.mkdir(parents=True, exist_ok=True)
    openings = KeptOpenings(root / FILE)
    return LogBook(root, Clock(), base_url="https://city.example", openings=openings), openings


def append(place: Path, count: int) -> None:
    """Durable acts a second."""
    book, openings = _opened(place / "waiting")
    until = perf_counter() + SECONDS
    delays: list[float] = []

    def work() -> None:
        while (start := perf_counter()) < until:
            book.record(ACT)
            delays.append(perf_counter() - start)

    start = perf_counter()
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = perf_counter() - start
    delays.sort()
    middle, late = delays[len(delays) // 2] * 1000, delays[len(delays) * 99 // 100] * 1000
    print(
        f"{THREADS} threads, each waiting: {len(delays) / taken:,.0f} acts/s, median {middle:.1f} ms, "
        f"99 % {late:.1f} ms"
    )
    book.close()
    openings.close()
    book, openings = _opened(place / "handed")
    start = perf_counter()
    futures = [book.submit(ACT) for _ in range(50_000)]
    futures[-1].result()
    print(f"handed in without waiting: {50_000 / (perf_counter() - start):,.0f} acts/s")
    book.close()
    openings.close()


def verify(place: Path, count: int) -> None:
    """Seconds to check a log from outside."""
    folder = place / "node"
    Folder.create(folder, template({"city": "Log"}))
    book = LogBook(folder / "log", Clock(), base_url="https://city.example")
    start = perf_counter()
    while book.size < count:
        futures = [book.submit(ACT) for _ in range(min(20_000, count - book.size))]
        futures[-1].result()
    book.close()
    size = sum(path.stat().st_size for path in (folder / "log").iterdir()) / 1e6
    print(f"{count:,} entries written in {perf_counter() - start:.1f} s, {size:.0f} MB")
    serve = [sys.executable, "-m", "hansa.cli", "serve", str(folder), "--port", "0", "--json"]
    node = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
    assert node.stdout is not None
    lines = "".join(iter(node.stdout.readline, "}\n"))
    address = lines.partition('"address": "')[2].partition('"')[0]
    try:
        for more in ([], ["--sample", "500"]):
            start = perf_counter()
            script = str(Path(__file__).parents[2] / "src" / "hansa" / "cli" / "verify_log.py")
            subprocess.run(
                [sys.executable, "-P", script, f"{address}/log", *more],
                check=True,
                capture_output=True,
            )
            print(f"verify_log.py {' '.join(more) or 'all'}: {perf_counter() - start:.1f} s")
    finally:
        node.terminate()
        node.wait()
        node.stdout.close()


def main() -> None:
    """Measure in a folder that is removed afterwards."""
    parser = argparse.ArgumentParser()
    parser.add_argument("groups", nargs="*")
    parser.add_argument("--entries", type=int, default=1_000_000)
    given = parser.parse_args()
    print(machine())
    sys.setswitchinterval(0.001)  # as a served node does
    for name, group in (("append", append), ("verify", verify)):
        if not given.groups or name in given.groups:
            with tempfile.TemporaryDirectory(prefix="hansa-log-") as folder:
                group(Path(folder), given.entries)


if __name__ == "__main__":
    main()
