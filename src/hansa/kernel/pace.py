"""How often somebody may ask: so many times a minute, at once or spread over it.

A bucket for each key holds a minute's worth and is filled again as time goes. Only the keys that asked of late
are remembered. Taking from a bucket costs about a microsecond.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from threading import Lock
from time import monotonic
from typing import Final

from hansa.kernel.errors import TooManyRequests

__all__ = ["Pace"]

_REMEMBERED: Final = 20_000


class Pace:
    """A limit for each key.

    Args:
        limit: how often a minute; 0: as often as they like.
        clock: seconds that only go forward.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = monotonic) -> None:
        self._limit, self._clock = limit, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, key: str, what: str) -> None:
        """Count one request of `key`; `what` names it in the refusal.

        Raises:
            TooManyRequests: it asked too often; after how long to come back stands in the error.
        """
        if not self._limit:
            return
        now, filling = self._clock(), self._limit / 60
        with self._lock:
            left, last = self._buckets.pop(key, (float(self._limit), now))
            left = min(float(self._limit), left + (now - last) * filling)
            self._buckets[key] = (max(left - 1, 0.0) if left >= 1 else left, now)
            if len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
        if left < 1:
            seconds = max(1, ceil((1 - left) / filling - 1e-6))
            raise TooManyRequests(
                what,
                f"asks more than {self._limit:,} times a minute",
                f"come back in {seconds} s, and ask for more at a time",
                after=seconds,
            )
