"""Readings of restricted data on their way into the log: written down before the answer, entered within a second.

What was read is written to a file of its own before whoever asks gets it: one write, which outlives the process. Twice a
second what stands there is entered in the log, durable on the disk, and the file begins anew. All that one principal reads under the same
rules within the same second makes one entry (a large one is divided), so a page of entities costs no more salts than it has entities,
and many small answers cost one entry. After a crash what the file still holds is entered when the log is opened; some of it
may be there twice then, never not at all. If the machine itself loses its power, the file may lack what the kernel had not yet put on the
disk: the last moments before.

While the log refuses, nothing is written down, and so nothing restricted is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread
from typing import Final

import orjson

from hansa.kernel.clock import Clock
from hansa.kernel.errors import HansaError, Unavailable
from hansa.trust.log.commitments import Event

__all__ = ["NEW", "OLD", "Readings"]

NEW: Final = "readings"
OLD: Final = "readings.entering"
"""The files of what is not yet in the log: what comes in, and what is being entered."""
_PAUSE: Final = 0.5
_MOST_THINGS: Final = 256
_MOST_WAITING: Final = 20_000
"""Things that may wait before whoever reads on has to wait for them."""

_Act = tuple[int, str, tuple[str, ...], str]
"""What makes one entry: the second, who reads, under which rules, and the reason."""


class Readings:
    """Readings of a log that are not yet entered. Safe to use from any thread.

    Args:
        root: the folder of the log.
        submit: enters an act in the log; the future is done when it is durable.
    """

    def __init__(self, root: Path, clock: Clock, submit: Callable[[Event], Future[int]]) -> None:
        self._new, self._old = root / NEW, root / OLD
        self._clock, self._submit = clock, submit
        self._lock = Lock()
        self._entering = Lock()
        self._file: int | None = None
        self._waiting: dict[_Act, dict[str, None]] = {}
        self._count = 0
        self._stuck: list[Event] = []
        self._refused: HansaError | None = None
        self._wake = Flag()
        self._thread: Thread | None = None
        self._closed = False

    def note(self, event: Event) -> None:
        """Write down a reading; on return it will be in the log, whatever becomes of this process.

        Raises:
            Unavailable: it could not be written down, so the answer must not go out.
        """
        second = int(self._clock.now().timestamp())
        act = second, event.who, tuple(event.rules), event.reason
        # A line begins with the end of the one before, which may be torn where the disk was full.
        line = b"\n" + orjson.dumps([*act, list(event.what)]) + b"\n"
        with self._lock:
            self._check()
            try:
                if self._file is None:
                    self._file = _opened(self._new)
                written = os.write(self._file, line)
            except OSError as error:
                raise _refused(error.strerror) from error
            if written < len(line):
                raise _refused("the disk is full")
            things = self._waiting.setdefault(act, {})
            before = len(things)
            things.update(dict.fromkeys(event.what))
            self._count += len(things) - before
            crowded = self._count > _MOST_WAITING
            if self._thread is None:
                self._begin()
        if crowded:
            self.settle()

    def settle(self) -> None:
        """Enter all that was written down so far; comes back when it is durable in the log.

        Raises:
            Unavailable: the log refuses.
        """
        with self._entering:
            self._enter()

    def recover(self) -> None:
        """Enter what a process that ended without doing so has left.

        Raises:
            Unavailable: the log refuses, or the files cannot be read.
        """
        with self._entering:
            try:
                left = [path for path in (self._old, self._new) if path.exists()]
                acts = [act for path in left for act in _read(path)]
            except OSError as error:
                raise _refused(error.strerror) from error
            self._stuck += _events(acts)
            if left:
                self._put()
                self._new.unlink(missing_ok=True)

    def close(self) -> None:
        """Enter what waits, and take nothing more."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        with suppress(HansaError):  # it stays in the file, and is entered at the next start
            self.settle()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _check(self) -> None:
        if self._closed:
            raise Unavailable("the log of the gate", "is closed", "start the node again")
        if self._refused is not None:
            raise self._refused

    # -- entering -----------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._thread = Thread(target=self._work, name="log-readings", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._wake.wait(_PAUSE):
            with suppress(HansaError):  # whoever reads on is told
                self.settle()

    def _enter(self) -> None:
        """Enter what waits; for whoever holds the right to."""
        if self._stuck:
            self._put()
        with self._lock:
            if not self._waiting:
                return
            waiting, self._waiting, self._count = self._waiting, {}, 0
            if self._file is not None:
                os.close(self._file)
                self._file = None
            with suppress(OSError):  # what stays in the file is entered a second time after a crash
                self._new.replace(self._old)
        self._stuck += _events((act, list(things)) for act, things in waiting.items())
        self._put()

    def _put(self) -> None:
        try:
            for future in [self._submit(event) for event in self._stuck]:
                future.result()
        except Exception as error:  # whatever it is, those who read on must hear of it
            self._refused = error if isinstance(error, HansaError) else _refused(str(error))
            raise self._refused from error
        self._stuck.clear()
        self._old.unlink(missing_ok=True)
        self._refused = None


def _events(acts: Iterable[tuple[_Act, Sequence[str]]]) -> Iterator[Event]:
    """The entries for readings."""
    for (second, who, rules, reason), things in acts:
        at = datetime.fromtimestamp(second, UTC)
        for start in range(0, max(1, len(things)), _MOST_THINGS):
            yield Event("read", who, things[start : start + _MOST_THINGS], rules, reason, at)


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _read(path: Path) -> Iterator[tuple[_Act, Sequence[str]]]:
    """What a file holds; a line that is torn was never answered."""
    for line in path.read_bytes().split(b"\n"):
        with suppress(ValueError, TypeError):
            second, who, rules, reason, things = orjson.loads(line)
            list(_events([((second, who, tuple(rules), reason), things)]))
            yield (second, who, tuple(rules), reason), things


def _refused(why: str | None) -> Unavailable:
    return Unavailable(
        "the log of the gate",
        f"cannot be written ({why}); nothing was let through without being logged",
        "make room on the disk, check the rights, and start the node again",
    )
