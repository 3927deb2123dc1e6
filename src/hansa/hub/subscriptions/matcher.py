"""From changes to notices: the part of subscriptions that thinks (clause 5.8.6).

For each image, in order: what happened (:mod:`.difference`), which subscriptions stand where it happened
(:mod:`.index`), then for each of these, cheapest first: is it active, is the change of the kind and of an
attribute that it looks for, does it select the entity, does the entity meet scopeQ, geoQ and q. Equal
conditions of many subscriptions are evaluated once for a change, and what is told in equal words is put
into words once.

Each owner of subscriptions sees of a change what they may see, from both its sides: an entity that comes into their
sight is created for them, and one that leaves it is deleted.

A deleted entity is looked at as it was last. With ``throttling``, a change that comes too early is not
lost: it waits, together with those that come meanwhile, and is told when the time has passed.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import orjson

from hansa.hub.subscriptions.condition import Find, Test, filter_test, in_place, is_selected
from hansa.hub.subscriptions.difference import Difference, difference
from hansa.hub.subscriptions.eyes import Eyes, Sighted, everything
from hansa.hub.subscriptions.index import Index
from hansa.hub.subscriptions.model import Subscription
from hansa.hub.subscriptions.notification import (
    body,
    changed_entity,
    content,
    likeness,
    merged,
    notification_id,
    shown,
    sight_of,
)
from hansa.kernel.clock import from_micros, iso
from hansa.kernel.errors import HansaError
from hansa.ngsild.linked import Sight
from hansa.ngsild.model import Entity
from hansa.ngsild.query import Filter
from hansa.ngsild.scope import in_scope
from hansa.store.outbox import Image, Notice
from hansa.store.port import Reader

__all__ = ["Matcher", "Watcher", "notice"]

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Watcher:
    """A subscription with what was worked out for it once.

    ``last`` is when its newest notice is or was due [microseconds], for throttling. Watchers with the same
    number in ``alike`` are told of a change in the same words. ``owner`` is one word for all of the same owner.
    """

    subscription: Subscription
    sight: Sight
    test: Test | None = None
    last: int | None = None
    alike: int | None = None
    owner: bytes = b""


class Matcher:
    """Finds whom changes concern, for one tenant.

    Args:
        store: where linked entities are looked up.
        now: the time [microseconds since 1970].
        eyes: what the owner of a subscription may see.
    """

    def __init__(self, store: Reader, now: Callable[[], int], eyes: Eyes = everything) -> None:
        self.index: Index[Watcher] = Index()
        self._store, self._now, self._eyes = store, now, eyes
        self._owners: Counter[bytes] = Counter()
        self._following = 0
        self._tests: dict[Filter, Test] = {}
        self._likenesses: dict[Hashable, int] = {}
        self._numbers = count()

    def put(self, subscription: Subscription, last: int | None = None) -> Watcher:
        """Follow changes for a subscription, or follow them as it is now."""
        former = self.drop(subscription.id)
        test = None if subscription.q is None else self._shared(subscription.q)
        sight = sight_of(subscription)
        watcher = Watcher(subscription, sight, test, former.last if former else last)
        if subscription.owner is not None:
            watcher.owner = orjson.dumps(subscription.owner, option=orjson.OPT_SORT_KEYS)
        if (found := likeness(subscription, sight)) is not None:
            watcher.alike = self._number(found)
        self.index.put(watcher)
        self._owners[watcher.owner] += 1
        self._following += subscription.interval is None
        return watcher

    def drop(self, id: str) -> Watcher | None:
        """Follow changes no more for a subscription; what it was, if it was followed."""
        watcher = self.index.drop(id)
        if watcher is not None:
            self._owners[watcher.owner] -= 1
            if not self._owners[watcher.owner]:
                del self._owners[watcher.owner]
            self._following -= watcher.subscription.interval is None
        return watcher

    @property
    def follows(self) -> bool:
        """Whether some subscription wants to know of changes."""
        return self._following > 0

    def _number(self, likeness: Hashable) -> int:
        """One number for all that are alike; forgotten, but never used again, when there are too many."""
        if len(self._likenesses) > 2 * len(self.index) + 100:
            self._likenesses.clear()
        found = self._likenesses.get(likeness)
        if found is None:
            found = self._likenesses[likeness] = next(self._numbers)
        return found

    def _shared(self, q: Filter) -> Test:
        """One test for all subscriptions with an equal q; forgotten when there are too many."""
        if len(self._tests) > 2 * len(self.index) + 100:
            self._tests.clear()
        found = self._tests.get(q)
        if found is None:
            found = self._tests[q] = filter_test(q)
        return found

    def match(self, images: Sequence[Image]) -> list[Notice]:
        """The notices that are due after these changes.

        A change that cannot be made sense of is logged and passed over, so that it does not hold up all
        that follow.

        Raises:
            HansaError: the store fails; nothing has been lost.
        """
        found: list[Notice] = []
        sights = self._sights()
        for image in images:
            try:
                found += self._match(image, sights)
            except HansaError:
                raise
            except Exception:
                _LOG.exception("change %d met a defect of this software", image.seq)
        return found

    def _sights(self) -> dict[bytes, Sighted | None]:
        """What the owners of subscriptions may see now; those who may see everything are one."""
        owners = ((owner, orjson.loads(owner) if owner else {}) for owner in self._owners)
        return {owner: self._eyes(described, self._store) for owner, described in owners}

    def _match(self, image: Image, sights: Mapping[bytes, Sighted | None]) -> list[Notice]:
        before = None if image.before is None else orjson.loads(image.before)
        after = None if image.after is None else orjson.loads(image.after)
        if before is None and after is None:
            return []
        whole = {owner for owner, sight in sights.items() if sight is None}
        found = self._noticed(image, before, after, self._store, whole)
        for owner, sight in sights.items():
            if sight is not None:
                was, is_now = (each and sight.shown(each) for each in (before, after))
                told = self._noticed(image, was, is_now, sight, {owner})
                if told:
                    sight.told(after or before or {})
                found += told
        return found

    def _noticed(
        self,
        image: Image,
        before: Entity | None,
        after: Entity | None,
        store: Reader,
        owners: set[bytes],
    ) -> list[Notice]:
        """The notices to the subscriptions of these owners, who see that much of the change."""
        if before is None and after is None:
            return []
        change = difference(before, after)
        touched = change.touched
        if not touched and change.whole is None:
            return []
        watchers = self.index.candidates(change.entity["id"], change.types, touched)
        if not watchers:
            return []
        look = _Look(change, store)
        now = self._now()
        moment = iso(from_micros(now))
        return [
            self._notice(watcher, look, image, now, moment)
            for watcher in watchers
            if watcher.owner in owners
            and image.seq > watcher.subscription.since
            and watcher.subscription.interval is None
            and watcher.subscription.status(moment) == "active"
            and change.concerns(watcher.subscription.triggers, watcher.subscription.watched)
            and look.meets(watcher)
        ]

    def _notice(self, watcher: Watcher, look: _Look, image: Image, now: int, at: str) -> Notice:
        subscription = watcher.subscription
        id = notification_id(subscription.home, subscription.id, image.seq)
        whole = body(subscription, id, look.told(watcher, image), at)
        due, wait = _due(watcher, now)
        return notice(
            subscription,
            id,
            whole,
            due,
            entity="" if subscription.throttling else look.change.entity["id"],
            merge=(lambda held: merged(held, whole)) if wait else None,
        )


def _due(watcher: Watcher, now: int) -> tuple[int, bool]:
    """When a notice may be sent, and whether it has to wait for that (throttling)."""
    gap = watcher.subscription.throttling
    if gap is None:
        return now, False
    last = watcher.last
    following = None if last is None else last + round(gap * 1_000_000)
    if last is None or following is None or now >= following:
        watcher.last = now
        return now, False
    if now >= last:
        watcher.last = following
        return following, True
    return last, True


def notice(
    subscription: Subscription,
    id: str,
    content: bytes,
    due: int,
    *,
    entity: str,
    merge: Callable[[bytes], bytes] | None = None,
) -> Notice:
    """A notification of a subscription, for the outbox."""
    endpoint = subscription.endpoint
    plain = endpoint.accept != "application/ld+json"
    return Notice(
        id=id,
        kind=subscription.kind,
        subscription=subscription.id,
        endpoint=endpoint.uri,
        entity=entity,
        due=due,
        media_type=endpoint.accept,
        link=subscription.link if plain else None,
        body=content,
        merge=merge,
    )


class _Look:
    """One change as subscriptions see it: their conditions, and what they are told, each worked out once."""

    def __init__(self, change: Difference, store: Reader) -> None:
        self.change = change
        self._entity = change.entity
        self._store = store
        self._known: dict[Any, bool] = {}
        self._told: dict[int, bytes] = {}
        self._linked: dict[str, Entity | None] = {}

    def told(self, watcher: Watcher, image: Image) -> bytes:
        """The entity in the words of the subscription."""
        alike = None if self.change.after is None else watcher.alike
        found = None if alike is None else self._told.get(alike)
        if found is None:
            wanted = watcher.subscription
            entity = changed_entity(wanted, self.change, iso(from_micros(image.at)))
            found = content(wanted, shown(wanted, watcher.sight, [entity], self._store))
            if alike is not None:
                self._told[alike] = found
        return found

    def meets(self, watcher: Watcher) -> bool:
        """Whether the entity is selected and meets the conditions."""
        wanted = watcher.subscription
        entity = self._entity
        if not is_selected(entity, wanted.selectors):
            return False
        scope, geo, test = wanted.scope, wanted.geo, watcher.test
        if scope is not None and not in_scope(scope, entity.get("scope", [])):
            return False
        if geo is not None and not self._once(id(geo), lambda: in_place(geo, entity)):
            return False
        find: Find = self._find
        return test is None or self._once(id(test), lambda: test(entity, find))

    def _once(self, key: int, evaluate: Callable[[], bool]) -> bool:
        if key not in self._known:
            self._known[key] = evaluate()
        return self._known[key]

    def _find(self, uri: str) -> Entity | None:
        if uri not in self._linked:
            raw = self._store.get(uri)
            self._linked[uri] = None if raw is None else orjson.loads(raw)
        return self._linked[uri]
