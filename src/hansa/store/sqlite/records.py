"""Records: documents beside the entities, such as subscriptions and registrations.

They are few and small, are found by kind and identifier alone, and say how the node works rather
than what the city is like. So they have no shape, no geometry and no row in the change feed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import apsw
import orjson

from hansa.kernel.errors import HansaError
from hansa.store.port import Outcome, Write, Written

__all__ = ["TABLE", "apply", "get", "listed"]

TABLE: Final = """
CREATE TABLE record (
  key INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  doc TEXT NOT NULL,
  UNIQUE (kind, id)
) STRICT;
"""

_GET: Final = "SELECT doc FROM record WHERE kind = ? AND id = ?"
_PUT: Final = (
    "INSERT INTO record (kind, id, doc) VALUES (?, ?, ?)"
    " ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc"
)


def get(connection: apsw.Connection, kind: str, id: str) -> bytes | None:
    """The serialised record, or ``None``."""
    text = connection.execute(_GET, (kind, id)).get
    return None if text is None else text.encode()


def listed(connection: apsw.Connection, kind: str) -> list[bytes]:
    """All records of a kind, serialised, in order of creation."""
    rows = connection.execute("SELECT doc FROM record WHERE kind = ? ORDER BY key", (kind,))
    return [text.encode() for (text,) in rows]


def apply(connection: apsw.Connection, kind: str, writes: Sequence[Write]) -> list[Outcome]:
    """Apply edits to records, in the transaction that is open; each is refused on its own."""
    return [_apply(connection, kind, write) for write in writes]


def _apply(connection: apsw.Connection, kind: str, write: Write) -> Outcome:
    raw = get(connection, kind, write.id)
    old = None if raw is None else orjson.loads(raw)
    try:
        edited = write.edit(old)
    except HansaError as refusal:
        return refusal
    new = edited.entity
    if new is not old:
        if new is None:
            connection.execute("DELETE FROM record WHERE kind = ? AND id = ?", (kind, write.id))
        else:
            connection.execute(_PUT, (kind, write.id, orjson.dumps(new).decode()))
    gone = old is not None and new is None
    return Written(0, created=old is None and new is not None, deleted=gone, detail=edited.detail)
