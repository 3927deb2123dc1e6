"""The live job of a feed: vehicles where the timetable has them, or where they report to be.

At each beat: positions are computed from the timetable; the realtime feeds, if the import names any,
are asked again when their time has come; a vehicle that reports itself takes the place of its trip's
scheduled one. A realtime feed that fails costs nothing but its own vehicles: the scheduled ones stay,
and a note says what failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from hansa.spokes.gtfs.polling import RealtimeFeed
from hansa.spokes.gtfs.realtime import Reported, read_alerts, read_vehicles
from hansa.spokes.gtfs.rebuild import local, timetable_of
from hansa.spokes.gtfs.timetable import VehiclePosition, positions
from hansa.spokes.gtfs.vehicles import Line, reported_vehicle, scheduled_vehicle
from hansa.spokes.plain import quoted
from hansa.spokes.port import Beat, EntityReader, Fetch, Plain, Task

__all__ = ["TransitJob"]


class TransitJob:
    """See :class:`hansa.spokes.port.LiveJob`."""

    def __init__(self, task: Task, entities: EntityReader, fetch: Fetch) -> None:
        self._namespace = task.namespace
        self.interval = max(float(task.options.get("interval", 5.0)), 1.0)
        self._timetable = timetable_of(entities)
        self._trips = {trip.id: trip for trip in self._timetable.trips}
        self._lines = {local(route["id"]): _line(route) for route in entities.of_type("GtfsRoute")}
        header = str(task.options.get("realtime_header", ""))
        feeds = [
            RealtimeFeed(str(where), header, fetch)
            for name in ("realtime_vehicles", "realtime_alerts")
            if (where := task.options.get(name))
        ]
        self._feeds = list({feed.where: feed for feed in feeds}.values())

    def beat(self, moment: datetime) -> Beat:
        """See :meth:`hansa.spokes.port.LiveJob.beat`."""
        notes: list[str] = []
        reported: list[Reported] = []
        alerts: dict[str, Plain] = {}
        for feed in self._feeds:
            message = feed.message(moment, notes)
            if message is not None:
                reports = read_vehicles(message, moment)
                reported += reports.vehicles
                notes += reports.notes
                alerts |= {alert["id"]: alert for alert in read_alerts(message, self._namespace)}
        scheduled = positions(self._timetable, moment)
        notes += _notes(scheduled)
        vehicles = {v["id"]: v for v in self._vehicles(scheduled, reported, moment, notes)}
        return Beat([*vehicles.values(), *alerts.values()], notes)

    def _vehicles(
        self,
        scheduled: list[VehiclePosition],
        reported: list[Reported],
        moment: datetime,
        notes: list[str],
    ) -> Iterator[Plain]:
        """Scheduled vehicles, save those whose trips report themselves, then the reported ones."""
        taken = {(quoted(r.trip), r.day) for r in reported if r.trip}
        for position in scheduled:
            run = position.trip.id, f"{position.day:%Y%m%d}"
            if run not in taken and (run[0], "") not in taken:
                yield scheduled_vehicle(position, self._namespace, self._lines, moment)
        unknown = 0
        for vehicle in reported:
            trip = self._trips.get(quoted(vehicle.trip))
            unknown += trip is None and bool(vehicle.trip)
            yield reported_vehicle(vehicle, trip, self._namespace, self._lines)
        if unknown:
            notes.append(f"{unknown} vehicles report trips that the timetable does not have.")


def _line(route: Plain) -> Line:
    name = route.get("shortName") or route.get("name") or ""
    return Line(str(name), str(route.get("routeType", "")))


def _notes(scheduled: list[VehiclePosition]) -> list[str]:
    days = sorted({p.replay_of for p in scheduled if p.replay_of is not None})
    if not days:
        return []
    shown = ", ".join(day.isoformat() for day in days)
    return [f"The calendar of this timetable has ended; vehicles replay {shown}."]
