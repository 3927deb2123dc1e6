"""The tail: the past that is in the database, out of the change feed and the table of instances.

What an entity's rows of the feed stand for is unfolded in memory; instances that were written as
history are streamed in the order of their index. The two are merged attribute by attribute.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby, islice
from typing import Any, Final

import apsw
import orjson

from hansa.ngsild.model import Instance
from hansa.ngsild.temporal_periods import Periods
from hansa.store.history import Bucket, Head, Heads, Line, Moment, Selection, Span, order_of
from hansa.store.sqlite import evolutions
from hansa.store.sqlite.quick_sums import NUMERIC, can_sum, summed
from hansa.store.sqlite.unfold import FeedRow, id_of, unfold
from hansa.store.sums import added, ends, sum_up
from hansa.store.values import moment

__all__ = ["Tail", "own_id"]

OWN: Final = "urn:ngsi-ld:instance:w"
_FEED: Final = (
    "SELECT seq, at, attributes, aside FROM change WHERE entity = ? AND keep = 1 AND seq <= ?"
    " ORDER BY seq"
)
_NEXT_ATTRIBUTE: Final = "SELECT min(attribute) FROM instance WHERE entity = ? AND attribute > ?"
_DIRECT: Final = (
    "SELECT number, written, origin, body FROM instance"
    " WHERE entity = ? AND attribute = ? AND number <= ?"
)
_LINES: Final = (
    f"SELECT entity, attribute, written, coalesce(origin, '{OWN}' || number), body"
    " FROM instance WHERE number <= ?"
)
_CHANGES: Final = (
    "SELECT entity, seq, at, attributes, aside FROM change WHERE keep = 1 AND seq <= ? ORDER BY seq"
)
_NO_LIMIT: Final = (1 << 63) - 1
_PORTION: Final = 20_000

_COUNT: Final = (
    "SELECT entity, attribute, count(*), min(observed), max(observed) FROM instance"
    " WHERE entity IN carray(?) AND number <= ?"
)
_OTHERS: Final = (
    "SELECT entity, attribute, number, written, origin, body FROM instance"
    " WHERE entity IN carray(?) AND number <= ? AND observed IS NOT NULL"
    f" AND {NUMERIC} IS NOT TRUE"
)
_FEEDS: Final = (
    "SELECT entity, seq, at, attributes, aside FROM change"
    " WHERE entity IN carray(?) AND keep = 1 AND seq <= ?"
)
_TOGETHER: Final = 100
"""Entities that are looked at in one pass."""
_OLDEST: Final = "observed, written, number"
_NEWEST: Final = "observed DESC, written DESC, number DESC LIMIT ?"


def own_id(number: int) -> str:
    """The instanceId of an instance that was written as history."""
    return f"{OWN}{number}"


class Tail:
    """The past as a connection sees it; to be used while its snapshot lasts.

    Args:
        connection: with a snapshot.
        seq, number: the last row of the feed and the last instance that are looked at.
    """

    def __init__(
        self, connection: apsw.Connection, seq: int = _NO_LIMIT, number: int = _NO_LIMIT
    ) -> None:
        self._connection = connection
        self._seq, self._number = seq, number

    def heads(self, wanted: Heads) -> Iterator[Head]:
        """The entities that may have a past, in order of their identifiers."""
        return evolutions.heads(self._connection, wanted)

    def head(self, id: str) -> Head | None:
        """The head of one entity; None if it has no past here."""
        return evolutions.head(self._connection, id)

    def spans(self, wanted: Selection) -> Iterator[Span]:
        """Counts and ends of each series that has any instance."""
        wanted = replace(wanted, last=None, first=None)
        for entities in _portions(wanted):
            feed = self._feeds(entities, wanted)
            counted = {span[:2]: span for span in self._counted(entities, wanted)}
            for series in sorted(feed.keys() | counted.keys()):
                parts = [_span(*series, feed.get(series, ()))]
                if series in counted:
                    parts.append(counted[series])
                firsts = [part.first for part in parts if part.first is not None]
                lasts = [part.last for part in parts if part.last is not None]
                size = sum(part.size for part in parts)
                yield Span(*series, size, min(firsts, default=None), max(lasts, default=None))

    def _counted(self, entities: Sequence[str], wanted: Selection) -> Iterator[Span]:
        """How many instances were written as history; counted in the index where that is enough."""
        if wanted.property != "observedAt" or not _takes_every(wanted):
            for entity in entities:
                for name in self._attributes(entity, wanted):
                    span = _span(entity, name, self._direct(entity, name, wanted))
                    if span.size:
                        yield span
            return
        statement, values = _COUNT, [apsw.carray(tuple(entities)), self._number]
        for bound, comparison in ((wanted.since, ">="), (wanted.until, "<")):
            if bound is not None:
                statement += f" AND observed {comparison} ?"
                values.append(bound)
        if wanted.timed:
            statement += " AND observed IS NOT NULL"
        if wanted.attributes is not None:
            statement += " AND attribute IN carray(?)"
            values.append(apsw.carray(tuple(wanted.attributes)))
        rows: Any = self._connection.execute(statement + " GROUP BY entity, attribute", values)
        for row in rows:
            yield Span(*row)

    def series(self, wanted: Selection) -> Iterator[Moment]:
        """The instances, in order."""
        for entity in sorted(set(wanted.entities)):
            for _, found in self._by_attribute(entity, wanted):
                yield from ends(found, wanted)

    def tallies(
        self, wanted: Selection, periods: Periods, *, distinct: bool = False
    ) -> Iterator[Bucket]:
        """Instances summed up by period; numbers written as history by the database itself."""
        wanted = replace(wanted, timed=True)
        if not can_sum(wanted, distinct=distinct):
            yield from sum_up(self.series(wanted), periods, distinct=distinct)
            return
        for entities in _portions(wanted):
            feed = self._feeds(entities, wanted).values()
            rest = sorted(chain(self._others(entities, wanted), *feed), key=order_of)
            numbers = summed(self._connection, entities, wanted, periods, self._number)
            yield from added(sum_up(rest, periods, distinct=False), numbers)

    def _others(self, entities: Sequence[str], wanted: Selection) -> Iterator[Moment]:
        """The instances written as history that are no numbers."""
        rows = self._connection.execute(_OTHERS, (apsw.carray(tuple(entities)), self._number))
        for entity, name, number, written, origin, body in rows:
            instance = orjson.loads(body)
            instance["instanceId"] = origin or own_id(number)
            made = _moment(entity, name, written, instance, wanted)
            if made is not None:
                yield made

    def _feeds(
        self, entities: Sequence[str], wanted: Selection
    ) -> dict[tuple[str, str], list[Moment]]:
        """The instances in the feed, by entity and attribute."""
        found: dict[tuple[str, str], list[Moment]] = defaultdict(list)
        values = apsw.carray(tuple(entities)), self._seq
        for entity, *row in self._connection.execute(_FEEDS, values):
            for name, instance in unfold(FeedRow(*row)):
                made = _moment(entity, name, row[1], instance, wanted)
                if made is not None:
                    found[entity, name].append(made)
        for moments in found.values():
            moments.sort(key=order_of)
        return found

    def lines(self) -> Iterator[list[Line]]:
        """All instances as they lie there, in portions; what is in the feed is unfolded."""
        rows = self._connection.execute(_LINES, (self._number,))
        while portion := list(islice(rows, _PORTION)):
            yield portion
        changes = self._connection.execute(_CHANGES, (self._seq,))
        while part := list(islice(changes, _PORTION)):
            yield [line for entity, *row in part for line in _unfolded(entity, FeedRow(*row))]

    # -- one entity --------------------------------------------------------------------------------

    def _by_attribute(
        self, entity: str, wanted: Selection
    ) -> Iterator[tuple[str, Iterator[Moment]]]:
        feed = self._feed(entity, wanted)
        for name in self._names(entity, feed, wanted):
            direct = self._direct(entity, name, wanted)
            yield name, heapq.merge(feed.get(name, ()), direct, key=order_of)

    def _names(self, entity: str, feed: dict[str, list[Moment]], wanted: Selection) -> list[str]:
        return sorted(set(feed).union(self._attributes(entity, wanted)))

    def _feed(self, entity: str, wanted: Selection) -> dict[str, list[Moment]]:
        found: dict[str, list[Moment]] = defaultdict(list)
        for row in self._connection.execute(_FEED, (entity, self._seq)):
            for name, instance in unfold(FeedRow(*row)):
                made = _moment(entity, name, row[1], instance, wanted)
                if made is not None:
                    found[name].append(made)
        for moments in found.values():
            moments.sort(key=order_of)
        return found

    def _attributes(self, entity: str, wanted: Selection) -> Iterator[str]:
        """The attributes with instances written as history: one step of the index for each."""
        name: Any = ""
        while name := self._connection.execute(_NEXT_ATTRIBUTE, (entity, name)).get:
            if wanted.attributes is None or name in wanted.attributes:
                yield name

    def _direct(
        self, entity: str, name: str, wanted: Selection, condition: str = ""
    ) -> Iterator[Moment]:
        """The instances written as history; by the index where it has the order."""
        statement, values = _DIRECT + condition, [entity, name, self._number]
        if wanted.property != "observedAt":
            if wanted.since is not None:
                statement, values = statement + " AND written >= ?", [*values, wanted.since]
            if wanted.last is not None:
                statement += " ORDER BY written DESC"
            found = self._read(statement, values, entity, name, wanted)
            return iter(_newest(found, wanted.last))
        timeless: Iterable[Moment] = ()
        if wanted.since is None and wanted.until is None and not wanted.timed:
            timeless = self._read(statement + " AND observed IS NULL", values, entity, name, wanted)
        bounds: list[Any] = []
        for bound, comparison in ((wanted.since, ">="), (wanted.until, "<")):
            if bound is not None:
                statement += f" AND observed {comparison} ?"
                bounds.append(bound)
        statement += " AND observed IS NOT NULL ORDER BY "
        if wanted.last is not None and _takes_every(wanted):
            # The last N of all are among the last N of these; the index is read from its end.
            values = [*values, *bounds, wanted.last]
            newest = self._read(statement + _NEWEST, values, entity, name, wanted)
            timed: Iterable[Moment] = sorted(newest, key=order_of)
        else:
            timed = self._read(statement + _OLDEST, values + bounds, entity, name, wanted)
        return heapq.merge(sorted(timeless, key=order_of), _settled(timed), key=order_of)

    def _read(
        self, statement: str, values: list[Any], entity: str, name: str, wanted: Selection
    ) -> Iterator[Moment]:
        for number, written, origin, body in self._connection.execute(statement, values):
            instance = orjson.loads(body)
            instance["instanceId"] = origin or own_id(number)
            made = _moment(entity, name, written, instance, wanted)
            if made is not None:
                yield made


def _newest(moments: Iterator[Moment], last: int | None) -> list[Moment]:
    """The newest `last` of moments that come by their time of writing, the last one first, in order.

    No other time of an instance is later than that of writing, so the rest need not be read.
    """
    if last is None:
        return sorted(moments, key=order_of)
    kept: list[tuple[Any, Moment]] = []
    for each in moments:
        if len(kept) < last:
            heapq.heappush(kept, (order_of(each), each))
        elif kept[0][0][2] > each.written:
            break
        else:
            heapq.heappushpop(kept, (order_of(each), each))
    return [each for _, each in sorted(kept)]


def _unfolded(entity: str, row: FeedRow) -> Iterator[Line]:
    """The lines of a row of the feed; the short way for one that only sets one instance of each attribute."""
    seq, at, attributes, aside = row
    if aside is None:
        found = orjson.loads(attributes)
        if all(len(instances) == 1 for instances in found.values()):
            for number, (name, (instance,)) in enumerate(found.items()):
                yield entity, name, at, id_of(seq, number), orjson.dumps(instance).decode()
            return
    for name, instance in unfold(row):
        yield entity, name, at, instance.pop("instanceId"), orjson.dumps(instance).decode()


def _moment(
    entity: str, name: str, written: int, instance: Instance, wanted: Selection
) -> Moment | None:
    id = instance["instanceId"]
    if not wanted.wants(name, instance.get("datasetId")) or id in wanted.without:
        return None
    if wanted.instance is not None and id != wanted.instance:
        return None
    time = moment(instance.get(wanted.property))
    return Moment(entity, name, time, written, instance) if wanted.holds(time) else None


def _portions(wanted: Selection) -> Iterator[tuple[str, ...]]:
    """The entities of a selection in order, some at a time."""
    ids = iter(sorted(set(wanted.entities)))
    while portion := tuple(islice(ids, _TOGETHER)):
        yield portion


def _span(entity: str, name: str, moments: Iterable[Moment]) -> Span:
    count, first, last = 0, None, None
    for each in moments:
        count += 1
        if each.time is not None:
            first = each.time if first is None else first
            last = each.time
    return Span(entity, name, count, first, last)


def _takes_every(wanted: Selection) -> bool:
    """Whether no instance of an attribute is left out for other reasons than its time."""
    return wanted.datasets is None and wanted.instance is None and not wanted.without


def _settled(moments: Iterable[Moment]) -> Iterator[Moment]:
    """Moments that come by time, with those of the same time in order, too."""
    for _, same in groupby(moments, key=lambda each: each.time):
        yield from sorted(same, key=order_of)
