"""Object-level authorisation (API1): of every kind of record somebody has one, and nobody else gets at it.

Each record is made by its owner, asked for and changed by everybody who has no right to it, knowing its identifier, and
then looked at by its owner: it is still there, and as it was. So a row fails when its check is taken away, and also
when it tests nothing because the record never was there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from .people import API, CAR, HARBOUR, People, Person, opened, prop

OTHER = {"NGSILD-Tenant": "quay"}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    with opened(tmp_path_factory.mktemp("objects")) as made:
        for tenant in ({}, HARBOUR, OTHER):
            car = {"id": CAR, "type": "Car", "speed": prop(30)}
            assert made["operator"].post(f"{API}/entities", json=car, headers=tenant).is_success
        yield made


@dataclass(frozen=True)
class Record:
    """A kind of record of the API. `make` is posted to `path`; `changes` are tried by strangers.

    ``readers``: who may see it in the city's own tenant beside those who may change it.
    """

    path: str
    make: dict[str, Any]
    id: str
    changes: tuple[tuple[str, str, Any], ...]
    readers: frozenset[str] = frozenset()
    where: dict[str, str] = field(default_factory=dict)


ENDPOINT = {"endpoint": {"uri": "http://127.0.0.1:9/told"}}
SUBSCRIPTION = "urn:ngsi-ld:Subscription:s1"
WATCH = "urn:ngsi-ld:Subscription:w1"
SOURCE = "urn:ngsi-ld:ContextSourceRegistration:r1"
FROZEN = "urn:ngsi-ld:Snapshot:f1"
EVERYBODY = frozenset(
    {"public", "rosa", "paul", "dora", "reads", "of cars", "of here", "brings meters"}
)

RECORDS = {
    "entity": Record(
        "/entities",
        {"id": "urn:ngsi-ld:Boat:1", "type": "Boat", "name": prop("Greif")},
        "urn:ngsi-ld:Boat:1",
        (
            ("PATCH", "/attrs", {"name": prop("stolen")}),
            ("POST", "/attrs", {"thief": prop("me")}),
            ("PATCH", "", {"name": prop("stolen")}),
            ("PUT", "", {"id": "urn:ngsi-ld:Boat:1", "type": "Boat", "name": prop("stolen")}),
            ("PATCH", "/attrs/name", prop("stolen")),
            ("PUT", "/attrs/name", prop("stolen")),
            ("DELETE", "/attrs/name", None),
            ("DELETE", "", None),
        ),
        EVERYBODY - {"of cars"},
    ),
    "history": Record(
        "/temporal/entities",
        {
            "id": "urn:ngsi-ld:Boat:2",
            "type": "Boat",
            "name": [{**prop("Greif"), "observedAt": "2026-01-01T00:00:00Z"}],
        },
        "urn:ngsi-ld:Boat:2",
        (
            ("POST", "/attrs", {"name": [prop("stolen")]}),
            ("DELETE", "/attrs/name", None),
            ("DELETE", "", None),
        ),
        EVERYBODY - {"of cars"},
    ),
    "subscription": Record(
        "/subscriptions",
        {
            "id": SUBSCRIPTION,
            "type": "Subscription",
            "entities": [{"type": "Car"}],
            "notification": ENDPOINT,
        },
        SUBSCRIPTION,
        (
            ("PATCH", "", {"notification": {"endpoint": {"uri": "https://thief.example"}}}),
            ("DELETE", "", None),
        ),
        frozenset({"of here"}),
    ),
    "subscription to registrations": Record(
        "/csourceSubscriptions",
        {
            "id": WATCH,
            "type": "Subscription",
            "entities": [{"type": "Car"}],
            "notification": ENDPOINT,
        },
        WATCH,
        (
            ("PATCH", "", {"notification": {"endpoint": {"uri": "https://thief.example"}}}),
            ("DELETE", "", None),
        ),
        frozenset({"of here"}),
    ),
    "registration": Record(
        "/csourceRegistrations",
        {
            "id": SOURCE,
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": "Ferry"}]}],
            "endpoint": "https://broker.example",
        },
        SOURCE,
        (
            ("PATCH", "", {"endpoint": "https://thief.example"}),
            ("DELETE", "", None),
        ),
        EVERYBODY - {"of cars"},
    ),
    "snapshot": Record(
        "/snapshots",
        {
            "id": FROZEN,
            "type": "Snapshot",
            "snapshotQueries": [{"type": "Query", "entities": [{"type": "Car"}]}],
        },
        FROZEN,
        (
            ("PATCH", "", {"snapshotLifetime": "PT1S"}),
            ("POST", "/clone", {"type": "Snapshot"}),
            ("DELETE", "", None),
        ),
        EVERYBODY,
    ),
}


def made(people: People, kind: str, where: dict[str, str]) -> str:
    """A record of that kind, new in a tenant and in no other; its address."""
    record, owner = RECORDS[kind], people["operator"]
    address = f"{API}{record.path}/{record.id}"
    for tenant in ({}, HARBOUR, OTHER):
        owner.delete(address, headers=tenant)
    answer = owner.post(API + record.path, json=record.make, headers=where)
    assert answer.status_code == 201, answer.text
    return address


@pytest.mark.parametrize("tenant", [{}, HARBOUR], ids=["city", "harbour"])
@pytest.mark.parametrize("kind", RECORDS)
def test_nobody_reads_or_changes_what_is_not_theirs(
    people: People, kind: str, tenant: dict[str, str]
) -> None:
    record, owner = RECORDS[kind], people["operator"]
    address = made(people, kind, tenant)
    before = _settled(owner, address, tenant)
    wrong = []
    for name in sorted(EVERYBODY):
        client = people[name]
        readable = name in record.readers
        if tenant:  # where of all of them the administrator alone may see something
            readable &= name in ("reads", "of cars") and record.readers > {"public"}
        seen = client.get(address, headers=tenant)
        if seen.status_code not in ((200,) if readable else (401, 403, 404)):
            wrong.append((name, "GET", seen.status_code))
        if name == "of here" and not tenant:
            continue  # an administrator's token for the city's own tenant: it may change this
        for verb, more, body in record.changes:
            reply = client.request(verb, address + more, json=body, headers=tenant)
            if reply.status_code not in (401, 403, 404):
                wrong.append((name, verb + more, reply.status_code))
    assert wrong == []
    assert _settled(owner, address, tenant) == before
    assert owner.delete(address, headers=tenant).status_code == 204


def _settled(owner: Person, address: str, tenant: dict[str, str]) -> Any:
    """What the owner sees of it, once it is ready."""
    for _ in range(500):
        found = owner.get(address, headers=tenant).json()
        if found.get("snapshotStatus") != "preparing":
            break
        time.sleep(0.01)
    return {name: value for name, value in found.items() if name != "lastUsedAt"}


@pytest.mark.parametrize("kind", RECORDS)
def test_an_identifier_of_one_tenant_means_nothing_in_another(people: People, kind: str) -> None:
    """Also for who may do everything: what is named in the wrong tenant is not found there."""
    record, owner = RECORDS[kind], people["operator"]
    address = made(people, kind, HARBOUR)
    for where in ({}, OTHER):
        for name in ("operator", "anna", "public"):
            seen = people[name].get(address, headers=where).status_code
            assert seen in ((404,) if name != "public" else (401, 404)), (name, where)
        for verb, more, body in record.changes:
            reply = owner.request(verb, address + more, json=body, headers=where)
            assert reply.status_code in (404, 400), (verb, more, where, reply.status_code)
    assert owner.delete(address, headers=HARBOUR).status_code == 204


def test_batches_queries_and_maps_reach_no_further_than_single_requests(people: People) -> None:
    operator, mine = people["operator"], {"id": "urn:ngsi-ld:Boat:9", "type": "Boat"}
    assert operator.post(f"{API}/entities", json=mine).status_code == 201
    query = {"type": "Query", "entities": [{"id": mine["id"], "type": "Boat"}]}
    cars = people["of cars"]
    for path in ("/entityOperations/query", "/entityMaps"):
        assert mine["id"] in operator.post(API + path, json=query).text
        assert mine["id"] not in cars.post(API + path, json=query).text
    for question in (
        "type=Boat",
        f"type=Boat&id={mine['id']}",
        "type=Boat&idPattern=Boat",
        "local=true",
    ):
        assert mine["id"] in operator.get(f"{API}/entities?{question}").text
        assert mine["id"] not in cars.get(f"{API}/entities?{question}").text
    for verb in ("create", "upsert", "update", "merge", "delete"):
        body: list[Any] = [mine["id"]] if verb == "delete" else [{**mine, "thief": prop("me")}]
        for name in ("public", "rosa", "paul", "reads", "of cars"):
            reply = people[name].post(f"{API}/entityOperations/{verb}", json=body)
            assert reply.status_code in (207, 401, 403), (verb, name)
            assert '"success":["urn' not in reply.text
    assert "thief" not in operator.get(f"{API}/entities/{mine['id']}").text
    assert operator.delete(f"{API}/entities/{mine['id']}").status_code == 204


def test_a_source_changes_what_it_brought_and_nothing_that_another_did(people: People) -> None:
    operator, meters, ferries = (people[n] for n in ("operator", "brings meters", "brings ferries"))
    meter = {"id": "urn:ngsi-ld:TideGauge:77", "type": "TideGauge", "used": prop(1)}
    address = f"{API}/entities/{meter['id']}"
    made_it = meters.post(f"{API}/entities", json=meter)
    assert made_it.status_code == 201, made_it.text
    whose = {"importedFrom": {"type": "Relationship", "object": "urn:ngsi-ld:DataSource:ferries"}}
    changes = [
        ("PATCH", "/attrs", {"used": prop(9)}),
        ("POST", "/attrs", {"thief": prop("me")}),
        ("PATCH", "", {"used": prop(9)}),
        ("PUT", "", {**meter, "used": prop(9)}),
        ("PATCH", "/attrs/used", prop(9)),
        ("DELETE", "/attrs/used", None),
        ("PATCH", "/attrs", whose),
        ("DELETE", "", None),
    ]
    before = operator.get(address).json()
    for verb, more, body in changes:
        assert ferries.request(verb, address + more, json=body).status_code in (403, 404), verb
        past = address.replace("/entities/", "/temporal/entities/")
        if (verb, more) in (("POST", "/attrs"), ("DELETE", "/attrs/used"), ("DELETE", "")):
            assert ferries.request(verb, past + more, json=body).status_code in (403, 404), verb
    for verb in ("upsert", "update", "merge"):
        ferries.post(f"{API}/entityOperations/{verb}", json=[{**meter, "used": prop(9)}])
    ferries.post(f"{API}/entityOperations/delete", json=[meter["id"]])
    assert ferries.delete(f"{API}/entities?type=TideGauge").status_code in (204, 403, 404)
    assert operator.get(address).json() == before
    for body in (whose, {"importedFrom": {**whose["importedFrom"], "object": "urn:x:none"}}):
        assert meters.patch(address + "/attrs", json=body).status_code >= 400
    assert operator.get(address).json() == before
    assert meters.patch(address + "/attrs", json={"used": prop(2)}).status_code == 204
    assert operator.get(address).json()["used"]["value"] == 2
    assert meters.delete(address).status_code == 204


def test_a_map_of_entities_is_its_maker_s_alone(people: People) -> None:
    made = people["anna"].post(
        f"{API}/entityMaps", json={"type": "Query", "entities": [{"type": "Car"}]}
    )
    assert made.status_code == 201
    address = f"{API}/entityMaps/{made.json()['id']}"
    for name in ("public", "rosa", "paul", "vera", "operator", "of cars", "reads"):
        assert people[name].get(address).status_code == 404, name
        late = {"expiresAt": "2020-01-01T00:00:00Z"}
        assert people[name].patch(address, json=late).status_code == 404, name
        assert people[name].delete(address).status_code == 404, name
        through = {"NGSILD-EntityMap": made.headers["ngsild-entitymap"]}
        answer = people[name].get(f"{API}/entities?type=Car&entityMap=true", headers=through)
        assert answer.headers.get("ngsild-entitymap") != made.headers["ngsild-entitymap"]
    assert people["anna"].get(address).status_code == 200


def test_a_context_of_one_tenant_is_nobody_else_s(people: People) -> None:
    operator = people["operator"]
    document = {"@context": {"secretTerm": "https://example.org/secret"}}
    made = operator.post(f"{API}/jsonldContexts", json=document, headers=HARBOUR)
    assert made.status_code == 201
    address = made.headers["location"]
    assert "secretTerm" in operator.get(address, headers=HARBOUR).text
    for name, where in [("public", {}), ("public", HARBOUR), ("rosa", HARBOUR), ("operator", {})]:
        assert "secretTerm" not in people[name].get(address, headers=where).text
        assert people[name].delete(address, headers=where).status_code in (401, 403, 404)
    assert operator.get(address, headers=HARBOUR).status_code == 200


# -- what belongs to an account --------------------------------------------------------------------


def _theirs(people: People) -> dict[str, Callable[[], object]]:
    """What anna has, and how to see that it is as it was."""
    desk = people.node.trust.desk
    return {
        "token": lambda: [each.id for each in desk.tokens.all("anna")],
        "session": lambda: [each.id for each in desk.sessions.of("anna")],
        "account": lambda: desk.accounts.named("anna"),
    }


def test_nobody_ends_another_s_token_session_or_passkey(people: People) -> None:
    desk = people.node.trust.desk
    token, _ = desk.tokens.add("anna", "hers")
    people.session("anna")
    session = desk.sessions.of("anna")[0].id
    key = {"id": "ab", "key": "00", "count": 0, "name": "x", "made": "2026-01-01T00:00:00Z"}
    desk.accounts.change("anna", lambda old: replace(old, passkeys=({**key, "used": ""},)))
    before = {name: look() for name, look in _theirs(people).items()}
    for thief in ("rosa", "paul", "dora", "vera"):
        browser, form = people.session(thief)
        for asked in (
            {"do": "revoke", "id": token.id},
            {"do": "end", "id": session},
            {"do": "no-passkey", "id": "ab"},
            {"do": "revoke", "id": token.id, "account": "anna", "name": "anna"},
            {"do": "end-others", "account": "anna", "name": "anna"},
            {"do": "password", "password": "a long way to Visby", "again": "a long way to Visby"}
            | {"account": "anna", "name": "anna"},
        ):
            reply = browser.post("/account", data=form | asked)
            assert reply.status_code in (200, 400, 404), (thief, asked)
        assert "hers" not in browser.get("/account").text
    assert {name: look() for name, look in _theirs(people).items()} == before
    browser, form = people.session("anna")
    assert browser.post("/account", data=form | {"do": "revoke", "id": token.id}).status_code == 200
    assert token.id not in [each.id for each in desk.tokens.all("anna")]


def test_a_resident_sees_and_asks_about_their_own_alone(people: People) -> None:
    operator, residents = people["operator"], people.node.trust.residents
    meters = {name: f"urn:ngsi-ld:SmartMeter:{name}" for name in ("rosa", "nils")}
    for name, meter in meters.items():
        entity = {"id": meter, "type": "SmartMeter", "note": prop(f"secret of {name}")}
        assert operator.post(f"{API}/entities", json=entity).status_code == 201
        people.link(name, meter)
        assert people[name].put("/hansa/v1/me/consents/research", json={"days": 9}).is_success
        asked = {"entity": meter, "want": "correct", "words": f"wish of {name}"}
        assert people[name].post("/hansa/v1/me/requests", json=asked).status_code == 201
    for want in ("correct", "erase"):
        asked = {"entity": meters["nils"], "want": want, "words": "x"}
        assert people["rosa"].post("/hansa/v1/me/requests", json=asked).status_code == 403
    told = people["rosa"].get("/hansa/v1/me/data")
    assert "secret of rosa" in told.text and "wish of rosa" in told.text
    assert "nils" not in told.text
    assert b"nils" not in people["rosa"].get("/hansa/v1/me/data/export").content
    browser, form = people.session("rosa")
    assert "nils" not in browser.get("/my-data").text
    browser.post("/my-data", data=form | {"do": "erase", "entity": meters["nils"]})
    assert people["rosa"].delete("/hansa/v1/me/consents/research").status_code == 204
    assert residents.consents.consented("nils", "research")
    assert not residents.consents.consented("rosa", "research")
    assert [each.want for each in residents.wishes.of("nils")] == ["correct"]
    for name in ("rosa", "nils", "paul"):
        wish = residents.wishes.of("nils")[0]
        browser, form = people.session(name)
        decided = form | {"do": "grant", "id": wish.id, "account": "nils"}
        assert browser.post("/admin/residents", data=decided).status_code == 403
    assert not residents.wishes.of("nils")[0].decision


def test_who_may_not_read_it_cannot_tell_it_from_what_is_not_there(people: People) -> None:
    """Neither status nor words tell that a record exists in a tenant that one may not see."""
    for path in (
        f"/entities/{CAR}",
        f"/temporal/entities/{CAR}",
        "/types/Car",
        "/attributes/speed",
    ):
        there = people["public"].get(API + path, headers=HARBOUR)
        nowhere = people["public"].get(API + path + "x", headers=HARBOUR)
        no_tenant = people["public"].get(API + path, headers={"NGSILD-Tenant": "no-such-tenant"})
        assert there.status_code == nowhere.status_code == no_tenant.status_code == 401
    cars = people["of cars"]
    boat = {"id": "urn:ngsi-ld:Boat:77", "type": "Boat"}
    assert people["operator"].post(f"{API}/entities", json=boat).status_code == 201
    there, nowhere = (cars.get(f"{API}/entities/urn:ngsi-ld:Boat:{n}") for n in ("77", "78"))
    assert there.status_code == nowhere.status_code == 404
    assert there.text.replace(":77", ":78") == nowhere.text


def test_a_snapshot_shows_no_more_than_its_reader_may_see(people: People) -> None:
    operator = people["operator"]
    boat = {"id": "urn:ngsi-ld:Boat:55", "type": "Boat", "name": prop("Greif")}
    assert operator.post(f"{API}/entities", json=boat).status_code == 201
    boats = {"type": "Query", "entities": [{"type": "Boat"}]}
    frozen = {"id": "urn:ngsi-ld:Snapshot:f9", "type": "Snapshot", "snapshotQueries": [boats]}
    made = operator.post(f"{API}/snapshots", json=frozen)
    assert made.status_code == 201, made.text
    within = {"NGSILD-Snapshot": frozen["id"]}
    cars = people["of cars"]
    _settled(operator, f"{API}/snapshots/{frozen['id']}", {})
    seen = operator.get(f"{API}/entities?type=Boat", headers=within)
    assert "Greif" in seen.text
    assert "Greif" not in cars.get(f"{API}/entities?type=Boat", headers=within).text
    assert cars.get(f"{API}/entities/urn:ngsi-ld:Boat:55", headers=within).status_code == 404
    change = {"name": prop("stolen")}
    path = f"{API}/entities/urn:ngsi-ld:Boat:55/attrs"
    for name in ("public", "rosa", "of cars", "reads"):
        assert people[name].patch(path, json=change, headers=within).status_code in (401, 403)
