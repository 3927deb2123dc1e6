"""GTFS: timetables of public transport, and the vehicles that run by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hansa.spokes.gtfs.live import TransitJob
from hansa.spokes.gtfs.map import FeedMap
from hansa.spokes.gtfs.read import Feed, read_feed
from hansa.spokes.manifest import Manifest, load_manifest
from hansa.spokes.plain import prop
from hansa.spokes.port import About, EntityReader, Fetch, Item, Options, Task
from hansa.spokes.source import Bundle, open_bundle

__all__ = ["SPOKE", "GtfsSpoke"]


class GtfsSpoke:
    """Reads a feed as a whole, because its files refer to each other, then maps it."""

    manifest: Manifest = load_manifest(__name__)

    def open(self, source: str, namespace: str, options: Options) -> FeedReading:
        """See :meth:`hansa.spokes.port.Spoke.open`."""
        bundle = open_bundle(source)
        try:
            return FeedReading(bundle, namespace, options)
        finally:
            bundle.close()

    def live(self, task: Task, entities: EntityReader, fetch: Fetch) -> TransitJob:
        """See :meth:`hansa.spokes.port.LiveSpoke.live`."""
        return TransitJob(task, entities, fetch)


class FeedReading:
    """A feed that has been read; see :class:`hansa.spokes.port.Reading`."""

    def __init__(self, bundle: Bundle, namespace: str, options: Options) -> None:
        self._feed = read_feed(bundle, options["timezone"])
        self._map = FeedMap(self._feed, namespace)
        self.total: int | None = len(self._map) + len(self._feed.refusals)
        self.about = _describe(self._feed, bundle)

    def items(self) -> Iterator[Item]:
        """See :meth:`hansa.spokes.port.Reading.items`."""
        yield from self._feed.refusals
        yield from self._map.entities()

    def close(self) -> None:
        """The files were closed as soon as they had been read."""


def _describe(feed: Feed, bundle: Bundle) -> About:
    names = [agency.get("agency_name") for agency in feed.agencies.values()]
    publisher = feed.info.get("feed_publisher_name") if feed.info else ""
    first = next(iter(feed.agencies.values()))
    about = About(
        title=f"Timetable of {', '.join(names)}",
        attribution=publisher or ", ".join(names),
        url=(feed.info.get("feed_publisher_url") if feed.info else "") or first.get("agency_url"),
        file=bundle.label,
        digest=bundle.digest(),
        notes=list(feed.notes),
    )
    if (period := feed.calendar.period) is not None:
        about.facts["timetableStarts"] = prop(period[0].isoformat())
        about.facts["timetableEnds"] = prop(period[1].isoformat())
        about.notes.append(
            f"The timetable is valid from {period[0]} to {period[1]}; after that, vehicles replay it "
            "by day of the week, and say so."
        )
    return about


SPOKE: Final = GtfsSpoke()
