"""The archivist: while a node is served, it compacts the history of every tenant and applies the rules.

Where there is an archive it starts the engine at once, so that the first question need not wait for that.
It begins some minutes after the start and comes back every few hours. What fails is logged once, until
it goes well again; the other tenants are served meanwhile. Without the extra ``history`` nothing is
moved, unless there are rules: then that is a failure, too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from importlib.util import find_spec
from threading import Event, Lock, Thread
from typing import Final

from hansa.history.archive import ParquetArchive
from hansa.history.compact import compact
from hansa.history.engine import cursor
from hansa.history.retain import retain
from hansa.history.rules import rules_of
from hansa.kernel.clock import Clock, micros
from hansa.kernel.errors import HansaError
from hansa.store.port import Store

__all__ = ["Archivist"]

_LOG: Final = logging.getLogger(__name__)
_FIRST: Final = 300.0
_EVERY: Final = 6 * 3_600.0

Tenant = tuple[str, Store, ParquetArchive]


class Archivist:
    """Looks after old history in a thread.

    Args:
        tenants: gives the names, stores and archives of all tenants there are now.
        clock: the node's time.
        recent: days of history that stay in the database.
        turn: held while a tenant's archive is rearranged; commands take it as well.
        first, every: seconds until the first round, and between two rounds.
    """

    def __init__(
        self,
        tenants: Callable[[], Iterable[Tenant]],
        clock: Clock,
        recent: int,
        turn: Lock | None = None,
        first: float = _FIRST,
        every: float = _EVERY,
    ) -> None:
        self._tenants, self._clock, self._recent = tenants, clock, timedelta(days=recent)
        self._first, self._every = first, every
        self._turn = turn or Lock()
        self._ending = Event()
        self._failing: dict[str, str] = {}
        self._thread = Thread(target=self._run, name="hansa-archivist", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the tenant in hand; what is interrupted harder than that is safe too."""
        self._ending.set()
        self._thread.join()

    def warm(self) -> None:
        """Start the engine if any tenant has an archive; what fails will be told by who asks."""
        with suppress(HansaError):
            if any(archive.segments(store) for _, store, archive in self._tenants()):
                cursor().close()

    def _run(self) -> None:
        self.warm()
        wait = self._first
        while not self._ending.wait(wait):
            self.round()
            wait = self._every

    def round(self) -> None:
        """Look after every tenant once."""
        for name, store, archive in self._tenants():
            if self._ending.is_set():
                return
            try:
                with self._turn:
                    self._look_after(store, archive)
            except HansaError as error:
                self._failed(name, error.sentence)
            except Exception:
                _LOG.exception("the old history of tenant %s could not be looked after", name)
            else:
                if self._failing.pop(name, None):
                    _LOG.info("the old history of tenant %s is looked after again", name)

    def _look_after(self, store: Store, archive: ParquetArchive) -> None:
        rules = rules_of(store)
        if not rules and (find_spec("duckdb") is None or find_spec("pyarrow") is None):
            return
        now = self._clock.now()
        compact(store, archive, micros(now - self._recent))
        if rules:
            retain(store, archive, rules, now)

    def _failed(self, name: str, sentence: str) -> None:
        if self._failing.get(name) != sentence:
            self._failing[name] = sentence
            _LOG.warning("the old history of tenant %s: %s", name, sentence)
