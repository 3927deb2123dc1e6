"""Running commands: in this process for most, as processes of their own where signals matter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from hansa.cli import app
from hansa.kernel.folder import Folder

Run = Callable[..., Result]

DECLARED = ("--declaration", Path(__file__).parents[2] / "docs" / "examples" / "trees.source.toml")
"""What declares the source of an import."""


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of whoever runs the tests sets nothing."""
    for name in [name for name in os.environ if name.startswith("HANSA_")]:
        if name != "HANSA_DEMO_CACHE":
            monkeypatch.delenv(name)


@pytest.fixture
def run() -> Run:
    """``run("init", folder)``: a command in this process; the result has output and exit code."""

    def invoke(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

    return invoke


@pytest.fixture
def node(run: Run, tmp_path: Path) -> tuple[Path, str]:
    """A new, empty node and its operator's token."""
    made = run("init", tmp_path / "node", "--city", "Visby", "--json")
    assert made.exit_code == 0, made.stderr
    return tmp_path / "node", orjson.loads(made.stdout)["operatorToken"]


@dataclass
class Served:
    """A node that a process of its own serves."""

    process: subprocess.Popen[str]
    address: str

    def stop(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
        """End it with a signal; exit code, standard output, standard error."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


Serve = Callable[..., Served]


def hansa(*words: object) -> subprocess.Popen[str]:
    """``hansa`` as a process."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HANSA_")}
    return subprocess.Popen(
        [sys.executable, "-m", "hansa.cli", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "PYTHONUNBUFFERED": "1"},
    )


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(folder, ...)`` starts a node on a free port and waits until it has said where it is."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path, *words: object) -> Served:
        process = hansa("serve", "--folder", folder, "--port", "0", *words)
        started.append(process)
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            holder = Folder(folder).holder() if folder.exists() else None
            if holder and holder.address:
                assert process.stdout is not None
                process.stdout.readline()
                return Served(process, holder.address)
            time.sleep(0.05)
        process.kill()
        raise AssertionError(process.communicate()[1])

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
