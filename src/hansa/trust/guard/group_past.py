"""The past of groups: a source of history that has sums of whole days, and no single value.

Its *heads* are groups in place of entities. A cell is one attribute (and dataset) of one group on one day (UTC), by the
time at which values were observed; it is told only if enough entities have a value in it. Other lengths of time are
refused: a day could be subtracted from a week, a window from one that is a second longer.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from typing import Final, NamedTuple

from hansa.kernel.errors import BadRequest, Forbidden
from hansa.ngsild.query import Seen
from hansa.ngsild.temporal import Duration
from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import Tally
from hansa.store.history import SCOPE, Bucket, Head, Heads, Moment, Selection, Source, Span
from hansa.store.within import has_types
from hansa.trust.guard.past import GuardedSource
from hansa.trust.guard.sieve import Sieve
from hansa.trust.guard.witness import Notes
from hansa.trust.principals import PUBLIC

__all__ = ["GroupSource", "Layer", "group_id"]

_DAY: Final = Duration(0, timedelta(days=1))
_MICROS: Final = 86_400_000_000
_CHUNK: Final = 500
_SILENT: Final = Notes(None, PUBLIC, (), Sieve(Seen()))


def group_id(types: Collection[str]) -> str:
    """What the group of the entities of these types is called."""
    named = "\n".join(sorted(types)).encode()
    return f"urn:hansa:group:{hashlib.sha256(named).hexdigest()[:24]}"


class Layer(NamedTuple):
    """What may be summed up, to groups of how many entities at least."""

    sieve: Sieve
    least: int


@dataclass(slots=True)
class _Cell:
    tally: Tally
    entities: int = 1
    last: str = ""


@dataclass(slots=True)
class _Group:
    types: tuple[str, ...]
    members: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By the number of a layer, the entities."""


