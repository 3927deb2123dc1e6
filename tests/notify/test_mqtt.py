"""Notifications by MQTT, against mosquitto: clause 7.2."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from hansa.hub.notify.actions import health
from hansa.kernel.clock import iso
from tests.notify.told import ID, settled, standing, subscribe
from tests.web.api.client import ApiClient

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(
    MOSQUITTO is None, reason="needs mosquitto: apt-get install mosquitto"
)
aiomqtt = pytest.importorskip("aiomqtt", reason="needs aiomqtt: pip install 'hansa[mqtt]'")


class Broker:
    """Mosquitto on a free port of loopback, with a user 'ana' whose password is 'secret'."""

    def __init__(self, folder: Path, *, anonymous: bool) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        lines = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {str(anonymous).lower()}"]
        if not anonymous:
            passwords = folder / "passwords"
            tool = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
            subprocess.run([tool, "-c", "-b", str(passwords), "ana", "secret"], check=True)
            passwords.chmod(0o644)
            lines.append(f"password_file {passwords}")
        self.config = folder / f"mosquitto-{self.port}.conf"
        self.config.write_text("\n".join([*lines, "user root", ""]))
        self.got: list[Any] = []
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(MOSQUITTO), "-c", str(self.config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("mosquitto did not start")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def listen(self, topic: str, count: int, **login: str) -> threading.Thread:
        """Collect `count` messages in another thread, once it has subscribed."""
        ready = threading.Event()

        async def collect() -> None:
            async with aiomqtt.Client("127.0.0.1", self.port, **login) as client:
                await client.subscribe(topic, qos=2)
                ready.set()
                async with asyncio.timeout(15):
                    async for message in client.messages:
                        self.got.append((orjson.loads(message.payload), message.qos))
                        if len(self.got) >= count:
                            return

        thread = threading.Thread(target=lambda: asyncio.run(collect()))
        thread.start()
        assert ready.wait(10)
        return thread


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    found = Broker(tmp_path, anonymous=True)
    yield found
    found.stop()


@pytest.mark.parametrize("version", ["mqtt3.1.1", "mqtt5.0"])
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_a_change_is_published(api: ApiClient, broker: Broker, version: str, qos: str) -> None:
    thread = broker.listen("cars/all", 1)
    told = {
        "endpoint": {
            "receiverInfo": [{"key": "who", "value": "me"}],
            "notifierInfo": [
                {"key": "MQTT-QoS", "value": qos},
                {"key": "MQTT-Version", "value": version},
            ],
        }
    }
    subscribe(api, f"mqtt://127.0.0.1:{broker.port}/cars/all", notification=told)
    api.create(speed=55)
    thread.join(20)
    ((message, level),) = broker.got
    assert level == int(qos)
    assert message["metadata"]["Content-Type"] == "application/json"
    assert "ngsi-ld-core-context" in message["metadata"]["Link"]
    assert message["metadata"]["who"] == "me"
    assert message["body"]["type"] == "Notification"
    assert message["body"]["data"][0]["speed"]["value"] == 55
    assert settled(api)["status"] == "ok"


def test_credentials_are_used_and_never_shown(api: ApiClient, tmp_path: Path) -> None:
    broker = Broker(tmp_path, anonymous=False)
    try:
        thread = broker.listen("cars", 1, username="ana", password="secret")
        subscribe(api, f"mqtt://ana:secret@127.0.0.1:{broker.port}/cars")
        api.create(speed=1)
        thread.join(20)
        assert len(broker.got) == 1
        found = health(api.node.local_store(), ID, iso(api.node.clock.now()))
        assert "secret" not in found.endpoint
    finally:
        broker.stop()


def test_wrong_credentials_fail(api: ApiClient, tmp_path: Path) -> None:
    broker = Broker(tmp_path, anonymous=False)
    try:
        subscribe(api, f"mqtt://ana:wrong@127.0.0.1:{broker.port}/cars")
        api.create(speed=1)
        until = time.monotonic() + 10
        while standing(api).get("status") != "failed" and time.monotonic() < until:
            time.sleep(0.05)
        assert standing(api)["status"] == "failed"
    finally:
        broker.stop()


def test_a_broker_that_comes_back_gets_everything(api: ApiClient, broker: Broker) -> None:
    broker.stop()
    subscribe(api, f"mqtt://127.0.0.1:{broker.port}/cars")
    api.create(speed=0)
    for speed in (1, 2):
        api.patch("/entities/urn:ngsi-ld:Car:1/attrs", {"speed": speed})
    until = time.monotonic() + 10
    while standing(api).get("status") != "failed" and time.monotonic() < until:
        time.sleep(0.05)
    broker.start()
    thread = broker.listen("cars", 3)
    thread.join(20)
    values = [message["body"]["data"][0]["speed"]["value"] for message, _ in broker.got]
    assert values == [0, 1, 2]
