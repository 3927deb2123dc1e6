"""One live import: beat by beat, what its source says into the store.

At each beat the keeper asks its job what there is at present (by the clock of timetables, where a
job works from one). *Fleeting* entities
(vehicles) are written without history, only what changed, and those that are no more are deleted. *Kept*
ones (stations, sensors) are written with history and the provenance of their import; what the source no
longer has is marked as vanished. How the source is stands on the DataSource: ``liveStatus`` and
``liveNotes``.

A job that fails is tried again, after a pause that doubles each time; the failure is logged once, and so
is the recovery. One entity that cannot be taken in does not stop the others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Final

import orjson

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import HansaError
from hansa.ngsild import merge
from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.expand import Rules, expand_entity
from hansa.ngsild.model import Entity, attribute_names, attributes
from hansa.ngsild.represent import View, represent
from hansa.spokes import orders
from hansa.spokes.datasource import entities_of
from hansa.spokes.plain import prop
from hansa.spokes.port import Beat, Health, LiveJob, LiveSpoke, Plain, WayOut
from hansa.spokes.provenance import (
    IMPORTED_FROM,
    VANISHED_AT,
    Stamp,
    is_same,
    mark_vanished,
    update,
)
from hansa.store.port import Edited, Outcome, Reader, Store, Write
from hansa.trust.ingest import Ingest, Passage
from hansa.trust.sources.shown import named

__all__ = ["LOOK_AGAIN", "Keeper"]

log = logging.getLogger("hansa.live")

LOOK_AGAIN: Final = 5.0
"""Seconds between two looks for new imports, and until a job that never began is tried again."""

LONGEST_PAUSE: Final = 300.0
"""Seconds after which a failing job is tried again at the latest."""

_BATCH: Final = 500
_VIEW: Final = View(city_context(), form="simplified")
_TOLD: Final = tuple(map(city_iri, ("liveStatus", "liveNotes")))


@dataclass(frozen=True, slots=True)
class _Entities:
    """Read access to one import's entities; see :class:`hansa.spokes.port.ImportReader`."""

    store: Reader
    source_id: str

    def of_type(self, type: str) -> Iterator[Plain]:
        """The present ones of a type, simplified."""
        for entity in entities_of(self.store, self.source_id, type):
            if VANISHED_AT not in entity:
                yield represent(entity, _VIEW)

    def identifiers(self) -> Iterator[str]:
        """Of all present ones."""
        for entity in entities_of(self.store, self.source_id):
            if VANISHED_AT not in entity:
                yield entity["id"]


