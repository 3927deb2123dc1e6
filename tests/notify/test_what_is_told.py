"""What is told, of which change, and how it looks: clauses 5.8.6, 5.2.12 and 5.2.14."""

from __future__ import annotations

from typing import Any

import pytest

from tests.notify.receiver import Got, Receiver, receiving
from tests.notify.told import ID, subscribe
from tests.web.api.client import ApiClient

CAR = "/entities/urn:ngsi-ld:Car:1"
NULL = "urn:ngsi-ld:null"


def mark(api: ApiClient) -> None:
    """A last change that everyone is told of, so that it is known what came before it."""
    api.create(id="urn:ngsi-ld:Car:last", last=True)


def kinds(receiver: Receiver) -> list[str]:
    """What came beside the mark: the names of the entities; they may come in any order."""
    got = receiver.wait_for(
        lambda seen: len(seen) > 1 and any("last" in g.entity["id"] for g in seen)
    )
    names = [g.entity["id"].rpartition(":")[2] for g in got]
    return [name for name in names if name != "last"]


def run_through(api: ApiClient) -> None:
    api.create(speed=1)
    api.post(f"{CAR}/attrs", {"colour": "red"})
    api.patch(f"{CAR}/attrs", {"speed": 2})
    api.patch(f"{CAR}/attrs", {"speed": 2})
    api.delete(f"{CAR}/attrs/colour")
    api.delete(CAR)


@pytest.mark.parametrize(
    ("triggers", "count"),
    [
        (None, 3),
        (["entityCreated"], 1),
        (["entityDeleted"], 1),
        (["attributeCreated"], 2),
        (["attributeUpdated"], 1),
        (["attributeDeleted"], 2),
        (["entityUpdated"], 5),
        (["entityCreated", "entityDeleted"], 2),
    ],
    ids=str,
)
def test_each_trigger_sees_its_changes(
    api: ApiClient, receiver: Receiver, triggers: list[str] | None, count: int
) -> None:
    subscribe(api, receiver, **({"notificationTrigger": triggers} if triggers else {}))
    run_through(api)
    subscribe(api, receiver, "urn:ngsi-ld:Subscription:mark", watchedAttributes=["last"])
    mark(api)

    def of_interest(seen: list[Got]) -> list[Got]:
        ours = (g for g in seen if g.body["subscriptionId"] == ID)
        return [g for g in ours if "last" not in g.entity["id"]]

    got = receiver.wait_for(
        lambda seen: (
            len(of_interest(seen)) >= count
            and any(g.body["subscriptionId"].endswith("mark") for g in seen)
        )
    )
    assert len(of_interest(got)) == count


def test_only_watched_attributes_count(api: ApiClient, receiver: Receiver) -> None:
    subscribe(api, receiver, watchedAttributes=["colour", "last"])
    api.create(speed=1)
    api.patch(f"{CAR}/attrs", {"speed": 2})
    api.post(f"{CAR}/attrs", {"colour": "red"})
    mark(api)
    assert kinds(receiver) == ["1"]


@pytest.mark.parametrize(
    "selector",
    [
        {"type": "Car", "id": "urn:ngsi-ld:Car:1"},
        {"type": "Car", "id": ["urn:ngsi-ld:Car:1", "urn:ngsi-ld:Car:9"]},
        {"type": "Car", "idPattern": "^urn:ngsi-ld:Car:1$"},
        {"type": "Car,Bus", "idPattern": "1$"},
        {"type": "(Car;Fast)|Tram"},
        {"type": "*", "id": "urn:ngsi-ld:Car:1"},
    ],
    ids=str,
)
def test_selectors(api: ApiClient, receiver: Receiver, selector: dict[str, Any]) -> None:
    subscribe(api, receiver, entities=[selector, {"type": "Car", "id": "urn:ngsi-ld:Car:last"}])
    api.create(id="urn:ngsi-ld:Car:2", speed=1)
    api.create(id="urn:ngsi-ld:Bike:1", type="Bike", speed=1)
    api.post("/entities", {"id": "urn:ngsi-ld:Car:1", "type": ["Car", "Fast"], "speed": 1})
    mark(api)
    assert kinds(receiver) == ["1"]


