"""The contract between a spoke and the runner.

A spoke is asked to *open* a source. It looks the whole source over first, as far as that is cheap, and
refuses a foreign or damaged one with an error that names the file; nothing has been written then.
Afterwards it is iterated: each item is an entity (plain NGSI-LD in the terms of the city @context) or
a :class:`Refusal` of one record, with the place where it stands. A spoke never sees the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from hansa.spokes.manifest import Manifest

__all__ = [
    "About",
    "Beat",
    "EntityReader",
    "Fetch",
    "Item",
    "LiveJob",
    "LiveSpoke",
    "Options",
    "Place",
    "Plain",
    "Reading",
    "Refusal",
    "Spoke",
    "Task",
]

Plain = dict[str, Any]
"""An entity in the normalized representation (ETSI GS CIM 009, clause 4.5), names as city terms."""

Options = Mapping[str, Any]
"""Every option of the manifest with its value, defaults filled in."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a source something stands: a file, and a line or an element of it, as far as known."""

    file: str
    line: int | None = None
    element: str | None = None

    def __str__(self) -> str:
        parts = [self.file]
        if self.line is not None:
            parts.append(f"line {self.line}")
        if self.element is not None:
            parts.append(self.element)
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record that was not taken in: where it stands and why."""

    place: Place
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


Item = Plain | Refusal


@dataclass(slots=True)
class About:
    """What a source says about itself; the runner writes it on the DataSource entity.

    Attributes:
        title: what people call the source.
        license: SPDX identifier or URL; empty when unknown.
        attribution: the words that must stand beside the data; empty when none are asked for.
        url: where the source can be had.
        file: name of the file or folder, without its path.
        digest: ``sha256:...`` of the file's bytes.
        notes: sentences that a reader of the data must know.
        facts: further attributes of the DataSource entity, in city terms.
    """

    title: str
    license: str = ""
    attribution: str = ""
    url: str = ""
    file: str = ""
    digest: str = ""
    notes: list[str] = field(default_factory=list)
    facts: Plain = field(default_factory=dict)


class Reading(Protocol):
    """An opened source."""

    about: About
    """Complete once the items have been iterated; notes may be added on the way."""

    total: int | None
    """About how many items there will be, when known beforehand: for progress bars."""

    def items(self) -> Iterator[Item]:
        """Entities and refusals, once. A fault that spoils the whole source is raised."""

    def close(self) -> None:
        """Let go of files; also called when the iteration ended early."""


class Spoke(Protocol):
    """One kind of source."""

    manifest: Manifest

    def open(self, source: str, namespace: str, options: Options) -> Reading:
        """Look `source` over and get ready to read it.

        Args:
            source: a path; a member of an archive follows a ``!`` (``feed.whl!data/gtfs.zip``).
            namespace: the part of the entities' identifiers that keeps sources apart.
            options: as the manifest declares them, checked, defaults filled in.

        Raises:
            NotFound: there is no such file.
            BadRequest: it is not what this spoke reads, or it is damaged.
            MissingExtra: a package that the spoke needs is not installed.
        """


@dataclass(frozen=True, slots=True)
class Task:
    """What a live job works for: one import, as its DataSource entity remembers it."""

    source_id: str
    namespace: str
    options: Options


@dataclass(frozen=True, slots=True)
class Beat:
    """The outcome of one beat of a live job.

    Attributes:
        entities: all that there are now; those of an earlier beat that are missing are deleted.
        notes: sentences for people, such as "shows a replay of 2019"; they stand on the DataSource
            as ``liveNotes`` for as long as the beats say so.
    """

    entities: Sequence[Plain]
    notes: Sequence[str] = ()


Fetch = Callable[[str, Mapping[str, str]], bytes]
"""Gets the bytes behind a URL, with these headers; raises HansaError. Passes the egress guard."""


class LiveJob(Protocol):
    """Something that keeps entities of fast change up to date, beat by beat."""

    interval: float
    """Seconds between two beats."""

    def beat(self, moment: datetime) -> Beat:
        """What there is at `moment` (with time zone), the node clock's present time.

        Raises:
            HansaError: this beat failed; the next one may succeed.
        """


class LiveSpoke(Spoke, Protocol):
    """A spoke with a live job (its manifest names the types that it keeps, in ``live``)."""

    def live(self, task: Task, entities: EntityReader, fetch: Fetch) -> LiveJob:
        """The job for one import.

        Args:
            entities: what the import wrote.
            fetch: the way out to addresses.
        """


class EntityReader(Protocol):
    """Read access to what an import wrote, in plain form."""

    def of_type(self, type: str) -> Iterator[Plain]:
        """The import's present entities of a type (city term): simplified, with id and type."""
