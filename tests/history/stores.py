"""A store with an archive, for the tests of this room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hansa.history.archive import ParquetArchive
from hansa.kernel.clock import micros
from hansa.ngsild.temporal import parse_datetime
from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import METHODS
from hansa.store.history import Added, Heads, Selection
from hansa.store.sqlite import SqliteStore, open_store

NEVER = 1 << 60


def opened(folder: Path) -> SqliteStore:
    """The store in `folder`, with its archive."""
    store = open_store(folder / "store.sqlite")
    store.archive = ParquetArchive(folder / "history")
    return store


def archive_of(store: SqliteStore) -> ParquetArchive:
    """The archive of a store."""
    assert isinstance(store.archive, ParquetArchive)
    return store.archive


def at(text: str) -> int:
    """A time as microseconds."""
    return micros(parse_datetime(text))


def add(store: SqliteStore, id: str, type: str, **series: list[tuple[str, Any]]) -> None:
    """Write history: (time, value) pairs by attribute."""
    made = {
        f"urn:a:{name}": [{"type": "Property", "value": v, "observedAt": t} for t, v in pairs]
        for name, pairs in series.items()
    }
    store.record_history([Added(id, (type,), made)]).result()


def values(store: SqliteStore, id: str, name: str) -> list[Any]:
    """What there is of an attribute, in order."""
    with store.past() as past:
        found = past.series(Selection((id,), frozenset({f"urn:a:{name}"})))
        return [moment.instance["value"] for moment in found]


def summed(store: SqliteStore, id: str, name: str, periods: Periods, method: str) -> list[Any]:
    """What a method makes of the periods."""
    wanted = Selection((id,), frozenset({f"urn:a:{name}"}), since=periods.origin, timed=True)
    with store.past() as past:
        distinct = method == "distinctCount"
        buckets = past.tallies(wanted, periods, distinct=distinct)
        return [METHODS[method](bucket.tally) for bucket in buckets]


def ids(store: SqliteStore) -> list[str]:
    """The entities that have a past."""
    with store.past() as past:
        return [head.id for head in past.heads(Heads())]
