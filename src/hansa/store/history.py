"""The past: the port through which instances of history are read, written and summed up.

A *source* holds the past of entities as instances of attributes, each with an ``instanceId`` and up to
four times. The store's own tail is one source (:mod:`hansa.store.sqlite.past`); an archive may be
another. What holds of every source:

1. An instance lives in exactly one source. What moves to an archive is written there durably first; then
   one transaction takes it out of the tail and names the new part of the archive in it
   (``Store.fold``). A reader opens exactly the parts that its snapshot of the tail names, so it never
   sees an instance twice, nor misses one, whatever crashes when.
2. A series is ordered by entity, attribute, time, time of writing, ``instanceId``. Sources stream it in
   that order, so that two of them are merged without being held in memory.
3. ``last`` and ``first`` are closed under merging: the last N of a whole are among the last N of its
   parts. So are spans (add the counts, widen the ends) and tallies (:meth:`~hansa.ngsild.temporal_tally.Tally.add`).
   Whoever merges asks each source with the same selection.
4. Times are microseconds since 1970. A window includes `since` and excludes `until` (clause 4.11).
5. The time of an instance without the selection's time property is None; it is left out where the
   selection is `timed`, and otherwise stands where it was written.
6. A deletion is an instance too: its value is NGSI-LD Null and it has ``deletedAt``, and no other time.
7. Scopes are instances of the attribute ``scope`` (clause 4.5.6).
8. What is changed or erased in an archive is noted in the tail at once and hidden by
   ``Selection.without``; the archive drops it for good when that part is next rewritten.
9. A source is one unchanging view from when it is opened (``Reader.past``) until it is closed.

To aggregate, the periods are fixed before the sources are asked, since they must agree on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from hansa.ngsild.model import Instance
from hansa.ngsild.query import TypeFilter
from hansa.ngsild.temporal import TimeProperty
from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import Tally

__all__ = [
    "SCOPE",
    "Added",
    "Archive",
    "Bucket",
    "Cut",
    "Head",
    "Heads",
    "Line",
    "Moment",
    "Recording",
    "Removed",
    "Replaced",
    "Selection",
    "Source",
    "Span",
    "order_of",
]

SCOPE: Final = "scope"
"""The name under which the scopes of an entity stand among its attributes."""


@dataclass(frozen=True, slots=True)
class Head:
    """An entity with a past: what is known of it beside its attributes. Times are as in entities."""

    id: str
    types: tuple[str, ...]
    created: str | None = None
    modified: str | None = None
    deleted: str | None = None


@dataclass(frozen=True, slots=True)
class Heads:
    """Which entities are looked for; they come in order of their identifiers.

    Attributes:
        ids: any of these (empty: all).
        types: type selection.
        after: only identifiers that come after this one (before, when `backwards`).
        backwards: from the last identifier to the first.
    """

    ids: tuple[str, ...] = ()
    types: TypeFilter | None = None
    after: str | None = None
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Which instances are wanted.

    Attributes:
        entities: of these, which should be few (a page).
        attributes: of these attributes (IRIs, or ``scope``); None: of all.
        datasets: of these datasets, ``@none`` for the default instances; None: of all.
        property: the time that the window, the order and `last` mean.
        since, until: the window, see above; None: open.
        timed: whether instances without that time are left out.
        last: only so many of the newest instances of each attribute (of all its datasets together).
        first: or only so many of the oldest; never both.
        instance: only the one with this instanceId.
        without: not those with these instanceIds.
        summed: whether spans tell also of what is known by its sums alone; these begin where the period of
            the first sum does.
    """

    entities: tuple[str, ...]
    attributes: frozenset[str] | None = None
    datasets: frozenset[str] | None = None
    property: TimeProperty = "observedAt"
    since: int | None = None
    until: int | None = None
    timed: bool = False
    last: int | None = None
    first: int | None = None
    instance: str | None = None
    without: frozenset[str] = frozenset()
    summed: bool = False

    def wants(self, attribute: str, dataset: str | None) -> bool:
        """Whether instances of `attribute` in `dataset` are wanted at all."""
        if self.attributes is not None and attribute not in self.attributes:
            return False
        return self.datasets is None or (dataset or "@none") in self.datasets

    def holds(self, time: int | None) -> bool:
        """Whether an instance with this time is in the window."""
        if time is None:
            return not self.timed and self.since is None and self.until is None
        return (self.since is None or time >= self.since) and (
            self.until is None or time < self.until
        )


