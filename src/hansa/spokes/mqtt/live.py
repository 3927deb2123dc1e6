"""Messages into the store, beat by beat, and what can be said about who is silent.

Every message is a write of its own, so that history has them all. An entity that has said nothing for too
long gets the mark ``stale``. A message that the broker had kept and sends again is passed over. What could
not be written is taken again with the next beat.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hansa.kernel.errors import BadRequest
from hansa.spokes.mqtt.listen import Line, Listener, broker_for, trust_for
from hansa.spokes.mqtt.map import Message, TopicMap
from hansa.spokes.plain import prop
from hansa.spokes.port import Beat, EntityReader, Plain, Refusal, Task, WayOut
from hansa.spokes.quality import Complaints, Silence

__all__ = ["MessagesJob"]

_REMEMBERED: Final = 100_000
"""Topics and entities of which the last message is remembered."""

_BACKLOG_PAUSE: Final = 0.02


class MessagesJob:
    """See :class:`hansa.spokes.port.LiveJob`."""

    longest_pause = 5.0

    def __init__(self, task: Task, entities: EntityReader, out: WayOut) -> None:
        options = task.options
        document = task.facts.get("mapping", {}).get("json")
        if not isinstance(document, dict):
            raise BadRequest(task.source_id, "has lost its mapping", "import it again")
        silence = timedelta(seconds=float(options.get("silence", 900.0)))
        self._map = TopicMap(document, "the mapping", task.namespace, silence)
        self._interval = max(float(options.get("interval", 1.0)), 0.05)
        self._quiet = Silence(silence)
        self._complaints = Complaints("messages were not understood")
        self._losses = Complaints("messages were lost")
        self._heard: OrderedDict[str, tuple[datetime, str]] = OrderedDict()
        self._last: OrderedDict[str, int] = OrderedDict()
        self._unheard = [
            (entity["id"], type)
            for type in self._map.types
            for entity in entities.of_type(type)
            if entity.get("quality") != "stale"
        ]
        self._lost = 0
        self._unwritten: list[Message] = []
        self._offset = timedelta()
        line = Line(
            out,
            broker_for(task.source, options),
            trust_for(options),
            self._map.filters,
            int(str(options.get("qos", "1"))),
        )
        self._late = line.late
        self._listener = Listener(line, self._clock)

    @property
    def interval(self) -> float:
        """Seconds until the next beat; almost none while messages wait, here or at the broker."""
        waiting = len(self._listener.box) > (0 if self._late else 100)
        return _BACKLOG_PAUSE if waiting else self._interval

    def close(self) -> None:
        """End the connection."""
        self._listener.close()

    def beat(self, moment: datetime) -> Beat:
        """See :meth:`hansa.spokes.port.LiveJob.beat`."""
        self._offset = moment - datetime.now(UTC)
        for id, type in self._unheard:
            self._heard[id] = moment, type
        self._unheard = []
        messages = self._unwritten = self._unwritten or self._listener.box.empty()
        if not messages and self._listener.fault is not None:
            raise self._listener.fault
        notes: list[str] = []
        kept = [item for message in messages if (item := self._item(message)) is not None]
        kept += self._stale(moment)
        if messages:
            self._quiet.heard(moment)
        self._count_losses(moment)
        health = self._quiet.health(moment, notes)
        self._complaints.tell(moment, notes)
        self._losses.tell(moment, notes)
        return Beat(kept=kept, partial=True, notes=notes, health=health)

    def written(self) -> None:
        """See :class:`hansa.spokes.port.LiveJob`."""
        for message in self._unwritten:
            _remember(self._last, message.topic, hash(message.payload))
        self._listener.acknowledge(self._unwritten)
        self._unwritten = []

    def _clock(self) -> datetime:
        """The node clock's present time, as the last beat told it."""
        return datetime.now(UTC) + self._offset

    def _item(self, message: Message) -> Plain | None:
        if message.retained and self._last.get(message.topic) == hash(message.payload):
            return None
        item = self._map.item(message)
        if isinstance(item, Refusal):
            self._complaints.add(message.arrived, str(item))
            return None
        if item is not None and item["quality"]["value"] != "stale":
            _remember(self._heard, item["id"], (message.arrived, str(item["type"])))
        return item

    def _stale(self, now: datetime) -> list[Plain]:
        """Marks for the entities whose last message has become too old."""
        found: list[Plain] = []
        while self._heard:
            id, (when, type) = next(iter(self._heard.items()))
            if now - when <= self._quiet.limit:
                break
            del self._heard[id]
            found.append({"id": id, "type": type, "quality": prop("stale")})
        return found

    def _count_losses(self, now: datetime) -> None:
        lost = self._listener.box.dropped + self._listener.too_large
        if lost > self._lost:
            large = "some were too large" if self._listener.too_large else "they came too fast"
            self._losses.add(now, large, lost - self._lost)
            self._lost = lost


def _remember(known: OrderedDict[str, Any], key: str, value: Any) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > _REMEMBERED:
        known.popitem(last=False)
