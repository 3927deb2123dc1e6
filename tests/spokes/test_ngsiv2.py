"""NGSIv2: a recorded broker, what changed, and brokers that misbehave."""

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
from hansa.spokes.mailboxes import Mailbox, Mailboxes
from hansa.spokes.ngsiv2 import SPOKE
from hansa.spokes.ngsiv2.map import entity_of
from hansa.store.sqlite import open_store
from tests.spokes.helpers import stored, stored_whole
from tests.spokes.services import Hands, Town, recorded

MOMENT = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
SOURCE = "urn:ngsi-ld:DataSource:town"
ROOM = "urn:ngsi-ld:Room:Room1"
LAMP = "urn:ngsi-ld:Device:lamp:4"
ZONE = "urn:ngsi-ld:Zone:Zone-A"


class Orion:
    """A broker with recorded entities."""

    def __init__(self) -> None:
        self.entities: list[Any] = recorded("ngsiv2/entities.json")
        self.changed: dict[str, datetime] = {}
        self.page = 2
        self.fault: Any = None
        self.knows_dates = True
        self.queries: list[dict[str, str]] = []
        self.headers: list[Mapping[str, str]] = []
        self.boxes = Mailboxes()
        self.subscriptions: dict[str, Any] = {}
        self.takes_subscriptions = True
        self.sent: list[str] = []

    def mqtt(self, broker: Any, **options: Any) -> Any:
        raise AssertionError("not asked for")

    def mailbox(self) -> Mailbox:
        return self.boxes.open()

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, /
    ) -> tuple[int, Mapping[str, str]]:
        self.sent.append(method)
        path = urlsplit(url).path
        name = path.removeprefix("/v2/subscriptions").strip("/")
        if not self.takes_subscriptions:
            return 501, {}
        if method == "POST":
            name = f"{len(self.sent):024}"
            self.subscriptions[name] = orjson.loads(body)
            return 201, {"location": f"/v2/subscriptions/{name}"}
        if name not in self.subscriptions:
            return 404, {}
        if method == "DELETE":
            del self.subscriptions[name]
        else:
            self.subscriptions[name] |= orjson.loads(body)
        return 204, {}

    def tell(self, *entities: Any, **more: Any) -> bool:
        """Notify of entities, as the broker would."""
        [(name, subscription)] = self.subscriptions.items()
        address = subscription["notification"]["http"]["url"]
        box = self.boxes.find(address.rpartition("/")[2])
        assert box is not None
        content = {"subscriptionId": name, "data": list(entities), **more}
        return box.put(content, len(orjson.dumps(content)))

    def __call__(self, url: str, headers: Mapping[str, str], /) -> bytes:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.queries.append(query)
        self.headers.append(dict(headers))
        if isinstance(self.fault, Exception):
            raise self.fault
        if self.fault is not None:
            return bytes(self.fault)
        assert parts.path == "/v2/entities"
        assert query["limit"] == "1000"
        found = self.entities
        if "dateModified>=" in (q := query.get("q", "")):
            if not self.knows_dates:
                raise FetchFailed(f"address {url}", "answered with status 400")
            since = datetime.fromisoformat(q.split("dateModified>=")[1])
            found = [e for e in found if self.changed.get(e["id"], since - timedelta(1)) >= since]
        offset = int(query["offset"])
        return orjson.dumps(found[offset : offset + self.page])

    def set(self, id: str, name: str, value: Any, at: datetime) -> None:
        entity = next(e for e in self.entities if e["id"] == id)
        entity[name]["value"] = value
        self.changed[id] = at


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    hands = Hands(MOMENT)
    store = open_store(tmp_path / "town.sqlite", clock=hands)
    yield Town(store, SPOKE, Orion(), hands)
    store.close()


def test_entities_are_carried_over(town: Town) -> None:
    report = town.take("https://orion.example:1026", service="city", service_path="/parks/#")
    assert (report.created, report.refused) == (3, 2)
    assert "Broken: 'location': 'north' is not 'latitude, longitude'" in str(report.refusals[0])
    assert "NoType: 'type' is missing" in str(report.refusals[1])
    assert town.out.headers[0]["fiware-service"] == "city"
    assert town.out.headers[0]["fiware-servicepath"] == "/parks/#"
    room = stored_whole(town.store, ROOM)
    temperature = room["temperature"]
    assert (temperature["value"], temperature["unitCode"]) == (23.5, "CEL")
    assert temperature["observedAt"] == "2026-11-23T11:29:00.000000Z"
    assert temperature["accuracy"]["value"] == 0.95
    assert room["openedOn"]["value"] == {"@type": "DateTime", "@value": "2019-03-01T00:00:00.000000Z"}  # fmt: skip
    assert room["location"]["value"] == {"type": "Point", "coordinates": [-71.2519, -29.9027]}
    assert room["refBuilding"]["object"] == "urn:ngsi-ld:Building:B-7"
    assert room["address"]["value"]["addressLocality"] == "La Serena"
    assert room["occupied"]["value"] is True
    assert {"nothing", "dateModified"}.isdisjoint(room)
    lamp = stored_whole(town.store, LAMP)
    assert lamp["state"]["observedAt"] == "2026-11-23T11:28:30.123000Z"
    assert lamp["controls"]["object"] == ["urn:ngsi-ld:Streetlight:1", "urn:ngsi-ld:Thing:Light2"]
    assert lamp["location"]["value"]["type"] == "LineString"
    assert "TimeInstant" not in lamp
    zone = stored(town.store, ZONE)
    assert zone["location"]["coordinates"][0][0] == [-71.27, -29.92]
    assert zone["border"]["type"] == "Polygon"
    assert zone["axis"]["type"] == "LineString"
    assert zone["quality"] == "clockAhead"


