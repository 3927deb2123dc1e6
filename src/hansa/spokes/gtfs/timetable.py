"""Where vehicles are by the timetable: pure functions on arrays.

A *run* is one trip on one service day (several where ``frequencies.txt`` repeats it). All visits of all
trips lie in one array, sorted by trip and time; adding a multiple of a long span to each trip's times
makes one sorted key, so that one binary search finds the leg of every run at once. The vertices of all
shapes are laid out the same way, by distance.

Between the departure from a stop and the arrival at the next a vehicle moves evenly along the shape;
from arrival to departure it stands. It exists from its first departure (included) to its last arrival
(excluded).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from hansa.spokes.gtfs.calendars import Calendar
from hansa.spokes.gtfs.lines import Floats, headings
from hansa.spokes.gtfs.shapes import Shape
from hansa.spokes.gtfs.stop_times import Ints
from hansa.spokes.gtfs.times import day_start

__all__ = ["Repeat", "Timetable", "TripPlan", "VehiclePosition", "positions"]

_DAY: Final = 86_400
_TIME_SPAN: Final = 100 * _DAY
_LENGTH_SPAN: Final = 1e8
"""Longer than any trip lasts [s], and than any shape [m]."""


@dataclass(frozen=True, slots=True)
class TripPlan:
    """One trip as the timetable has it.

    Attributes:
        id, route, service, shape: identifiers.
        headsign: what the vehicle shows; may be empty.
        stops: identifiers of the stops, in order, two or more.
        arrivals, departures: seconds since the start of the service day, never decreasing.
        distances: of the stops from the start of the shape [m], never decreasing.
    """

    id: str
    route: str
    service: str
    shape: str
    headsign: str
    stops: tuple[str, ...]
    arrivals: Sequence[int]
    departures: Sequence[int]
    distances: Sequence[float]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A trip that is run every `headway` seconds from `first` on, before `last`."""

    trip: str
    first: int
    last: int
    headway: int


@dataclass(frozen=True, slots=True)
class VehiclePosition:
    """A vehicle at one moment.

    Attributes:
        run: identifies trip, service day and repetition.
        trip: its plan.
        day: the service day, in the city's calendar.
        replay_of: the day of the feed's calendar that stands in for it, if that is another.
        longitude, latitude: [degree].
        heading: direction of travel [degree], clockwise from north.
        speed: [m/s], the average between two stops; 0 while it stands.
        next_stop: position of the stop that it heads for, or stands at, in the plan.
        progress: part of the trip's way that lies behind, 0 to 1.
    """

    run: str
    trip: TripPlan
    day: date
    replay_of: date | None
    longitude: float
    latitude: float
    heading: float
    speed: float
    next_stop: int
    progress: float


