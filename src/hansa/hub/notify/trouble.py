"""Saying once that notifications are hindered, and once that they go on.

While the disk is full, or the database cannot be written for another reason, every round of work fails in
the same way. Nothing is lost by that: what is not noted is done again. The log says what hinders it in one
line, and that it is over in another; a defect of this software, which is something else, keeps its trace.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from hansa.kernel.errors import HansaError

__all__ = ["Trouble"]

_CALM: Final = 5.0  # seconds
_LOG = logging.getLogger(__name__)


class Trouble:
    """What hinders the notifications of a tenant at present."""

    def __init__(self) -> None:
        self._fact: str | None = None
        self._latest = 0.0

    def met(self, fault: HansaError) -> None:
        """Something failed for a reason that lies outside."""
        if self._fact is None:
            _LOG.error(
                "notifications wait: %s; nothing is lost, they go on when that is over",
                fault.sentence.rstrip("."),
            )
        self._fact = fault.fact
        self._latest = time.monotonic()

    def over(self) -> None:
        """Something was written; it is over when nothing has failed for a while."""
        if self._fact is not None and time.monotonic() - self._latest > _CALM:
            _LOG.info("notifications go on; it is over that %s", self._fact)
            self._fact = None
