"""Delivery: at least once, in order for each entity, a failing endpoint for itself, nothing lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hansa.hub.notify import courier
from hansa.hub.notify.actions import drop, failures, health, healths, replay
from hansa.kernel.clock import iso
from hansa.kernel.settings import Settings
from hansa.node import Node
from tests.notify.receiver import PATIENCE, Receiver, receiving
from tests.notify.told import ID, standing, subscribe
from tests.web.api.client import ApiClient

CAR = "/entities/urn:ngsi-ld:Car:1"


@pytest.fixture(autouse=True)
def short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failing endpoints are tried again soon."""
    monkeypatch.setattr(courier, "_FIRST_REST", 0.05)
    monkeypatch.setattr(courier, "_LONGEST_REST", 0.2)


def until(ready: Callable[[], Any]) -> Any:
    """What `ready` gives, once that is something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come about")


def test_an_endpoint_that_fails_gets_everything_in_order(
    api: ApiClient, receiver: Receiver
) -> None:
    receiver.answer = lambda number: 503 if number < 4 else 200
    subscribe(api, receiver)
    api.create(speed=0)
    for speed in range(1, 10):
        api.patch(f"{CAR}/attrs", {"speed": speed})
    got = receiver.wait_for(lambda seen: len({g.body["id"] for g in seen[3:]}) == 10)
    assert {g.body["id"] for g in got[:4]} == {got[0].body["id"]}
    assert [g.entity["speed"]["value"] for g in got[3:]] == list(range(10))
    told = until(lambda: (s := standing(api))["timesSent"] == 13 and s)
    assert (told["timesFailed"], told["status"]) == (3, "ok")
    assert told["lastFailure"] < told["lastSuccess"]


@pytest.mark.parametrize(
    "garbage",
    [b"not HTTP at all\r\n\r\n", b"", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 70_000],
    ids=["words", "nothing", "no status", "zeros"],
)
def test_a_receiver_that_answers_garbage_failed(
    api: ApiClient, receiver: Receiver, garbage: bytes
) -> None:
    receiver.answer = lambda number: garbage if number < 3 else 200
    subscribe(api, receiver)
    api.create(speed=1)
    until(lambda: standing(api).get("status") == "ok")
    got = receiver.wait(3)
    assert len({g.body["id"] for g in got}) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 20\r\n\r\n"
        + b"\x1f\x8b" * 10,
        b"HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n" + b"x" * 9_000_000,
        b"HTTP/1.1 200 OK\r\n\r\n<html>" + b"no end" * 20_000,
    ],
    ids=["compressed", "huge", "endless"],
)
def test_what_a_receiver_says_beside_its_status_is_no_failure(
    api: ApiClient, receiver: Receiver, answer: bytes
) -> None:
    receiver.answer = lambda _: answer
    subscribe(api, receiver)
    api.create(speed=1)
    told = until(lambda: (s := standing(api)).get("status") and s)
    assert (told["status"], told["timesSent"]) == ("ok", 1)
    assert len(receiver.got) == 1


def test_a_redirect_is_not_followed_and_given_up(api: ApiClient, receiver: Receiver) -> None:
    with receiving() as inside:
        receiver.answer = lambda _: 302
        receiver.headers["location"] = inside.url
        subscribe(api, receiver)
        api.create(speed=1)
        store = api.node.local_store()
        (failure,) = until(lambda: failures(store))
        assert "redirect" in failure.fault
        assert failure.attempts == 3
        assert inside.got == []
    assert standing(api)["status"] == "failed"


def test_a_refused_message_holds_up_its_entity_only_and_can_be_replayed(
    api: ApiClient, receiver: Receiver
) -> None:
    refusing = True

    def answer(number: int) -> int:
        value = receiver.got[number - 1].entity["speed"]["value"]
        return 400 if refusing and value == 13 else 200

    receiver.answer = answer
    subscribe(api, receiver)
    api.create(speed=13)
    api.create(id="urn:ngsi-ld:Car:2", speed=2)
    api.patch(f"{CAR}/attrs", {"speed": 14})
    got = receiver.wait_for(lambda seen: any(g.entity["speed"]["value"] == 14 for g in seen))
    values = [g.entity["speed"]["value"] for g in got]
    assert values.index(2) < values.index(14) and values.count(13) == 3
    store = api.node.local_store()
    (failure,) = until(lambda: failures(store, ID))
    assert failure.body["data"][0]["speed"]["value"] == 13
    assert "400" in failure.fault
    refusing = False
    assert replay(store, numbers=[failure.number]) == 1
    again = receiver.wait_for(lambda seen: len(seen) == len(got) + 1)[-1]
    assert again.body["id"] == failure.id
    until(lambda: failures(store) == [])
    assert health(store, ID, iso(api.node.clock.now())).dead == 0


def test_dead_letters_can_be_dropped(api: ApiClient, receiver: Receiver) -> None:
    receiver.answer = lambda _: 404
    subscribe(api, receiver)
    api.create(speed=1)
    store = api.node.local_store()
    (failure,) = until(lambda: failures(store))
    assert drop(store, [failure.number]) == 1
    assert failures(store) == []


def test_a_dead_and_a_slow_endpoint_delay_nobody(api: ApiClient, receiver: Receiver) -> None:
    with receiving() as slow:
        slow.delay = 3.0
        subscribe(api, "http://127.0.0.1:9/gone", "urn:ngsi-ld:Subscription:dead")
        subscribe(api, slow, "urn:ngsi-ld:Subscription:slow")
        subscribe(api, receiver)
        api.create(speed=0)
        for speed in range(1, 20):
            api.patch(f"{CAR}/attrs", {"speed": speed})
        receiver.wait(20)
        assert len(slow.got) < 3
    now = iso(api.node.clock.now())
    found = {h.id.rpartition(":")[2]: h for h in healths(api.node.local_store(), now)}
    assert found["dead"].waiting == 20
    assert found["dead"].failed > 0
    assert found["1"].failed == 0


def test_a_cooldown_is_kept(api: ApiClient, receiver: Receiver) -> None:
    moments: list[float] = []

    def answer(number: int) -> int:
        moments.append(time.monotonic())
        return 503 if number == 1 else 200

    receiver.answer = answer
    subscribe(api, receiver, notification={"endpoint": {"cooldown": 700}})
    api.create(speed=1)
    api.create(id="urn:ngsi-ld:Car:2", speed=2)
    until(lambda: len(moments) == 3)
    assert moments[-1] - moments[0] >= 0.69


def test_a_timeout_counts_as_failure(api: ApiClient, receiver: Receiver) -> None:
    receiver.delay = 0.5
    subscribe(api, receiver, notification={"endpoint": {"timeout": 100}})
    api.create(speed=1)
    until(lambda: standing(api).get("status") == "failed")


def test_a_deleted_subscription_is_told_nothing_more(api: ApiClient, receiver: Receiver) -> None:
    subscribe(api, "http://127.0.0.1:9/gone")
    api.create(speed=1)
    until(lambda: standing(api).get("timesFailed"))
    api.delete(f"/subscriptions/{ID}")
    assert api.node.local_store().outbox.endpoints() == []


def test_what_waits_goes_where_the_subscription_points_now(
    api: ApiClient, receiver: Receiver
) -> None:
    subscribe(api, "http://127.0.0.1:9/gone")
    api.create(speed=1)
    until(lambda: standing(api).get("timesFailed"))
    api.patch(f"/subscriptions/{ID}", {"notification": {"endpoint": {"uri": receiver.url}}})
    assert receiver.wait(1)[0].entity["speed"]["value"] == 1


def test_an_address_that_may_not_be_contacted_is_not(
    city_api: ApiClient, receiver: Receiver
) -> None:
    secret = {"authorization": "Bearer secret"}
    subscribe(city_api, receiver, headers=secret)
    city_api.post("/entities", {"id": "urn:x:1", "type": "Car", "speed": 1}, headers=secret)
    store = city_api.node.local_store()
    found = until(lambda: (h := health(store, ID, iso(city_api.node.clock.now()))).failed and h)
    assert "not public" in found.fault
    assert receiver.got == []


def test_a_restart_loses_nothing_and_repeats_identifiers(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = Settings(dev=True, context="core")
    receiver.answer = lambda _: 503
    with closing(Node.open(tmp_path, settings)) as node:
        with TestClient(node.app, base_url="http://127.0.0.1:1356") as client:
            api = ApiClient(node, client)
            subscribe(api, receiver)
            api.create(speed=1)
            first = receiver.wait(1)[0]
        # Nobody matches or delivers now; the change is only written.
        ApiClient(node, TestClient(node.app, base_url="http://127.0.0.1:1356")).patch(
            f"{CAR}/attrs", {"speed": 2}
        )
    receiver.answer = lambda _: 200
    count = len(receiver.got)
    with closing(Node.open(tmp_path, settings)) as node, TestClient(node.app):
        got = receiver.wait(count + 2)[count:]
    assert [g.entity["speed"]["value"] for g in got] == [1, 2]
    assert got[0].body["id"] == first.body["id"]


def test_images_are_made_only_while_somebody_is_subscribed(
    api: ApiClient, receiver: Receiver
) -> None:
    outbox = api.node.local_store().outbox
    api.create(speed=1)
    assert outbox.images() == []
    subscribe(api, receiver, timeInterval=3600)
    api.patch(f"{CAR}/attrs", {"speed": 2})
    assert outbox.images() == []
    api.patch(f"/subscriptions/{ID}", {"timeInterval": "urn:ngsi-ld:null"})
    api.patch(f"{CAR}/attrs", {"speed": 3})
    assert receiver.wait(1)[0].entity["speed"]["value"] == 3
    api.delete(f"/subscriptions/{ID}")
    api.patch(f"{CAR}/attrs", {"speed": 4})
    assert outbox.images() == []
