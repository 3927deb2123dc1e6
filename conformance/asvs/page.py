"""The page of the documentation about OWASP ASVS, from ``answers.toml`` and ``requirements.toml``.

Every requirement has one answer: tests that show it, pages that document it, a reason why it does not apply, or
what is still missing. A pattern (``V17.*``) answers for what nothing closer answers.

    python conformance/asvs/page.py > docs/validation/security.md
"""

from __future__ import annotations

import ast
import fnmatch
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["Chapter", "answer_to", "answers", "chapters", "faults", "page", "tests_in"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KINDS = {"tests": "shown", "pages": "documented", "reason": "not applicable", "open": "open"}

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter of the standard: the numbers of its requirements at levels 1 and 2."""

    id: str
    name: str
    requirements: tuple[str, ...]


def chapters() -> list[Chapter]:
    """All chapters, in order."""
    found = tomllib.loads((HERE / "requirements.toml").read_text(encoding="utf-8"))["chapter"]
    return [Chapter(each["id"], each["name"], tuple(each["requirements"])) for each in found]


def answers() -> dict[str, dict[str, Answer]]:
    """What ``answers.toml`` says, by ``asvs`` and ``api``."""
    return tomllib.loads((HERE / "answers.toml").read_text(encoding="utf-8"))


def answer_to(requirement: str, given: dict[str, Answer]) -> Answer | None:
    """The closest answer: by its number, or by the longest pattern that fits."""
    if requirement in given:
        return given[requirement]
    fitting = [name for name in given if "*" in name and fnmatch.fnmatchcase(requirement, name)]
    return given[max(fitting, key=len)] if fitting else None


def kind_of(answer: Answer) -> str:
    """Which of :data:`KINDS` an answer is."""
    return next(kind for kind in KINDS if kind in answer)


@cache
def tests_in(file: str) -> frozenset[str]:
    """The names of the test functions in a file, read from its syntax tree."""
    path = ROOT / file
    if not path.is_file() or not file.startswith("tests/"):
        return frozenset()
    defined = ast.FunctionDef | ast.AsyncFunctionDef
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(each.name for each in ast.walk(tree) if isinstance(each, defined))


@cache
def all_tests() -> frozenset[str]:
    """The names of all test functions, for those that an answer only speaks of."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return frozenset(name for text in texts for name in re.findall(r"def (test_\w+)", text))


def faults() -> Iterator[str]:
    """What is wrong with the answers: numbers that are missing or unknown, tests and pages that are not there."""
    given = answers()
    known = [number for chapter in chapters() for number in chapter.requirements]
    for number in known:
        if answer_to(number, given["asvs"]) is None:
            yield f"{number} has no answer"
    for name, answer in given["asvs"].items():
        if name not in known and not ("*" in name and fnmatch.filter(known, name)):
            yield f"{name} is no requirement of levels 1 and 2"
        yield from _faults_of(name, answer)
    wanted = {f"API{number}:2023" for number in range(1, 11)}
    if wanted != given["api"].keys():
        yield f"answers about APIs are {sorted(given['api'])}"
    for name, answer in given["api"].items():
        yield from _faults_of(name, answer)


def _faults_of(name: str, answer: Answer) -> Iterator[str]:
    kinds = [kind for kind in KINDS if answer.get(kind)]
    if len(kinds) != 1 or answer.keys() - {*KINDS, "says"}:
        yield f"{name} needs one of {', '.join(KINDS)}"
    elif kinds[0] in ("tests", "pages") and not answer.get("says"):
        yield f"{name} does not say what they show"
    words = " ".join(str(answer.get(kind, "")) for kind in ("says", "reason", "open"))
    for named in set(re.findall(r"\btest_\w+", words)) - all_tests():
        yield f"{name} speaks of {named}, which is not there"
    for test in answer.get("tests", ()):
        file, _, function = test.partition("::")
        if function not in tests_in(file):
            yield f"{name} names {test}, which is not there"
    for target in answer.get("pages", ()):
        path, _, anchor = target.partition("#")
        text = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).is_file() else None
        heads = re.findall(r"^#+ (.+)$", text or "", flags=re.M)
        if text is None or (anchor and anchor not in {_slug(head) for head in heads}):
            yield f"{name} names {target}, which is not there"


def _slug(heading: str) -> str:
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


def page() -> str:
    """The page, in Markdown."""
    given = answers()
    rows = [(c, n, answer_to(n, given["asvs"]) or {}) for c in chapters() for n in c.requirements]
    lines = [*_head(len(rows)), *_counts(rows)]
    for chapter in chapters():
        lines += ["", f"## {chapter.id} {chapter.name}", ""]
        lines += ["| requirement | | what shows it, or why not |", "|---|---|---|"]
        lines += [f"| {n} | {KINDS[kind_of(a)]} | {_cell(a)} |" for c, n, a in rows if c == chapter]
    lines += [
        "",
        "## OWASP API Security Top 10 (2023)",
        "",
        "| risk | what shows it |",
        "|---|---|",
    ]
    lines += [f"| {name} | {_cell(answer)} |" for name, answer in given["api"].items()]
    return "\n".join(lines) + "\n"


def _head(total: int) -> Iterator[str]:
    yield "# Security: OWASP ASVS"
    yield ""
    yield (
        f"The Application Security Verification Standard 5.0.0 of OWASP has {total} requirements at levels 1 and 2."
        " This page answers each: by tests of this repository, by a page of the documentation, by the reason why it"
        " does not apply, or by what is still missing. It is written from `conformance/asvs/answers.toml`"
        " (`make docs-pages`); a test fails when a requirement has no answer, a named test is gone, or the page is"
        " out of date. The requirements are named by number; their texts stand in the standard"
        " (owasp.org/ASVS). Nobody else has judged this: it is our own reading."
    )


def _counts(rows: list[tuple[Chapter, str, Answer]]) -> Iterator[str]:
    yield ""
    yield "| chapter | " + " | ".join(KINDS.values()) + " | all |"
    yield "|---|" + "---:|" * (len(KINDS) + 1)
    for chapter in chapters():
        yield _row(f"{chapter.id} {chapter.name}", [a for c, _, a in rows if c == chapter])
    yield _row("**all**", [answer for _, _, answer in rows])


def _row(name: str, found: list[Answer]) -> str:
    counts = Counter(map(kind_of, found))
    cells = [str(counts[kind] or "") for kind in KINDS]
    return f"| {name} | {' | '.join(cells)} | {len(found)} |"


def _cell(answer: Answer) -> str:
    text = str(answer.get("says") or answer.get("reason") or answer.get("open"))
    shown = [f"`{test.removeprefix('tests/')}`" for test in answer.get("tests", ())]
    for target in answer.get("pages", ()):
        path = target.removeprefix("docs/")
        shown.append(f"[{path.partition('#')[0]}](../{path})")
    parts = [text.rstrip("."), *shown]
    return "<br>".join(part.replace("|", "\\|") for part in parts)


if __name__ == "__main__":
    problems = list(faults())
    if problems:
        raise SystemExit("\n".join(problems))
    sys.stdout.write(page())
