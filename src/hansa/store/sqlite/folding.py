"""The tail and the archive together: reading both as one past, and moving from the one to the other.

A fold is one transaction: what the cut holds is deleted, and the record of the new part is written. So
a part counts from the moment its contents no longer stand in the tail, and before that not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final

import apsw

from hansa.ngsild.temporal_periods import Periods
from hansa.store.history import (
    Archive,
    Bucket,
    Cut,
    Head,
    Heads,
    Moment,
    Recording,
    Selection,
    Source,
    Span,
)
from hansa.store.merged import Merged
from hansa.store.port import Edited, Outcome, Screen, Write
from hansa.store.sqlite import evolutions, records
from hansa.store.sqlite.past import Tail
from hansa.store.sqlite.recordings import Recorder

__all__ = ["PARTS", "cut", "erased", "fold", "opened", "record", "relist"]

PARTS: Final = "archive"
"""The kind of the records that name the parts of the archive."""

_REWRITTEN: Final = "SELECT value FROM counter WHERE name = 'rewritten'"
_SEQ: Final = (
    "SELECT max(seq) FROM (SELECT seq FROM change WHERE keep = 1 AND at < ? ORDER BY seq LIMIT ?)"
)
_NUMBER: Final = (
    "SELECT max(number) FROM"
    " (SELECT number FROM instance WHERE written < ? ORDER BY number LIMIT ?)"
)


class _Without:
    """An archive without what has been erased since it was written."""

    def __init__(self, source: Source, connection: apsw.Connection) -> None:
        self._source, self._connection = source, connection

    def heads(self, wanted: Heads) -> Iterator[Head]:
        return self._source.heads(wanted)

    def head(self, id: str) -> Head | None:
        """What the database knows of an entity whose past is in the archive."""
        if self._source.head(id) is None:
            return None
        if evolutions.erased(self._connection, (id,)) and not any(self.spans(Selection((id,)))):
            return None
        known = next(evolutions.heads(self._connection, Heads(ids=(id,))), None)
        return known or self._source.head(id)

    def spans(self, wanted: Selection) -> Iterator[Span]:
        return self._source.spans(self._narrowed(wanted))

    def series(self, wanted: Selection) -> Iterator[Moment]:
        return self._source.series(self._narrowed(wanted))

    def tallies(
        self, wanted: Selection, periods: Periods, *, distinct: bool = False
    ) -> Iterator[Bucket]:
        return self._source.tallies(self._narrowed(wanted), periods, distinct=distinct)

    def _narrowed(self, wanted: Selection) -> Selection:
        gone = evolutions.erased(self._connection, wanted.entities)
        return replace(wanted, without=wanted.without | gone) if gone else wanted


@contextmanager
def opened(connection: apsw.Connection, archive: Archive | None) -> Iterator[Source]:
    """The whole past that the snapshot of `connection` names."""
    tail = Tail(connection)
    parts = [] if archive is None else records.listed(connection, PARTS)
    if archive is None or not parts:
        yield tail
        return
    with archive.open(parts) as old:
        yield Merged([tail, _Without(old, connection)])


def record(
    connection: apsw.Connection,
    requests: Sequence[Sequence[Recording]],
    at: int,
    archive: Archive | None,
    screen: Screen | None = None,
) -> list[list[Outcome]]:
    """Apply the recordings of several requests in the transaction that is open."""
    parts = [] if archive is None else records.listed(connection, PARTS)
    with ExitStack() as stack:
        old = stack.enter_context(archive.open(parts)) if archive and parts else None
        recorder = Recorder(connection, at, old, screen)
        outcomes = [recorder.apply(recordings) for recordings in requests]
        recorder.finish()
    return outcomes


def cut(connection: apsw.Connection, before: int, most: int) -> Cut:
    """What of the tail was written before an instant, as it now stands."""
    return Cut(
        connection.execute(_SEQ, (before, most)).get or 0,
        connection.execute(_NUMBER, (before, most)).get or 0,
        connection.execute(_REWRITTEN).get or 0,
    )


def fold(connection: apsw.Connection, old: Cut, part: str, description: dict[str, Any]) -> bool:
    """Take a cut out of the tail, and note the part of the archive that holds it from now on."""
    if (connection.execute(_REWRITTEN).get or 0) != old.rewritten:
        return False
    connection.execute("DELETE FROM change WHERE keep = 1 AND seq <= ?", (old.seq,))
    connection.execute("DELETE FROM instance WHERE number <= ?", (old.number,))
    made = {**description, "id": part}
    records.apply(connection, PARTS, [Write(part, lambda _: Edited(made))])
    return True


def relist(
    connection: apsw.Connection,
    old: Sequence[str],
    new: Sequence[dict[str, Any]],
    cleared: Collection[tuple[str, str]],
) -> None:
    """Let parts of the archive take the place of others."""
    gone = [Write(name, lambda _: Edited(None)) for name in old]
    made = [Write(part["name"], partial(_listed, {**part, "id": part["name"]})) for part in new]
    records.apply(connection, PARTS, [*gone, *made])
    connection.executemany("DELETE FROM erased WHERE entity = ? AND instance = ?", list(cleared))


def _listed(part: dict[str, Any], _: Any) -> Edited:
    return Edited(part)


def erased(connection: apsw.Connection) -> list[tuple[str, str]]:
    """All instances that the archive holds and must not show any more."""
    rows: Any = connection.execute("SELECT entity, instance FROM erased").fetchall()
    return list(rows)
