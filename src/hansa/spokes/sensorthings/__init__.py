"""OGC SensorThings: Things, their Datastreams and what these observe."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from hansa.spokes.manifest import Manifest, load_manifest
from hansa.spokes.port import About, EntityReader, Fetch, Item, Options, Place, Refusal, Task
from hansa.spokes.sensorthings.live import SensorsJob, whole
from hansa.spokes.sensorthings.map import read_thing
from hansa.spokes.sensorthings.read import SensorService
from hansa.spokes.service import Service, begun

__all__ = ["SPOKE", "SensorThingsSpoke"]


class SensorThingsSpoke:
    """Takes every Thing in with its newest results; the live job goes on from there."""

    manifest: Manifest = load_manifest(__name__)

    def reach(
        self, source: str, namespace: str, options: Options, out: Fetch, now: datetime
    ) -> SensorsReading:
        """See :meth:`hansa.spokes.port.RemoteSpoke.reach`."""
        service = Service(source, out, str(options["header"]))
        return SensorsReading(
            SensorService(service, str(options["filter"])), namespace, options, now
        )

    def live(self, task: Task, entities: EntityReader, out: Fetch, /) -> SensorsJob:
        """See :meth:`hansa.spokes.port.LiveSpoke.live`."""
        return SensorsJob(task, entities, out)


class SensorsReading:
    """A service whose first page was read; see :class:`hansa.spokes.port.Reading`."""

    total: int | None = None

    def __init__(
        self, service: SensorService, namespace: str, options: Options, now: datetime
    ) -> None:
        self._namespace = namespace
        self._type = str(options["type"])
        self._silence = timedelta(seconds=float(options["silence"]))
        self._now = now
        self._things = begun(service.things())
        self.about = About(title=f"Sensors of {service.host}")

    def items(self) -> Iterator[Item]:
        """See :meth:`hansa.spokes.port.Reading.items`."""
        for number, data in enumerate(self._things, 1):
            try:
                thing = read_thing(data, self._type, self._namespace)
            except ValueError as fault:
                yield Refusal(Place("Things", element=f"Thing {number}"), str(fault))
                continue
            yield whole(thing, self._now, self._silence)

    def close(self) -> None:
        """Nothing is held open."""


SPOKE: Final = SensorThingsSpoke()
