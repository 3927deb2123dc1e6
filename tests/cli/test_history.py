"""``hansa history``: what the four commands say and do."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from hansa.cli import app

runner = CliRunner()


def run(*words: str, code: int = 0) -> str:
    result = runner.invoke(app, ["history", *words])
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def folder(tmp_path: Path) -> str:
    place = str(tmp_path / "node")
    assert runner.invoke(app, ["init", place]).exit_code == 0
    return place


def test_from_import_to_retention(folder: str, tmp_path: Path) -> None:
    table = tmp_path / "air.csv"
    rows = [f"urn:ngsi-ld:A:1,T,pm,2020-01-01T00:{n:02}:00Z,{n}" for n in range(60)]
    table.write_text("\n".join(["entity,type,attribute,time,value", *rows, "x,T,pm,y,z"]))
    said = run("import", str(table), "--folder", folder, "--dry-run")
    assert said == "Would be: 60 added, 1 refused\n"
    done = orjson.loads(run("import", str(table), "--folder", folder, "--json"))
    assert (done["added"], done["refused"], done["faults"][0][0]) == (60, 1, 62)
    moved = orjson.loads(run("compact", "--folder", folder, "--days", "0", "--json"))
    assert (moved["moved"], len(moved["segments"])) == (0, 1)
    run("rules", "--set", "air", "--type", "T", "--folder", folder, code=1)
    shown = run(
        *("rules", "--set", "air", "--type", "T", "--keep", "P1Y", "--sums", "PT1H"),
        *("--folder", folder),
    )
    assert "air" in shown
    assert "PT1H" in shown
    for words, summed in ((["--dry-run"], 60), ([], 60), (["--dry-run"], 0)):
        answer = orjson.loads(run("retain", "--folder", folder, "--json", *words))
        assert answer["effects"] == [{"rule": "air", "summed": summed, "gone": 0, "sums_gone": 0}]
    found = orjson.loads(run("rules", "--remove", "air", "--folder", folder, "--json"))
    assert found == {"rules": []}
    run("rules", "--remove", "air", "--folder", folder, code=1)
