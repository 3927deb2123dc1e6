"""What the rooms of the gate call to have something logged: refusals, changes, reads.

A *change* (of a policy, source, agreement, account, algorithm) is logged before it counts: the call waits until the entry
is durable. A *read* of restricted data is written down before the answer, and entered within a second
(:mod:`.readings`). A *refusal* waits for nothing: what was refused did not happen. Refusals of people without an account
are logged one by one up to a number in a minute; of more only the number is, so that nobody fills the disk by knocking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from time import monotonic
from typing import Final

from hansa.kernel.errors import HansaError
from hansa.trust.log.book import LogBook
from hansa.trust.log.commitments import Event
from hansa.trust.principals import Principal

__all__ = ["Recorder"]

_MOST: Final = 60
_WHILE: Final = 60.0


class Recorder:
    """Writes acts of the gate into a log."""

    def __init__(self, book: LogBook) -> None:
        self._book = book
        self._lock = Lock()
        self._since = 0.0
        self._count = 0
        self.noticed: Callable[[str], None] = lambda reason: None
        """Told the reason of every refusal, those that are not logged one by one included."""

    def changed(
        self,
        kind: str,
        who: Principal,
        what: Sequence[str],
        reason: str,
        rules: Sequence[str] = (),
    ) -> int:
        """Log a change before it counts; the entry's index.

        Args:
            kind: "policy", "source", "agreement", "account", "algorithm", "consent", "erasure", "grant", "login".
            who: who changes it.
            what: the identifiers of what is changed.
            reason: a public code such as ``policy.added``.
            rules: identifiers of rules that are concerned; public.

        Raises:
            Unavailable: it could not be logged, so it must not happen.
        """
        return self._book.record(Event(kind, who.name, what, rules, reason))

    def read(
        self, who: Principal, what: Sequence[str], rules: Sequence[str], reason: str = "by-rule"
    ) -> None:
        """Log that restricted data were read; the answer may go out when this returns.

        Raises:
            Unavailable: it could not be written down, so the answer must not go out.
        """
        self._book.readings.note(Event("read", who.name, what, rules, reason))

    def refused(
        self, who: Principal, what: Sequence[str], reason: str, rules: Sequence[str] = ()
    ) -> None:
        """Log that something was refused, without waiting for it."""
        self.noticed(reason)
        more = 0
        if who.kind == "public":
            with self._lock:
                more = self._counted()
            if more < 0:
                return
        with suppress(HansaError):
            if more:
                self._book.submit(Event("refusal", who.name, (), (), f"more-refusals:{more}"))
            self._book.submit(Event("refusal", who.name, what, rules, reason))

    def _counted(self) -> int:
        """-1 where this refusal is only counted; else how many of the minute before were only counted."""
        now = monotonic()
        if now - self._since < _WHILE:
            self._count += 1
            return -1 if self._count > _MOST else 0
        more, self._since, self._count = max(0, self._count - _MOST), now, 1
        return more
