"""A restore forgets nothing that was told: budgets are shut until the operator says what happened after the backup."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hansa.cli import app
from hansa.cli.init import create
from hansa.kernel.clock import Clock
from hansa.kernel.errors import Forbidden
from hansa.kernel.folder import Folder
from hansa.kernel.settings_file import load
from hansa.node import Node
from hansa.trust.anonymise.budget import Budget
from hansa.trust.anonymise.kinds import BudgetTerms
from hansa.trust.anonymise.noise import Cost
from hansa.trust.principals import LOCAL
from hansa.trust.vault import Vault
from hansa.upkeep.archive import backup, restore
from tests.trust.sources.test_record import WHOLE

STEPS = [
    {"step": "count", "types": ["Rider"], "by": [], "epsilon": 0.1, "window": "PT1H"},
    {"step": "budget", "epsilon": 1.0, "renews": "never"},
]
TERMS = BudgetTerms(1.0)
EACH = Cost.of(0.25)


def spend(folder: Path) -> Cost:
    with closing(Vault(Folder(folder).vault, Clock())) as vault:
        return Budget(vault, Clock()).spend("bikes", TERMS, EACH, EACH.numbers, {}).left


def shown(folder: Path) -> dict[str, object]:
    with closing(Vault(Folder(folder).vault, Clock())) as vault:
        return Budget(vault, Clock()).shown("bikes", TERMS) or {}


@pytest.fixture
def again(tmp_path: Path) -> Path:
    """A node that was restored after it had told more than its backup knows."""
    first, restored = tmp_path / "first", tmp_path / "again"
    create(first, {"city": "Visby"})
    with closing(Node.open(first, load(first, os.environ))) as node:
        node.trust.begin()
        node.trust.sources.declare(LOCAL, "bikes", {**WHOLE, "anonymise": STEPS})
        node.trust.log.sign()
    spend(first)
    backup(Folder(first), tmp_path / "b.tgz", lambda done, total: None)
    assert spend(first) == Cost.of(0.5)
    assert spend(first) == Cost.of(0.25)
    restore(tmp_path / "b.tgz", restored, lambda done, total: None)
    return restored


def test_nothing_is_told_before_it_is_said_what_was(again: Path) -> None:
    with pytest.raises(Forbidden, match=r"restored from the backup of .*resume"):
        spend(again)
    assert shown(again)["spent"] == {"epsilon": 0.25, "delta": 0}


@pytest.mark.parametrize("how", ["--new-volume", "--checkpoint"])
def test_what_may_have_been_told_counts_as_told(again: Path, how: str) -> None:
    words = ["log", "resume", str(again), how]
    if how == "--checkpoint":
        words.append(str(again / "log" / "checkpoint"))
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "bikes" in done.output
    with pytest.raises(Forbidden, match="has ε 0 and"):
        spend(again)
    now = shown(again)
    assert (now["spent"], now["ever"]) == ({"epsilon": 1, "delta": 0}, {"epsilon": 1, "delta": 0})
    assert now["restored"]


def test_where_nothing_newer_was_told_budgets_stand(again: Path) -> None:
    done = CliRunner().invoke(app, ["log", "resume", str(again), "--nothing-newer"])
    assert done.exit_code == 0, done.output
    assert spend(again) == Cost.of(0.5)
    assert shown(again)["restored"] is None
