"""SensorThings: a recorded service, new observations by their time, and services that misbehave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.egress import FetchFailed
from hansa.kernel.errors import BadRequest
from hansa.ngsild.city import city_iri
from hansa.ngsild.model import DEFAULT_VOCABULARY
from hansa.spokes.sensorthings import SPOKE
from hansa.spokes.sensorthings.map import attribute_name, read_thing
from hansa.spokes.unit_codes import unit_code
from hansa.store.sqlite import open_store
from tests.spokes.helpers import stored, stored_whole
from tests.spokes.services import Hands, Town, recorded

MOMENT = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
ROOT = "https://sensors.example/v1.1"
SOURCE = "urn:ngsi-ld:DataSource:town"
PLAZA = "urn:ngsi-ld:Device:town:1"
FARO = "urn:ngsi-ld:Device:town:faro-2"


class Frost:
    """A service with recorded Things, and observations that the test adds."""

    def __init__(self) -> None:
        self.pages = {
            "/Things": recorded("sensorthings/things-1.json"),
            "/Things?3": recorded("sensorthings/things-2.json"),
            "/Things(1)/Datastreams?2": recorded("sensorthings/datastreams-1.json"),
        }
        self.observations: list[dict[str, Any]] = []
        self.fault: Any = None
        self.page = 1000
        self.asked: list[str] = []

    def __call__(self, url: str, headers: Mapping[str, str], /) -> bytes:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = parts.path.removeprefix("/v1.1")
        self.asked.append(path)
        if self.fault is not None:
            if isinstance(self.fault, Exception):
                raise self.fault
            return bytes(self.fault)
        if path == "/Observations":
            return orjson.dumps(self._observations(query))
        page = self.pages.get(path + (f"?{query['$skip']}" if "$skip" in query else ""))
        if page is None:
            raise FetchFailed(f"address {url}", "answered with status 404")
        return orjson.dumps(page)

    def _observations(self, query: dict[str, str]) -> dict[str, Any]:
        assert query["$orderby"] == "phenomenonTime asc"
        after = query["$filter"].removeprefix("phenomenonTime gt ")
        found = sorted((o for o in self.observations if isinstance(o, dict) and str(o["phenomenonTime"]) > after), key=lambda o: str(o["phenomenonTime"]))  # fmt: skip
        found += [o for o in self.observations if not isinstance(o, dict)]
        skip = int(query.get("$skip", "0"))
        page: dict[str, Any] = {"value": found[skip : skip + self.page]}
        if len(found) > skip + self.page:
            rest = f"$filter=phenomenonTime gt {after}&$orderby=phenomenonTime asc&$skip={skip + self.page}"
            page["@iot.nextLink"] = f"{ROOT}/Observations?{rest}".replace(" ", "%20")
        return page

    def observe(self, stream: int, result: Any, at: datetime, id: int | None = None) -> None:
        number = len(self.observations) + 1000 if id is None else id
        when = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.observations.append({"@iot.id": number, "phenomenonTime": when, "result": result, "Datastream": {"@iot.id": stream}})  # fmt: skip


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    hands = Hands(MOMENT)
    store = open_store(tmp_path / "town.sqlite", clock=hands)
    yield Town(store, SPOKE, Frost(), hands)
    store.close()


def results(town: Town, id: str, name: str) -> list[Any]:
    """The history of an attribute."""
    iri = DEFAULT_VOCABULARY + name
    return [c.attributes[iri][0]["value"] for c in town.store.history(id) if iri in c.attributes]


def test_things_with_all_their_pages(town: Town) -> None:
    report = town.take(ROOT)
    assert (report.created, report.refused) == (3, 2)
    assert "Thing 3: '@iot.id' is missing" in str(report.refusals[0])
    plaza = stored_whole(town.store, PLAZA)
    assert plaza["name"]["value"] == "Estación Plaza"
    assert plaza["location"]["value"]["coordinates"] == [-71.2519, -29.9027]
    assert plaza["characteristics"]["json"] == {"operator": "City", "model": "AX-3"}
    assert plaza["controlledProperty"]["value"] == ["airTemperature", "pm10"]
    one, other = plaza["airTemperature"]
    assert (one["value"], one["unitCode"], one["observedAt"]) == (18.4, "CEL", "2026-11-23T11:20:00.000000Z")  # fmt: skip
    assert "datasetId" not in one
    assert (other["value"], other["datasetId"]) == (31, "urn:ngsi-ld:Datastream:town:3")
    pm10 = plaza["pm10"]
    assert (pm10["value"], pm10["unitCode"], pm10["observedAt"]) == (23.5, "GQ", "2026-11-23T11:00:00.000000Z")  # fmt: skip
    assert pm10["datastream"]["value"] == "PM10 plaza"
    assert plaza["dateLastValueReported"]["value"] == "2026-11-23T11:25:00.000000Z"
    faro = stored_whole(town.store, FARO)
    assert faro["location"]["value"]["coordinates"] == [-71.2742, -29.9056]
    assert faro["trafficFlow"]["unitText"]["value"] == "veh"
    assert faro["state"]["value"] == "ok"
    assert "mode" not in faro
    assert faro["quality"]["value"] == "good"


def test_new_observations_become_history_once_each(town: Town) -> None:
    town.take(ROOT)
    keeper = town.keeper()
    keeper.beat()
    for minute in range(1, 4):
        town.out.observe(1, 18 + minute, MOMENT + timedelta(minutes=minute))
    town.out.observe(3, 30, MOMENT + timedelta(minutes=2))
    town.hands.move(minutes=4)
    keeper.beat()
    keeper.beat()
    history = [n for n in results(town, PLAZA, "airTemperature") if n in {19, 20, 21}]
    assert history == [19, 20, 20, 21]  # once more at 20, when the other Datastream changed
    one, other = stored_whole(town.store, PLAZA)["airTemperature"]
    assert (one["value"], other["value"]) == (21, 30)
    assert stored(town.store, PLAZA)["pm10"] == 23.5
    late = MOMENT + timedelta(minutes=2, seconds=30)
    town.out.observe(4, 7, late)  # of another Datastream, and late
    keeper.beat()
    assert stored(town.store, FARO)["trafficFlow"] == 7
    before = town.store.last_change()
    keeper.beat()
    assert not [c for c in town.store.changes(before) if c.id in {PLAZA, FARO}]


def test_a_node_that_was_away_catches_up(town: Town) -> None:
    town.take(ROOT)
    town.keeper().beat()
    for minute in (10, 20, 30):
        town.out.observe(4, minute, MOMENT + timedelta(minutes=minute))
    town.hands.move(hours=1)
    town.keeper().beat()
    assert results(town, FARO, "trafficFlow")[-3:] == [10, 20, 30]


def test_a_flood_is_taken_in_beat_by_beat(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hansa.spokes.sensorthings.live.MOST", 100)
    town.out.page = 40
    town.take(ROOT)
    keeper = town.keeper()
    keeper.beat()
    for number in range(300):
        town.out.observe(4, 1000 + number, MOMENT + timedelta(seconds=300 + number))
    town.hands.move(minutes=12)
    keeper.beat()
    first = len(results(town, FARO, "trafficFlow"))
    assert first < 150
    for _ in range(12):
        keeper.beat()
    assert results(town, FARO, "trafficFlow")[1:] == list(range(1000, 1300))


def test_many_of_one_moment_do_not_stop_it(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hansa.spokes.sensorthings.live.MOST", 10)
    town.out.page = 5
    town.take(ROOT)
    keeper = town.keeper()
    keeper.beat()
    for number in range(50):
        town.out.observe(4, number, MOMENT + timedelta(minutes=3))
    town.out.observe(4, 99, MOMENT + timedelta(minutes=4))
    town.hands.move(minutes=5)
    for _ in range(3):
        keeper.beat()
    assert stored(town.store, FARO)["trafficFlow"] == 99


def test_things_that_come_and_go(town: Town) -> None:
    town.take(ROOT)
    keeper = town.keeper()
    keeper.beat()
    things = town.out.pages["/Things"]["value"]
    new = {**things[1], "@iot.id": "new", "Datastreams": [{**things[1]["Datastreams"][0], "@iot.id": 40}]}  # fmt: skip
    town.out.pages["/Things"]["value"] = [things[0], new]
    town.out.observe(40, 5, MOMENT + timedelta(minutes=6))
    town.hands.move(minutes=7)
    keeper.beat()  # an observation of a Datastream that nobody knows
    town.hands.move(minutes=1)
    keeper.beat()  # so the Things are looked at again
    assert stored(town.store, "urn:ngsi-ld:Device:town:new")["trafficFlow"] == 42
    assert "vanishedAt" in stored(town.store, FARO)
    assert "vanishedAt" not in stored(town.store, PLAZA)


# -- faults ----------------------------------------------------------------------------------------


def test_silence_is_marked(town: Town) -> None:
    town.take(ROOT, silence=1800)
    keeper = town.keeper()
    keeper.beat()
    town.hands.move(minutes=31)
    keeper.beat()
    assert stored(town.store, PLAZA)["quality"] == "stale"
    assert stored(town.store, SOURCE)["liveStatus"] == "silent"
    town.out.observe(1, 20, town.hands.now())
    keeper.beat()
    assert stored(town.store, PLAZA)["quality"] == "good"
    assert stored(town.store, FARO)["quality"] == "stale"
    assert stored(town.store, SOURCE)["liveStatus"] == "current"


def test_a_clock_that_is_ahead_is_flagged_and_hides_nothing(town: Town) -> None:
    town.take(ROOT)
    keeper = town.keeper()
    keeper.beat()
    town.out.observe(4, 1, MOMENT + timedelta(days=30))
    town.hands.move(minutes=1)
    keeper.beat()
    faro = stored_whole(town.store, FARO)
    assert faro["quality"]["value"] == "clockAhead"
    assert faro["trafficFlow"]["observedAt"] == "2026-12-23T11:30:00.000000Z"
    town.out.observe(1, 25, MOMENT + timedelta(minutes=2))
    town.hands.move(minutes=2)
    keeper.beat()
    assert stored_whole(town.store, PLAZA)["airTemperature"][0]["value"] == 25
    again = town.keeper()  # after a new start too
    again.beat()
    town.out.observe(1, 26, MOMENT + timedelta(minutes=4))
    town.hands.move(minutes=2)
    again.beat()
    assert stored_whole(town.store, PLAZA)["airTemperature"][0]["value"] == 26


@pytest.mark.parametrize(
    "fault",
    [b"<html>", b"", b"7", b'{"value": 7}', b'{"d": {"results": []}}', FetchFailed("address x", "answered with status 503")],
)  # fmt: skip
def test_garbage_is_told_once_and_so_is_the_recovery(
    town: Town, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    town.fails_and_recovers(fault, ROOT, caplog)


def test_records_that_are_garbage_cost_only_themselves(town: Town) -> None:
    town.take(ROOT)
    keeper = town.keeper()
    keeper.beat()
    at = MOMENT + timedelta(minutes=1)
    town.out.observe(4, None, at)
    town.out.observations[-1]["phenomenonTime"] = "2026-11-23T11:31:00.000Z"
    town.out.observations.append({"@iot.id": 1, "phenomenonTime": "2026-99-99", "result": 1})
    town.out.observations.append({"@iot.id": 2, "phenomenonTime": "2026-11-23T11:31:00Z", "result": 1})  # fmt: skip
    town.out.observations += [None, 7, "x"]  # type: ignore[list-item]
    town.out.observe(4, {"a": 1}, at)
    town.hands.move(minutes=2)
    keeper.beat()
    source = stored(town.store, SOURCE)
    assert source["liveStatus"] == "current"
    assert "records were not understood" in source["liveNotes"][0]
    assert stored(town.store, FARO)["trafficFlow"] == {"json": {"a": 1}}


@pytest.mark.parametrize("garbage", [1.5, True, "x", {"a": 1}])
def test_lists_that_are_none(garbage: object) -> None:
    thing = {"@iot.id": 1, "name": "a", "Locations": garbage, "Datastreams": garbage}
    assert read_thing(thing, "Thing", "town").streams == ()


def test_pages_that_go_round_in_a_circle_end(town: Town) -> None:
    town.out.pages["/Things?3"]["@iot.nextLink"] = f"{ROOT}/Things?$skip=3&$top=3"
    with pytest.raises(BadRequest, match="named as the page after itself"):
        town.take(ROOT)


# -- names and units -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Air Temperature", "airTemperature"),
        ("PM10", "pm10"),
        ("PM2.5", "pm2_5"),
        ("relative_humidity", "relativeHumidity"),
        ("windSpeed", "windSpeed"),
        ("10 min mean", "n10MinMean"),
        ("Name", "nameObserved"),
        ("Value", "valueObserved"),
        ("Überlauf (m³)", "überlaufM3"),
        ("???", ""),
    ],
)
def test_names_of_attributes(words: str, name: str) -> None:
    assert attribute_name(words) == name


@given(st.text(max_size=200))
def test_every_name_is_a_name(words: str) -> None:
    name = attribute_name(words)
    assert len(name) <= 110
    assert not name or city_iri(name)


@pytest.mark.parametrize(
    ("spelling", "code"),
    [("°C", "CEL"), ("μg/m3", "GQ"), ("µg/m³", "GQ"), ("ucum:Cel", "CEL"), ("percent", "P1"), ("m", "MTR"), ("veh", None), ("", None), ("http://example.org/units#DegreeCelsius", "CEL"), ("KMH", "KMH")],
)  # fmt: skip
def test_units_by_other_names(spelling: str, code: str | None) -> None:
    assert unit_code(spelling) == code
