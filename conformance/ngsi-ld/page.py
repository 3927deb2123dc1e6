"""The page of the documentation about the conformance suite, from the ``summary.json`` of one run or more.

Runs of parts of the suite at one commit are put together; each commit has its own column and its own list.

    python conformance/ngsi-ld/page.py whole/summary.json import/summary.json > docs/validation/ngsi-ld.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Findings", "page", "put_together"]

_AGAINST = "Against the specification"
_NAMES = {"1d442dc": "the commit in which ETSI's own suite was imported"}


@dataclass(slots=True)
class Findings:
    """What runs of the suite at one commit found."""

    suite: str
    day: str
    hansa: list[str] = field(default_factory=list)
    groups: dict[str, tuple[int, int]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    passing: dict[str, list[str]] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        """How many tests passed."""
        return sum(passed for passed, _ in self.groups.values())

    @property
    def tests(self) -> int:
        """How many there are."""
        return sum(total for _, total in self.groups.values())


def put_together(summaries: Iterable[dict[str, Any]]) -> list[Findings]:
    """The findings by commit, in the order in which the commits come."""
    found: dict[str, Findings] = {}
    for each in summaries:
        findings = found.setdefault(each["suite"], Findings(each["suite"], each["day"]))
        findings.day = each["day"]
        if each["hansa"] not in findings.hansa:
            findings.hansa.append(each["hansa"])
        for group, counts in each["groups"].items():
            findings.groups[group] = (counts["passed"], counts["tests"])
            findings.passing[group] = counts.get("passing", [])
            findings.failures = [f for f in findings.failures if f["group"] != group]
        findings.failures += each["failures"]
    return list(found.values())


def page(findings: list[Findings]) -> str:
    """The page, in Markdown."""
    lines = [*_head(findings), *_table(findings)]
    mended = {number for names in findings[0].passing.values() for number in names}
    for number, each in enumerate(findings):
        lines += _failures(each, alone=len(findings) == 1)
        lines += _classes(each, findings[0].suite, mended if number else set())
    return "\n".join(lines) + "\n"


def _head(findings: list[Findings]) -> Iterator[str]:
    yield "# The NGSI-LD conformance suite"
    yield ""
    yield (
        "ETSI's suite for NGSI-LD, in the fork `marek-mraz/ngsi-ld-test-suite`, is a program of others that"
        " asks a node what ETSI GS CIM 009 V1.9.1 promises. This page is what it found, written from the runs"
        " themselves (`make conformance`). Where the suite and the text disagree, the text decides, and the"
        " list names the clause."
    )
    yield ""
    for each in findings:
        name = _NAMES.get(each.suite, "the newest commit that was tried")
        share = 100 * each.passed / each.tests
        yield (
            f"- The suite at `{each.suite}`, {name}: {each.passed:,} of {each.tests:,} tests pass"
            f" ({share:.1f} %). Run on {each.day}, Hansa at {' and '.join(f'`{name}`' for name in each.hansa)}."
        )

    if any(each.suite in _NAMES for each in findings) and len(findings) > 1:
        yield ""
        yield (
            "What fails at the older commit contradicts the text of V1.9.1 or cannot pass at all, as its list"
            " says one by one, with the count of each kind; the fork corrected nearly all of it later."
        )


def _table(findings: list[Findings]) -> Iterator[str]:
    yield ""
    yield "| group | " + " | ".join(f"`{each.suite}` | %" for each in findings) + " |"
    yield "|---|" + "---:|---:|" * len(findings)
    for group in sorted({group for each in findings for group in each.groups}):
        cells = []
        for each in findings:
            passed, total = each.groups.get(group, (0, 0))
            cells += [f"{passed} of {total}", f"{100 * passed / total:.1f}"] if total else ["", ""]
        yield f"| {group} | " + " | ".join(cells) + " |"


def _failures(findings: Findings, *, alone: bool) -> Iterator[str]:
    yield from ("", f"## Failures{'' if alone else f' at {findings.suite}'}, by reason", "")
    reasons: dict[str, list[dict[str, Any]]] = {}
    for each in sorted(findings.failures, key=lambda f: f["test"]):
        why = each["known"] or f"Not explained yet: {each['fault']}"
        reasons.setdefault(why, []).append(each)
    if not reasons:
        yield "None."
        return
    yield from ("| tests | what they ask | why they fail |", "|---|---|---|")
    for why, failed in sorted(reasons.items(), key=lambda item: item[1][0]["test"]):
        numbers = ", ".join(each["test"] for each in failed)
        titles = "; ".join(dict.fromkeys(each["title"] for each in failed))
        yield f"| {numbers} | {_cell(titles)} | {_cell(why)} |"


def _classes(findings: Findings, newest: str, mended: set[str]) -> Iterator[str]:
    """How many fail for which kind of reason; which of them pass at the newest commit as they were corrected."""
    failed = {f["test"]: str(f["known"] or "") for f in findings.failures}
    if not failed:
        return
    against = sum(why.startswith(_AGAINST) for why in failed.values())
    yield ""
    yield (
        f"Of these {len(failed)}, {against} contradict the text, and {len(failed) - against} are wrong in themselves"
        " or look at what the text leaves open."
    )
    if mended:
        yield (
            f"{len(failed.keys() & mended)} of them pass at `{newest}`, in the form in which the fork has"
            " corrected them."
        )


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    sys.stdout.write(
        page(put_together(json.loads(Path(name).read_text()) for name in sys.argv[1:]))
    )
