"""A selection of history as a question to DuckDB: which files, under which condition, in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from hansa.history.segment import Segment
from hansa.ngsild.temporal import TimeProperty
from hansa.store.history import Selection

__all__ = ["COLUMN_OF", "Condition", "conditions", "files_in", "quoted", "reach", "table_of"]

COLUMN_OF: Final[dict[TimeProperty, str]] = {
    "observedAt": "observed",
    "createdAt": "created",
    "modifiedAt": "modified",
    "deletedAt": "deleted",
}


class Condition:
    """Parts of a WHERE clause, with the values of their parameters."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.values: dict[str, Any] = {}

    def add(self, text: str, **values: Any) -> None:
        """One more part, and its parameters."""
        self.parts.append(text)
        self.values.update(values)

    def __str__(self) -> str:
        return f" WHERE {' AND '.join(self.parts)}" if self.parts else ""


def reach(segments: Iterable[Segment], wanted: Selection) -> list[Segment]:
    """The segments that may hold something of a selection."""
    low, high = min(wanted.entities, default=""), max(wanted.entities, default="")
    return [
        each
        for each in segments
        if each.first_entity <= high
        and each.last_entity >= low
        and (wanted.property != "observedAt" or _overlaps(each, wanted))
    ]


def _overlaps(segment: Segment, wanted: Selection) -> bool:
    """Whether the window meets the segment's moments, which are times of observation where there are any."""
    return (wanted.since is None or segment.last >= wanted.since) and (
        wanted.until is None or segment.first < wanted.until
    )


def conditions(wanted: Selection, time: str) -> Condition:
    """The condition that a selection makes on rows; `time` is the column of its property."""
    found = Condition()
    entities = sorted(set(wanted.entities))
    if len(entities) == 1:
        found.add("entity = $entity", entity=entities[0])
    elif entities:
        # The ends of the list let whole row groups be skipped.
        found.add("entity IN (SELECT unnest($entities))", entities=entities)
        found.add("entity BETWEEN $first_entity AND $last_entity")
        found.values |= {"first_entity": entities[0], "last_entity": entities[-1]}
    else:
        found.add("false")
    _attributes(found, wanted)
    if wanted.since is not None:
        found.add(f"{time} >= $since", since=wanted.since)
    if wanted.until is not None:
        found.add(f"{time} < $until", until=wanted.until)
    if wanted.timed and wanted.since is None and wanted.until is None:
        found.add(f"{time} IS NOT NULL")
    if wanted.instance is not None:
        found.add("instance = $instance", instance=wanted.instance)
    if wanted.without:
        found.add("instance NOT IN (SELECT unnest($without))", without=sorted(wanted.without))
    return found


def _attributes(found: Condition, wanted: Selection) -> None:
    if wanted.attributes is not None and len(wanted.attributes) == 1:
        found.add("attribute = $attribute", attribute=next(iter(wanted.attributes)))
    elif wanted.attributes is not None:
        found.add("list_contains($attributes, attribute)", attributes=sorted(wanted.attributes))
    if wanted.datasets is not None:
        named = sorted(wanted.datasets)
        found.add("list_contains($datasets, coalesce(dataset, '@none'))", datasets=named)


def files_in(folder: Path, segments: Sequence[Segment]) -> str:
    """The files of instances of `segments` as a table of a question."""
    return table_of([segment.instances(folder) for segment in segments])


def table_of(paths: Sequence[Path]) -> str:
    """Parquet files as a table of a question."""
    return f"read_parquet([{', '.join(map(quoted, paths))}])"


def quoted(path: Path) -> str:
    """A path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"
