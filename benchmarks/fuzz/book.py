"""The book of a long run: which rounds are done, what was thrown, how it ended; kept after every round.

A run that was interrupted goes on from its book; the same book for another seed is refused.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["Book"]


class Book:
    """Counts by kind, by what was thrown and by how that ended; in `path`, if there is one."""

    def __init__(self, path: Path | None, seed: int) -> None:
        self._path = path
        self.seed = seed
        self.rounds: list[str] = []
        self.counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self.faults: list[str] = []
        self.growth: dict[str, list[int]] = defaultdict(list)
        self.seconds = 0.0
        if path is not None and path.is_file():
            self._read(json.loads(path.read_text()))

    def _read(self, found: dict[str, Any]) -> None:
        if found["seed"] != self.seed:
            raise SystemExit(f"{self._path} is the book of a run with --seed {found['seed']}")
        self.rounds, self.faults = found["rounds"], found["faults"]
        self.growth |= found["growth"]
        self.seconds = found["seconds"]
        for kind, what, how, number in found["counts"]:
            self.counts[kind][what][how] = number

    def add(self, name: str, kind: str, told: dict[str, Any], seconds: float) -> None:
        """A round is done."""
        self.rounds.append(name)
        self.seconds += seconds
        for what, how, number in told["counts"]:
            self.counts[kind][what][how] += number
        self.faults += [f"{name}: {fault}" for fault in told["faults"]]
        if memory := told["memory"]:
            self.growth[kind].append(memory[-1] - memory[len(memory) // 2])
        self._keep()

    def _keep(self) -> None:
        if self._path is None:
            return
        whole = {
            "seed": self.seed,
            "rounds": self.rounds,
            "seconds": round(self.seconds),
            "growth": self.growth,
            "faults": self.faults,
            "counts": [
                [kind, what, how, number]
                for kind, of_kind in sorted(self.counts.items())
                for what, ended in sorted(of_kind.items())
                for how, number in sorted(ended.items())
            ],
        }
        draft = self._path.with_suffix(".part")
        draft.write_text(json.dumps(whole, indent=0))
        draft.replace(self._path)

    def total(self, kinds: Iterable[str]) -> int:
        """How much was thrown of some kinds."""
        return sum(sum(c.values()) for kind in kinds for c in self.counts[kind].values())

    def table(self) -> list[str]:
        """What was thrown and how it ended, by kind: rows of a table in Markdown."""
        rows = [
            "| kind | different | thrown | how it ended | grew by, median |",
            "|---|---:|---:|---|---:|",
        ]
        for kind, of_kind in self.counts.items():
            ended: Counter[str] = sum(of_kind.values(), Counter())
            ways = ", ".join(f"{how}: {number:,}" for how, number in sorted(ended.items()))
            grown = sorted(self.growth[kind])
            middle = f"{grown[len(grown) // 2]:,} KiB" if grown else ""
            rows.append(
                f"| {kind} | {len(of_kind)} | {sum(ended.values()):,} | {ways} | {middle} |"
            )
        return rows
