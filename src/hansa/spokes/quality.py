"""Marks of quality that live entities bear: whether their time is sound, and whether they still speak.

``quality`` is one word. In this order, the first that applies: ``clockAhead``, the source's time lies in
our future by more than five minutes; ``stale``, its newest value is older than the source's own measure of
silence; ``good``. Nothing is mended: the time stays as the source gave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from hansa.spokes.plain import prop
from hansa.spokes.port import Health, Plain

__all__ = ["AHEAD", "Complaints", "Silence", "mark", "moment_of", "verdict"]

AHEAD: Final = timedelta(minutes=5)
"""A clock may differ from ours by this much."""

_TELL_EVERY: Final = timedelta(minutes=1)
_FORGET: Final = timedelta(minutes=10)
_FRACTION: Final = re.compile(r"(\.\d{1,6})\d*")
_SHORT_ZONE: Final = re.compile(r"([+-]\d\d)$")


def verdict(observed: Iterable[datetime], now: datetime, silence: timedelta) -> str:
    """The mark for something whose values were observed at these times."""
    newest = max(observed, default=None)
    if newest is None:
        return "good"
    if newest - now > AHEAD:
        return "clockAhead"
    return "stale" if now - newest > silence else "good"


def mark(entity: Plain, observed: Iterable[datetime], now: datetime, silence: timedelta) -> None:
    """Put the mark on an entity."""
    entity["quality"] = prop(verdict(observed, now, silence))


class Silence:
    """Notices when a source says nothing new for too long.

    Args:
        limit: how long is too long.
    """

    def __init__(self, limit: timedelta) -> None:
        self.limit = limit
        self._heard: datetime | None = None
        self._last: dict[str, object] = {}

    def heard(self, now: datetime, what: object = None, of: str = "") -> None:
        """Something came; with `what`, only something else than the last time (of `of`) is news."""
        if what is None or self._last.get(of) != what:
            self._heard = now
            self._last[of] = what

    def health(self, now: datetime, notes: list[str]) -> Health:
        """How the source is; its silence is told in a note."""
        if self._heard is None:
            self._heard = now
        if now - self._heard <= self.limit:
            return "current"
        since = self._heard.astimezone(UTC)
        notes.append(f"The source has said nothing new since {since:%Y-%m-%d %H:%M} UTC.")
        return "silent"


class Complaints:
    """What was not understood, as one note that does not change all the time.

    The note is written anew once a minute at most, and goes ten minutes after the last complaint.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._count = 0
        self._latest = ""
        self._note = ""
        self._written: datetime | None = None
        self._last: datetime | None = None

    def add(self, now: datetime, reason: str, count: int = 1) -> None:
        """Something was not understood."""
        self._count += count
        self._latest = reason
        self._last = now

    def tell(self, now: datetime, notes: list[str]) -> None:
        """Put the note among others, while there is reason to."""
        if self._last is None or now - self._last > _FORGET:
            self._count, self._note, self._written = 0, "", None
            return
        if self._written is None or now - self._written >= _TELL_EVERY:
            self._written = now
            self._note = f"{self._count} {self._what}; the latest: {self._latest}"
        notes.append(self._note)


def moment_of(value: object) -> datetime:
    """A moment from POSIX seconds (or milliseconds) or RFC 3339 text; one without a zone is UTC.

    Raises:
        ValueError: it is neither, or lies outside the years 1970 to 2200.
    """
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a time")
    if isinstance(value, int | float):
        seconds = value / 1000 if abs(value) > 100_000_000_000 else value
        if not 0 <= seconds < 7_258_118_400:
            raise ValueError(f"{value!r} is not a time")
        return datetime.fromtimestamp(seconds, UTC)
    text = str(value).strip()
    try:
        text = _SHORT_ZONE.sub(r"\1:00", text) if "T" in text else text
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", text))
    except ValueError:
        raise ValueError(f"{str(value)[:60]!r} is not a time") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not 1970 <= moment.year <= 2200:
        raise ValueError(f"{str(value)[:60]!r} is not a time")
    return moment
