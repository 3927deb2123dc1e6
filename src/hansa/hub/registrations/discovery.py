"""Which registrations a query for sources finds (clause 5.10.2), and which sources a query may use (csf).

Context source queries (csf, clause 4.9) look at the properties of a source that its registration has,
and at those of Table 5.2.9-1 that are texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import re2

from hansa.hub.registrations.matching import Wanted, parts
from hansa.hub.registrations.model import Info, Registration
from hansa.hub.registrations.reading import own_properties
from hansa.ngsild.geo import relate
from hansa.ngsild.geojson import from_geojson
from hansa.ngsild.model import ENTITY_MEMBERS, NGSI_LD
from hansa.ngsild.query import And, Compare, Exists, Filter, GeoFilter, Or, Query, ScopeFilter
from hansa.ngsild.scope import in_scope
from hansa.ngsild.temporal import TemporalFilter, parse_datetime
from hansa.store.meaning import instance_test

__all__ = ["Search", "found", "may_lie_there", "remembers", "sources_match", "wanted_of"]

_PLACES: Final = ("location", "observationSpace", "operationSpace")
_TEXTS: Final = "endpoint mode registrationName description contextSourceAlias tenant refreshRate expiresAt".split()


@dataclass(frozen=True, slots=True)
class Search:
    """A query for registrations."""

    wanted: Wanted
    csf: Filter | None = None
    scope: ScopeFilter | None = None
    geo: GeoFilter | None = None
    temporal: TemporalFilter | None = None


def wanted_of(query: Query) -> Wanted:
    """The entities and attributes that a query is about; those in q and the geoquery count too."""
    names = set(query.attributes)
    names |= {name for name in _first_names(query.q) if name not in ENTITY_MEMBERS}
    if query.geo is not None:
        names.add(query.geo.attribute)
    return Wanted(query.ids, query.id_pattern, query.types, frozenset(names))


def found(
    registrations: Iterable[Registration], search: Search
) -> Iterator[tuple[Registration, list[Info]]]:
    """The registrations that match, each with what of its information does."""
    for registration in registrations:
        if not _fits(registration, search):
            continue
        infos = [i for i in registration.infos if _info_matches(registration, i, search.wanted)]
        if infos:
            yield registration, infos


def remembers(registration: Registration, window: TemporalFilter | None) -> bool:
    """Whether the source of a registration may know of a period; one that names none may."""
    return not registration.temporal or window is None or _in_time(registration.record, window)


def may_lie_there(registration: Registration, geo: GeoFilter | None) -> bool:
    """Whether the source of a registration may have what a geoquery asks for (5.2.9).

    One that does not say where its entities are may; so may any where it cannot be known.
    """
    member = None if geo is None else _place_of(geo)
    place = None if member is None else registration.record.get(member)
    if geo is None or place is None or geo.relation == "disjoint":
        return True
    place = from_geojson(place)
    if geo.relation != "near":
        return bool(place.intersects(geo.geometry))
    return geo.max_distance is None or relate(replace(geo, min_distance=None), place)


def sources_match(registration: Registration, csf: Filter | None) -> bool:
    """Whether a context source query holds for the source of a registration."""
    if csf is None:
        return True
    if isinstance(csf, And):
        return all(sources_match(registration, part) for part in csf.parts)
    if isinstance(csf, Or):
        return any(sources_match(registration, part) for part in csf.parts)
    return _term_holds(csf, registration.record)


def _term_holds(term: Compare | Exists, record: Mapping[str, Any]) -> bool:
    name = term.path.names[0]
    values = own_properties(dict(record))
    values |= {NGSI_LD + member: record[member] for member in _TEXTS if member in record}
    if name not in values:
        return False
    value = values[name]
    if isinstance(value, dict) and value.get("type") == "Property" and "value" in value:
        value = value["value"]
    test = instance_test(term, lambda pattern, text: bool(re2.search(pattern, text)))
    return bool(test([{"type": "Property", "value": value}]))


def _fits(registration: Registration, search: Search) -> bool:
    record = registration.record
    if (search.temporal is not None) is not registration.temporal:
        return False
    return (
        (search.temporal is None or _in_time(record, search.temporal))
        and (search.geo is None or _in_place(record, search.geo))
        and (search.scope is None or in_scope(search.scope, list(record.get("scope", ()))))
        and sources_match(registration, search.csf)
    )


def _info_matches(registration: Registration, info: Info, wanted: Wanted) -> bool:
    single = Registration(
        registration.id,
        registration.mode,
        registration.operations,
        (info,),
        registration.source,
        registration.datasets,
    )
    return next(parts(single, wanted), None) is not None


def _in_time(record: Mapping[str, Any], wanted: TemporalFilter) -> bool:
    """Whether the interval that belongs to the temporal property meets the period asked for.

    Before an instant means everything up to it, so that a source whose interval began earlier may have
    some of it, even if the interval ended since; and the other way round after an instant.
    """
    observed = wanted.attribute == "observedAt"
    interval = record.get("observationInterval" if observed else "managementInterval")
    if interval is None:
        return False
    start = parse_datetime(interval["startAt"])
    end = parse_datetime(interval["endAt"]) if "endAt" in interval else None
    since, until = wanted.since, wanted.until
    return (until is None or start <= until) and (since is None or end is None or end >= since)


def _in_place(record: Mapping[str, Any], geo: GeoFilter) -> bool:
    """Whether the place of a source has, or may hold places that have, the relation asked for."""
    member = _place_of(geo)
    if member is None or member not in record:
        return False
    place = from_geojson(record[member])
    if relate(geo, place):
        return True
    if geo.relation == "disjoint":
        return not geo.geometry.contains(place)
    return bool(place.area > 0 and geo.relation != "contains" and place.intersects(geo.geometry))


def _place_of(geo: GeoFilter) -> str | None:
    return next((m for m in _PLACES if geo.attribute == NGSI_LD + m), None)


def _first_names(q: Filter | None) -> Iterator[str]:
    if isinstance(q, And | Or):
        for part in q.parts:
            yield from _first_names(part)
    elif q is not None:
        yield q.path.names[0]
