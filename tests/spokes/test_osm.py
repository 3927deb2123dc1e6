"""OpenStreetMap extracts: which elements become what, and what an extract's edge does to them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, shape

from hansa.kernel.errors import BadRequest, MissingExtra
from hansa.spokes.manifest import resolve
from hansa.spokes.osm import SPOKE
from hansa.spokes.osm.values import metres, speed, whole_number
from hansa.spokes.port import Plain, Refusal
from tests.spokes.extracts import NODES, WAYS, write_extract
from tests.spokes.helpers import read, values

Read = tuple[dict[str, Plain], list[Refusal]]


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_extract(tmp_path_factory.mktemp("osm") / "town.osm.pbf")


@pytest.fixture(scope="module")
def town(extract: Path) -> Read:
    return read(SPOKE, extract)


def test_a_street_becomes_a_road_segment(town: Read) -> None:
    road = town[0]["RoadSegment way-100"]
    assert road["id"] == "urn:ngsi-ld:RoadSegment:town:way-100"
    assert values(road) == {
        "name": "Quay",
        "roadClass": "primary",
        "travelDirection": "backward",
        "totalLaneNumber": 2,
        "maximumAllowedSpeed": 30,
        "surface": "asphalt",
        "isBridge": True,
        "length": 222.64,
        "osmId": 100,
        "osmType": "way",
        "location": {
            "type": "LineString",
            "coordinates": [[0.003, 0.005], [0.004, 0.005], [0.005, 0.005]],
        },
    }
    assert road["maximumAllowedSpeed"]["unitCode"] == "HM"


def test_a_street_that_runs_out_of_the_extract_keeps_what_is_inside(town: Read) -> None:
    cut = town[0]["RoadSegment way-102"]
    assert cut["location"]["value"]["type"] == "MultiLineString"
    assert cut["location"]["method"]["value"] == "cut at the edge of the extract"
    assert values(cut)["travelDirection"] == "forward"  # a roundabout
    assert "RoadSegment way-101" not in town[0]  # one node here, one node there: no line


def test_what_is_no_road_yet_is_left_out(town: Read) -> None:
    assert "RoadSegment way-103" not in town[0]


def test_a_building_states_or_estimates_its_height(town: Read) -> None:
    estimated = town[0]["Building way-110"]
    assert estimated["height"]["value"] == 12.0
    assert estimated["height"]["unitCode"] == "MTR"
    assert estimated["height"]["method"]["value"] == "storeys times 3 m"
    assert values(estimated)["heightEstimated"] is True
    assert values(estimated)["floorsAboveGround"] == 4
    assert values(estimated)["buildingCategory"] == ["apartments"]
    assert values(estimated)["address"] == {"streetAddress": "Quay 7"}
    stated = values(town[0]["Building way-111"])
    assert (stated["height"], stated["heightEstimated"]) == (12.5, False)


def test_the_height_of_a_storey_is_an_option(extract: Path) -> None:
    building = read(SPOKE, extract, storey_height=3.5)[0]["Building way-110"]
    assert building["height"]["value"] == 14.0


def test_multipolygons_have_holes(town: Read) -> None:
    building = town[0]["Building relation-200"]
    assert building["location"]["value"]["type"] == "Polygon"
    assert len(building["location"]["value"]["coordinates"]) == 2
    assert "height" not in building


def test_areas_are_closed_along_the_edge_or_reported(town: Read) -> None:
    entities, refusals = town
    cut = entities["Building way-111"]
    assert len(cut["location"]["value"]["coordinates"][0]) == 4
    assert cut["location"]["method"]["value"] == "cut at the edge of the extract"
    assert [str(refusal) for refusal in refusals] == [
        "town.osm.pbf, way-112: its outline is incomplete in this extract",
        "town.osm.pbf, relation-201: its outline is incomplete in this extract",
    ]


def test_one_element_may_be_two_things(town: Read) -> None:
    library = town[0]["PointOfInterest way-110"]
    assert values(library)["category"] == "library"
    assert library["location"]["value"]["type"] == "Point"
    outline = shape(town[0]["Building way-110"]["location"]["value"])
    assert outline.contains(shape(library["location"]["value"]))


def test_places_to_go_to(town: Read, extract: Path) -> None:
    entities, _ = town
    cafe = values(entities["PointOfInterest node-50"])
    assert (cafe["name"], cafe["category"], cafe["categoryGroup"]) == (
        "Harbour Café",
        "cafe",
        "amenity",
    )
    assert values(entities["PointOfInterest node-52"])["category"] == "books"
    assert "PointOfInterest node-54" not in entities
    assert "PointOfInterest node-51" not in entities
    assert "PointOfInterest node-51" in read(SPOKE, extract, furniture=True)[0]
    assert "PointOfInterest way-130" not in entities  # a park is land cover


def test_what_was_left_out_is_noted(extract: Path) -> None:
    reading = SPOKE.open(str(extract), "town", resolve(SPOKE.manifest, {}))
    list(reading.items())
    reading.close()
    assert reading.about.notes[0].startswith("1 pieces of street furniture")
    assert SPOKE.manifest.license == "ODbL-1.0"
    assert SPOKE.manifest.attribution == "© OpenStreetMap contributors"


def test_land_water_and_names(town: Read) -> None:
    entities, _ = town
    park = values(entities["LandCover way-130"])
    assert (park["coverClass"], park["name"]) == ("park", "Green")
    pond = values(entities["OSMWater way-131"])
    assert (pond["waterType"], pond["intermittent"]) == ("pond", True)
    assert values(entities["OSMWater way-132"])["location"]["type"] == "LineString"
    suburb = values(entities["OSMPlace node-53"])
    assert (suburb["placeType"], suburb["population"]) == ("suburb", 1200)


# -- the sea


def test_the_sea_lies_to_the_right_of_the_coast(town: Read) -> None:
    sea = town[0]["OSMWater sea-1"]
    assert values(sea)["waterType"] == "sea"
    assert "closed along the edge" in sea["location"]["method"]["value"]
    outline = shape(sea["location"]["value"])
    assert outline.contains(Point(0.009, 0.005))  # the coast runs north at 0.008: right is east
    assert not outline.contains(Point(0.007, 0.005))
    assert outline.area == pytest.approx(0.002 * 0.01, rel=0.01)


def test_a_coast_the_other_way_round_turns_the_sea(tmp_path: Path) -> None:
    coast = [(140, [32, 31, 30], {"natural": "coastline"})]
    entities, _ = read(SPOKE, write_extract(tmp_path / "west.osm.pbf", ways=coast))
    outline = shape(entities["OSMWater sea-1"]["location"]["value"])
    assert outline.contains(Point(0.001, 0.005))
    assert not outline.contains(Point(0.009, 0.005))


def test_an_island_is_a_hole_in_the_sea(tmp_path: Path) -> None:
    island = [(140, [20, 21, 22, 23, 20], {"natural": "coastline"})]  # land on the left
    entities, _ = read(SPOKE, write_extract(tmp_path / "island.osm.pbf", ways=island))
    outline = shape(entities["OSMWater sea-1"]["location"]["value"])
    assert outline.contains(Point(0.001, 0.001))
    assert not outline.contains(Point(0.0065, 0.0015))
    assert "OSMWater sea-2" not in entities


def test_an_extract_without_coast_has_no_sea(tmp_path: Path) -> None:
    inland = write_extract(tmp_path / "inland.osm.pbf", ways=WAYS[:-1])
    assert "OSMWater sea-1" not in read(SPOKE, inland)[0]


# -- files


def test_xml_is_read_like_pbf(tmp_path: Path, town: Read) -> None:
    entities, _ = read(SPOKE, write_extract(tmp_path / "town.osm"))
    assert entities == town[0]


@pytest.mark.parametrize("left", [10, 200, 700])
def test_a_truncated_file_is_refused(extract: Path, tmp_path: Path, left: int) -> None:
    cut = tmp_path / "cut.osm.pbf"
    data = extract.read_bytes()
    assert len(data) > left
    cut.write_bytes(data[:left])
    with pytest.raises(BadRequest, match=r"cut.osm.pbf: is not a complete OpenStreetMap file"):
        read(SPOKE, cut)


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.osm.pbf").write_text("Dear city, " * 50)
    with pytest.raises(BadRequest, match=r"not a complete OpenStreetMap file"):
        read(SPOKE, tmp_path / "letter.osm.pbf")
    (tmp_path / "letter.txt").write_text("Dear city")
    with pytest.raises(BadRequest, match=r"not named like an OpenStreetMap file"):
        read(SPOKE, tmp_path / "letter.txt")


def test_places_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.osm").write_text('<osm version="0.6"><node id="1" lat="x" lon="1"/></osm>')
    with pytest.raises(BadRequest, match=r"odd.osm: is not a complete OpenStreetMap file"):
        read(SPOKE, tmp_path / "odd.osm")


def test_an_empty_extract_is_empty(tmp_path: Path) -> None:
    empty = write_extract(tmp_path / "empty.osm.pbf", nodes=NODES, points=[], ways=[], relations=[])
    assert read(SPOKE, empty) == ({}, [])


def test_without_the_package_the_extra_is_named(
    extract: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "osmium", None)
    with pytest.raises(MissingExtra, match=r"pip install 'hansa\[osm\]'"):
        read(SPOKE, extract)


# -- numbers in free text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12.0), ("12.5 m", 12.5), ("40 ft", 12.192), ("6'7\"", 2.007), ("6'", 1.829),
        ("0.1 km", 100.0), ("", None), (None, None), ("high", None), ("-3", None), ("12,5", None),
    ],
)  # fmt: skip
def test_lengths(text: str | None, value: float | None) -> None:
    assert metres(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("50", (50, "KMH")), ("30 mph", (30, "HM")), ("50 km/h", (50, "KMH")),
        ("10 knots", (18.52, "KMH")), ("FI:urban", None), ("none", None), ("50;30", None),
    ],
)  # fmt: skip
def test_speeds(text: str, value: tuple[float, str] | None) -> None:
    assert speed(text) == value


@given(st.text(max_size=10))
def test_any_text_is_a_number_or_nothing(text: str) -> None:
    assert (found := metres(text)) is None or found >= 0
    assert (limit := speed(text)) is None or limit[0] >= 0
    count = whole_number(text, 0, 10)
    assert count is None or 0 <= count <= 10
