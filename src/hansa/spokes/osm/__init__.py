"""OpenStreetMap extracts: streets, buildings, places, land cover and water."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hansa.spokes.manifest import Manifest, load_manifest
from hansa.spokes.osm.classes import AREA_KEYS, FURNITURE, KEYS, point_of_interest
from hansa.spokes.osm.coast import Coast
from hansa.spokes.osm.map import Choices, map_element
from hansa.spokes.osm.read import Element, Extract
from hansa.spokes.port import About, Item, Options, Place, Refusal
from hansa.spokes.source import SourceFile, handed_on, open_file

__all__ = ["SPOKE", "OsmSpoke"]


class OsmSpoke:
    """Reads an extract; the sea, which OpenStreetMap only outlines, comes last."""

    manifest: Manifest = load_manifest(__name__)

    def open(self, source: str, namespace: str, options: Options) -> ExtractReading:
        """See :meth:`hansa.spokes.port.Spoke.open`."""
        with handed_on(open_file(source)) as file:
            return ExtractReading(file, namespace, options)


class ExtractReading:
    """An opened extract; see :class:`hansa.spokes.port.Reading`."""

    total: int | None = None

    def __init__(self, file: SourceFile, namespace: str, options: Options) -> None:
        self._file = file
        self._extract = Extract(file, KEYS, AREA_KEYS)
        self._choices = Choices(namespace, options["storey_height"], options["furniture"])
        self._left_out = 0
        self.about = About(
            title=file.label,
            url="https://www.openstreetmap.org/copyright",
            file=file.label,
            digest=file.digest(),
        )

    def items(self) -> Iterator[Item]:
        """See :meth:`hansa.spokes.port.Reading.items`."""
        coast = Coast()
        for element in self._extract.elements():
            if element.kind == "way" and element.tags.get("natural") == "coastline":
                coast.add(element)
            self._count_furniture(element)
            try:
                yield from map_element(element, self._choices)
            except ValueError as fault:
                yield Refusal(Place(self._file.label, element=element.name), str(fault))
        if self._extract.box is not None:
            yield from coast.sea(self._extract.box, self._choices.namespace)
        if self._left_out:
            self.about.notes.append(
                f"{self._left_out} pieces of street furniture (benches, waste baskets ...) were left "
                "out; the option 'furniture' takes them in."
            )

    def _count_furniture(self, element: Element) -> None:
        if not self._choices.furniture and (element.is_area or element.kind == "node"):
            found = point_of_interest(element.tags)
            self._left_out += found is not None and found[1] in FURNITURE

    def close(self) -> None:
        """See :meth:`hansa.spokes.port.Reading.close`."""
        self._file.close()


SPOKE: Final = OsmSpoke()
