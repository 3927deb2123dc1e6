"""What the node knows about its city as a whole: totals, extent, kinds, sources, names.

Everything is worked out from the store and kept until an entity of a type involved changes, so that a
page costs the same with a hundred entities or a million.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

import numpy as np
import orjson
import shapely

from hansa.kernel.errors import NotFound
from hansa.ngsild.model import LOCATION, Entity
from hansa.ngsild.query import AttributePath, Or, Order, Query, TypeName
from hansa.spokes.provenance import VANISHED_AT
from hansa.store.port import Feature, Reader
from hansa.web.freshness import Freshness, Kept
from hansa.web.pages.measures import Box, class_bounds, main_part
from hansa.web.pages.names import FOOTWAYS, MAIN_ROADS
from hansa.web.pages.sources import Source, source_from
from hansa.web.pages.values import text
from hansa.web.shell.site import Site
from hansa.web.tiles.projection import area_km2

__all__ = ["EVERYWHERE", "GONE", "Facts", "Kind", "Roads", "Zones"]

EVERYWHERE: Final = (-180.0, -90.0, 180.0, 90.0)
GONE: Final = (VANISHED_AT,)
"""What its source no longer has bears this; it is neither counted, nor listed, nor drawn as present."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The entities of one type.

    Attributes:
        iri, term: the type's full and short name.
        count: how many there are, without those that their source no longer has.
        gone: how many their source no longer has.
        attributes: short names of their attributes, with the kinds of attribute seen.
    """

    iri: str
    term: str
    count: int
    attributes: dict[str, list[str]]
    gone: int = 0


@dataclass(frozen=True, slots=True)
class Zones:
    """People by zone: number of zones, all their people, lower bounds of density classes [1/km²].

    `observed` is when people were counted, as the newest zone says it.
    """

    count: int = 0
    people: float = 0.0
    breaks: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    observed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Roads:
    """Length of all streets, without ways on foot, and of the main ones [km]."""

    count: int = 0
    km: float = 0.0
    main_km: float = 0.0
    sources: tuple[str, ...] = ()


class Facts:
    """The city at a glance. One instance serves all requests; safe to use from any thread."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def store(self) -> Reader:
        """The store as the public may read it."""
        return self._site.store

    @cached_property
    def freshness(self) -> Freshness:
        """How fresh each type is."""
        node = self._site.node
        return Freshness(node.feed(), mark=node.gate.public_mark)

    @cached_property
    def kept(self) -> Kept:
        """What is kept between requests."""
        return Kept(self.freshness)

    def kinds(self) -> list[Kind]:
        """Every type with its number of entities, the largest first."""
        counts: dict[str, int] = {}
        gone: dict[str, int] = {}
        attributes: dict[str, dict[str, set[str]]] = {}
        for shape in self.store.shapes():
            for iri in shape.types:
                into = gone if VANISHED_AT in shape.attributes else counts
                into[iri] = into.get(iri, 0) + shape.count
                seen = attributes.setdefault(iri, {})
                for name, kinds in shape.attributes.items():
                    seen.setdefault(self._site.term(name), set()).update(kinds)
        found = [
            Kind(
                iri,
                self._site.term(iri),
                counts.get(iri, 0),
                {name: sorted(kinds) for name, kinds in seen.items()},
                gone.get(iri, 0),
            )
            for iri, seen in attributes.items()
        ]
        return sorted(found, key=lambda kind: (-kind.count, kind.term))

    def kind(self, term: str) -> Kind:
        """One type, by its short or full name.

        Raises:
            NotFound: there is no entity of that type.
        """
        found = next((kind for kind in self.kinds() if term in (kind.term, kind.iri)), None)
        if found is None:
            raise NotFound(
                f"type {term[:100]}",
                "has no entities on this node",
                "the Data page lists the types that are here",
            )
        return found

    def count(self, *terms: str) -> int:
        """How many entities have one of these types (those of the first that has any)."""
        counts = {kind.term: kind.count for kind in self.kinds()}
        return next((counts[term] for term in terms if counts.get(term)), 0)

    def newest(self, iri: str) -> datetime | None:
        """When an entity of that type changed last, in the city's time zone."""

        def look() -> datetime | None:
            latest = Order(AttributePath(("modifiedAt",)), descending=True)
            page = self.store.query(Query(types=TypeName(iri), order=(latest,), limit=1))
            return (
                self._site.local(orjson.loads(page.documents[0])["modifiedAt"])
                if page.documents
                else None
            )

        return self.kept.get(f"newest {iri}", [iri], look)

    def zones(self) -> Zones:
        """People and density over all zones."""
        types = [self._site.iri("TransportZone")]
        return self.kept.get("zones", types, lambda: self._zones(types))

    def _zones(self, types: Sequence[str]) -> Zones:
        features = self._features(types, "population", "importedFrom")
        counted = [(f, f.values[0]) for f in features if isinstance(f.values[0], int | float)]
        if not counted:
            return Zones(len(features))
        areas = area_km2(shapely.from_wkb([f.wkb for f, _ in counted]))
        people = np.array([value for _, value in counted], dtype=np.float64)
        density = people[areas > 0] / areas[areas > 0]
        return Zones(
            len(features),
            float(people.sum()),
            class_bounds(density),
            _sources(features, 1),
            self._counted_at(types[0]),
        )

    def _counted_at(self, iri: str) -> datetime | None:
        """The newest ``observedAt`` of the people of a zone."""
        people = self._site.iri("population")
        latest = Order(AttributePath((people, "observedAt")), descending=True)
        page = self.store.query(Query(types=TypeName(iri), order=(latest,), limit=1))
        instances = [i for d in page.documents for i in orjson.loads(d).get(people, [])]
        said = [i["observedAt"] for i in instances if "observedAt" in i]
        return self._site.local(said[0]) if said else None

    def roads(self) -> Roads:
        """Length of the streets, without the virtual links of a model."""
        types = [self._site.iri("RoadSegment")]
        return self.kept.get("roads", types, lambda: self._roads(types))

    def _roads(self, types: Sequence[str]) -> Roads:
        features = self._features(types, "length", "roadClass", "isVirtual", "importedFrom")
        km = main = 0.0
        count = 0
        for feature in features:
            length, road_class, virtual, _ = feature.values
            if virtual or road_class in FOOTWAYS or not isinstance(length, int | float):
                continue
            count += 1
            km += length / 1000
            main += length / 1000 if road_class in MAIN_ROADS else 0.0
        return Roads(count, km, main, _sources(features, 3))

    def bounds(self) -> Box | None:
        """The part of the world to show first [degrees]; ``None`` when nothing has a place.

        Where people live, if that is known; else the middle of the first kind that is there.
        """
        for term in ("TransportZone", "RoadSegment", "Building", "GtfsStop", "PointOfInterest"):
            if box := self._box_of(f"bounds {term}", [self._site.iri(term)]):
                return box
        return self._box_of("bounds", [kind.iri for kind in self.kinds()])

    def _box_of(self, key: str, types: Sequence[str]) -> Box | None:
        return self.kept.get(key, types, lambda: self._bounds(types))

    def _bounds(self, types: Sequence[str]) -> Box | None:
        features = self._features(types, "population")
        if not features:
            return None
        boxes = shapely.bounds(shapely.from_wkb([f.wkb for f in features]))
        people = [f.values[0] if isinstance(f.values[0], int | float) else 0 for f in features]
        weights = np.array(people, dtype=np.float64) if any(people) else np.ones(len(features))
        return main_part(boxes, weights)

    def sources(self) -> list[Source]:
        """Every source that this node was filled from, in order of their first import."""
        iri = self._site.iri("DataSource")
        return self.kept.get("sources", [iri], lambda: self._sources(iri))

    def _sources(self, iri: str) -> list[Source]:
        page = self.store.query(Query(types=TypeName(iri), limit=1000))
        return [
            source_from(orjson.loads(document), self._site.iri, self._site.local)
            for document in page.documents
        ]

    def source_of(self, *terms: str) -> Source | None:
        """The source of the entities of one of these types, as an example of them says it."""
        by_id = {source.id: source for source in self.sources()}
        for term in terms:
            iri = self._site.iri(term)
            found = by_id.get(self.kept.get(f"source {iri}", [iri], lambda i=iri: self._example(i)))  # type: ignore[misc]
            if found:
                return found
        return None

    def _example(self, iri: str) -> str:
        page = self.store.query(Query(types=TypeName(iri), limit=1))
        if not page.documents:
            return ""
        return text(orjson.loads(page.documents[0]), self._site.iri("importedFrom"))

    def _features(self, types: Sequence[str], *terms: str) -> list[Feature]:
        values = [self._site.iri(term) for term in terms]
        return self.store.features(types, EVERYWHERE, values, LOCATION, without=GONE)

    def entities(self, ids: Iterable[str]) -> dict[str, Entity]:
        """The entities of these identifiers that are here."""
        wanted = tuple(filter(None, dict.fromkeys(ids)))
        if not wanted:
            return {}
        page = self.store.query(Query(ids=wanted, limit=len(wanted)))
        return {entity["id"]: entity for entity in map(orjson.loads, page.documents)}

    def of_types(self, terms: Iterable[str], limit: int) -> list[Entity]:
        """Entities of any of these types that their source still has, in order of creation."""
        names = tuple(TypeName(self._site.iri(term)) for term in terms)
        page = self.store.query(Query(types=Or(names), without=GONE, limit=limit))
        return [orjson.loads(document) for document in page.documents]


def _sources(features: Sequence[Feature], column: int) -> tuple[str, ...]:
    """The different sources of some features, in order."""
    return tuple(dict.fromkeys(str(f.values[column]) for f in features if f.values[column]))
