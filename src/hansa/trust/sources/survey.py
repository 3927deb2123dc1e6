"""What the store holds of each source: rows, bytes, kinds of data, and how old the oldest is. Reads, and writes one record.

A survey looks at every entity of the city's own tenant once, in the background, politely: every hour, and not at all
while nothing has changed. Entities name their source themselves (``importedFrom``); those that name none were
written through the API and count for the operator, and what the node writes about its sources counts under "". The past of an entity is looked at where its source promised an end; of what was deleted altogether nobody can
say whose it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from time import perf_counter
from typing import Any, Final

import orjson

from hansa.history.archive import ParquetArchive
from hansa.history.dropped import dropped
from hansa.kernel.clock import Clock, from_micros, iso
from hansa.kernel.errors import Unavailable
from hansa.ngsild.city import city_iri
from hansa.ngsild.model import Entity, attributes
from hansa.ngsild.temporal import TimeProperty
from hansa.store.history import Selection
from hansa.store.port import Reader
from hansa.trust.sources.belonging import IMPORTED_FROM
from hansa.trust.sources.register import OPERATOR_SOURCE
from hansa.trust.vault import Record, Vault

__all__ = ["Surveyor", "survey"]

_KIND: Final = "survey"
_ID: Final = "newest"
_OWN: Final = frozenset({IMPORTED_FROM, city_iri("vanishedAt")})
_OF_SOURCES: Final = city_iri("DataSource")
_PREFIX: Final = "urn:ngsi-ld:DataSource:"
_TIMES: Final[tuple[TimeProperty, ...]] = ("observedAt", "modifiedAt")
_PORTION: Final = 200
_MOST_IDS: Final = 20_000
"""Entities of a source whose past is looked at; of more, the first."""

IsPersonal = Callable[[str, str], bool]
"""Whether an attribute (IRI) of an entity of a type (IRI) is about a person."""


@dataclass(slots=True)
class Seen:
    """What is seen of one source."""

    entities: int = 0
    bytes: int = 0
    oldest: str | None = None
    types: dict[str, list[int]] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    ids: list[str] = field(default_factory=list)

    def to_dict(self) -> Record:
        """As it is kept."""
        return {
            "entities": self.entities,
            "bytes": self.bytes,
            "oldest": self.oldest,
            "types": self.types,
            "kinds": dict(self.kinds),
        }


def survey(
    documents: Iterator[bytes], personal: IsPersonal, rest: Callable[[], None] = lambda: None
) -> dict[str, Seen]:
    """What is there of each source, by its identifier.

    Args:
        documents: the entities, serialised.
        personal: what is personal by its name.
        rest: called now and then, to let others work.
    """
    found: dict[str, Seen] = {}
    for number, document in enumerate(documents):
        entity: Entity = orjson.loads(document)
        _add(found.setdefault(source_of(entity), Seen()), entity, len(document), personal)
        if number % _PORTION == 0:
            rest()
    return found


def source_of(entity: Entity) -> str:
    """The identifier of the source that an entity came from; "" for what the node writes about its sources."""
    for instance in entity.get(IMPORTED_FROM, ()):
        named = instance.get("object")
        if isinstance(named, str):
            return named.removeprefix(_PREFIX)
    return "" if _OF_SOURCES in entity["type"] else OPERATOR_SOURCE


def _add(seen: Seen, entity: Entity, size: int, personal: IsPersonal) -> None:
    types = entity["type"] if isinstance(entity["type"], list) else [entity["type"]]
    seen.entities += 1
    seen.bytes += size
    for type in types[:1]:
        row = seen.types.setdefault(type, [0, 0])
        row[0] += 1
        row[1] += size
    if len(seen.ids) < _MOST_IDS:
        seen.ids.append(entity["id"])
    oldest = seen.oldest
    for name, instances in attributes(entity):
        if name in _OWN:
            continue
        about = any(personal(type, name) for type in types)
        for instance in instances:
            kind = _kind(instance)
            seen.kinds[kind] += 1
            if about:
                seen.kinds["personal"] += 1
            if "observedAt" in instance:
                seen.kinds["values_time"] += 1
            at = (
                instance.get("observedAt") or instance.get("modifiedAt") or entity.get("modifiedAt")
            )
            if isinstance(at, str) and (oldest is None or at < oldest):
                oldest = at
    seen.oldest = oldest


def _kind(instance: dict[str, Any]) -> str:
    if instance.get("type") == "GeoProperty":
        return "spatial"
    return "boolean" if isinstance(instance.get("value"), bool) else "tabular"


class Surveyor:
    """Makes surveys and keeps the newest.

    Args:
        reader: the city's own tenant, for the node's own work.
        archive: where its old history is.
        vault: where the survey is kept.
        clock: the node's time.
    """

    def __init__(
        self,
        reader: Callable[[], Reader],
        archive: Callable[[], ParquetArchive],
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._reader, self._archive, self._vault, self._clock = reader, archive, vault, clock
        self.ends: Callable[[str], bool] = lambda source: False
        """Whether a source's record promises an end to its data."""
        self.personal: IsPersonal = lambda kind, attribute: False
        """What is personal by its name."""
        self._turn = Lock()
        self._ending = Event()

    def newest(self) -> Record | None:
        """The newest survey; ``None`` before the first."""
        return self._vault.get(_KIND, _ID)

    def look(self) -> Record:
        """Make a survey, unless nothing changed since the newest; it is kept.

        Raises:
            Unavailable: the store or the vault fails.
        """
        with self._turn:
            reader, old = self._reader(), self.newest()
            last = reader.last_change()
            now = iso(self._clock.now())
            if old is not None and old["change"] == last:
                made = {**old, "at": now, "dropped": dropped(reader)}
            else:
                made = self._made(reader, last, now)
            self._vault.put(_KIND, _ID, made)
            return made

    def stop(self) -> None:
        """Break off a survey that is under way; returns when it has ended."""
        self._ending.set()
        with self._turn:
            self._ending.clear()

    def _rest(self) -> None:
        if self._ending.wait(0.002):
            raise Unavailable(
                "the survey of the sources", "was broken off", "the next one is whole"
            )

    def _made(self, reader: Reader, last: int, now: str) -> Record:
        start = perf_counter()
        found = survey(reader.scan(), self.personal, self._rest)
        for id, seen in found.items():
            if self.ends(id):
                seen.oldest = _oldest(reader, seen)
        segments = self._archive().segments(reader)
        return {
            "at": now,
            "seconds": round(perf_counter() - start, 3),
            "change": last,
            "sources": {id: seen.to_dict() for id, seen in sorted(found.items())},
            "archive": {
                "rows": sum(each.rows for each in segments),
                "bytes": sum(each.size for each in segments),
            },
            "dropped": dropped(reader),
        }


def _oldest(reader: Reader, seen: Seen) -> str | None:
    """The oldest of a source's present and past instances."""
    oldest = seen.oldest
    with reader.past() as past:
        for ids in _portions(seen.ids):
            for time in _TIMES:
                for span in past.spans(
                    Selection(tuple(ids), property=time, timed=True, summed=True)
                ):
                    if span.first is None or span.attribute in _OWN:
                        continue
                    first = iso(from_micros(span.first))
                    oldest = first if oldest is None or first < oldest else oldest
    return oldest


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _PORTION):
        yield ids[start : start + _PORTION]
