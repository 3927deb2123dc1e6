"""What retention has dropped so far, rule by rule: kept beside the entities, so that anyone can be told.

A count is of instances of history: those that became sums, those that went without, and sums that went. A rule that
was removed keeps its count.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import orjson

from hansa.kernel.clock import iso
from hansa.kernel.errors import HansaError
from hansa.store.port import Edited, Entity, Reader, Store, Write

__all__ = ["dropped", "remember"]

_KIND: Final = "dropped"
_COUNTS: Final = ("summed", "gone", "sums_gone")


class Counts(Protocol):
    """What a rule did."""

    rule: str
    summed: int
    gone: int
    sums_gone: int


def remember(store: Store, effects: Sequence[Counts], now: datetime) -> None:
    """Add what was done to what is known.

    Raises:
        Unavailable: it could not be kept.
    """
    writes = [
        Write(each.rule, _adding(each, iso(now)))
        for each in effects
        if any(getattr(each, name) for name in _COUNTS)
    ]
    if writes:
        for outcome in store.write_records(_KIND, writes).result():
            if isinstance(outcome, HansaError):
                raise outcome


def dropped(store: Reader) -> list[dict[str, Any]]:
    """What each rule dropped: ``rule``, the three counts, ``since`` and ``last``."""
    return [orjson.loads(each) for each in store.records(_KIND)]


def _adding(effect: Counts, now: str) -> Any:
    def edit(old: Entity | None) -> Edited:
        before = old or {"rule": effect.rule, "since": now}
        sums = {name: before.get(name, 0) + getattr(effect, name) for name in _COUNTS}
        return Edited({**before, **sums, "last": now})

    return edit
