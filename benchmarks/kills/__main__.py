"""``python -m benchmarks.kills``: kill -9 in the middle of writes, notifications and compaction; a table.

Name one or more of ``writes``, ``notifications`` and ``compaction`` for a part. The exit status is 1 when
anything acknowledged is lost, or anything is there twice.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.kills.compaction import kill_compaction
from benchmarks.kills.writes import kill_writes
from benchmarks.notifications.killing import kill_often

_PARTS = ("writes", "notifications", "compaction")
_BAD = (
    "lost",
    "twice",
    "twice in history",
    "with a wrong value",
    "twice to an idempotent receiver",
    "entities out of order",
    "erased, but back",
    "faults of the database",
)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *_PARTS], help="all, if none is named")
    parser.add_argument("--kills", type=int, default=50, help="of each")
    options = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    bad = 0
    with tempfile.TemporaryDirectory(prefix="hansa-kills-") as place:
        for part in options.parts or _PARTS:
            began = time.perf_counter()
            found = _done(part, Path(place) / part, options.kills)
            print(f"\n{part}, {time.perf_counter() - began:.0f} s\n")
            print("| " + " | ".join(found) + " |")
            print("|" + "---:|" * len(found))
            print("| " + " | ".join(_cell(value) for value in found.values()) + " |", flush=True)
            bad += sum(found.get(name, 0) for name in _BAD)
    return 1 if bad else 0


def _done(part: str, folder: Path, kills: int) -> dict[str, Any]:
    if part == "compaction":
        return kill_compaction(folder, kills)
    return asyncio.run((kill_writes if part == "writes" else kill_often)(folder, kills))


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{number:,} × {name}" for name, number in sorted(value.items()))
    return f"{value:,}"


if __name__ == "__main__":
    sys.exit(main())
