"""The registrations of one tenant, in memory, found by identifier and by type.

A request asks the book which registrations may concern it. Those that name an identifier are found by
it, those of a type by the type, so that registrations of other things cost nothing; without any
registration the answer is one look at an empty dictionary.

A registration that has expired is passed over from that moment on (it is forgotten for good when its
record is next looked at).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import orjson

from hansa.hub.registrations.matching import Wanted, names_of
from hansa.hub.registrations.model import Registration, parsed

__all__ = ["Book", "is_expired"]

_SECOND = len("2026-11-23T08:00:00")


def is_expired(registration: Registration, now: str) -> bool:
    """Whether the registration has outlived its ``expiresAt`` (whole seconds count)."""
    expiry = registration.expires_at
    return expiry is not None and expiry[:_SECOND] < now[:_SECOND]


class Book:
    """The registrations of a tenant."""

    def __init__(self, records: Iterable[bytes] = ()) -> None:
        self._all: dict[str, Registration] = {}
        self._order: dict[str, int] = {}
        self._next = 0
        self._by_id: dict[str, set[str]] = defaultdict(set)
        self._by_type: dict[str, set[str]] = defaultdict(set)
        self._open_by_type: dict[str, set[str]] = defaultdict(set)
        self._any: set[str] = set()
        for raw in records:
            self.put(orjson.loads(raw))

    def __bool__(self) -> bool:
        return bool(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def get(self, id: str) -> Registration | None:
        """The registration with that identifier."""
        return self._all.get(id)

    def all(self, now: str) -> list[Registration]:
        """Every registration that has not expired, in order of creation."""
        return [each for each in self._all.values() if not is_expired(each, now)]

    def put(self, record: dict[str, Any]) -> Registration:
        """Take up a registration, or its new form; it keeps its place in the order."""
        registration = parsed(record)
        if registration.id in self._all:
            self._forget(registration.id)
        else:
            self._order[registration.id] = self._next
            self._next += 1
        self._all[registration.id] = registration
        for keys, key in self._places(registration):
            keys[key].add(registration.id)
        if any(not info.entities for info in registration.infos):
            self._any.add(registration.id)
        return registration

    def remove(self, id: str) -> None:
        """Forget a registration, if it is there."""
        if id in self._all:
            self._forget(id)
            del self._all[id]
            del self._order[id]

    def concerned(self, wanted: Wanted, now: str) -> list[Registration]:
        """Registrations that a request may concern, in order of creation; few too many may be named."""
        if not self._all:
            return []
        if wanted.ids:
            found = set(self._any).union(*(self._by_id.get(id, ()) for id in wanted.ids))
            found |= self._typed(self._open_by_type, wanted)
        else:
            found = self._any | self._typed(self._by_type, wanted)
        named = [self._all[id] for id in sorted(found, key=self._order.__getitem__)]
        return [each for each in named if not is_expired(each, now)]

    def _typed(self, index: dict[str, set[str]], wanted: Wanted) -> set[str]:
        names = names_of(wanted.types) if wanted.types is not None else index
        found: set[str] = set()
        return found.union(*(index.get(name, ()) for name in names))

    def _places(self, registration: Registration) -> list[tuple[dict[str, set[str]], str]]:
        places = []
        for info in registration.infos:
            for entity in info.entities:
                if entity.id is not None:
                    places.append((self._by_id, entity.id))
                for name in entity.types:
                    places.append((self._by_type, name))
                    if entity.id is None:
                        places.append((self._open_by_type, name))
        return places

    def _forget(self, id: str) -> None:
        for keys, key in self._places(self._all[id]):
            if key in keys:
                keys[key].discard(id)
                if not keys[key]:
                    del keys[key]
        self._any.discard(id)
