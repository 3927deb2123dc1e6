"""A little of every kind of hostile input that ``make fuzz`` throws by the million: nothing may break."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks.fuzz.book import Book
from benchmarks.fuzz.requests import Requests
from benchmarks.fuzz.round import play
from tests.web.api.client import ApiClient, problem_of

_ROUNDS = (
    ("operations", 500),
    ("mutants", 500),
    ("pages", 200),
    ("files", 25),
    ("sources", 150),
    ("commands", 30),
)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), _ROUNDS, ids=[kind for kind, _ in _ROUNDS])
def test_nothing_breaks(kind: str, count: int) -> None:
    result = play(kind, 3, count)
    assert result.faults == []
    assert sum(result.counts.values()) >= count


def test_the_same_seed_gives_the_same_requests() -> None:
    one, again, other = (Requests(Random(seed)) for seed in (7, 7, 8))
    first = [one.one() for _ in range(50)]
    assert [again.one() for _ in range(50)] == first
    assert [other.one() for _ in range(50)] != first


def test_a_run_goes_on_from_its_book(tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    told = {"counts": [["GET /x", "200", 3]], "faults": ["GET /x: status 500"], "memory": [1, 2, 5]}
    Book(path, 1).add("pages 1 3", "pages", told, 2.0)
    book = Book(path, 1)
    book.add("pages 2 3", "pages", told, 2.0)
    assert book.total(["pages"]) == 6
    assert book.rounds == json.loads(path.read_text())["rounds"] == ["pages 1 3", "pages 2 3"]
    assert book.faults[1] == "pages 2 3: GET /x: status 500"
    assert "| pages | 1 | 6 | 200: 6 | 3 KiB |" in book.table()
    with pytest.raises(SystemExit):
        Book(path, 2)


@pytest.mark.parametrize("path", ["/entities/*", "/types/*", "/subscriptions/*", "/entities/%2A"])
def test_a_star_in_a_path_is_a_name_like_any_other(api: ApiClient, path: str) -> None:
    assert problem_of(api.get(path))[0] in (400, 404)
