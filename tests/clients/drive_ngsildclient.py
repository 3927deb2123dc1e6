"""What a program that uses ngsildclient does. Run by that library's interpreter, with an address."""

from __future__ import annotations

import json
import sys
from urllib.parse import urlsplit

from ngsildclient import Client, Entity, SubscriptionBuilder


def main(address: str) -> None:
    place = urlsplit(address)
    client = Client(place.hostname or "", place.port or 80, verbose=False)
    assert client.is_connected()
    entities(client)
    batches(client)
    subscriptions(client)
    contexts(client)
    client.close()
    other = Client(place.hostname or "", place.port or 80, tenant="harbour", verbose=False)
    assert other.create(Entity("Ship", "1"))
    assert (other.count("Ship"), other.count("AirQualityObserved")) == (1, 0)
    print("all done")


def entities(client: Client) -> None:
    entity = Entity("AirQualityObserved", "Bordeaux-1")
    entity.tprop("dateObserved", "2026-11-24T08:00:00Z")
    entity.prop("NO2", 22, unitcode="GP").prop("note", "près du pont")
    entity.gprop("location", (44.84, -0.57)).rel("refDevice", "Device:1")
    assert client.create(entity)
    found = client.get(entity)
    assert members(found) == members(entity), found.to_json()
    assert client.exists(entity)
    found["NO2.value"] = 30
    assert client.update(found)
    assert client.get(entity)["NO2.value"] == 30
    entity["NO2.value"] = 31
    assert client.upsert(entity)
    assert client.get(entity)["NO2.value"] == 31
    assert [e.id for e in client.query(type="AirQualityObserved", q="NO2>30")] == [entity.id]
    assert client.types.list() == ["AirQualityObserved"]
    assert client.delete(entity)
    assert not client.exists(entity)


def members(entity: Entity) -> dict[str, object]:
    return {n: v for n, v in json.loads(entity.to_json()).items() if n != "@context"}


def batches(client: Client) -> None:
    many = [Entity("Room", f"{n}").prop("floor", n % 3) for n in range(250)]
    assert client.upsert(*many).ok
    assert client.count("Room") == 250
    assert len(client.query(type="Room", limit=100)) == 250
    assert sum(1 for _ in client.query_generator(type="Room", q="floor==1")) == 83
    for room in many:
        room["floor.value"] = 7
    assert client.update(*many).ok
    assert client.count("Room", q="floor==7") == 250
    assert client.delete(*many).ok
    assert client.count("Room") == 0


def subscriptions(client: Client) -> None:
    made = SubscriptionBuilder("http://127.0.0.1:9/notify").description("test")
    subscription = made.select_type("Room").watch(["floor"]).build()
    try:
        id = client.subscriptions.create(subscription)
    except Exception as fault:  # a node that does not offer them says so
        assert "404" in str(fault) or "not" in str(fault), fault
        print("no subscriptions here")
        return
    assert id


def contexts(client: Client) -> None:
    held = client.contexts.list()
    assert any("core-context" in url for url in held)


if __name__ == "__main__":
    main(sys.argv[1])
