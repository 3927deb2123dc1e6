"""Two served nodes witness each other, and an auditor requires it; killed and started again, nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx

from hansa.cli import verify_log
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings
from hansa.kernel.settings_file import template
from hansa.node import Node
from tests.broker import free_port

PATIENCE = 60.0
ENTITY = {"id": "urn:x:1", "type": "T"}


@contextmanager
def served(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "hansa.cli", "serve", str(folder), "--json"]
    process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        lines = ""
        while not lines.endswith("}\n"):
            line = process.stdout.readline()
            assert line, "the node ended before it was ready"
            lines += line
        assert json.loads(lines)["address"]
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def keys(folder: Path) -> tuple[str, str]:
    """A new node's keys: of its log, and as a witness."""
    with closing(Node.open(folder, Settings(city="Key"))) as node:
        return node.trust.log.keys.log.verifier.vkey, node.trust.witness.verifier.vkey


ENTRIES = 4 + 5
"""The log, the first policy, the operator's source and the administrator's link are begun with; then five refusals."""


def about(port: int) -> dict[str, object]:
    found: dict[str, object] = httpx.get(f"http://127.0.0.1:{port}/hansa/v1/log").json()
    return found


def test_two_nodes_witness_each_other(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    ports = [free_port(), free_port()]
    for folder in folders:
        Folder.create(folder, template({"city": folder.name}))
    known = [keys(folder) for folder in folders]
    for own, other in ((0, 1), (1, 0)):
        settings = folders[own] / "hansa.toml"
        settings.write_text(
            'city = "Own"\negress_allow = ["127.0.0.0/8"]\n'
            f'witness_logs = ["{known[other][0]}"]\n'
            f'log_witnesses = ["http://127.0.0.1:{ports[other]}/log {known[other][1]}"]\n'
        )
    address = f"http://127.0.0.1:{ports[0]}"
    log, witness = (verify_log.Key.parse(key) for key in (known[0][0], known[1][1]))
    with ExitStack() as running:
        first = running.enter_context(served(folders[0], ports[0]))
        running.enter_context(served(folders[1], ports[1]))
        for _ in range(5):  # refused, and logged
            assert httpx.post(f"{address}/ngsi-ld/v1/entities", json=ENTITY).status_code == 401
        until = time.monotonic() + PATIENCE
        while True:
            shown = about(ports[0])
            if shown["witnesses"][0]["size"] == shown["size"] == ENTRIES:  # type: ignore[index]
                break
            assert time.monotonic() < until, shown
            time.sleep(0.2)
        report, note = verify_log.verify(address, log, witnesses=[witness], quorum=1)
        assert (report.size, report.witnesses) == (ENTRIES, [witness.name])
        first.kill()
        first.wait()
        with served(folders[0], ports[0]):
            report, _ = verify_log.verify(address, log, saved=note, witnesses=[witness], quorum=1)
            assert report.before == ENTRIES
            assert report.size >= ENTRIES
