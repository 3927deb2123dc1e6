"""GBFS: shared bicycles, scooters and cars, with what is available now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from hansa.kernel.errors import BadRequest
from hansa.spokes.gbfs.live import BikesJob, system_map
from hansa.spokes.gbfs.read import System
from hansa.spokes.manifest import Manifest, load_manifest
from hansa.spokes.members import local_text, text
from hansa.spokes.port import About, EntityReader, Fetch, Item, Options, Task
from hansa.spokes.service import Service

__all__ = ["SPOKE", "GbfsSpoke"]


class GbfsSpoke:
    """Takes stations and zones in; vehicles, which come and go, are left to the live job."""

    manifest: Manifest = load_manifest(__name__)

    def reach(
        self, source: str, namespace: str, options: Options, out: Fetch, now: datetime
    ) -> GbfsReading:
        """See :meth:`hansa.spokes.port.RemoteSpoke.reach`."""
        return GbfsReading(Service(source, out, str(options["header"])), namespace, options, now)

    def live(self, task: Task, entities: EntityReader, out: Fetch, /) -> BikesJob:
        """See :meth:`hansa.spokes.port.LiveSpoke.live`."""
        return BikesJob(task, entities, out)


class GbfsReading:
    """A system that has been looked over; see :class:`hansa.spokes.port.Reading`."""

    total: int | None = None

    def __init__(self, service: Service, namespace: str, options: Options, now: datetime) -> None:
        self._now = now
        self._system = System(service, str(options["language"]), self._now)
        self._map = system_map(self._system, namespace, options, self._now)
        self._zones = bool(options["zones"])
        self.about = self._describe(service)

    def items(self) -> Iterator[Item]:
        """See :meth:`hansa.spokes.port.Reading.items`."""
        information = self._system.feed("station_information", self._now)
        status = self._system.feed("station_status", self._now)
        zones = self._system.feed("geofencing_zones", self._now) if self._zones else None
        try:
            if information is not None:
                states = status.data if status else {}
                yield from self._map.stations(information.data, states, self._now)
            if zones is not None:
                yield from self._map.zones(zones.data)
        except ValueError as fault:
            raise BadRequest("the system's feeds", str(fault), "ask its operator") from None

    def close(self) -> None:
        """Nothing is held open."""

    def _describe(self, service: Service) -> About:
        feed = self._system.feed("system_information", self._now)
        data = feed.data if feed else {}
        try:
            name = local_text(data, "name")
            about = About(
                title=name if isinstance(name, str) else next(iter((name or {}).values()), ""),
                license=text(data, "license_id") or text(data, "license_url") or "",
                attribution=_words(data),
                url=text(data, "url") or "",
            )
        except ValueError as fault:
            raise BadRequest("the feed 'system_information'", str(fault)) from None
        about.title = about.title or f"Shared vehicles at {service.host}"
        about.notes.append(f"GBFS {self._system.version}.")
        return about


def _words(data: object) -> str:
    found = local_text(data, "attribution_organization_name") if isinstance(data, dict) else None
    return found if isinstance(found, str) else next(iter((found or {}).values()), "")


SPOKE: Final = GbfsSpoke()
