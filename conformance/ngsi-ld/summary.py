"""What came out of a run of the conformance suite: by group, against what is known, as text and page."""

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
    def load(cls, file: Path) -> Known:
        """What ``known.toml`` says."""
        found = tomllib.loads(file.read_text())
        return cls(found.get("tests", {}), found.get("groups", {}))

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
        """Tests that pass although they are known to fail."""
        return [r for r in self.results if r.passed and r.number in self.known.tests]

    def groups(self) -> list[tuple[str, int, int]]:
        """Each group with how many of its tests passed and how many there are."""
        total = Counter(r.group for r in self.results)
        passed = Counter(r.group for r in self.results if r.passed)
        return [(group, passed[group], total[group]) for group in sorted(total)]

    def as_json(self) -> str:
        """The whole as JSON."""
        return json.dumps(
            {
                "day": self.day,
                "suite": self.suite,
                "hansa": self.hansa,
                "groups": {g: {"passed": p, "tests": n} for g, p, n in self.groups()},
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

    def as_page(self) -> str:
        """For the documentation, in Markdown."""
        return "\n".join([*self._head(), *self._table(), *self._named(), *self._left()]) + "\n"

    def _head(self) -> Iterator[str]:
        yield "# The NGSI-LD conformance suite"
        yield ""
        yield (
            "ETSI's suite for NGSI-LD, in the fork `marek-mraz/ngsi-ld-test-suite`, is a program of"
            " others that asks a node what ETSI GS CIM 009 V1.9.1 promises. This page is what it found,"
            " written by the run itself (`make conformance`)."
        )
        yield ""
        yield (
            f"Run on {self.day}, Hansa at `{self.hansa}`, the suite at `{self.suite}`:"
            f" {sum(r.passed for r in self.results):,} of {len(self.results):,} tests pass. Of a group"
            " that is not offered, a few tests pass all the same: they ask for refusals that any server"
            " gives, and prove nothing."
        )

    def _table(self) -> Iterator[str]:
        yield from ("", "| group | passed | tests | % |", "|---|---:|---:|---:|")
        for group, passed, total in self.groups():
            yield f"| {group} | {passed} | {total} | {100 * passed / total:.1f} |"

    def _named(self) -> Iterator[str]:
        yield from ("", "## Failures, one by one", "")
        named = [r for r in self.results if not r.passed and r.number in self.known.tests]
        named += self.surprises
        if not named:
            yield "None in the groups that are offered."
            return
        yield from ("| test | what it asks | why it fails |", "|---|---|---|")
        for result in sorted(named, key=lambda r: r.number):
            why = self.known.reason(result) or f"not explained yet: {result.fault}"
            yield f"| {result.number} | {_cell(result.title)} | {_cell(why)} |"

    def _left(self) -> Iterator[str]:
        failed = [r for r in self.results if not r.passed and r.number not in self.known.tests]
        reasons = {
            group: why
            for group, why in self.known.groups.items()
            if any(r.group.startswith(group) for r in failed)
        }
        if reasons:
            yield from ("", "## Groups that are not offered yet", "")
            yield from ("| group | why its tests fail |", "|---|---|")
            yield from (f"| {group} | {_cell(why)} |" for group, why in reasons.items())


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


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
