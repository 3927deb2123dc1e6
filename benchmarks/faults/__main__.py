"""``python -m benchmarks.faults``: three federated nodes under random faults, and the verdict.

While writers and readers work, a node is killed with kill -9 and started again after a moment, held
still (it neither answers nor breaks its connections), ended in order, or left without disk; or the
receiver of notifications is out of order. Of the sources that each node has one is dead all the time and
one answers what none should. The exit status is 1 if something acknowledged is missing afterwards, or
a read was not what it must be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.faults.nodes import NAMES, Hostile, Node, free_ports, prepare
from benchmarks.faults.verdict import Told, verdict
from benchmarks.faults.work import Known, Work

KINDS = ("kill", "kill", "kill", "hold", "hold", "end", "disk", "receiver")


class Trouble:
    """Makes the faults, one after the other."""

    def __init__(self, nodes: list[Node], told: Told, chance: random.Random) -> None:
        self.nodes, self.told, self._chance = nodes, told, chance
        self.made: Counter[str] = Counter()
        self.starts: list[float] = []

    async def make(self) -> None:
        """One fault, and its end."""
        kind, node = self._chance.choice(KINDS), self._chance.choice(self.nodes)
        self.made[kind] += 1
        if kind in ("kill", "end"):
            await asyncio.to_thread(node.kill if kind == "kill" else node.end)
            await self._moment(0.0, 4.0)
            self.starts.append(await node.start())
        elif kind == "hold":
            node.up = False
            node.hold(True)
            await self._moment(0.5, 5.0)
            node.hold(False)
            node.up = True
        elif kind == "disk":
            node.disk(True)
            await self._moment(0.5, 5.0)
            node.disk(False)
        else:
            self.told.broken = True
            await self._moment(0.5, 5.0)
            self.told.broken = False

    async def _moment(self, least: float, most: float) -> None:
        await asyncio.sleep(self._chance.uniform(least, most))


async def run(folder: Path, options: argparse.Namespace) -> int:
    """Everything, and the exit status."""
    chance = random.Random(options.seed)
    *ports, dead, bad = free_ports(len(NAMES) + 2)
    nodes = [Node(name, folder / name, port) for name, port in zip(NAMES, ports, strict=True)]
    told, hostile, known = Told(), Hostile(bad, options.seed), Known()
    serving = [(await told.serve()), (await hostile.serve(), bad)]
    try:
        for node in nodes:
            await node.start()
        await prepare(nodes, f"http://127.0.0.1:{serving[0][1]}", dead, bad)
        work = Work(nodes, known, options.seed, options.pause)
        trouble = Trouble(nodes, told, chance)
        tasks = work.start()
        began, reported = time.monotonic(), 0.0
        while (passed := time.monotonic() - began) < options.seconds:
            await asyncio.sleep(chance.uniform(0.5, 1.5) * options.apart)
            await trouble.make()
            if passed - reported > 60:
                reported = passed
                print(f"{passed:.0f} s: {dict(trouble.made)}, {dict(known.counted)}", flush=True)
        await asyncio.sleep(2)
        work.stop.set()
        await asyncio.gather(*tasks)
        found = await verdict(nodes, known, told, options.patience)
    finally:
        for node in nodes:
            await asyncio.to_thread(node.end)
        for server, _ in serving:
            server.close()
    found["seconds"] = round(time.monotonic() - began)
    found["made"] = dict(trouble.made)
    found["hostile answers"] = hostile.answered
    found["slowest start [s]"] = round(max(trouble.starts, default=0.0), 1)
    found["slowest read [s]"] = round(known.slowest, 2)
    found["answers"] = dict(sorted(known.counted.items()))
    print(json.dumps(found, indent=1))
    print(*known.faults, sep="\n")
    return 1 if known.faults else 0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Three federated nodes under random faults.")
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--apart", type=float, default=12.0, help="seconds between two faults")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between two requests")
    parser.add_argument("--patience", type=float, default=180.0, help="for the last notifications")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep the nodes here, with their logs")
    options = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    if options.folder is not None:
        options.folder.mkdir(parents=True)
        return asyncio.run(run(options.folder, options))
    with tempfile.TemporaryDirectory(prefix="hansa-faults-") as folder:
        return asyncio.run(run(Path(folder), options))


if __name__ == "__main__":
    raise SystemExit(main())
