"""The store: where a tenant's entities live, and what every driver of it must do.

A write is a *pure function of the entity as it stands*: the caller hands over an
:data:`Edit` function, the driver calls it with the stored entity (or ``None``) inside its
transaction, and keeps what it returns. So two writers can never lose each other's change, and a
refusal (any :class:`~hansa.kernel.errors.HansaError` raised by the function) changes nothing.

Entities are in Hansa's internal form (see :mod:`hansa.ngsild.model`): plain ``dict`` with expanded
names, every attribute a list of instances.

Every committed write appends one row to the *change feed*, numbered without gaps in commit order.
The feed is also the history: it holds the attribute instances as they became, so a temporal query
reads it and nothing is stored twice for that. What is read and written as history goes through the
port in :mod:`hansa.store.history`.

A store may have a *screen*: whatever an edit makes of an entity, and whatever is written as history, is shown to
it first, and what it refuses is refused like any other write. Nothing gets past it, since it stands where the
driver stores, and not where somebody asks for a write.

Beside the entities a store keeps *records*: documents by kind and identifier that say how the node
works for a tenant (subscriptions, registrations, hosted contexts). They are plain JSON objects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

from hansa.kernel.errors import HansaError
from hansa.ngsild.query import Query, Seen
from hansa.store.history import Cut, Line, Recording, Source
from hansa.store.outbox import Outbox

__all__ = [
    "Change",
    "Edit",
    "Edited",
    "Entity",
    "Feature",
    "Outcome",
    "Page",
    "Reader",
    "Screen",
    "Shape",
    "Store",
    "Write",
    "Written",
]

Entity = dict[str, Any]


class Edited(NamedTuple):
    """What an edit makes of an entity: its new form (``None`` deletes it) and a word to the caller.

    An edit that returns the very same object it was given (``is``) changes nothing and appends
    nothing to the change feed.
    """

    entity: Entity | None
    detail: Any = None


Edit = Callable[[Entity | None], Edited]

Screen = Callable[[Entity, Entity | None, bool], None]
"""Asked of every entity before it is stored, with how it stands, and whether it `passed` (see :class:`Write`): raises
HansaError to refuse that write."""


class Write(NamedTuple):
    """One entity and what to make of it. `keep_history` False lets the change be pruned soon.

    `made` is the very entity that the edit returns when there is none yet, where that is known: a
    driver may make its rows ready before the turn of the write comes. `passed` says that what is personal in
    it went through the steps that its source declares, or was stored by this node before.
    """

    id: str
    edit: Edit
    keep_history: bool = True
    made: Entity | None = None
    passed: bool = False


class Written(NamedTuple):
    """A durable write: the change's number (0 when nothing changed) and the edit's word."""

    seq: int
    created: bool
    deleted: bool
    detail: Any = None


Outcome = Written | HansaError


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: serialised entities (UTF-8 JSON in internal form) and, if wanted, the total."""

    documents: list[bytes]
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """What entities of one kind look like: their types, their attributes, and how many there are.

    ``attributes`` maps the IRI to the kinds of attribute seen ("Property", "Relationship", ...).
    """

    types: tuple[str, ...]
    attributes: dict[str, frozenset[str]]
    count: int


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change feed.

    ``attributes`` holds every attribute that changed as it became (list of instances), or an empty
    list where the attribute was removed. On "deleted" it is empty.
    """

    seq: int
    at: datetime
    id: str
    types: tuple[str, ...]
    kind: Literal["created", "updated", "deleted"]
    attributes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


class Feature(NamedTuple):
    """A geometry (WKB, longitude/latitude) of an entity and a few of its values, for drawing."""

    id: str
    wkb: bytes
    values: tuple[Any, ...]


class Reader(Protocol):
    """What may be read of one tenant's entities. Methods are safe to call from any thread.

    Raises (any method): :class:`~hansa.kernel.errors.Unavailable` when the storage fails.
    """

    def get(self, id: str) -> bytes | None:
        """The serialised entity, or ``None``."""

    def query(self, query: Query) -> Page:
        """The entities that match, filtered, ordered, counted and paged by the database."""

    def shapes(self, seen: Seen | None = None) -> list[Shape]:
        """All shapes with at least one entity: the basis of type and attribute discovery.

        Only what is `seen` counts, if that is given.
        """

    def features(
        self,
        types: Sequence[str],
        box: tuple[float, float, float, float],
        values: Sequence[str] = (),
        attribute: str = "https://uri.etsi.org/ngsi-ld/location",
        limit: int = 1_000_000,
        without: Sequence[str] = (),
        seen: Seen | None = None,
    ) -> list[Feature]:
        """Geometries of entities of any of `types` whose own box meets `box`.

        Boxes are west, south, east, north [degrees]. `values` names attributes (IRIs); each feature
        carries the value of their first instance (a Property's value, a Relationship's object), or
        ``None``. The order is undefined. Entities with an attribute of `without` (IRIs) are left out.
        What is not `seen`, if that is given, is as if it were not there.
        """

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """The change feed from number `after` (excluded) on, oldest first."""

    def history(
        self, id: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[Change]:
        """The changes of one entity, oldest first, `since` and `until` included."""

    def past(self) -> AbstractContextManager[Source]:
        """The history, as one unchanging view for the length of a ``with`` block and its thread."""

    def cut(self, before: int, most: int = 100_000) -> Cut:
        """What of the tail was written before an instant [microseconds], as it now stands.

        At most about `most` rows of it, the oldest ones.
        """

    def past_of(self, cut: Cut) -> AbstractContextManager[Source]:
        """The history in a cut of the tail, without the archive."""

    def lines_of(self, cut: Cut) -> AbstractContextManager[Iterator[list[Line]]]:
        """All instances in a cut of the tail, in no order, in portions: for those who move many."""

    def last_change(self) -> int:
        """The number of the newest change, 0 in an empty store."""

    def watch(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """Call `listener` with the newest number after each commit (from any thread); returns a stop."""

    def matching(self, queries: Sequence[Query]) -> Iterator[tuple[int, bytes]]:
        """Every entity that a query matches, with the query's place in the list, query by query.

        All queries see one consistent view; their order, limit and offset are passed over.
        """

    def scan(self) -> Iterator[bytes]:
        """Every entity, serialised, in order of creation, from one consistent view."""

    def record(self, kind: str, id: str) -> bytes | None:
        """The serialised record, or ``None``."""

    def records(self, kind: str) -> list[bytes]:
        """All records of a kind, serialised, in order of creation."""


class Store(Reader, Protocol):
    """One tenant's entities, to read and to write.

    When the storage fails (disk full, locked, damaged) a write's future raises
    :class:`~hansa.kernel.errors.Unavailable`, and nothing of that write is kept.
    """

    def write(self, writes: Sequence[Write]) -> Future[list[Outcome]]:
        """Apply the edits in order; the future resolves when they are durable.

        Each write succeeds or is refused on its own; the outcomes come in the order of the writes.
        Concurrent callers' writes share one commit. An edit that raises anything but a
        :class:`~hansa.kernel.errors.HansaError` makes the future raise it, and none of these writes
        count. A future that is cancelled before its writes are under way drops them.
        """

    def write_records(self, kind: str, writes: Sequence[Write]) -> Future[list[Outcome]]:
        """Apply the edits to records of a kind; the future resolves when they are durable.

        As for entities, except that records appear in no query and in no change feed (so ``seq`` is
        0 and ``keep_history`` means nothing).
        """

    def record_history(self, recordings: Sequence[Recording]) -> Future[list[Outcome]]:
        """Write history; the future resolves when it is durable. Each is refused on its own."""

    def fold(self, cut: Cut, part: str, description: dict[str, Any]) -> bool:
        """Take a cut out of the tail, and note that part `part` of the archive holds it from now on.

        The part becomes the record `part` of kind ``archive``. False, and nothing is done, when history
        was rewritten since the cut was made: the part is then to be dropped and made again.
        """

    def relist(
        self,
        old: Sequence[str],
        new: Sequence[dict[str, Any]],
        cleared: Collection[tuple[str, str]] = (),
    ) -> None:
        """Let parts of the archive take the place of others, in one transaction.

        `new` parts bear their names under ``name``. `cleared` are instances (see :meth:`erased`) that
        the new parts no longer hold.
        """

    def erased(self) -> list[tuple[str, str]]:
        """The instances (entity, instanceId) that the archive holds and must not show any more."""

    def prune(self, before: datetime) -> int:
        """Drop changes older than `before` that were written with ``keep_history=False``."""

    @property
    def outbox(self) -> Outbox:
        """What is to be told to somebody outside."""

    def declare_hot(self, attribute: str) -> None:
        """Index the plain value of `attribute` so that q on it does not scan; idempotent."""

    def backup(self, target: str) -> None:
        """Write a consistent copy of this store to the new file `target` while it stays in use."""

    def check(self) -> list[str]:
        """Faults found in the stored data, as sentences; empty when it is sound."""

    def close(self) -> None:
        """Finish the writes in hand and let go of every file."""
