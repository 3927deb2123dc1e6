"""An OpenStreetMap file as elements with tags and geometry, read by pyosmium.

In this order: one pass over the relations shows whether the file can be read to its end, and which
multipolygons to expect; then nodes, ways and areas that bear one of the wanted keys are yielded, nodes
first. An extract is cut somewhere: a way that runs out of it keeps what is inside, and an area that
does is closed along the edge; one of which too little is left is reported as incomplete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from shapely.geometry import Polygon

from hansa.kernel.errors import BadRequest, MissingExtra
from hansa.spokes.plain import DECIMALS
from hansa.spokes.port import Plain
from hansa.spokes.source import SourceFile, damaged

__all__ = ["Element", "Extract"]

Kind = Literal["node", "way", "relation"]

_FAULTS: Final = (RuntimeError, OSError, UnicodeDecodeError)
_SUFFIXES: Final = (".pbf", ".osm", ".osm.bz2", ".osm.gz", ".osh")


@dataclass(frozen=True, slots=True)
class Element:
    """A node, a way as a line, or an area made of a way or a relation.

    Attributes:
        geometry: GeoJSON; ``None`` when the element's outline is incomplete in this extract.
        is_area: whether the geometry encloses something.
        is_cut: whether parts of the line lie outside the extract.
    """

    kind: Kind
    id: int
    tags: Mapping[str, str]
    geometry: Plain | None
    is_area: bool = False
    is_cut: bool = False

    @property
    def name(self) -> str:
        """Kind and number, as in ``way-17361610``."""
        return f"{self.kind}-{self.id}"


class Extract:
    """One file.

    Args:
        keys: an element is of interest when it bears one of these.
        area_keys: a closed way or multipolygon with one of these encloses an area.

    Raises:
        MissingExtra: pyosmium is not installed.
        BadRequest: the file is none of OpenStreetMap, or it is cut short.
    """

    def __init__(self, file: SourceFile, keys: Sequence[str], area_keys: frozenset[str]) -> None:
        self.label = file.label
        self._path = file.path
        self._keys = keys
        self._area_keys = area_keys
        try:
            import osmium
        except ImportError:
            raise MissingExtra(file.label, "osmium", "osm") from None
        self._osmium = osmium
        self._faults = (*_FAULTS, osmium.InvalidLocationError)
        if not file.path.name.endswith(_SUFFIXES):
            raise BadRequest(file.label, "is not named like an OpenStreetMap file", "use .osm.pbf")
        self.box: tuple[float, float, float, float] | None = None
        self._expected = self._look_over()

    def _look_over(self) -> dict[int, dict[str, str]]:
        """The multipolygon relations of interest; reads the file to its end."""
        osmium = self._osmium
        try:
            with osmium.io.Reader(str(self._path), osmium.osm.NOTHING) as reader:
                box = reader.header().box()
            if box.valid():
                low, high = box.bottom_left, box.top_right
                self.box = (low.lon, low.lat, high.lon, high.lat)
            found = {}
            for relation in osmium.FileProcessor(str(self._path), osmium.osm.RELATION):
                tags = dict(relation.tags)
                if tags.get("type") == "multipolygon" and not self._area_keys.isdisjoint(tags):
                    found[relation.id] = tags
        except self._faults as fault:
            raise damaged(self.label, "OpenStreetMap file", fault) from fault
        return found

    def elements(self) -> Iterator[Element]:
        """Everything of interest: nodes, then ways, then areas.

        Raises:
            BadRequest: the file turns out to be damaged.
        """
        osmium = self._osmium
        expected = dict(self._expected)
        try:
            processor = (
                osmium.FileProcessor(str(self._path))
                .with_areas()
                .with_locations()
                .with_filter(osmium.filter.KeyFilter(*self._keys))
            )
            for thing in processor:
                if thing.is_node():
                    yield _node(thing)
                elif thing.is_way():
                    yield from self._way(thing)
                elif thing.is_area():
                    element = _area(thing)
                    if element.kind == "relation":
                        expected.pop(element.id, None)
                    yield element
        except self._faults as fault:
            raise damaged(self.label, "OpenStreetMap file", fault) from fault
        for id, tags in expected.items():
            yield Element("relation", id, tags, None, is_area=True)

    def _way(self, way: Any) -> Iterator[Element]:
        tags = dict(way.tags)
        nodes = [node.location for node in way.nodes]
        known = [location.valid() for location in nodes]
        if not all(known) and way.is_closed() and not self._area_keys.isdisjoint(tags):
            inside = [_position(location) for location in nodes if location.valid()]
            yield Element("way", way.id, tags, _clipped(inside), is_area=True, is_cut=True)
        parts = _runs(nodes, known)
        if not parts:
            return
        geometry: Plain = {"type": "LineString", "coordinates": parts[0]}
        if len(parts) > 1:
            geometry = {"type": "MultiLineString", "coordinates": parts}
        yield Element("way", way.id, tags, geometry, is_cut=not all(known))


def _clipped(inside: list[list[float]]) -> Plain | None:
    """The area of a way of which only these points are in the extract, closed along its edge."""
    if len({tuple(point) for point in inside}) < 3:
        return None
    ring = inside if inside[0] == inside[-1] else [*inside, inside[0]]
    polygon = Polygon(ring)
    if not polygon.is_valid or not polygon.area:
        return None
    return {"type": "Polygon", "coordinates": [ring]}


def _runs(nodes: Sequence[Any], known: Sequence[bool]) -> list[list[list[float]]]:
    """The stretches of a way between nodes that are in the extract, of two different points or more."""
    runs: list[list[list[float]]] = [[]]
    for location, is_known in zip(nodes, known, strict=True):
        if not is_known:
            runs.append([])
            continue
        point = _position(location)
        if runs[-1][-1:] != [point]:
            runs[-1].append(point)
    return [run for run in runs if len(run) > 1]


def _position(location: Any) -> list[float]:
    return [round(location.lon, DECIMALS), round(location.lat, DECIMALS)]


def _node(node: Any) -> Element:
    geometry = {"type": "Point", "coordinates": _position(node.location)}
    return Element("node", node.id, dict(node.tags), geometry)


def _area(area: Any) -> Element:
    polygons = []
    for outer in area.outer_rings():
        rings = [outer, *area.inner_rings(outer)]
        polygons.append([[_position(node.location) for node in ring] for ring in rings])
    geometry: Plain = {"type": "MultiPolygon", "coordinates": polygons}
    if len(polygons) == 1:
        geometry = {"type": "Polygon", "coordinates": polygons[0]}
    kind: Kind = "way" if area.from_way() else "relation"
    return Element(kind, area.orig_id(), dict(area.tags), geometry, is_area=True)
