"""The report on the conformance suite: what is counted, explained and held against the run."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "conformance/ngsi-ld"

OUTPUT = """
<robot>
  <suite source="{tests}">
    <suite source="{tests}/ContextInformation/Provision/Entities/CreateEntity/001_01.robot">
      <test name="001_01_01 Makes An Entity"><status status="PASS"/></test>
      <test name="001_01_02 Makes Two | Or More"><status status="FAIL">201 !=
 400</status></test>
    </suite>
    <suite source="{tests}/ContextInformation/Subscription/Create/028_01.robot">
      <test name="028_01_01 Subscribes"><status status="FAIL">404</status></test>
    </suite>
  </suite>
</robot>
"""


def loaded(name: str) -> Any:
    """A module that stands outside the package."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def summary() -> Any:
    """How runs are summed up."""
    return loaded("summary")


@pytest.fixture(scope="module")
def page() -> Any:
    """How they are told."""
    return loaded("page")


@pytest.fixture
def results(summary: Any, tmp_path: Path) -> Any:
    """Three results of a made-up run."""
    (tmp_path / "output.xml").write_text(OUTPUT.format(tests=tmp_path / "TP"))
    return summary.read_results(tmp_path / "output.xml", tmp_path / "TP")


def test_results_are_counted_by_group(summary: Any, results: Any) -> None:
    run = summary.Run(results, summary.Known(), "aaa", "bbb")
    assert run.groups() == [
        ("ContextInformation/Provision/Entities", 1, 2),
        ("ContextInformation/Subscription", 0, 1),
    ]
    assert json.loads(run.as_json())["failures"][0]["fault"] == "201 != 400"


def test_failures_are_surprises_unless_they_are_explained(summary: Any, results: Any) -> None:
    known = summary.Known(
        tests={"001_01_01": "mended since"}, groups={"ContextInformation/Subscription": "later"}
    )
    run = summary.Run(results, known, "aaa", "bbb")
    assert [r.number for r in run.surprises] == ["001_01_02"]
    assert [r.number for r in run.mended] == ["001_01_01"]
    assert "001_01_02" in run.as_text()


def test_what_is_known_may_hold_at_one_commit_alone(summary: Any, tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    file.write_text('[tests]\n001_01_01 = "a"\n[at.abc]\n001_01_02 = "b"\n')
    assert summary.Known.load(file, "abcdef").tests == {"001_01_01": "a", "001_01_02": "b"}
    assert summary.Known.load(file, "bcdef").tests == {"001_01_01": "a"}


def test_the_page_names_what_fails_and_why(summary: Any, page: Any, results: Any) -> None:
    known = summary.Known(
        tests={"001_01_02": "a | reason"}, groups={"ContextInformation/Subscription": "later"}
    )
    run = summary.Run(results, known, "aaa", "bbb", day="2026-11-23")
    text = page.page(page.put_together([json.loads(run.as_json())]))
    assert "1 of 3 tests pass" in text
    assert "| ContextInformation/Provision/Entities | 1 of 2 | 50.0 |" in text
    assert "| 001_01_02 | Makes Two \\| Or More | a \\| reason |" in text
    assert "| 028_01_01 | Subscribes | later |" in text


def test_the_page_holds_several_commits_side_by_side(page: Any) -> None:
    def run(suite: str, group: str, passed: int, *failed: str) -> dict[str, Any]:
        failures = [
            {"test": number, "title": "T", "group": group, "fault": "x", "known": None}
            for number in failed
        ]
        groups = {group: {"passed": passed, "tests": passed + len(failed)}}
        return {"day": "d", "suite": suite, "hansa": "h", "groups": groups, "failures": failures}

    runs = [run("aaa", "G", 1, "1_1"), run("bbb", "G", 5), run("aaa", "H", 2), run("aaa", "G", 2)]
    text = page.page(page.put_together(runs))
    assert "| G | 2 of 2 | 100.0 | 5 of 5 | 100.0 |" in text  # the later run of a group counts
    assert "| H | 2 of 2 | 100.0 |  |  |" in text
    assert "at `aaa`" in text and "at `bbb`" in text
    assert "1_1" not in text


def test_the_page_counts_kinds_of_reasons_and_what_was_corrected_later(page: Any) -> None:
    def run(suite: str, passing: list[str], **failed: str) -> dict[str, Any]:
        counts = {"passed": len(passing), "tests": len(passing) + len(failed), "passing": passing}
        failures = [
            {"test": number, "title": "T", "group": "G", "fault": "x", "known": why}
            for number, why in failed.items()
        ]
        head = {"day": "d", "suite": suite, "hansa": "h"}
        return {**head, "groups": {"G": counts}, "failures": failures}

    why = "Against the specification: clause 1."
    runs = [run("new", ["1_1", "1_2"], a="Own."), run("old", [], **{"1_1": why, "a": "Own."})]
    text = page.page(page.put_together(runs))
    assert "Of these 1, 0 contradict the text, and 1 are wrong" in text
    assert "Of these 2, 1 contradict the text, and 1 are wrong" in text
    assert text.count("1 of them pass at `new`") == 1


def test_what_is_known_is_well_formed(summary: Any) -> None:
    known = summary.Known.load(FOLDER / "known.toml", "1d442dc")
    number = r"D?\d{2,4}(_\d{2}){1,2}(_[a-z]+)?(_\d{2})?"
    assert all(re.fullmatch(number, name) for name in known.tests)
    assert all(
        reason.endswith((".", ")")) for reason in (*known.tests.values(), *known.groups.values())
    )
