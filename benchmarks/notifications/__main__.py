"""``python -m benchmarks.notifications``: measure notifications; the page of the documentation says how.

Four parts, each also alone: ``matching``, ``keeping``, ``delivery``, ``killing``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
from pathlib import Path

from benchmarks.notifications.delivery import measure
from benchmarks.notifications.keeping import keep
from benchmarks.notifications.killing import kill_often
from benchmarks.notifications.matching import costs

PARTS = ("matching", "keeping", "delivery", "killing")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.notifications", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", choices=[[], *PARTS], help="all of them, if none is named"
    )
    parser.add_argument("--rates", type=int, nargs="+", default=[10, 100, 1000], help="changes/s")
    parser.add_argument(
        "--subscriptions", type=int, nargs="+", default=[1, 100, 10_000], help="how many"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of changes for each rate")
    parser.add_argument("--connections", type=int, default=8, help="over which changes come")
    parser.add_argument("--kills", type=int, default=20, help="how often the node is killed")
    options = parser.parse_args()
    wanted = options.parts or list(PARTS)
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    if "matching" in wanted:
        for count, micros in costs():
            print(f"matching: {count:>6,} subscriptions  {micros:8.1f} µs a change")
    with tempfile.TemporaryDirectory(prefix="notifications-") as folder:
        if "keeping" in wanted:
            most = max(options.subscriptions)
            print(
                "keeping:", json.dumps(asyncio.run(keep(Path(folder) / "kept", most))), flush=True
            )
        if "delivery" in wanted:
            for count in options.subscriptions:
                place = Path(folder) / f"delivery-{count}"
                run = measure(place, count, options.rates, options.seconds, options.connections)
                for line in asyncio.run(run):
                    print("delivery:", json.dumps(line), flush=True)
        if "killing" in wanted:
            print(
                "killing:", json.dumps(asyncio.run(kill_often(Path(folder) / "k", options.kills)))
            )


main()
