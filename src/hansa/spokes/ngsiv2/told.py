"""Being told by an NGSIv2 broker what changed, by a subscription of ours.

The broker is given an address of this node that nobody else knows. What comes there is believed no more than
an answer: it must name our subscription, and each entity must be of a type that was asked for. The
subscription ends by itself when it is not prolonged, so that a node that is gone is told nothing for ever.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from hansa.kernel.errors import BadRequest, HansaError
from hansa.spokes.ngsiv2.read import OldBroker
from hansa.spokes.port import WayOut

__all__ = ["Told", "checked_base"]

_LASTS: Final = 3
"""How many times as long as it takes to prolong it a subscription lasts."""


def checked_base(text: str) -> str:
    """The address at which a broker reaches this node, without a final slash; empty if none is given.

    Raises:
        BadRequest: it is none.
    """
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise BadRequest(
            "option 'subscribe'",
            f"{text[:80]!r} is not an address",
            "give that at which the broker reaches this node, like https://node.example.org",
        )
    return text.rstrip("/")


class Told:
    """A subscription at a broker, and what it brings.

    Args:
        base: where the broker reaches this node.
        every: how often the subscription is prolonged.
    """

    def __init__(self, broker: OldBroker, out: WayOut, base: str, every: timedelta) -> None:
        self._broker, self._out = broker, out
        self._box = out.mailbox()
        self._url = base + self._box.path
        self._every = every
        self._subscription: str | None = None

    @property
    def is_on(self) -> bool:
        """Whether the broker has the subscription, as far as is known."""
        return self._subscription is not None

    def keep(self, now: datetime) -> None:
        """See that the broker has the subscription for a while.

        Raises:
            HansaError: it does not take it.
        """
        until = now + _LASTS * self._every
        there, self._subscription = self._subscription, None
        if there is not None and self._broker.prolong(self._out, there, until):
            self._subscription = there
        else:
            self._subscription = self._broker.subscribe(self._out, self._url, until)

    def take(self) -> tuple[list[Any], list[str], bool]:
        """The entities that were told of, what was wrong with other things, and whether some was missed."""
        found, missed = self._box.empty()
        entities: list[Any] = []
        faults: list[str] = []
        for content in found:
            for entity, fault in self._entities(content):
                if fault:
                    faults.append(fault)
                else:
                    entities.append(entity)
        return entities, faults, missed

    def _entities(self, content: Any) -> Iterator[tuple[Any, str]]:
        name = (self._subscription or "").rpartition("/")[2]
        data = content.get("data") if isinstance(content, dict) else None
        if not isinstance(data, list) or content.get("subscriptionId") != name:
            yield None, "a notification that is not of our subscription"
            return
        for entity in data:
            type = entity.get("type") if isinstance(entity, dict) else None
            if self._broker.types and type not in self._broker.types:
                yield None, f"an entity of type {str(type)[:60]!r}, which was not asked for"
            else:
                yield entity, ""

    def close(self) -> None:
        """Take in nothing more, and end the subscription if the broker can be reached."""
        self._box.close()
        if self._subscription is not None:
            with contextlib.suppress(HansaError):
                self._broker.end(self._out, self._subscription)
