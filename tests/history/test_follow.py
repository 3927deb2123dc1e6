"""A long statement tells how far it is, and can be broken off."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hansa.history import engine

LONG = "COPY (SELECT count(*) FROM range(40_000_000_000) AS t(i) WHERE hash(i) % 7 = 3) TO '{}' (FORMAT csv)"


class Enough(Exception):
    """Somebody no longer waits."""


def test_what_follows_may_break_it_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_LOOKS", 0.01)
    seen: list[float] = []

    def follow(share: float) -> None:
        seen.append(share)
        if len(seen) > 5:
            raise Enough

    began = time.monotonic()
    with pytest.raises(Enough):
        engine.run(LONG.format(tmp_path / "x.csv"), follow=follow)
    assert time.monotonic() - began < 60
    assert all(0 <= share <= 1 for share in seen)


def test_the_outcome_is_the_same(tmp_path: Path) -> None:
    statement = f"COPY (SELECT * FROM range(10)) TO '{tmp_path / 'x.csv'}' (FORMAT csv)"
    assert engine.run(statement, follow=lambda share: None) == engine.run(statement) == 10
