"""An audit that could not ask says so; one without the internet reads advisories that were brought there."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scripts import audit

PINS = "starlette==1.10.0\nPyYAML==6.0.4\n"


@pytest.fixture
def bill(tmp_path: Path) -> Path:
    (tmp_path / "packages.txt").write_text(PINS)
    return tmp_path


def tool(folder: Path, prints: str, code: int = 0, moans: str = "") -> Path:
    """Something in the place of pip-audit."""
    path = folder / "tool"
    path.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"sys.stdout.write({prints!r})\nsys.stderr.write({moans!r})\nsys.exit({code})\n"
    )
    path.chmod(0o700)
    return path


def report(**more: Any) -> str:
    fine = {"name": "starlette", "version": "1.10.0", "vulns": []}
    other = {"name": "pyyaml", "version": "6.0.4", "vulns": [], **more}
    if "skip_reason" in more:
        other = {"name": "pyyaml", "skip_reason": more["skip_reason"]}
    return json.dumps({"dependencies": [fine, other], "fixes": []})


def test_nothing_known(bill: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main([str(bill), "--tool", str(tool(bill, report()))]) == audit.FINE
    assert "any of the 2 packages" in capsys.readouterr().out


def test_something_known(bill: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vulns = [{"id": "PYSEC-1", "fix_versions": ["6.1"]}]
    script = tool(bill, report(vulns=vulns), 1)
    assert audit.main([str(bill), "--tool", str(script)]) == audit.FOUND
    assert "pyyaml 6.0.4: PYSEC-1, mended in 6.1" in capsys.readouterr().err


def test_what_the_tool_skipped_is_no_success(
    bill: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with 0 where a mirror has packages and no advisories."""
    script = tool(bill, report(skip_reason="Dependency not found and could not be audited"))
    assert audit.main([str(bill), "--tool", str(script)]) == audit.UNKNOWN
    assert "NOT AUDITED: 1 of 2 packages, pyyaml among them" in capsys.readouterr().err


@pytest.mark.parametrize("prints", ["", "Traceback", '{"dep'])
def test_a_database_that_does_not_answer(
    bill: Path, capsys: pytest.CaptureFixture[str], prints: str
) -> None:
    script = tool(bill, prints, 1, "ERROR:root:ConnectionError: no route")
    assert audit.main([str(bill), "--tool", str(script)]) == audit.UNKNOWN
    said = capsys.readouterr().err
    assert "NOT AUDITED: 2 of 2 packages" in said
    assert "no route" in said
    assert "Traceback" not in said
    assert audit.main([str(bill), "--tool", str(bill / "none")]) == audit.UNKNOWN


def advisory(name: str = "PyYAML", **part: Any) -> dict[str, Any]:
    package = {"ecosystem": "PyPI", "name": name}
    return {"id": "PYSEC-2", "affected": [{"package": package, **part}]}


def ranged(*events: tuple[str, str]) -> dict[str, Any]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": [{name: at} for name, at in events]}]}


@pytest.mark.parametrize(
    ("part", "concerned"),
    [
        ({"versions": ["6.0.4"]}, True),
        ({"versions": ["6.0.3"]}, False),
        (ranged(("introduced", "0"), ("fixed", "6.0.5")), True),
        (ranged(("introduced", "0"), ("fixed", "6.0.4")), False),
        (ranged(("fixed", "6.0.4"), ("introduced", "0")), False),
        (ranged(("introduced", "0"), ("last_affected", "6.0.4")), True),
        (ranged(("introduced", "0"), ("last_affected", "6.0.3")), False),
        (ranged(("introduced", "7")), False),
        (ranged(("introduced", "0"), ("fixed", "5"), ("introduced", "6")), True),
        ({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, False),
    ],
)
def test_advisories_that_were_brought(bill: Path, part: dict[str, Any], concerned: bool) -> None:
    folder = bill / "advisories"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(advisory(**part)))
    archive = bill / "all.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("one.json", json.dumps(advisory(**part)))
    wanted = audit.FOUND if concerned else audit.FINE
    for place in (folder, archive):
        assert audit.main([str(bill), "--advisories", str(place)]) == wanted


def test_advisories_of_others_and_withdrawn_ones_are_none(bill: Path) -> None:
    folder = bill / "advisories"
    folder.mkdir()
    whole = ranged(("introduced", "0"))
    gone = {**advisory(**whole), "withdrawn": "2026-01-01T00:00:00Z"}
    (folder / "gone.json").write_text(json.dumps(gone))
    (folder / "other.json").write_text(json.dumps(advisory("another", **whole)))
    assert audit.main([str(bill), "--advisories", str(folder)]) == audit.FINE


@pytest.mark.parametrize("content", [None, b"", b"no zip"])
def test_files_that_hold_none_are_no_success(bill: Path, content: bytes | None) -> None:
    place = bill / "all.zip"
    if content is not None:
        place.write_bytes(content)
    assert audit.main([str(bill), "--advisories", str(place)]) == audit.UNKNOWN
    (bill / "empty").mkdir()
    assert audit.main([str(bill), "--advisories", str(bill / "empty")]) == audit.UNKNOWN
