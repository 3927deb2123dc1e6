"""What an import did, in numbers and, where something was refused, in places and reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from hansa.spokes.port import Refusal

__all__ = ["BROKEN_OFF", "LISTED_REFUSALS", "Progress", "Report", "Step"]

BROKEN_OFF: Final = "broken off"
"""The last step of an import that did not end: `done` is then what is safely in the store."""

LISTED_REFUSALS: Final = 1000
"""Refusals beyond this many are counted but no longer listed."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far an import is: `done` of `total` (``None`` if unknown), and what it is doing."""

    done: int
    total: int | None
    what: str


Progress = Callable[[Step], None]


@dataclass(slots=True)
class Report:
    """The outcome of one import.

    Attributes:
        source_id: identifier of the DataSource entity.
        read: entities that the source gave.
        created, updated, unchanged: what became of them.
        returned: of the updated ones, those that had vanished before.
        vanished: entities of earlier imports that the source no longer has; marked, not deleted.
        refused: how many records were not taken in; the first of them are in `refusals`.
        by_type: entities read, by type.
        seconds: wall-clock time.
        notes: what the spoke wants people to know.
    """

    source_id: str
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    returned: int = 0
    vanished: int = 0
    refused: int = 0
    refusals: list[Refusal | str] = field(default_factory=list)
    by_type: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def is_in_vain(self) -> bool:
        """Whether there was something to take in, and nothing of it came in."""
        stored = self.created + self.updated + self.unchanged
        return not stored and bool(self.read or self.refused)

    def refuse(self, refusal: Refusal) -> None:
        """Count a refusal, and keep it while the list is short."""
        self.refused += 1
        if len(self.refusals) < LISTED_REFUSALS:
            self.refusals.append(refusal)

    def to_dict(self, refusals: int = LISTED_REFUSALS) -> dict[str, Any]:
        """Plain JSON data, with the first `refusals` refusals as sentences."""
        return {
            "source": self.source_id,
            "read": self.read,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "returned": self.returned,
            "vanished": self.vanished,
            "refused": self.refused,
            "refusals": [str(refusal) for refusal in self.refusals[:refusals]],
            "types": dict(sorted(self.by_type.items())),
            "seconds": round(self.seconds, 3),
            "notes": self.notes,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Report:
        """The inverse of :meth:`to_dict`; refusals stay sentences."""
        rest = {name: value for name, value in data.items() if name not in {"source", "types"}}
        return cls(source_id=data["source"], by_type=Counter(data["types"]), **rest)
