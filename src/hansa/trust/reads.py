"""Who reads what: how many reads of each type by each kind of principal, by day, and what was refused, without persons.

A read is a request, for the API, a page or a tile, in which the gate let through a question to the city's own tenant; it
counts once for each type that it asks about, however many questions it takes. What the node does for itself is none. Reads are counted in memory and put into the vault every hour and at the end, so a crash
loses at most an hour of counts, never a record of a single read: those of restricted data are in the log.

How many people of a kind read is kept as a number alone; while a day lasts, who they were is known in memory, behind a
key that dies with the process. What is shown (:func:`shown`) hides a cell behind which fewer than :data:`FEWEST`
people, or reads of the public, stand.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from threading import Lock
from time import monotonic
from typing import Any, Final, cast

from hansa.kernel.clock import Clock
from hansa.kernel.errors import HansaError
from hansa.ngsild.query import And, Or, Query, TypeFilter, TypeName
from hansa.store.port import Page, Reader
from hansa.trust.occasion import current
from hansa.trust.principals import LOCAL, PUBLIC, Principal
from hansa.trust.vault import Record, Vault

__all__ = ["ALL_TYPES", "FEWEST", "Cell", "Reads", "shown"]

FEWEST: Final = 5
"""Fewer readers than this are not shown."""

ALL_TYPES: Final = "*"
"""Stands for a question that names no type."""

_KIND: Final = "reads"
_KEPT_DAYS: Final = 400
_MOST_CELLS: Final = 2_000
_TYPE: Final = b'"type":["'
_PERSONS: Final = frozenset({"resident", "staff", "operator"})
"""Kinds behind which one person may stand; services and cities are named in their registers anyway."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Reads of a type by a kind of principal on a day; ``None`` where they were too few to be shown."""

    day: str
    kind: str
    type: str
    reads: int | None


class Reads:
    """Counts what the gate lets through and what it refuses. Safe to use from any thread.

    Args:
        vault: where the counts go.
        clock: the node's time.
    """

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault, self._clock = vault, clock
        self._lock = Lock()
        self._key = secrets.token_bytes(16)
        self._public: tuple[Reader, Reader] | None = None
        self._begin(clock.now())

    def _begin(self, now: datetime) -> None:
        self._day = now.date().isoformat()
        self._end = datetime.combine(now.date() + timedelta(days=1), time.min, UTC)
        self._look = 0.0
        self._reads: dict[tuple[str, str], int] = {}
        self._refused: Counter[str] = Counter()
        self._readers: dict[tuple[str, str], set[bytes]] = {}

    def counted(self, reader: Reader, who: Principal) -> Reader:
        """The reader, each of whose questions is counted."""
        if who is LOCAL:
            return reader
        known = self._public
        if who is PUBLIC and known is not None and known[0] is reader:
            return known[1]
        made = cast(Reader, _Counted(reader, who, self))
        if who is PUBLIC:
            self._public = reader, made
        return made

    def note(self, who: Principal, types: Iterable[str]) -> None:
        """Count a read of entities of these types, once for each in a request."""
        kind = who.kind
        occasion = current()
        if occasion is not None:
            types = [type for type in types if (kind, type) not in occasion.reads]
            if not types:
                return
            occasion.reads.update([(kind, type) for type in types])
        person = self._hidden(who.name) if kind in _PERSONS else b""
        with self._lock:
            self._turn()
            reads = self._reads
            for type in types:
                cell = (kind, type)
                if cell not in reads:
                    cell = cell if len(reads) < _MOST_CELLS else (kind, ALL_TYPES)
                    reads[cell] = reads.get(cell, 0)
                reads[cell] += 1
                if person:
                    self._readers.setdefault(cell, set()).add(person)

    def refused(self, reason: str) -> None:
        """Count a refusal by its public reason, such as ``source.not-allowed``."""
        with self._lock:
            self._turn()
            self._refused[reason[:80]] += 1

    def flush(self) -> None:
        """Put what was counted into the vault.

        Raises:
            HansaError: the vault does not take it; it is counted on, and put there the next time.
        """
        with self._lock:
            self._write()

    def days(self) -> list[Record]:
        """What was counted, day by day, the newest first; what is not yet in the vault included."""
        with self._lock:
            self._turn()
            found = {each["day"]: each for each in self._vault.all(_KIND)}
            if self._reads or self._refused:
                found[self._day] = self._with(found.get(self._day))
        return [found[day] for day in sorted(found, reverse=True)]

    def _hidden(self, name: str) -> bytes:
        return hashlib.blake2b(name.encode(), key=self._key, digest_size=12).digest()

    def _turn(self) -> None:
        """Begin a new day (of UTC) where the old one is over; the clock is looked at once a second."""
        if monotonic() < self._look:
            return
        now = self._clock.now()
        self._look = monotonic() + 1.0
        if now >= self._end:
            with suppress(HansaError):  # what the vault does not take now is lost, as by a crash
                self._write()
            self._begin(now)

    def _write(self) -> None:
        if not self._reads and not self._refused:
            return
        day = self._day
        self._vault.edit(_KIND, day, lambda old: (self._with(old), None))
        self._reads.clear()
        self._refused.clear()
        known = sorted(each["day"] for each in self._vault.all(_KIND))
        self._vault.drop(_KIND, *known[:-_KEPT_DAYS])

    def _with(self, old: Mapping[str, Any] | None) -> Record:
        """The record of the day with what was counted since it was written."""
        before = old or {"reads": {}, "refused": {}}
        reads = {kind: dict(types) for kind, types in before["reads"].items()}
        for (kind, type), count in self._reads.items():
            had = reads.setdefault(kind, {}).get(type, [0, 0])
            people = len(self._readers.get((kind, type), ()))
            reads[kind][type] = [had[0] + count, max(had[1], people)]
        refused = Counter(before["refused"]) + self._refused
        return {"day": self._day, "reads": reads, "refused": dict(refused)}


