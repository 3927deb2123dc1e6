"""A store that tells what writes would do, and does none of them: for ``--dry-run``."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, cast

import orjson

from hansa.kernel.errors import HansaError
from hansa.store.port import Entity, Outcome, Store, Write, Written
from hansa.trust.screen import Screening

__all__ = ["rehearse"]


def rehearse(store: Store, screen: Screening | None = None) -> Store:
    """`store` to read from; what is written is shown to the screen, and goes no further than this object's memory."""
    return cast(Store, _Rehearsal(store, screen or Screening()))


class _Rehearsal:
    """Passes everything on but writes and what changes the store in other ways."""

    def __init__(self, store: Store, screen: Screening) -> None:
        self._store = store
        self._written: dict[str, Entity | None] = {}
        self._screen = screen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def get(self, id: str) -> bytes | None:
        """As the entity would be by now."""
        if id in self._written:
            entity = self._written[id]
            return None if entity is None else orjson.dumps(entity)
        return self._store.get(id)

    def write(self, writes: Sequence[Write]) -> Future[list[Outcome]]:
        """What would become of the writes."""
        done: Future[list[Outcome]] = Future()
        done.set_result([self._one(write) for write in writes])
        return done

    def _one(self, write: Write) -> Outcome:
        stored = self.get(write.id)
        current = None if stored is None else orjson.loads(stored)
        try:
            edited = write.edit(current)
            if edited.entity is not None and edited.entity is not current:
                self._screen.check(edited.entity, current, write.passed)
        except HansaError as error:
            return error
        if edited.entity is not current:
            self._written[write.id] = edited.entity
        return Written(
            seq=0,
            created=current is None and edited.entity is not None,
            deleted=current is not None and edited.entity is None,
            detail=edited.detail,
        )

    def write_records(self, kind: str, writes: Sequence[Write]) -> Future[list[Outcome]]:
        """Records would be written; nothing reads them back during a rehearsal."""
        done: Future[list[Outcome]] = Future()
        done.set_result([Written(seq=0, created=False, deleted=False) for _ in writes])
        return done

    def declare_hot(self, attribute: str) -> None:
        """An index is a change too."""
