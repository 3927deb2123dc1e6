"""Live jobs: entities kept up to date for as long as the node runs.

Every import whose spoke has a live job gets a :class:`hansa.spokes.keeper.Keeper` on a thread of its own,
so that a slow feed delays nobody else's vehicles.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from threading import Event, Thread
from typing import Any, Final, cast

import orjson

from hansa.kernel.clock import Clock
from hansa.kernel.errors import HansaError
from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.query import Query, TypeName
from hansa.ngsild.represent import View, represent
from hansa.spokes.keeper import LOOK_AGAIN, Keeper
from hansa.spokes.port import LiveSpoke, RemoteSpoke, Spoke, WayOut
from hansa.store.port import Store
from hansa.trust.ingest import Ingest

__all__ = ["LiveRunner"]

log = logging.getLogger("hansa.live")

KEEP_CHANGES: Final = timedelta(minutes=10)
"""How long changes of fleeting entities stay in the change feed, for readers that come back."""

PATIENCE: Final = 5.0
"""Seconds that the end of the node waits for its live jobs."""

_SOURCES: Final = 10_000
_PRUNE_EVERY: Final = 12
_VIEW: Final = View(city_context(), form="simplified")


class LiveRunner:
    """Runs the live jobs of all imports of one tenant.

    Args:
        store: where entities are read and written.
        spokes: those that are installed.
        out: the way out to addresses, through the egress guard.
        timetable_clock, ingest: as for :class:`.Keeper`.
    """

    def __init__(
        self,
        store: Store,
        spokes: Iterable[Spoke | RemoteSpoke],
        clock: Clock,
        out: WayOut,
        timetable_clock: Clock | None = None,
        ingest: Ingest | None = None,
    ) -> None:
        self._store, self._ingest = store, ingest
        self._spokes = {s.manifest.name: cast(LiveSpoke, s) for s in spokes if s.manifest.is_live}
        self._clock = clock
        self._timetable_clock = timetable_clock
        self._out = out
        self._stop = Event()
        self._threads: dict[str, Thread] = {}
        self._overseer = Thread(target=self._oversee, name="live", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._overseer.start()

    def stop(self) -> None:
        """End all jobs; waits for the beats in hand, but not for an address that does not answer."""
        self._stop.set()
        until = time.monotonic() + PATIENCE
        for thread in (self._overseer, *list(self._threads.values())):
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))

    def _oversee(self) -> None:
        """Look for imports that have no keeper yet, and drop old changes now and then."""
        round = 0
        while not self._stop.is_set():
            try:
                for source_id, spoke in self._sources():
                    if source_id not in self._threads:
                        self._begin(source_id, spoke)
                if round % _PRUNE_EVERY == _PRUNE_EVERY - 1:
                    self._store.prune(self._clock.now() - KEEP_CHANGES)
            except HansaError as fault:
                log.warning("live data: %s", fault.sentence)
            round += 1
            self._stop.wait(LOOK_AGAIN)

    def _sources(self) -> Iterator[tuple[str, LiveSpoke]]:
        """The imports whose spokes have a live job."""
        query = Query(types=TypeName(city_iri("DataSource")), limit=_SOURCES)
        for document in self._store.query(query).documents:
            source: Any = represent(orjson.loads(document), _VIEW)
            spoke = self._spokes.get(source.get("adapter", ""))
            if spoke is not None:
                yield source["id"], spoke

    def _begin(self, source_id: str, spoke: LiveSpoke) -> None:
        keeper = Keeper(
            self._store,
            spoke,
            source_id,
            self._clock,
            self._out,
            self._timetable_clock,
            self._ingest,
        )
        thread = Thread(target=self._keep, args=(keeper,), name=f"live {source_id}", daemon=True)
        self._threads[source_id] = thread
        thread.start()

    def _keep(self, keeper: Keeper) -> None:
        try:
            while not self._stop.is_set():
                keeper.beat()
                self._stop.wait(keeper.interval)
        finally:
            keeper.close()
