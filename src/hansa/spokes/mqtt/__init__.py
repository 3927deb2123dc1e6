"""MQTT: what devices publish, by a mapping file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from hansa.spokes.manifest import Manifest, load_manifest
from hansa.spokes.mqtt.listen import Line, broker_for, collect, trust_for
from hansa.spokes.mqtt.live import MessagesJob
from hansa.spokes.mqtt.map import TopicMap
from hansa.spokes.plain import json_prop
from hansa.spokes.port import About, EntityReader, Item, Options, Place, Refusal, Task, WayOut
from hansa.spokes.table.mapping import load_document

__all__ = ["SPOKE", "MqttSpoke"]


class MqttSpoke:
    """Checks the mapping and the broker; the import itself takes what comes in a few seconds."""

    manifest: Manifest = load_manifest(__name__)

    def reach(
        self, source: str, namespace: str, options: Options, out: WayOut, now: datetime
    ) -> MqttReading:
        """See :meth:`hansa.spokes.port.RemoteSpoke.reach`."""
        return MqttReading(source, namespace, options, out, now)

    def live(self, task: Task, entities: EntityReader, out: WayOut, /) -> MessagesJob:
        """See :meth:`hansa.spokes.port.LiveSpoke.live`."""
        return MessagesJob(task, entities, out)


class MqttReading:
    """What came while the import listened; see :class:`hansa.spokes.port.Reading`."""

    total: int | None = None
    partial = True

    def __init__(
        self, source: str, namespace: str, options: Options, out: WayOut, now: datetime
    ) -> None:
        document, label = load_document(str(options["mapping"]))
        silence = timedelta(seconds=float(options["silence"]))
        self._map = TopicMap(document, label, namespace, silence)
        broker = broker_for(source, options)
        trust = trust_for(options)
        line = Line(out, broker, trust, self._map.filters, int(str(options["qos"])))
        self._messages = collect(line, max(float(options["listen"]), 0.0), now)
        self.about = About(title=f"Messages of {broker.host}")
        self.about.facts["mapping"] = json_prop(document)

    def items(self) -> Iterator[Item]:
        """The newest state of each entity; messages that are not understood are refused."""
        found: dict[str, Item] = {}
        for number, message in enumerate(self._messages):
            item = self._map.item(message)
            if isinstance(item, Refusal):
                found[f"refusal {number}"] = Refusal(Place(item.place.file), item.reason)
            elif item is not None:
                earlier = found.get(item["id"], {})
                found[item["id"]] = {**earlier, **item} if isinstance(earlier, dict) else item
        yield from found.values()

    def close(self) -> None:
        """Nothing is held open."""


SPOKE: Final = MqttSpoke()
