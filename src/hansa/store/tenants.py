"""Tenants: one store each, in one folder.

The default tenant has no name in requests (clause 4.14); its file is ``default.sqlite``. The name of
any other tenant becomes a file name, so only names that are safe on every file system are taken: up
to 64 lower-case letters, digits, ``_`` and ``-``, beginning with a letter or a digit.
"""

from __future__ import annotations

import re
from pathlib import Path
from threading import Lock
from typing import Final

from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest, NonexistentTenant, Unavailable
from hansa.store.port import Store
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
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
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
        if store is not None:
            return store
        with self._lock:
            if self._closed:
                raise Unavailable("tenants", "the node is closing", "start it again")
            if name not in self._open:
                path = self._folder / f"{name}{_SUFFIX}"
                if not create and not path.is_file():
                    raise NonexistentTenant(
                        f"tenant '{name}'",
                        "there is no such tenant here",
                        "check the name; a tenant comes into being with its first entity",
                    )
                self._open[name] = open_store(path, clock=self._clock)
            return self._open[name]


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
