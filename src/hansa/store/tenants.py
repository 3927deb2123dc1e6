"""Tenants: one store each, in one folder.

The default tenant has no name in requests (clause 4.14); its file is ``default.sqlite``. The name of
any other tenant becomes a file name, so only names that are safe on every file system are taken: up
to 64 lower-case letters, digits, ``_`` and ``-``, beginning with a letter or a digit.

A snapshot of a tenant is a store too (clause 4.3.7), in a file beside the tenant's; the dot in its name
keeps it apart from every tenant's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final

from hansa.kernel.clock import Clock
from hansa.kernel.errors import (
    AlreadyExists,
    BadRequest,
    HansaError,
    NonexistentTenant,
    NotFound,
    Unavailable,
)
from hansa.store.history import Archive
from hansa.store.port import Screen, Store
from hansa.store.sqlite import SqliteStore, open_store

__all__ = ["DEFAULT_TENANT", "Tenants"]

DEFAULT_TENANT: Final = "default"

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SUFFIX: Final = ".sqlite"


class Tenants:
    """The stores of a node, opened when first asked for.

    Args:
        folder: where the files are; created when the first tenant is.
        clock: the node's time, for the change feeds.
        archive: where the old history of a tenant, named, goes; None: all of it stays in the store.
        screen: what every entity is shown to before a store of any tenant, or a snapshot, takes it.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        archive: Callable[[str], Archive] | None = None,
        screen: Screen | None = None,
    ) -> None:
        self._folder, self._clock, self._archive = folder, clock, archive
        self._screen = screen
        self._open: dict[str, SqliteStore] = {}
        self._lock = Lock()
        self._closed = False

    def get(self, name: str | None) -> Store:
        """The store of tenant `name` (``None``: the default tenant).

        Raises:
            BadRequest: no tenant can have that name.
            NonexistentTenant: there is no such tenant.
        """
        return self._store(name, create=False)

    def get_or_create(self, name: str | None) -> Store:
        """The store of tenant `name`, created if need be.

        Raises:
            BadRequest: no tenant can have that name.
        """
        return self._store(name, create=True)

    def snapshot(self, tenant: str | None, id: str) -> Store:
        """The store of a snapshot.

        Raises:
            NotFound: there is no such snapshot.
        """
        name = _snapshot_name(tenant, id)
        store = self._open.get(name)
        return store if store is not None else self._named(name, _no_snapshot(id))

    def make_snapshot(self, tenant: str | None, id: str, source: str | None = None) -> Store:
        """A new, empty snapshot, or a copy of the snapshot `source`.

        Raises:
            AlreadyExists: it is there already.
        """
        name = _snapshot_name(tenant, id)
        if source is not None:
            self.snapshot(tenant, source).backup(str(self._path(name)))
        elif self._path(name).exists():
            raise AlreadyExists(f"snapshot {id}", "it exists already", "choose another id")
        return self._named(name, None)

    def drop_snapshot(self, tenant: str | None, id: str) -> None:
        """Delete a snapshot's store, if it is there."""
        name = _snapshot_name(tenant, id)
        with self._lock:
            store = self._open.pop(name, None)
            if store is not None:
                store.close()
            for suffix in ("", "-wal", "-shm"):
                path = self._path(name)
                path.with_name(path.name + suffix).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """The names of all tenants, the default tenant's included."""
        return sorted(
            path.stem
            for path in self._folder.glob(f"*{_SUFFIX}")
            if _NAME.fullmatch(path.stem) and path.is_file()
        )

    def close(self) -> None:
        """Finish all writes in hand and close every store."""
        with self._lock:
            self._closed = True
            while self._open:
                self._open.popitem()[1].close()

    def _store(self, name: str | None, *, create: bool) -> SqliteStore:
        name = DEFAULT_TENANT if name is None else checked(name)
        store = self._open.get(name)
        return store if store is not None else self._named(name, None if create else _none(name))

    def _named(self, name: str, missing: HansaError | None) -> SqliteStore:
        """The store in the file of that name; one that is not there is made, or is `missing`."""
        with self._lock:
            if self._closed:
                raise Unavailable("tenants", "the node is closing", "start it again")
            if name not in self._open:
                if missing is not None and not self._path(name).is_file():
                    raise missing
                opened = open_store(self._path(name), clock=self._clock)
                if self._screen is not None:
                    opened.screened(self._screen)
                if self._archive is not None and _NAME.fullmatch(name):  # snapshots have none
                    opened.archive = self._archive(name)
                self._open[name] = opened
            return self._open[name]

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"


def _none(name: str) -> NonexistentTenant:
    return NonexistentTenant(
        f"tenant '{name}'",
        "there is no such tenant here",
        "check the name; a tenant comes into being with its first entity",
    )


def _no_snapshot(id: str) -> NotFound:
    return NotFound(
        f"snapshot {id[:200]}", "does not exist here", "check the id, or create it first"
    )


def _snapshot_name(tenant: str | None, id: str) -> str:
    owner = DEFAULT_TENANT if tenant is None else checked(tenant)
    return f"{owner}.{hashlib.sha256(id.encode()).hexdigest()[:32]}"


def checked(name: str) -> str:
    """`name` if a tenant can have it.

    Raises:
        BadRequest: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise BadRequest(
            f"tenant {name[:80]!r}",
            "a tenant cannot have this name",
            "use up to 64 lower-case letters, digits, '_' and '-', beginning with a letter or digit",
        )
    return name