class Timetable:
    """Trips, shapes and calendar of a feed, laid out for :func:`positions`.

    Args:
        zone: the time zone in which the timetable's days begin.
        shapes: by identifier; every trip's shape must be among them.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        calendar: Calendar,
        shapes: Mapping[str, Shape],
        trips: Sequence[TripPlan],
        repeats: Sequence[Repeat] = (),
    ) -> None:
        self.zone = zone
        self.calendar = calendar
        self.trips = tuple(trips)
        self._lay_out_visits()
        self._lay_out_shapes(shapes)
        self._lay_out_runs(repeats)

    def _lay_out_visits(self) -> None:
        counts = [len(trip.stops) for trip in self.trips]
        self.first: Ints = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
        self.arrivals: Ints = _joined([t.arrivals for t in self.trips], np.int64)
        self.departures: Ints = _joined([t.departures for t in self.trips], np.int64)
        self.distances: Floats = _joined([t.distances for t in self.trips], np.float64)
        owner = np.repeat(np.arange(len(counts)), counts)
        self.visit_key: Ints = self.departures + owner * _TIME_SPAN

    def _lay_out_shapes(self, shapes: Mapping[str, Shape]) -> None:
        used = dict.fromkeys(trip.shape for trip in self.trips)
        numbers = {id: number for number, id in enumerate(used)}
        chosen = [shapes[id] for id in used]
        self.shape_of: Ints = np.array([numbers[t.shape] for t in self.trips], dtype=np.int64)
        self.last_vertex: Ints = np.cumsum([len(s.line) for s in chosen], dtype=np.int64) - 1
        self.line: Floats = np.concatenate([s.line for s in chosen] or [np.empty((0, 2))])
        self.along: Floats = np.concatenate([s.at for s in chosen] or [np.empty(0)])
        owner = np.repeat(np.arange(len(chosen)), [len(s.line) for s in chosen])
        self.vertex_key: Floats = self.along + owner * _LENGTH_SPAN
        turned = [
            np.append(headings(s.line), np.nan) for s in chosen
        ]  # none leaves the last vertex
        self.heading: Floats = np.concatenate(turned or [np.empty(0)])

    def _lay_out_runs(self, repeats: Sequence[Repeat]) -> None:
        numbers = {trip.id: number for number, trip in enumerate(self.trips)}
        repeated = {repeat.trip for repeat in repeats}
        runs = [(n, 0, 0) for id, n in numbers.items() if id not in repeated]
        serial: dict[str, int] = {}
        for repeat in repeats:
            number = numbers[repeat.trip]
            start = self.trips[number].departures[0]
            for departure in range(repeat.first, repeat.last, repeat.headway):
                serial[repeat.trip] = serial.get(repeat.trip, 0) + 1
                runs.append((number, departure - start, serial[repeat.trip]))
        table = np.array(runs, dtype=np.int64).reshape(-1, 3)
        self.run_trip, self.run_shift, self.run_serial = table.T
        services = {id: number for number, id in enumerate(self.calendar.services)}
        service_of = np.array([services[trip.service] for trip in self.trips], dtype=np.int64)
        self.run_service: Ints = service_of[self.run_trip]
        self.run_start: Ints = self.departures[self.first[self.run_trip]] + self.run_shift
        self.run_end: Ints = self.arrivals[self.first[self.run_trip + 1] - 1] + self.run_shift

    def running(self, services: frozenset[str], second: float) -> Ints:
        """The runs of these services that are on their way at this second of the service day."""
        known = self.calendar.services
        active = np.array([n for n, id in enumerate(known) if id in services], dtype=np.int64)
        on_the_way = (self.run_start <= second) & (second < self.run_end)
        found: Ints = np.flatnonzero(on_the_way & np.isin(self.run_service, active))
        return found


def _joined(parts: Sequence[Sequence[float]], kind: type) -> Any:
    return np.concatenate([np.asarray(part, dtype=kind) for part in parts] or [np.empty(0, kind)])


def positions(timetable: Timetable, moment: datetime) -> list[VehiclePosition]:
    """Every vehicle that the timetable has on its way at `moment` (with a time zone).

    Trips that began on earlier service days and still run are among them.
    """
    found: list[VehiclePosition] = []
    if not len(timetable.run_end):
        return found
    today = moment.astimezone(timetable.zone).date()
    nights = math.ceil(max(int(timetable.run_end.max()), 0) / _DAY)
    for back in range(nights + 1):
        day = today - timedelta(days=back)
        second = (moment - day_start(day, timetable.zone)).total_seconds()
        replay_of = timetable.calendar.replayed(day)
        services = timetable.calendar.active(replay_of or day)
        found += _placed(timetable, timetable.running(services, second), second, day, replay_of)
    return found


def _placed(
    timetable: Timetable, runs: Ints, second: float, day: date, replay_of: date | None
) -> list[VehiclePosition]:
    """The positions of these runs, all of which are on their way."""
    trips = timetable.run_trip[runs]
    local = second - timetable.run_shift[runs]
    left = np.searchsorted(timetable.visit_key, local + trips * _TIME_SPAN, side="right") - 1
    ahead = left + 1  # there is one: a run ends before its last arrival
    leaving, arriving = timetable.departures[left], timetable.arrivals[ahead]
    duration = (arriving - leaving).astype(float)
    passed = np.clip((local - leaving) / np.maximum(duration, 1e-9), 0.0, 1.0)
    way = timetable.distances[ahead] - timetable.distances[left]
    at = timetable.distances[left] + passed * way
    speed = np.where(local < arriving, way / np.maximum(duration, 1e-9), 0.0)
    points, heading = _on_shape(timetable, timetable.shape_of[trips], at)
    begin = timetable.distances[timetable.first[trips]]
    total = timetable.distances[timetable.first[trips + 1] - 1] - begin
    progress = np.clip((at - begin) / np.maximum(total, 1e-9), 0.0, 1.0)
    return [
        VehiclePosition(
            run=_name(timetable, run, day),
            trip=timetable.trips[trip],
            day=day,
            replay_of=replay_of,
            longitude=float(points[n, 0]),
            latitude=float(points[n, 1]),
            heading=float(heading[n]),
            speed=float(speed[n]),
            next_stop=int(ahead[n] - timetable.first[trip]),
            progress=float(progress[n]),
        )
        for n, (run, trip) in enumerate(zip(runs, trips, strict=True))
    ]


def _name(timetable: Timetable, run: int, day: date) -> str:
    serial = timetable.run_serial[run]
    tail = f"-{serial}" if serial else ""
    return f"{timetable.trips[timetable.run_trip[run]].id}-{day:%Y%m%d}{tail}"


def _on_shape(timetable: Timetable, shapes: Ints, at: Floats) -> tuple[Floats, Floats]:
    """Points and directions at these distances along these shapes."""
    wanted = at + shapes * _LENGTH_SPAN
    left = np.searchsorted(timetable.vertex_key, wanted, side="right") - 1
    last = timetable.last_vertex[shapes]
    left = np.minimum(left, last - 1)
    step = timetable.along[left + 1] - timetable.along[left]
    part = np.clip((at - timetable.along[left]) / step, 0.0, 1.0)[:, None]
    points: Floats = timetable.line[left] * (1 - part) + timetable.line[left + 1] * part
    return points, timetable.heading[left]
