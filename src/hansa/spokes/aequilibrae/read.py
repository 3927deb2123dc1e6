"""An AequilibraE project as rows, read with the standard library's SQLite alone.

AequilibraE itself needs the SpatiaLite extension; its files do not: geometry is a blob that
:mod:`.blob` decodes. Order: the project is found in the folder or archive, each database is looked
over (is it SQLite, is it whole, has it the tables and columns), then tables are read row by row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from hansa.kernel.errors import BadRequest
from hansa.spokes.source import Bundle, SourceFile, damaged

__all__ = [
    "AGENCIES",
    "LINKS",
    "MODES",
    "NODES",
    "ROUTES",
    "STOPS",
    "TRIPS",
    "ZONES",
    "Database",
    "Table",
    "open_project",
]

PROJECT: Final = "project_database.sqlite"
TRANSIT: Final = "public_transport.sqlite"
_HEADER_SIZE: Final = 100
_MAGIC: Final = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Table:
    """A table, the columns that must be there, and those that are taken when they are."""

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    ignored: frozenset[str] = frozenset({"ogc_fid"})

    @property
    def columns(self) -> tuple[str, ...]:
        """In the order in which rows carry them."""
        return self.required + self.optional


LINKS: Final = Table(
    "links",
    ("link_id", "a_node", "b_node", "direction", "modes", "link_type", "geometry"),
    (
        "name", "distance", "osm_id", "lanes_ab", "lanes_ba", "speed_ab", "speed_ba",
        "capacity_ab", "capacity_ba", "travel_time_ab", "travel_time_ba",
    ),
)  # fmt: skip
NODES: Final = Table("nodes", ("node_id", "is_centroid", "geometry"), ("modes", "osm_id"))
ZONES: Final = Table(
    "zones",
    ("zone_id", "geometry"),
    ("name", "population", "employment"),
    ignored=frozenset({"ogc_fid", "area"}),
)
ROUTES: Final = Table(
    "routes",
    ("pattern_id", "route", "route_type", "geometry"),
    ("shortname", "longname", "description", "seated_capacity", "total_capacity", "agency_id"),
)
AGENCIES: Final = Table("agencies", ("agency_id",), ("agency", "service_date"))
MODES: Final = Table("modes", ("mode_id", "mode_name"))
STOPS: Final = Table("stops", ("stop_id", "stop", "geometry"), ("name", "description", "street"))
TRIPS: Final = Table("trips", ("trip_id", "pattern_id"), ("dir",))


class Database:
    """One SQLite file of a project, opened for reading only.

    Raises:
        BadRequest: it is no SQLite database, or it is cut short.
    """

    def __init__(self, file: SourceFile) -> None:
        self.label = file.label
        self._file = file
        _check_whole(file)
        try:
            self._connection = sqlite3.connect(f"{file.path.resolve().as_uri()}?mode=ro", uri=True)
            self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as fault:
            raise damaged(file.label, "SQLite database", fault) from fault
        self._connection.text_factory = lambda raw: raw.decode("utf-8", "replace")

    def columns(self, table: str) -> list[str]:
        """The names of the table's columns; empty if there is no such table."""
        rows = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        return [name for (name,) in rows]

    def require(self, table: Table) -> list[str]:
        """Make sure that `table` can be read; returns its columns that will not be.

        Raises:
            BadRequest: the table or one of its necessary columns is missing.
        """
        present = self.columns(table.name)
        missing = [name for name in table.required if name not in present]
        if missing:
            fact = (
                f"the table '{table.name}' lacks the column '{missing[0]}'"
                if present
                else f"it has no table '{table.name}'"
            )
            raise BadRequest(self.label, fact, "give a project made by AequilibraE 0.7 or later")
        return [name for name in present if name not in {*table.columns, *table.ignored}]

    def count(self, table: Table) -> int:
        """Number of rows."""
        return int(self._scalar(f'SELECT count(*) FROM "{table.name}"'))

    def rows(self, table: Table) -> Iterator[tuple[Any, ...]]:
        """The rows, with ``None`` in columns that the table lacks, in the order of the first column."""
        present = set(self.columns(table.name))
        chosen = ", ".join(f'"{n}"' if n in present else f'NULL AS "{n}"' for n in table.columns)
        return self.select(f'SELECT {chosen} FROM "{table.name}" ORDER BY "{table.columns[0]}"')

    def select(
        self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """The rows of any query; damage that shows only now is refused by name."""
        try:
            with closing(self._connection.execute(query, values)) as cursor:
                yield from cursor
        except sqlite3.Error as fault:
            raise damaged(self.label, "SQLite database", fault) from fault

    def _scalar(self, query: str) -> Any:
        return next(iter(self.select(query)))[0]

    def close(self) -> None:
        """Close the connection; the file belongs to whoever opened it."""
        self._connection.close()


def _check_whole(file: SourceFile) -> None:
    """Compare the size that the header states with the bytes there are."""
    with file.path.open("rb") as stream:
        header = stream.read(_HEADER_SIZE)
    if not header.startswith(_MAGIC):
        raise BadRequest(file.label, "is not an SQLite database", "give an AequilibraE project")
    if len(header) < _HEADER_SIZE:
        raise damaged(file.label, "SQLite database", "it ends inside its header")
    page = int.from_bytes(header[16:18], "big")
    stated = int.from_bytes(header[28:32], "big") * (65536 if page == 1 else page)
    valid = header[24:28] == header[92:96]
    actual = file.path.stat().st_size
    if valid and stated > actual:
        raise damaged(file.label, "SQLite database", f"{actual} of {stated} bytes")


def open_project(bundle: Bundle) -> tuple[Database, Database | None]:
    """The project's databases: the network, and public transport where there is one.

    Raises:
        BadRequest: there is no project here, or a database is damaged or foreign.
    """
    name = bundle.find(PROJECT)
    if name is None:
        raise BadRequest(
            bundle.label,
            f"holds no {PROJECT}",
            "give the folder or zip archive of an AequilibraE project",
        )
    project = Database(bundle.extract(name))
    for table in (LINKS, MODES, NODES, ZONES):
        project.require(table)
    name = bundle.find(TRANSIT)
    if name is None:
        return project, None
    transit = Database(bundle.extract(name))
    for table in (AGENCIES, ROUTES, STOPS, TRIPS):
        transit.require(table)
    return project, transit
