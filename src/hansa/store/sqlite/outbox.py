"""The outbox in SQLite: see :mod:`hansa.store.outbox` for what it means.

``image`` is filled by the writer, in the transaction of the change itself. All other changes are tasks
of the writer. A waiting notice is found by endpoint and number; one that must follow another is left out
by looking for the other (``notice_order``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeVar

import apsw

from hansa.store.outbox import Image, Notice, Queued, Settled, Standing
from hansa.store.sqlite.pool import Pool
from hansa.store.sqlite.writer import Writer

__all__ = ["SqliteOutbox"]

_SWITCH: Final = "INSERT OR REPLACE INTO counter VALUES ('images', ?)"
_COLUMNS: Final = (
    "number, id, kind, subscription, endpoint, entity, due, media_type, link, body, made, attempts,"
    " tried, fault, dead"
)
_INSERT: Final = (
    "INSERT INTO notice (id, kind, subscription, endpoint, entity, due, media_type, link, body, made)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_DUE: Final = (
    f"SELECT {_COLUMNS} FROM notice AS n WHERE endpoint = ? AND dead = 0 AND due <= ?"
    " AND NOT EXISTS (SELECT 1 FROM notice AS b WHERE b.dead = 0 AND b.subscription = n.subscription"
    " AND b.entity = n.entity AND b.number < n.number AND b.due > ?) ORDER BY number LIMIT ?"
)
_HELD: Final = (
    "SELECT number, body FROM notice WHERE dead = 0 AND subscription = ? AND kind = ?"
    " AND attempts = 0 AND due > ? ORDER BY number DESC LIMIT 1"
)
_FAILED: Final = (
    "UPDATE notice SET attempts = attempts + ?, tried = ?, fault = ?, due = coalesce(?, due),"
    " dead = ? WHERE number = ? AND dead = 0"
)
_COUNT: Final = (
    "INSERT INTO standing VALUES (?1, ?2, 1, ?3, ?4, iif(?3, NULL, ?4), iif(?3, ?4, NULL), ?5)"
    " ON CONFLICT (kind, subscription) DO UPDATE SET sent = sent + 1, failed = failed + ?3,"
    " last = ?4, last_success = iif(?3, last_success, ?4),"
    " last_failure = iif(?3, ?4, last_failure), fault = ?5"
)
_MARGIN: Final = 250_000
"""A notice that is due within so many microseconds may be on its way already, and is not merged into."""

T = TypeVar("T")


class SqliteOutbox:
    """The outbox of one database; implements :class:`hansa.store.outbox.Outbox`."""

    def __init__(self, writer: Writer, pool: Pool, now: Callable[[], int]) -> None:
        self._writer, self._pool, self._now = writer, pool, now

    # -- images ------------------------------------------------------------------------------------

    @property
    def keeps_images(self) -> bool:
        """Whether images of changes are made."""
        return self._writer.imaging

    def keep_images(self, on: bool) -> None:
        """Make images of changes from now on, or stop; durable."""
        if self._writer.imaging != on:
            self._writer.run(lambda connection: self._switch(connection, on))

    def _switch(self, connection: apsw.Connection, on: bool) -> None:
        connection.execute(_SWITCH, (int(on),))
        self._writer.imaging = on

    def images(self, limit: int = 500) -> list[Image]:
        """The oldest images."""
        statement = "SELECT seq, at, before, after FROM image ORDER BY seq LIMIT ?"
        with self._pool.connection() as connection:
            return [Image(*row) for row in connection.execute(statement, (limit,))]

    # -- the queues --------------------------------------------------------------------------------

    def post(self, notices: Sequence[Notice], until: int = 0) -> Future[list[str]]:
        """Add notices and drop the images up to number `until`, both or neither; the endpoints."""
        return self._writer.start(
            lambda connection: self._post(connection, notices, until), joins=True
        )

    def _post(
        self, connection: apsw.Connection, notices: Sequence[Notice], until: int
    ) -> list[str]:
        now = self._now()
        connection.execute("DELETE FROM image WHERE seq <= ?", (until,))
        for notice in notices:
            if notice.merge is None or not _merged(connection, notice, now):
                connection.execute(_INSERT, (*_row(notice), now))
        return list(dict.fromkeys(notice.endpoint for notice in notices))

    def endpoints(self, kind: str | None = None, subscription: str | None = None) -> list[str]:
        """Endpoints for which something waits; of a subscription, also those of its dead letters."""
        condition = "dead = 0" if subscription is None else "subscription = ? AND kind = ?"
        values = () if subscription is None else (subscription, kind)
        with self._pool.connection() as connection:
            rows = connection.execute(
                f"SELECT DISTINCT endpoint FROM notice WHERE {condition}", values
            )
            return [endpoint for (endpoint,) in rows]

    def due(self, endpoint: str, now: int, limit: int = 64) -> list[Queued]:
        """What may be sent to an endpoint, oldest first, each entity's in its order."""
        with self._pool.connection() as connection:
            return [_queued(row) for row in connection.execute(_DUE, (endpoint, now, now, limit))]

    def next_due(self, endpoint: str) -> int | None:
        """When something for an endpoint is due next."""
        statement = "SELECT min(due) FROM notice WHERE endpoint = ? AND dead = 0"
        with self._pool.connection() as connection:
            found: int | None = connection.execute(statement, (endpoint,)).get
            return found

    def settle(self, results: Sequence[Settled]) -> Future[None]:
        """Note what came of attempts."""
        return self._writer.start(lambda connection: _settle(connection, results), joins=True)

    def move(self, kind: str, subscription: str, endpoint: str) -> Future[None]:
        """Send what waits for a subscription to another endpoint."""
        return self._start(
            "UPDATE notice SET endpoint = ? WHERE subscription = ? AND kind = ? AND endpoint != ?",
            (endpoint, subscription, kind, endpoint),
        )

    def forget(self, kind: str, subscription: str) -> Future[None]:
        """Drop everything of a subscription that is gone."""

        def work(connection: apsw.Connection) -> None:
            for table in ("notice", "standing"):
                connection.execute(
                    f"DELETE FROM {table} WHERE subscription = ? AND kind = ?", (subscription, kind)
                )

        return self._writer.start(work, joins=True)

    def _start(self, statement: str, values: tuple[Any, ...]) -> Future[None]:
        def work(connection: apsw.Connection) -> None:
            connection.execute(statement, values)

        return self._writer.start(work, joins=True)

    # -- standing and dead letters -----------------------------------------------------------------

    def standing(self, kind: str, subscription: str) -> Standing:
        """How a subscription fares."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT sent, failed, last, last_success, last_failure, fault FROM standing"
                " WHERE kind = ? AND subscription = ?",
                (kind, subscription),
            ).fetchone()
            counts = connection.execute(
                "SELECT count(*) FILTER (WHERE dead = 0), count(*) FILTER (WHERE dead = 1)"
                " FROM notice WHERE subscription = ? AND kind = ?",
                (subscription, kind),
            ).fetchone()
        waiting, dead = counts or (0, 0)
        if row is None:
            return Standing(waiting=waiting, dead=dead)
        sent, failed, last, success, failure, fault = row
        return Standing(sent, failed, last, success, failure, waiting, dead, fault)

    def dead(
        self, kind: str | None = None, subscription: str | None = None, limit: int = 1000
    ) -> list[Queued]:
        """The dead letters, newest first."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM notice WHERE dead = 1 AND (?1 IS NULL OR kind = ?1)"
                " AND (?2 IS NULL OR subscription = ?2) ORDER BY number DESC LIMIT ?3",
                (kind, subscription, limit),
            )
            return [_queued(row) for row in rows]

    def replay(self, numbers: Sequence[int]) -> Future[int]:
        """Put dead letters back into their queues, due at once; how many."""
        statement = "UPDATE notice SET dead = 0, attempts = 0, due = 0, made = ? WHERE number = ? AND dead = 1"
        rows = [(self._now(), number) for number in numbers]
        return self._writer.start(lambda connection: _each(connection, statement, rows))

    def drop(self, numbers: Sequence[int]) -> Future[int]:
        """Forget dead letters; how many."""
        statement = "DELETE FROM notice WHERE number = ? AND dead = 1"
        return self._writer.start(
            lambda connection: _each(connection, statement, [(n,) for n in numbers])
        )

    def thin_out(self, before: int, most: int) -> Future[int]:
        """Drop dead letters made before a moment, and the oldest beyond `most`; how many."""
        statement = (
            "DELETE FROM notice WHERE dead = 1 AND (made < ? OR number <= coalesce((SELECT number"
            " FROM notice WHERE dead = 1 ORDER BY number DESC LIMIT 1 OFFSET ?), 0))"
        )
        return self._writer.start(lambda connection: _each(connection, statement, [(before, most)]))


