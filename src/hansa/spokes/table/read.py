"""Tables as rows, whatever file they come in. A row is a mapping of column to value, with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from hansa.kernel.errors import BadRequest, MissingExtra
from hansa.spokes.port import Place, Refusal
from hansa.spokes.source import SourceFile, damaged
from hansa.spokes.table.features import open_features
from hansa.spokes.tabular import TextTable

__all__ = ["GEOMETRY", "Row", "Table", "open_table"]

GEOMETRY: Final = "geometry"
"""The column under which GeoJSON's geometries are found."""

_BATCH: Final = 10_000
_ENDINGS: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".geojson": "geojson",
    ".json": "geojson",
    ".geojsonl": "geojson",
    ".ndjson": "geojson",
    ".parquet": "parquet",
    ".geoparquet": "parquet",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its values by column, and where it stands."""

    values: Mapping[str, Any]
    place: Place


class Table(Protocol):
    """An opened table."""

    columns: list[str]
    total: int | None
    note: str | None

    @property
    def short(self) -> str:
        """After the rows: a sentence on those that lack cells at their end; "" if there are none."""

    def rows(self, refuse: Callable[[Refusal], None]) -> Iterator[Row]:
        """The rows; those that cannot be read are refused one by one."""


def open_table(file: SourceFile, format: str, delimiter: str) -> Table:
    """The table in `file`.

    Raises:
        BadRequest: it is not a table of that form, or it is damaged.
        MissingExtra: a package for that form is not installed.
    """
    if format == "auto":
        found = _ENDINGS.get(file.path.suffix.lower())
        if found is None:
            raise BadRequest(
                file.label, "its name does not tell its form", "give the option 'format'"
            )
        format = found
    if format == "csv":
        tab = file.path.suffix.lower() == ".tsv" and delimiter == ","
        return _Text(file, "\t" if tab else delimiter)
    return _GeoJson(file) if format == "geojson" else _Parquet(file)


class _Text:
    """Delimited text."""

    total: int | None = None

    def __init__(self, file: SourceFile, delimiter: str) -> None:
        self._table = TextTable(file.label, lambda: file.path.open("rb"), (), delimiter)
        self.columns = self._table.columns
        self.note = self._table.note

    @property
    def short(self) -> str:
        """See :attr:`Table.short`."""
        return self._table.short

    def rows(self, refuse: Callable[[Refusal], None]) -> Iterator[Row]:
        for line, fields in self._table.rows(refuse):
            values = {n: f.strip() for n, f in zip(self.columns, fields, strict=True)}
            yield Row(values, Place(self._table.name, line))


class _GeoJson:
    """A FeatureCollection, or one feature a line; the geometry is the column ``geometry``."""

    note: str | None = None
    short = ""

    def __init__(self, file: SourceFile) -> None:
        self._label = file.label
        self._features, self._lines = open_features(file)
        names: dict[str, None] = {"id": None, GEOMETRY: None}
        total = 0
        for feature in self._features():
            total += 1
            properties = feature.get("properties") if isinstance(feature, dict) else None
            names.update(dict.fromkeys(properties if isinstance(properties, dict) else ()))
        self.total: int | None = total
        self.columns = list(names)

    def rows(self, refuse: Callable[[Refusal], None]) -> Iterator[Row]:
        for number, feature in enumerate(self._features(), 1):
            place = Place(self._label, number if self._lines else None, f"feature {number}")
            properties = feature.get("properties") if isinstance(feature, dict) else None
            if not isinstance(feature, dict) or feature.get("type") != "Feature":
                refuse(Refusal(place, "it is not a GeoJSON Feature"))
                continue
            values = dict(properties) if isinstance(properties, dict) else {}
            values.setdefault("id", feature.get("id"))
            values[GEOMETRY] = feature.get("geometry")
            yield Row(values, place)


class _Parquet:
    """Parquet, read in batches; the geometry column of GeoParquet stays well-known binary."""

    note: str | None = None
    short = ""

    def __init__(self, file: SourceFile) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise MissingExtra(file.label, "pyarrow", "table") from None
        self._label = file.label
        self._faults = (pyarrow.ArrowException, OSError)
        try:
            self._file = parquet.ParquetFile(file.path)
        except self._faults as fault:
            raise damaged(file.label, "Parquet file", fault) from fault
        self.columns = list(self._file.schema_arrow.names)
        self.total: int | None = self._file.metadata.num_rows

    def rows(self, refuse: Callable[[Refusal], None]) -> Iterator[Row]:
        number = 0
        try:
            for batch in self._file.iter_batches(_BATCH):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(values, Place(self._label, element=f"row {number}"))
        except self._faults as fault:
            raise damaged(self._label, "Parquet file", fault) from fault
