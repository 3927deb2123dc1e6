"""What sources tell of the past of entities, checked, and seen as a source of history (4.5.6 to 4.5.8).

Nothing is trusted before: the same rules hold as for entities (:mod:`.incoming`). An instance whose
source names no identifier for it gets one that depends on what it says alone.

:class:`Elsewhere` then is one more source of the past beside the store (:mod:`hansa.store.history`), so
that windows, filters, the last N and sums mean the same whoever remembers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

import orjson

from hansa.hub.federation.incoming import Contexts, few, invalid, json_in, own_context
from hansa.hub.registrations.matching import Part
from hansa.hub.targets import matches
from hansa.kernel.egress import Response
from hansa.kernel.errors import HansaError
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context
from hansa.ngsild.expand import Rules
from hansa.ngsild.model import Instance
from hansa.ngsild.temporal_input import expand_evolution
from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.values import check_datetime
from hansa.store.history import (
    SCOPE,
    Bucket,
    Head,
    Heads,
    Moment,
    Selection,
    Source,
    Span,
    order_of,
)
from hansa.store.sums import ends_of_each, sum_up
from hansa.store.values import moment

__all__ = ["Elsewhere", "Evolution", "evolutions_in"]

_TIMES: Final = ("createdAt", "modifiedAt", "deletedAt")


@dataclass(frozen=True, slots=True)
class Evolution:
    """The past of one entity, as one source tells it."""

    head: Head
    series: dict[str, list[Instance]] = field(default_factory=dict)


async def evolutions_in(
    answer: Response, part: Part, spoken: Context, contexts: Contexts, depth: int, most: int
) -> tuple[list[Evolution], str | None, int]:
    """The pasts in an answer that may count, of the first `most`; what was wrong with others; and how
    many there were.

    Raises:
        BadRequest: the answer is not a list of temporal entities, nor one.
    """
    found = json_in(answer, depth)
    items = found if isinstance(found, list) else [found]
    contexts = few(contexts)
    evolutions: list[Evolution] = []
    fault: str | None = None
    for item in items[:most]:
        try:
            evolution = await _evolution(item, spoken, contexts)
        except HansaError as error:
            fault = f"an entity in it is not valid ({error.subject}: {error.fact})"[:200]
            continue
        if part.covers(evolution.head.id, evolution.head.types):
            evolutions.append(_within(evolution, part.attributes))
        else:
            fault = "it holds an entity that was not asked for"
    return evolutions, fault, len(items)


async def _evolution(item: Any, spoken: Context, contexts: Contexts) -> Evolution:
    if not isinstance(item, dict):
        raise invalid("it holds something that is no entity")
    context = await own_context(item, spoken, contexts)
    read = expand_evolution(item, Rules(context))
    if read.id is None or not read.types:
        raise invalid("it holds an entity without id or type")
    for name, value in item.items():
        instances = read.attributes.get(name if name == SCOPE else context.expand(name))
        if instances is not None:
            given = value if isinstance(value, list) and len(value) == len(instances) else [value]
            for instance, said in zip(instances, given, strict=False):
                _completed(instance, said if isinstance(said, dict) else {}, read.id, name)
    times = {name: _time(item, name) for name in _TIMES}
    head = Head(read.id, read.types, times["createdAt"], times["modifiedAt"], times["deletedAt"])
    return Evolution(head, read.attributes)


def _completed(instance: Instance, said: dict[str, Any], entity: str, name: str) -> None:
    """Give an instance what its source generated: times and identifier."""
    for member in _TIMES:
        time = _time(said, member)
        if time is not None:
            instance[member] = time
    id = said.get("instanceId")
    if not is_uri(id):
        what = orjson.dumps([entity, name, instance], option=orjson.OPT_SORT_KEYS)
        id = f"urn:ngsi-ld:Instance:{hashlib.blake2b(what, digest_size=12).hexdigest()}"
    instance["instanceId"] = id


def _time(said: dict[str, Any], member: str) -> str | None:
    return None if member not in said else str(check_datetime(said[member], f"member {member}"))


def _within(evolution: Evolution, attributes: frozenset[str]) -> Evolution:
    if not attributes:
        return evolution
    series = {k: v for k, v in evolution.series.items() if k in attributes or k == SCOPE}
    return Evolution(evolution.head, series)


class Elsewhere:
    """The past that sources told of, as a source of history.

    Args:
        told: by those that count beside this node.
        extra: by auxiliary ones, which only add what nobody else knows at that time.
        here: what this node knows of the same entities; a moment that it has is not told twice.
        window: the moments that are looked at.
    """

    def __init__(
        self,
        told: Iterable[Evolution],
        extra: Iterable[Evolution],
        here: Source,
        window: Selection,
    ) -> None:
        self._heads: dict[str, Head] = {}
        self._moments: dict[str, list[Moment]] = {}
        every = [*told, *extra]
        for evolution in every:
            self._know(evolution.head)
        known = {_key(m) for m in here.series(window) if m.time is not None}
        for evolution in every:
            taken = [m for m in _moments(evolution, window) if _key(m) not in known]
            known.update(_key(m) for m in taken if m.time is not None)
            self._moments.setdefault(evolution.head.id, []).extend(taken)
        for moments in self._moments.values():
            moments.sort(key=order_of)

    @staticmethod
    def ids(*groups: Iterable[Evolution]) -> tuple[str, ...]:
        """The identifiers of the entities that were told of."""
        return tuple(dict.fromkeys(each.head.id for group in groups for each in group))

    def _know(self, head: Head) -> None:
        before = self._heads.get(head.id)
        if before is None:
            self._heads[head.id] = head
            return
        self._heads[head.id] = Head(
            head.id,
            tuple(dict.fromkeys((*before.types, *head.types))),
            min((t for t in (before.created, head.created) if t), default=None),
            max((t for t in (before.modified, head.modified) if t), default=None),
            head.deleted if before.deleted else None,
        )

    def heads(self, wanted: Heads) -> Iterator[Head]:
        """The entities with a past, in order of their identifiers."""
        for id in sorted(self._heads, reverse=wanted.backwards):
            head = self._heads[id]
            beyond = wanted.after is not None and (
                id >= wanted.after if wanted.backwards else id <= wanted.after
            )
            meant = not beyond and (not wanted.ids or id in wanted.ids)
            if meant and matches({"type": head.types}, wanted.types):
                yield head

    def head(self, id: str) -> Head | None:
        """The head of one entity; None if nobody told of it."""
        return self._heads.get(id)

    def spans(self, wanted: Selection) -> Iterator[Span]:
        """Counts and ends of each series that has any instance."""
        found = groupby(self._series(wanted), key=lambda m: (m.entity, m.attribute))
        for (entity, attribute), same in found:
            times = [m.time for m in same]
            known = [time for time in times if time is not None]
            ends = (known[0], known[-1]) if known else (None, None)
            yield Span(entity, attribute, len(times), *ends)

    def series(self, wanted: Selection) -> Iterator[Moment]:
        """The instances, in order."""
        return ends_of_each(self._series(wanted), wanted)

    def tallies(
        self, wanted: Selection, periods: Periods, *, distinct: bool = False
    ) -> Iterator[Bucket]:
        """Instances summed up by period."""
        return sum_up(self.series(wanted), periods, distinct=distinct)

    def _series(self, wanted: Selection) -> Iterator[Moment]:
        found = []
        for id in dict.fromkeys(wanted.entities):
            for each in self._moments.get(id, ()):
                instance = each.instance
                made = each._replace(time=moment(instance.get(wanted.property)))
                if (
                    wanted.wants(each.attribute, instance.get("datasetId"))
                    and wanted.holds(made.time)
                    and wanted.instance in (None, instance["instanceId"])
                    and instance["instanceId"] not in wanted.without
                ):
                    found.append(made)
        return iter(sorted(found, key=order_of))


def _moments(evolution: Evolution, window: Selection) -> Iterator[Moment]:
    for attribute, instances in evolution.series.items():
        for instance in instances:
            times = (
                moment(instance.get(each)) for each in ("modifiedAt", "createdAt", "observedAt")
            )
            written = next((time for time in times if time is not None), 0)
            time = moment(instance.get(window.property))
            yield Moment(evolution.head.id, attribute, time, written, instance)


def _key(each: Moment) -> tuple[str, str, str | None, int | None]:
    return each.entity, each.attribute, each.instance.get("datasetId"), each.time
