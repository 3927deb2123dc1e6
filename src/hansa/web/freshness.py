"""How fresh each type of entity is, read off the change feed, so that what is derived can be kept.

Whatever a page or a tile works out from entities of some types stays right until one of these types
changes. Reading the feed from where it was last read costs next to nothing; after a large import it
is not read at all: every type is taken to have changed. So it is when the rules change that say what may be seen.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol, TypeVar, cast

from hansa.store.port import Change

__all__ = ["ChangeSource", "Freshness", "Kept"]

READ_AT_MOST: Final = 2_000
"""Changes read one by one; with more of them all types are taken to have changed."""

_READ, _FLOOR, _TURNS, _SAID = "#read", "#floor", "#turns", "#mark"

_A_TURN: Final = 1 << 40
"""No feed has as many changes."""

T = TypeVar("T")


class ChangeSource(Protocol):
    """The part of a store that freshness needs."""

    def last_change(self) -> int:
        """As in :class:`hansa.store.port.Store`."""

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """As in :class:`hansa.store.port.Store`."""


class Freshness:
    """The number of the newest change by type; safe to ask from any thread.

    Args:
        source: the store.
        known: what :meth:`state` returned in an earlier run.
        mark: a word that changes when more, or less, may be seen than before.
    """

    def __init__(
        self,
        source: ChangeSource,
        known: Mapping[str, int] | None = None,
        mark: Callable[[], str] = str,
    ) -> None:
        self._source, self._mark = source, mark
        self._marked: tuple[str, int] = ("", 0)
        self._lock = threading.Lock()
        self._versions = dict(known or {})
        if _READ not in self._versions:
            newest = source.last_change()
            self._versions = {_READ: newest, _FLOOR: newest}

    def of(self, types: Iterable[str]) -> int:
        """A number that grows whenever an entity of one of `types` (IRIs) changes."""
        with self._lock:
            self._follow()
            floor = self._versions[_FLOOR]
            newest = max((self._versions.get(name, floor) for name in types), default=floor)
            return self._versions.get(_TURNS, 0) * _A_TURN + newest

    def state(self) -> dict[str, int]:
        """What is known, to be kept between runs."""
        with self._lock:
            return dict(self._versions)

    def _follow(self) -> None:
        self._turn()
        newest, read = self._source.last_change(), self._versions[_READ]
        if newest == read:
            return
        # A feed that has become shorter belongs to another, for example a restored, store.
        if newest < read or newest - read > READ_AT_MOST:
            self._versions = {_FLOOR: newest, **self._turned()}
        else:
            for change in self._source.changes(read, limit=newest - read):
                for name in change.types:
                    self._versions[name] = change.seq
        self._versions[_READ] = newest

    def _turn(self) -> None:
        """Take everything for changed when the mark has."""
        mark = self._mark()
        if mark != self._marked[0]:
            self._marked = mark, int(hashlib.sha256(mark.encode()).hexdigest()[:12], 16)
        if self._versions.get(_SAID, 0) != self._marked[1]:
            self._versions[_SAID] = self._marked[1]
            self._versions[_TURNS] = self._versions.get(_TURNS, 0) + 1

    def _turned(self) -> dict[str, int]:
        return {name: self._versions[name] for name in (_TURNS, _SAID) if name in self._versions}


class Kept:
    """Derived values, each kept for as long as the types it was derived from do not change."""

    def __init__(self, freshness: Freshness) -> None:
        self._freshness = freshness
        self._values: dict[str, tuple[int, Any]] = {}
        self._locks: dict[str, threading.Lock] = {}

    def get(self, key: str, types: Iterable[str], make: Callable[[], T]) -> T:
        """The value under `key`, made anew when an entity of `types` has changed.

        Threads that ask for the same outdated value wait for the one that makes it.
        """
        version = self._freshness.of(types)
        found = self._values.get(key)
        if found is None or found[0] != version:
            with self._locks.setdefault(key, threading.Lock()):
                found = self._values.get(key)
                if found is None or found[0] != version:
                    found = (version, make())
                    self._values[key] = found
        return cast("T", found[1])
