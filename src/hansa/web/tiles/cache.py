"""Where finished layers of tiles are kept: on disk between runs, whole tiles in memory.

The file is a cache and nothing else: when it is damaged or of another make it is thrown away, and
when the disk is full tiles are simply made again.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import weakref
from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import Final

__all__ = ["DiskCache", "MemoryCache", "Tile"]

Tile = tuple[int, int, int]
"""Zoom, column, row."""

_FORMAT: Final = 2
"""Raise it whenever layers are drawn differently."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS part (
  layer TEXT, z INTEGER, x INTEGER, y INTEGER, seq INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (layer, z, x, y)
) WITHOUT ROWID;
"""


class DiskCache:
    """Layers of tiles in one SQLite file, opened when it is first needed; safe from any thread."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._path = path

    @cached_property
    def _db(self) -> sqlite3.Connection:
        db = _open(self._path)
        weakref.finalize(self, db.close)
        return db

    def state(self) -> dict[str, int]:
        """What :meth:`save_state` was given last."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            return dict(self._db.execute("SELECT name, seq FROM state").fetchall())
        return {}

    def save_state(self, state: dict[str, int], versions: dict[str, int]) -> None:
        """Remember how fresh everything is; parts of other versions of their layers go."""
        with self._lock, contextlib.suppress(sqlite3.Error), self._db:
            self._db.execute("DELETE FROM state")
            self._db.executemany("INSERT INTO state VALUES (?, ?)", state.items())
            self._db.executemany("DELETE FROM part WHERE layer = ? AND seq <> ?", versions.items())

    def get(self, layer: str, tile: Tile, version: int) -> bytes | None:
        """The layer's bytes on `tile`, if they are of that version."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            row = self._db.execute(
                "SELECT data FROM part WHERE layer = ? AND z = ? AND x = ? AND y = ? AND seq = ?",
                (layer, *tile, version),
            ).fetchone()
            return row[0] if row else None
        return None

    def put(self, tile: Tile, parts: dict[str, tuple[int, bytes]]) -> None:
        """Keep the layers of one tile: name to (version, bytes)."""
        with self._lock, contextlib.suppress(sqlite3.Error), self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?)",
                [(layer, *tile, seq, data) for layer, (seq, data) in parts.items()],
            )


def _open(path: Path | None) -> sqlite3.Connection:
    if path is None:
        return _prepared(":memory:")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _prepared(str(path))
    except sqlite3.DatabaseError:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _prepared(str(path))


def _prepared(name: str) -> sqlite3.Connection:
    db = sqlite3.connect(name, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
        (form,) = db.execute("PRAGMA user_version").fetchone()
        if form != _FORMAT:
            db.executescript("DROP TABLE IF EXISTS part; DROP TABLE IF EXISTS state;")
            db.execute(f"PRAGMA user_version = {_FORMAT}")
        db.executescript(_SCHEMA)
    except sqlite3.Error:
        db.close()
        raise
    return db


class MemoryCache:
    """Finished tiles, the least recently used ones dropped beyond `limit` bytes."""

    def __init__(self, limit: int = 32 * 2**20) -> None:
        self._limit = limit
        self._size = 0
        self._tiles: OrderedDict[Tile, tuple[str, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, tile: Tile, version: str) -> bytes | None:
        """The tile, if it is of that version."""
        with self._lock:
            found = self._tiles.get(tile)
            if found is None or found[0] != version:
                return None
            self._tiles.move_to_end(tile)
            return found[1]

    def put(self, tile: Tile, version: str, data: bytes) -> None:
        """Keep a tile."""
        with self._lock:
            old = self._tiles.pop(tile, None)
            self._size += len(data) - (len(old[1]) if old else 0)
            self._tiles[tile] = (version, data)
            while self._size > self._limit and len(self._tiles) > 1:
                _, (_, dropped) = self._tiles.popitem(last=False)
                self._size -= len(dropped)
