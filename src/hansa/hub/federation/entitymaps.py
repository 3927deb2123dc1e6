"""Entity maps: which entities a query found, and who has them, fixed for a sequence of requests (5.14).

They are kept in memory, bounded in number and size, and each for a limited time; one that is gone (as
after a restart) is made anew by the next request, as clause 5.5.14 wants it. A map belongs to its
tenant and to whoever had it made, and is not to be seen by others.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from hansa.hub.federation.linkedmaps import Link
from hansa.kernel.clock import iso
from hansa.kernel.ids import urn

__all__ = ["HERE", "LONGEST", "EntityMap", "Maps", "id_in"]

HERE: Final = "@none"
"""In a map, this node itself."""

LONGEST: Final = timedelta(days=1)
_USUAL: Final = timedelta(minutes=15)
_MOST_MAPS: Final = 500
_MOST_ENTRIES: Final = 300_000


@dataclass(slots=True)
class EntityMap:
    """Identifiers of entities, in the order of pages, each with those who have it.

    Attributes:
        sources: registrations by entity; :data:`HERE` is this node.
        linked: the maps that sources made for this one, by registration.
        expires_at: when it is gone.
    """

    id: str
    expires_at: datetime
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    linked: Mapping[str, Link] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """The map as a client reads it (clause 5.2.39)."""
        return {
            "id": self.id,
            "type": "EntityMap",
            "expiresAt": iso(self.expires_at),
            "entityMap": {id: list(names) for id, names in self.sources.items()},
            "linkedMaps": {name: link.id for name, link in self.linked.items()},
        }

    @property
    def locations(self) -> dict[str, str]:
        """Where the linked maps are, by registration."""
        return {name: link.location for name, link in self.linked.items()}

    def names(self, ids: Iterable[str]) -> set[str]:
        """Who has any of these entities, or, if none is named, any at all."""
        wanted = set(ids)
        return {
            name
            for id, names in self.sources.items()
            if not wanted or id in wanted
            for name in names
        }

    def drop(self, ids: Iterable[str]) -> None:
        """Remove entities that do not fulfil the query any more."""
        for id in ids:
            self.sources.pop(id, None)


Owner = Hashable
"""Whose a map is: a tenant, and somebody in it."""


class Maps:
    """The entity maps of a node."""

    def __init__(self) -> None:
        self._maps: OrderedDict[tuple[Owner, str], EntityMap] = OrderedDict()

    def make(
        self,
        owner: Owner,
        now: datetime,
        sources: Mapping[str, Iterable[str]],
        lifetime: timedelta | None = None,
        linked: Mapping[str, Link] | None = None,
    ) -> EntityMap:
        """Keep a new map; the lifetime wished for is granted up to a day."""
        life = min(lifetime if lifetime is not None else _USUAL, LONGEST)
        made = EntityMap(
            urn("EntityMap", secrets.token_hex(12)),
            now + life,
            {id: tuple(dict.fromkeys(names)) for id, names in sources.items()},
            linked or {},
        )
        self._maps[owner, made.id] = made
        self._thin_out(now)
        return made

    def get(self, owner: Owner, id: str, now: datetime) -> EntityMap | None:
        """The map with that identifier, unless it has expired."""
        found = self._maps.get((owner, id))
        if found is not None and found.expires_at <= now:
            del self._maps[owner, id]
            return None
        return found

    def remove(self, owner: Owner, id: str) -> None:
        """Forget a map."""
        self._maps.pop((owner, id), None)

    def _thin_out(self, now: datetime) -> None:
        for key in [key for key, kept in self._maps.items() if kept.expires_at <= now]:
            del self._maps[key]
        size = sum(len(kept.sources) for kept in self._maps.values())
        while len(self._maps) > 1 and (len(self._maps) > _MOST_MAPS or size > _MOST_ENTRIES):
            _, gone = self._maps.popitem(last=False)
            size -= len(gone.sources)


def id_in(location: str) -> str:
    """The identifier in the location of a map."""
    return location.rstrip("/").rpartition("/")[2]
