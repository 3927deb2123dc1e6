"""Subscriptions over HTTP: clauses 5.8.1 to 5.8.5, 6.10 and 6.11."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.notify.receiver import Receiver, receiving
from tests.notify.told import settled
from tests.web.api.client import ApiClient, problem_of

ID = "urn:ngsi-ld:Subscription:1"
TERMS = {"Car": "https://a.example/Car", "speed": "https://a.example/speed"}


def subscription(**members: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}},
        **members,
    }


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def test_a_subscription_comes_back_as_it_was_written(api: ApiClient) -> None:
    written = subscription(
        q='speed>50;brand=="Seat"',
        watchedAttributes=["speed"],
        notificationTrigger=["entityCreated"],
        scopeQ="/Madrid/#",
        geoQ={"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": [0, 0]},
        subscriptionName="fast cars",
        expiresAt="2099-01-01T00:00:00Z",
        throttling=0.5,
    )
    response = api.post("/subscriptions", written)
    assert response.status_code == 201
    assert response.headers["location"] == f"/ngsi-ld/v1/subscriptions/{ID}"
    found = api.get(f"/subscriptions/{ID}").json()
    told = found.pop("notification")
    assert told == {
        "format": "normalized",
        "endpoint": {"uri": "http://127.0.0.1:9/notify", "accept": "application/json"},
    }
    assert found.pop("status") == "active"
    written.pop("notification")
    assert found == written


def test_names_are_kept_as_iris_and_shown_in_the_readers_terms(api: ApiClient) -> None:
    body = subscription(q="speed>50", watchedAttributes=["speed"])
    api.post("/subscriptions", {**body, "@context": TERMS}, type="application/ld+json")
    found = api.get(f"/subscriptions/{ID}").json()
    assert found["entities"] == [{"type": "https://a.example/Car"}]
    assert found["watchedAttributes"] == ["https://a.example/speed"]
    assert found["q"] == "https://a.example/speed>50"


def test_an_identifier_is_made_when_none_is_given(api: ApiClient) -> None:
    body = subscription()
    del body["id"]
    location = api.post("/subscriptions", body).headers["location"]
    id = location.rpartition("/")[2]
    assert id.startswith("urn:ngsi-ld:Subscription:")
    assert api.get(f"/subscriptions/{id}").json()["id"] == id


def test_a_second_subscription_of_that_id_is_refused(api: ApiClient) -> None:
    api.post("/subscriptions", subscription())
    assert problem_of(api.post("/subscriptions", subscription())) == (409, "AlreadyExists")


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
def test_what_is_not_there_is_not_found(api: ApiClient, verb: str) -> None:
    assert problem_of(api.request(verb, f"/subscriptions/{ID}")) == (404, "ResourceNotFound")
    assert problem_of(api.request(verb, "/subscriptions/nothing")) == (400, "BadRequestData")


def test_a_deleted_subscription_is_gone(api: ApiClient) -> None:
    api.post("/subscriptions", subscription())
    assert api.request("DELETE", f"/subscriptions/{ID}").status_code == 204
    assert problem_of(api.get(f"/subscriptions/{ID}")) == (404, "ResourceNotFound")


def test_subscriptions_come_in_pages(api: ApiClient) -> None:
    for number in range(3):
        api.post("/subscriptions", subscription(id=f"urn:ngsi-ld:Subscription:{number}"))
    response = api.get("/subscriptions?limit=2&count=true")
    assert [s["id"][-1] for s in response.json()] == ["0", "1"]
    assert response.headers["ngsild-results-count"] == "3"
    assert 'rel="next"' in response.headers["link"]
    rest = api.get("/subscriptions?limit=2&offset=2")
    assert [s["id"][-1] for s in rest.json()] == ["2"]
    assert 'rel="prev"' in rest.headers["link"]


def test_the_public_sees_no_subscription(city_api: ApiClient) -> None:
    assert problem_of(city_api.get("/subscriptions")) == (401, "Unauthorized")
    assert problem_of(city_api.get(f"/subscriptions/{ID}")) == (401, "Unauthorized")


WRONG: list[tuple[str, Any]] = [
    ("type", "Abonnement"),
    ("id", "no uri"),
    ("id", 7),
    ("entities", []),
    ("entities", [{}]),
    ("entities", [{"type": "Car", "id": "no uri"}]),
    ("entities", [{"type": "Car", "id": []}]),
    ("entities", [{"type": "Car", "idPattern": "("}]),
    ("entities", [{"type": "((Car"}]),
    ("entities", [{"type": "Car", "typo": 1}]),
    ("entities", "Car"),
    ("watchedAttributes", []),
    ("watchedAttributes", "speed"),
    ("watchedAttributes", ["no name!"]),
    ("watchedAttribute", ["speed"]),
    ("notificationTrigger", ["entityChanged"]),
    ("notificationTrigger", []),
    ("q", "speed>"),
    ("q", ""),
    ("q", 5),
    ("scopeQ", "//"),
    ("csf", ">"),
    ("geoQ", {"georel": "near"}),
    ("geoQ", {"georel": "above", "geometry": "Point", "coordinates": [0, 0]}),
    ("geoQ", {"georel": "within", "geometry": "Polygon", "coordinates": [[0, 0]]}),
    ("temporalQ", {"timerel": "before", "timeAt": "2026-01-01T00:00:00Z"}),
    ("throttling", 0),
    ("throttling", -1),
    ("throttling", True),
    ("throttling", "5"),
    ("throttling", 1e300),
    ("timeInterval", 0),
    ("timeInterval", 1e-9),
    ("entities", [{"type": "Car"}] * 5_001),
    ("watchedAttributes", ["speed"] * 10_001),
    ("expiresAt", "tomorrow"),
    ("expiresAt", "2001-01-01T00:00:00Z"),
    ("isActive", "yes"),
    ("localOnly", 1),
    ("datasetId", []),
    ("datasetId", ["no uri"]),
    ("jsonldContext", "no uri"),
    ("ngsildConformance", "one"),
    ("lang", 3),
    ("description", {}),
    ("description", "x" * 10_001),
    ("subscriptionName", "x" * 10_001),
    ("q", "|".join(["speed>1"] * 10_000)),
]


@pytest.mark.parametrize(("member", "value"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_member_is_refused(api: ApiClient, member: str, value: Any) -> None:
    response = api.post("/subscriptions", subscription(**{member: value}))
    assert problem_of(response) == (400, "BadRequestData")
    assert api.get("/subscriptions").json() == []


WRONG_TOLD: list[dict[str, Any]] = [
    {"endpoint": None},
    {"endpoint": {}},
    {"format": "xml"},
    {"attributes": []},
    {"attributes": ["speed"], "pick": ["speed"]},
    {"attributes": ["id"]},
    {"pick": []},
    {"omit": []},
    {"pick": ["speed"], "omit": ["speed"]},
    {"pick": ["owner{name}"]},
    {"join": "sideways"},
    {"join": "flat", "joinLevel": 0},
    {"joinLevel": 2},
    {"showChanges": True, "format": "keyValues"},
    {"showChanges": True, "format": "simplified"},
    {"sysAttrs": "yes"},
]


@pytest.mark.parametrize("told", WRONG_TOLD, ids=str)
def test_wrong_notification_parameters_are_refused(api: ApiClient, told: dict[str, Any]) -> None:
    body = subscription()
    body["notification"] |= told
    assert problem_of(api.post("/subscriptions", body)) == (400, "BadRequestData")


WRONG_ENDPOINTS: list[dict[str, Any]] = [
    {"uri": "notify"},
    {"uri": ""},
    {"uri": 5},
    {"uri": "ftp://a.example/x"},
    {"uri": "file:///etc/passwd"},
    {"uri": "http://"},
    {"uri": "http:///notify"},
    {"uri": "http://a b.example/"},
    {"uri": "http://a.example:99999/"},
    {"uri": "http://a.example:0/"},
    {"uri": "http://[::1/"},
    {"uri": "http://user:pass@a.example/"},
    {"uri": "http://0x7f000001/"},
    {"uri": "http://2130706433/"},
    {"uri": "http://a.example/\r\nX-Evil: 1"},
    {"uri": "http://" + "a" * 3000 + ".example/"},
    {"uri": "mqtt://a.example"},
    {"uri": "mqtt://a.example/"},
    {"uri": "mqtt://a.example/cars/#"},
    {"uri": "mqtt://a.example/cars/+/x"},
    {"uri": "mqtt://a.example/x", "notifierInfo": [{"key": "MQTT-QoS", "value": "3"}]},
    {"uri": "mqtt://a.example/x", "notifierInfo": [{"key": "MQTT-Version", "value": "mqtt2"}]},
    {"accept": "text/plain"},
    {"timeout": 0},
    {"timeout": "soon"},
    {"cooldown": -1},
    {"receiverInfo": {"key": "a", "value": "b"}},
    {"receiverInfo": [{"key": "a"}]},
    {"receiverInfo": [{"key": 5, "value": "b"}]},
    {"receiverInfo": [{"key": "a", "value": 5}]},
    {"receiverInfo": [{"key": "X-A", "value": "b\r\nX-Evil: 1"}]},
    {"receiverInfo": [{"key": "X A", "value": "b"}]},
    {"receiverInfo": [{"key": "X-A", "value": "b" * 8_000}]},
    {"receiverInfo": [{"key": f"X-{n}", "value": "b" * 100} for n in range(90)]},
    {"receiverInfo": [{"key": f"X-{n}", "value": "b"} for n in range(101)]},
    {"receiverInfo": [{"key": "X" * 201, "value": "b"}]},
    {"notifierInfo": [{"key": "X", "value": "b" * 8_000}]},
    {"receiverInfo": [{"key": "Content-Length", "value": "0"}]},
    {"receiverInfo": [{"key": "Transfer-Encoding", "value": "chunked"}]},
    {"receiverInfo": [{"key": "Host", "value": "b"}]},
    {"notifierInfo": "mqtt"},
    {"retries": 5},
]


@pytest.mark.parametrize("wrong", WRONG_ENDPOINTS, ids=lambda value: str(value)[:60])
def test_a_wrong_endpoint_is_refused(api: ApiClient, wrong: dict[str, Any]) -> None:
    body = subscription()
    body["notification"] = {"endpoint": body["notification"]["endpoint"] | wrong}
    assert problem_of(api.post("/subscriptions", body)) == (400, "BadRequestData")


@pytest.mark.parametrize("missing", ["type", "notification"])
def test_a_missing_member_is_named(api: ApiClient, missing: str) -> None:
    body = subscription()
    del body[missing]
    response = api.post("/subscriptions", body)
    assert problem_of(response) == (400, "BadRequestData")
    assert missing in response.json()["title"]


@pytest.mark.parametrize(
    "body",
    [
        {"entities": [{"type": "Car"}], "timeInterval": 5, "watchedAttributes": ["speed"]},
        {"entities": [{"type": "Car"}], "timeInterval": 5, "throttling": 5},
        {"watchedAttributes": ["speed"], "timeInterval": 5},
        {"entities": [{"type": "*"}], "localOnly": False},
        {},
    ],
    ids=str,
)
def test_members_that_contradict_each_other_are_refused(
    api: ApiClient, body: dict[str, Any]
) -> None:
    whole = subscription()
    del whole["entities"]
    assert problem_of(api.post("/subscriptions", whole | body)) == (400, "BadRequestData")


@pytest.mark.parametrize("body", [[], "text", 5])
def test_what_is_no_object_is_refused(api: ApiClient, body: Any) -> None:
    assert api.post("/subscriptions", body).status_code == 400


def test_what_only_the_node_knows_is_passed_over(api: ApiClient) -> None:
    body = subscription(status="expired", createdAt="2001-01-01T00:00:00Z")
    body["notification"]["timesSent"] = 42
    assert api.post("/subscriptions", body).status_code == 201
    found = api.get(f"/subscriptions/{ID}").json()
    assert found["status"] == "active"
    assert "timesSent" not in found["notification"]


def test_an_unavailable_context_for_notifications_is_refused(api: ApiClient) -> None:
    body = subscription(jsonldContext="http://127.0.0.1:9/context.jsonld")
    assert problem_of(api.post("/subscriptions", body)) == (504, "LdContextNotAvailable")


# -- changes ---------------------------------------------------------------------------------------


def test_members_are_replaced_added_and_removed(api: ApiClient) -> None:
    api.post("/subscriptions", subscription(q="speed>50", description="old"))
    patch = {"description": "new", "q": "urn:ngsi-ld:null", "watchedAttributes": ["speed"]}
    assert api.patch(f"/subscriptions/{ID}", patch).status_code == 204
    found = api.get(f"/subscriptions/{ID}").json()
    assert (found["description"], found["watchedAttributes"]) == ("new", ["speed"])
    assert "q" not in found


def test_a_change_written_in_another_context_means_the_same(api: ApiClient) -> None:
    body = subscription(watchedAttributes=["speed"])
    api.post("/subscriptions", {**body, "@context": TERMS}, type="application/ld+json")
    api.patch(f"/subscriptions/{ID}", {"watchedAttributes": ["https://a.example/speed"]})
    found = api.get(f"/subscriptions/{ID}").json()
    assert found["watchedAttributes"] == ["https://a.example/speed"]


@pytest.mark.parametrize(
    "patch",
    [
        {"notification": {"format": "keyValues"}},
        {"notification": "urn:ngsi-ld:null"},
        {"entities": "urn:ngsi-ld:null"},
        {"id": "urn:ngsi-ld:Subscription:2"},
        {"type": "Car"},
        {"throttling": -1},
        {"expiresAt": "2001-01-01T00:00:00Z"},
        {"q": "((("},
        [],
    ],
    ids=str,
)
def test_a_change_that_leaves_no_subscription_is_refused(api: ApiClient, patch: Any) -> None:
    api.post("/subscriptions", subscription())
    before = api.get(f"/subscriptions/{ID}").json()
    assert problem_of(api.patch(f"/subscriptions/{ID}", patch)) == (400, "BadRequestData")
    assert api.get(f"/subscriptions/{ID}").json() == before


def test_a_paused_subscription_goes_on_when_asked(api: ApiClient) -> None:
    api.post("/subscriptions", subscription(isActive=False))
    assert api.get(f"/subscriptions/{ID}").json()["status"] == "paused"
    api.patch(f"/subscriptions/{ID}", {"isActive": True})
    assert api.get(f"/subscriptions/{ID}").json()["status"] == "active"


# -- notifications ---------------------------------------------------------------------------------


def subscribe(api: ApiClient, receiver: Receiver, **members: Any) -> None:
    body = subscription(**{k: v for k, v in members.items() if k != "notification"})
    told = deepcopy(members.get("notification", {}))
    endpoint = {"uri": receiver.url, **told.pop("endpoint", {})}
    body["notification"] = {"endpoint": endpoint, **told}
    response = api.post("/subscriptions", body)
    assert response.status_code == 201, response.json()


def test_a_change_is_told(api: ApiClient, receiver: Receiver) -> None:
    subscribe(
        api, receiver, notification={"endpoint": {"receiverInfo": [{"key": "X-A", "value": "b"}]}}
    )
    api.create(speed=55)
    (got,) = receiver.wait(1)
    assert got.path == "/notify"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-a"] == "b"
    assert "ngsi-ld-core-context" in got.headers["link"]
    assert got.body["type"] == "Notification"
    assert got.body["subscriptionId"] == ID
    assert got.body["id"].startswith("urn:ngsi-ld:Notification:")
    assert got.entity == {
        "id": "urn:ngsi-ld:Car:1",
        "type": "Car",
        "speed": {"type": "Property", "value": 55},
    }
    told = settled(api)
    assert (told["timesSent"], told["status"]) == (1, "ok")
    assert told["lastNotification"] == told["lastSuccess"]


def test_notifications_of_an_entity_come_in_order(api: ApiClient, receiver: Receiver) -> None:
    subscribe(api, receiver)
    api.create(speed=0)
    for speed in range(1, 40):
        api.patch("/entities/urn:ngsi-ld:Car:1/attrs", {"speed": speed})
    got = receiver.wait(40)
    assert [g.entity["speed"]["value"] for g in got] == list(range(40))
    assert len({g.body["id"] for g in got}) == 40


# -- the @context of notifications (5.2.12, 5.13.1) -------------------------------------------------

LIST = [TERMS, "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"]


@pytest.mark.parametrize("place", ["/subscriptions", "/csourceSubscriptions"])
@pytest.mark.parametrize("source", [LIST, TERMS], ids=["list", "object"])
def test_an_at_context_without_an_address_gets_one_that_is_shown(
    api: ApiClient, place: str, source: Any
) -> None:
    body = subscription(**{"@context": source})
    assert api.post(place, body, type="application/ld+json").status_code == 201
    url = api.get(f"{place}/{ID}").json()["jsonldContext"]
    assert api.get("/jsonldContexts?kind=ImplicitlyCreated").json() == [url]
    assert api.get("/jsonldContexts?kind=Hosted").json() != [url]
    served = api.get("/jsonldContexts/" + url.rsplit("/", 1)[-1])
    assert served.json() == {"@context": source}
    details = api.get(f"/jsonldContexts/{url.rsplit('/', 1)[-1]}?details=true").json()
    assert (details["URL"], details["kind"]) == (url, "ImplicitlyCreated")


def test_the_same_at_context_is_stored_once(api: ApiClient) -> None:
    for number in range(3):
        body = subscription(id=f"{ID}{number}", **{"@context": LIST})
        assert api.post("/subscriptions", body, type="application/ld+json").status_code == 201
    assert len(api.get("/jsonldContexts?kind=ImplicitlyCreated").json()) == 1
    shown = {each["jsonldContext"] for each in api.get("/subscriptions").json()}
    assert shown == set(api.get("/jsonldContexts?kind=ImplicitlyCreated").json())


def test_the_at_context_that_the_subscriber_names_comes_first(api: ApiClient) -> None:
    core = LIST[1]
    body = subscription(jsonldContext=core, **{"@context": LIST})
    assert api.post("/subscriptions", body, type="application/ld+json").status_code == 201
    assert api.get(f"/subscriptions/{ID}").json()["jsonldContext"] == core
    api.patch(f"/subscriptions/{ID}", {"jsonldContext": "urn:ngsi-ld:null"})
    assert api.get(f"/subscriptions/{ID}").json()["jsonldContext"] != core


def test_a_single_address_is_no_reason_to_make_one(api: ApiClient) -> None:
    body = subscription(**{"@context": [LIST[1]]})
    assert api.post("/subscriptions", body, type="application/ld+json").status_code == 201
    assert "jsonldContext" not in api.get(f"/subscriptions/{ID}").json()
    assert api.get("/jsonldContexts?kind=ImplicitlyCreated").json() == []


def test_what_a_notification_links_to_is_what_the_subscription_shows(
    api: ApiClient, receiver: Receiver
) -> None:
    body = subscription(notification={"endpoint": {"uri": receiver.url}}, **{"@context": LIST})
    api.post("/subscriptions", body, type="application/ld+json")
    url = api.get(f"/subscriptions/{ID}").json()["jsonldContext"]
    entity = {"id": "urn:c:1", "type": "https://a.example/Car", "https://a.example/speed": 3}
    assert api.post("/entities", entity).status_code == 201
    (got,) = receiver.wait(1)
    assert got.headers["link"].startswith(f"<{url}>")
    assert got.body["data"][0]["type"] == "Car"
