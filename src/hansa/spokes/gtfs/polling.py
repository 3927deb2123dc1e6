"""Asking a realtime feed again and again, without asking too often and without failing aloud."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from hansa.kernel.errors import HansaError, NotFound
from hansa.spokes.gtfs.realtime import parse
from hansa.spokes.port import Fetch
from hansa.spokes.secrets import header

__all__ = ["POLL", "RealtimeFeed"]

POLL: Final = timedelta(seconds=15)
"""A feed is asked no more often than this."""


class RealtimeFeed:
    """One realtime feed, asked again after :data:`POLL`; its last message is kept until then."""

    def __init__(self, where: str, key: str, fetch: Fetch) -> None:
        self.where = where
        self._read: Callable[[], bytes]
        if where.startswith(("http://", "https://")):
            self._read = lambda: fetch(where, header(key, "realtime_header"))
        else:
            self._read = lambda: _bytes(Path(where))
        self._asked: datetime | None = None
        self._message: Any = None
        self._fault = ""

    def message(self, moment: datetime, notes: list[str]) -> Any:
        """The newest message, or ``None``, with a note, while there is none."""
        if self._asked is None or not timedelta() <= moment - self._asked < POLL:
            self._asked = moment
            try:
                self._message = parse(self._read(), "the realtime feed")
                self._fault = ""
            except HansaError as fault:
                self._message = None
                self._fault = fault.sentence
        if self._fault:
            notes.append(f"The realtime feed failed: {self._fault}")
        return self._message


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise NotFound(
            f"the file '{path.name}'", f"cannot be read ({fault.strerror})", "check its path"
        ) from None