class Moment(NamedTuple):
    """One instance of an attribute in the past.

    ``time`` is that of the selection's property, ``written`` when it was written [microseconds];
    ``instance`` is in internal form and has its ``instanceId`` and times as text.
    """

    entity: str
    attribute: str
    time: int | None
    written: int
    instance: Instance


def order_of(moment: Moment) -> tuple[str, str, int, int, str]:
    """The key by which series are ordered."""
    time = moment.written if moment.time is None else moment.time
    return moment.entity, moment.attribute, time, moment.written, moment.instance["instanceId"]


class Span(NamedTuple):
    """How many instances of an attribute a selection has, with the first and last of their times."""

    entity: str
    attribute: str
    size: int
    first: int | None
    last: int | None


class Bucket(NamedTuple):
    """The tally of one attribute (and dataset) of an entity in one period."""

    entity: str
    attribute: str
    dataset: str | None
    period: int
    tally: Tally


class Source(Protocol):
    """Something that holds a past; see the rules above."""

    def heads(self, wanted: Heads) -> Iterator[Head]:
        """The entities with a past, in order of their identifiers."""

    def head(self, id: str) -> Head | None:
        """The head of one entity; None if it has no past here."""

    def spans(self, wanted: Selection) -> Iterator[Span]:
        """Counts and ends of each series that has any instance; not of its first or last only."""

    def series(self, wanted: Selection) -> Iterator[Moment]:
        """The instances, in order."""

    def tallies(
        self, wanted: Selection, periods: Periods, *, distinct: bool = False
    ) -> Iterator[Bucket]:
        """Instances summed up by period, in order of entity, attribute, dataset and period.

        The selection is timed. `distinct` values are gathered only if wanted. With `last` or `first`,
        only the instances that :meth:`series` would show are summed up.
        """


# -- writing ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Added:
    """Instances to be added to an entity's past (clauses 5.6.11 and 5.6.12).

    An instance with the attribute, dataset and ``observedAt`` of one that was added before takes its
    place: what is sent twice stands there once. `create` says whether an entity without a past gets
    one; else that is refused with NotFound. With `frozen` the instances are copies of another store's:
    they keep their times, and what is copied twice stands there once. `passed` is as for a write of an entity.
    """

    entity: str
    types: tuple[str, ...]
    attributes: dict[str, list[Instance]] = field(default_factory=dict)
    create: bool = True
    frozen: bool = False
    passed: bool = False


@dataclass(frozen=True, slots=True)
class Replaced:
    """One instance to be put in the place of another; it keeps its createdAt (clause 5.6.14)."""

    entity: str
    attribute: str
    instance_id: str
    instance: Instance
    passed: bool = False


@dataclass(frozen=True, slots=True)
class Removed:
    """Instances to be taken out (clauses 5.6.13, 5.6.15 and 5.6.16).

    Without `attribute` the entity's whole past goes. With `instance_id` one instance goes; else those
    of `dataset` (None: the default instance), or, with `all`, every one of the attribute.
    """

    entity: str
    attribute: str | None = None
    instance_id: str | None = None
    dataset: str | None = None
    all: bool = False


Recording = Added | Replaced | Removed


# -- moving to an archive --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of the tail that is older than some instant, as it stood when it was asked for.

    Attributes:
        seq, number: the last row of the feed and the last instance of it.
        rewritten: how often instances had been changed or removed by then.
    """

    seq: int
    number: int
    rewritten: int


Line = tuple[str, str, int, str, str]
"""An instance as it lies there: entity, attribute, when it was written [microseconds], ``instanceId``, and
the instance without that as JSON."""


class Archive(Protocol):
    """Where old instances go, seen by the store that they come from."""

    def open(self, parts: Sequence[bytes]) -> AbstractContextManager[Source]:
        """The past in the parts that the store's records of kind ``archive`` name (see ``fold``)."""
