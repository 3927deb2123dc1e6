"""The runner that all spokes share: one import from beginning to end.

In this order: the spoke looks the source over (a foreign or damaged one is refused here, before
anything is written); the DataSource entity says that an import has begun; entities are expanded, go through the
source's passage (see :mod:`hansa.trust.ingest`), are given their provenance and written in batches, several of which may
be on their way to the disk at once; what earlier imports wrote and this one did not see is marked as vanished; the DataSource entity says how it
went. When a source fails in the middle, what was written stays, nothing is marked as vanished, and the
DataSource says so.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, cast
from urllib.parse import urlsplit

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import BadRequest, HansaError, InternalError
from hansa.kernel.ids import slug, urn
from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.expand import Rules, expand_entity
from hansa.ngsild.model import Entity
from hansa.spokes import datasource, orders
from hansa.spokes.manifest import resolve
from hansa.spokes.plain import quoted
from hansa.spokes.port import (
    About,
    Item,
    Options,
    Place,
    Reading,
    Refusal,
    RemoteSpoke,
    Spoke,
    WayOut,
)
from hansa.spokes.provenance import IMPORTED_FROM, Stamp, mark_vanished, revise
from hansa.spokes.registry import all_spokes
from hansa.spokes.report import BROKEN_OFF, Progress, Report, Step
from hansa.spokes.secrets import address_without_secrets
from hansa.store.port import Outcome, Store, Write
from hansa.trust.ingest import Passage

__all__ = ["BATCH", "Request", "open_source", "run_import"]

BATCH: Final = 500
"""Entities per write; small enough for steady progress, large enough that a commit costs little."""

_IN_FLIGHT: Final = 4


@dataclass(frozen=True, slots=True)
class Request:
    """What to import, and what to call it.

    Attributes:
        source: path of the file or folder (``archive!member`` reaches into archives), or the address
            of a service.
        name: name of the import; the same name again is a re-import. Default: the file's name.
        namespace: the part of identifiers that keeps sources apart; imports that refer to each
            other share one. Default: the name.
        title, license, attribution, url: replace what the source and the spoke say.
        options: the spoke's own options.
    """

    source: str
    name: str = ""
    namespace: str = ""
    title: str = ""
    license: str = ""
    attribution: str = ""
    url: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The name as it stands in identifiers."""
        if "://" in self.source:
            return slug(self.name) or slug(urlsplit(self.source).hostname or "") or "import"
        last = self.source.replace("!", "/").rstrip("/").rsplit("/", 1)[-1]
        return slug(self.name) or slug(last.split(".")[0]) or "import"


def run_import(
    store: Store,
    spoke: Spoke | RemoteSpoke,
    request: Request,
    clock: Clock,
    progress: Progress = lambda step: None,
    out: WayOut | None = None,
    passage: Passage | None = None,
) -> Report:
    """Import a source; `out` is the way to those on the network, `passage` that of its entities to the store.

    Returns:
        What became of every record.

    Raises:
        HansaError: the source as a whole cannot be read, or the store failed.
    """
    try:
        return _imported(store, spoke, request, clock, progress, out, passage)
    except Exception as fault:
        if passage is None or not passage.hides:
            raise
        told = passage.told(fault)
    raise BadRequest(f"source '{request.slug}'", told, "look at it where it comes from")


def _imported(
    store: Store,
    spoke: Spoke | RemoteSpoke,
    request: Request,
    clock: Clock,
    progress: Progress,
    out: WayOut | None,
    passage: Passage | None,
) -> Report:
    options = resolve(spoke.manifest, request.options)
    namespace = quoted(request.namespace or request.slug)
    progress(Step(0, None, "opening"))
    reading = open_source(spoke, request.source, namespace, options, out, clock.now())
    try:
        run = _Run(store, spoke, request, clock, progress, namespace, options, reading, passage)
        return run.whole()
    finally:
        reading.close()


