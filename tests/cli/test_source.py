"""A source of personal data on the command line: what is missing is said, shown, and mended by what was said."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from hansa.cli.hints import with_folder

from .conftest import Run

TABLE = "number,driver,minutes,lon,lat\n1,Ana,30,18.29,57.64\n2,Bo,sixty,18.30,57.65\n"
MAPPING = """
type = "ParkingTicket"
id = "{number}"
[location]
longitude = "lon"
latitude = "lat"
[attributes]
driver = "driver"
[attributes.minutes]
column = "minutes"
kind = "number"
"""
RECORD = """
accountable = "Parking office"
contact = "parking@visby.example"
lawful_basis = "public_task"
purpose = ["mobility"]
tech = ["dtpr_api"]
data = ["spatial", "tabular"]
retention_period = "P30D"
public_space = false
"""


@pytest.fixture
def parking(tmp_path: Path) -> Path:
    """Tickets with their drivers, a mapping and a record beside them."""
    (tmp_path / "parking.csv").write_text(TABLE)
    (tmp_path / "parking.toml").write_text(MAPPING)
    (tmp_path / "parking.source.toml").write_text(RECORD)
    return tmp_path / "parking.csv"


def words(parking: Path, folder: Path, *more: object) -> list[object]:
    mapping, record = parking.with_suffix(".toml"), parking.with_suffix(".source.toml")
    given = ["import", "table", parking, "--mapping", mapping, "--declaration", record]
    return [*given, "--folder", folder, *more]


def test_nothing_comes_in_without_a_step_and_what_to_add_is_said(
    run: Run, node: tuple[Path, str], parking: Path
) -> None:
    folder, _ = node
    done = run(*words(parking, folder))
    assert done.exit_code == 1
    assert "0 of 1 stored, 1 refused" in done.stdout
    assert "'driver' has no step" in done.stderr
    rehearsed = run(*words(parking, folder, "--dry-run"))
    assert (rehearsed.exit_code, "Would be: 0 of 1 stored" in rehearsed.stdout) == (1, True)

    (line,) = re.findall(r"anonymise = \[.*\]", done.stderr)
    with parking.with_suffix(".source.toml").open("a") as record:
        record.write(line + "\n")
    again = run(*words(parking, folder))
    assert (again.exit_code, "1 created, 1 refused" in again.stdout) == (0, True)
    assert "line 3: column 'minutes' holds no number (its value is not shown)" in again.stderr
    assert "sixty" not in again.stderr

    shown = run("source", "show", "parking", "--folder", folder)
    assert shown.exit_code == 0
    assert re.search(r"anonymise +drop \(attributes: driver\)", shown.stdout)
    assert re.search(r"public_space +no", shown.stdout)
    asked = run("source", "show", "parking", "--folder", folder, "--json")
    assert orjson.loads(asked.stdout)["anonymise"] == [{"step": "drop", "attributes": ["driver"]}]


def test_what_is_suggested_names_the_folder(
    run: Run, node: tuple[Path, str], parking: Path
) -> None:
    folder, _ = node
    given = ["import", "table", parking, "--mapping", parking.with_suffix(".toml")]
    refused = run(*given, "--folder", folder)
    assert refused.exit_code == 1
    assert f"'hansa source declare parking FILE --folder {folder}'" in refused.stderr
    assert "'hansa source template parking --spoke table'" in refused.stderr
    rehearsed = run(*given, "--folder", folder, "--dry-run")
    assert f"'hansa source declare parking FILE --folder {folder}'" in rehearsed.stderr

    unknown = run("source", "withdraw", "nosuch", "--folder", folder)
    assert unknown.exit_code == 1
    assert "first" not in unknown.stderr
    assert f"'hansa source list --folder {folder}' has them all" in unknown.stderr


def test_a_folder_that_one_need_not_name() -> None:
    text = "see 'hansa source list'; or 'hansa source declare x FILE'"
    assert with_folder(text, Path("node")) == text
    assert with_folder(text, Path("my city")) == (
        "see 'hansa source list --folder \"my city\"'; or 'hansa source declare x FILE --folder \"my city\"'"
    )
