"""What machine, what software, what commit: without these a figure says nothing."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["describe", "load_average"]

_SYNCS = 200
_PARTS = ("apsw", "orjson", "shapely", "starlette", "uvicorn", "uvloop", "httptools")


def describe() -> dict[str, Any]:
    """The machine and the software, as they are now."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": _git("rev-parse", "--short", "HEAD")
        + ("+" if _git("diff", "HEAD", "src") else ""),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "parts": {name: version(name) for name in _PARTS},
        "disk_flush_ms": round(_flush_ms(), 2),
        "load": load_average(),
    }


def load_average() -> float:
    """Mean number of processes that wanted to run in the last minute."""
    return round(os.getloadavg()[0], 2)


def _git(*arguments: str) -> str:
    found = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _flush_ms() -> float:
    """Median time to append 4 KiB to a file and flush it to the disk: the floor under every commit."""
    taken = []
    with tempfile.TemporaryFile() as file:
        for _ in range(_SYNCS):
            file.write(b"x" * 4096)
            file.flush()
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - start)
    return median(taken) * 1000
