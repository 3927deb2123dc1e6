"""What came out of a run of the conformance suite: by group, against what is known, as text and JSON."""

from __future__ import annotations

import json
import tomllib
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["Known", "Result", "Run", "read_results"]

_LONGEST_REASON = 300
_SPLIT = {("ContextInformation", "Provision"), ("ContextInformation", "Consumption")}
"""Folders whose subfolders are counted on their own."""


@dataclass(frozen=True, slots=True)
class Result:
    """One test: its number (as in ``019_13_02``), title, group, and what was wrong if it failed."""

    number: str
    title: str
    group: str
    passed: bool
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """Why tests fail: single ones by number, whole groups by the folder they are in."""

    tests: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, file: Path, commit: str = "") -> Known:
        """What ``known.toml`` says of the suite at a commit: what holds everywhere, and for it alone."""
        found = tomllib.loads(file.read_text())
        tests = dict(found.get("tests", {}))
        for name, more in found.get("at", {}).items():
            if commit.startswith(name):
                tests |= more
        return cls(tests, found.get("groups", {}))

    def reason(self, result: Result) -> str | None:
        """Why a test is known to fail, if it is."""
        if result.number in self.tests:
            return self.tests[result.number]
        return next(
            (why for group, why in self.groups.items() if result.group.startswith(group)), None
        )


@dataclass(frozen=True, slots=True)
class Run:
    """A run: its results, what was known before, and the commits of the suite and of Hansa."""

    results: list[Result]
    known: Known
    suite: str
    hansa: str
    day: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())

    @property
    def surprises(self) -> list[Result]:
        """Failures that nothing explains."""
        return [r for r in self.results if not r.passed and self.known.reason(r) is None]

    @property
    def mended(self) -> list[Result]:
        """Tests that pass although they are known to fail; a number may stand for two tests."""
        failed = {r.number for r in self.results if not r.passed}
        known = self.known.tests.keys() - failed
        return [r for r in self.results if r.passed and r.number in known]

    def groups(self) -> list[tuple[str, int, int]]:
        """Each group with how many of its tests passed and how many there are."""
        total = Counter(r.group for r in self.results)
        passed = Counter(r.group for r in self.results if r.passed)
        return [(group, passed[group], total[group]) for group in sorted(total)]

    def _passing(self, group: str) -> list[str]:
        return [r.number for r in self.results if r.passed and r.group == group]

    def as_json(self) -> str:
        """The whole as JSON."""
        return json.dumps(
            {
                "day": self.day,
                "suite": self.suite,
                "hansa": self.hansa,
                "groups": {
                    g: {"passed": p, "tests": n, "passing": self._passing(g)}
                    for g, p, n in self.groups()
                },
                "failures": [
                    {
                        "test": r.number,
                        "title": r.title,
                        "group": r.group,
                        "fault": r.fault,
                        "known": self.known.reason(r),
                    }
                    for r in self.results
                    if not r.passed
                ],
            },
            indent=2,
        )

    def as_text(self) -> str:
        """For the terminal: the groups, then whatever differs from what is known."""
        lines = [f"{passed:5} of {total:5}  {group}" for group, passed, total in self.groups()]
        lines.append(f"{sum(r.passed for r in self.results):5} of {len(self.results):5}  together")
        for heading, results in (
            ("New failures", self.surprises),
            ("Known to fail, but passed; take them out of known.toml", self.mended),
        ):
            if results:
                lines += ["", heading + ":"]
                lines += [f"  {r.number} {r.title}: {r.fault[:_LONGEST_REASON]}" for r in results]
        return "\n".join(lines)


def read_results(output: Path, tests: Path) -> list[Result]:
    """The results in Robot Framework's ``output.xml``; `tests` is the folder of all tests."""
    root = ET.parse(output).getroot()
    return list(_results(root, tests.resolve()))


def _results(suite: ET.Element, tests: Path) -> Iterator[Result]:
    for inner in suite.findall("suite"):
        yield from _results(inner, tests)
    for test in suite.findall("test"):
        folder = Path(suite.get("source", "")).resolve().relative_to(tests).parts[:-1]
        number, _, title = test.get("name", "").partition(" ")
        status = test.find("status")
        passed = status is not None and status.get("status") == "PASS"
        fault = "" if status is None or passed else " ".join((status.text or "").split())
        split = folder[:2] in _SPLIT
        yield Result(number, title, "/".join(folder[: 3 if split else 2]), passed, fault)
