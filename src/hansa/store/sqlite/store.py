"""The SQLite driver of the store port: one file, one writer, as many readers as there are threads.

Reads see the last committed state; several statements of one question see the same state.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final

import apsw

from hansa.kernel.clock import Clock, micros
from hansa.kernel.errors import Unavailable
from hansa.ngsild.model import LOCATION
from hansa.ngsild.query import Query, Seen
from hansa.store.history import Archive, Cut, Line, Recording, Source
from hansa.store.port import Change, Feature, Outcome, Page, Screen, Shape, Write
from hansa.store.sqlite import feed, folding, records, upkeep
from hansa.store.sqlite.answer import answer, drawn, every, explain
from hansa.store.sqlite.faults import fault
from hansa.store.sqlite.outbox import SqliteOutbox
from hansa.store.sqlite.past import Tail
from hansa.store.sqlite.pool import Pool
from hansa.store.sqlite.recordings import Gathered
from hansa.store.sqlite.schema import PATIENCE_MS, prepare
from hansa.store.sqlite.seen_shapes import seen_shapes
from hansa.store.sqlite.shapes import Catalogue, shapes_in
from hansa.store.sqlite.writer import Writer

__all__ = ["SqliteStore", "open_store"]

_GET: Final = "SELECT json(doc) FROM entity WHERE id = ?"
_LOG: Final = logging.getLogger(__name__)

Listener = Callable[[int], None]


class SqliteStore:
    """One tenant's entities in the SQLite database at `path`; implements the store port."""

    def __init__(self, path: Path, clock: Clock, patience_ms: int) -> None:
        prepare(path, patience_ms=patience_ms)
        self.path = path
        self._pool = Pool(path)
        self._catalogue = Catalogue()
        self._listeners: list[Listener] = []
        self._listening = Lock()
        with self._pool.connection() as connection:
            self._hot = upkeep.hot_attributes(connection)
        self._writer = Writer(path, clock, self._committed, patience_ms)
        self.archive: Archive | None = None
        self._recordings = Gathered(
            self._writer.start,
            lambda connection, requests: folding.record(
                connection, requests, micros(clock.now()), self.archive, self._writer.screen
            ),
        )
        self.outbox = SqliteOutbox(self._writer, self._pool, lambda: micros(clock.now()))

    # -- reading -----------------------------------------------------------------------------------

    def get(self, id: str) -> bytes | None:
        """The serialised entity, or ``None``."""
        connection = self._pool.take()
        try:
            text = connection.execute(_GET, (id,)).get
        except (apsw.Error, UnicodeDecodeError) as error:
            raise fault(error, self.path) or error from error
        finally:
            self._pool.give(connection)
        return None if text is None else text.encode()

    def query(self, query: Query) -> Page:
        """The entities that match, filtered, ordered, counted and paged by the database."""
        hot = self._hot  # before the snapshot, which then has all of their indexes
        with self._pool.snapshot() as connection:
            return answer(connection, query, self._catalogue.reach(connection), hot)

    def explain(self, query: Query) -> list[str]:
        """How the database would go about `query`, line by line."""
        hot = self._hot
        with self._pool.snapshot() as connection:
            return explain(connection, query, self._catalogue.reach(connection), hot)

    def shapes(self, seen: Seen | None = None) -> list[Shape]:
        """All shapes with at least one entity, of what is seen."""
        with self._pool.snapshot() as connection:
            if seen is None:
                return shapes_in(connection)
            return seen_shapes(connection, self._catalogue.reach(connection), seen)

    def features(
        self,
        types: Sequence[str],
        box: tuple[float, float, float, float],
        values: Sequence[str] = (),
        attribute: str = LOCATION,
        limit: int = 1_000_000,
        without: Sequence[str] = (),
        seen: Seen | None = None,
    ) -> list[Feature]:
        """Geometries of entities of any of `types` whose bounding boxes meet `box`."""
        with self._pool.snapshot() as connection:
            catalogue = self._catalogue.reach(connection)
            return drawn(connection, catalogue, types, box, values, attribute, limit, without, seen)

    def matching(self, queries: Sequence[Query]) -> Iterator[tuple[int, bytes]]:
        """Every entity that a query matches, with the query's place in the list, query by query."""
        hot = self._hot
        with self._pool.snapshot() as connection:
            catalogue = self._catalogue.reach(connection)
            for place, query in enumerate(queries):
                for document in every(connection, query, catalogue, hot):
                    yield place, document

    def scan(self) -> Iterator[bytes]:
        """Every entity, serialised, in order of creation, from one consistent view."""
        with self._pool.snapshot() as connection:
            for (text,) in connection.execute("SELECT json(doc) FROM entity ORDER BY key"):
                yield text.encode()

    def record(self, kind: str, id: str) -> bytes | None:
        """The serialised record, or ``None``."""
        with self._pool.connection() as connection:
            return records.get(connection, kind, id)

    def records(self, kind: str) -> list[bytes]:
        """All records of a kind, serialised, in order of creation."""
        with self._pool.connection() as connection:
            return records.listed(connection, kind)

    # -- writing -----------------------------------------------------------------------------------

    def write(self, writes: Sequence[Write]) -> Future[list[Outcome]]:
        """Apply the edits in order; the future resolves when they are durable."""
        return self._writer.write(writes)

    def write_records(self, kind: str, writes: Sequence[Write]) -> Future[list[Outcome]]:
        """Apply the edits to records of a kind; the future resolves when they are durable."""
        return self._writer.start(
            lambda connection: records.apply(connection, kind, writes), joins=True
        )

    def declare_hot(self, attribute: str) -> None:
        """Index the plain value of `attribute` so that q on it does not scan; idempotent."""
        if attribute not in self._hot:
            self._hot = self._writer.run(lambda connection: upkeep.make_hot(connection, attribute))

    # -- the change feed ---------------------------------------------------------------------------

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """The change feed from number `after` (excluded) on, oldest first."""
        with self._pool.connection() as connection:
            return feed.changes(connection, after, limit)

    def history(
        self, id: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[Change]:
        """The changes of one entity, oldest first, `since` and `until` included."""
        with self._pool.connection() as connection:
            return feed.history(connection, id, since, until)

    @contextmanager
    def past(self) -> Iterator[Source]:
        """The history, as one unchanging view for the length of a block."""
        with (
            self._pool.snapshot() as connection,
            folding.opened(connection, self.archive) as source,
        ):
            yield source

    def cut(self, before: int, most: int = 100_000) -> Cut:
        """What of the tail was written before an instant [microseconds], as it now stands."""
        with self._pool.snapshot() as connection:
            return folding.cut(connection, before, most)

    @contextmanager
    def past_of(self, cut: Cut) -> Iterator[Source]:
        """The history in a cut of the tail, without the archive."""
        with self._pool.snapshot() as connection:
            yield Tail(connection, cut.seq, cut.number)

    @contextmanager
    def lines_of(self, cut: Cut) -> Iterator[Iterator[list[Line]]]:
        """All instances in a cut of the tail, in no order, in portions."""
        with self._pool.snapshot() as connection:
            yield Tail(connection, cut.seq, cut.number).lines()

    def record_history(self, recordings: Sequence[Recording]) -> Future[list[Outcome]]:
        """Write history; the future resolves when it is durable."""
        return self._recordings.put(recordings)

    def fold(self, cut: Cut, part: str, description: dict[str, Any]) -> bool:
        """Take a cut out of the tail, and note the part of the archive that holds it from now on."""
        return self._writer.run(lambda connection: folding.fold(connection, cut, part, description))

    def relist(
        self,
        old: Sequence[str],
        new: Sequence[dict[str, Any]],
        cleared: Collection[tuple[str, str]] = (),
    ) -> None:
        """Let parts of the archive take the place of others, in one transaction."""
        self._writer.run(lambda connection: folding.relist(connection, old, new, cleared))

    def erased(self) -> list[tuple[str, str]]:
        """The instances that the archive holds and must not show any more."""
        with self._pool.connection() as connection:
            return folding.erased(connection)

    def last_change(self) -> int:
        """The number of the newest change, 0 in an empty store."""
        with self._pool.connection() as connection:
            return feed.last_change(connection)

    def prune(self, before: datetime) -> int:
        """Drop changes older than `before` that were written with ``keep_history=False``."""
        return int(self._writer.run(lambda connection: feed.prune(connection, before)))

    def watch(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the newest number after each commit; returns a stop."""
        with self._listening:
            self._listeners = [*self._listeners, listener]

        def stop() -> None:
            with self._listening:
                self._listeners = [each for each in self._listeners if each is not listener]

        return stop

    def _committed(self, seq: int) -> None:
        for listener in self._listeners:
            try:
                listener(seq)
            except Exception:
                _LOG.exception("a watcher of store %s failed", self.path.name)

    def screened(self, screen: Screen) -> SqliteStore:
        """This store, from now on with a screen."""
        self._writer.screen = screen
        return self

    # -- upkeep ------------------------------------------------------------------------------------

    def backup(self, target: str) -> None:
        """Write a consistent copy of this store to the new file `target` while it stays in use."""
        with self._pool.connection() as connection:
            upkeep.backup(connection, Path(target))

    def check(self) -> list[str]:
        """Faults found in the stored data, as sentences; empty when it is sound."""
        with self._pool.snapshot() as connection:
            return upkeep.check(connection)

    def close(self) -> None:
        """Finish the writes in hand and let go of every file."""
        self._writer.close()
        self._pool.close()


def open_store(
    path: Path, *, clock: Clock | None = None, patience_ms: int = PATIENCE_MS
) -> SqliteStore:
    """Open the store at `path`, creating it (and its folder) if need be.

    `patience_ms` is how long a write waits for another process's lock before it gives up.

    Raises:
        Unavailable: the file cannot be opened, is damaged, foreign or of a newer Hansa.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"store {path.name}",
            f"its folder cannot be made ({error.strerror})",
            "choose a folder that the node's user may write",
        ) from error
    return SqliteStore(path, clock or Clock(), patience_ms)
