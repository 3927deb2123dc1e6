"""NGSIv2: the entities of an older broker, kept up to date by asking for what changed, or by being told.

With a subscription the broker tells every change; now and then everything is looked at all the same, which
finds what is gone and what was missed. A broker that does not take it is asked, as without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from hansa.kernel.egress import FetchFailed
from hansa.kernel.errors import HansaError
from hansa.spokes.manifest import Manifest, load_manifest
from hansa.spokes.ngsiv2.map import entity_of
from hansa.spokes.ngsiv2.read import OldBroker
from hansa.spokes.ngsiv2.told import Told, checked_base
from hansa.spokes.port import (
    About,
    Beat,
    Fetch,
    ImportReader,
    Item,
    Options,
    Place,
    Plain,
    Refusal,
    Task,
    WayOut,
)
from hansa.spokes.quality import Complaints, Silence
from hansa.spokes.service import begun

__all__ = ["SPOKE", "NgsiV2Spoke"]

_TAKE: Final = 1.0
_OVERLAP: Final = timedelta(seconds=30)
"""A broker's clock may differ from ours; what did not change is not written again."""


class NgsiV2Spoke:
    """Takes every entity in; the live job asks for what changed since."""

    manifest: Manifest = load_manifest(__name__)

    def reach(
        self, source: str, namespace: str, options: Options, out: Fetch, now: datetime
    ) -> BrokerReading:
        """See :meth:`hansa.spokes.port.RemoteSpoke.reach`."""
        checked_base(str(options.get("subscribe", "")))
        return BrokerReading(OldBroker(source, options, out), options, now)

    def live(self, task: Task, entities: ImportReader, out: WayOut, /) -> BrokerJob:
        """See :meth:`hansa.spokes.port.LiveSpoke.live`."""
        return BrokerJob(task, entities, out)


class BrokerReading:
    """A broker whose first page was read; see :class:`hansa.spokes.port.Reading`."""

    total: int | None = None

    def __init__(self, broker: OldBroker, options: Options, now: datetime) -> None:
        self._silence = timedelta(seconds=float(options["silence"]))
        self._now = now
        self._entities = begun(broker.entities())
        self.about = About(title=f"Entities of {broker.host}")

    def items(self) -> Iterator[Item]:
        """See :meth:`hansa.spokes.port.Reading.items`."""
        for number, data in enumerate(self._entities, 1):
            try:
                yield entity_of(data, self._now, self._silence)
            except ValueError as fault:
                yield Refusal(Place("entities", element=_name(data, number)), str(fault))

    def close(self) -> None:
        """Nothing is held open."""


class BrokerJob:
    """See :class:`hansa.spokes.port.LiveJob`."""

    def __init__(self, task: Task, entities: ImportReader, out: WayOut) -> None:
        options = task.options
        self._broker = OldBroker(task.source, options, out)
        self._pause = max(float(options.get("interval", 10.0)), 1.0)
        self._refresh = timedelta(seconds=max(float(options.get("refresh", 3600.0)), 10.0))
        self._silence = timedelta(seconds=float(options.get("silence", 86_400.0)))
        self._quiet = Silence(self._silence)
        self._complaints = Complaints("entities were not understood")
        self._known = set(entities.identifiers())
        self._whole: datetime | None = None
        self._asked: datetime | None = None
        self._by_change = True
        base = checked_base(str(options.get("subscribe", "")))
        self._told = Told(self._broker, out, base, self._refresh) if base else None
        self._untold = ""

    @property
    def interval(self) -> float:
        """Seconds until the next beat; what is told is taken every second."""
        return _TAKE if self._told is not None and self._told.is_on else self._pause

    def close(self) -> None:
        """End the subscription."""
        if self._told is not None:
            self._told.close()

    def beat(self, moment: datetime) -> Beat:
        """See :meth:`hansa.spokes.port.LiveJob.beat`."""
        notes: list[str] = []
        gone: list[str] = []
        due = self._whole is None or moment - self._whole >= self._refresh
        told, missed = self._taken(moment, due)
        if due or missed or not (self._by_change or self._is_told):
            kept, gone = self._all(moment)
            kept = told + kept
        elif self._is_told:
            kept = told
        else:
            kept = self._changed(moment)
        self._asked = moment
        if self._untold:
            notes.append(self._untold)
        health = self._quiet.health(moment, notes)
        self._complaints.tell(moment, notes)
        return Beat(kept=kept, gone=gone, notes=notes, health=health)

    @property
    def _is_told(self) -> bool:
        return self._told is not None and self._told.is_on

    def _taken(self, now: datetime, due: bool) -> tuple[list[Plain], bool]:
        """What the broker told, and whether it told more than there was room for."""
        if self._told is None:
            return [], False
        data, faults, missed = self._told.take()
        for fault in faults:
            self._complaints.add(now, fault)
        if due:  # before everything is read, so that no change falls in between
            try:
                self._told.keep(now)
                self._untold = ""
            except HansaError as fault:
                self._untold = f"It is asked, not told: {fault.sentence}"
        found = self._understood(data, now)
        if found:
            self._known.update(entity["id"] for entity in found)
            self._quiet.heard(now, hash(str(found)), "told")
        return found, missed

    def _all(self, now: datetime) -> tuple[list[Plain], list[str]]:
        found = self._read(now, None)
        present = {entity["id"] for entity in found}
        gone = sorted(self._known - present) if present else []
        self._known = present or self._known
        self._whole = now
        self._quiet.heard(now, hash(str(found)), "all")
        return found, gone

    def _changed(self, now: datetime) -> list[Plain]:
        """What changed; a broker that cannot be asked for that is asked for everything."""
        begin = (self._asked or now) - _OVERLAP
        try:
            found = self._read(now, begin)
        except FetchFailed as fault:
            if "status 400" not in fault.fact:
                raise
            self._by_change = False
            return self._all(now)[0]
        self._known.update(entity["id"] for entity in found)
        if found:
            self._quiet.heard(now, hash(str(found)), "changed")
        return found

    def _read(self, now: datetime, since: datetime | None) -> list[Plain]:
        return self._understood(self._broker.entities(since), now)

    def _understood(self, entities: Iterable[Any], now: datetime) -> list[Plain]:
        found = []
        for number, data in enumerate(entities, 1):
            try:
                found.append(entity_of(data, now, self._silence))
            except ValueError as fault:
                self._complaints.add(now, f"{_name(data, number)}: {fault}")
        return found


def _name(data: Any, number: int) -> str:
    id = data.get("id") if isinstance(data, dict) else None
    return str(id)[:200] if id else f"entity {number}"


SPOKE: Final = NgsiV2Spoke()
