"""The folder in which a node lives: what lies where, and who may use it now.

::

    hansa.toml          settings (readable by the owner only: it holds the token's hash)
    store/NAME.sqlite   one database per tenant; ``default`` is the city's own
    history/NAME/       the tenant's old history, as Parquet
    log/                what the gate decided, as a Merkle tree, and the keys that sign it
    trust/vault.sqlite  what the gate knows: accounts, tokens, rules (readable by the owner only)
    cache/              what can be made again at any time (map tiles)
    contexts/           preloaded @contexts
    node.lock           held (flock) by the process that serves the folder or writes into it

Nothing here opens a database.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from hansa.kernel.errors import AlreadyExists, Conflict, NotFound, Unavailable
from hansa.kernel.settings_file import SETTINGS_FILE

__all__ = ["Folder", "Holder", "sync"]

_LOOK_EVERY: Final = 0.02
"""Seconds between two tries to get a folder that another process holds."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who uses a folder: the process, and the address it serves at ("" when it does not serve).

    ``door`` is the socket at which commands of this machine may ask it to write ("" without one).
    """

    process: int
    address: str
    door: str = ""

    def __str__(self) -> str:
        where = f", at {self.address}" if self.address else ""
        return f"process {self.process or 'unknown'}{where}"


@dataclass(frozen=True, slots=True)
class Folder:
    """The paths of one node."""

    root: Path

    @property
    def settings_file(self) -> Path:
        """The settings of the node."""
        return self.root / SETTINGS_FILE

    @property
    def store(self) -> Path:
        """One database file per tenant."""
        return self.root / "store"

    @property
    def history(self) -> Path:
        """Old history: one folder per tenant."""
        return self.root / "history"

    @property
    def trust(self) -> Path:
        """What the gate knows and keeps for itself."""
        return self.root / "trust"

    @property
    def vault(self) -> Path:
        """The gate's own database; it is no tenant's."""
        return self.trust / "vault.sqlite"

    @property
    def cache(self) -> Path:
        """What can be deleted at any time and is made again."""
        return self.root / "cache"

    @property
    def log(self) -> Path:
        """The gate's log, with its keys."""
        return self.root / "log"

    @property
    def contexts(self) -> Path:
        """Preloaded @contexts."""
        return self.root / "contexts"

    @property
    def lock_file(self) -> Path:
        """Held by the process that uses the folder."""
        return self.root / "node.lock"

    @property
    def databases(self) -> list[Path]:
        """The tenants' databases, in order of name."""
        return sorted(self.store.glob("*.sqlite"))

    @property
    def all_databases(self) -> list[Path]:
        """The tenants' databases and, once there is one, the gate's own."""
        return [*self.databases, *([self.vault] if self.vault.is_file() else [])]

    @classmethod
    def open(cls, root: Path) -> Folder:
        """The node in `root`, which must have been made by :meth:`create`.

        Raises:
            NotFound: there is no node there.
        """
        folder = cls(root)
        if not folder.settings_file.is_file():
            raise NotFound(
                f"folder {root}",
                "is not a node (it has no hansa.toml)",
                f"make one with: hansa init {root}",
            )
        return folder

    @classmethod
    def create(cls, root: Path, settings: str) -> Folder:
        """A new, empty node in `root` with this text as its settings.

        Raises:
            AlreadyExists: there is a node, or something else, in `root`.
            Unavailable: the folder cannot be written.
        """
        folder = cls(root)
        if folder.settings_file.exists():
            raise AlreadyExists(f"folder {root}", "is a node already", "choose another folder")
        was_there = True
        try:
            was_there = root.exists()
            if was_there and (not root.is_dir() or any(root.iterdir())):
                raise AlreadyExists(
                    f"folder {root}", "is not empty", "choose a new or an empty folder"
                )
            for part in folder._empty_parts:
                part.mkdir(parents=True, exist_ok=True)
            folder._write_settings(settings)
        except OSError as error:
            for made in folder._empty_parts if was_there else (*folder._empty_parts, root):
                with suppress(OSError):
                    made.rmdir()
            raise Unavailable(
                f"folder {root}",
                f"cannot be written ({error.strerror})",
                "choose a folder that you may write to, on a disk with room",
            ) from error
        return folder

    @property
    def _empty_parts(self) -> tuple[Path, ...]:
        return (self.store, self.cache, self.contexts)

    def write_settings(self, text: str) -> None:
        """Put `text` in the place of the settings, whole or not at all.

        Raises:
            Unavailable: the disk is full or not writable; the settings are as they were.
        """
        try:
            self._write_settings(text)
        except OSError as error:
            raise Unavailable(
                f"settings {self.settings_file}",
                f"cannot be written ({error.strerror}); they are as they were",
                "make room on the disk, check the rights, and try again",
            ) from error

    def _write_settings(self, text: str) -> None:
        draft = self.settings_file.with_suffix(".new")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.settings_file)
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise

    @contextmanager
    def locked(self, patience: float = 0.0) -> Iterator[Callable[..., None]]:
        """Hold the folder while the block runs; the lock ends with the process, however it ends.

        Args:
            patience: how long to wait for a holder that does not serve, in seconds.

        Yields:
            A function that notes the address at which the holder serves, and its door, for
            :meth:`holder`.

        Raises:
            Conflict: another process holds it.
        """
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unavailable(
                f"folder {self.root}",
                f"its lock cannot be opened ({error.strerror})",
                "give your user the right to write there",
            ) from error
        try:
            self._take(descriptor, patience)
            _note(descriptor, "")
            yield partial(_note, descriptor)
        finally:
            os.close(descriptor)

    def _take(self, descriptor: int, patience: float) -> None:
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = _holder(descriptor)
                if holder.address or time.monotonic() >= until:
                    raise Conflict(
                        f"folder {self.root}",
                        f"is in use by another Hansa ({holder})",
                        "stop that one first; to read, ask it at its address",
                    ) from error
                time.sleep(_LOOK_EVERY)
            else:
                return

    def holder(self) -> Holder | None:
        """The process that holds the folder now, or ``None``."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return _holder(descriptor)
        finally:
            os.close(descriptor)
        return None


def sync(path: Path) -> None:
    """Make what was written to a file, or renamed in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _note(descriptor: int, address: str, door: str = "") -> None:
    """Write who holds the lock; what an earlier holder wrote goes away."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n{address}\n{door}\n".encode(), 0)


def _holder(descriptor: int) -> Holder:
    lines = [*os.pread(descriptor, 4096, 0).decode("utf-8", "replace").splitlines(), "", "", ""]
    return Holder(int(lines[0]) if lines[0].isdigit() else 0, lines[1], lines[2])
