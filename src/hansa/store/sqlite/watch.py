"""Whether somebody wrote to a database since one last looked, in whatever process: for those who keep copies.

Asking costs some four microseconds: SQLite keeps the number in memory that its processes share.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import apsw

from hansa.store.sqlite.faults import fault, faults
from hansa.store.sqlite.schema import connect

__all__ = ["Watch"]


class Watch:
    """Looks at the database at `path`. Safe to call from any thread.

    Raises:
        Unavailable: the file cannot be opened or read; so do its methods.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        with faults(path):
            self._connection = connect(path)
            self._execute = self._connection.cursor().execute

    def number(self) -> int:
        """A number that is another one after every commit."""
        with self._lock:
            try:
                found: int = self._execute("PRAGMA data_version").get
            except apsw.Error as error:
                raise fault(error, self._path) or error from error
            return found

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()
