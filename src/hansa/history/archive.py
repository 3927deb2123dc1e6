"""The archive of a tenant, and a view of it as a source of the past (see :mod:`hansa.store.history`).

Every question goes to the files that can hold an answer, as one statement. What the database knows
better is left to it: which entities have a past, and which instances were erased since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from hansa.history import sums
from hansa.history.engine import ask
from hansa.history.question import COLUMN_OF, conditions, files_in, reach, table_of
from hansa.history.row import Row, from_row
from hansa.history.segment import Segment
from hansa.ngsild.temporal_periods import Periods
from hansa.store.history import Bucket, Head, Heads, Moment, Selection, Source, Span
from hansa.store.port import Reader
from hansa.store.sums import sum_up

_MOST_EDGES: Final = 100_000
"""Instances of a series whose times are sorted out before the rest is read."""

__all__ = ["PARTS", "ParquetArchive", "View"]

PARTS: Final = "archive"
"""The kind of the records that list the segments."""


class ParquetArchive:
    """The segments of one tenant in `folder`, which need not be there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def open(self, parts: Sequence[bytes]) -> Iterator[Source]:
        """The past in the segments that these records list."""
        yield View(self.folder, [Segment.from_json(part) for part in parts])

    def segments(self, store: Reader) -> list[Segment]:
        """The segments that the tenant's store lists now."""
        return [Segment.from_json(part) for part in store.records(PARTS)]


class View:
    """The `segments` in `folder`, as they were listed at one moment.

    Implements :class:`~hansa.store.history.Source`.
    """

    def __init__(self, folder: Path, segments: Sequence[Segment]) -> None:
        self._folder = folder
        self._segments = tuple(segments)
        self._whole = tuple(each for each in segments if not each.summary)

    def heads(self, wanted: Heads) -> Iterator[Head]:
        """None: the database keeps the heads of all entities that have a past here."""
        return iter(())

    def head(self, id: str) -> Head | None:
        """Whether an entity has a past here; what else is known of it, the database knows."""
        wanted = Selection((id,))
        segments = reach(self._segments, wanted)
        if not segments:
            return None
        files = [
            each.series(self._folder) if each.summary else each.instances(self._folder)
            for each in segments
        ]
        [count] = next(
            ask(f"SELECT count(*) FROM {table_of(files)} WHERE entity = $id", {"id": id})
        )
        return Head(id, ()) if count else None

    def spans(self, wanted: Selection) -> Iterator[Span]:
        """Counts and ends of each series that has any instance."""
        segments = reach(self._segments if wanted.summed else self._whole, wanted)
        if not segments or not wanted.entities:
            return iter(())
        return sums.spans(self._folder, segments, wanted)

    def series(self, wanted: Selection) -> Iterator[Moment]:
        """The instances, in order."""
        segments = reach(self._whole, wanted)
        if not segments or not wanted.entities:
            return
        time = COLUMN_OF[wanted.property]
        condition = conditions(wanted, time)
        within = f"coalesce({time}, written)"
        files = files_in(self._folder, segments)
        question = f"SELECT {', '.join(Row._fields)} FROM {files}"
        most = wanted.first if wanted.last is None else wanted.last
        if most is None:
            question += str(condition)
        else:
            way, end, beyond = (
                ("ASC", "min", "<=") if wanted.last is None else ("DESC", "max", ">=")
            )
            if most <= _MOST_EDGES:
                # Where they end is found in the times alone; only what is within is then read whole.
                question += (
                    f" JOIN (SELECT entity, attribute, {end}({within}, {int(most)})[-1] AS edge"
                    f" FROM {files}{condition} GROUP BY entity, attribute) USING (entity, attribute)"
                )
                question += f"{condition} AND {within} {beyond} edge"
            else:
                question += str(condition)
            question += (
                " QUALIFY row_number() OVER (PARTITION BY entity, attribute"
                f" ORDER BY {within} {way}, written {way}, instance {way}) <= $most"
            )
            condition.values["most"] = most
        question += f" ORDER BY entity, attribute, {within}, written, instance"
        place = Row._fields.index(time)
        for found in ask(question, condition.values):
            row = Row(*found)
            yield Moment(row.entity, row.attribute, found[place], row.written, from_row(row))

    def tallies(
        self, wanted: Selection, periods: Periods, *, distinct: bool = False
    ) -> Iterator[Bucket]:
        """Instances summed up by period."""
        if wanted.last is not None or wanted.first is not None:
            return sum_up(self.series(replace(wanted, timed=True)), periods, distinct=distinct)
        segments = reach(self._segments, wanted)
        if not segments or not wanted.entities:
            return iter(())
        return sums.tallies(self._folder, segments, wanted, periods, distinct=distinct)
