"""A node that is served, as its clients see it: another process behind a port."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.clients.places import python

HERE = Path(__file__).parent


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of a node for experiments."""
    command = [sys.executable, "-m", "hansa.cli", "serve", "--dev", "--port", "0", "--json"]
    command += ["--folder", str(tmp_path / "node")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield _address(process.stdout)
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


def _address(output: IO[str]) -> str:
    """What the node says of itself when it is ready: an object over several lines."""
    lines: list[str] = []
    for line in output:
        lines.append(line)
        if line.startswith("}"):
            break
    return str(json.loads("".join(lines))["address"])


@pytest.fixture
def drive(served: str) -> Callable[[str], str]:
    """Runs ``drive_NAME.py`` with the interpreter that has the client library NAME."""

    def run(name: str) -> str:
        command = [str(python(name)), str(HERE / f"drive_{name}.py"), served]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    return run
