"""What may still be told when a notification goes out: its subscriber's sight may have changed since it was written.

What a subscriber may see is asked when a change is matched, and once more for each attempt to send. If it is what it was
for a while before the notification was put into the outbox, that stays as it is; else it is cut. Each entity in it is
judged as it is now here; one that is not here (any more), as it is told; where that does not say enough, it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from hansa.hub.notify.endpoint import GEO_JSON
from hansa.hub.subscriptions.eyes import Eyes, Sighted
from hansa.hub.subscriptions.model import Subscription
from hansa.kernel.errors import HansaError
from hansa.ngsild.context import Context
from hansa.ngsild.expand import Rules, expand_fragment
from hansa.ngsild.model import LOCATION, Entity
from hansa.ngsild.query import Seen
from hansa.store.outbox import Notice, Queued
from hansa.store.port import Reader

__all__ = ["Leave", "Left"]

Left = tuple[Notice, Subscription]
"""A notification as it may go out, and the subscription with what its receiver is to be told besides."""

_HEADER: Final = "Hansa-Obligations"

_SETTLING: Final = 60_000_000
"""Microseconds: what was matched just before a change of sight may be put into the outbox just after it."""

_MOST: Final = 10_000
_MEMBERS: Final = frozenset(
    {"id", "type", "scope", "@context", "createdAt", "modifiedAt", "deletedAt", "expiresAt"}
)


class Leave:
    """Knows what the owners of subscriptions may be told now.

    Args:
        eyes: what an owner may see.
        store: of the tenant.
        now: the time [microseconds since 1970].
    """

    def __init__(self, eyes: Eyes, store: Reader, now: Callable[[], int]) -> None:
        self._eyes, self._store, self._now = eyes, store, now
        self._since: dict[bytes, tuple[Seen | None, int]] = {}

    def look(self, owner: Mapping[str, Any], store: Reader) -> Sighted | None:
        """What an owner sees; since when it is that much is remembered."""
        sight = self._eyes(owner, store)
        seen = None if sight is None else sight.seen
        name = orjson.dumps(owner, option=orjson.OPT_SORT_KEYS)
        known = self._since.get(name)
        if known is None or (known[0] is not seen and known[0] != seen):
            if len(self._since) >= _MOST:
                self._since.clear()
            self._since[name] = seen, self._now()
        return sight

    def left(self, row: Queued, subscription: Subscription) -> Left | None:
        """What may be told of a notification, and to which obligations; ``None``: nothing."""
        owner = subscription.owner
        sight = None if owner is None else self.look(owner, self._store)
        if owner is None or sight is None:
            return row.notice, subscription
        notice: Notice | None = row.notice
        name = orjson.dumps(owner, option=orjson.OPT_SORT_KEYS)
        if row.made <= self._since[name][1] + _SETTLING:
            notice = self._cut(row.notice, subscription, sight)
        return None if notice is None else (notice, _obliged(subscription, sight.obligations))

    def _cut(self, notice: Notice, subscription: Subscription, sight: Sighted) -> Notice | None:
        whole = orjson.loads(notice.body)
        data = whole["data"]
        entities = data["features"] if isinstance(data, dict) else data
        cut = _Cut(subscription, sight, self._store)
        left = [each for entity in entities if (each := cut.entity(entity)) is not None]
        if left == entities:
            return notice
        if not left:
            return None
        whole["data"] = {**data, "features": left} if isinstance(data, dict) else left
        return replace(notice, body=orjson.dumps(whole))


def _obliged(subscription: Subscription, obligations: str) -> Subscription:
    """The subscription, whose receiver is told its obligations, too."""
    if not obligations:
        return subscription
    endpoint = subscription.endpoint
    others = [pair for pair in endpoint.receiver if pair[0].lower() != _HEADER.lower()]
    told = replace(endpoint, receiver=(*others, (_HEADER, obligations)))
    return replace(subscription, endpoint=told)


class _Cut:
    """Cuts entities as they stand in a notification."""

    def __init__(self, subscription: Subscription, sight: Sighted, store: Reader) -> None:
        self._context: Context = subscription.context
        self._geo = subscription.endpoint.accept == GEO_JSON
        self._deep = subscription.show.join is not None
        self._sight, self._store = sight, store

    def entity(self, told: dict[str, Any]) -> dict[str, Any] | None:
        """What is left of an entity."""
        if not self._geo:
            return self._members(told, told)
        inner = told.get("properties") or {}
        left = self._members(inner, {"id": told["id"], **inner})
        if left is None:
            return None
        hidden = self._context.compact(LOCATION) not in left
        return {**told, "properties": left} | ({"geometry": None} if hidden else {})

    def _members(self, members: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any] | None:
        names = {self._context.expand(name): name for name in members if name not in _MEMBERS}
        shown = self._sight.allowed(whole["id"], self._known(whole), frozenset(names))
        if shown is None:
            return None
        kept = {name for iri, name in names.items() if iri in shown}
        left = {k: v for k, v in members.items() if k in _MEMBERS or k in kept}
        return {k: self._linked(v) for k, v in left.items()} if self._deep else left

    def _known(self, whole: dict[str, Any]) -> Entity:
        """The entity as it is here, or what is told of it."""
        raw = self._store.get(whole["id"])
        if raw is not None:
            found: Entity = orjson.loads(raw)
            return found
        types = whole.get("type", [])
        names = [types] if isinstance(types, str) else types
        least = {"id": whole["id"], "type": [self._context.expand(name) for name in names]}
        try:
            plain = {k: v for k, v in whole.items() if k != "@context"}
            return {**expand_fragment(plain, Rules(self._context, nulls=True)), **least}
        except HansaError:  # simplified values do not say what they are
            return least

    def _linked(self, value: Any) -> Any:
        """A value, in which whatever looks like an entity is cut as one."""
        if isinstance(value, list):
            return [left for each in value if (left := self._linked(each)) is not None]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("id"), str) and "type" in value:
            return self._members(value, value)
        return {name: self._linked(each) for name, each in value.items()}
