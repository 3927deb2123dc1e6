"""From an empty folder to a saved and restored node, with the tables that the documentation shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import orjson
import pytest
from typer.testing import Result

from .conftest import DECLARED, Run

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    """A copy of the documentation's table that tests may change."""
    for name in ("trees.csv", "trees.toml"):
        shutil.copy(EXAMPLES / name, tmp_path / name)
    return tmp_path / "trees.csv"


def bring(run: Run, trees: Path, folder: Path, *more: object) -> Result:
    """Import the trees."""
    mapping = trees.with_suffix(".toml")
    words = ["--mapping", mapping, "--license", "CC0-1.0", "--attribution", "Parks"]
    return run("import", "table", trees, *words, *DECLARED, "--folder", folder, *more)


def test_the_whole_way(run: Run, node: tuple[Path, str], trees: Path, tmp_path: Path) -> None:
    folder, _ = node
    rehearsed = orjson.loads(bring(run, trees, folder, "--dry-run", "--json").stdout)
    assert (rehearsed["created"], rehearsed["refused"], rehearsed["dryRun"]) == (4, 1, True)
    assert orjson.loads(run("types", "--folder", folder, "--json").stdout) == []

    report = orjson.loads(bring(run, trees, folder, "--json").stdout)
    assert (report["created"], report["refused"], report["dryRun"]) == (4, 1, False)
    assert report["refusals"] == ["trees.csv, line 6, column 'height_m': 'tall' is not a number"]

    words = ["--type", "Tree", "--q", "height>10", "--order", "height;desc"]
    found = run("query", *words, "--folder", folder, "--json")
    assert [tree["height"] for tree in orjson.loads(found.stdout)] == [18.5, 11]

    assert run("backup", folder, tmp_path / "b.tgz").exit_code == 0
    restored = run("restore", tmp_path / "b.tgz", tmp_path / "again")
    assert restored.exit_code == 0
    assert re.search(r"saved \d{4}-\d\d-\d\d \d\d:\d\d UTC, to ", restored.stdout)
    again = run("query", *words, "--folder", tmp_path / "again", "--json")
    assert orjson.loads(again.stdout) == orjson.loads(found.stdout)
    assert run("doctor", tmp_path / "again", "--json").exit_code in {0, 1}


def test_importing_again_is_told_as_it_is(run: Run, node: tuple[Path, str], trees: Path) -> None:
    folder, _ = node
    bring(run, trees, folder)
    again = bring(run, trees, folder)
    assert "4 unchanged, 1 refused" in again.stdout
    lines = trees.read_text().replace("tall", "9").splitlines(keepends=True)
    trees.write_text("".join([lines[0], *lines[2:]]))
    changed = bring(run, trees, folder)
    assert "1 created, 3 unchanged, 1 vanished" in changed.stdout


def test_the_report_in_words(run: Run, node: tuple[Path, str], trees: Path) -> None:
    result = bring(run, trees, node[0], "--dry-run")
    assert result.stdout.splitlines()[:2] == ["type  entities", "Tree         4"]
    assert "Would be: 4 created, 1 refused" in result.stdout
    assert "Refused: trees.csv, line 6, column 'height_m'" in result.stderr
    assert "Nothing was written." in result.stderr


def test_a_source_that_is_not_there_or_not_what_it_should_be(
    run: Run, node: tuple[Path, str], trees: Path
) -> None:
    missing = run(
        "import", "table", "nowhere.csv", "--mapping", trees, *DECLARED, "--folder", node[0]
    )
    assert missing.exit_code == 1
    unknown = bring(run, trees, node[0], "--colour", "green")
    assert unknown.exit_code == 1
    assert "option --colour" in unknown.stderr
    assert (
        "did you mean --mapping?" in bring(run, trees, node[0], "--maping", "x.toml").stderr.lower()
    )
    foreign = run("import", "gtfs", trees, *DECLARED, "--folder", node[0])
    assert foreign.exit_code == 1
    assert "trees.csv" in foreign.stderr
    left = orjson.loads(run("types", "--folder", node[0], "--json").stdout)
    assert [each["type"] for each in left] == ["DataSource"]  # declared, and without data


def test_a_missing_mapping_and_the_other_spelling_of_licence(
    run: Run, node: tuple[Path, str], trees: Path
) -> None:
    without = run("import", "table", trees, *DECLARED, "--folder", node[0])
    assert without.exit_code == 1
    assert "--mapping FILE.toml" in without.stderr
    told = bring(run, trees, node[0], "--licence", "ODbL-1.0")
    assert told.exit_code == 0
    source = run("query", "--type", "DataSource", "--json", "--folder", node[0])
    assert "ODbL-1.0" in source.stdout


def test_a_query_without_any_filter_shows_what_is_there(
    run: Run, node: tuple[Path, str], trees: Path
) -> None:
    bring(run, trees, node[0])
    found = orjson.loads(run("query", "--folder", node[0], "--json").stdout)
    assert {entity["type"] for entity in found} == {"Tree", "DataSource"}
    nothing = run("query", "--type", "Bench", "--folder", node[0])
    assert nothing.stdout == ""
    assert "Nothing matches. Types here: DataSource, Tree." in nothing.stderr


def test_the_forms_of_a_query(run: Run, node: tuple[Path, str], trees: Path) -> None:
    folder, _ = node
    bring(run, trees, folder)
    table = run("query", "--type", "Tree", "--pick", "id,height", "--count", "--folder", folder)
    assert table.stdout.splitlines()[0].split() == ["id", "height"]
    assert table.stderr == "4 match.\n"
    near = ["--georel", "near;maxDistance==60", "--geometry", "Point"]
    place = ["--coordinates", "[-71.2521,-29.9045]", "--format", "geojson"]
    found = run("query", "--type", "Tree", *near, *place, "--folder", folder)
    document = orjson.loads(found.stdout)
    assert document["type"] == "FeatureCollection"
    assert {f["properties"]["species"] for f in document["features"]} == {"Araucaria heterophylla"}
    whole = orjson.loads(
        run("query", "--type", "Tree", "--format", "normalized", "--folder", folder).stdout
    )
    assert whole[0]["height"]["unitCode"] == "MTR"
    assert whole[0]["height"]["observedAt"].startswith("2026-05-04T04:00:00")
    counted = run(
        "query", "--type", "Tree", "--count", "--limit", "0", "--folder", folder, "--json"
    )
    assert orjson.loads(counted.stdout) == {"count": 4, "entities": []}
    pages = run("query", "--type", "Tree", "--offset", "3", "--limit", "9999", "--folder", folder)
    assert len(pages.stdout.splitlines()) == 2