def _row(notice: Notice) -> tuple[Any, ...]:
    return (
        notice.id,
        notice.kind,
        notice.subscription,
        notice.endpoint,
        notice.entity,
        notice.due,
        notice.media_type,
        notice.link,
        notice.body,
    )


def _merged(connection: apsw.Connection, notice: Notice, now: int) -> bool:
    """Put a notice's news into one of the same subscription that has to wait, if there is one."""
    held = connection.execute(_HELD, (notice.subscription, notice.kind, now + _MARGIN)).fetchone()
    if held is None or notice.merge is None:
        return False
    number, body = held
    connection.execute(
        "UPDATE notice SET body = ?, id = ? WHERE number = ?",
        (notice.merge(body), notice.id, number),
    )
    return True


def _queued(row: tuple[Any, ...]) -> Queued:
    number, *fields, made, attempts, tried, fault, dead = row
    return Queued(number, Notice(*fields), made, attempts, tried, fault, bool(dead))


def _settle(connection: apsw.Connection, results: Sequence[Settled]) -> None:
    for result in results:
        if result.fault is None:
            connection.execute("DELETE FROM notice WHERE number = ?", (result.number,))
        else:
            gone = result.again is None
            values = (int(result.sent), result.at, result.fault, result.again, gone, result.number)
            connection.execute(_FAILED, values)
        if result.sent:
            failed = int(result.fault is not None)
            connection.execute(
                _COUNT, (result.kind, result.subscription, failed, result.at, result.fault)
            )


def _each(connection: apsw.Connection, statement: str, rows: Sequence[tuple[int, ...]]) -> int:
    changed = 0
    for row in rows:
        connection.execute(statement, row)
        changed += connection.changes()
    return changed
