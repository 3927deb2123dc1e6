"""A source of personal data on the command line: what is missing is said, shown, and mended by what was said."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import orjson
import pytest

from hansa.cli.hints import with_folder
from hansa.ngsild.city import city_iri
from hansa.trust.anonymise.declare import parse

from .conftest import Run

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
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


def test_the_template_knows_what_the_mapping_tells(run: Run, parking: Path) -> None:
    mapping = parking.with_suffix(".toml")
    made = run("source", "template", "parking", "--spoke", "table", "--mapping", mapping)
    assert made.exit_code == 0
    record = tomllib.loads(made.stdout)
    assert record["data"] == ["tabular", "spatial", "personal"]
    assert record["anonymise"] == [{"step": "drop", "attributes": ["driver"]}]
    assert (record["process"], record["access"]) == (["de_identified"], [])
    assert run("source", "template", "x", "--mapping", mapping).exit_code == 1
    trees = run("source", "template", "t", "--spoke", "table", "--mapping", EXAMPLES / "trees.toml")
    record = tomllib.loads(trees.stdout)
    assert record["data"] == ["tabular", "spatial", "values_time"]
    assert record["access"] == ["available_to_download"]
    shown = tomllib.loads((EXAMPLES / "trees.source.toml").read_text())
    assert set(record["data"]) == set(shown["data"])


def test_the_template_offers_no_red_line_and_steps_that_can_be_declared(run: Run) -> None:
    made = run("source", "template", "x").stdout
    for element in ("biometrics", "facial_characterization", "identifiable_video"):
        assert f"#   {element}:" not in made
    (lines,) = re.findall(r"(?ms)^# (anonymise = \[$.*?)^# \]", made)
    steps = tomllib.loads(re.sub(r"(?m)^# ?", "", lines) + "]")["anonymise"]
    assert [each["step"] for each in steps] == ["drop", "time", "place", "pseudonymise"]
    assert len(parse(steps, city_iri).steps) == 4


@pytest.mark.parametrize(
    ("spoke", "left"),
    [("gtfs", 5), ("osm", 5), ("ckan", 5), ("aequilibrae", 5), ("gbfs", 6)]
    + [(each, 7) for each in ("table", "mqtt", "ngsiv2", "sensorthings")],
)
def test_the_guide_counts_what_is_left_to_answer(
    spoke: str, left: int, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "record.toml"
    file.write_text(run("source", "template", "x", "--spoke", spoke).stdout)
    checked = run("source", "check", file, "--spoke", spoke)
    assert checked.exit_code == 1
    assert checked.stderr.count("is missing") == left
    assert "retention is missing" not in checked.stderr
    guide = (EXAMPLES.parent / "how-to" / "declare-a-source.md").read_text()
    assert re.search(rf"(?m)^\| .*`{spoke}`.* \| {left} \|", guide)


def test_the_guide_to_steps_shows_what_can_be_declared() -> None:
    guide = (EXAMPLES.parent / "how-to" / "anonymise-a-source.md").read_text()
    shown = re.findall(r"(?s)```toml\n(.*?)```", guide)
    assert len(shown) == 3
    for each in shown:
        assert parse(tomllib.loads(each)["anonymise"], city_iri)