class Keeper:
    """Keeps the live entities of one import.

    Args:
        clock: the time that what is written bears.
        timetable_clock: what a job takes for the present that asks no service, but works from what
            was imported: `clock`, unless timetables are shown as of another time.
        ingest: what admits the source: asked before each beat, so that a source that is withdrawn falls silent.
            ``None``: nobody is asked.
    """

    def __init__(
        self,
        store: Store,
        spoke: LiveSpoke,
        source_id: str,
        clock: Clock,
        out: WayOut,
        timetable_clock: Clock | None = None,
        ingest: Ingest | None = None,
    ) -> None:
        self.source_id = source_id
        self._ingest = ingest
        self._passage: Passage | None = None
        self._store = store
        self._spoke = spoke
        self._clock = clock
        self._present_of_job = clock if spoke.manifest.remote else timetable_clock or clock
        self._out = out
        self._rules = Rules(city_context())
        self._job: LiveJob | None = None
        self._made_for = ""
        self._told: tuple[Health, list[str]] | None = None
        live = spoke.manifest.live
        found = entities_of(store, source_id, *live) if live else ()
        self._present = {entity["id"] for entity in found}
        self._failures = 0

    @property
    def interval(self) -> float:
        """Seconds until the next beat."""
        usual = self._job.interval if self._job is not None else LOOK_AGAIN
        longest = getattr(self._job, "longest_pause", LONGEST_PAUSE)
        return max(usual, min(usual * 2.0 ** min(self._failures - 1, 20), longest))

    def beat(self) -> None:
        """One beat; a failure is logged and told, even a fault in the job's own code."""
        try:
            self._beat()
        except Exception as fault:
            known, hides = isinstance(fault, HansaError), self._hides
            told = self._told_of(fault) if hides else str(fault)
            if not self._failures:
                trace = not known and not hides
                log.warning("%s: live data stopped: %s", self.source_id, told, exc_info=trace)
            self._failures += 1
            whole = known or hides
            self._complain(told if whole else "The spoke has a fault; see the node's log.")
            return
        if self._failures:
            log.warning("%s: live data are back", self.source_id)
        self._failures = 0

    def close(self) -> None:
        """Let go of what the job holds open."""
        job, self._job = self._job, None
        if (close := getattr(job, "close", None)) is not None:
            close()

    def _beat(self) -> None:
        stored = self._store.get(self.source_id)
        if stored is None:
            self._write([], iso(self._clock.now()))  # the import was taken away
            self.close()
            return
        source = represent(orjson.loads(stored), _VIEW)
        if source.get("status") != "current":
            return  # an import is going on; what it writes would not fit together yet
        if self._ingest is not None:
            self._ingest.check(named(self.source_id), self._spoke.manifest.name)
        reader = self._reader()
        job = self._job_for(source, reader)
        beat = job.beat(self._present_of_job.now())
        now = iso(self._clock.now())
        stamp = _stamp(source)
        mark = replace(stamp, adapter="", retrieved_at="").attribute(())
        fresh: Sequence[Entity] = [expand_entity(e, self._rules) for e in beat.entities]
        if self._passage is not None:
            fresh = self._passage.all_of(fresh)
        self._write([entity | {IMPORTED_FROM: mark} for entity in fresh], now)
        said = (
            [self._told_of(f"{len(beat.notes)} notes")]
            if self._hides and beat.notes
            else beat.notes
        )
        notes = [*said, *self._keep(beat, stamp, now)]
        if (written := getattr(job, "written", None)) is not None:
            written()
        self._tell(beat.health, notes, now)

    @property
    def _hides(self) -> bool:
        """Whether nothing may be said of what the source holds."""
        return self._passage is not None and self._passage.hides

    def _told_of(self, fault: Exception | str) -> str:
        return str(fault) if self._passage is None else self._passage.told(fault)

    def _job_for(self, source: Plain, reader: Reader) -> LiveJob:
        """The job, made anew when the source was imported again."""
        if self._job is None or self._made_for != source["retrievedAt"]:
            self.close()
            task = orders.task_for(self._store, self._spoke.manifest, source)
            entities = _Entities(reader, self.source_id)
            if self._ingest is not None:
                adapter = self._spoke.manifest.name
                self._passage = self._ingest.admit(named(self.source_id), adapter, live=True)
            self._job = self._spoke.live(task, entities, self._out)
            self._made_for = source["retrievedAt"]
        return self._job

    def _reader(self) -> Reader:
        """What the job may read: all that was imported, or as an algorithm what its record names, if it is in use."""
        algorithm = self._spoke.manifest.algorithm
        if self._ingest is None or self._ingest.reader_of is None or not algorithm:
            return self._store
        return self._ingest.reader_of(algorithm)

    def _through(self, fresh: list[Entity]) -> Sequence[Entity]:
        """What of the entities may be stored now."""
        return fresh if self._passage is None else self._passage(fresh)

    def _write(self, fresh: list[Entity], now: str) -> None:
        ids = {entity["id"] for entity in fresh}
        gone = sorted(self._present - ids)
        writes = [
            Write(
                entity["id"],
                partial(_fleeting, entity, now),
                keep_history=False,
                passed=self._passage is not None,
            )
            for entity in fresh
        ]
        writes += [Write(id, _deleted, keep_history=False) for id in gone]
        for outcome in self._store.write(writes).result() if writes else ():
            if isinstance(outcome, HansaError):
                raise outcome
        self._present = ids

    def _keep(self, beat: Beat, stamp: Stamp, now: str) -> list[str]:
        """Write the kept entities; what is said about those that could not be."""
        refused: list[str] = []
        rest, is_first = iter(beat.kept), True
        while (batch := list(islice(rest, _BATCH))) or (is_first and self._passage is not None):
            read, is_first = [], False
            for plain in batch:
                try:
                    read.append(expand_entity(plain, self._rules))
                except HansaError as fault:
                    whole = f"{str(plain.get('id'))[:200]}: {fault.sentence}"
                    refused.append(self._told_of(fault) if self._hides else whole)
            change = partial(update, stamp=stamp, now=now, partial=beat.partial)
            passed = self._passage is not None
            writes = [
                Write(e["id"], partial(change, fresh=e), passed=passed) for e in self._through(read)
            ]
            refused += _faults(writes, self._store.write(writes).result() if writes else ())
        vanish = partial(mark_vanished, source_id=self.source_id, now=now)
        ids = beat.gone if self._passage is None else self._passage.renamed(beat.gone)
        if gone := [Write(id, vanish) for id in ids]:
            refused += _faults(gone, self._store.write(gone).result())
        if not refused:
            return []
        return [f"{len(refused)} of the latest entities were refused; the first: {refused[0]}"]

    def _complain(self, reason: str) -> None:
        """Put the failure on the DataSource; a store that fails as well is not asked again."""
        try:
            self._tell("failing", [reason], iso(self._clock.now()))
        except HansaError:
            self._told = None

    def _tell(self, health: Health, notes: list[str], now: str) -> None:
        """Put health and notes on the DataSource when they are others than before."""
        if (health, notes) != self._told:
            edit = partial(_noted, health, notes, now, self._rules)
            self._store.write([Write(self.source_id, edit)]).result()
            self._told = health, notes


def _stamp(source: Plain) -> Stamp:
    """The provenance of one import, as its DataSource entity (simplified) tells it."""
    return Stamp(
        source_id=source["id"],
        license=source.get("license", ""),
        attribution=source.get("attribution", ""),
        adapter=f"{source.get('adapter', '')} {source.get('adapterVersion', '')}".strip(),
        retrieved_at=source["retrievedAt"],
    )


def _faults(writes: Sequence[Write], outcomes: Sequence[Outcome]) -> list[str]:
    return [
        f"{write.id}: {outcome.sentence}"
        for write, outcome in zip(writes, outcomes, strict=True)
        if isinstance(outcome, HansaError)
    ]


def _fleeting(fresh: Entity, now: str, current: Entity | None) -> Edited:
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


def _noted(
    health: Health, notes: list[str], now: str, rules: Rules, current: Entity | None
) -> Edited:
    if current is None:
        return Edited(current)
    plain: dict[str, Any] = {"id": current["id"], "type": "DataSource", "liveStatus": prop(health)}
    if notes:
        plain["liveNotes"] = prop(notes)
    fresh = expand_entity(plain, rules)
    left = {n: v for n, v in current.items() if n not in _TOLD or n in fresh}
    different = {n: v for n, v in attributes(fresh) if not is_same(current.get(n), v)}
    if not different and len(left) == len(current):
        return Edited(current)
    return Edited(merge.append(left, {"type": fresh["type"], **different}, now)[0])
