"""What steps did, in numbers: never a value, a name or an identifier of what came in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Account"]


@dataclass(slots=True)
class Account:
    """Sums over everything that came in.

    Attributes:
        read: entities that came in.
        passed: entities that may be written.
        withheld: entities that may not, by reason: ``small`` (a group below k), ``counted`` (only their number
            goes on), ``shows`` (a value that was to be hidden stood elsewhere in it), ``personal`` (something that
            is personal had no step), ``full`` (more came in than a window holds), ``unpaid`` (windows
            whose counts the budget had nothing left for).
        done: values that steps changed or took away, by name of the step.
        unfit: values that could not be generalised and were taken away.
        why: for each personal thing that had no step, how often: its rule's name, which is public.
    """

    read: int = 0
    passed: int = 0
    withheld: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    unfit: int = 0
    why: Counter[str] = field(default_factory=Counter)

    def add(self, other: Account) -> None:
        """Take in another's sums."""
        self.read += other.read
        self.passed += other.passed
        self.withheld += other.withheld
        self.done += other.done
        self.unfit += other.unfit
        self.why += other.why

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "read": self.read,
            "passed": self.passed,
            "withheld": dict(sorted(self.withheld.items())),
            "done": dict(sorted(self.done.items())),
            "unfit": self.unfit,
            "why": dict(sorted(self.why.items())),
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Account:
        """The inverse of :meth:`to_dict`."""
        return cls(
            raw["read"],
            raw["passed"],
            Counter(raw["withheld"]),
            Counter(raw["done"]),
            raw["unfit"],
            Counter(raw["why"]),
        )
