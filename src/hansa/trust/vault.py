"""The vault: the gate's own database, for what it must know to decide and no tenant may hold.

Accounts, sessions, tokens, rules, declarations of sources, what opens the log's commitments: each is a plain
JSON object, found by its kind and its identifier. The vault is a store of its own behind the same port as
the tenants' stores, in ``trust/vault.sqlite`` of the node's folder. No request can name it as a tenant, its
folder is closed to other users of the machine, and backup, restore and check-up know it.

What is written is durable when the call returns. An edit is a pure function of the record as it stands, so two
who change the same record never lose each other's change.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import orjson

from hansa.kernel.clock import Clock
from hansa.kernel.errors import HansaError, Unavailable
from hansa.store.port import Edited, Entity, Store, Write
from hansa.store.sqlite import open_store
from hansa.store.sqlite.watch import Watch

__all__ = ["Record", "Vault"]

Record = dict[str, Any]
T = TypeVar("T")


class Vault:
    """Records of the gate, by kind. Methods are safe to call from any thread; writes wait for the disk.

    Args:
        path: the database; made, with its folder, if it is not there.
        clock: the node's time.

    Raises:
        Unavailable: the file cannot be opened, is damaged, foreign or of a newer Hansa.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.is_new = not path.exists()
        """Whether the vault was made just now: what must stand in every vault is then written."""
        _close_folder(path.parent)
        self.store: Store = open_store(path, clock=clock)
        """The store behind it, for those who need a :class:`~hansa.store.port.Store`."""
        path.chmod(0o600)
        self._watch = Watch(path)
        self._versions: Counter[str] = Counter()
        self._lock = Lock()

    def get(self, kind: str, id: str) -> Record | None:
        """The record, or ``None``."""
        found = self.store.record(kind, id)
        return None if found is None else orjson.loads(found)

    def all(self, kind: str) -> list[Record]:
        """All records of a kind, in order of creation."""
        return [orjson.loads(text) for text in self.store.records(kind)]

    def put(self, kind: str, id: str, record: Mapping[str, Any]) -> None:
        """Keep the record, whatever was there."""
        made = dict(record)
        self._write(kind, [Write(id, lambda _: Edited(made))])

    def put_many(self, kind: str, records: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Keep several records of a kind in one commit."""
        self._write(kind, [Write(id, _putting(dict(record))) for id, record in records])

    def drop(self, kind: str, *ids: str) -> int:
        """Delete records; how many there were."""
        done = self._write(kind, [Write(id, lambda _: Edited(None)) for id in ids])
        return sum(1 for was_there in done if was_there)

    def edit(
        self, kind: str, id: str, edit: Callable[[Record | None], tuple[Record | None, T]]
    ) -> T:
        """Change one record by a function of what stands there; its second result comes back.

        The function returns the new record (``None`` deletes it; the very same object changes nothing)
        and a word to the caller. What it raises of :class:`HansaError` changes nothing and is raised here.
        """
        said: list[T] = []

        def apply(old: Entity | None) -> Edited:
            new, word = edit(old)
            said[:] = [word]
            return Edited(new)

        self._write(kind, [Write(id, apply)])
        return said[0]

    def version(self, kind: str) -> int:
        """A number that grows with every write of this kind in this process: for those who keep copies."""
        return self._versions[kind]

    def moment(self) -> int:
        """A number that is another one after every write, also of another process."""
        return self._watch.number()

    def close(self) -> None:
        """Finish the writes in hand and let go of the file."""
        self._watch.close()
        self.store.close()

    def _write(self, kind: str, writes: list[Write]) -> list[bool]:
        """Write and wait; whether each record was deleted."""
        if not writes:
            return []
        try:
            outcomes = self.store.write_records(kind, writes).result()
        finally:
            with self._lock:
                self._versions[kind] += 1
        for outcome in outcomes:
            if isinstance(outcome, HansaError):
                raise outcome
        return [outcome.deleted for outcome in outcomes if not isinstance(outcome, HansaError)]


def _putting(record: Record) -> Callable[[Entity | None], Edited]:
    return lambda _: Edited(record)


def _close_folder(folder: Path) -> None:
    """Make the folder, or close it, for the node's user alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid == os.getuid():
            folder.chmod(0o700)
    except OSError as error:
        raise Unavailable(
            f"folder {folder}",
            f"cannot be made ({error.strerror})",
            "choose a folder that the node's user may write",
        ) from error
