"""Tables: any CSV, GeoJSON or Parquet file, by a mapping file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hansa.spokes.manifest import Manifest, load_manifest
from hansa.spokes.port import About, Item, Options, Place, Refusal
from hansa.spokes.source import SourceFile, handed_on, open_file
from hansa.spokes.table.map import RowMap
from hansa.spokes.table.mapping import load_mapping
from hansa.spokes.table.read import open_table

__all__ = ["SPOKE", "TableSpoke"]

_TWICE: Final = (
    "A row is one entity. Where rows with the same identifier are values of different times, take the time into it, as in "
    "id = \"{counter}-{hour}\", or bring them in with 'hansa history import'."
)


class TableSpoke:
    """Reads the mapping first, then holds it against the table's columns, then reads rows."""

    manifest: Manifest = load_manifest(__name__)

    def open(self, source: str, namespace: str, options: Options) -> TableReading:
        """See :meth:`hansa.spokes.port.Spoke.open`."""
        with handed_on(open_file(source)) as file:
            return TableReading(file, namespace, options)


class TableReading:
    """An opened table; see :class:`hansa.spokes.port.Reading`."""

    def __init__(self, file: SourceFile, namespace: str, options: Options) -> None:
        self._file = file
        mapping = load_mapping(options["mapping"])
        self._table = open_table(file, options["format"], mapping.delimiter)
        mapping.check_columns(self._table.columns, file.label)
        self._map = RowMap(mapping, namespace)
        self.total: int | None = self._table.total
        self.about = About(title=file.label, file=file.label, digest=file.digest())
        if self._table.note:
            self.about.notes.append(self._table.note)

    def items(self) -> Iterator[Item]:
        """See :meth:`hansa.spokes.port.Reading.items`."""
        refusals: list[Refusal] = []
        twice = 0
        first: dict[str, Place] = {}
        for row in self._table.rows(refusals.append):
            yield from refusals
            refusals.clear()
            item = self._map.item(row)
            if (
                not isinstance(item, Refusal)
                and (before := first.setdefault(item["id"], row.place)) is not row.place
            ):
                reason = f"the identifier {item['id']} appears twice; first at {before}"
                item = Refusal(row.place, reason, "the identifier of an earlier row appears again")
                twice += 1
            yield item
        yield from refusals
        if twice:
            self.about.notes.append(_TWICE)
        if self._table.short:
            self.about.notes.append(self._table.short)

    def close(self) -> None:
        """See :meth:`hansa.spokes.port.Reading.close`."""
        self._file.close()


SPOKE: Final = TableSpoke()
