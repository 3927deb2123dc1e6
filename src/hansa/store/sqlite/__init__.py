"""The SQLite driver of the store: the embedded database of a node that runs by itself."""

from __future__ import annotations

from hansa.store.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "open_store"]
