"""Search by name: an index in memory of what has a name, without regard to case and accents."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import shapely

from hansa.ngsild.model import LOCATION
from hansa.web.pages.facts import EVERYWHERE, GONE, Facts
from hansa.web.shell.site import Site

__all__ = ["Match", "Names", "fold"]

MOST: Final = 12
"""Matches that are shown."""

_CLOSE: Final = 0.003
"""Parts of one name that are no further apart than this are one thing [degrees], about 300 m."""

_ORDER: Final = {
    name: place
    for place, name in enumerate(
        ("OSMPlace", "GtfsRoute", "GtfsStation", "GtfsStop", "PointOfInterest", "TransportZone")
    )
}
_LEFT_OUT: Final = frozenset({"Vehicle", "RoadNode", "GtfsTrip", "GtfsShape", "GtfsService"})


@dataclass(frozen=True, slots=True)
class Match:
    """A name, the type of what bears it, and all that do and lie together: a street's segments."""

    name: str
    term: str
    ids: tuple[str, ...]

    @property
    def id(self) -> str:
        """The one that stands for all: of the segments of a street the middle one."""
        return self.ids[len(self.ids) // 2]


@dataclass(frozen=True, slots=True)
class Bearers:
    """All of a type that bear a name, wherever they are: identifiers and places (WKB)."""

    name: str
    term: str
    parts: list[tuple[str, bytes]]

    def matches(self) -> Iterator[Match]:
        """Those that lie together as one, the largest group first."""
        return (Match(self.name, self.term, ids) for ids in _together(self.parts))


class Names:
    """The names of the city."""

    def __init__(self, site: Site, facts: Facts) -> None:
        self._site = site
        self._facts = facts

    def find(self, query: str) -> list[Match]:
        """The best matches: whole names first, then beginnings, then words, then anything inside."""
        wanted = fold(query)
        ranked = [
            (rank, _ORDER.get(found.term, 99), len(folded), folded, found)
            for folded, found in self._index()
            if (rank := _rank(folded, wanted)) is not None
        ]
        ranked.sort(key=lambda entry: entry[:4])
        matches = (match for entry in ranked[:MOST] for match in entry[-1].matches())
        return list(islice(matches, MOST))

    def parts(self, id: str, name: str) -> tuple[str, ...]:
        """An entity of a name with all that lie together with it, as the segments of a street do."""
        wanted = fold(name)
        same = (found for folded, found in self._index() if folded == wanted)
        groups = (match.ids for found in same for match in found.matches())
        return next((ids for ids in groups if id in ids), (id,))

    def _index(self) -> list[tuple[str, Bearers]]:
        terms = [
            kind.term
            for kind in self._facts.kinds()
            if "name" in kind.attributes and kind.term not in _LEFT_OUT
        ]
        types = [self._site.iri(term) for term in terms]
        return self._facts.kept.get("names", types, lambda: list(self._read(terms)))

    def _read(self, terms: list[str]) -> Iterator[tuple[str, Bearers]]:
        name_iri = self._site.iri("name")
        for term in terms:
            found: dict[str, list[tuple[str, bytes]]] = {}
            for id, name, wkb in self._named(term, name_iri):
                found.setdefault(name, []).append((id, wkb))
            for name, parts in found.items():
                yield fold(name), Bearers(name, term, parts)

    def _named(self, term: str, name_iri: str) -> Iterator[tuple[str, str, bytes]]:
        """What has a name, with its place (WKB; empty where it has none)."""
        iri = self._site.iri(term)
        features = self._facts.store.features([iri], EVERYWHERE, [name_iri], LOCATION, without=GONE)
        seen = False
        for feature in features:
            seen = True
            if isinstance(feature.values[0], str):
                yield feature.id, feature.values[0], feature.wkb
        if not seen:
            for entity in self._facts.of_types([term], limit=5_000):
                value = entity.get(name_iri, [{}])[0].get("value")
                if isinstance(value, str):
                    yield entity["id"], value, b""


def _together(parts: list[tuple[str, bytes]]) -> list[tuple[str, ...]]:
    """Parts of one name, those that lie close together in one group; larger groups first."""
    ids = [id for id, _ in parts]
    if len(ids) == 1 or not parts[0][1]:
        return [tuple(ids)]
    shapes = shapely.from_wkb([wkb for _, wkb in parts])
    group = list(range(len(ids)))
    pairs = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=_CLOSE)
    for one, other in pairs.T.tolist():
        if group[one] != group[other]:
            old, new = group[one], group[other]
            group = [new if g == old else g for g in group]
    found: dict[int, list[str]] = {}
    for id, g in zip(ids, group, strict=True):
        found.setdefault(g, []).append(id)
    return sorted(map(tuple, found.values()), key=len, reverse=True)


def _rank(folded: str, wanted: str) -> int | None:
    at = folded.find(wanted)
    if at < 0:
        return None
    if at == 0:
        return 0 if len(folded) == len(wanted) else 1
    return 2 if f" {wanted}" in folded else 3


def fold(text: str) -> str:
    """Lower case without accents, for comparing names."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in split if not unicodedata.combining(c)).strip()
