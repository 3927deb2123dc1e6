"""Compaction: what is no longer recent moves from the database into segments, and stays readable.

In this order, so that a crash at any point loses nothing and doubles nothing:

1. Segments of which something was erased are written again without it. (An instance that was changed is
   erased here and stands in the tail under the same identifier: it must be gone before that one comes.)
2. A *cut* of the tail is read and written to a new segment, until it is durable. Nobody knows it yet.
3. In one transaction the cut is deleted from the database, and the segment is listed. When history was
   rewritten since the cut was made, neither happens; the segment is dropped, and it begins at 1 again.
4. Small segments are merged into one. The list changes in one transaction.
5. Files that have not been on the list for an hour are deleted. Until then a reader, or a backup, that
   began with an older list still finds them.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hansa.history.archive import ParquetArchive
from hansa.history.build import build, new_name, summarise
from hansa.history.columns import spill_lines
from hansa.history.question import table_of
from hansa.history.segment import Segment
from hansa.history.sums import BUCKETS, HIDDEN, named_in
from hansa.kernel.errors import Unavailable
from hansa.store.history import Cut
from hansa.store.port import Store

__all__ = ["Compacted", "Progress", "compact", "merge", "purge", "sweep"]

_LOG: Final = logging.getLogger(__name__)

Progress = Callable[[int, int | None], None]
"""Takes how many instances are done, and how many there are if it is known."""

MOST: Final = 200_000
"""Rows of the database that become one segment."""
_TRIES: Final = 5
SMALL: Final = 2_000_000
"""Segments with fewer rows are merged ..."""
MANY: Final = 8
"""... as soon as there are so many of them."""
GRACE: Final = 3_600.0
"""Seconds that the files of a segment stay after it is off the list."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did: instances moved, segments made of them, segments merged away, bytes in all."""

    moved: int
    made: int
    merged: int
    bytes: int


def compact(
    store: Store,
    archive: ParquetArchive,
    before: int,
    progress: Progress = lambda done, whole: None,
) -> Compacted:
    """Move history that was written before an instant [microseconds] into the archive.

    Raises:
        MissingExtra: DuckDB or pyarrow is not installed.
        Unavailable: the disk is full, or a file is damaged; what was moved before that stays moved.
    """
    sweep(store, archive)
    moved = made = 0
    while (cut := store.cut(before, MOST)) and (cut.seq or cut.number):
        segment = _move(store, archive, cut)
        if segment is not None:
            moved += segment.rows
            made += 1
            progress(moved, None)
    purge(store, archive)
    merged = merge(store, archive)
    sweep(store, archive)
    size = sum(segment.size for segment in archive.segments(store))
    return Compacted(moved, made, merged, size)


def _move(store: Store, archive: ParquetArchive, cut: Cut) -> Segment | None:
    """Make a segment of a cut, and let it take the cut's place; None if it held no instance."""
    for _ in range(_TRIES):
        purge(store, archive)
        segment = _written(store, archive.folder, cut)
        if segment is None:
            empty = Segment(new_name(), 0, 0, "", "", "", 0, 0, summary=True)
            if store.fold(cut, empty.name, empty.to_dict()):
                store.relist([empty.name], [])
                return None
        elif store.fold(cut, segment.name, segment.to_dict()):
            return segment
        else:
            for file in segment.files(archive.folder):
                file.unlink()
        cut = Cut(cut.seq, cut.number, store.cut(0).rewritten)
    raise Unavailable(
        "compaction of history",
        "history is being rewritten faster than it can be moved",
        "try again later",
    )


def _written(store: Store, folder: Path, cut: Cut) -> Segment | None:
    folder.mkdir(parents=True, exist_ok=True)
    name = new_name()
    drafts: list[Path] = []
    try:
        with store.lines_of(cut) as lines:
            source, drafts = spill_lines(lines, folder, name)
        return build(folder, name, source) if source else None
    except OSError as error:
        raise Unavailable(
            "compaction of history",
            f"the disk refused ({error.strerror}); nothing was moved",
            "make room, and try again",
        ) from error
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)


# -- merging ---------------------------------------------------------------------------------------


def merge(store: Store, archive: ParquetArchive, *, all: bool = False) -> int:
    """Merge segments into one where there are many small ones (or `all`); how many there were."""
    merged = sum(_merge_sums(store, archive, bucket) for bucket in BUCKETS)
    segments = [each for each in archive.segments(store) if not each.summary]
    chosen = segments if all else [each for each in segments if each.rows < SMALL]
    if len(chosen) < (2 if all else MANY):
        return merged
    _rewrite(store, archive, chosen)
    return merged + len(chosen)


def _merge_sums(store: Store, archive: ParquetArchive, bucket: int) -> int:
    """Merge summaries of one bucket into one where there are many; how many there were."""
    chosen = [each for each in archive.segments(store) if each.summary and each.bucket == bucket]
    if len(chosen) < MANY:
        return 0
    source = named_in(archive.folder, chosen)
    query = f"SELECT * FROM {source} ORDER BY entity, attribute, dataset, start"
    made = summarise(archive.folder, new_name(), query, bucket)
    store.relist([each.name for each in chosen], [] if made is None else [made.to_dict()])
    retire(archive.folder, chosen)
    return len(chosen)


def purge(store: Store, archive: ParquetArchive) -> None:
    """Write the segments again of which something was erased, without it."""
    gone = store.erased()
    ids = [entity for entity, _ in gone]
    if not ids:
        return
    low, high = min(ids), max(ids)
    touched = [
        each
        for each in archive.segments(store)
        if each.first_entity <= high and each.last_entity >= low
    ]
    for summary in [each for each in touched if each.summary]:
        hidden = [instance for _, instance in gone if instance.startswith("*")]
        query = (
            f"SELECT * FROM {named_in(archive.folder, [summary])} WHERE {HIDDEN}"
            " ORDER BY entity, attribute, dataset, start"
        )
        kept = summarise(archive.folder, new_name(), query, summary.bucket, {"hidden": hidden})
        store.relist([summary.name], [] if kept is None else [kept.to_dict()])
        retire(archive.folder, [summary])
    _rewrite(store, archive, [each for each in touched if not each.summary], gone)


def _rewrite(
    store: Store,
    archive: ParquetArchive,
    old: list[Segment],
    gone: Collection[tuple[str, str]] = (),
) -> None:
    """Let one segment take the place of others."""
    made = None
    if old:
        source = table_of([each.instances(archive.folder) for each in old])
        made = build(archive.folder, new_name(), source, without=gone)
    store.relist([each.name for each in old], [] if made is None else [made.to_dict()], gone)
    retire(archive.folder, old)


def retire(folder: Path, segments: list[Segment]) -> None:
    """Begin the time of grace of the files of segments that are off the list."""
    for segment in segments:
        for file in segment.files(folder):
            os.utime(file)


def sweep(store: Store, archive: ParquetArchive) -> None:
    """Delete the files that are on no list and have been so for the time of grace."""
    if not archive.folder.is_dir():
        return
    listed = {file.name for each in archive.segments(store) for file in each.files(archive.folder)}
    for file in archive.folder.iterdir():
        unknown = file.name not in listed and file.suffix in {".parquet", ".part"}
        if unknown and time.time() - file.stat().st_mtime > GRACE:
            file.unlink(missing_ok=True)
            _LOG.info("deleted %s, which the archive no longer lists", file.name)
