"""The files for a server: shown as they are, understood by systemd, and the backups can be restored."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hansa.kernel.folder import Folder

DOCS = Path(__file__).parents[2] / "docs"
FILES = DOCS / "examples" / "server"
PAGE = (DOCS / "how-to" / "run-on-a-server.md").read_text()

systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


@pytest.mark.parametrize("name", ["hansa.service", "hansa-backup"])
def test_the_page_shows_the_file_as_it_is(name: str) -> None:
    assert (FILES / name).read_text().strip() in PAGE


def test_every_file_is_installed_by_the_page() -> None:
    for file in FILES.iterdir():
        assert f"docs/examples/server/{file.name}" in PAGE


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """Copies of the units that start a program which is on this machine."""
    for file in [*FILES.glob("*.service"), *FILES.glob("*.timer")]:
        text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={shutil.which('true')}", file.read_text())
        (tmp_path / file.name).write_text(text)
    return sorted(tmp_path.iterdir())


@systemd
def test_systemd_understands_them(units: list[Path]) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "hansa" in line] == []
    assert done.returncode == 0, done.stderr


@systemd
def test_the_service_is_as_shut_in_as_the_page_says(units: list[Path]) -> None:
    (service,) = [unit for unit in units if unit.name == "hansa.service"]
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", service],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_COLORS": "0"},
    )
    found = re.search(r"Overall exposure level for hansa\.service: ([\d.]+)", done.stdout)
    if found is None:
        pytest.skip("this systemd cannot look at a file by itself")
    assert float(found.group(1)) <= 2


def test_the_backup_of_the_script_is_kept_and_can_be_restored(tmp_path: Path) -> None:
    Folder.create(tmp_path / "node", 'city = "Visby"\n')
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "new.tgz").write_text("of an interrupted night")
    program = tmp_path / "hansa"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hansa.cli "$@"\n')
    program.chmod(0o755)
    for _ in range(2):
        words = ["sh", FILES / "hansa-backup", tmp_path / "node", tmp_path / "backups", program]
        subprocess.run(words, check=True, capture_output=True)
    (archive,) = (tmp_path / "backups").iterdir()
    assert re.fullmatch(r"[1-7]\.tgz", archive.name)
    subprocess.run(
        [program, "restore", archive, tmp_path / "again"], check=True, capture_output=True
    )
    assert 'city = "Visby"' in (tmp_path / "again" / "hansa.toml").read_text()