def open_source(
    spoke: Spoke | RemoteSpoke,
    source: str,
    namespace: str,
    options: Options,
    out: WayOut | None,
    now: datetime,
) -> Reading:
    """Open a file, or reach a service (whose address must not hold a secret)."""
    if not spoke.manifest.remote:
        if "://" in source:
            raise _no_address(source, spoke.manifest.name)
        return cast(Spoke, spoke).open(source, namespace, options)
    if out is None:
        raise InternalError(f"spoke '{spoke.manifest.name}'", "was given no way out")
    address_without_secrets(source)
    return cast(RemoteSpoke, spoke).reach(source, namespace, options, out, now)


def _no_address(source: str, name: str) -> BadRequest:
    remote = ", ".join(each.manifest.name for each in all_spokes() if each.manifest.remote)
    return BadRequest(
        f"address '{source[:120]}'",
        f"the spoke '{name}' reads files, and fetches none",
        f"download it, and give the file; these ask at addresses: {remote}",
    )


class _Run:
    """The state of one import while it goes on."""

    def __init__(
        self,
        store: Store,
        spoke: Spoke | RemoteSpoke,
        request: Request,
        clock: Clock,
        progress: Progress,
        namespace: str,
        options: Mapping[str, Any],
        reading: Reading,
        passage: Passage | None,
    ) -> None:
        self._store, self._passage = store, passage
        self._began = time.perf_counter()
        self._clock = clock
        self._progress = progress
        self._reading = reading
        self._rules = Rules(city_context())
        source_id = urn("DataSource", request.slug)
        self.report = Report(source_id)
        self._about = _with_wishes(reading.about, spoke, request)
        if passage is not None and passage.hides:
            self._about.digest = ""  # of a small file it would let anybody try what stood in it
        manifest = spoke.manifest
        self._stamp = Stamp(
            source_id=source_id,
            license=self._about.license,
            attribution=self._about.attribution,
            adapter=f"{manifest.name} {manifest.version}",
            retrieved_at=iso(clock.now()),
        )
        address = request.source if manifest.remote else ""
        self._source = datasource.Source(
            self._stamp, self._about, manifest, namespace, options, address
        )
        self._read: set[str] = set()
        self._seen = self._read if passage is None else set()
        """Identifiers as they were read, and as they were stored."""
        self._fresh: list[Entity] = []
        self._batch: list[Write] = []
        self._waiting: deque[tuple[list[Write], Future[list[Outcome]]]] = deque()
        self._written = 0
        self._taken = 0

    def whole(self) -> Report:
        """The import itself."""
        again = self._store.get(self.report.source_id) is not None
        self._store.declare_hot(IMPORTED_FROM)
        self._write_source("importing")
        try:
            for item in self._reading.items():
                self._take(item)
            self._flush()
            if self._passage is not None:
                self._put(self._passage.rest())
                self._flush()
            self._settle(0)
            if again and not getattr(self._reading, "partial", False):
                self._mark_vanished()
        except BaseException:
            self._settle_quietly()
            if self._passage is not None and self._passage.hides:
                self._about.notes = []
            self._write_source("incomplete")
            with suppress(Exception):  # whoever follows may be what broke it off
                self._progress(Step(self._written, self._reading.total, BROKEN_OFF))
            raise
        if self._source.manifest.is_live:
            orders.give(self._store, self._source.task)
        if self._passage is not None and self._passage.hides and self._about.notes:
            self._about.notes = [self._passage.told(f"{len(self._about.notes)} notes")]
        if self._passage is not None:
            self._about.notes += self._passage.said()
        self.report.notes = list(self._about.notes)
        self.report.seconds = time.perf_counter() - self._began
        self._write_source("current")
        self._tell("done")
        return self.report

    def _take(self, item: Item) -> None:
        """One entity into the batch, or one refusal into the report."""
        self._taken += 1
        if isinstance(item, Refusal):
            self._refuse(item.place, item.reason, item.kind)
            return
        self.report.read += 1
        place = Place(self._about.file, element=str(item.get("id")))
        try:
            entity = expand_entity(item, self._rules)
        except HansaError as fault:
            self._refuse(place, fault)
            return
        if entity["id"] in self._read:
            self._refuse(place, "the identifier appears twice")
            return
        self._read.add(entity["id"])
        self.report.by_type[str(item["type"])] += 1
        self._fresh.append(entity)
        if len(self._fresh) >= BATCH:
            self._flush()

    def _refuse(self, place: Place, reason: HansaError | str, kind: str = "") -> None:
        """One refusal into the report; nothing of the record where the source's steps hide it."""
        passage = self._passage
        if passage is not None and passage.hides:
            told = f"{kind} (its value is not shown)" if kind else passage.told(reason)
            self.report.refuse(Refusal(replace(place, element=None), told))
        else:
            told = reason if isinstance(reason, str) else reason.sentence
            self.report.refuse(Refusal(place, told))

    def _put(self, entities: Sequence[Entity]) -> None:
        """What came through the passage into the batch."""
        for entity in entities:
            if self._passage is not None:
                self._seen.add(entity["id"])
            self._batch.append(
                Write(entity["id"], partial(self._revise, entity), passed=self._passage is not None)
            )

    def _revise(self, fresh: Entity, current: Entity | None) -> Any:
        return revise(current, fresh, self._stamp, iso(self._clock.now()))

    def _flush(self) -> None:
        fresh, self._fresh = self._fresh, []
        self._put(fresh if self._passage is None else self._passage(fresh))
        if self._batch:
            self._waiting.append((self._batch, self._store.write(self._batch)))
            self._batch = []
        self._settle(_IN_FLIGHT)
        self._tell("writing")

    def _settle(self, left: int) -> None:
        """Wait until at most `left` batches are on their way, and count what became of the others."""
        while len(self._waiting) > left:
            writes, future = self._waiting.popleft()
            for write, outcome in zip(writes, future.result(), strict=True):
                self._count(write.id, outcome)
            self._written += len(writes)

    def _settle_quietly(self) -> None:
        """After a failure: let the batches in hand finish; the failure itself is what is told."""
        for writes, future in self._waiting:
            if future.exception() is None:
                self._written += len(writes)
        self._waiting.clear()

    def _count(self, id: str, outcome: Outcome) -> None:
        if isinstance(outcome, HansaError):
            self._refuse(Place(self._about.file, element=id), outcome)
            return
        report = self.report
        match outcome.detail:
            case "created":
                report.created += 1
            case "updated":
                report.updated += 1
            case "returned":
                report.updated += 1
                report.returned += 1
            case "vanished":
                report.vanished += 1
            case _:
                report.unchanged += 1

    def _mark_vanished(self) -> None:
        """Mark what earlier imports of this source wrote and this one did not see."""
        self._tell("looking for what vanished")
        unchanged = self.report.unchanged
        live = {city_iri(type) for type in self._source.manifest.live}
        for entity in datasource.entities_of(self._store, self.report.source_id):
            if entity["id"] not in self._seen and live.isdisjoint(entity["type"]):
                self._batch.append(Write(entity["id"], self._vanish))
            if len(self._batch) >= BATCH:
                self._flush()
        self._flush()
        self._settle(0)
        self.report.unchanged = unchanged

    def _vanish(self, current: Entity | None) -> Any:
        return mark_vanished(current, self.report.source_id, iso(self._clock.now()))

    def _write_source(self, status: datasource.Status) -> None:
        write = self._source.write(status, self.report, iso(self._clock.now()), self._rules)
        (outcome,) = self._store.write([write]).result()
        if isinstance(outcome, HansaError):
            raise outcome

    def _tell(self, what: str) -> None:
        self._progress(Step(self._taken, self._reading.total, what))


def _with_wishes(about: About, spoke: Spoke | RemoteSpoke, request: Request) -> About:
    """What the source says, after the user's wishes, before the spoke's defaults."""
    about.title = request.title or about.title
    about.license = request.license or about.license or spoke.manifest.license
    about.attribution = request.attribution or about.attribution or spoke.manifest.attribution
    about.url = request.url or about.url
    return about
