"""MQTT through the guard: what is let through, and what a broker that fails looks like."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trustme

from hansa.kernel.egress import Egress, EgressRefused, FetchFailed
from hansa.kernel.errors import BadRequest, MissingExtra
from hansa.kernel.mqtt import Broker, MqttFailed, connected, parse_endpoint
from tests.broker import Mosquitto, mosquitto, needs_mosquitto

T = TypeVar("T")
LOOPBACK = Egress(("127.0.0.1",))
NAMED = Egress(("127.0.0.1",), resolver=lambda host, port: ["127.0.0.1"])


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def there_and_back(egress: Egress, broker: Broker, **options: Any) -> tuple[str, bytes]:
    async with connected(egress, broker, **options) as client:
        await client.subscribe("town/#", qos=1)
        await client.publish("town/square", b"22.5", qos=1)
        async for message in client.messages:
            return str(message.topic), bytes(message.payload)
    raise AssertionError("nothing came")


# -- addresses of brokers --------------------------------------------------------------------------


def test_an_endpoint_is_a_broker_and_a_topic() -> None:
    broker, topic = parse_endpoint("mqtts://ann:p%40ss@city.example/a/b%20c", "5")
    assert broker == Broker("city.example", 8883, True, "ann", "p@ss", "5")
    assert topic == "a/b c"
    assert "ann" not in repr(broker)
    assert "p@ss" not in repr(broker)
    assert parse_endpoint("mqtt://[::1]:18830/t") == (Broker("::1", 18830), "t")
    assert parse_endpoint("mqtt://city.example") == (Broker("city.example", 1883), "")


@pytest.mark.parametrize(
    "uri",
    [
        "http://city.example/t",
        "mqtt:///t",
        "mqtt://city.example:port/t",
        "mqtt://city.example:99999/t",
        "mqtt://[::1/t",
        "mqtt://city.example/t?x=1",
        "mqtt://city.example/+/t",
        "mqtt://city.example/a/#",
        "mqtt://city.example/%23",
        "mqtt://city.example/" + "t" * 70_000,
        "mqtt://ann:secret@city.example:port/t",
    ],
)
def test_what_is_no_endpoint_is_refused_without_its_password(uri: str) -> None:
    with pytest.raises(BadRequest) as fault:
        parse_endpoint(uri)
    assert "secret" not in fault.value.sentence


# -- the guard -------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "10.0.0.1", "169.254.169.254"])
def test_a_broker_that_is_not_public_is_refused(host: str) -> None:
    with pytest.raises(EgressRefused, match="not public"):
        run(there_and_back(Egress(), Broker(host)))


@pytest.mark.parametrize(
    ("broker", "words"),
    [
        (Broker("8.8.8.8", 25), "port 25"),
        (Broker("8.8.8.8", 0), "is not a port"),
        (Broker("8.8.8.8", 70_000), "is not a port"),
        (Broker("2130706433"), "not an IP address in its usual form"),
        (Broker("a b"), "a character that no host name can have"),
    ],
)
def test_what_no_broker_can_be_is_refused(broker: Broker, words: str) -> None:
    with pytest.raises(EgressRefused, match=words):
        run(there_and_back(Egress(), broker))


def test_every_address_of_a_name_is_checked() -> None:
    egress = Egress(resolver=lambda host, port: ["8.8.8.8", "127.0.0.1"])
    with pytest.raises(EgressRefused, match="loopback"):
        run(egress.pin("two.example", 1883))
    with pytest.raises(FetchFailed, match="unknown"):
        run(Egress(resolver=lambda host, port: []).pin("none.example", 1883))
    found = run(Egress(resolver=lambda host, port: ["8.8.8.8", "9.9.9.9"]).pin("a.example.", 1883))
    assert (found.host, found.port, found.addresses) == ("a.example", 1883, ("8.8.8.8", "9.9.9.9"))


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiomqtt", None)
    with pytest.raises(MissingExtra, match=r"pip install 'hansa\[mqtt\]'"):
        run(there_and_back(LOOPBACK, Broker("127.0.0.1")))


# -- brokers ---------------------------------------------------------------------------------------


@needs_mosquitto
@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_a_message_goes_there_and_back(tmp_path: Path, version: Any) -> None:
    with mosquitto(tmp_path) as broker:
        at = Broker("broker.example", broker.port, version=version)
        two = Egress(("127.0.0.0/8",), resolver=lambda host, port: ["127.0.0.3", "127.0.0.1"])
        assert run(there_and_back(two, at)) == ("town/square", b"22.5")


@needs_mosquitto
def test_credentials_are_asked_for_and_never_told(tmp_path: Path) -> None:
    with mosquitto(tmp_path, users={"ann": "right-one"}) as broker:
        good = Broker("127.0.0.1", broker.port, username="ann", password="right-one")
        assert run(there_and_back(LOOPBACK, good))[1] == b"22.5"
        bad = Broker("127.0.0.1", broker.port, username="ann", password="wrong-one")
        with pytest.raises(MqttFailed, match=r"refused us") as fault:
            run(there_and_back(LOOPBACK, bad))
        assert "wrong-one" not in fault.value.sentence
        assert "ann" not in fault.value.sentence


@needs_mosquitto
def test_tls_checks_the_name_of_the_broker(tmp_path: Path) -> None:
    authority = trustme.CA()
    cert = authority.issue_cert("broker.example")
    (tmp_path / "key.pem").write_bytes(cert.private_key_pem.bytes())
    (tmp_path / "cert.pem").write_bytes(b"".join(p.bytes() for p in cert.cert_chain_pems))
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    lines = [f"certfile {tmp_path / 'cert.pem'}", f"keyfile {tmp_path / 'key.pem'}"]
    plain, secret = mosquitto(tmp_path, *lines), True
    with plain as broker:
        named = Broker("broker.example", broker.port, tls=secret)
        assert run(there_and_back(NAMED, named, trust=trust))[1] == b"22.5"
        for other in (Broker("other.example", broker.port, tls=True), named):
            with pytest.raises(MqttFailed, match=r"cannot be reached .*certificate"):
                run(there_and_back(NAMED, other, trust=None if other is named else trust))


def test_a_broker_that_is_not_there_or_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(MqttFailed, match=r"cannot be reached .*timed out"):
            run(there_and_back(LOOPBACK, Broker("127.0.0.1", port), timeout=0.2))
    with pytest.raises(MqttFailed, match=r"cannot be reached .*refused"):
        run(there_and_back(LOOPBACK, Broker("127.0.0.1", port), timeout=0.2))


@needs_mosquitto
def test_a_broker_that_dies_breaks_the_block(tmp_path: Path) -> None:
    async def work(broker: Mosquitto) -> None:
        async with connected(LOOPBACK, Broker("127.0.0.1", broker.port)) as client:
            await client.subscribe("town/#")
            await asyncio.to_thread(broker.stop)
            async for _ in client.messages:
                pass

    with mosquitto(tmp_path) as broker, pytest.raises(MqttFailed, match="connection broke"):
        run(work(broker))


@needs_mosquitto
def test_what_nobody_reads_makes_room_for_what_is_new(tmp_path: Path) -> None:
    async def work(port: int) -> list[bytes]:
        where = Broker("127.0.0.1", port)
        lost: asyncio.Queue[int] = asyncio.Queue()
        drop = partial(lost.put_nowait, 1)
        async with connected(LOOPBACK, where, waiting=3, dropped=drop) as client:
            await client.subscribe("town", qos=1)
            for number in range(10):
                await client.publish("town", str(number), qos=1)
            for _ in range(7):
                await lost.get()
            found: list[bytes] = []
            async for message in client.messages:
                found.append(bytes(message.payload))
                if len(found) == 3:
                    return found
        raise AssertionError

    with mosquitto(tmp_path) as broker:
        assert run(work(broker.port)) == [b"7", b"8", b"9"]


@needs_mosquitto
@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_a_kept_session_keeps_what_came_meanwhile(tmp_path: Path, version: Any) -> None:
    async def work(port: int) -> bytes:
        where = Broker("127.0.0.1", port, version=version, client_id="hansa-1", keep_session=True)
        async with connected(LOOPBACK, where) as client:
            await client.subscribe("town", qos=1)
        async with connected(LOOPBACK, Broker("127.0.0.1", port)) as other:
            await other.publish("town", b"meanwhile", qos=1)
        async with connected(LOOPBACK, where) as client:
            async for message in client.messages:
                return bytes(message.payload)
        raise AssertionError

    with mosquitto(tmp_path) as broker:
        assert run(work(broker.port)) == b"meanwhile"
