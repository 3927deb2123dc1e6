"""Time, as the node sees it.

One clock object is handed to whatever needs the time, so that tests, replays and demonstrations can
set it. Instants are UTC; in entities they are ISO 8601 text with microseconds and ``Z`` (fixed width,
so that text order is time order), in the store they are integers of microseconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

__all__ = ["Clock", "from_micros", "iso", "micros"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """The present moment, moved by a fixed offset (zero on a real node)."""

    offset: timedelta = timedelta()

    def now(self) -> datetime:
        """The present instant, UTC."""
        return datetime.now(UTC) + self.offset

    @classmethod
    def set_to(cls, moment: datetime) -> Clock:
        """A clock that reads `moment` (time zone required) now and runs on from there."""
        return cls(moment.astimezone(UTC) - datetime.now(UTC))

    @property
    def is_real(self) -> bool:
        """Whether this clock shows the actual time; pages say so when it does not."""
        return self.offset == timedelta()


def iso(moment: datetime) -> str:
    """`moment` as fixed-width UTC text, for example ``2026-11-23T04:50:02.000000Z``."""
    seconds, rest = divmod(micros(moment), 1_000_000)
    return f"{_to_the_second(seconds)}.{rest:06}Z"


@lru_cache(maxsize=512)
def _to_the_second(seconds: int) -> str:
    """Writing a date costs more than all else here, and what is written falls into few seconds."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def micros(moment: datetime) -> int:
    """`moment` as microseconds since 1970-01-01 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The inverse of :func:`micros`."""
    return _EPOCH + value * _MICROSECOND
