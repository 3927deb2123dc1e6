"""AequilibraE projects: what becomes of links, nodes, zones and patterns, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from hansa.kernel.errors import BadRequest, NotFound
from hansa.spokes.aequilibrae import SPOKE
from hansa.spokes.manifest import resolve
from tests.spokes.helpers import read, values
from tests.spokes.projects import change, line, point, write_project, zipped


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "tiny")


def test_a_link_becomes_a_road_segment(project: Path) -> None:
    entities, refusals = read(SPOKE, project)
    road = entities["RoadSegment 5"]
    assert refusals == []
    assert road["id"] == "urn:ngsi-ld:RoadSegment:town:5"
    assert values(road) == {
        "name": "Calle Larga",
        "roadClass": "primary",
        "travelDirection": "both",
        "modes": ["car", "walk"],
        "length": 111.32,
        "lanesForward": 2,
        "lanesBackward": 1,
        "speedForward": 50,
        "speedBackward": 40,
        "capacityForward": 900,
        "totalLaneNumber": 3,
        "maximumAllowedSpeed": 50,
        "startNode": "urn:ngsi-ld:RoadNode:town:10",
        "endNode": "urn:ngsi-ld:RoadNode:town:11",
        "osmId": 77,
        "location": {"type": "LineString", "coordinates": [[0.0, 0.0], [0.001, 0.0]]},
    }
    assert road["length"]["unitCode"] == "MTR"
    assert road["maximumAllowedSpeed"]["unitCode"] == "KMH"
    assert road["capacityForward"]["unitText"]["value"] == "vehicles per hour"


def test_values_of_a_forbidden_direction_are_left_out(project: Path) -> None:
    road = values(read(SPOKE, project)[0]["RoadSegment 6"])
    assert road["travelDirection"] == "forward"
    assert road["totalLaneNumber"] == road["lanesForward"] == 1
    assert "lanesBackward" not in road
    assert "name" not in road


def test_connectors_are_marked_as_virtual(project: Path) -> None:
    entities, _ = read(SPOKE, project)
    connector = values(entities["RoadSegment 7"])
    assert connector["isVirtual"] is True
    assert connector["roadClass"] == "centroid_connector"
    assert "isVirtual" not in entities["RoadSegment 5"]


def test_a_zone_has_people_and_a_computed_area(project: Path) -> None:
    zone = read(SPOKE, project)[0]["TransportZone 1"]
    assert zone["population"] == {"type": "Property", "value": 1234.568, "unitCode": "IE"}
    assert zone["area"]["value"] == pytest.approx(1.2309, abs=1e-4)  # 1.11319 km by 1.10574 km
    assert zone["area"]["unitCode"] == "KMK"
    assert "computed" in zone["area"]["method"]["value"]
    assert zone["centroid"]["object"] == "urn:ngsi-ld:RoadNode:town:1"
    assert zone["name"]["value"] == "Zone 1"


def test_nodes_say_whether_they_are_centroids(project: Path) -> None:
    entities, _ = read(SPOKE, project)
    assert [values(entities[f"RoadNode {n}"])["isCentroid"] for n in (1, 10)] == [True, False]


def test_a_pattern_becomes_a_route_with_its_stops_in_order(project: Path) -> None:
    entities, _ = read(SPOKE, project)
    route = values(entities["PublicTransportRoute 900"])
    assert route["name"] == "1 Directo"
    assert route["tripCount"] == 2
    assert route["serviceDate"] == "2016-04-13"
    assert [stop["object"][-1] for stop in route["refPublicTransportStops"]] == ["A", "B", "C"]
    assert values(entities["PublicTransportStop A"])["name"] == "Stop A"


def test_stops_may_be_those_of_a_gtfs_import(project: Path) -> None:
    entities, _ = read(SPOKE, project, stops="gtfs")
    stops = entities["PublicTransportRoute 900"]["refPublicTransportStops"]["objectList"]
    assert stops[0]["object"] == "urn:ngsi-ld:GtfsStop:town:A"
    assert not any(name.startswith("PublicTransportStop") for name in entities)


def test_units_are_what_the_user_says(project: Path) -> None:
    change(project, "UPDATE links SET travel_time_ab = 3")
    road = read(SPOKE, project, speed_unit="mph", time_unit="s")[0]["RoadSegment 5"]
    assert road["speedForward"]["unitCode"] == "HM"
    assert road["travelTimeForward"] == {"type": "Property", "value": 3, "unitCode": "SEC"}


def test_a_speed_of_zero_means_unknown(project: Path) -> None:
    change(project, "UPDATE links SET speed_ab = 0, speed_ba = NULL")
    road = values(read(SPOKE, project)[0]["RoadSegment 5"])
    assert "speedForward" not in road
    assert "maximumAllowedSpeed" not in road


def test_archives_are_read_like_folders(project: Path, tmp_path: Path) -> None:
    plain = zipped(project, tmp_path / "tiny.zip")
    below = zipped(project, tmp_path / "below.zip", "some/folder/")
    outer = zipped(_only(plain, tmp_path / "outer"), tmp_path / "package.whl", "data/")
    expected = read(SPOKE, project)
    assert read(SPOKE, plain) == expected
    assert read(SPOKE, below) == expected
    assert read(SPOKE, f"{outer}!data/tiny.zip") == expected


def test_the_project_says_what_it_is(project: Path, tmp_path: Path) -> None:
    source = zipped(project, tmp_path / "tiny.zip")
    reading = SPOKE.open(str(source), "town", resolve(SPOKE.manifest, {}))
    reading.close()
    about = reading.about
    assert (about.title, about.license, about.file) == ("Tiny", "CC0-1.0", "tiny.zip")
    assert about.digest.startswith("sha256:")
    assert about.notes == ["Columns of 'links' that were not taken in: colour."]
    assert reading.total == 3 + 3 + 1 + 3 + 1


def test_a_project_without_public_transport_is_read(tmp_path: Path) -> None:
    entities, _ = read(SPOKE, write_project(tmp_path / "roads", transit=False))
    assert {name.split()[0] for name in entities} == {"RoadSegment", "RoadNode", "TransportZone"}


@pytest.mark.parametrize(
    ("statement", "value", "reason"),
    [
        ("UPDATE links SET geometry = ? WHERE link_id = 5", b"junk", "not a SpatiaLite geometry"),
        ("UPDATE links SET geometry = ? WHERE link_id = 5", None, "not a SpatiaLite geometry"),
        (
            "UPDATE links SET geometry = ? WHERE link_id = 5",
            line((0, 0), (1, 1))[:-9] + b"\xfe",
            "cut short",
        ),
        (
            "UPDATE links SET geometry = ? WHERE link_id = 5",
            point(0, 0, srid=32719),
            "reference system 32719",
        ),
        ("UPDATE links SET direction = ? WHERE link_id = 5", 7, "direction 7"),
        ("UPDATE links SET lanes_ab = ? WHERE link_id = 5", "many", "'many' is not a number"),
        ("UPDATE links SET modes = ? WHERE link_id = 5", "", "no modes"),
    ],
)
def test_a_bad_row_costs_one_row(project: Path, statement: str, value: object, reason: str) -> None:
    change(project, statement, value)
    entities, (refusal,) = read(SPOKE, project)
    assert "RoadSegment 5" not in entities
    assert "RoadSegment 6" in entities
    assert str(refusal).startswith("project_database.sqlite, links, link_id 5: ")
    assert reason in refusal.reason


def test_negative_people_are_refused(project: Path) -> None:
    change(project, "UPDATE zones SET population = -4")
    _, (refusal,) = read(SPOKE, project)
    assert "zones, zone_id 1: population is negative" in str(refusal)


@pytest.mark.parametrize("missing", ["DROP TABLE zones", "ALTER TABLE links DROP COLUMN modes"])
def test_a_foreign_schema_is_refused_whole(project: Path, missing: str) -> None:
    change(project, missing)
    with pytest.raises(BadRequest, match=r"project_database.sqlite: .*(no table|lacks the column)"):
        read(SPOKE, project)


def test_a_truncated_database_is_refused_whole(project: Path) -> None:
    file = project / "project_database.sqlite"
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(BadRequest, match=r"not a complete SQLite database"):
        read(SPOKE, project)
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(BadRequest, match=r"ends inside its header"):
        read(SPOKE, project)


def test_other_files_are_refused_whole(project: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"holds no project_database.sqlite"):
        read(SPOKE, _empty(tmp_path))
    (project / "project_database.sqlite").write_bytes(b"PK not a database at all" * 10)
    with pytest.raises(BadRequest, match=r"is not an SQLite database"):
        read(SPOKE, project)
    with pytest.raises(NotFound, match=r"does not exist"):
        read(SPOKE, tmp_path / "nowhere")


def _empty(folder: Path) -> Path:
    made = folder / "empty"
    made.mkdir()
    return made


def _only(file: Path, folder: Path) -> Path:
    folder.mkdir()
    (folder / file.name).write_bytes(file.read_bytes())
    return folder
