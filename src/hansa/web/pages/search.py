"""Search by name: an index in memory of what has a name, without regard to case and accents."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hansa.ngsild.model import LOCATION
from hansa.web.pages.facts import EVERYWHERE, GONE, Facts
from hansa.web.shell.site import Site

__all__ = ["Match", "Names", "fold"]

MOST: Final = 12
"""Matches that are shown."""

_ORDER: Final = {
    name: place
    for place, name in enumerate(
        ("OSMPlace", "GtfsRoute", "GtfsStation", "GtfsStop", "PointOfInterest", "TransportZone")
    )
}
_LEFT_OUT: Final = frozenset({"Vehicle", "RoadNode", "GtfsTrip", "GtfsShape", "GtfsService"})


@dataclass(frozen=True, slots=True)
class Match:
    """Something that bears a name; `count` entities of its type bear the same."""

    name: str
    term: str
    id: str
    count: int = 1


class Names:
    """The names of the city."""

    def __init__(self, site: Site, facts: Facts) -> None:
        self._site = site
        self._facts = facts

    def find(self, query: str) -> list[Match]:
        """The best matches: whole names first, then beginnings, then words, then anything inside."""
        wanted = fold(query)
        ranked = [
            (rank, _ORDER.get(match.term, 99), len(folded), folded, match)
            for folded, match in self._index()
            if (rank := _rank(folded, wanted)) is not None
        ]
        ranked.sort(key=lambda entry: entry[:4])
        return [entry[-1] for entry in ranked[:MOST]]

    def _index(self) -> list[tuple[str, Match]]:
        terms = [
            kind.term
            for kind in self._facts.kinds()
            if "name" in kind.attributes and kind.term not in _LEFT_OUT
        ]
        types = [self._site.iri(term) for term in terms]
        return self._facts.kept.get("names", types, lambda: list(self._read(terms)))

    def _read(self, terms: list[str]) -> Iterator[tuple[str, Match]]:
        name_iri = self._site.iri("name")
        for term in terms:
            found: dict[str, list[str]] = {}
            for id, name in self._named(term, name_iri):
                found.setdefault(name, []).append(id)
            for name, ids in found.items():
                # Of the many segments of a street the middle one stands for it.
                yield fold(name), Match(name, term, ids[len(ids) // 2], len(ids))

    def _named(self, term: str, name_iri: str) -> Iterator[tuple[str, str]]:
        iri = self._site.iri(term)
        features = self._facts.store.features([iri], EVERYWHERE, [name_iri], LOCATION, without=GONE)
        seen = False
        for feature in features:
            seen = True
            if isinstance(feature.values[0], str):
                yield feature.id, feature.values[0]
        if not seen:
            for entity in self._facts.of_types([term], limit=5_000):
                value = entity.get(name_iri, [{}])[0].get("value")
                if isinstance(value, str):
                    yield entity["id"], value


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
