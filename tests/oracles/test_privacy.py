"""k, l and t against pycanon 1.3.6 (Apache-2.0; it pins its packages, so it has an environment of its own).

Tables: those of the papers on l-diversity and t-closeness, and 120 made by chance, in the manner of the Adult census table
(age band, sex and education as quasi-identifiers; hours a week and class of work as sensitive).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hansa.trust.anonymise.measures import measure

ENVIRONMENT = Path(os.environ.get("ORACLES") or Path(__file__).parents[2] / ".venv" / "oracles")
WORK = ["Private", "Self-emp", "Federal-gov", "State-gov", "Without-pay"]
PAPERS: list[dict[str, Any]] = [
    {
        "quasi": [["2*"] * 3 + [">=40"] * 3 + ["3*"] * 3],
        "sensitive": [
            [3, 4, 5, 6, 11, 8, 7, 9, 10],
            ["ulcer", "gastritis", "cancer", "gastritis", "flu", "br", "br", "pneumonia", "cancer"],
        ],
    },
    {
        "quasi": [["<30"] * 4 + [">=40"] * 4 + ["3*"] * 4],
        "sensitive": [["h", "h", "v", "v", "c", "h", "v", "v", "c", "c", "c", "c"]],
    },
]


def census(seed: int) -> dict[str, Any]:
    """A table by chance."""
    chance = random.Random(seed)
    rows = chance.randint(2, 200)
    bands = chance.randint(1, 6)
    return {
        "quasi": [
            [f"{10 * chance.randint(2, 1 + bands)}s" for _ in range(rows)],
            [chance.choice(["Female", "Male"]) for _ in range(rows)],
            [chance.randint(1, 4) for _ in range(rows)],
        ][: chance.randint(1, 3)],
        "sensitive": [
            [0, 99, *(chance.randint(20, 60) for _ in range(rows - 2))],
            ["Private", "Retired", *(chance.choice(WORK) for _ in range(rows - 2))],
        ],
    }


def test_pycanon_finds_the_same() -> None:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        pytest.skip("pycanon is not installed; 'make oracles' installs it")
    tables = [*PAPERS, *map(census, range(120))]
    script = str(Path(__file__).with_name("ask_pycanon.py"))
    text = "\n".join(map(json.dumps, tables)).encode()
    asked = subprocess.run([python, script], input=text, capture_output=True, check=True)
    told = [json.loads(line) for line in asked.stdout.splitlines()]
    assert len(told) == len(tables)
    farthest = 0.0
    for table, theirs in zip(tables, told, strict=True):
        ours = measure(
            zip(
                zip(*table["quasi"], strict=True),
                zip(*table["sensitive"], strict=True),
                strict=True,
            )
        )
        assert (ours.k, list(ours.l)) == (theirs["k"], theirs["l"])
        farthest = max(farthest, *(abs(a - b) for a, b in zip(ours.t, theirs["t"], strict=True)))
    assert farthest < 1e-12
    print(f"{len(tables)} tables: k and l equal, t at most {farthest:.1e} apart")
