"""AequilibraE projects: networks, zones and public-transport patterns for modelling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from hansa.spokes.aequilibrae import map as mapping
from hansa.spokes.aequilibrae.map import Naming, Service
from hansa.spokes.aequilibrae.read import (
    AGENCIES,
    LINKS,
    MODES,
    NODES,
    ROUTES,
    STOPS,
    TRIPS,
    ZONES,
    Database,
    Table,
    open_project,
)
from hansa.spokes.manifest import Manifest, load_manifest
from hansa.spokes.port import About, Item, Options, Place, Plain, Refusal
from hansa.spokes.source import Bundle, handed_on, open_bundle

__all__ = ["SPOKE", "AequilibraeSpoke"]

_STOP_TYPES: Final = {"own": "PublicTransportStop", "gtfs": "GtfsStop"}
_PATTERN_STOPS: Final = """
    SELECT stop FROM (
        SELECT 0 AS place, seq, from_stop AS stop_id FROM route_links WHERE pattern_id = :pattern
        UNION ALL
        SELECT * FROM (SELECT 1, seq, to_stop FROM route_links
                       WHERE pattern_id = :pattern ORDER BY seq DESC LIMIT 1)
    ) JOIN stops USING (stop_id) ORDER BY place, seq"""


class AequilibraeSpoke:
    """Reads a project's network first, then its zones, then its public transport."""

    manifest: Manifest = load_manifest(__name__)

    def open(self, source: str, namespace: str, options: Options) -> ProjectReading:
        """See :meth:`hansa.spokes.port.Spoke.open`."""
        with handed_on(open_bundle(source)) as bundle:
            return ProjectReading(bundle, namespace, options)


class ProjectReading:
    """An opened project; see :class:`hansa.spokes.port.Reading`."""

    def __init__(self, bundle: Bundle, namespace: str, options: Options) -> None:
        self._bundle = bundle
        self._own_stops = options["stops"] == "own"
        self._project, self._transit = open_project(bundle)
        self._naming = Naming(
            namespace=namespace,
            modes=dict(self._project.rows(MODES)),
            speed_unit=options["speed_unit"],
            time_unit=options["time_unit"],
            stop_type=_STOP_TYPES[options["stops"]],
            centroids=frozenset(
                id for (id,) in self._project.select("SELECT node_id FROM nodes WHERE is_centroid")
            ),
        )
        self.total: int | None = sum(self._project.count(t) for t in (NODES, LINKS, ZONES))
        if self._transit is not None:
            tables = (STOPS, ROUTES) if self._own_stops else (ROUTES,)
            self.total += sum(self._transit.count(t) for t in tables)
        self.about = self._describe()

    def _describe(self) -> About:
        has_about = bool(self._project.columns("about"))
        rows = self._project.select("SELECT infoname, infovalue FROM about") if has_about else ()
        stated = dict(rows)
        about = About(
            title=stated.get("model_name") or self._bundle.label,
            license=stated.get("license") or "",
            file=self._bundle.label,
            digest=self._bundle.digest(),
        )
        for table in (LINKS, NODES, ZONES):
            if left := self._project.require(table):
                about.notes.append(
                    f"Columns of '{table.name}' that were not taken in: {', '.join(sorted(left))}."
                )
        return about

    def items(self) -> Iterator[Item]:
        """See :meth:`hansa.spokes.port.Reading.items`."""
        yield from self._table(self._project, NODES, mapping.node)
        yield from self._table(self._project, LINKS, mapping.road)
        yield from self._table(self._project, ZONES, mapping.zone)
        if self._transit is not None:
            if self._own_stops:
                yield from self._table(self._transit, STOPS, mapping.stop)
            yield from self._routes(self._transit)

    def _table(
        self, database: Database, table: Table, make: Callable[[Sequence[Any], Naming], Plain]
    ) -> Iterator[Item]:
        for row in database.rows(table):
            try:
                yield make(row, self._naming)
            except ValueError as fault:
                yield _refusal(database, table, row, fault)

    def _routes(self, transit: Database) -> Iterator[Item]:
        counted = f"SELECT pattern_id, count(*) FROM {TRIPS.name} GROUP BY 1"
        trips = dict(transit.select(counted))
        days = {agency: day for agency, _, day in transit.rows(AGENCIES)}
        for row in transit.rows(ROUTES):
            stops = [code for (code,) in transit.select(_PATTERN_STOPS, {"pattern": row[0]})]
            try:
                served = Service(stops, trips.get(row[0], 0), days.get(row[-1]))
                yield mapping.route(row, served, self._naming)
            except ValueError as fault:
                yield _refusal(transit, ROUTES, row, fault)

    def close(self) -> None:
        """See :meth:`hansa.spokes.port.Reading.close`."""
        self._project.close()
        if self._transit is not None:
            self._transit.close()
        self._bundle.close()


def _refusal(database: Database, table: Table, row: Sequence[Any], fault: ValueError) -> Refusal:
    element = f"{table.name}, {table.columns[0]} {row[0]}"
    return Refusal(Place(database.label, element=element), str(fault))


SPOKE: Final = AequilibraeSpoke()
