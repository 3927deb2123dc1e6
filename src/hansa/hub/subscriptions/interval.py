"""Subscriptions with a ``timeInterval``: told regularly, whether or not something changed (5.8.6).

When a subscription is due is known from when it was told last, or made. What was missed while the node
was down is told once, at its start. A notice is not added while an earlier one still waits for a receiver
that is away: what it says would only be older.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import orjson

from hansa.hub.expiry import alive
from hansa.hub.subscriptions.matcher import Watcher, notice
from hansa.hub.subscriptions.model import Subscription
from hansa.hub.subscriptions.notification import body, content, notification_id, shown
from hansa.kernel.clock import from_micros, iso, micros
from hansa.ngsild.model import Entity
from hansa.ngsild.query import Query
from hansa.store.outbox import Notice, Standing
from hansa.store.port import Reader

__all__ = ["Timetable", "interval_notices"]

_PAGE: Final = 1_000
_MOST: Final = 10_000
_SHORTEST: Final = 10_000
"""Microseconds between two notices of a subscription at least."""


class Timetable:
    """When which subscription is due."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []
        self._due: dict[str, int] = {}

    def put(self, subscription: Subscription, standing: Standing, now: int) -> None:
        """Note when a subscription is due next, or that it never is."""
        self.drop(subscription.id)
        if subscription.interval is None:
            return
        last = standing.last or micros(datetime.fromisoformat(subscription.made))
        self._add(subscription.id, max(now, last + _step(subscription)))

    def drop(self, id: str) -> None:
        """Forget a subscription."""
        self._due.pop(id, None)

    def take(self, now: int) -> list[tuple[str, int]]:
        """The subscriptions that are due, and since when; they have to be put in again."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            due, id = heapq.heappop(self._heap)
            if self._due.get(id) == due:
                found.append((id, due))
        return found

    def again(self, subscription: Subscription, due: int, now: int) -> None:
        """Note the next time after `due`; times that have passed meanwhile are skipped."""
        step = _step(subscription)
        self._add(subscription.id, due + step * max(1, -((due - now) // step)))

    def next(self) -> int | None:
        """When something is due next."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _add(self, id: str, due: int) -> None:
        self._due[id] = due
        heapq.heappush(self._heap, (due, id))


def _step(subscription: Subscription) -> int:
    return max(_SHORTEST, round((subscription.interval or 1) * 1_000_000))


def interval_notices(watcher: Watcher, store: Reader, due: int, now: int) -> list[Notice]:
    """All entities that a subscription selects, as notices of up to a thousand each; none if none."""
    subscription = watcher.subscription
    at = iso(from_micros(now))
    found = []
    for number, entities in enumerate(_pages(subscription, store, at)):
        id = notification_id(subscription.home, subscription.id, f"{due}.{number}")
        data = shown(subscription, watcher.sight, entities, store)
        whole = body(subscription, id, content(subscription, data), at)
        found.append(notice(subscription, id, whole, now, entity=""))
    return found


def _pages(subscription: Subscription, store: Reader, now: str) -> Iterator[list[Entity]]:
    for start in range(0, _MOST, _PAGE):
        page = store.query(
            Query(
                selectors=subscription.selectors,
                q=subscription.q,
                scope=subscription.scope,
                geo=subscription.geo,
                limit=_PAGE,
                offset=start,
            )
        )
        read = (alive(orjson.loads(raw), now) for raw in page.documents)
        entities = [entity for entity in read if entity is not None]
        if entities:
            yield entities
        if len(page.documents) < _PAGE:
            return
