"""Connections for reading: as many as there are readers at once, reused in turn.

Each is used by one thread at a time. A connection whose statement failed is as good as before; it
goes back like any other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from hansa.kernel.errors import Unavailable
from hansa.store.sqlite.faults import faults
from hansa.store.sqlite.schema import connect

__all__ = ["Pool"]

_ENOUGH: Final = 8
"""Idle connections kept; each has a cache of its own."""


class Pool:
    """Idle connections to one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: deque[apsw.Connection] = deque()
        self._closed = False

    def take(self) -> apsw.Connection:
        """An idle connection, or a new one; hand it back with :meth:`give`."""
        try:
            return self._idle.pop()
        except IndexError:
            if self._closed:
                raise Unavailable(
                    f"store {self.path.name}", "the store is closed", "start the node again"
                ) from None
            connection = connect(self.path)
            connection.execute("PRAGMA query_only = ON")
            return connection

    def give(self, connection: apsw.Connection) -> None:
        """Put a connection back; it is closed when the pool is, or has enough."""
        if self._closed or len(self._idle) >= _ENOUGH:
            connection.close()
        else:
            self._idle.append(connection)

    @contextmanager
    def connection(self) -> Iterator[apsw.Connection]:
        """A connection for the length of a block, with errors translated."""
        with faults(self.path):
            connection = self.take()
            try:
                yield connection
            finally:
                self.give(connection)

    @contextmanager
    def snapshot(self) -> Iterator[apsw.Connection]:
        """A connection that sees one unchanging state for the length of a block."""
        with self.connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")

    def close(self) -> None:
        """Close the idle connections; those in use are closed when they come back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
