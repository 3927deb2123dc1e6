"""The history of an entity's numbers, out of the change feed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from hansa.kernel.units import symbol
from hansa.store.port import Change

__all__ = ["Series", "series"]

MOST_POINTS: Final = 500
"""A longer series is thinned evenly; its newest point stays."""


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one attribute over time, oldest first."""

    term: str
    unit: str
    times: tuple[datetime, ...]
    values: tuple[float, ...]

    @property
    def seconds(self) -> list[int]:
        """The times as seconds since 1970."""
        return [int(time.timestamp()) for time in self.times]

    def rows(self, limit: int) -> list[tuple[datetime, float]]:
        """The newest `limit` values with their times, newest first."""
        return list(zip(self.times, self.values, strict=True))[::-1][:limit]


def series(changes: Sequence[Change], term: Callable[[str], str], zone: tzinfo) -> list[Series]:
    """One series for each numeric attribute that has had more than one value.

    A value counts from when it was observed, or else from when it was written; times are in `zone`.
    """
    points: dict[str, dict[datetime, float]] = {}
    units: dict[str, str] = {}
    for change in changes:
        for iri, instances in change.attributes.items():
            for instance in instances[:1]:
                value = instance.get("value")
                if instance["type"] != "Property" or isinstance(value, bool):
                    continue
                if isinstance(value, int | float):
                    observed = instance.get("observedAt")
                    at = datetime.fromisoformat(observed) if observed else change.at
                    points.setdefault(iri, {})[at.astimezone(zone)] = float(value)
                    units[iri] = symbol(instance["unitCode"]) if "unitCode" in instance else ""
    return [
        _series(term(iri), units[iri], found)
        for iri, found in points.items()
        if len(set(found.values())) > 1
    ]


def _series(term: str, unit: str, found: dict[datetime, float]) -> Series:
    times = sorted(found)
    step = -(-len(times) // MOST_POINTS)
    thinned = times[::-1][::step][::-1]
    return Series(term, unit, tuple(thinned), tuple(found[at] for at in thinned))
