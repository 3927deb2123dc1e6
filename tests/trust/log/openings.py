"""Openings kept in memory, for tests of what does not depend on where they are kept."""

from __future__ import annotations

from collections.abc import Sequence

from hansa.trust.log.commitments import Opening, Side


class InMemory:
    """A list of them."""

    def __init__(self) -> None:
        self.kept: list[Opening] = []

    def keep(self, openings: Sequence[Opening]) -> None:
        self.kept += openings

    def about(self, side: Side, value: str) -> list[Opening]:
        return [each for each in self.kept if (each.side, each.value) == (side, value)]

    def erase(self, side: Side, value: str) -> int:
        gone = self.about(side, value)
        self.kept = [each for each in self.kept if each not in gone]
        return len(gone)
