"""A broker as a process: started, watched through /proc, ended."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Memory", "Running", "free_port"]

_TICK = os.sysconf("SC_CLK_TCK")
_PATIENCE = 60.0
_STEP = 0.01


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a process tree, now and at its highest [MiB]."""

    now: float
    peak: float


class Running:
    """A started broker and all processes of its session.

    Args:
        command: as for a shell, without expansions.
        ready: an address that answers with a status below 500 once the broker serves.
        environment: variables beside those of this process.
        log: file for what the broker prints.

    Raises:
        RuntimeError: it ended, or did not answer within a minute.
    """

    def __init__(
        self, command: str, ready: str, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        started = time.perf_counter()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                shlex.split(command),
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        self._log = log
        self._wait(ready, started + _PATIENCE)
        self.start_seconds = time.perf_counter() - started

    def _wait(self, ready: str, until: float) -> None:
        while time.perf_counter() < until:
            if self._process.poll() is not None:
                raise RuntimeError(f"the broker ended at its start:\n{self._tail()}")
            try:
                urllib.request.urlopen(ready, timeout=5).close()
                return
            except urllib.error.HTTPError as answer:
                if answer.code < 500:
                    return
            except OSError:
                pass
            time.sleep(_STEP)
        self.end()
        raise RuntimeError(f"the broker did not answer at {ready}:\n{self._tail()}")

    def _tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])

    def cpu_seconds(self) -> float:
        """CPU time that the session's living processes have taken, user and system."""
        return sum(int(stat[11]) + int(stat[12]) for stat in self._stats().values()) / _TICK

    def memory(self) -> Memory:
        """Resident memory of the session's processes."""
        now = peak = 0
        for pid in self._stats():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    now += int(line.split()[1])
                elif line.startswith("VmHWM:"):
                    peak += int(line.split()[1])
        return Memory(round(now / 1024, 1), round(peak / 1024, 1))

    def _stats(self) -> dict[int, list[str]]:
        """Fields of /proc/PID/stat after the command's name, of every process of the session."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self._process.pid:
                found[int(entry.parent.name)] = fields
        return found

    def end(self) -> None:
        """Ask the broker to stop, and make it stop if it does not within ten seconds."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
