"""The privacy budget: how much noisy counts have told of each source, and how much they may.

A spending is durable before its answer goes out: who is killed in between has paid for nothing, and nobody has an answer that
was not paid for. Spendings of one source are put one after another by the vault, whoever asks at the same time; one that
does not fit whole is refused, and costs nothing. All of it is public.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import Forbidden
from hansa.trust.anonymise.kinds import BudgetTerms
from hansa.trust.anonymise.noise import Cost, composed
from hansa.trust.vault import Record, Vault

__all__ = ["KIND", "RESTORED", "Budget", "Spent", "opened"]

KIND: Final = "privacy-budget"
RESTORED: Final = ("privacy-restored", "newest")
"""Kind and identifier of the note that a restored vault bears until it is said what was told after the backup."""
_SHOWN: Final = 200
"""How many of the latest spendings are kept one by one; of all, the sums."""


@dataclass(frozen=True, slots=True)
class Spent:
    """A spending that was made: what is left now."""

    number: int
    left: Cost


class Budget:
    """The budgets of all sources of a node. Safe to use from several threads.

    Args:
        vault: where spendings are kept.
        clock: the node's time.
    """

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock

    def spend(
        self,
        source: str,
        terms: BudgetTerms,
        cost: Cost,
        certified: tuple[float, float],
        what: dict[str, Any],
    ) -> Spent:
        """Pay for a release; it is durable on return.

        Args:
            source: whose budget.
            terms: how much there is, and when it begins anew.
            cost: what is charged.
            certified: what OpenDP says that it costs.
            what: the question, for the public: no exact number.

        Raises:
            Forbidden: it does not fit, or what was told after a backup is not known yet; nothing is charged.
            Unavailable: it could not be written; nothing is charged.
        """
        self._check_settled()
        now = self._clock.now()
        limit = Cost.of(terms.epsilon, terms.delta)

        def paid(old: Record | None) -> tuple[Record, Spent]:
            record = opened(old, source, terms, now)
            spent = Cost(*record["spent"]) + cost
            if cost.epsilon <= 0 or cost.delta < 0 or not spent.within(limit):
                raise _exhausted(source, record, cost, limit)
            number = record["number"] + 1
            entry = {
                "number": number,
                "at": iso(now),
                "epsilon": cost.numbers[0],
                "delta": cost.numbers[1],
                **what,
            }
            ever = Cost(*record["ever"]) + cost
            made = record | {
                "spent": [spent.epsilon, spent.delta],
                "ever": [ever.epsilon, ever.delta],
                "composed": list(composed(tuple(record["composed"]), certified)),
                "number": number,
                "latest": [*record["latest"], entry][-_SHOWN:],
            }
            return made, Spent(
                number, Cost(limit.epsilon - spent.epsilon, limit.delta - spent.delta)
            )

        return self._vault.edit(KIND, source, paid)

    def _check_settled(self) -> None:
        mark = self._vault.get(*RESTORED)
        if mark is not None:
            raise Forbidden(
                "counts with noise",
                f"are not told: this node was restored from the backup of {mark['backup']}, and what was told after it "
                "is not known",
                "stop the node and say how its log goes on: 'hansa log resume FOLDER --nothing-newer' if nothing was "
                "told, else --checkpoint or --new-volume; budgets then count as spent",
            )

    def shown(self, source: str, terms: BudgetTerms | None = None) -> dict[str, Any] | None:
        """What the public sees of a source's budget; ``None`` if it has none and never had."""
        found = self._vault.get(KIND, source)
        if found is None and terms is None:
            return None
        record = opened(found, source, terms, self._clock.now())
        spent, ever = Cost(*record["spent"]).numbers, Cost(*record["ever"]).numbers
        latest = sorted(record["latest"], key=lambda each: -int(each["number"]))
        return {
            "source": source,
            "epsilon": record["epsilon"],
            "delta": record["delta"],
            "renews": record["renews"],
            "period": record["period"],
            "spent": {"epsilon": spent[0], "delta": spent[1]},
            "ever": {"epsilon": ever[0], "delta": ever[1]},
            "opendp": {"epsilon": record["composed"][0], "delta": record["composed"][1]},
            "releases": record["number"],
            "restored": record.get("restored"),
            "latest": latest,
        }

    def sources(self) -> list[str]:
        """Those of which something was ever told."""
        return sorted(record["source"] for record in self._vault.all(KIND))


def opened(old: Record | None, source: str, terms: BudgetTerms | None, now: datetime) -> Record:
    """The record, by the present terms, in the present period: what was spent in an earlier one is over."""
    record = old or {
        "source": source,
        "period": "",
        "spent": [0, 0],
        "ever": [0, 0],
        "composed": [0.0, 0.0],
        "number": 0,
        "latest": [],
        "epsilon": 0.0,
        "delta": 0.0,
        "renews": "never",
    }
    if terms is None:
        return record
    record = record | {"epsilon": terms.epsilon, "delta": terms.delta, "renews": terms.renews}
    if terms.renews == "never":
        return (
            record
            if old is None or not record["period"]
            else record | {"spent": record["ever"], "period": ""}
        )
    period = now.strftime("%Y-%m" if terms.renews == "month" else "%Y")
    if old is None or not record["period"]:
        return record | {"period": period}
    if len(period) == len(record["period"]) and period > record["period"]:
        return record | {"period": period, "spent": [0, 0]}
    return record if len(period) == len(record["period"]) else record | {"period": period}


def _exhausted(source: str, record: Record, cost: Cost, limit: Cost) -> Forbidden:
    left = Cost(limit.epsilon - record["spent"][0], limit.delta - record["spent"][1]).numbers
    epsilon, delta = cost.numbers
    when = {"month": "it begins anew next month", "year": "it begins anew next year"}
    return Forbidden(
        f"the privacy budget of {source[:120]}",
        f"has ε {max(0.0, left[0]):g} and δ {max(0.0, left[1]):g} left, and this would cost {epsilon:g} and {delta:g}",
        "ask more coarsely, or read the answers that were given before; "
        + when.get(record["renews"], "it does not begin anew"),
        left={"epsilon": max(0.0, left[0]), "delta": max(0.0, left[1])},
    )
