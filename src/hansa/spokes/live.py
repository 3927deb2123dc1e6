"""Live jobs: entities of fast change, kept up to date for as long as the node runs.

Every import whose spoke has a live job gets a :class:`Keeper` on a thread of its own, so that a slow feed
delays nobody else's vehicles. At each beat the keeper asks its job what there is at the node clock's
present time, writes what changed without history, and deletes what is no more. A job that fails is
tried again at the next beat; the failure is logged once, and so is the recovery.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import Any, Final, cast

import orjson

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import HansaError
from hansa.ngsild import merge
from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.expand import Rules, expand_entity
from hansa.ngsild.model import Entity, attribute_names, attributes
from hansa.ngsild.query import Query, TypeName
from hansa.ngsild.represent import View, represent
from hansa.spokes.datasource import entities_of
from hansa.spokes.port import Beat, Fetch, LiveJob, LiveSpoke, Plain, Spoke, Task
from hansa.spokes.provenance import IMPORTED_FROM, VANISHED_AT, Stamp, is_same
from hansa.store.port import Edited, Reader, Store, Write

__all__ = ["Keeper", "LiveRunner"]

log = logging.getLogger("hansa.live")

LOOK_AGAIN: Final = 5.0
"""Seconds between two looks for new imports."""

KEEP_CHANGES: Final = timedelta(minutes=10)
"""How long changes of live entities stay in the change feed, for readers that come back."""

PATIENCE: Final = 5.0
"""Seconds that the end of the node waits for its live jobs."""

_SOURCES: Final = 10_000
_PRUNE_EVERY: Final = 12


@dataclass(frozen=True, slots=True)
class _Entities:
    """Read access to one import's entities; see :class:`hansa.spokes.port.EntityReader`."""

    store: Reader
    source_id: str

    def of_type(self, type: str) -> Iterator[Plain]:
        """The present ones of a type, simplified."""
        view = View(city_context(), form="simplified")
        for entity in entities_of(self.store, self.source_id, type):
            if VANISHED_AT not in entity:
                yield represent(entity, view)


class Keeper:
    """Keeps the live entities of one import."""

    def __init__(
        self, store: Store, spoke: LiveSpoke, source_id: str, clock: Clock, fetch: Fetch
    ) -> None:
        self.source_id = source_id
        self._store = store
        self._spoke = spoke
        self._clock = clock
        self._fetch = fetch
        self._rules = Rules(city_context())
        self._job: LiveJob | None = None
        self._made_for = ""
        self._notes: list[str] | None = None
        live = spoke.manifest.live
        self._present = {entity["id"] for entity in entities_of(store, source_id, *live)}
        self._failing = False

    @property
    def interval(self) -> float:
        """Seconds until the next beat."""
        return self._job.interval if self._job is not None else LOOK_AGAIN

    def beat(self) -> None:
        """One beat; a failure is logged and forgotten, even a fault in the job's own code."""
        try:
            self._beat()
        except Exception as fault:
            if not self._failing:
                known = isinstance(fault, HansaError)
                log.warning("%s: live data stopped: %s", self.source_id, fault, exc_info=not known)
            self._failing = True
            return
        if self._failing:
            log.warning("%s: live data are back", self.source_id)
        self._failing = False

    def _beat(self) -> None:
        stored = self._store.get(self.source_id)
        if stored is None:
            self._write([], iso(self._clock.now()))  # the import was taken away
            return
        source = represent(orjson.loads(stored), _VIEW)
        if source.get("status") != "current":
            return  # an import is going on; what it writes would not fit together yet
        job = self._job_for(source)
        beat = job.beat(self._clock.now())
        now = iso(self._clock.now())
        stamp = Stamp(
            source_id=self.source_id,
            license=source.get("license", ""),
            attribution=source.get("attribution", ""),
            adapter="",
            retrieved_at="",
        ).attribute(())
        fresh = [
            expand_entity(plain, self._rules) | {IMPORTED_FROM: stamp} for plain in beat.entities
        ]
        self._write(fresh, now)
        self._tell(beat, now)

    def _job_for(self, source: Plain) -> LiveJob:
        """The job, made anew when the source was imported again."""
        if self._job is None or self._made_for != source["retrievedAt"]:
            options = source.get("options", {}).get("json", {})
            task = Task(self.source_id, source["namespace"], options)
            entities = _Entities(self._store, self.source_id)
            self._job = self._spoke.live(task, entities, self._fetch)
            self._made_for = source["retrievedAt"]
        return self._job

    def _write(self, fresh: list[Entity], now: str) -> None:
        ids = {entity["id"] for entity in fresh}
        gone = sorted(self._present - ids)
        writes = [
            Write(entity["id"], partial(_kept, entity, now), keep_history=False) for entity in fresh
        ]
        writes += [Write(id, _deleted, keep_history=False) for id in gone]
        if writes:
            for outcome in self._store.write(writes).result():
                if isinstance(outcome, HansaError):
                    raise outcome
        self._present = ids

    def _tell(self, beat: Beat, now: str) -> None:
        """Put the beat's notes on the DataSource when they are others than before."""
        notes = list(beat.notes)
        if notes != self._notes:
            edit = partial(_noted, notes, now)
            self._store.write([Write(self.source_id, edit)]).result()
            self._notes = notes


_VIEW: Final = View(city_context(), form="simplified")
_LIVE_NOTES: Final = city_iri("liveNotes")


def _kept(fresh: Entity, now: str, current: Entity | None) -> Edited:
    """The entity as the job has it; only what differs is written."""
    if current is None:
        return Edited(merge.create(fresh, now))
    different = {n: given for n, given in attributes(fresh) if not is_same(current.get(n), given)}
    gone = attribute_names(current) - attribute_names(fresh)
    if not different and not gone:
        return Edited(current)
    left = {name: value for name, value in current.items() if name not in gone}
    return Edited(merge.append(left, {"type": fresh["type"], **different}, now)[0])


def _deleted(current: Entity | None) -> Edited:
    return Edited(None) if current is not None else Edited(current)


def _noted(notes: list[str], now: str, current: Entity | None) -> Edited:
    if current is None:
        return Edited(current)
    if notes:
        fragment = {_LIVE_NOTES: [{"type": "Property", "value": notes}]}
        return Edited(merge.append(current, fragment, now)[0])
    if _LIVE_NOTES not in current:
        return Edited(current)
    return Edited(merge.delete_attribute(current, _LIVE_NOTES, now, all=True))


class LiveRunner:
    """Runs the live jobs of all imports of one tenant.

    Args:
        store: where entities are read and written.
        spokes: those that are installed.
        fetch: the way out to addresses, through the egress guard.
    """

    def __init__(self, store: Store, spokes: Iterable[Spoke], clock: Clock, fetch: Fetch) -> None:
        self._store = store
        self._spokes = {s.manifest.name: cast(LiveSpoke, s) for s in spokes if s.manifest.live}
        self._clock = clock
        self._fetch = fetch
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
        keeper = Keeper(self._store, spoke, source_id, self._clock, self._fetch)
        thread = Thread(target=self._keep, args=(keeper,), name=f"live {source_id}", daemon=True)
        self._threads[source_id] = thread
        thread.start()

    def _keep(self, keeper: Keeper) -> None:
        while not self._stop.is_set():
            keeper.beat()
            self._stop.wait(keeper.interval)
