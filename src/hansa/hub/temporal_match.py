"""Whether an entity matches a temporal query, by its instances in the window (clause 5.7.4.4).

q is asked of all instances in the window: a term holds if any of them satisfies it. A geoquery likewise
looks at the instances of its GeoProperty there; without any it does not hold, not even ``disjoint``. A
scope is valid from when it was set until it was replaced or removed (clause 4.18), so a scope query
also looks at what was set before the window and still held when it began.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Any, NamedTuple

import re2

from hansa.kernel.errors import BadRequest, HansaError
from hansa.ngsild.geo import relate
from hansa.ngsild.geojson import from_geojson
from hansa.ngsild.model import ENTITY_MEMBERS, Entity
from hansa.ngsild.query import And, Filter, GeoFilter, Or, Query, Selector, TypeFilter
from hansa.ngsild.repair import mended
from hansa.ngsild.scope import in_scope
from hansa.store.history import SCOPE, Head, Moment, Selection, Source, order_of
from hansa.store.meaning import instance_test, member_test

__all__ = ["Match"]

Series = Mapping[str, Sequence[Moment]]


class Match:
    """The conditions of a query, to be asked of one entity after the other.

    Args:
        source: where scopes before the window are looked up.
        wanted: the query.
        window: the window as a selection.
    """

    def __init__(self, source: Source, wanted: Query, window: Selection) -> None:
        self._source, self._wanted, self._window = source, wanted, window
        self._q = None if wanted.q is None else _test(wanted.q)
        self.scope = wanted.scope
        self.looks_inside = bool(wanted.q or wanted.geo or wanted.scope or wanted.attributes)

    def head(self, head: Head) -> bool:
        """Whether identifier and types are among those asked for."""
        pattern, selectors = self._wanted.id_pattern, self._wanted.selectors
        if pattern is not None and not _matches(pattern, head.id):
            return False
        return not selectors or any(_selects(selector, head) for selector in selectors)

    def inside(self, head: Head, series: Series) -> bool:
        """Whether the instances in the window satisfy the filters."""
        wanted = self._wanted
        if wanted.attributes and not any(name in series for name in wanted.attributes):
            return False
        if not any(series.values()):
            return False
        if self._q is not None and not self._q(_as_entity(head, series)):
            return False
        if wanted.geo is not None and not _is_there(wanted.geo, series):
            return False
        return wanted.scope is None or bool(self.spells(head.id))

    def spells(self, id: str) -> list[Spell]:
        """When, in the window, the entity was in the scopes asked for."""
        if self.scope is None:
            return []
        window = self._window
        whole = Selection((id,), frozenset({SCOPE}), property=window.property)
        moments = list(self._source.series(whole))
        held: list[Spell] = []
        for moment, following in zip_longest(moments, moments[1:]):
            end = None if following is None else order_of(following)[2]
            spell = Spell(moment, order_of(moment)[2], end)
            value = moment.instance["value"]
            scopes = value if isinstance(value, list) else [value]
            if spell.meets(window) and scopes and in_scope(self.scope, scopes):
                held.append(spell)
        return held


class Spell(NamedTuple):
    """A time in which an entity had the same scopes: from `begin` until it ended, if it has."""

    moment: Moment
    begin: int
    end: int | None

    def meets(self, window: Selection) -> bool:
        """Whether it has an instant in common with the window."""
        started = window.until is None or self.begin < window.until
        return started and (self.end is None or window.since is None or self.end > window.since)

    def covers(self, moment: Moment) -> bool:
        """Whether something happened meanwhile."""
        time = order_of(moment)[2]
        return self.begin <= time and (self.end is None or time < self.end)


def _as_entity(head: Head, series: Series) -> Entity:
    times = {"createdAt": head.created, "modifiedAt": head.modified, "deletedAt": head.deleted}
    return {
        "id": head.id,
        "type": list(head.types),
        **{name: time for name, time in times.items() if time is not None},
        **{name: [m.instance for m in moments] for name, moments in series.items()},
    }


def _test(tree: Filter) -> Callable[[Entity], bool]:
    if isinstance(tree, And | Or):
        parts = [_test(part) for part in tree.parts]
        join = all if isinstance(tree, And) else any
        return lambda entity: join(part(entity) for part in parts)
    name = tree.path.names[0]
    if name in ENTITY_MEMBERS:
        return member_test(tree, _matches)
    ask = instance_test(tree, _matches)
    return lambda entity: name in entity and ask(entity[name])


def _is_there(geo: GeoFilter, series: Series) -> bool:
    found = (m.instance for m in series.get(geo.attribute, ()))
    places: list[Any] = [i["value"] for i in found if i["type"] == "GeoProperty"]
    return any(_relates(geo, place) for place in places if isinstance(place, dict))


def _relates(geo: GeoFilter, place: dict[str, Any]) -> bool:
    try:
        return relate(geo, mended(from_geojson(place), "a geometry"))
    except HansaError:  # a tangle that cannot be mended within bounds is nowhere
        return False


def _selects(selector: Selector, head: Head) -> bool:
    if selector.id is not None and selector.id != head.id:
        return False
    if selector.id_pattern is not None and not _matches(selector.id_pattern, head.id):
        return False
    return _is_of(head.types, selector.types)


def _is_of(types: tuple[str, ...], wanted: TypeFilter | None) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, And):
        return all(_is_of(types, part) for part in wanted.parts)
    if isinstance(wanted, Or):
        return any(_is_of(types, part) for part in wanted.parts)
    return wanted.name in types


@lru_cache(maxsize=256)
def _pattern(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        raise BadRequest(f"pattern {text[:80]!r}", str(error), "write it in RE2 syntax") from None


def _matches(pattern: str, text: Any) -> bool | None:
    return _pattern(pattern).search(text) is not None if isinstance(text, str) else None
