"""Reading the past of entities: one of them, or those that match a query (clauses 5.7.3 and 5.7.4).

What a temporal query means, in this order:

1. the temporal query leaves only instances inside its window; an entity without any is left out;
2. q, the geoquery and the scope query are then asked of these instances (:mod:`.temporal_match`);
3. datasets are chosen, and attributes without instances of them are left out;
4. of each attribute the last N are kept.

Candidates are taken in order of their identifiers, some at a time, until a page is full. An attribute
never brings more instances than an answer may hold, plus one that tells that there are more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from typing import Final

from hansa.hub.expiry import is_over
from hansa.hub.temporal_match import Match
from hansa.kernel.clock import micros
from hansa.ngsild.collation import collation_key
from hansa.ngsild.query import Query
from hansa.ngsild.temporal import TemporalFilter, TimeProperty
from hansa.store.history import SCOPE, Head, Heads, Moment, Selection, Source

__all__ = ["Ask", "Found", "Past", "every", "find", "past_of"]

_CHUNK: Final = 100


@dataclass(frozen=True, slots=True)
class Ask:
    """What of the past is asked for.

    Attributes:
        along: the time that the window, the order and `last` mean.
        filter: the window; None for any time.
        timed: whether instances without that time are left out.
        last: only so many of the newest instances of each attribute.
        attributes: only these (IRIs, or ``scope``); None for all.
        datasets: only instances of these datasets; None for all.
        most: the most instances that an answer holds.
        bare: whether it is enough to know which attributes have any instances.
        now: the present instant; what has expired by then is left out.
    """

    along: TimeProperty = "observedAt"
    filter: TemporalFilter | None = None
    timed: bool = False
    last: int | None = None
    attributes: frozenset[str] | None = None
    datasets: frozenset[str] | None = None
    most: int = 10_000
    bare: bool = False
    now: str = ""

    @property
    def since(self) -> int | None:
        """The beginning of the window [microseconds]."""
        since = None if self.filter is None else self.filter.since
        return None if since is None else micros(since)

    @property
    def until(self) -> int | None:
        """The end of the window [microseconds]."""
        until = None if self.filter is None else self.filter.until
        return None if until is None else micros(until)

    def selection(self, ids: Iterable[str]) -> Selection:
        """Every instance in the window, of whatever attribute and dataset."""
        timed = self.timed or self.filter is not None
        return Selection(
            tuple(ids), property=self.along, since=self.since, until=self.until, timed=timed
        )

    def shown(self, ids: Iterable[str]) -> Selection:
        """The instances that may be shown, and one more where there are too many."""
        chosen = replace(self.selection(ids), attributes=self.attributes, datasets=self.datasets)
        if self.last is None:
            return replace(chosen, first=self.most + 1)
        return replace(chosen, last=min(self.last, self.most + 1))


@dataclass(slots=True)
class Past:
    """An entity with those of its instances that are asked for, by attribute, oldest first.

    ``emptied`` are attributes (with their kind) whose instances did not fit into the answer.
    """

    head: Head
    series: dict[str, list[Moment]] = field(default_factory=dict)
    emptied: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Found:
    """A page of entities, whether there are more, and, if wanted, how many match in all."""

    entities: list[Past]
    more: bool = False
    total: int | None = None


def past_of(source: Source, id: str, ask: Ask) -> Past | None:
    """The past of one entity, or None if there is no such entity (clause 5.7.3)."""
    head = next(source.heads(Heads(ids=(id,))), None)
    if head is None or (source.head(id) is None and head.deleted is not None):
        return None
    if ask.bare:
        return _named(source, ask, [head]).get(id, Past(head))
    return Past(head, _by_attribute(source.series(ask.shown([id])), ask))


def _named(source: Source, ask: Ask, heads: Iterable[Head]) -> dict[str, Past]:
    """Entities with the names of their attributes that have instances, and none of these."""
    found = {head.id: Past(head) for head in heads}
    chosen = replace(
        ask.selection(found), attributes=ask.attributes, datasets=ask.datasets, summed=True
    )
    for span in source.spans(chosen):
        found[span.entity].series[span.attribute] = []
    return {id: past for id, past in found.items() if past.series}


def find(source: Source, wanted: Query, ask: Ask) -> Found:
    """One page of the entities that match (clause 5.7.4)."""
    match = Match(source, wanted, ask.selection(()))
    page: list[Past] = []
    seen = 0
    for past in _matching(source, wanted, ask, match):
        seen += 1
        if wanted.offset < seen <= wanted.offset + wanted.limit:
            page.append(past)
        elif seen > wanted.offset + wanted.limit and not wanted.count:
            return Found(page, more=True)
    more = seen > wanted.offset + wanted.limit
    return Found(page, more, seen if wanted.count else None)


def every(source: Source, wanted: Query, ask: Ask) -> Iterator[Past]:
    """All entities that match, a few at a time."""
    return _matching(source, wanted, ask, Match(source, wanted, ask.selection(())))


def _matching(source: Source, wanted: Query, ask: Ask, match: Match) -> Iterator[Past]:
    """Every entity that matches, with what is shown of it."""
    heads = _heads(source, wanted)
    fit = (head for head in heads if match.head(head))
    size = max(wanted.limit + 1, 1) if not match.looks_inside else _CHUNK
    while chunk := list(islice(fit, min(size, _CHUNK))):
        if match.looks_inside:
            yield from _looked_into(source, ask, match, chunk)
        else:
            yield from _taken(source, ask, chunk)


def _heads(source: Source, wanted: Query) -> Iterator[Head]:
    """The candidates by their identifiers: code point by code point, or as a collation has it (4.23.3)."""
    order = wanted.order[0] if wanted.order else None
    backwards = order is not None and order.descending
    found = source.heads(Heads(ids=wanted.ids, types=wanted.types, backwards=backwards))
    if order is None or order.collation is None:
        return found
    key = collation_key(order.collation)
    return iter(sorted(found, key=lambda head: key(head.id), reverse=backwards))


def _taken(source: Source, ask: Ask, chunk: list[Head]) -> Iterator[Past]:
    """Entities of which any instance in the window is enough."""
    if ask.bare:
        yield from _named(source, ask, chunk).values()
        return
    ids = [head.id for head in chunk]
    moments = source.series(ask.shown(ids))
    found = {id: _by_attribute(same, ask) for id, same in groupby(moments, key=_entity)}
    chosen = ask.datasets is not None
    missing = [id for id in ids if id not in found]
    others = (
        set()
        if chosen or not missing
        else {span.entity for span in source.spans(ask.selection(missing))}
    )
    for head in chunk:
        if found.get(head.id) or head.id in others:
            yield Past(head, found.get(head.id, {}))


def _looked_into(source: Source, ask: Ask, match: Match, chunk: list[Head]) -> Iterator[Past]:
    """Entities whose instances in the window must satisfy a filter."""
    heads = {head.id: head for head in chunk}
    wanted = ask.selection(heads)
    passed = []
    for id, same in groupby(source.series(wanted), key=_entity):
        if match.inside(heads[id], _by_attribute(same, ask)):
            passed.append(id)
    left = [heads[id] for id in heads if id in set(passed)]
    if left and match.scope is not None:
        yield from (_scoped(source, ask, match, head) for head in left)
    elif left:
        yield from _taken(source, ask, left)


def _scoped(source: Source, ask: Ask, match: Match, head: Head) -> Past:
    """An entity with what happened while it was in the scopes asked for, and with these scopes.

    The specification shows it so by an example (annex C.5.16).
    """
    chosen = replace(ask.selection([head.id]), attributes=ask.attributes, datasets=ask.datasets)
    spells = match.spells(head.id)
    found: dict[str, list[Moment]] = {}
    if ask.attributes is None or SCOPE in ask.attributes:
        found[SCOPE] = [spell.moment for spell in spells]
    for moment in source.series(chosen):
        if moment.attribute != SCOPE and any(spell.covers(moment) for spell in spells):
            found.setdefault(moment.attribute, []).append(moment)
    last, most = ask.last, ask.most + 1
    for name, moments in found.items():
        kept = [moment for moment in moments if not is_over(moment.instance, ask.now)]
        found[name] = kept[:most] if last is None else kept[-min(last, most) :]
    return Past(head, found)


def _by_attribute(moments: Iterable[Moment], ask: Ask) -> dict[str, list[Moment]]:
    found: dict[str, list[Moment]] = {}
    for moment in moments:
        if not is_over(moment.instance, ask.now):
            found.setdefault(moment.attribute, []).append(moment)
    scopes = found.pop(SCOPE, None)
    return found if scopes is None else {SCOPE: scopes, **found}


def _entity(moment: Moment) -> str:
    return moment.entity