@pytest.mark.parametrize(
    "condition",
    [
        {"q": "speed>50|last"},
        {"q": "owner==urn:ngsi-ld:Person:1|last"},
        {"q": 'owner{name}=="Ana"|last'},
        {"q": "speed%3E50%7Clast"},
        {"q": 'id=="urn:ngsi-ld:Car:1"|last'},
    ],
    ids=str,
)
def test_conditions(api: ApiClient, receiver: Receiver, condition: dict[str, Any]) -> None:
    api.create(id="urn:ngsi-ld:Person:1", type="Person", name="Ana")
    api.create(id="urn:ngsi-ld:Person:2", type="Person", name="Bo")
    subscribe(api, receiver, **condition)
    for number, speed in ((2, 40), (1, 60)):
        owner = {"type": "Relationship", "object": f"urn:ngsi-ld:Person:{number}"}
        api.create(id=f"urn:ngsi-ld:Car:{number}", speed=speed, owner=owner)
    mark(api)
    assert kinds(receiver) == ["1"]


def test_places(api: ApiClient, receiver: Receiver) -> None:
    near = {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": [8.0, 40.0]}
    subscribe(api, receiver, geoQ=near)
    for number, longitude in ((2, 9.0), (1, 8.001)):
        place = {"type": "Point", "coordinates": [longitude, 40.0]}
        api.create(id=f"urn:ngsi-ld:Car:{number}", location={"type": "GeoProperty", "value": place})
    (got,) = receiver.wait(1)
    assert got.entity["id"] == "urn:ngsi-ld:Car:1"


def test_scopes(api: ApiClient, receiver: Receiver) -> None:
    subscribe(api, receiver, scopeQ="/Madrid/#")
    api.create(id="urn:ngsi-ld:Car:2", scope="/Paris", speed=1)
    api.create(scope="/Madrid/Centro", speed=1)
    (got,) = receiver.wait(1)
    assert got.entity["id"] == "urn:ngsi-ld:Car:1"


def test_the_state_at_the_change_is_told_not_a_later_one(
    api: ApiClient, receiver: Receiver
) -> None:
    subscribe(api, receiver, q="speed>50")
    batch = [{"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": s} for s in (10, 60, 20, 70)]
    for entity in batch:
        api.post("/entityOperations/upsert", [entity])
    got = receiver.wait(2)
    assert [g.entity["speed"]["value"] for g in got] == [60, 70]


# -- how it looks ----------------------------------------------------------------------------------


def first(api: ApiClient, receiver: Receiver, told: dict[str, Any], **members: Any) -> Any:
    """Create a car, subscribe, change its speed: what came."""
    api.create(speed=1, owner={"type": "Relationship", "object": "urn:ngsi-ld:Person:1"})
    subscribe(api, receiver, notification=told, **members)
    api.patch(f"{CAR}/attrs", {"speed": 2})
    return receiver.wait(1)[0]


def test_forms(api: ApiClient, receiver: Receiver) -> None:
    api.create(speed=1)
    for number, form in enumerate(("normalized", "concise", "simplified", "keyValues")):
        subscribe(
            api, receiver, f"urn:ngsi-ld:Subscription:{number}", notification={"format": form}
        )
    api.patch(f"{CAR}/attrs", {"speed": 2})
    shown = {g.body["subscriptionId"][-1]: g.entity["speed"] for g in receiver.wait(4)}
    assert shown == {"0": {"type": "Property", "value": 2}, "1": 2, "2": 2, "3": 2}


def test_system_times(api: ApiClient, receiver: Receiver) -> None:
    entity = first(api, receiver, {"sysAttrs": True}).entity
    assert {"createdAt", "modifiedAt"} <= entity.keys()
    assert {"createdAt", "modifiedAt"} <= entity["speed"].keys()


@pytest.mark.parametrize(
    ("told", "members"),
    [
        ({"attributes": ["speed"]}, ["id", "type", "speed"]),
        ({"pick": ["id", "speed"]}, ["id", "speed"]),
        ({"omit": ["owner", "type"]}, ["id", "speed"]),
    ],
    ids=str,
)
def test_projections(
    api: ApiClient, receiver: Receiver, told: dict[str, Any], members: list[str]
) -> None:
    assert first(api, receiver, told).entity.keys() == set(members)


def test_json_ld_carries_its_context(api: ApiClient, receiver: Receiver) -> None:
    got = first(api, receiver, {"endpoint": {"accept": "application/ld+json"}})
    assert got.headers["content-type"] == "application/ld+json"
    assert "link" not in got.headers
    assert "ngsi-ld-core-context" in str(got.entity["@context"])


def test_geojson(api: ApiClient, receiver: Receiver) -> None:
    got = first(api, receiver, {"endpoint": {"accept": "application/geo+json"}})
    assert got.headers["content-type"] == "application/geo+json"
    assert got.body["data"]["type"] == "FeatureCollection"
    (feature,) = got.body["data"]["features"]
    assert feature["properties"]["speed"]["value"] == 2
    assert "@context" in got.body["data"]


def test_linked_entities_come_along(api: ApiClient, receiver: Receiver) -> None:
    api.create(id="urn:ngsi-ld:Person:1", type="Person", name="Ana")
    got = first(api, receiver, {"join": "flat", "format": "simplified"})
    assert [e["id"][12:] for e in got.body["data"]] == ["Car:1", "Person:1"]
    subscribe(
        api,
        receiver,
        "urn:ngsi-ld:Subscription:2",
        notification={"join": "inline", "format": "simplified"},
    )
    api.patch(f"{CAR}/attrs", {"speed": 3})
    inline = next(g for g in receiver.wait(3) if g.body["subscriptionId"][-1] == "2")
    assert inline.entity["owner"]["name"] == "Ana"


def test_only_some_datasets(api: ApiClient, receiver: Receiver) -> None:
    subscribe(api, receiver, datasetId=["urn:x:fr"])
    values = [
        {"type": "Property", "value": 1},
        {"type": "Property", "value": 2, "datasetId": "urn:x:fr"},
    ]
    api.create(speed=values)
    assert receiver.wait(1)[0].entity["speed"] == values[1]


def test_an_earlier_version(api: ApiClient, receiver: Receiver) -> None:
    subscribe(api, receiver, ngsildConformance="1.3")
    api.create(colour={"type": "VocabProperty", "vocab": "red"})
    assert receiver.wait(1)[0].entity["colour"]["type"] == "Property"


def test_a_language(api: ApiClient, receiver: Receiver) -> None:
    subscribe(api, receiver, lang="fr")
    api.create(colour={"type": "LanguageProperty", "languageMap": {"fr": "rouge", "en": "red"}})
    assert receiver.wait(1)[0].entity["colour"]["value"] == "rouge"


# -- what is gone, and what was ---------------------------------------------------------------------


def test_a_deleted_entity(api: ApiClient, receiver: Receiver) -> None:
    api.create(speed=1)
    subscribe(api, receiver, notificationTrigger=["entityDeleted"])
    api.delete(CAR)
    entity = receiver.wait(1)[0].entity
    assert entity.keys() == {"id", "type", "deletedAt"}


def test_a_deleted_attribute(api: ApiClient, receiver: Receiver) -> None:
    api.create(speed=1, colour="red")
    subscribe(api, receiver, notificationTrigger=["attributeDeleted"])
    api.delete(f"{CAR}/attrs/colour")
    entity = receiver.wait(1)[0].entity
    assert entity["colour"] == {"type": "Property", "value": NULL}
    assert entity["speed"] == {"type": "Property", "value": 1}


def test_a_deleted_instance(api: ApiClient, receiver: Receiver) -> None:
    values = [
        {"type": "Property", "value": 1},
        {"type": "Property", "value": 2, "datasetId": "urn:x:fr"},
    ]
    api.create(speed=values)
    subscribe(api, receiver, notificationTrigger=["attributeDeleted"])
    api.delete(f"{CAR}/attrs/speed?datasetId=urn:x:fr")
    assert receiver.wait(1)[0].entity["speed"] == [values[0], {**values[1], "value": NULL}]


@pytest.mark.parametrize(
    ("old", "new", "previous"),
    [
        ({"type": "Property", "value": 1}, {"type": "Property", "value": 2}, "previousValue"),
        (
            {"type": "Relationship", "object": "urn:a:1"},
            {"type": "Relationship", "object": "urn:a:2"},
            "previousObject",
        ),
        (
            {"type": "LanguageProperty", "languageMap": {"fr": "a"}},
            {"type": "LanguageProperty", "languageMap": {"fr": "b"}},
            "previousLanguageMap",
        ),
        (
            {"type": "VocabProperty", "vocab": "a"},
            {"type": "VocabProperty", "vocab": "b"},
            "previousVocab",
        ),
        (
            {"type": "JsonProperty", "json": {"a": 1}},
            {"type": "JsonProperty", "json": {"a": 2}},
            "previousJson",
        ),
        (
            {"type": "ListProperty", "valueList": [1]},
            {"type": "ListProperty", "valueList": [2]},
            "previousValueList",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_previous_values(
    api: ApiClient, receiver: Receiver, old: Any, new: Any, previous: str
) -> None:
    member = next(name for name in old if name != "type")
    api.create(what=old, other=1)
    subscribe(
        api,
        receiver,
        notificationTrigger=["attributeUpdated", "attributeDeleted"],
        notification={"showChanges": True},
    )
    api.patch(f"{CAR}/attrs", {"what": new})
    api.delete(f"{CAR}/attrs/what")
    changed, deleted = receiver.wait(2)
    assert changed.entity["what"] == {**new, previous: old[member]}
    assert "previousValue" not in changed.entity["other"]
    assert deleted.entity["what"][previous] == new[member]
    assert NULL in str(deleted.entity["what"][member])


def test_no_previous_value_of_what_is_new(api: ApiClient, receiver: Receiver) -> None:
    subscribe(api, receiver, notification={"showChanges": True})
    api.create(speed=1)
    assert receiver.wait(1)[0].entity["speed"] == {"type": "Property", "value": 1}


# -- times -----------------------------------------------------------------------------------------


def test_at_intervals_everything_that_matches_is_told(api: ApiClient, receiver: Receiver) -> None:
    api.create(id="urn:ngsi-ld:Car:1", speed=60)
    api.create(id="urn:ngsi-ld:Car:2", speed=40)
    api.create(id="urn:ngsi-ld:Car:3", speed=70)
    subscribe(api, receiver, timeInterval=0.2, q="speed>50")
    first, second = receiver.wait(2)[:2]
    for got in (first, second):
        assert [e["id"][-1] for e in got.body["data"]] == ["1", "3"]
    assert first.body["id"] != second.body["id"]


def test_at_intervals_nothing_is_told_of_nothing(api: ApiClient, receiver: Receiver) -> None:
    subscribe(api, receiver, timeInterval=0.05, q="speed>50")
    api.create(speed=40)
    subscribe(api, receiver, "urn:ngsi-ld:Subscription:2", entities=[{"type": "Bus"}])
    api.create(id="urn:ngsi-ld:Bus:1", type="Bus", speed=1)
    (got,) = receiver.wait(1)
    assert got.body["subscriptionId"] == "urn:ngsi-ld:Subscription:2"


def test_what_comes_too_early_is_told_together_later(api: ApiClient, receiver: Receiver) -> None:
    subscribe(api, receiver, throttling=1)
    api.create(id="urn:ngsi-ld:Car:1", speed=0)
    receiver.wait(1)
    for speed in (1, 2, 3):
        api.patch(f"{CAR}/attrs", {"speed": speed})
    api.create(id="urn:ngsi-ld:Car:2", speed=9)
    got = receiver.wait(2)
    assert len(got) == 2
    later = {e["id"][-1]: e["speed"]["value"] for e in got[1].body["data"]}
    assert later == {"1": 3, "2": 9}


def test_a_paused_subscription_is_silent(api: ApiClient, receiver: Receiver) -> None:
    subscribe(api, receiver, isActive=False)
    api.create(speed=1)
    api.patch(f"/subscriptions/{ID}", {"isActive": True})
    api.patch(f"{CAR}/attrs", {"speed": 2})
    (got,) = receiver.wait(1)
    assert got.entity["speed"]["value"] == 2


def test_each_tenant_is_told_of_its_own(api: ApiClient, receiver: Receiver) -> None:
    blue = {"NGSILD-Tenant": "blue"}
    with receiving() as other:
        subscribe(api, receiver)
        subscribe(api, other, headers=blue)
        api.create(speed=1)
        api.post("/entities", {"id": "urn:x:1", "type": "Car", "speed": 2}, headers=blue)
        (ours,), (theirs,) = receiver.wait(1), other.wait(1)
    assert ours.entity["speed"]["value"] == 1
    assert theirs.entity["speed"]["value"] == 2
    assert "ngsild-tenant" not in ours.headers
    assert theirs.headers["ngsild-tenant"] == "blue"


def test_nothing_is_told_of_what_happened_before(api: ApiClient, receiver: Receiver) -> None:
    api.create(speed=1)
    subscribe(api, receiver)
    api.patch(f"{CAR}/attrs", {"speed": 2})
    (got,) = receiver.wait(1)
    assert got.entity["speed"]["value"] == 2
