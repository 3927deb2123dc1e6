"""A tiny AequilibraE project, written with plain SQLite: three nodes, three links, one zone, one bus."""

from __future__ import annotations

import sqlite3
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

Points = Sequence[tuple[float, ...]]

SCHEMA = """
    CREATE TABLE links (ogc_fid INTEGER, link_id INTEGER, a_node INTEGER, b_node INTEGER,
        direction INTEGER, distance NUMERIC, modes TEXT, link_type TEXT, name TEXT,
        speed_ab NUMERIC, speed_ba NUMERIC, travel_time_ab NUMERIC, travel_time_ba NUMERIC,
        capacity_ab NUMERIC, capacity_ba NUMERIC, geometry BLOB, osm_id INTEGER,
        lanes_ab INTEGER, lanes_ba INTEGER, colour TEXT);
    CREATE TABLE nodes (ogc_fid INTEGER, node_id INTEGER, is_centroid INTEGER, modes TEXT,
        geometry BLOB, osm_id INTEGER);
    CREATE TABLE zones (ogc_fid INTEGER, zone_id INTEGER, area NUMERIC, name TEXT,
        population NUMERIC, employment NUMERIC, geometry BLOB);
    CREATE TABLE modes (mode_name TEXT, mode_id TEXT);
    CREATE TABLE about (infoname TEXT, infovalue TEXT);
    INSERT INTO modes VALUES ('car', 'c'), ('walk', 'w');
    INSERT INTO about VALUES ('model_name', 'Tiny'), ('license', 'CC0-1.0');
"""
TRANSIT_SCHEMA = """
    CREATE TABLE agencies (agency_id INTEGER, agency TEXT, service_date TEXT);
    CREATE TABLE routes (pattern_id INTEGER, route TEXT, agency_id INTEGER, shortname TEXT,
        longname TEXT, description TEXT, route_type INTEGER, seated_capacity INTEGER,
        total_capacity INTEGER, geometry BLOB);
    CREATE TABLE stops (stop_id TEXT, stop TEXT, name TEXT, description TEXT, street TEXT,
        geometry BLOB);
    CREATE TABLE route_links (pattern_id INTEGER, seq INTEGER, from_stop TEXT, to_stop TEXT);
    CREATE TABLE trips (trip_id INTEGER, pattern_id INTEGER, dir INTEGER);
    INSERT INTO agencies VALUES (1, 'Buses', '2016-04-13');
"""
SQUARE = ((0.0, 0.0), (0.01, 0.0), (0.01, 0.01), (0.0, 0.01), (0.0, 0.0))


def header(points: Points, srid: int = 4326) -> bytes:
    x, y = zip(*[point[:2] for point in points], strict=True)
    return b"\x00\x01" + struct.pack("<i4d", srid, min(x), min(y), max(x), max(y)) + b"\x7c"


def numbers(points: Points) -> bytes:
    flat = [number for point in points for number in point]
    return struct.pack(f"<{len(flat)}d", *flat)


def point(x: float, y: float, srid: int = 4326) -> bytes:
    return header([(x, y)], srid) + struct.pack("<i2d", 1, x, y) + b"\xfe"


def line(*points: tuple[float, float]) -> bytes:
    body = struct.pack("<2i", 2, len(points)) + numbers(points)
    return header(points) + body + b"\xfe"


def polygons(*rings: Points) -> bytes:
    """A MultiPolygon of simple polygons."""
    body = struct.pack("<2i", 6, len(rings))
    for ring in rings:
        body += b"\x69" + struct.pack("<3i", 3, 1, len(ring)) + numbers(ring)
    return header([p for ring in rings for p in ring]) + body + b"\xfe"


def lines(*parts: Points) -> bytes:
    """A MultiLineString."""
    body = struct.pack("<2i", 5, len(parts))
    for part in parts:
        body += b"\x69" + struct.pack("<2i", 2, len(part)) + numbers(part)
    return header([p for part in parts for p in part]) + body + b"\xfe"


def _link(id: int, a: int, b: int, direction: int, kind: str, name: str, **more: object) -> dict[str, object]:  # fmt: skip
    return {
        "link_id": id, "a_node": a, "b_node": b, "direction": direction, "modes": "cw",
        "link_type": kind, "name": name, "geometry": line((0.0, 0.0), (0.001, 0.0)), **more,
    }  # fmt: skip


def write_project(folder: Path, transit: bool = True) -> Path:
    """Write the project into `folder` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    with _database(folder / "project_database.sqlite", SCHEMA) as project:
        for id, is_centroid in ((1, 1), (10, 0), (11, 0)):
            project.execute(
                "INSERT INTO nodes (node_id, is_centroid, modes, geometry) VALUES (?, ?, 'c', ?)",
                (id, is_centroid, point(id / 1000, 0.0)),
            )
        for link in (
            _link(5, 10, 11, 0, "primary", "Calle Larga", distance=111.319, osm_id=77,
                  lanes_ab=2, lanes_ba=1, speed_ab=50, speed_ba=40, capacity_ab=900),
            _link(6, 11, 10, 1, "residential", "", distance=10.0, lanes_ab=1, lanes_ba=3),
            _link(7, 1, 10, 0, "centroid_connector", "connector", capacity_ab=99999),
        ):  # fmt: skip
            insert(project, "links", link)
        project.execute(
            "INSERT INTO zones (zone_id, area, population, geometry) VALUES (1, 5, 1234.5678, ?)",
            (polygons(SQUARE),),
        )
    if transit:
        with _database(folder / "public_transport.sqlite", TRANSIT_SCHEMA) as database:
            for id, code in (("100", "A"), ("101", "B"), ("102", "C")):
                database.execute(
                    "INSERT INTO stops VALUES (?, ?, ?, '', 'Main 1', ?)",
                    (id, code, f"Stop {code}", point(int(id) / 100_000, 0.0)),
                )
            database.execute(
                "INSERT INTO routes VALUES (900, 'R1', 1, '1', 'Directo', '', 3, 30, 60, ?)",
                (lines(((0.0, 0.0), (0.001, 0.0))),),
            )
            database.execute("INSERT INTO route_links VALUES (900, 1, '101', '102')")
            database.execute("INSERT INTO route_links VALUES (900, 0, '100', '101')")
            database.execute("INSERT INTO trips VALUES (1, 900, 0), (2, 900, 0)")
    return folder


def insert(connection: sqlite3.Connection, table: str, row: dict[str, object]) -> None:
    places = ", ".join("?" * len(row))
    statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})"
    connection.execute(statement, tuple(row.values()))


def change(folder: Path, statement: str, *values: object) -> None:
    """Run one statement on the project's network."""
    with _database(folder / "project_database.sqlite", "") as project:
        project.execute(statement, values)


def zipped(folder: Path, target: Path, below: str = "") -> Path:
    """The folder's files as a zip archive."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, below + file.name)
    return target


class _database:  # noqa: N801 - reads as the function that it is
    """A connection that commits and closes."""

    def __init__(self, path: Path, script: str) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.executescript(script)

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.commit()
        self._connection.close()