class _Counted:
    """A reader that counts its questions; all else is the reader's own."""

    __slots__ = ("_reader", "_reads", "_who")

    def __init__(self, reader: Reader, who: Principal, reads: Reads) -> None:
        self._reader, self._who, self._reads = reader, who, reads

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def get(self, id: str) -> bytes | None:
        """The entity, counted under its type."""
        found = self._reader.get(id)
        if found is not None:
            self._reads.note(self._who, _type_of(found))
        return found

    def query(self, query: Query) -> Page:
        """The entities, counted under the types that are asked for."""
        self._reads.note(self._who, tuple(_named(query.types)) or (ALL_TYPES,))
        return self._reader.query(query)

    def features(self, types: Any, *rest: Any, **more: Any) -> Any:
        """The geometries, counted under their types."""
        self._reads.note(self._who, tuple(types))
        return self._reader.features(types, *rest, **more)

    def matching(self, queries: Any) -> Any:
        """The entities, counted under the types that are asked for."""
        for query in queries:
            self._reads.note(self._who, tuple(_named(query.types)) or (ALL_TYPES,))
        return self._reader.matching(queries)


def _type_of(document: bytes) -> tuple[str, ...]:
    """The first type of a serialised entity; it stands near the beginning."""
    start = document.find(_TYPE, 0, 1_500) + len(_TYPE)
    end = document.find(b'"', start, start + 400)
    if start < len(_TYPE) or end < 0:
        return (ALL_TYPES,)
    return _as_text(document[start:end])


@lru_cache(maxsize=2_000)
def _as_text(type: bytes) -> tuple[str]:
    return (type.decode(errors="replace"),)


def _named(types: TypeFilter | None) -> Iterator[str]:
    if isinstance(types, TypeName):
        yield types.name
    elif isinstance(types, And | Or):
        for part in types.parts:
            yield from _named(part)


def shown(day: Mapping[str, Any]) -> list[Cell]:
    """The cells of a day as anyone may see them, by kind and type."""
    found = []
    for kind, types in sorted(day["reads"].items()):
        for type, (reads, people) in sorted(types.items()):
            behind = people if kind in _PERSONS else reads if kind == "public" else FEWEST
            found.append(Cell(day["day"], kind, type, reads if behind >= FEWEST else None))
    return found
