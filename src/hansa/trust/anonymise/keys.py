"""The keys of pseudonyms: one for each source at a time, on disk beside the vault, in no backup, and destroyed when its time is up.

A key lasts until the next multiple of the source's ``rotate`` (counted from 1970 in UTC), whenever it was made; then it
is overwritten and deleted, whether or not anything comes in, and what was made with it can be linked to nobody any more.
The vault and its backups hold only that there was a key, and when it was destroyed. After a restore a new key is made.
(A disk that writes elsewhere than it is told, as flash memory and some file systems do, may hold a deleted key for a while.)
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final

import orjson

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import Unavailable
from hansa.kernel.folder import sync
from hansa.trust.anonymise.pseudonyms import Key
from hansa.trust.vault import Record, Vault

__all__ = ["KIND", "Keys"]

KIND: Final = "pseudonym-key"
"""The kind of the vault's records about keys that were destroyed."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REMEMBERED: Final = 100


class Keys:
    """The keys of a node. Safe to use from several threads; one process at a time holds the node's folder.

    Args:
        folder: where they are kept; made when the first is.
        vault: where it is noted that one was destroyed.
        clock: the node's time.
    """

    def __init__(self, folder: Path, vault: Vault, clock: Clock) -> None:
        self._folder = folder
        self._vault = vault
        self._clock = clock
        self._lock = Lock()

    def current(self, source: str, rotate: timedelta) -> Key:
        """The key of a source, now; it is made if there is none.

        Raises:
            Unavailable: the disk refused; without a key nothing comes in.
        """
        now = self._clock.now()
        until = _EPOCH + ((now - _EPOCH) // rotate + 1) * rotate
        with self._lock:
            path = self._path(source)
            kept = _read(path)
            if kept is not None and now < _moment(kept["until"]) <= until:
                return Key(kept["name"], bytes.fromhex(kept["secret"]))
            if kept is not None or path.exists():
                self._destroy(path, kept)
            return self._make(path, source, now, until)

    def tend(self) -> int:
        """Destroy the keys whose time is up; how many there were.

        Raises:
            Unavailable: the disk refused.
        """
        now = self._clock.now()
        count = 0
        with self._lock:
            for path in sorted(self._folder.glob("*.key")):
                kept = _read(path)
                if kept is None or _moment(kept["until"]) <= now:
                    self._destroy(path, kept)
                    count += 1
        return count

    def destroy(self, source: str) -> bool:
        """Destroy a source's key before its time; whether there was one.

        Raises:
            Unavailable: the disk refused.
        """
        with self._lock:
            path = self._path(source)
            if not path.exists():
                return False
            self._destroy(path, _read(path))
            return True

    def destroyed(self, source: str) -> list[dict[str, str]]:
        """The latest keys of a source that were destroyed: their names, when they were made and when they ended."""
        found = self._vault.get(KIND, source) or {}
        listed: list[dict[str, str]] = found.get("destroyed", [])
        return listed

    def until(self, source: str) -> str | None:
        """When the present key of a source ends; ``None`` without one."""
        kept = _read(self._path(source))
        return kept["until"] if kept else None

    def _path(self, source: str) -> Path:
        name = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return self._folder / f"{name}.key"

    def _make(self, path: Path, source: str, now: datetime, until: datetime) -> Key:
        key = Key.new(f"{until.date().isoformat()}-{os.urandom(4).hex()}")
        kept = {
            "name": key.name,
            "source": source,
            "made": iso(now),
            "until": iso(until),
            "secret": key.secret.hex(),
        }
        draft = path.with_suffix(".new")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(orjson.dumps(kept))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            sync(self._folder)
        except OSError as error:
            _shred(draft)
            raise _refused(error) from error
        return key

    def _destroy(self, path: Path, kept: dict[str, Any] | None) -> None:
        """Overwrite and delete, and then note it: a key that is noted as destroyed is."""
        try:
            _shred(path)
            sync(self._folder)
        except OSError as error:
            raise _refused(error) from error
        if kept is None:
            return
        gone = {"name": kept["name"], "made": kept["made"], "destroyed": iso(self._clock.now())}

        def noted(old: Record | None) -> tuple[Record, None]:
            before = (old or {}).get("destroyed", [])
            return {"source": kept["source"], "destroyed": [*before, gone][-_REMEMBERED:]}, None

        self._vault.edit(KIND, kept["source"], noted)


def _read(path: Path) -> dict[str, Any] | None:
    """What a file holds; ``None`` if it is not there, or no whole key."""
    try:
        kept = orjson.loads(path.read_bytes())
        bytes.fromhex(kept["secret"])
        return kept if _moment(kept["until"]) and kept["name"] and kept["source"] else None
    except FileNotFoundError:
        return None
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    except OSError as error:
        raise _refused(error) from error


def _shred(path: Path) -> None:
    with suppress(FileNotFoundError):
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _refused(error: OSError) -> Unavailable:
    return Unavailable(
        "the keys of pseudonyms",
        f"cannot be read or written ({error.strerror})",
        "make room on the disk, check the rights of the node's folder, and try again",
    )
