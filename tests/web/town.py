"""A small town for the tests: four zones, a few streets, one bus line, a building, a hostile place.

The town lies around 30° S, 71° W. Its zones hold 451,899 people, 100,000 in the first one. The bus runs
between its two stops every ten minutes, every day, under a calendar that ended in 2019.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hansa.kernel.clock import iso
from hansa.ngsild import merge
from hansa.ngsild.city import city_context
from hansa.ngsild.expand import Rules, expand_entity
from hansa.node import Node
from hansa.spokes.registry import find_spoke
from hansa.spokes.runner import Request, run_import
from hansa.store.port import Edited, Entity, Write

PEOPLE = (100_000, 200_000, 150_000, 1_899)
WEST, SOUTH, SIDE = -71.0, -30.0, 0.02
HOSTILE = '<img src=x onerror=alert(1)> & "quoted"'

FEED = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,Town Buses,https://buses.example/,America/Santiago\n",
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\n"
    "S1,Plaza de Armas,-29.99,-70.99\nS2,Ñuñoa Estación,-29.97,-70.97\n",
    "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type,route_color\n"
    "R1,A,1,Directo,3,f40606\n",
    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nD,1,1,1,1,1,1,1,20150101,20191231\n",
    "shapes.txt": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
    "P,-29.99,-70.99,1\nP,-29.98,-70.99,2\nP,-29.97,-70.97,3\n",
}


def write(node: Node, entities: Iterable[dict[str, Any]]) -> None:
    """Put entities, in the words of the city, into the node."""
    rules = Rules(city_context())

    def created(fresh: Entity) -> Write:
        now = iso(node.clock.now())
        return Write(fresh["id"], lambda current: Edited(merge.create(fresh, now)))

    outcomes = node.local_store().write([created(expand_entity(e, rules)) for e in entities])
    assert all(not isinstance(o, Exception) for o in outcomes.result())


def square(column: int, row: int) -> dict[str, Any]:
    """The outline of a zone."""
    west, south = WEST + column * SIDE, SOUTH + row * SIDE
    east, north = west + SIDE, south + SIDE
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def zones() -> list[dict[str, Any]]:
    """Two by two zones."""
    return [
        {
            "id": f"urn:ngsi-ld:TransportZone:town:{number + 1}",
            "type": "TransportZone",
            "name": {"type": "Property", "value": f"Zone {number + 1}"},
            "population": {"type": "Property", "value": people, "unitCode": "IE"},
            "location": {"type": "GeoProperty", "value": square(number % 2, number // 2)},
        }
        for number, people in enumerate(PEOPLE)
    ]


def streets() -> list[dict[str, Any]]:
    """A street from west to east in ten parts, and a virtual link that nobody drives."""
    found = []
    for number in range(11):
        start = WEST + number * 0.004
        line = [[start, -29.985], [start + 0.004, -29.985]]
        virtual = number == 10
        found.append(
            {
                "id": f"urn:ngsi-ld:RoadSegment:town:{number}",
                "type": "RoadSegment",
                "name": {"type": "Property", "value": "Avenida Córdova"},
                "roadClass": {
                    "type": "Property",
                    "value": "centroid_connector" if virtual else "primary",
                },
                "isVirtual": {"type": "Property", "value": virtual},
                "length": {"type": "Property", "value": 386.0, "unitCode": "MTR"},
                "location": {
                    "type": "GeoProperty",
                    "value": {"type": "LineString", "coordinates": line},
                },
            }
        )
    return found


def places() -> list[dict[str, Any]]:
    """A building with a height, and a place whose texts are an attack."""
    west, south = -70.98, -29.98
    ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south]]
    return [
        {
            "id": "urn:ngsi-ld:Building:town:1",
            "type": "Building",
            "height": {"type": "Property", "value": 12, "unitCode": "MTR"},
            "location": {
                "type": "GeoProperty",
                "value": {"type": "Polygon", "coordinates": [ring]},
            },
        },
        {
            "id": "urn:ngsi-ld:PointOfInterest:town:1",
            "type": "PointOfInterest",
            "name": {"type": "Property", "value": HOSTILE},
            "website": {"type": "Property", "value": "javascript:alert(1)"},
            "url": {"type": "Property", "value": "https://town.example/?a=1&b=2"},
            "location": {
                "type": "GeoProperty",
                "value": {"type": "Point", "coordinates": [-70.985, -29.975]},
            },
        },
    ]


def feed(path: Path) -> Path:
    """The town's timetable as a GTFS archive at `path`."""
    trips = "route_id,service_id,trip_id,trip_headsign,shape_id\n"
    times = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    for number in range(96):
        start = 6 * 60 + number * 10
        trips += f"R1,D,T{number},Estación,P\n"
        for stop, minute in (("S1", start), ("S2", start + 25)):
            at = f"{minute // 60:02}:{minute % 60:02}:00"
            times += f"T{number},{at},{at},{stop},{1 if stop == 'S1' else 2}\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**FEED, "trips.txt": trips, "stop_times.txt": times}.items():
            archive.writestr(name, text)
    return path


def fill(node: Node, workplace: Path) -> None:
    """The whole town."""
    request = Request(
        source=str(feed(workplace / "town.zip")),
        name="town",
        title="Town timetable",
        attribution="Town Buses",
        license="CC0-1.0",
    )
    run_import(node.local_store(), find_spoke("gtfs"), request, node.clock)
    write(node, [*zones(), *streets(), *places()])
