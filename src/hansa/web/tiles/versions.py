"""How fresh each layer is, read off the change feed.

A layer's version is the number of the newest change to an entity of one of its types. It is looked up
before a tile is given out; reading the feed from where it was last read costs next to nothing.
After a large import the feed is not read: every layer is taken to have changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from hansa.store.port import Change

__all__ = ["ChangeSource", "LayerVersions"]

READ_AT_MOST: Final = 2_000
"""Changes read one by one; with more of them all layers are taken to have changed."""


class ChangeSource(Protocol):
    """The part of a store that versions need."""

    def last_change(self) -> int:
        """As in :class:`hansa.store.port.Store`."""

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """As in :class:`hansa.store.port.Store`."""


class LayerVersions:
    """Versions of named layers; safe to ask from any thread.

    Args:
        source: the store.
        types: layer name to the types (IRIs) that are drawn on it.
        known: versions kept from an earlier run, under the name ``""`` how far the feed was read.
    """

    def __init__(
        self,
        source: ChangeSource,
        types: Mapping[str, Iterable[str]],
        known: Mapping[str, int] | None = None,
    ) -> None:
        self._source = source
        self._layers: dict[str, list[str]] = {}
        for layer, names in types.items():
            for name in names:
                self._layers.setdefault(name, []).append(layer)
        self._names = tuple(types)
        self._read = known.get("", 0) if known else 0
        self._versions = {name: (known or {}).get(name, 0) for name in self._names}
        self._lock = threading.Lock()

    def current(self, save: Callable[[dict[str, int]], None] | None = None) -> dict[str, int]:
        """The version of each layer now; `save` is given the new state when one has moved."""
        with self._lock:
            newest = self._source.last_change()
            if newest != self._read:
                before = dict(self._versions)
                self._follow(newest)
                if save and before != self._versions:
                    save(self._versions | {"": self._read})
            return dict(self._versions)

    def _follow(self, newest: int) -> None:
        # A feed that has become shorter belongs to another, for example a restored, store.
        if newest < self._read or newest - self._read > READ_AT_MOST:
            self._versions = dict.fromkeys(self._names, newest)
        else:
            for change in self._source.changes(self._read, limit=newest - self._read):
                for name in change.types:
                    for layer in self._layers.get(name, ()):
                        self._versions[layer] = change.seq
        self._read = newest
