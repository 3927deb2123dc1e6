"""Privacy budgets after a restore: what was told since the backup is not forgotten.

A backup knows nothing of the answers that went out after it was made. So a restored node gives no counts until the
operator says how its log goes on (``hansa log resume``). If nothing newer was published, nothing newer was told, and budgets
stand as they are. Else all that could have been told counts as told: each budget is spent, until it begins anew.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from hansa.kernel.clock import Clock, iso
from hansa.trust.anonymise.budget import KIND, RESTORED, opened
from hansa.trust.anonymise.kinds import BudgetTerms
from hansa.trust.anonymise.noise import Cost
from hansa.trust.vault import Record, Vault

__all__ = ["hold_budgets", "settle_budgets"]

_SOURCE: Final = "source"


def hold_budgets(path: Path, made_at: str) -> None:
    """Note in the vault of a restored node, if it has one, of when the backup was."""
    if not path.is_file():
        return
    vault = Vault(path, Clock())
    try:
        vault.put(*RESTORED, {"backup": made_at})
    finally:
        vault.close()


def settle_budgets(vault: Vault, now: datetime, *, nothing_newer: bool) -> list[str]:
    """Say what became of the budgets after the backup; the sources whose budget now counts as spent.

    Raises:
        Unavailable: it could not be kept.
    """
    mark = vault.get(*RESTORED)
    if mark is None:
        return []
    spent = []
    if not nothing_newer:
        for record in vault.all(_SOURCE):
            terms = None if "of" in record else _terms(record)
            if terms is not None:
                _spend_all(vault, record["id"], terms, now, mark["backup"])
                spent.append(record["id"])
    vault.drop(*RESTORED)
    return spent


def _terms(record: Record) -> BudgetTerms | None:
    """The budget that a record of the register declares; it was checked when it was declared."""
    for step in record.get("anonymise") or ():
        if step.get("step") == "budget":
            return BudgetTerms(
                float(step["epsilon"]), float(step.get("delta", 0)), step.get("renews", "never")
            )
    return None


def _spend_all(vault: Vault, source: str, terms: BudgetTerms, now: datetime, backup: str) -> None:
    limit = Cost.of(terms.epsilon, terms.delta)

    def edit(old: Record | None) -> tuple[dict[str, Any], None]:
        record = opened(old, source, terms, now)
        spent, ever = Cost(*record["spent"]), Cost(*record["ever"])
        more = Cost(max(0, limit.epsilon - spent.epsilon), max(0, limit.delta - spent.delta))
        spent, ever = spent + more, ever + more
        made = record | {
            "spent": [spent.epsilon, spent.delta],
            "ever": [ever.epsilon, ever.delta],
            "restored": {"backup": backup, "at": iso(now)},
        }
        return made, None

    vault.edit(KIND, source, edit)
