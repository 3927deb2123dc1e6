"""The budget: never exceeded, by many askers at once or by who is killed, and durable before the answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.errors import Forbidden
from hansa.trust.anonymise.budget import Budget
from hansa.trust.anonymise.kinds import BudgetTerms
from hansa.trust.anonymise.noise import Cost
from hansa.trust.vault import Vault

from .spending import EACH, TERMS

ROOT = Path(__file__).parents[3]


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made = Vault(tmp_path / "trust" / "vault.sqlite", Clock())
    yield made
    made.close()


def spend(budget: Budget, terms: BudgetTerms, epsilon: float, delta: float = 0.0) -> Cost:
    cost = Cost.of(epsilon, delta)
    return budget.spend("bikes", terms, cost, cost.numbers, {"by": ["kind"]}).left


def test_what_is_spent_is_public(vault: Vault) -> None:
    budget = Budget(vault, Clock())
    terms = BudgetTerms(1.0, 1e-6)
    assert budget.shown("bikes") is None
    assert spend(budget, terms, 0.25) == Cost.of(0.75, 1e-6)
    spend(budget, terms, 0.5, 1e-7)
    shown = budget.shown("bikes", terms)
    assert shown is not None
    assert (shown["epsilon"], shown["spent"]["epsilon"], shown["releases"]) == (1.0, 0.75, 2)
    assert shown["opendp"]["epsilon"] == pytest.approx(0.75)
    assert [each["epsilon"] for each in shown["latest"]] == [0.5, 0.25]
    assert shown["latest"][0]["by"] == ["kind"]
    assert budget.sources() == ["bikes"]


def test_what_does_not_fit_costs_nothing(vault: Vault) -> None:
    budget = Budget(vault, Clock())
    terms = BudgetTerms(1.0)
    for _ in range(9):
        spend(budget, terms, 0.1)
    with pytest.raises(Forbidden, match=r"has ε 0\.1 and δ 0 left, and this would cost 0\.2"):
        spend(budget, terms, 0.2)
    with pytest.raises(Forbidden):
        spend(budget, terms, 0.05, 1e-9)
    assert spend(budget, terms, 0.1) == Cost(0), "ten tenths are one"
    with pytest.raises(Forbidden):
        spend(budget, terms, 1e-6)


def test_less_than_nothing_cannot_be_spent(vault: Vault) -> None:
    budget = Budget(vault, Clock())
    for cost in (Cost(0), Cost(-5), Cost(5, -1)):
        with pytest.raises(Forbidden):
            budget.spend("bikes", BudgetTerms(1.0), cost, (0.0, 0.0), {})


def test_a_smaller_budget_forgets_nothing(vault: Vault) -> None:
    budget = Budget(vault, Clock())
    spend(budget, BudgetTerms(5.0), 3.0)
    with pytest.raises(Forbidden, match="has ε 0 and"):
        spend(budget, BudgetTerms(2.0), 0.1)


def at(*date: int) -> Clock:
    return Clock.set_to(datetime(*date, tzinfo=UTC))  # type: ignore[arg-type]


def test_a_budget_begins_anew_where_it_says_so(vault: Vault) -> None:
    terms = BudgetTerms(1.0, renews="month")
    spend(Budget(vault, at(2026, 1, 31, 12)), terms, 1.0)
    with pytest.raises(Forbidden, match="next month"):
        spend(Budget(vault, at(2026, 1, 31, 13)), terms, 0.1)
    later = Budget(vault, at(2026, 2, 1, 1))
    spend(later, terms, 0.5)
    shown = later.shown("bikes", terms)
    assert shown is not None
    assert (shown["spent"]["epsilon"], shown["ever"]["epsilon"]) == (0.5, 1.5)
    with pytest.raises(Forbidden):
        spend(Budget(vault, at(2026, 1, 15)), terms, 0.6)
    with pytest.raises(Forbidden):
        spend(later, BudgetTerms(1.0), 0.1)


def test_many_who_ask_at_once_never_get_more(vault: Vault) -> None:
    budget = Budget(vault, Clock())

    def ask(_: int) -> bool:
        try:
            spend(budget, BudgetTerms(1.0), 0.1)
        except Forbidden:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(64))) == 10
    shown = budget.shown("bikes")
    assert shown is not None
    assert shown["spent"]["epsilon"] == 1.0


@pytest.mark.parametrize("after", [1, 7, 23])
def test_who_is_killed_has_paid_for_every_answer(tmp_path: Path, after: int) -> None:
    path = tmp_path / "trust" / "vault.sqlite"
    command = [sys.executable, "-m", "tests.trust.anonymise.spending", str(path)]
    answers = 0
    for _ in range(3):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(after):
                answers = int(process.stdout.readline())
            os.kill(process.pid, signal.SIGKILL)
            told = [line for line in process.stdout.read().splitlines() if line.isdecimal()]
            answers = int(told[-1]) if told else answers
        vault = Vault(path, Clock())
        shown = Budget(vault, Clock()).shown("bikes")
        vault.close()
        assert shown is not None
        assert answers <= shown["releases"]
        assert shown["spent"]["epsilon"] == pytest.approx(shown["releases"] * EACH.numbers[0])
        assert shown["spent"]["epsilon"] <= TERMS.epsilon
