"""The bill of materials names all that a node runs with, and no licence slips in unseen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import bill


def test_every_part_of_a_node_is_under_an_accepted_licence() -> None:
    assert [part for part in bill.parts() if not part.accepted] == []


def test_the_bill_holds_what_a_node_runs_with_and_no_developers_tool(tmp_path: Path) -> None:
    assert bill.main(tmp_path) == 0
    made = json.loads((tmp_path / "sbom.cdx.json").read_text())
    assert made["bomFormat"] == "CycloneDX"
    names = {component["name"].lower() for component in made["components"]}
    assert {"starlette", "apsw", "shapely", "duckdb", "h11"} <= names
    assert not names & {"pytest", "mypy", "playwright", "mkdocs"}
    table = (tmp_path / "licences.md").read_text()
    assert "| starlette |" in table and "not known" not in table


@pytest.mark.parametrize(
    ("licence", "accepted"),
    [
        ("MIT", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("EPL-2.0 OR BSD-3-Clause", True),
        ("GPL-3.0-only", False),
        ("MIT AND AGPL-3.0-or-later", False),
        ("MIT AND (GPL-2.0-only OR AGPL-3.0-only)", False),
        ("", False),
    ],
)
def test_an_expression_is_read_as_it_is_meant(licence: str, accepted: bool) -> None:
    assert bill.Part("part", "1", licence).accepted is accepted
