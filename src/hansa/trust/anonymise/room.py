"""The room of anonymisation in a node: sessions for what comes in, keys that end, accounts, measures, the budget.

What is kept of a source is numbers: how much came in and what became of it, how well people are hidden in what was
written (k, l, t), what noisy counts have cost. All of that is public.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from threading import Event, Lock
from typing import Any, Final

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import HansaError, Unavailable
from hansa.store.port import Reader, Store
from hansa.trust.anonymise.account import Account
from hansa.trust.anonymise.budget import Budget
from hansa.trust.anonymise.doorway import through_steps
from hansa.trust.anonymise.keys import Keys
from hansa.trust.anonymise.pseudonyms import Key
from hansa.trust.anonymise.session import Session
from hansa.trust.anonymise.steps import Steps
from hansa.trust.anonymise.stored import is_of, measured, rows
from hansa.trust.vault import Record, Vault

__all__ = ["Anonymiser"]

_LOG = logging.getLogger("hansa.privacy")
_ACCOUNT: Final = "privacy-account"
_MEASURE: Final = "privacy-measure"
_EVERY: Final = 30.0
"""Seconds between two looks for keys whose time is up."""


class Anonymiser:
    """Anonymisation in one node.

    Args:
        folder: where keys are kept, beside the vault; they are in no backup.
        vault: where numbers are kept.
        clock: the node's time.
    """

    def __init__(self, folder: Path, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock
        self.keys = Keys(folder / "keys", vault, clock)
        self.budget = Budget(vault, clock)
        self.steps_of: Callable[[str], Steps] = lambda source: Steps()
        """The steps that a source declares, by its name in the register."""
        self._by_api: dict[str, tuple[Record, Steps]] = {}
        self._gathered: dict[str, Account] = {}
        self._lock = Lock()
        self._ending = Event()

    def begin(self, source: str, steps: Steps, *, live: bool = False) -> Session:
        """A session for a source's entities; see :class:`.Session` for what it raises."""
        return Session(
            source,
            steps,
            self.keys,
            self.budget,
            self._clock,
            lambda account: self._noted(source, account),
            live=live,
        )

    def by_api(self, record: Record, store: Store) -> Store:
        """The store, for what a program writes of a source through the API: its steps are done on the way."""
        if not record.get("anonymise"):
            return store
        source = record["id"]
        known = self._by_api.get(source)
        if known is None or known[0] is not record:
            known = self._by_api[source] = record, self.steps_of(source)
        steps = known[1]

        def key() -> Key | None:
            if not steps.needs_key or steps.rotate is None:
                return None
            return self.keys.current(source, steps.rotate)

        return through_steps(store, steps, key, lambda more: self._gather(source, more))

    def flush(self) -> None:
        """Put what became of what came through the API into the vault.

        Raises:
            HansaError: the vault does not take it.
        """
        with self._lock:
            gathered, self._gathered = self._gathered, {}
        for source, sums in gathered.items():
            self._noted(source, sums)

    def _gather(self, source: str, more: Account) -> None:
        with self._lock:
            self._gathered.setdefault(source, Account()).add(more)

    def account(self, source: str) -> dict[str, Any]:
        """What came in of a source, and what became of it."""
        return self._vault.get(_ACCOUNT, source) or Account().to_dict()

    def measured(self, source: str) -> dict[str, Any] | None:
        """The latest measures of a source; ``None`` if none were taken."""
        return self._vault.get(_MEASURE, source)

    def measure(
        self, source: str, store: Reader, rest: Callable[[], None] = lambda: None
    ) -> dict[str, Any] | None:
        """Measure k, l and t of what is stored of a source, and keep the numbers; ``None`` if it declares no attributes for it.

        Args:
            store: where its entities are; read without rules, for the numbers alone are told.
            rest: called now and then, to let others work; what it raises ends it.
        """
        steps = self.steps_of(source)
        if not steps.quasi:
            return None
        change, at = store.last_change(), iso(self._clock.now())
        made = {
            "source": source,
            "at": at,
            "change": change,
            **measured(rows(store, source, steps, rest), steps),
        }
        self._vault.put(_MEASURE, source, made)
        return made

    def measure_all(self, sources: Iterable[str], store: Reader) -> None:
        """Measure every source that declares attributes for it; where nothing has changed since, the numbers hold still.

        Raises:
            Unavailable: the store or the vault fails, or :meth:`stop` was called.
        """
        self._ending.clear()
        for source in sources:
            steps, old = self.steps_of(source), self.measured(source)
            if not steps.quasi:
                continue
            if old is not None and old.get("change") == store.last_change() and is_of(old, steps):
                self._vault.put(_MEASURE, source, {**old, "at": iso(self._clock.now())})
            else:
                self.measure(source, store, self._rest)

    def stop(self) -> None:
        """Break off measuring that is under way."""
        self._ending.set()

    def _rest(self) -> None:
        if self._ending.wait(0.002):
            raise Unavailable("measuring", "was broken off", "the next time it is whole")

    def shown(self, source: str) -> dict[str, Any]:
        """All that the public sees of a source: what its steps did, how well people are hidden, what counts cost."""
        steps = self.steps_of(source)
        return {
            "source": source,
            "hides": steps.hides,
            "isMeasured": bool(steps.quasi),
            "account": self.account(source),
            "measures": self.measured(source),
            "budget": self.budget.shown(source, steps.budget),
            "keys": {
                "lasts": None if steps.rotate is None else int(steps.rotate.total_seconds()),
                "until": self.keys.until(source),
                "destroyed": self.keys.destroyed(source)[-10:],
            },
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keys end on time for as long as the context lasts."""
        task = asyncio.create_task(self._tending())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            with suppress(HansaError):  # sums of the last half minute only
                await asyncio.to_thread(self.flush)

    async def _tending(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.keys.tend)
                await asyncio.to_thread(self.flush)
            except HansaError as fault:
                _LOG.warning("%s", fault.sentence)
            await asyncio.sleep(_EVERY)

    def _noted(self, source: str, more: Account) -> None:
        def added(old: Record | None) -> tuple[Record, None]:
            sums = Account.from_dict(old) if old else Account()
            sums.add(more)
            return {"source": source, "at": iso(self._clock.now()), **sums.to_dict()}, None

        self._vault.edit(_ACCOUNT, source, added)
