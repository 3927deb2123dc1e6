"""``stop_times.txt``: when each trip is where, as arrays.

In this order: rows are read one by one and each is checked; they are sorted by trip and sequence;
rows that repeat a sequence number or go back in time are refused; times that the feed leaves out are
interpolated by the distance between stops. A trip whose first or last stop has no time never runs.

Rows in memory are few or none: where a feed has millions of them, they lie in a file (:mod:`.spool`), of which
the visits of trips are views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hansa.spokes.gtfs.lines import Floats, lengths
from hansa.spokes.gtfs.spool import Spool
from hansa.spokes.gtfs.tables import Tables, whole
from hansa.spokes.gtfs.times import parse_time

__all__ = ["Ints", "Visits", "read_visits"]

Ints = NDArray[np.int64]

_FILE: Final = "stop_times.txt"
_NONE: Final = -1
_COLUMNS: Final = ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence")


@dataclass(frozen=True, slots=True)
class Visits:
    """The stops of one trip, in order.

    Attributes:
        stops: positions in the list of stops, shape (n,), n ≥ 2.
        arrivals, departures: seconds since the start of the service day, never decreasing.
        estimated: where the feed gave no time and it was interpolated.
        stated: the feed's own distances along the shape, in its own unit; NaN where it has none.
    """

    stops: Ints
    arrivals: Ints
    departures: Ints
    estimated: NDArray[np.bool_]
    stated: Floats


def read_visits(
    tables: Tables, trips: Sequence[str], stops: Mapping[str, int], places: Floats
) -> dict[str, Visits]:
    """The visits of every trip that can run.

    Args:
        trips: identifiers of the known trips.
        stops: position of each known stop.
        places: longitude and latitude of each stop, shape (stops, 2).
    """
    rows = _read(tables, {id: number for number, id in enumerate(trips)}, stops)
    bounds = np.searchsorted(rows["trip"], np.arange(len(trips) + 1))
    found: dict[str, Visits] = {}
    for number, id in enumerate(trips):
        start = bounds[number]
        part = _consistent(tables, rows[start : bounds[number + 1]])
        if len(part) >= 2 and part["arrival"][[0, -1]].min() >= 0:
            kept = rows[start : start + len(part)]
            if len(part) < bounds[number + 1] - start:
                kept[:] = part
            found[id] = _filled(kept, places)
    if idle := len(trips) - len(found):
        tables.notes.append(
            f"{idle} of {len(trips)} trips lack a timed first and last stop; they never run."
        )
    return found


def _read(tables: Tables, trips: Mapping[str, int], stops: Mapping[str, int]) -> Any:
    table = tables.need(_FILE, _COLUMNS)
    trip_at, arrival_at, departure_at, stop_at, sequence_at = (
        table.columns.index(name) for name in _COLUMNS
    )
    (distance_at,) = table.select(["shape_dist_traveled"])
    times = _Times()
    spool = Spool()
    for line, fields in table.rows(tables.refusals.append):
        try:
            trip, stop = trips[fields[trip_at]], stops[fields[stop_at]]
            arrival, departure = times[fields[arrival_at]], times[fields[departure_at]]
            sequence = whole(fields[sequence_at], "stop_sequence")
        except KeyError:
            tables.refuse(_FILE, line, _unknown(fields[trip_at], fields[stop_at], trips, stops))
            continue
        except ValueError as fault:
            tables.refuse(_FILE, line, fault)
            continue
        spool.add(
            trip,
            sequence,
            departure if arrival == _NONE else arrival,
            arrival if departure == _NONE else departure,
            stop,
            line,
            _float(fields[distance_at]) if distance_at is not None else np.nan,
        )
    return spool.ordered(len(trips))


class _Times(dict[str, int]):
    """Times by their text; a feed repeats each many times over."""

    def __missing__(self, text: str) -> int:
        seconds = parse_time(text)
        value = self[text] = _NONE if seconds is None else seconds
        return value


def _float(text: str) -> float:
    try:
        return float(text) if text else np.nan
    except ValueError:
        return np.nan


def _unknown(trip: str, stop: str, trips: Mapping[str, int], stops: Mapping[str, int]) -> str:
    if trip not in trips:
        return f"there is no trip {trip!r}"
    return f"there is no stop {stop!r}, or it has no position"


def _consistent(tables: Tables, part: Any) -> Any:
    """The rows of a trip without those that repeat a number or go back in time."""
    sound = np.ones(len(part), dtype=bool)
    if (np.diff(part["sequence"]) == 0).any():
        sound[1:] &= np.diff(part["sequence"]) != 0
        for row in part[~sound]:
            tables.refuse(_FILE, int(row["line"]), f"stop_sequence {row['sequence']} appears twice")
        part, sound = part[sound], sound[sound]
    known = part[part["arrival"] >= 0]
    if (known["departure"] < known["arrival"]).any() or (
        known["arrival"][1:] < known["departure"][:-1]
    ).any():
        latest = 0
        for number, row in enumerate(part):
            if row["arrival"] < 0:
                continue
            if row["arrival"] < latest or row["departure"] < row["arrival"]:
                tables.refuse(_FILE, int(row["line"]), "its times go back")
                sound[number] = False
            else:
                latest = row["departure"]
        part = part[sound]
    return part


def _filled(part: Any, places: Floats) -> Visits:
    """Times that are missing between timed stops, by the distance between stops; written into `part`."""
    arrivals, departures = part["arrival"], part["departure"]
    missing = arrivals < 0
    if missing.any():
        at = lengths(places[part["stop"]]) + np.arange(len(part)) * 1e-6
        known = np.flatnonzero(~missing)
        for left, right in pairwise(known.tolist()):
            inner = slice(left + 1, right)
            between = np.interp(at[inner], at[[left, right]], [departures[left], arrivals[right]])
            arrivals[inner] = departures[inner] = np.rint(between)
    return Visits(part["stop"], arrivals, departures, missing, part["stated"])
