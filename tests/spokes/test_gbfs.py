"""GBFS: recorded systems of 2.3 and 3.0, and what goes wrong with live ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hansa.kernel.egress import Egress, FetchFailed
from hansa.kernel.errors import BadRequest
from hansa.ngsild.city import city_iri
from hansa.spokes.gbfs import SPOKE
from hansa.spokes.outward import Outward
from hansa.store.sqlite import open_store
from tests.spokes.helpers import stored, stored_whole
from tests.spokes.services import Answers, Hands, Town, http_server, recorded

MOMENT = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
TWO = "https://bikes.example/gbfs/2/gbfs.json"
THREE = "https://bikes.example/gbfs/3/gbfs.json"
SOURCE = "urn:ngsi-ld:DataSource:town"
STATION = "urn:ngsi-ld:BikeHireDockingStation:town:"
FEEDS = {
    "2.3": "system_information station_information station_status free_bike_status vehicle_types geofencing_zones",
    "3.0": "system_information station_information station_status vehicle_status vehicle_types",
}


def answers(version: str) -> Answers:
    top, middle = (TWO, "es/") if version == "2.3" else (THREE, "")
    base = top.removesuffix("gbfs.json")
    found = {top: recorded(f"gbfs-{version}/gbfs.json")}
    for name in FEEDS[version].split():
        found[f"{base}{middle}{name}.json"] = recorded(f"gbfs-{version}/{name}.json")
    return Answers(found)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    hands = Hands(MOMENT)
    store = open_store(tmp_path / "town.sqlite", clock=hands)
    yield Town(store, SPOKE, answers("2.3"), hands)
    store.close()


def feed(town: Town, name: str) -> dict[str, Any]:
    found: dict[str, Any] = town.out.answers[f"https://bikes.example/gbfs/2/es/{name}.json"]
    return found


def test_stations_of_version_2(town: Town) -> None:
    report = town.take(TWO, zones=True)
    assert (report.created, report.refused) == (4, 3)
    reasons = " ".join(map(str, report.refusals))
    assert "station 4: 0, 0 is not a longitude and latitude" in reasons
    assert "station 5: 'capacity' is not a number" in reasons
    assert "zone 2: it has no geometry" in reasons
    plaza = stored(town.store, STATION + "1")
    assert plaza["name"] == "Plaza de Armas"
    assert plaza["location"]["coordinates"] == [-71.2519, -29.9027]
    assert plaza["address"] == {"streetAddress": "Cordovez 300", "postalCode": "1700000"}
    assert plaza["totalSlotNumber"] == 18
    assert plaza["provider"] == "Movilidad Elqui SpA"
    assert plaza["availableByVehicleType"] == {"json": {"bicycle": 7}}
    assert (plaza["status"], plaza["quality"], plaza["isRenting"]) == ("working", "good", True)
    whole = stored_whole(town.store, STATION + "1")
    assert whole["availableBikeNumber"]["value"] == 7
    assert whole["availableBikeNumber"]["observedAt"] == "2026-11-23T11:29:18.000000Z"
    assert whole["freeSlotNumber"]["value"] == 10
    assert "observedAt" not in whole["totalSlotNumber"]
    faro = stored(town.store, STATION + "2")
    assert (faro["status"], faro["quality"]) == ("withIncidence", "stale")
    assert "availableBikeNumber" not in stored(town.store, STATION + "3")
    zone = stored(town.store, "urn:ngsi-ld:RentalZone:town:1")
    assert zone["name"] == "Centro histórico"
    assert zone["rules"]["json"]["rules"][0]["maximum_speed_kph"] == 10
    source = stored(town.store, SOURCE)
    assert source["title"] == "SerenaBici"
    assert source["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert source["endpointURL"] == TWO
    assert town.count("Vehicle") == 0


def test_a_system_of_version_3(town: Town) -> None:
    town.out = answers("3.0")
    assert town.take(THREE).refused == 0
    whole = stored_whole(town.store, STATION + "p1")
    assert whole["name"]["languageMap"] == {"es": "Terminal de buses", "en": "Bus terminal"}
    assert whole["status"]["value"] == "outOfService"
    assert whole["availableBikeNumber"]["value"] == 4
    assert whole["freeSlotNumber"]["observedAt"] == "2026-11-23T11:29:18.000000Z"
    town.keeper().beat()
    car = stored(town.store, "urn:ngsi-ld:Vehicle:town:v1")
    assert (car["vehicleType"], car["propulsionType"], car["rangeLeft"]) == (
        "car",
        "electric",
        210000,
    )
    assert stored(town.store, SOURCE)["liveStatus"] == "current"


def test_one_language_can_be_chosen(town: Town) -> None:
    with pytest.raises(BadRequest, match=r"no feeds in the language 'fr'; it has: es, en"):
        town.take(TWO, language="fr")
    with pytest.raises(FetchFailed, match=r"en/system_information.json: answered with status 404"):
        town.take(TWO, language="en")
    town.out = answers("3.0")
    town.take(THREE, language="en")
    assert stored(town.store, STATION + "p1")["name"] == "Bus terminal"


def test_vehicles_come_and_go_and_leave_no_history(town: Town) -> None:
    town.take(TWO)
    keeper = town.keeper()
    keeper.beat()
    assert town.count("Vehicle") == 2
    bike = stored_whole(town.store, "urn:ngsi-ld:Vehicle:town:f1")
    assert bike["vehicleType"]["value"] == "bicycle"
    assert bike["chargeLevel"] == {**bike["chargeLevel"], "value": 63, "unitCode": "P1"}
    assert bike["serviceStatus"]["value"] == "parked"
    scooter = stored(town.store, "urn:ngsi-ld:Vehicle:town:f2")
    assert (scooter["serviceStatus"], scooter["isReserved"]) == ("outOfService", True)
    assert scooter["quality"] == "clockAhead"
    assert "1 vehicles were not understood." in stored(town.store, SOURCE)["liveNotes"]
    feed(town, "free_bike_status")["data"]["bikes"] = []
    town.hands.move(seconds=61)
    keeper.beat()
    assert town.count("Vehicle") == 0


def test_numbers_of_a_station_have_a_history(town: Town) -> None:
    town.take(TWO)
    keeper = town.keeper()
    keeper.beat()
    before = town.store.last_change()
    state = feed(town, "station_status")["data"]["stations"][0]
    state["num_bikes_available"], state["last_reported"] = 6, state["last_reported"] + 61
    town.hands.move(seconds=61)
    keeper.beat()
    (change,) = [c for c in town.store.changes(before) if c.id == STATION + "1"]
    assert city_iri("availableBikeNumber") in change.attributes
    assert city_iri("name") not in change.attributes
    history = town.store.history(STATION + "1")
    numbers = [c.attributes[city_iri("availableBikeNumber")][0]["value"] for c in history]
    assert numbers == [7, 6]


def test_ttl_is_kept(town: Town) -> None:
    town.take(TWO)
    keeper = town.keeper()
    keeper.beat()
    town.out.asked.clear()
    town.hands.move(seconds=30)
    keeper.beat()
    assert town.out.asked == []
    town.hands.move(seconds=31)
    keeper.beat()
    assert {url.rsplit("/", 1)[1] for url in town.out.asked} == {"station_status.json", "free_bike_status.json"}  # fmt: skip


def test_a_station_that_goes_is_marked_but_an_empty_list_is_not_believed(town: Town) -> None:
    town.take(TWO)
    keeper = town.keeper()
    keeper.beat()
    listed = feed(town, "station_information")["data"]
    whole, listed["stations"] = listed["stations"], []
    town.hands.move(seconds=301)
    keeper.beat()
    assert "vanishedAt" not in stored(town.store, STATION + "1")
    listed["stations"] = whole[:2]
    town.hands.move(seconds=301)
    keeper.beat()
    assert "vanishedAt" in stored(town.store, STATION + "3")
    assert "vanishedAt" not in stored(town.store, STATION + "1")
    listed["stations"] = whole[:3]
    town.hands.move(seconds=301)
    keeper.beat()
    assert "vanishedAt" not in stored(town.store, STATION + "3")


# -- faults ----------------------------------------------------------------------------------------


def test_silence_is_marked_on_the_source_and_its_end_too(town: Town) -> None:
    town.take(TWO, silence=600)
    keeper = town.keeper()
    keeper.beat()
    assert stored(town.store, SOURCE)["liveStatus"] == "current"
    for _ in range(12):
        town.hands.move(seconds=61)
        keeper.beat()
    quiet = stored(town.store, SOURCE)
    assert quiet["liveStatus"] == "silent"
    assert "said nothing new since 2026-11-23 11:30 UTC" in " ".join(quiet["liveNotes"])
    assert stored(town.store, STATION + "1")["quality"] == "stale"
    status = feed(town, "station_status")
    status["last_updated"] += 800
    status["data"]["stations"][0]["last_reported"] += 800
    town.hands.move(seconds=61)
    keeper.beat()
    assert stored(town.store, SOURCE)["liveStatus"] == "current"
    assert stored(town.store, STATION + "1")["quality"] == "good"


@pytest.mark.parametrize(
    "garbage",
    [
        b"<html>Bad gateway</html>",
        b"",
        b"[]",
        b'{"data": []}',
        b'{"data": {"stations": 7}}',
        FetchFailed("address", "gave no whole answer within 60 seconds"),
    ],
)
def test_garbage_is_told_once_and_so_is_the_recovery(
    town: Town, garbage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    town.take(TWO, silence=9000)
    keeper = town.keeper()
    with caplog.at_level(logging.WARNING, "hansa.live"):
        keeper.beat()
        url = "https://bikes.example/gbfs/2/es/station_information.json"
        good, town.out.answers[url] = town.out.answers[url], garbage
        for _ in range(3):
            town.hands.move(seconds=301)
            keeper.beat()
        source = stored(town.store, SOURCE)
        assert source["liveStatus"] == "failing"
        assert len(source["liveNotes"]) == 1
        assert keeper.interval == 240.0
        assert stored(town.store, STATION + "1")["availableBikeNumber"] == 7
        town.out.answers[url] = good
        town.hands.move(seconds=301)
        keeper.beat()
    assert stored(town.store, SOURCE)["liveStatus"] == "current"
    assert keeper.interval == 60.0
    assert len(caplog.records) == 2
    assert caplog.records[1].message == f"{SOURCE}: live data are back"


def test_records_that_are_garbage_cost_only_themselves(town: Town) -> None:
    stations = feed(town, "station_information")["data"]["stations"]
    stations += [None, 7, [], {}, {"station_id": {"a": 1}}, {"station_id": "x", "lat": 1e400, "lon": 2}]  # fmt: skip
    feed(town, "station_status")["data"]["stations"] += [None, 7, {"station_id": "1", "last_reported": "soon"}]  # fmt: skip
    feed(town, "free_bike_status")["data"]["bikes"] += [None, 7, {"bike_id": None}]
    feed(town, "vehicle_types")["data"]["vehicle_types"] += [None, {"vehicle_type_id": []}]
    report = town.take(TWO)
    assert report.created == 2
    assert report.refused == 9
    keeper = town.keeper()
    keeper.beat()
    assert town.count("Vehicle") == 2


def test_a_clock_that_is_wrong_is_flagged(town: Town) -> None:
    status = feed(town, "station_status")
    status["last_updated"] += 3600
    status["data"]["stations"][0]["last_reported"] += 3600
    town.take(TWO)
    assert stored(town.store, STATION + "1")["quality"] == "clockAhead"
    town.keeper().beat()
    assert "The system's clock is ahead" in stored(town.store, SOURCE)["liveNotes"][0]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("ftp://bikes.example/gbfs.json", "not an http or https URL"),
        ("https://ann:secret@bikes.example/gbfs.json", "holds a user name or password"),
        ("https://bikes.example/gbfs.json?apikey=sesame", "'apikey': looks like a secret"),
        ("https://bikes.example/gbfs.json?key=$NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE is not set"),
    ],
)
def test_addresses_that_cannot_be_taken(town: Town, source: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as fault:
        town.take(source)
    assert "sesame" not in fault.value.sentence
    assert "ann:secret" not in fault.value.sentence


def test_keys_reach_the_service_and_nothing_else(
    town: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("open-sesame\n")
    monkeypatch.setenv("BIKES_KEY", "käse & brot")
    town.out.answers["https://bikes.example/gbfs/2/gbfs.json?key=k%C3%A4se%20%26%20brot"] = (
        town.out.answers[TWO]
    )
    listed = town.out.answers[TWO]["data"]["es"]["feeds"]
    other = "https://elsewhere.example/station_status.json"
    town.out.answers[other] = feed(town, "station_status")
    next(f for f in listed if f["name"] == "station_status")["url"] = other
    town.take(f"{TWO}?key=$BIKES_KEY", header=f"Authorization: Bearer @{tmp_path / 'key'}")
    sent = dict(zip(town.out.asked, town.out.headers, strict=True))
    assert sent[town.out.asked[0]]["Authorization"] == "Bearer open-sesame"
    assert "Authorization" not in sent[other]
    text = b"".join(town.store.scan())
    assert b"sesame" not in text
    assert b"brot" not in text
    assert b"$BIKES_KEY" in text


def test_over_real_http_with_redirects_and_through_the_guard(town: Town) -> None:
    whole = answers("2.3")

    def handler(path: str, headers: Any) -> tuple[int, dict[str, str], bytes]:
        if path == "/old.json":
            return 301, {"location": "/gbfs/2/gbfs.json"}, b""
        body = whole("https://bikes.example" + path, {})
        return 200, {}, body.replace(b"https://bikes.example/", address.encode() + b"/")

    with http_server(handler) as address:
        town.out = Outward(Egress())
        with pytest.raises(Exception, match="not public"):
            town.take(f"{address}/old.json")
        town.out = Outward(Egress(["127.0.0.1"]))
        assert town.take(f"{address}/old.json").created == 3
        keeper = town.keeper()
        keeper.beat()
        assert town.count("Vehicle") == 2


def test_a_huge_body_is_refused(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hansa.spokes.outward.LARGEST", 1000)
    town.out = Outward(Egress(["127.0.0.1"]))
    huge = b"[" + b" " * 2000
    with (
        http_server(lambda path, headers: (200, {}, huge)) as address,
        pytest.raises(FetchFailed, match="larger than 1000 bytes"),
    ):
        town.take(f"{address}/gbfs.json")
