"""The generator: wrk, with one Lua script per measurement, and its figures as numbers."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Burst", "Missing", "check", "run"]

_SCRIPTS = Path(__file__).parent / "scripts"
_MARK = "wrk-figures "


class Missing(RuntimeError):
    """wrk is not installed."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What wrk saw during some seconds; latencies in milliseconds."""

    requests: int
    seconds: float
    failed: int
    median_ms: float
    p99_ms: float


def check() -> None:
    """See that wrk is there.

    Raises:
        Missing: it is not; the message says how to get it.
    """
    if shutil.which("wrk") is None:
        raise Missing("wrk is not installed; on Debian and Ubuntu: apt install wrk")


def run(script: str, base: str, seconds: float, connections: int, *arguments: str) -> Burst:
    """Run a script against `base` (the address of the API) for some seconds, with one thread.

    Raises:
        RuntimeError: wrk failed.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(round(seconds), 1)}s", "--timeout", "30s"]
    command += ["--latency", "-s", str(_SCRIPTS / f"{script}.lua"), base, "--", *arguments]
    found = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=_SCRIPTS, timeout=seconds + 120
    )
    line = next((x for x in found.stdout.splitlines() if x.startswith(_MARK)), None)
    if line is None:
        raise RuntimeError(f"wrk failed: {found.stdout}{found.stderr}")
    figures = json.loads(line.removeprefix(_MARK))
    return Burst(
        figures["requests"],
        figures["duration"] / 1e6,
        figures["failed"],
        figures["median"] / 1000,
        figures["p99"] / 1000,
    )
