"""Spends a source's budget as fast as it can, and prints each answer once it has it: to be killed in between.

python -m tests.trust.anonymise.spending VAULT
"""

import sys
from pathlib import Path

from hansa.kernel.clock import Clock
from hansa.kernel.errors import Forbidden
from hansa.trust.anonymise.budget import Budget
from hansa.trust.anonymise.kinds import BudgetTerms
from hansa.trust.anonymise.noise import Cost
from hansa.trust.vault import Vault

TERMS = BudgetTerms(epsilon=3.0)
EACH = Cost.of(0.01)

if __name__ == "__main__":
    budget = Budget(Vault(Path(sys.argv[1]), Clock()), Clock())
    try:
        while True:
            spent = budget.spend("bikes", TERMS, EACH, EACH.numbers, {})
            print(spent.number, flush=True)
    except Forbidden:
        print("over", flush=True)
