"""GTFS feeds: what becomes of each file, and what is refused with which file and line."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest, HansaError, NotFound
from hansa.spokes.gtfs import SPOKE
from hansa.spokes.manifest import resolve
from tests.spokes.feeds import DEGREE, FILES, lines, write_feed, zip_feed
from tests.spokes.helpers import read, values


def test_every_file_becomes_entities(tmp_path: Path) -> None:
    entities, refusals = read(SPOKE, write_feed(tmp_path / "feed"))
    assert refusals == []
    assert sorted(entities) == [
        "GtfsAgency X",
        "GtfsCalendarDateRule END-20261225",
        "GtfsCalendarDateRule WEEK-20261225",
        "GtfsCalendarRule END-1",
        "GtfsCalendarRule WEEK-1",
        "GtfsRoute R",
        "GtfsService END",
        "GtfsService WEEK",
        "GtfsShape L",
        *(n for n in sorted(entities) if n.startswith("GtfsShape straight-")),
        "GtfsStation S",
        "GtfsStop A",
        "GtfsStop B",
        "GtfsStop C",
        "GtfsTrip N",
        "GtfsTrip T1",
        "GtfsTrip T2",
    ]
    assert values(entities["GtfsStop A"])["hasParentStation"] == "urn:ngsi-ld:GtfsStation:town:S"
    route = values(entities["GtfsRoute R"])
    assert (route["name"], route["routeColor"]) == ("1 Coast", "f40606")
    assert route["operatedBy"] == "urn:ngsi-ld:GtfsAgency:town:X"
    service = values(entities["GtfsService WEEK"])
    assert service["description"] == "Mon Tue Wed Thu Fri, 2026-01-01 to 2026-12-31"
    assert service["tripCount"] == 2


def test_a_trip_carries_its_stop_times(tmp_path: Path) -> None:
    trip = values(read(SPOKE, write_feed(tmp_path / "feed"))[0]["GtfsTrip T1"])
    assert trip["hasRoute"] == "urn:ngsi-ld:GtfsRoute:town:R"
    assert trip["hasService"] == "urn:ngsi-ld:GtfsService:town:WEEK"
    assert trip["hasShape"] == "urn:ngsi-ld:GtfsShape:town:L"
    assert (trip["firstDeparture"], trip["lastArrival"]) == ("08:00:00", "08:32:00")
    assert trip["stopCount"] == 3
    assert trip["stopTimes"]["stops"] == ["A", "B", "C"]
    assert trip["stopTimes"]["arrivals"] == [28800, 29400, 30720]
    assert trip["stopTimes"]["departures"] == [28800, 29520, 30720]
    expected = [0, 0.01 * DEGREE, 0.03 * DEGREE]
    assert trip["stopTimes"]["distances"] == pytest.approx(expected, abs=0.1)
    assert "estimated" not in trip["stopTimes"]


def test_times_run_past_midnight(tmp_path: Path) -> None:
    trip = values(read(SPOKE, write_feed(tmp_path / "feed"))[0]["GtfsTrip N"])
    assert trip["lastArrival"] == "24:30:00"
    assert trip["stopTimes"]["arrivals"][-1] == 88200


def test_a_shape_is_sorted_and_knows_its_route(tmp_path: Path) -> None:
    shape = read(SPOKE, write_feed(tmp_path / "feed"))[0]["GtfsShape L"]
    assert shape["location"]["value"] == {
        "type": "LineString",
        "coordinates": [[0.0, 0.0], [0.02, 0.0], [0.03, 0.0]],  # the repeated vertex is gone
    }
    assert values(shape)["name"] == "1 Coast"
    assert values(shape)["routeColor"] == "f40606"
    assert shape["length"]["value"] == pytest.approx(0.03 * DEGREE, abs=0.1)


def test_a_trip_without_shape_follows_straight_lines(tmp_path: Path) -> None:
    entities, _ = read(SPOKE, write_feed(tmp_path / "feed", shapes=None))
    shape_id = values(entities["GtfsTrip T1"])["hasShape"].rsplit(":", 1)[-1]
    shape = entities[f"GtfsShape {shape_id}"]
    assert shape_id.startswith("straight-")
    assert shape["location"]["value"]["coordinates"] == [[0.0, 0.0], [0.01, 0.0], [0.03, 0.0]]
    assert shape["location"]["method"]["value"] == "straight lines between stops"
    assert values(entities["GtfsTrip N"])["hasShape"] != values(entities["GtfsTrip T1"])["hasShape"]


def test_stated_distances_are_used_where_both_sides_have_them(tmp_path: Path) -> None:
    shapes = lines(
        "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence,shape_dist_traveled",
        "L,0,0,1,0",
        "L,0,0.02,2,2.0",
        "L,0,0.03,3,3.0",
    )
    times = lines(
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence,shape_dist_traveled",
        "T1,08:00:00,08:00:00,A,1,0",
        "T1,08:10:00,08:12:00,B,2,1.5",
        "T1,08:32:00,08:32:00,C,3,3.0",
    )
    feed = write_feed(tmp_path / "feed", shapes=shapes, stop_times=times)
    entities, _ = read(SPOKE, feed)
    distances = values(entities["GtfsTrip T1"])["stopTimes"]["distances"]
    assert distances[1] == pytest.approx(0.015 * DEGREE, abs=0.1)
    assert values(entities["GtfsShape L"])["distanceTravelled"] == [0.0, 2.0, 3.0]


def test_missing_times_are_interpolated_by_distance_and_marked(tmp_path: Path) -> None:
    times = lines(
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence",
        "T1,08:00:00,,A,1",
        "T1,,,B,2",
        "T1,,08:30:00,C,3",
    )
    feed = write_feed(tmp_path / "feed", stop_times=times)
    found = values(read(SPOKE, feed)[0]["GtfsTrip T1"])["stopTimes"]
    assert found["arrivals"] == found["departures"] == [28800, 29400, 30600]  # a third of the way
    assert found["estimated"] == [1]


def test_a_trip_that_never_runs_is_kept_without_times(tmp_path: Path) -> None:
    times = lines(
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence",
        "T1,,,A,1",
        "T1,08:30:00,08:30:00,C,2",
        "T2,09:00:00,09:00:00,C,1",
    )
    feed = write_feed(tmp_path / "feed", stop_times=times)
    entities, _ = read(SPOKE, feed)
    assert "stopTimes" not in entities["GtfsTrip T1"]
    assert "stopTimes" not in entities["GtfsTrip T2"]
    notes = SPOKE.open(str(feed), "town", resolve(SPOKE.manifest, {})).about.notes
    assert notes[0] == "3 of 3 trips lack a timed first and last stop; they never run."


def test_frequencies_become_entities(tmp_path: Path) -> None:
    text = lines(
        "trip_id,start_time,end_time,headway_secs,exact_times",
        "T1,06:00:00,09:00:00,600,1",
        "T1,09:00:00,08:00:00,600,",
        "T9,06:00:00,09:00:00,600,",
        "T1,06:00:00,09:00:00,0,",
        "T1,06:00:00,09:00:00,ten,",
    )
    entities, refusals = read(SPOKE, write_feed(tmp_path / "feed", frequencies=text))
    found = values(entities["GtfsFrequency T1-1"])
    assert found["hasTrip"] == "urn:ngsi-ld:GtfsTrip:town:T1"
    assert (found["startTime"], found["headwaySeconds"]) == ("06:00:00", 600)
    assert found["exactTimes"] is True
    assert [refusal.place.line for refusal in refusals] == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("encoding", "note"),
    [("utf-8", None), ("utf-8-sig", None), ("utf-16", "utf-16"), ("cp1252", "cp1252")],
)
def test_encodings_are_found_out(tmp_path: Path, encoding: str, note: str | None) -> None:
    text = FILES["stops.txt"].replace("Ash", "Ñandú")
    feed = write_feed(tmp_path / "feed", stops=text.encode(encoding))
    assert values(read(SPOKE, feed)[0]["GtfsStop A"])["name"] == "Ñandú"
    notes = SPOKE.open(str(feed), "town", resolve(SPOKE.manifest, {})).about.notes
    assert any("stops.txt is not UTF-8" in n and str(note) in n for n in notes) is bool(note)


@pytest.mark.parametrize(
    ("file", "row", "reason"),
    [
        ("stops", "D,Dogwood,91,0,,", "latitude 91"),
        ("stops", "D,Dogwood,,,,", "is not a position"),
        ("stops", "D,Dogwood,x,0,,", "'x', '0' is not a position"),
        ("stops", ",Dogwood,0,0,,", "'stop_id' is blank"),
        ("stops", "A,Again,0,0,,", "appeared before, on line 2"),
        ("stops", "D,Dogwood,0,0,9,", "location_type 9 is none of"),
        ("stops", "D,Dogwood,0,0,,,more", "it has 7 fields where the header has 6"),
        ("routes", "Q,X,2,Hills,bus,", "route_type 'bus' is not a whole number"),
        ("calendar", "ODD,1,1,1,1,2,0,0,20260101,20261231", "friday 2 is none of 0, 1"),
        ("calendar", "ODD,1,1,1,1,1,0,0,20260101,20250101", "before start_date"),
        ("calendar_dates", "END,2026-12-25,1", "'2026-12-25' is not a date"),
        ("calendar_dates", "END,20261226,3", "exception_type 3"),
        ("shapes", "L,0,200,40", "longitude 200"),
        ("shapes", "L,0,0,first", "'first'"),
        ("shapes", "L,0,0," + "9" * 30, "9' is too large"),
        ("trips", "Z,WEEK,T3,,0,", "there is no route 'Z'"),
        ("trips", "R,NEVER,T3,,0,", "there is no service 'NEVER'"),
        ("trips", "R,WEEK,T3,,2,", "direction_id 2 is none of 0, 1"),
        ("stop_times", "T7,08:00:00,08:00:00,A,1", "there is no trip 'T7'"),
        ("stop_times", "T1,08:00:00,08:00:00,Q,9", "there is no stop 'Q'"),
        ("stop_times", "T1,25h,08:00:00,C,9", "'25h' is not a time"),
        ("stop_times", "T1,08:40:00,08:40:00,C,last", "stop_sequence 'last'"),
        ("stop_times", "T1,08:40:00,08:40:00,C," + "9" * 40, "9' is too large"),
        ("stop_times", "T1,08:40:00,08:40:00,C,3", "stop_sequence 3 appears twice"),
        ("stop_times", "T1,08:20:00,08:20:00,C,4", "its times go back"),
    ],
)
def test_a_bad_row_is_refused_with_file_and_line(
    tmp_path: Path, file: str, row: str, reason: str
) -> None:
    text = FILES[f"{file}.txt"] + row + "\n"
    changes: dict[str, Any] = {file: text}
    entities, (refusal,) = read(SPOKE, write_feed(tmp_path / "feed", **changes))
    assert str(refusal).startswith(f"{file}.txt, line {text.count(chr(10))}: ")
    assert reason in refusal.reason
    assert len([name for name in entities if name.startswith("GtfsTrip ")]) == 3
    assert values(entities["GtfsTrip T1"])["stopCount"] == 3


def test_short_rows_and_blank_lines_are_read(tmp_path: Path) -> None:
    text = "stop_id,stop_name,stop_lat,stop_lon,zone_id\nA,Ash,0,0\n\nB,Birch,0,0.01,\n,,,,\nC,C,0,0.03"
    entities, refusals = read(SPOKE, write_feed(tmp_path / "feed", stops=text))
    assert refusals == []
    assert {"GtfsStop A", "GtfsStop B", "GtfsStop C"} <= entities.keys()


@pytest.mark.parametrize("name", ["agency", "stops", "routes", "trips", "stop_times"])
def test_a_feed_without_a_required_file_is_refused(tmp_path: Path, name: str) -> None:
    changes: dict[str, Any] = {name: None}
    with pytest.raises(BadRequest, match=f"feed: holds no {name}.txt"):
        read(SPOKE, write_feed(tmp_path / "feed", **changes))


def test_a_feed_needs_one_of_the_calendars(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"holds no calendar.txt"):
        read(SPOKE, write_feed(tmp_path / "none", calendar=None, calendar_dates=None))
    text = "service_id,date,exception_type\nWEEK,20261123,1\nEND,20261122,1\n"
    feed = write_feed(tmp_path / "dates", calendar=None, calendar_dates=text)
    assert "GtfsTrip T1" in read(SPOKE, feed)[0]


def test_a_missing_column_is_refused_by_name(tmp_path: Path) -> None:
    text = FILES["trips.txt"].replace("service_id", "service")
    with pytest.raises(BadRequest, match=r"trips.txt, line 1: the column 'service_id' is missing"):
        read(SPOKE, write_feed(tmp_path / "feed", trips=text))


def test_an_unknown_time_zone_needs_an_option(tmp_path: Path) -> None:
    text = FILES["agency.txt"].replace("America/Santiago", "Chile/Somewhere")
    feed = write_feed(tmp_path / "feed", agency=text)
    with pytest.raises(BadRequest, match=r"time zone 'Chile/Somewhere' is unknown.*timezone"):
        read(SPOKE, feed)
    agency = read(SPOKE, feed, timezone="America/Santiago")[0]["GtfsAgency X"]
    assert values(agency)["timezone"] == "America/Santiago"


def test_archives_are_read_and_damaged_ones_refused(tmp_path: Path) -> None:
    whole = zip_feed(tmp_path / "feed.zip")
    assert len(read(SPOKE, whole)[0]) == 17
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(BadRequest, match=r"cut.zip: is not a complete zip archive"):
        read(SPOKE, cut)
    bad = bytearray(whole.read_bytes())
    place = bad.index(b"stop_times.txt") + 40
    bad[place : place + 8] = b"\xff" * 8
    spoilt = tmp_path / "spoilt.zip"
    spoilt.write_bytes(bad)
    with pytest.raises(BadRequest, match=r"zip archive"):
        read(SPOKE, spoilt)


def test_foreign_archives_are_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "photos.zip"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("beach.jpg", b"\xff\xd8")
    with pytest.raises(BadRequest, match=r"photos.zip: holds no stop_times.txt; give a GTFS feed"):
        read(SPOKE, foreign)
    (tmp_path / "letter.zip").write_text("Dear city")
    with pytest.raises(BadRequest, match=r"not a complete zip archive"):
        read(SPOKE, tmp_path / "letter.zip")
    with pytest.raises(NotFound, match=r"no such member"):
        read(SPOKE, f"{foreign}!feed.zip")


def test_the_reading_knows_its_period(tmp_path: Path) -> None:
    feed = write_feed(tmp_path / "feed", feed_info="feed_publisher_name,feed_publisher_url\nTown,https://t.example\n")  # fmt: skip
    reading = SPOKE.open(str(feed), "town", resolve(SPOKE.manifest, {}))
    assert reading.about.attribution == "Town"
    assert reading.about.url == "https://t.example"
    assert values(reading.about.facts) == {
        "timetableStarts": "2026-01-01",
        "timetableEnds": "2026-12-31",
    }
    assert reading.total == len(list(reading.items()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    name=st.sampled_from(sorted(FILES)),
    cut=st.integers(0, 400),
    noise=st.binary(max_size=30),
)
def test_any_damage_gives_entities_or_a_refusal(
    tmp_path: Path, name: str, cut: int, noise: bytes
) -> None:
    data = FILES[name].encode()
    feed = write_feed(tmp_path / "feed", **{name[:-4]: data[:cut] + noise + data[cut:]})
    try:
        entities, _ = read(SPOKE, feed)
    except HansaError as fault:
        assert fault.remedy
    else:
        assert all(entity["id"].startswith("urn:ngsi-ld:") for entity in entities.values())