def test_only_what_changed_is_asked_for_and_written(town: Town) -> None:
    town.take("https://orion.example:1026/v2", query="level>1", types="Room, Zone")
    keeper = town.keeper()
    keeper.beat()
    town.out.queries.clear()
    town.hands.move(seconds=60)
    town.out.set("Room1", "temperature", 24, town.hands.now())
    before = town.store.last_change()
    keeper.beat()
    assert town.out.queries[0]["q"] == "level>1;dateModified>=2026-11-23T11:29:30.000Z"
    assert town.out.queries[0]["type"] == "Room,Zone"
    (change,) = [c for c in town.store.changes(before) if c.id == ROOM]
    assert [name.rsplit("/", 1)[-1] for name in change.attributes] == ["temperature"]
    assert stored(town.store, ROOM)["temperature"] == 24


def test_what_is_gone_is_marked_at_the_next_look_at_everything(town: Town) -> None:
    town.take("https://orion.example:1026", refresh=600)
    keeper = town.keeper()
    keeper.beat()
    whole = town.out.entities
    town.out.entities = [e for e in whole if e["id"] != "Room1"]
    town.hands.move(seconds=60)
    keeper.beat()
    assert "vanishedAt" not in stored(town.store, ROOM)
    town.hands.move(seconds=600)
    keeper.beat()
    assert "vanishedAt" in stored(town.store, ROOM)
    town.out.entities = []
    town.hands.move(seconds=601)
    keeper.beat()
    assert "vanishedAt" not in stored(town.store, LAMP)
    town.out.entities = [e for e in whole if e["id"] != "Zone-A"]
    again = town.keeper()  # also what went while the node was away
    again.beat()
    assert "vanishedAt" not in stored(town.store, ROOM)
    assert "vanishedAt" in stored(town.store, ZONE)


def test_a_broker_that_knows_no_dates_is_asked_for_everything(town: Town) -> None:
    town.out.knows_dates = False
    town.take("https://orion.example:1026")
    keeper = town.keeper()
    keeper.beat()
    town.out.set("Room1", "temperature", 25, town.hands.now())
    town.hands.move(seconds=20)
    keeper.beat()
    assert stored(town.store, ROOM)["temperature"] == 25
    town.out.queries.clear()
    keeper.beat()
    assert all("q" not in query for query in town.out.queries)


def test_silence_is_marked(town: Town) -> None:
    town.take("https://orion.example:1026", silence=600, refresh=60)
    keeper = town.keeper()
    keeper.beat()
    for _ in range(22):
        town.hands.move(seconds=61)
        keeper.beat()
    assert stored(town.store, ROOM)["quality"] == "stale"
    assert stored(town.store, SOURCE)["liveStatus"] == "silent"
    town.out.set("Room1", "temperature", 20, town.hands.now())
    town.hands.move(seconds=61)
    keeper.beat()
    assert stored(town.store, SOURCE)["liveStatus"] == "current"


