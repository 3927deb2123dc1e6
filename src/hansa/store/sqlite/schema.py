"""The tables of one tenant's database, and how a file becomes a connection to them.

``entity`` holds one row per entity; ``doc`` is its internal form as JSONB, ``shape`` what it looks
like (see :mod:`.shapes`), ``places`` how many rows it has in ``place``. The ``key`` grows with
creation, so that it is the default order. ``place`` is an R*Tree with one row per GeoProperty
instance; its id is ``key << 16 | slot``. ``change`` is the feed and the history.

A file is opened in this order: connect, recognise (empty, ours, foreign, newer), bring it to this
version, step by step and in one transaction.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import apsw

from hansa.kernel.errors import Unavailable
from hansa.kernel.folder import sync
from hansa.store.sqlite.evolutions import TABLES as HISTORY
from hansa.store.sqlite.faults import faults
from hansa.store.sqlite.functions import register
from hansa.store.sqlite.outbox_tables import TABLES as OUTBOX
from hansa.store.sqlite.records import TABLE as RECORDS

__all__ = [
    "PATIENCE_MS",
    "PLACE_BITS",
    "SCHEMA_VERSION",
    "STEPS",
    "WRITER_CACHE_KIBIBYTES",
    "connect",
    "prepare",
]

APPLICATION_ID: Final = 0x48414E53  # "HANS", so that file(1) and we know our own

PLACE_BITS: Final = 16
"""An entity has at most 2**16 geometries; the rest of the R*Tree's id is its key."""

_CACHE_KIBIBYTES: Final = 8_192
WRITER_CACHE_KIBIBYTES: Final = 32_768
"""A group of 2,000 entities touches some 20 MiB of pages; with less, they spill and are read again."""

_CHECKPOINT_PAGES: Final = 4_000
_WAL_LIMIT_BYTES: Final = 64 << 20
_STATEMENTS: Final = 200
PATIENCE_MS: Final = 5_000

_FIRST: Final = """
CREATE TABLE entity (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  shape INTEGER NOT NULL,
  places INTEGER NOT NULL,
  created TEXT,
  modified TEXT,
  doc BLOB NOT NULL
) STRICT;
CREATE INDEX entity_shape ON entity (shape);
CREATE INDEX entity_created ON entity (created);
CREATE INDEX entity_modified ON entity (modified);
CREATE TABLE shape (id INTEGER PRIMARY KEY, signature TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE population (shape INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
CREATE VIRTUAL TABLE place USING rtree (id, west, east, south, north, +attribute TEXT, +wkb BLOB);
CREATE TABLE change (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  entity TEXT NOT NULL,
  shape INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  keep INTEGER NOT NULL,
  attributes TEXT NOT NULL
) STRICT;
CREATE INDEX change_entity ON change (entity);
CREATE INDEX change_passing ON change (at) WHERE keep = 0;
CREATE TABLE hot (attribute TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE) STRICT;
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counter VALUES ('change', 0);
"""

_PLACES_OF_SHAPES: Final = """
CREATE VIRTUAL TABLE shaped
  USING rtree (id, west, east, south, north, +attribute TEXT, +shape INTEGER, +wkb BLOB);
INSERT INTO shaped SELECT id, west, east, south, north, attribute,
  (SELECT shape FROM entity WHERE key = place.id >> 16), wkb FROM place;
DROP TABLE place;
ALTER TABLE shaped RENAME TO place;
"""
"""With the shape beside it, a place of another type costs no look at its entity."""

_NEWEST_INSTANCES: Final = "CREATE INDEX instance_written ON instance (entity, attribute, written);"
"""The newest by when they were made or changed are found without reading all the others."""

STEPS: Final[tuple[str, ...]] = (
    _FIRST,
    RECORDS,
    HISTORY,
    _PLACES_OF_SHAPES,
    OUTBOX,
    _NEWEST_INSTANCES,
)
"""What each version of the schema adds to the one before; only ever appended to."""

SCHEMA_VERSION: Final = len(STEPS)


def connect(
    path: Path, *, patience_ms: int = PATIENCE_MS, cache: int = _CACHE_KIBIBYTES
) -> apsw.Connection:
    """A connection to `path` with this store's settings and SQL functions.

    `patience_ms` is how long a statement waits for another process's lock before it gives up,
    `cache` the most memory that it keeps pages in [KiB].
    """
    connection = apsw.Connection(str(path), statementcachesize=_STATEMENTS)
    connection.set_busy_timeout(patience_ms)
    for setting in (
        "synchronous = FULL",
        f"cache_size = -{cache}",
        f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
        f"journal_size_limit = {_WAL_LIMIT_BYTES}",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {setting}")
    register(connection)
    return connection


def prepare(path: Path, *, patience_ms: int = PATIENCE_MS) -> None:
    """Make the file a database of this schema, or see that it is one.

    A new one is made beside its place and put there whole, so that an empty file is never a beginning
    but always a loss.

    Raises:
        Unavailable: the file is foreign, damaged, emptied or of a newer Hansa.
    """
    with faults(path):
        if path.exists():
            _refuse_emptied(path)
            _bring_up(path, patience_ms)
            return
        unfinished = path.with_name(f"{path.name}.new")
        unfinished.unlink(missing_ok=True)
        _bring_up(unfinished, patience_ms)
        unfinished.rename(path)
        sync(path.parent)


def _bring_up(path: Path, patience_ms: int) -> None:
    connection = connect(path, patience_ms=patience_ms)
    try:
        _recognise(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        if connection.pragma("user_version") < SCHEMA_VERSION:
            _upgrade(connection)
    finally:
        connection.close()


def _refuse_emptied(path: Path) -> None:
    if path.stat().st_size == 0:
        raise Unavailable(
            f"store {path.name}",
            "the file is empty; what was in it is lost",
            "restore a backup, or delete the file to begin anew",
        )


def _upgrade(connection: apsw.Connection) -> None:
    with connection:
        for step in STEPS[connection.pragma("user_version") :]:
            connection.execute(step)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _recognise(connection: apsw.Connection, path: Path) -> None:
    version = connection.pragma("user_version")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    if version > SCHEMA_VERSION and connection.pragma("application_id") == APPLICATION_ID:
        raise Unavailable(
            f"store {path.name}",
            f"it was written by a newer Hansa (schema {version}, this one knows {SCHEMA_VERSION})",
            "install that version again, or restore a backup made with this one",
        )
    if tables and connection.pragma("application_id") != APPLICATION_ID:
        raise Unavailable(
            f"store {path.name}",
            "this is another program's database",
            "move it away, or point the node at another folder",
        )