class GroupSource:
    """Implements :class:`~hansa.store.history.Source` over another one.

    Args:
        source: all of the past.
        layers: what may be summed up; the smallest groups first.
        present: an entity as it is now, serialised.
        notes: where it is put down that something was asked.
        refusal: the error for whoever asks for something single.
    """

    def __init__(
        self,
        source: Source,
        layers: Sequence[Layer],
        present: Callable[[str], bytes | None],
        notes: Notes,
        refusal: Callable[[str], Forbidden],
    ) -> None:
        self._layers, self._notes, self._refusal = layers, notes, refusal
        self._sources = [GuardedSource(source, layer.sieve, present, _SILENT) for layer in layers]
        self._groups: dict[str, _Group] | None = None

    # -- groups -------------------------------------------------------------------------------------

    def heads(self, wanted: Heads) -> Iterator[Head]:
        """The groups, in order of their identifiers."""
        groups = self._all()
        for id in wanted.ids:
            self._check(id)
        for id in sorted(groups, reverse=wanted.backwards):
            types = groups[id].types
            if wanted.ids and id not in wanted.ids:
                continue
            if wanted.types is not None and not has_types(types, wanted.types):
                continue
            after = wanted.after
            if after is None or (id < after if wanted.backwards else id > after):
                yield Head(id, types)

    def head(self, id: str) -> Head | None:
        """The head of one group."""
        self._check(id)
        found = self._all().get(id)
        return None if found is None else Head(id, found.types)

    def _check(self, id: str) -> None:
        if not id.startswith("urn:hansa:group:"):
            raise self._refusal(f"entity {id[:200]}")

    def _all(self) -> dict[str, _Group]:
        """The groups that are large enough for one of the layers."""
        if self._groups is None:
            found: dict[str, _Group] = {}
            for number, source in enumerate(self._sources):
                for head in source.heads(Heads()):
                    id = group_id(head.types)
                    group = found.setdefault(id, _Group(tuple(sorted(head.types))))
                    group.members[number].append(head.id)
            self._groups = {id: group for id, group in found.items() if self._is_enough(group)}
        return self._groups

    def _is_enough(self, group: _Group) -> bool:
        return any(
            len(group.members[number]) >= layer.least for number, layer in enumerate(self._layers)
        )

    # -- what is known of them ----------------------------------------------------------------------

    def spans(self, wanted: Selection) -> Iterator[Span]:
        """Which attributes have values of enough entities; how many and when is not told."""
        self._check_question(wanted)
        for id in wanted.entities:
            group = self._all().get(id)
            if group is not None:
                for attribute in sorted(self._attributes(group, wanted)):
                    yield Span(id, attribute, 1, 0, 0)

    def _attributes(self, group: _Group, wanted: Selection) -> set[str]:
        found: set[str] = set()
        for number, (source, layer) in enumerate(zip(self._sources, self._layers, strict=True)):
            having: dict[str, set[str]] = defaultdict(set)
            for chosen in _chunks(wanted, group.members[number]):
                for span in source.spans(replace(chosen, summed=True)):
                    having[span.attribute].add(span.entity)
            found |= {name for name, ids in having.items() if len(ids) >= layer.least}
        return found - {SCOPE}

    def series(self, wanted: Selection) -> Iterator[Moment]:
        """Refused: these are single values."""
        raise self._refusal("single values")

    def tallies(
        self, wanted: Selection, periods: Periods, *, distinct: bool = False
    ) -> Iterator[Bucket]:
        """The sums of each day, without extremes, which are single values."""
        self._check_question(wanted)
        _check_days(wanted, periods)
        groups = self._all()
        self._notes.kinds(
            sorted({t for id in wanted.entities if id in groups for t in groups[id].types})
        )
        for id in wanted.entities:
            if id in groups:
                yield from self._summed(id, groups[id], wanted, periods, distinct)

    def _summed(
        self, id: str, group: _Group, wanted: Selection, periods: Periods, distinct: bool
    ) -> Iterator[Bucket]:
        told: dict[tuple[str, str, int], Bucket] = {}
        for number, layer in enumerate(self._layers):
            cells = self._cells(number, group, wanted, periods, distinct)
            for (attribute, dataset, period), cell in cells.items():
                if cell.entities >= layer.least and cell.tally.is_finite:
                    key = attribute, dataset or "", period
                    without = replace(cell.tally, low=None, high=None, first=None, last=None)
                    told.setdefault(key, Bucket(id, attribute, dataset, period, without))
        for key in sorted(told):
            yield told[key]

    def _cells(
        self, number: int, group: _Group, wanted: Selection, periods: Periods, distinct: bool
    ) -> dict[tuple[str, str | None, int], _Cell]:
        found: dict[tuple[str, str | None, int], _Cell] = {}
        for chosen in _chunks(wanted, group.members[number]):
            for bucket in self._sources[number].tallies(chosen, periods, distinct=distinct):
                key = bucket.attribute, bucket.dataset, bucket.period
                cell = found.get(key)
                if cell is None:
                    found[key] = _Cell(bucket.tally, last=bucket.entity)
                    continue
                cell.tally.add(bucket.tally)
                cell.entities += cell.last != bucket.entity
                cell.last = bucket.entity
        return found

    def _check_question(self, wanted: Selection) -> None:
        if wanted.last is not None or wanted.first is not None or wanted.instance is not None:
            raise self._refusal("the newest values")
        if wanted.property != "observedAt":
            raise _refused(
                f"timeproperty '{wanted.property}'",
                "would sum up by another time what is summed up by day of observation",
                "leave timeproperty out",
            )


def _chunks(wanted: Selection, ids: Sequence[str]) -> Iterator[Selection]:
    rest = iter(ids)
    while chunk := tuple(islice(rest, _CHUNK)):
        yield replace(wanted, entities=chunk)


def _check_days(wanted: Selection, periods: Periods) -> None:
    if periods.duration != _DAY:
        raise _refused("aggrPeriodDuration", "is not one day", "write aggrPeriodDuration=P1D")
    edges = (periods.origin, wanted.since or 0, wanted.until or 0)
    if any(edge % _MICROS for edge in edges):
        raise _refused(
            "the temporal query",
            "begins or ends within a day",
            "let timeAt and endTimeAt be 00:00:00Z of a day",
        )


def _refused(subject: str, fact: str, remedy: str) -> BadRequest:
    return BadRequest(subject, f"{fact}: groups are summed up by whole days (UTC)", remedy)