@pytest.mark.parametrize(
    "fault",
    [b"<html>", b"", b"7", b'{"error": "NotFound"}', FetchFailed("address x", "answered with status 401")],
)  # fmt: skip
def test_garbage_is_told_once_and_so_is_the_recovery(
    town: Town, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    town.fails_and_recovers(fault, "https://orion.example:1026", caplog)


def test_entities_that_are_garbage_cost_only_themselves(town: Town) -> None:
    town.take("https://orion.example:1026")
    keeper = town.keeper()
    town.out.entities += [None, 7, {"id": {}, "type": "A"}, {"id": "a", "type": "A", "b": 7}]
    town.out.entities.append({"id": "Odd", "type": "A", "scope": {"type": "Text", "value": "///", "metadata": 3}})  # fmt: skip
    keeper.beat()
    source = stored(town.store, SOURCE)
    assert source["liveStatus"] == "current"
    assert any("entities were not understood" in note for note in source["liveNotes"])


# -- being told --------------------------------------------------------------------------------------

HERE = "https://node.example.org/city/"


def test_a_broker_that_is_subscribed_to_tells_every_change(town: Town) -> None:
    town.take("https://orion.example:1026", subscribe=HERE, types="Room,Device", query="level>1")
    keeper = town.keeper()
    keeper.beat()
    [subscription] = town.out.subscriptions.values()
    url = subscription["notification"]["http"]["url"]
    assert url.startswith("https://node.example.org/city/hansa/v1/told/")
    assert len(url.rpartition("/")[2]) >= 43
    assert [e["type"] for e in subscription["subject"]["entities"]] == ["Room", "Device"]
    assert subscription["subject"]["condition"]["expression"] == {"q": "level>1"}
    assert subscription["expires"] == "2026-11-23T14:30:00.000Z"
    assert keeper.interval == 1.0
    room = next(e for e in town.out.entities if isinstance(e, dict) and e.get("id") == "Room1")
    before, asked = town.store.last_change(), len(town.out.queries)
    for value in (30, 31):
        assert town.out.tell({**room, "temperature": {"type": "Number", "value": value}})
    keeper.beat()
    assert len(town.out.queries) == asked  # it is not asked
    changes = [c for c in town.store.changes(before) if c.id == ROOM]
    assert [c.attributes[city_iri("temperature")][0]["value"] for c in changes] == [30, 31]
    keeper.close()
    assert town.out.subscriptions == {}
    assert town.out.boxes.find(url.rpartition("/")[2]) is None


def test_a_subscription_is_prolonged_and_made_again(town: Town) -> None:
    town.take("https://orion.example:1026", subscribe=HERE, refresh=600)
    keeper = town.keeper()
    keeper.beat()
    town.hands.move(seconds=601)
    keeper.beat()
    assert town.out.sent == ["POST", "PATCH"]
    [subscription] = town.out.subscriptions.values()
    assert subscription["expires"] == "2026-11-23T12:10:01.000Z"
    town.out.subscriptions.clear()
    town.hands.move(seconds=601)
    keeper.beat()
    assert town.out.sent == ["POST", "PATCH", "PATCH", "POST"]
    keeper.close()


def test_what_is_not_of_our_subscription_is_not_believed(town: Town) -> None:
    town.take("https://orion.example:1026", subscribe=HERE, types="Room")
    keeper = town.keeper()
    keeper.beat()
    lamp = {"id": "L", "type": "Lamp", "on": {"type": "Boolean", "value": True}}
    town.out.tell(lamp)
    town.out.tell({**lamp, "type": "Room"}, subscriptionId="another")
    town.out.tell(None, 7, {"type": ["Room"]}, {"id": "X", "type": "Room", "a": 5})
    town.out.tell(data=7)
    before = town.store.last_change()
    keeper.beat()
    assert {c.id for c in town.store.changes(before)} <= {SOURCE}
    notes = stored(town.store, SOURCE)["liveNotes"]
    assert any("entities were not understood" in note for note in notes)
    keeper.close()


def test_a_broker_that_takes_no_subscription_is_asked(town: Town) -> None:
    town.out.takes_subscriptions = False
    town.take("https://orion.example:1026", subscribe=HERE)
    keeper = town.keeper()
    keeper.beat()
    assert "It is asked, not told" in str(stored(town.store, SOURCE)["liveNotes"])
    assert keeper.interval == 10.0
    town.hands.move(seconds=20)
    town.out.set("Room1", "temperature", 26, town.hands.now())
    keeper.beat()
    assert stored(town.store, ROOM)["temperature"] == 26
    keeper.close()


def test_a_flood_of_notifications_is_made_up_for_by_looking(town: Town) -> None:
    town.take("https://orion.example:1026", subscribe=HERE)
    keeper = town.keeper()
    keeper.beat()
    room = next(e for e in town.out.entities if isinstance(e, dict) and e.get("id") == "Room1")
    while town.out.tell({**room, "temperature": {"type": "Number", "value": 1}}):
        pass
    town.out.set("Room1", "temperature", 27, town.hands.now())
    keeper.beat()
    assert stored(town.store, ROOM)["temperature"] == 27
    keeper.close()


@pytest.mark.parametrize("address", ["node.example.org", "ftp://x", "https://x/?a=b", "https://"])
def test_an_address_that_is_none_is_refused(town: Town, address: str) -> None:
    with pytest.raises(BadRequest, match="is not an address"):
        town.take("https://orion.example:1026", subscribe=address)


def test_headers_cannot_be_smuggled_in(town: Town) -> None:
    with pytest.raises(BadRequest, match="cannot be sent"):
        town.take("https://orion.example:1026", service="a\r\nx-evil: 1")


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=8), lambda c: st.lists(c, max_size=3) | st.dictionaries(st.sampled_from(["type", "value", "metadata", "TimeInstant", "coordinates"]), c), max_leaves=8)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["id", "type", "a", "refX", "location", "TimeInstant"]), JSON | st.fixed_dictionaries({"type": st.sampled_from(["geo:point", "geo:json", "geo:box", "DateTime", "Relationship", "Text"]), "value": JSON, "metadata": JSON})))  # fmt: skip
def test_no_entity_makes_it_stumble(data: dict[str, Any]) -> None:
    try:
        entity = entity_of(data, MOMENT, timedelta(hours=1))
    except ValueError:
        return
    assert entity["id"]
    assert entity["type"]
