"""New observations, asked for by their time, and a look at the Things themselves now and then.

Each question begins a little before the newest time seen so far, since observations of that time may
arrive late; those that were taken in already are passed over. Times that lie in the future move nothing,
or everything before them would be missed.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, Final

from hansa.kernel.clock import iso
from hansa.spokes.plain import prop
from hansa.spokes.port import Beat, EntityReader, Fetch, Plain, Task
from hansa.spokes.quality import Complaints, Silence, moment_of, verdict
from hansa.spokes.sensorthings.map import Observation, Stream, Thing, read_observation, read_thing
from hansa.spokes.sensorthings.read import SensorService
from hansa.spokes.service import Service

__all__ = ["SensorsJob", "state_of", "whole"]

MOST: Final = 5000
"""Observations of one beat; the next one goes on where it ended. Those of one moment stay together."""

_FAR_TOO_MANY: Final = 100_000

_OVERLAP: Final = timedelta(minutes=2)
_REMEMBERED: Final = 50_000
_LOOK_AGAIN: Final = timedelta(minutes=5)


def whole(thing: Thing, now: datetime, silence: timedelta) -> Plain:
    """A Thing's entity with the newest result of each of its Datastreams."""
    entity = dict(thing.entity)
    seen = []
    for stream in thing.streams:
        if stream.newest is None:
            continue
        seen.append(stream.newest.at)
        instance = stream.instance(stream.newest)
        present = entity.get(stream.attribute)
        if present is None:
            entity[stream.attribute] = instance
        else:
            others = present if isinstance(present, list) else [present]
            entity[stream.attribute] = [*others, instance]
    return entity | state_of(seen, now, silence)


def state_of(seen: list[datetime], now: datetime, silence: timedelta) -> Plain:
    """What says how fresh a Thing is."""
    state = {"quality": prop(verdict(seen, now, silence))}
    if seen:
        state["dateLastValueReported"] = prop(iso(max(seen)))
    return state


class SensorsJob:
    """See :class:`hansa.spokes.port.LiveJob`."""

    def __init__(self, task: Task, entities: EntityReader, out: Fetch) -> None:
        options = task.options
        service = Service(task.source, out, str(options.get("header", "")))
        self._service = SensorService(service, str(options.get("filter", "")))
        self._namespace = task.namespace
        self._type = str(options.get("type", "Device"))
        self.interval = max(float(options.get("interval", 60.0)), 1.0)
        self._refresh = timedelta(seconds=max(float(options.get("refresh", 3600.0)), 60.0))
        self._silence = timedelta(seconds=float(options.get("silence", 7200.0)))
        self._quiet = Silence(self._silence)
        self._complaints = Complaints("records were not understood")
        self._streams: dict[str, tuple[str, Stream]] = {}
        self._freshest: dict[str, datetime] = {}
        self._stale: set[str] = set()
        self._taken: OrderedDict[str, None] = OrderedDict()
        self._looked: datetime | None = None
        self._unknown = False
        self._known = set()
        self._cursor: datetime | None = None
        for entity in entities.of_type(self._type):
            self._known.add(entity["id"])
            if (last := _moment(entity.get("dateLastValueReported"))) is not None:
                self._freshest[entity["id"]] = last
                self._cursor = last if self._cursor is None else max(last, self._cursor)

    def beat(self, moment: datetime) -> Beat:
        """See :meth:`hansa.spokes.port.LiveJob.beat`."""
        notes: list[str] = []
        kept: list[Plain] = []
        gone: list[str] = []
        if self._due(moment):
            gone = self._look(moment, kept)
        kept += self._news(moment)
        kept += self._fallen_silent(moment)
        health = self._quiet.health(moment, notes)
        self._complaints.tell(moment, notes)
        return Beat(kept=kept, partial=True, gone=gone, notes=notes, health=health)

    def _due(self, now: datetime) -> bool:
        if self._looked is None:
            return True
        since = now - self._looked
        return since >= self._refresh or (self._unknown and since >= _LOOK_AGAIN)

    def _look(self, now: datetime, kept: list[Plain]) -> list[str]:
        """Read the Things anew; adds those to `kept`, and returns those that are gone."""
        first = self._looked is None
        found: dict[str, Thing] = {}
        for data in self._service.things():
            try:
                thing = read_thing(data, self._type, self._namespace)
            except ValueError as fault:
                self._complaints.add(now, f"a Thing: {fault}")
                continue
            found[thing.entity["id"]] = thing
        self._streams = {
            stream.id: (id, stream) for id, thing in found.items() for stream in thing.streams
        }
        new = found.keys() - self._known
        for id, thing in found.items():
            kept.append(whole(thing, now, self._silence) if id in new else thing.entity)
        gone = sorted(self._known - found.keys()) if found else []
        if found:
            self._known = set(found)
        self._looked, self._unknown = now, False
        if first and self._cursor is None:
            self._cursor = now
        return gone

    def _news(self, now: datetime) -> list[Plain]:
        """One change for each new observation."""
        begin = cursor = min(self._cursor or now, now)
        found: list[Plain] = []
        for data in self._service.observations(begin - _OVERLAP):
            if len(found) >= _FAR_TOO_MANY or (len(found) >= MOST and cursor > begin):
                break
            key = str(data.get("@iot.id")) if isinstance(data, dict) else ""
            if key in self._taken:
                continue
            self._remember(key)
            try:
                change, at = self._change(data, now)
            except ValueError as fault:
                self._complaints.add(now, f"observation {key[:60]}: {fault}")
                continue
            if at <= now:
                cursor = max(cursor, at)
            if change is not None:
                found.append(change)
        self._cursor = cursor
        if found:
            self._quiet.heard(now)
        return found

    def _change(self, data: Any, now: datetime) -> tuple[Plain | None, datetime]:
        observation = read_observation(data)
        of = data.get("Datastream")
        if not isinstance(of, dict):
            raise ValueError("it names no Datastream")
        known = self._streams.get(str(of.get("@iot.id")))
        if known is None:  # of a Thing that is not asked for, or a new one
            self._unknown = True
            return None, observation.at
        id, stream = known
        last = self._freshest.get(id)
        if last is None or observation.at >= last or last > now:
            self._freshest[id] = observation.at
        self._stale.discard(id)
        return self._entity(id, stream, observation, now), observation.at

    def _entity(self, id: str, stream: Stream, observation: Observation, now: datetime) -> Plain:
        entity: Plain = {"id": id, "type": self._type}
        entity[stream.attribute] = stream.instance(observation)
        return entity | state_of([observation.at], now, self._silence)

    def _fallen_silent(self, now: datetime) -> list[Plain]:
        late = [
            id
            for id, last in self._freshest.items()
            if now - last > self._silence and id not in self._stale and id in self._known
        ]
        self._stale.update(late)
        return [{"id": id, "type": self._type, "quality": prop("stale")} for id in late]

    def _remember(self, key: str) -> None:
        self._taken[key] = None
        if len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)


def _moment(value: Any) -> datetime | None:
    try:
        return moment_of(value)
    except ValueError:
        return None
