"""Reading the change feed: onwards from a number, or the history of one entity."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Literal

import apsw
import orjson

from hansa.kernel.clock import from_micros, micros
from hansa.store.port import Change

__all__ = ["changes", "history", "last_change", "prune"]

_KINDS: Final[tuple[Literal["created", "updated", "deleted"], ...]] = (
    "created",
    "updated",
    "deleted",
)
_COLUMNS: Final = (
    "SELECT seq, at, entity, signature -> '$[0]', kind, attributes"
    " FROM change JOIN shape ON shape.id = change.shape WHERE "
)


def _read(rows: Iterable[tuple[Any, ...]]) -> list[Change]:
    return [
        Change(
            seq,
            from_micros(at),
            id,
            tuple(orjson.loads(types)),
            _KINDS[kind],
            orjson.loads(attributes),
        )
        for seq, at, id, types, kind, attributes in rows
    ]


def changes(connection: apsw.Connection, after: int, limit: int) -> list[Change]:
    """Up to `limit` changes with numbers above `after`, oldest first."""
    return _read(connection.execute(_COLUMNS + "seq > ? ORDER BY seq LIMIT ?", (after, limit)))


def history(
    connection: apsw.Connection, id: str, since: datetime | None, until: datetime | None
) -> list[Change]:
    """The changes of one entity, oldest first, both ends included."""
    condition = "entity = ?"
    values: list[str | int] = [id]
    for bound, comparison in ((since, ">="), (until, "<=")):
        if bound is not None:
            condition += f" AND at {comparison} ?"
            values.append(micros(bound))
    return _read(connection.execute(f"{_COLUMNS}{condition} ORDER BY seq", values))


def last_change(connection: apsw.Connection) -> int:
    """The number of the newest change ever made, also when it has been pruned."""
    return int(connection.execute("SELECT value FROM counter WHERE name = 'change'").get)


def prune(connection: apsw.Connection, before: datetime) -> int:
    """Drop passing changes older than `before`; how many there were."""
    connection.execute("DELETE FROM change WHERE keep = 0 AND at < ?", (micros(before),))
    return int(connection.changes())
