"""The examples of the documentation work, and the pages show them as they are."""

from __future__ import annotations

import importlib
import sys
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from hansa.cli import app
from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest
from hansa.kernel.folder import Folder
from hansa.spokes.runner import Request, run_import
from hansa.store.sqlite import open_store

DOCS = Path(__file__).parents[2] / "docs"


def test_the_spoke_of_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS / "examples")
    spoke = importlib.import_module("benches").SPOKE
    monkeypatch.delitem(sys.modules, "benches")
    source = tmp_path / "park.txt"
    source.write_text("1;4;10.68;53.87\n2;two;10.69;53.87\n3;2;10.70;53.86\n")
    with closing(open_store(tmp_path / "s.sqlite")) as store:
        report = run_import(store, spoke, Request(source=str(source)), Clock())
        assert (report.created, report.refused) == (2, 1)
        assert str(report.refusals[0]).startswith("park.txt, line 2: invalid literal for int()")
        bench = orjson.loads(store.get("urn:ngsi-ld:Bench:park:1") or b"")
        (where,) = bench["https://uri.etsi.org/ngsi-ld/location"]
        assert where["value"]["coordinates"] == [10.68, 53.87]
        source.write_bytes(b"\xff")
        with pytest.raises(BadRequest, match=r"park\.txt"):
            run_import(store, spoke, Request(source=str(source)), Clock())


@pytest.mark.parametrize(
    ("name", "mapping", "rows"), [("air.csv", None, 3), ("stations.csv", "stations.toml", 5)]
)
def test_the_history_of_the_guide(
    name: str, mapping: str | None, rows: int, tmp_path: Path
) -> None:
    words = ["history", "import", f"{DOCS}/examples/{name}", "--folder", f"{tmp_path}/n", "--json"]
    words += ["--mapping", f"{DOCS}/examples/{mapping}"] if mapping else []
    Folder.create(tmp_path / "n", "")
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    report = orjson.loads(done.stdout)
    assert (report["added"], report["refused"]) == (rows, 0)


def test_the_guide_shows_the_mapping_of_history_as_it_is() -> None:
    page = (DOCS / "how-to" / "keep-old-history.md").read_text()
    assert (DOCS / "examples" / "stations.toml").read_text() in page


def test_the_guide_shows_the_code_as_it_is() -> None:
    shown = (DOCS / "how-to" / "write-a-spoke.md").read_text().split("```python\n")[1]
    code = (DOCS / "examples" / "benches" / "__init__.py").read_text()
    lines = [line.strip() for line in code.splitlines()]
    for line in shown.split("```")[0].splitlines():
        assert line.strip() in lines


def test_the_tutorial_shows_the_table_as_it_is() -> None:
    shown = (DOCS / "tutorial" / "own-source.md").read_text().split("```text\n")[1]
    rows = (DOCS / "examples" / "trees.csv").read_text().splitlines()
    for line in shown.split("```")[0].splitlines():
        assert line == "..." or line in rows
