"""Where what opens the log's commitments is kept: beside the log, private, and erasable for good.

A database of its own, in the log's folder. Unlike a store it overwrites what is deleted (SQLite's secure
delete) and empties its write-ahead log after an erasure, so that no byte of an erased value or salt stays in
its files. (Older backups still hold them; keep backups no longer than the privacy notice says.) A value is
found by its digest; openings of one act are written in one commit, before the act's entry. Of a thing, of which there are
most, only the digest is kept: whoever asks knows its name. (The first nodes kept names too, in the other table.)
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final

import apsw
import orjson

from hansa.kernel.errors import Unavailable
from hansa.trust.log.commitments import Opening, Side
from hansa.trust.log.notes import decoded, encoded
from hansa.trust.log.tiles import HASH

__all__ = ["FILE", "VOLUMES", "KeptOpenings", "volume_of"]

FILE: Final = "openings.sqlite"
VOLUMES: Final = "volumes"
"""The folder of the log's earlier volumes."""
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS opening (
  side TEXT NOT NULL, digest BLOB NOT NULL, volume INTEGER NOT NULL, number INTEGER NOT NULL,
  place INTEGER NOT NULL, doc TEXT NOT NULL,
  PRIMARY KEY (volume, number, side, place, digest)
) STRICT, WITHOUT ROWID
"""
_INDEX: Final = "CREATE INDEX IF NOT EXISTS opening_about ON opening (side, digest)"
_THINGS: Final = """
CREATE TABLE IF NOT EXISTS thing (
  digest BLOB NOT NULL, volume INTEGER NOT NULL, number INTEGER NOT NULL, place INTEGER NOT NULL,
  salt BLOB NOT NULL, path BLOB NOT NULL,
  PRIMARY KEY (digest, volume, number, place)
) STRICT, WITHOUT ROWID
"""
_KEEP: Final = "INSERT OR REPLACE INTO opening VALUES (?, ?, ?, ?, ?, ?)"
_KEEP_THING: Final = "INSERT OR REPLACE INTO thing VALUES (?, ?, ?, ?, ?, ?)"
_PATIENCE: Final = 10_000


class KeptOpenings:
    """Openings in a file.

    Args:
        path: the database; made if it is not there, for the node's user alone.
        volume: the number of the log's volume that is being written.

    Raises:
        Unavailable: it cannot be opened.
    """

    def __init__(self, path: Path, volume: int = 1) -> None:
        self.volume = volume
        self._lock = Lock()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = apsw.Connection(str(path))
            self._connection.set_busy_timeout(_PATIENCE)
            for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
                self._connection.execute(f"PRAGMA {setting}").fetchall()
            self._connection.execute(_TABLE)
            self._connection.execute(_INDEX)
            self._connection.execute(_THINGS)
        except (OSError, apsw.Error) as error:
            raise _refused(error) from error

    def keep(self, openings: Sequence[Opening]) -> None:
        """Keep them; they are durable on return.

        Raises:
            Unavailable: the disk refused; none is kept.
        """
        volume = self.volume
        named = [
            (o.side, _digest(o.value), volume, o.index, o.place, _document(o))
            for o in openings
            if o.side == "who"
        ]
        things = [
            (_digest(o.value), volume, o.index, o.place, o.salt, b"".join(o.path))
            for o in openings
            if o.side == "what"
        ]
        self._write((_KEEP, named), (_KEEP_THING, things))

    def about(self, side: Side, value: str) -> list[Opening]:
        """Those about one principal or thing in the volume that is being written, in the log's order."""
        sql = (
            "SELECT number, place, doc FROM opening WHERE side = ? AND digest = ? AND volume = ?"
            " ORDER BY number, place"
        )
        with self._lock:
            rows = self._connection.execute(sql, (side, _digest(value), self.volume)).fetchall()
            things = self._things(value) if side == "what" else []
        named = [_opening(side, number, place, doc) for number, place, doc in rows]
        return sorted([*named, *things], key=lambda each: (each.index, each.place))

    def _things(self, value: str) -> list[Opening]:
        sql = "SELECT number, place, salt, path FROM thing WHERE digest = ? AND volume = ?"
        found: Any = self._connection.execute(sql, (_digest(value), self.volume))
        return [
            Opening(number, "what", value, salt, place, _hashes(path))
            for number, place, salt, path in found
        ]

    def principals(self, number: int) -> list[Opening]:
        """What may open whose act an entry of the present volume is; none if that was erased.

        After a crash there may be more than one: of an act whose entry was not kept, its opening may be.
        """
        sql = "SELECT place, doc FROM opening WHERE side = 'who' AND volume = ? AND number = ?"
        with self._lock:
            rows = self._connection.execute(sql, (self.volume, number)).fetchall()
        return [_opening("who", number, place, doc) for place, doc in rows]

    def erase(self, side: Side, value: str) -> int:
        """Erase those about one principal or thing, in all volumes, for good; how many there were.

        Raises:
            Unavailable: the disk refused.
        """
        with self._lock:
            try:
                with self._connection:
                    self._connection.execute(
                        "DELETE FROM opening WHERE side = ? AND digest = ?", (side, _digest(value))
                    )
                    count = self._connection.changes()
                    if side == "what":
                        sql = "DELETE FROM thing WHERE digest = ?"
                        self._connection.execute(sql, (_digest(value),))
                        count += self._connection.changes()
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except apsw.Error as error:
                raise _refused(error) from error
        return count

    def next_volume(self, moved_from: int) -> None:
        """Begin a new volume; the entries from `moved_from` on follow its first entry.

        Raises:
            Unavailable: the disk refused.
        """
        change = "SET volume = volume + 1, number = number - ? WHERE volume = ? AND number >= ?"
        moved = [(moved_from - 1, self.volume, moved_from)]
        self._write((f"UPDATE opening {change}", moved), (f"UPDATE thing {change}", moved))
        self.volume += 1

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def _write(self, *statements: tuple[str, Sequence[tuple[object, ...]]]) -> None:
        with self._lock:
            try:
                with self._connection:
                    for sql, rows in statements:
                        self._connection.executemany(sql, rows)
            except apsw.Error as error:
                raise _refused(error) from error


def volume_of(root: Path) -> int:
    """The number of the volume that is being written in a log's folder."""
    return 1 + sum(1 for _ in (root / VOLUMES).glob("*"))


def _document(opening: Opening) -> str:
    document = {
        "value": opening.value,
        "salt": encoded(opening.salt),
        "path": [encoded(hash) for hash in opening.path],
    }
    return orjson.dumps(document).decode()


def _opening(side: Side, number: Any, place: Any, text: Any) -> Opening:
    raw = orjson.loads(text)
    path = tuple(decoded(hash, "a hash") for hash in raw["path"])
    return Opening(number, side, raw["value"], decoded(raw["salt"], "the salt"), place, path)


def _hashes(path: bytes) -> tuple[bytes, ...]:
    return tuple(path[start : start + HASH] for start in range(0, len(path), HASH))


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()


def _refused(error: Exception) -> Unavailable:
    return Unavailable(
        "what opens the log",
        f"cannot be read or written ({error})",
        "make room on the disk, check the rights of the node's folder, and try again",
    )
