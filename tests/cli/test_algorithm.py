"""``hansa algorithm``: a record by the form, into the register of a node that is served or not, and out of use."""

from __future__ import annotations

import json
import os
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hansa.cli.app import app
from hansa.cli.control import ask, listening
from hansa.cli.init import create
from hansa.cli.task import nothing
from hansa.kernel.errors import BadRequest, Forbidden
from hansa.kernel.settings_file import load
from hansa.node import Node
from hansa.trust.algorithms.fields import FIELDS
from tests.trust.algorithms.test_algorithms import RECORD


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create(tmp_path / "node", {"city": "Visby"})
    return tmp_path / "node"


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["algorithm", *map(str, words)])
    return done.exit_code, done.output


def test_the_form_names_every_field_and_is_toml() -> None:
    code, text = run("form")
    assert code == 0
    required = tomllib.loads(text)
    assert set(required) == {name for name, field in FIELDS.items() if field.required}
    assert all(f"\n# {name} =" in text for name, field in FIELDS.items() if not field.required)
    assert set(json.loads(run("form", "--json")[1])) == set(FIELDS)


def test_a_record_goes_in_is_shown_and_retired(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "green.json"
    file.write_text(json.dumps(RECORD))
    assert run("list", "-f", folder)[0] == 0
    code, told = run("declare", "green-wave", file, "-f", folder)
    assert (code, "Declared green-wave" in told) == (0, True)
    (listed,) = json.loads(run("list", "-f", folder, "--json")[1])
    assert (listed["algorithm"], listed["reads"]) == ("green-wave", "TrafficFlowObserved")
    assert "Fewer stops on the ring road" in run("show", "green-wave", "-f", folder)[1]
    assert json.loads(run("retire", "green-wave", "-f", folder, "--json")[1])["status"] == "retired"
    assert "not in the register" in run("show", "red-wave", "-f", folder)[1]


def test_what_is_missing_prohibited_or_no_file_of_it_is_said(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "green.toml"
    file.write_text('name = "Green wave"\n')
    code, told = run("declare", "green-wave", file, "-f", folder)
    assert code == 1
    assert "organization is missing" in " ".join(told.split())
    file.write_text("name = \n")
    assert "is no TOML" in " ".join(run("declare", "green-wave", file, "-f", folder)[1].split())
    (tmp_path / "red.json").write_text(json.dumps({**RECORD, "practices": ["social-scoring"]}))
    code, told = run("declare", "red", tmp_path / "red.json", "-f", folder)
    assert (code, "Art. 5(1)(c)" in told) == (1, True)
    assert run("declare", "none", tmp_path / "none.json", "-f", folder)[0] == 1
    assert json.loads(run("list", "-f", folder, "--json")[1]) == []


def test_a_served_node_does_it_for_the_command(folder: Path) -> None:
    with closing(Node.open(folder, load(folder, os.environ))) as node, listening(node) as door:

        def asked(task: str, **given: object) -> dict[str, object]:
            return ask(door, "algorithms", task, given, nothing)

        assert asked("declare", id="green-wave", record=RECORD)["status"] == "pilot"
        assert node.trust.algorithms.principal("green-wave").kind == "service"
        assert asked("retire", id="green-wave")["status"] == "retired"
        reasons = [each.entry.reason for each in node.trust.log.entries(0, 9)]
        assert reasons[-2:] == ["algorithm.declared", "algorithm.retired"]
        with pytest.raises(Forbidden, match="prohibited"):
            asked("declare", id="red", record={**RECORD, "practices": ["social-scoring"]})
        with pytest.raises(BadRequest, match="not one of"):
            asked("gossip")
