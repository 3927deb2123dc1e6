"""A system kept up to date: stations as their numbers change, vehicles as they come and go.

A station is written when something about it changed, so its numbers have a history; one that the system
no longer lists is marked as vanished, unless the list is suddenly empty, which is taken for a fault.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from hansa.kernel.errors import BadRequest
from hansa.spokes.gbfs.map import GbfsMap, vehicle_types
from hansa.spokes.gbfs.read import Feed, System
from hansa.spokes.members import local_text
from hansa.spokes.port import Beat, EntityReader, Fetch, Options, Plain, Refusal, Task
from hansa.spokes.quality import AHEAD, Silence
from hansa.spokes.service import Service

__all__ = ["BikesJob", "system_map"]


def system_map(system: System, namespace: str, options: Options, now: datetime) -> GbfsMap:
    """The map for a system, after a look at what it says about itself."""
    information = system.feed("system_information", now)
    about = information.data if information else {}
    types = system.feed("vehicle_types", now)
    try:
        name = local_text(about, "operator") or local_text(about, "name") or ""
    except ValueError:
        name = ""
    return GbfsMap(
        namespace=namespace,
        provider=name if isinstance(name, str) else next(iter(name.values())),
        types=vehicle_types(types.data) if types else {},
        silence=timedelta(seconds=float(options["silence"])),
        language=str(options["language"]),
    )


class BikesJob:
    """See :class:`hansa.spokes.port.LiveJob`."""

    def __init__(self, task: Task, entities: EntityReader, out: Fetch) -> None:
        self._task = task
        self._options = task.options
        self._service = Service(task.source, out, str(self._options.get("header", "")))
        self.interval = max(float(self._options.get("interval", 60.0)), 5.0)
        self._silence = Silence(timedelta(seconds=float(self._options.get("silence", 900.0))))
        self._known = {e["id"] for e in entities.of_type("BikeHireDockingStation")}
        self._written: dict[str, Plain] = {}
        self._system: System | None = None

    def beat(self, moment: datetime) -> Beat:
        """See :meth:`hansa.spokes.port.LiveJob.beat`."""
        options = {"language": "", "silence": 900.0, "vehicles": True} | dict(self._options)
        if self._system is None:
            self._system = System(self._service, str(options["language"]), moment)
        system = self._system
        map = system_map(system, self._task.namespace, options, moment)
        notes: list[str] = []
        stations = self._stations(system, map, moment, notes)
        vehicles: list[Plain] = []
        free = system.first("vehicle_status", "free_bike_status", now=moment)
        if options["vehicles"] and free is not None:
            self._hear(*free, moment, notes)
            try:
                vehicles = list(map.vehicles(free[1].data, moment, notes))
            except ValueError as fault:
                raise BadRequest(f"the feed '{free[0]}'", str(fault)) from None
        health = self._silence.health(moment, notes)
        changed = [s for s in stations if self._written.get(s["id"]) != s]
        self._written.update((s["id"], s) for s in changed)
        return Beat(vehicles, notes, changed, gone=self._gone(stations), health=health)

    def _stations(
        self, system: System, map: GbfsMap, now: datetime, notes: list[str]
    ) -> list[Plain]:
        information = system.feed("station_information", now)
        status = system.feed("station_status", now)
        if information is None:
            return []
        if status is not None:
            self._hear("station_status", status, now, notes)
        try:
            items = list(map.stations(information.data, status.data if status else {}, now))
        except ValueError as fault:
            raise BadRequest("the feed 'station_information'", str(fault)) from None
        refused = [item for item in items if isinstance(item, Refusal)]
        if refused:
            notes.append(f"{len(refused)} stations were not understood; the first: {refused[0]}.")
        found = {item["id"]: item for item in items if not isinstance(item, Refusal)}
        return list(found.values())

    def _hear(self, name: str, feed: Feed, now: datetime, notes: list[str]) -> None:
        """Whether a feed says something new, and whether its clock is sound."""
        self._silence.heard(now, feed.updated, name)
        if feed.updated is not None and feed.updated - now > AHEAD:
            notes.append(f"The system's clock is ahead: it says {feed.updated:%Y-%m-%d %H:%M} UTC.")

    def _gone(self, stations: list[Plain]) -> list[str]:
        present = {station["id"] for station in stations}
        if not present:
            return []
        gone = sorted(self._known - present)
        self._known = present
        for id in gone:
            self._written.pop(id, None)
        return gone
