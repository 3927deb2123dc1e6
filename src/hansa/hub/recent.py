"""A mapping of limited total weight that forgets what was used longest ago."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, TypeVar

__all__ = ["ENTRY", "Recent"]

ENTRY: Final = 16_000
"""What an entry weighs beside its content, in bytes."""

K = TypeVar("K")
V = TypeVar("V")


class Recent(OrderedDict[K, V]):
    """Keeps at most `most` bytes; entries are set with :meth:`put` and removed with :meth:`drop`."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._total = 0
        self._weights: dict[K, int] = {}

    def put(self, key: K, value: V, weight: int) -> None:
        """Set `key`; an entry weighs `weight` and a little for itself."""
        self._total += weight + ENTRY - self._weights.get(key, 0)
        self._weights[key] = weight + ENTRY
        self[key] = value
        self.move_to_end(key)
        while self._total > self._most and len(self) > 1:
            oldest, _ = self.popitem(last=False)
            self._total -= self._weights.pop(oldest)

    def drop(self, key: K) -> bool:
        """Forget `key`; whether it was there."""
        if key not in self:
            return False
        del self[key]
        self._total -= self._weights.pop(key)
        return True
