"""Segments: the files of an archive, and what is known of each without opening it.

A segment is written once and never changed. It has up to four files: ``NAME.parquet`` with the
instances (see :mod:`.row`), ``NAME.series.parquet`` with the series it has, numbered, and ``NAME.sums.parquet`` and
``NAME.days.parquet`` with their sums by hour or day (see :mod:`.sums`), from which most questions of aggregation are answered. A *summary* is a segment
whose instances are gone (see :mod:`.retain`): it has the sums alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from hansa.history.row import Row

__all__ = ["COLUMNS", "GROUP", "Segment", "options"]

COLUMNS: Final = (
    ("entity", "VARCHAR"),
    ("attribute", "VARCHAR"),
    ("dataset", "VARCHAR"),
    ("moment", "BIGINT"),
    ("written", "BIGINT"),
    ("observed", "BIGINT"),
    ("created", "BIGINT"),
    ("modified", "BIGINT"),
    ("deleted", "BIGINT"),
    ("instance", "VARCHAR"),
    ("kind", "TINYINT"),
    ("form", "TINYINT"),
    ("number", "DOUBLE"),
    ("text", "VARCHAR"),
    ("clock", "BIGINT"),
    ("json", "VARCHAR"),
    ("rest", "VARCHAR"),
)
"""The columns of a file of instances, with DuckDB's names of their types."""

assert tuple(name for name, _ in COLUMNS) == Row._fields  # noqa: S101 - they are the same thing

GROUP: Final = 122_880
"""Rows of a row group: what is skipped or read as a whole."""


def options() -> str:
    """How Parquet is written."""
    return f"(FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, ROW_GROUP_SIZE {GROUP})"


@dataclass(frozen=True, slots=True)
class Segment:
    """What is known of a segment.

    Attributes:
        name: of its files, without the endings.
        rows: how many instances it has, or a summary has sums of.
        size: of its files together, in bytes.
        digest: SHA-256 of its files, one after the other.
        first_entity, last_entity: the ends of its order.
        first, last: the ends of its moments [microseconds].
        bucket: the length of the periods that its sums are of [microseconds]; 0: it has none.
        summary: whether the instances are gone.
        kind: the kind of all instances with sums (see :mod:`.row`); -1 if there are several.
        texts: whether any of these has a value that is text.
        days: whether there are sums by day beside those by hour.
    """

    name: str
    rows: int
    size: int
    digest: str
    first_entity: str
    last_entity: str
    first: int
    last: int
    bucket: int = 0
    summary: bool = False
    kind: int = -1
    texts: bool = True
    days: bool = False

    def instances(self, folder: Path) -> Path:
        """The file of instances; there is none in a summary."""
        return folder / f"{self.name}.parquet"

    def sums(self, folder: Path) -> Path:
        """The file of sums; there is one if `bucket` is not 0."""
        return folder / f"{self.name}.sums.parquet"

    def series(self, folder: Path) -> Path:
        """The file of the series that the sums are of."""
        return folder / f"{self.name}.series.parquet"

    def sums_by_day(self, folder: Path) -> Path:
        """The file of sums by day."""
        return folder / f"{self.name}.days.parquet"

    def files(self, folder: Path) -> list[Path]:
        """The files that belong to the segment."""
        found = [] if self.summary else [self.instances(folder)]
        found += [self.series(folder), self.sums(folder)] if self.bucket else []
        return [*found, self.sums_by_day(folder)] if self.days else found

    def to_dict(self) -> dict[str, Any]:
        """The segment as it is listed in the database."""
        return asdict(self)

    @classmethod
    def from_json(cls, text: bytes) -> Segment:
        """The segment that a record of the database lists."""
        found: dict[str, Any] = orjson.loads(text)
        found.pop("id")
        return cls(**found)
