"""Messages of a real broker in the store, and what becomes of it when the broker fails."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from hansa.kernel.egress import Egress, EgressRefused
from hansa.kernel.errors import BadRequest, NotFound, Unavailable
from hansa.kernel.mqtt import Broker, MqttFailed, connected
from hansa.ngsild.city import city_iri
from hansa.spokes.keeper import Keeper
from hansa.spokes.mqtt import SPOKE
from hansa.spokes.outward import Outward
from hansa.store.sqlite import open_store
from tests.broker import Mosquitto, mosquitto, needs_mosquitto
from tests.spokes.helpers import stored, stored_whole
from tests.spokes.services import RECORDED, Hands, Town

pytestmark = needs_mosquitto

SOURCE = "urn:ngsi-ld:DataSource:town"
METER = "urn:ngsi-ld:Meter:town:7"
TREE = "urn:ngsi-ld:Tree:town:north-17"
LOOPBACK = Egress(("127.0.0.1",))
MAPPING = str(RECORDED / "mqtt/town.toml")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as found:
        yield found


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    hands = Hands(datetime.now(UTC))
    store = open_store(tmp_path / "town.sqlite", clock=hands)
    yield Town(store, SPOKE, Outward(LOOPBACK), hands)
    store.close()


def publish(
    port: int, *messages: tuple[str, Any], retain: bool = False, qos: int = 1, **more: Any
) -> None:
    async def work() -> None:
        async with connected(LOOPBACK, Broker("127.0.0.1", port, **more)) as client:
            for topic, payload in messages:
                content = payload if isinstance(payload, bytes) else orjson.dumps(payload)
                await client.publish(topic, content, qos=qos, retain=retain)

    asyncio.run(work())


def take(town: Town, broker: Mosquitto, **options: Any) -> Keeper:
    options = {"mapping": MAPPING, "listen": 0.2, **options}
    town.take(f"mqtt://127.0.0.1:{broker.port}", **options)
    return town.keeper()


def until(keeper: Keeper, done: Callable[[], bool]) -> None:
    """Beat until something is so."""
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end, "it never came to pass"
        keeper.beat()
        time.sleep(0.01)


def listening(keeper: Keeper, town: Town) -> None:
    until(keeper, lambda: keeper._job is not None and keeper._job._listener.connected)


def power(town: Town) -> Any:
    return stored(town.store, METER)["power"] if town.store.get(METER) else None


def test_kept_messages_come_with_the_import_and_others_with_the_beats(
    town: Town, broker: Mosquitto
) -> None:
    publish(broker.port, ("meters/a/7/power", b"230"), ("nobody/asks", b"x"), retain=True)
    keeper = take(town, broker)
    assert power(town) == 230
    assert stored(town.store, SOURCE)["mapping"]["json"]["timezone"] == "America/Santiago"
    try:
        listening(keeper, town)
        before = town.store.last_change()
        tree = {"data": {"moisture": 31}, "rx": [{"battery": 3.6}], "position": {"lon": -71.25, "lat": -29.9}}  # fmt: skip
        publish(
            broker.port,
            ("meters/a/7/power", b"231"),
            ("meters/a/7/power", b"232"),
            ("town/parks/north/trees/tree-17/up", tree),
            ("meters/a/7/power", b"broken"),
        )
        until(keeper, lambda: town.store.get(TREE) is not None)
        numbers = [
            c.attributes[city_iri("power")][0]["value"]
            for c in town.store.history(METER)
            if city_iri("power") in c.attributes and c.seq > before
        ]
        assert numbers[-2:] == [231, 232]
        whole = stored_whole(town.store, TREE)
        assert whole["type"] == "https://example.org/trees#Tree"
        assert whole["importedFrom"]["object"] == SOURCE
        assert whole["soilMoisture"]["unitCode"] == "P1"
        until(keeper, lambda: "liveNotes" in stored(town.store, SOURCE))
        (note,) = stored(town.store, SOURCE)["liveNotes"]
        assert note == "1 messages were not understood; the latest: topic meters/a/7/power: 'broken' is not a number"  # fmt: skip
        assert stored(town.store, SOURCE)["liveStatus"] == "current"
        assert stored(town.store, TREE)["quality"] == "good"
    finally:
        keeper.close()


def test_parts_of_an_entity_may_come_in_different_messages(town: Town, broker: Mosquitto) -> None:
    keeper = take(town, broker)
    try:
        listening(keeper, town)
        for payload in ({"data": {"moisture": 31}}, {"rx": [{"battery": 3.6}]}):
            publish(broker.port, ("town/parks/north/trees/tree-17/up", payload))
        until(keeper, lambda: "batteryVoltage" in (stored(town.store, TREE) if town.store.get(TREE) else {}))  # fmt: skip
        assert stored(town.store, TREE)["soilMoisture"] == 31
    finally:
        keeper.close()


def test_silence_is_marked_on_the_entity_and_the_source(town: Town, broker: Mosquitto) -> None:
    keeper = take(town, broker, silence=60)
    try:
        listening(keeper, town)
        publish(broker.port, ("meters/a/7/power", b"230"))
        until(keeper, lambda: power(town) == 230)
        town.hands.move(seconds=61)
        keeper.beat()
        assert stored(town.store, METER)["quality"] == "stale"
        source = stored(town.store, SOURCE)
        assert source["liveStatus"] == "silent"
        publish(broker.port, ("meters/a/7/power", b"231"))
        until(keeper, lambda: power(town) == 231)
        assert stored(town.store, METER)["quality"] == "good"
        assert stored(town.store, SOURCE)["liveStatus"] == "current"
    finally:
        keeper.close()
    town.hands.move(seconds=30)
    again = town.keeper()  # the node was started anew: what was there may fall silent too
    try:
        again.beat()
        town.hands.move(seconds=61)
        again.beat()
        assert stored(town.store, METER)["quality"] == "stale"
    finally:
        again.close()


def test_a_broker_that_dies_is_told_once_and_so_is_its_return(
    town: Town, broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = take(town, broker)
    try:
        listening(keeper, town)
        with caplog.at_level(logging.WARNING, "hansa.live"):
            broker.stop()
            until(keeper, lambda: stored(town.store, SOURCE).get("liveStatus") == "failing")
            for _ in range(5):
                keeper.beat()
            assert keeper.interval <= 5.0
            broker.start()
            until(keeper, lambda: stored(town.store, SOURCE)["liveStatus"] == "current")
        assert len(caplog.records) == 2
        assert "live data stopped: MQTT broker 127.0.0.1" in caplog.records[0].message
        publish(broker.port, ("meters/a/7/power", b"5"))
        until(keeper, lambda: power(town) == 5)
    finally:
        keeper.close()


def test_with_a_name_nothing_is_missed_while_the_node_is_away(
    town: Town, broker: Mosquitto
) -> None:
    keeper = take(town, broker, client_id="hansa-test")
    listening(keeper, town)
    keeper.close()
    publish(broker.port, ("meters/a/7/power", b"77"))
    again = town.keeper()
    try:
        until(again, lambda: power(town) == 77)
    finally:
        again.close()


@pytest.mark.parametrize("qos", [1, 2])
def test_what_was_not_written_comes_again(
    town: Town, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, qos: int
) -> None:
    keeper = take(town, broker, client_id="hansa-town", qos=str(qos))
    try:
        listening(keeper, town)
        with monkeypatch.context() as patch:
            patch.setattr(keeper, "_keep", fails)
            publish(
                broker.port, *[("meters/a/7/power", str(n).encode()) for n in range(1, 61)], qos=qos
            )
            end = time.monotonic() + 30
            while not keeper._job._unwritten:
                assert time.monotonic() < end
                keeper.beat()
                time.sleep(0.01)
            keeper.beat()
            assert town.store.get(METER) is None
    finally:
        keeper.close()  # and what it had in hand is forgotten
    again = town.keeper()
    try:
        until(again, lambda: town.store.get(METER) is not None and power(town) == 60)
        numbers = [
            c.attributes[city_iri("power")][0]["value"]
            for c in town.store.history(METER)
            if city_iri("power") in c.attributes
        ]
        assert sorted(set(numbers)) == list(range(1, 61))
    finally:
        again.close()


def test_a_broken_connection_doubles_no_message_of_quality_2(town: Town, broker: Mosquitto) -> None:
    keeper = take(town, broker, client_id="hansa-town", qos="2")
    keep = keeper._keep
    try:
        listening(keeper, town)
        keeper._keep = fails  # type: ignore[method-assign]
        publish(broker.port, *[("meters/a/7/power", str(n).encode()) for n in range(15)], qos=2)
        listener, end = keeper._job._listener, time.monotonic() + 30
        while len(keeper._job._unwritten) + len(listener.box) < 15:
            assert time.monotonic() < end
            keeper.beat()
            time.sleep(0.01)
        number = listener._number
        listener._loop.call_soon_threadsafe(listener._client._client._sock.shutdown, 2)
        while listener._number == number or not listener.connected:
            assert time.monotonic() < end
            time.sleep(0.01)
        keeper._keep = keep  # type: ignore[method-assign]
        until(keeper, lambda: not listener._held)
        values = [
            change.attributes[city_iri("power")][0]["value"]
            for change in town.store.history(METER)
            if city_iri("power") in change.attributes
        ]
        assert values == list(range(15))
    finally:
        keeper.close()


def test_what_could_not_be_written_is_taken_again(town: Town, broker: Mosquitto) -> None:
    keeper = take(town, broker)
    try:
        listening(keeper, town)
        publish(broker.port, ("meters/a/7/power", b"5"))
        keep, keeper._keep = keeper._keep, fails  # type: ignore[method-assign]
        end = time.monotonic() + 30
        while not keeper._job._unwritten:
            assert time.monotonic() < end
            keeper.beat()
            time.sleep(0.01)
        keeper._keep = keep  # type: ignore[method-assign]
        until(keeper, lambda: town.store.get(METER) is not None)
        assert power(town) == 5
    finally:
        keeper.close()


def fails(*anything: object) -> list[str]:
    raise Unavailable("the store", "has no room")


def test_a_flood_is_taken_in_and_memory_stays_bounded(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hansa.spokes.mqtt.listen._MESSAGES", 50)
    with mosquitto(tmp_path, "max_queued_messages 0") as broker:
        flood(town, broker)


def flood(town: Town, broker: Mosquitto) -> None:
    keeper = take(town, broker)
    sent = 2000
    messages = [("meters/a/7/power", str(n).encode()) for n in range(1, sent + 1)]
    sending = threading.Thread(target=publish, args=(broker.port, *messages))
    try:
        listening(keeper, town)
        box = keeper._job._listener.box
        sending.start()
        largest = 0

        def done() -> bool:
            nonlocal largest
            largest = max(largest, len(box))
            return power(town) == sent

        until(keeper, done)
        assert 0 < largest <= 50
        assert box.dropped == 0
        numbers = [
            c.attributes[city_iri("power")][0]["value"]
            for c in town.store.history(METER)
            if city_iri("power") in c.attributes
        ]
        assert numbers == list(range(1, sent + 1))
    finally:
        keeper.close()
        sending.join()


def test_messages_that_are_too_large_are_counted(
    town: Town, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hansa.spokes.mqtt.listen.LARGEST", 1000)
    keeper = take(town, broker)
    try:
        listening(keeper, town)
        publish(broker.port, ("doors/1", b"x" * 2000), ("doors/1", b"open"))
        until(keeper, lambda: "liveNotes" in stored(town.store, SOURCE))
        assert "1 messages were lost; the latest: some were too large" in stored(town.store, SOURCE)["liveNotes"]  # fmt: skip
        until(keeper, lambda: town.store.get("urn:ngsi-ld:Door:town:1") is not None)
    finally:
        keeper.close()


def test_credentials_are_named_not_written(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text("open-sesame\n")
    with mosquitto(tmp_path, users={"ann": "open-sesame"}) as broker:
        with pytest.raises(MqttFailed, match="refused us"):
            take(town, broker)
        with pytest.raises(BadRequest, match="must not hold a secret itself") as fault:
            take(town, broker, username="ann", password="open-sesame")
        assert "sesame" not in fault.value.sentence
        monkeypatch.setenv("BROKER_USER", "ann")
        keeper = take(town, broker, username="$BROKER_USER", password=f"@{tmp_path / 'password'}")
        try:
            listening(keeper, town)
        finally:
            keeper.close()
    assert b"sesame" not in b"".join(town.store.scan())


class Refusing:
    """A broker that grants nothing."""

    def mqtt(self, broker: Any, **options: Any) -> Any:
        return self

    async def __aenter__(self) -> Refusing:
        return self

    async def __aexit__(self, *words: Any) -> None:
        pass

    async def subscribe(self, topic: str, qos: int) -> list[int]:
        return [128]


def test_what_the_broker_does_not_let_us_read_is_said(town: Town) -> None:
    town.out = Refusing()
    with pytest.raises(MqttFailed, match=r"does not let us read the topic 'town/parks/\+/trees"):
        town.take("mqtt://127.0.0.1", mapping=MAPPING)


@pytest.mark.parametrize(
    ("source", "options", "kind", "words"),
    [
        ("mqtt://127.0.0.1", {"mapping": "nowhere.toml"}, NotFound, "mapping file"),
        ("http://127.0.0.1", {}, BadRequest, "not an MQTT address"),
        ("mqtt://ann:x@127.0.0.1", {}, BadRequest, "holds a user name"),
        ("mqtt://127.0.0.1/topic", {}, BadRequest, "names a topic"),
        ("mqtt://10.0.0.1", {}, EgressRefused, "not public"),
        (
            "mqtts://127.0.0.1",
            {"authority": "nowhere.pem"},
            BadRequest,
            "no file with certificates",
        ),
        ("mqtt://127.0.0.1", {"qos": "3"}, BadRequest, "not one of 0, 1, 2"),
    ],
)
def test_what_cannot_be_reached_is_refused_before_anything_is_written(
    town: Town, source: str, options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        town.take(source, **{"mapping": MAPPING, **options})
    assert town.store.get(SOURCE) is None
