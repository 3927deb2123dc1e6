"""Which subscriptions may concern a change, found without looking at the others.

Each subscription stands under its identifiers where it names some, else under types that an entity must
have to be selected, else under "any"; and there under each attribute that it watches, or under all. A
change looks only at the places of its entity and of the attributes that it touched, so that its cost
grows with the subscriptions that stand there, not with all there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from hansa.hub.subscriptions.model import Subscription
from hansa.ngsild.query import And, Or, TypeFilter

__all__ = ["Index"]

Place = tuple[str, str | None]
"""An identifier (``=…``), a type, or nothing; and an attribute, or None for all."""


class _Watching(Protocol):
    @property
    def subscription(self) -> Subscription:
        """Whose place in the index it is."""


W = TypeVar("W", bound=_Watching)


class Index(Generic[W]):
    """Watchers of subscriptions, to be found by what a change touched."""

    def __init__(self) -> None:
        self._places: dict[Place, dict[str, W]] = {}
        self._all: dict[str, W] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[W]:
        return iter(list(self._all.values()))

    def get(self, id: str) -> W | None:
        """The watcher of a subscription."""
        return self._all.get(id)

    def put(self, watcher: W) -> None:
        """Add a watcher, in the place of one for the same subscription."""
        id = watcher.subscription.id
        self.drop(id)
        self._all[id] = watcher
        for place in _places(watcher.subscription):
            self._places.setdefault(place, {})[id] = watcher

    def drop(self, id: str) -> W | None:
        """Remove the watcher of a subscription, if there is one, and hand it out."""
        watcher = self._all.pop(id, None)
        if watcher is None:
            return None
        for place in _places(watcher.subscription):
            here = self._places.get(place, {})
            here.pop(id, None)
            if not here:
                self._places.pop(place, None)
        return watcher

    def candidates(self, id: str, types: Iterable[str], touched: Iterable[str]) -> list[W]:
        """The watchers that may concern a change of that entity, each once."""
        attributes = (None, *touched)
        found: dict[str, W] = {}
        for head in ("=" + id, *types, ""):
            for attribute in attributes:
                here = self._places.get((head, attribute))
                if here:
                    found.update(here)
        return list(found.values())


def _places(subscription: Subscription) -> Iterator[Place]:
    watched = subscription.watched or (None,)
    for head in _heads(subscription):
        for attribute in watched:
            yield head, attribute


def _heads(subscription: Subscription) -> set[str]:
    if not subscription.selectors:
        return {""}
    found: set[str] = set()
    for selector in subscription.selectors:
        if selector.id is not None:
            found.add("=" + selector.id)
        elif selector.types is not None:
            found |= _necessary(selector.types)
        else:
            found.add("")
    return found


def _necessary(types: TypeFilter) -> set[str]:
    """Types of which an entity that is selected has at least one, as few as can be."""
    if isinstance(types, And):
        return min((_necessary(part) for part in types.parts), key=len)
    if isinstance(types, Or):
        return set().union(*(_necessary(part) for part in types.parts))
    return {types.name}
