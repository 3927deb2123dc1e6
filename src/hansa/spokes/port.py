"""The contract between a spoke and the runner.

A spoke is asked to *open* a source. It looks the whole source over first, as far as that is cheap, and
refuses a foreign or damaged one with an error that names the file; nothing has been written then.
Afterwards it is iterated: each item is an entity (plain NGSI-LD in the terms of the city @context) or
a :class:`Refusal` of one record, with the place where it stands. A spoke never sees the store.

A spoke whose source is a service on the network is *reached* instead of opened, and gets the way out,
which leads through the egress guard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from hansa.kernel.mqtt import Broker
from hansa.spokes.mailboxes import Mailbox
from hansa.spokes.manifest import Manifest

__all__ = [
    "About",
    "Beat",
    "EntityReader",
    "Fetch",
    "Health",
    "ImportReader",
    "Item",
    "LiveJob",
    "LiveSpoke",
    "Options",
    "Place",
    "Plain",
    "Reading",
    "Refusal",
    "RemoteSpoke",
    "Spoke",
    "Task",
    "WayOut",
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
    """One record that was not taken in: where it stands and why.

    Attributes:
        kind: what is wrong, and with which column, without anything that the record holds: all that is told where the
            source's steps hide that. "" where the spoke cannot tell the one from the other.
    """

    place: Place
    reason: str
    kind: str = ""

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
    """About how many items there will be, when known beforehand: for progress bars.

    A reading may also say ``partial = True``: what it does not give may be there all the same, and is
    not marked as vanished.
    """

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


class RemoteSpoke(Protocol):
    """One kind of service on the network (its manifest says ``remote = true``)."""

    manifest: Manifest

    def reach(
        self, source: str, namespace: str, options: Options, out: WayOut, now: datetime, /
    ) -> Reading:
        """Ask the service at the address `source`, and get ready to read it.

        Args:
            out: the way out.
            now: the node clock's present time.

        Raises:
            HansaError: it cannot be reached, or is not what this spoke reads.
        """


@dataclass(frozen=True, slots=True)
class Task:
    """What a live job works for: one import, as it was ordered.

    Attributes:
        source: the address that was imported, for a remote spoke; empty for others.
        facts: what else the reading said with :attr:`About.facts`.
    """

    source_id: str
    namespace: str
    options: Options
    source: str = ""
    facts: Plain = field(default_factory=dict)


Health = Literal["current", "silent", "failing"]
"""How a live source is: it says news, it answers (or is connected) but says nothing new, it fails."""


@dataclass(frozen=True, slots=True)
class Beat:
    """The outcome of one beat of a live job.

    Attributes:
        entities: the fleeting ones (types in the manifest's ``live``), all that there are now; those of
            an earlier beat that are missing are deleted. They leave no history.
        notes: sentences for people, such as "shows a replay of 2019"; they stand on the DataSource
            as ``liveNotes`` for as long as the beats say so.
        kept: those that stay, with history, in order; one may come several times, oldest state first.
        partial: whether those in `kept` carry only the attributes that are to be changed.
        gone: identifiers of kept ones that the source no longer has; they are marked as vanished. It
            is looked at after `kept`, which may be an iterator that finds out on its way.
        health: stands on the DataSource as ``liveStatus``.
    """

    entities: Sequence[Plain] = ()
    notes: Sequence[str] = ()
    kept: Iterable[Plain] = ()
    partial: bool = False
    gone: Sequence[str] = ()
    health: Health = "current"


Fetch = Callable[[str, Mapping[str, str]], bytes]
"""Gets the bytes behind a URL, with these headers; raises HansaError. Passes the egress guard."""


class WayOut(Protocol):
    """The way out that spokes are given: a :data:`Fetch`, requests that change something, connections to MQTT
    brokers, and addresses of this node at which a service may tell what is new."""

    def __call__(self, url: str, headers: Mapping[str, str], /) -> bytes:
        """The document at `url`, as :data:`Fetch`."""

    def mqtt(self, broker: Broker, **options: Any) -> AbstractAsyncContextManager[Any]:
        """See :func:`hansa.kernel.mqtt.connected`."""

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, /
    ) -> tuple[int, Mapping[str, str]]:
        """Status and headers (by lower-case name) of the answer to a request; raises HansaError."""

    def mailbox(self) -> Mailbox:
        """A new mailbox; see :mod:`hansa.spokes.mailboxes`."""


class LiveJob(Protocol):
    """Something that keeps entities of fast change up to date, beat by beat."""

    interval: float
    """Seconds between two beats."""

    def beat(self, moment: datetime) -> Beat:
        """What there is at `moment` (with time zone): the present, or what timetables take for it.

        Raises:
            HansaError: this beat failed; the next one may succeed.
        """

    # A job that must know when what a beat gave is durable may have a method ``written``, called after that.
    # A job that holds something open (a connection) may have a method ``close``, called at the end,
    # and may name the longest pause after a failure in ``longest_pause`` [s].


class LiveSpoke(Protocol):
    """A spoke with a live job: its manifest names the fleeting types it keeps, or says ``remote``."""

    manifest: Manifest

    def live(self, task: Task, entities: ImportReader, out: WayOut, /) -> LiveJob:
        """The job for one import.

        Args:
            entities: what the import wrote.
            out: the way out to addresses.
        """


class EntityReader(Protocol):
    """Read access to what an import wrote, in plain form."""

    def of_type(self, type: str) -> Iterator[Plain]:
        """The import's present entities of a type (city term): simplified, with id and type."""


class ImportReader(EntityReader, Protocol):
    """The same, for live jobs."""

    def identifiers(self) -> Iterator[str]:
        """The identifiers of all present entities of the import."""
