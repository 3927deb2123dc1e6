"""The page on OWASP ASVS: every requirement has an answer, every named test exists, the page is current."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def module() -> ModuleType:
    """conformance/asvs/page.py, which is no package's."""
    path = ROOT / "conformance" / "asvs" / "page.py"
    spec = importlib.util.spec_from_file_location("asvs_page", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules["asvs_page"] = made
    spec.loader.exec_module(made)
    return made


ASVS = module()


def test_every_requirement_has_an_answer_and_what_it_names_exists() -> None:
    assert list(ASVS.faults()) == []


def test_the_list_is_that_of_levels_1_and_2() -> None:
    numbers = [number for chapter in ASVS.chapters() for number in chapter.requirements]
    assert len(numbers) == len(set(numbers)) == 253
    assert [chapter.id for chapter in ASVS.chapters()] == [f"V{n}" for n in range(1, 18)]
    for chapter in ASVS.chapters():
        assert all(number.startswith(chapter.id + ".") for number in chapter.requirements)


def test_the_page_is_what_the_answers_say() -> None:
    written = (ROOT / "docs" / "validation" / "security.md").read_text(encoding="utf-8")
    assert written == ASVS.page(), "run: make docs-pages"


def test_the_closest_answer_counts() -> None:
    given = {"V17.*": {"reason": "a"}, "V17.1.*": {"reason": "b"}, "V17.1.1": {"open": "c"}}
    assert ASVS.answer_to("V17.1.1", given) == {"open": "c"}
    assert ASVS.answer_to("V17.1.2", given) == {"reason": "b"}
    assert ASVS.answer_to("V17.2.1", given) == {"reason": "a"}
    assert ASVS.answer_to("V1.7.1", given) is None


def test_a_test_that_is_not_there_is_found_out() -> None:
    assert "test_the_closest_answer_counts" in ASVS.tests_in("tests/conformance/test_asvs.py")
    assert ASVS.tests_in("tests/none.py") == frozenset()
    bad = {"says": "x", "tests": ["tests/conformance/test_asvs.py::test_no_such"]}
    assert list(ASVS._faults_of("V1.1.1", bad)) == [
        "V1.1.1 names tests/conformance/test_asvs.py::test_no_such, which is not there"
    ]
    assert list(ASVS._faults_of("V1.1.1", {"says": "x"})) == [
        "V1.1.1 needs one of tests, pages, reason, open"
    ]
