"""How often somebody may guess: after some failures an account, or an address, must wait, each time longer.

Accounts are locked in the vault, so that a restart does not help who guesses; addresses in memory. A locked
account answers as slowly and in the same words as a wrong password, to whoever does not know it; the delay
ends by itself, so that nobody can be locked out for good.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from hansa.kernel.errors import TooManyRequests

__all__ = ["Addresses", "delay"]

_FREE: Final = 5
_LONGEST: Final = timedelta(minutes=15)
_FREE_BY_ADDRESS: Final = 20
_REMEMBERED: Final = 10_000
_FORGOTTEN: Final = timedelta(hours=1)


def delay(failures: int, free: int = _FREE) -> timedelta:
    """How long to wait after so many failures in a row: nothing at first, then doubling from 2 s on."""
    beyond = failures - free
    return (
        min(timedelta(seconds=2 ** min(beyond + 1, 12)), _LONGEST) if beyond >= 0 else timedelta()
    )


class Addresses:
    """Failures by address, for the last hour."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[int, datetime]] = OrderedDict()
        self._lock = Lock()

    def check(self, address: str, now: datetime) -> None:
        """Refuse an address that has to wait.

        Raises:
            TooManyRequests: it has to; after how long stands in the error.
        """
        count, last = self._failed.get(address, (0, now))
        until = last + delay(count, _FREE_BY_ADDRESS)
        if now < until:
            seconds = int((until - now).total_seconds()) + 1
            raise TooManyRequests(
                "logging in",
                "failed too often from this address",
                f"try again in {seconds} seconds",
                after=seconds,
            )

    def fail(self, address: str, now: datetime) -> None:
        """Count a failure."""
        with self._lock:
            count, last = self._failed.pop(address, (0, now))
            count = 0 if now - last > _FORGOTTEN else count
            self._failed[address] = (count + 1, now)
            while len(self._failed) > _REMEMBERED:
                self._failed.popitem(last=False)
