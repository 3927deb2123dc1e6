"""Nothing personal passes any door without a declared step; and what a source's steps are done to comes in changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from hansa.cli.history_work import do_history
from hansa.hub.snapshots import copied
from hansa.kernel.errors import HansaError, PersonalData
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.store.history import Added
from hansa.store.port import Edited, Write
from hansa.trust.principals import LOCAL, OPERATOR, Principal, new_token, token_hash
from hansa.trust.screen import Screening
from hansa.web.api.routes import OPERATIONS
from tests.trust.sources.test_record import WHOLE
from tests.trust.test_redline_doors import API, AT, DOORS, ID, NEW, entity, prop, traces

TOKEN = new_token()
PERSONAL: dict[str, Any] = {
    "an owner": ("owner", "Ann Smith of Lime Street"),
    "a telephone": ("telephone", "+49-421-777123"),
    "a user": ("userId", "u-zebra-7"),
    "a device of passers-by": ("macAddress", "3c:22:fb:00:00:01"),
    "a birth date": ("birthDate", "1970-01-02"),
}
WAYS = {
    ("POST", "/entities"): {"create"},
    ("PUT", "/entities/{entityId}"): {"replace"},
    ("PATCH", "/entities/{entityId}"): {"merge"},
    ("POST", "/entities/{entityId}/attrs"): {"append"},
    ("PATCH", "/entities/{entityId}/attrs"): {"update"},
    ("PATCH", "/entities/{entityId}/attrs/{attrName}"): {"beneath", "within"},
    ("PUT", "/entities/{entityId}/attrs/{attrName}"): {"replace attribute"},
    ("POST", "/entityOperations/create"): {"batch create"},
    ("POST", "/entityOperations/upsert"): {"batch upsert", "batch upsert, update"},
    ("POST", "/entityOperations/update"): {"batch update"},
    ("POST", "/entityOperations/merge"): {"batch merge"},
    ("POST", "/temporal/entities"): {"history"},
    ("POST", "/temporal/entities/{entityId}/attrs"): {"history added"},
    ("PATCH", "/temporal/entities/{entityId}/attrs/{attrName}/{instanceId}"): {"history changed"},
}
"""Every operation that brings what an entity is made of, and the doors here that it is tried by."""
BRING_NONE = (
    "/entityOperations/delete",
    "/entityOperations/query",
    "/temporal/entityOperations/query",
)
BRING_NONE += ("/entityMaps", "/subscriptions", "/csource", "/jsonldContexts", "/snapshots", "/ex/")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("personal") / "node"
    made = Node.open(folder, Settings(city="Visby", operator_token_hash=token_hash(TOKEN)))
    yield made
    made.close()


@pytest.fixture(scope="module")
def api(node: Node) -> Iterator[TestClient]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(node.app, base_url="http://127.0.0.1:1356", headers=headers) as client:
        made = client.post(f"{API}/entities", json={"id": ID, "type": "Camera", "speed": prop(5)})
        assert made.status_code == 201, made.text
        yield client


def test_every_operation_that_brings_something_is_a_door_here() -> None:
    found = {
        (each.verb, each.path)
        for each in OPERATIONS
        if each.verb in {"POST", "PUT", "PATCH"} and not each.path.startswith(BRING_NONE)
    }
    assert {(m, p.replace("{id}", "{entityId}")) for m, p in found} == set(WAYS)
    assert {door for doors in WAYS.values() for door in doors} == {*DOORS, "history changed"}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("what", PERSONAL)
def test_no_door_lets_it_in(node: Node, api: TestClient, door: str, what: str) -> None:
    name, value = PERSONAL[what]
    before, last = node.local_store().get(ID), node.local_store().last_change()
    answer = DOORS[door](api, name, value)
    assert "PersonalData" in answer.text, answer.text
    assert answer.status_code in {207, 400, 403}
    assert value not in answer.text
    assert node.local_store().get(ID) == before
    assert node.local_store().get(NEW) is None
    assert node.local_store().last_change() == last
    assert not traces(node, value)
    assert api.get(f"{API}/temporal/entities/{NEW}").status_code == 404


def test_an_old_value_is_not_changed_into_it(node: Node, api: TestClient) -> None:
    past = "urn:ngsi-ld:Camera:past"
    made = api.post(
        f"{API}/temporal/entities",
        json={"id": past, "type": "Camera", "speed": [prop(1, observedAt=AT)]},
    )
    assert made.status_code == 201, made.text
    told = api.get(f"{API}/temporal/entities/{past}").json()
    speed = told["speed"]
    instance = (speed[0] if isinstance(speed, list) else speed)["instanceId"]
    where = f"{API}/temporal/entities/{past}/attrs/speed/{instance}"
    answer = api.patch(where, json={"speed": [prop(1, observedAt=AT, userId=prop("u-zebra-9"))]})
    assert "PersonalData" in answer.text, answer.text
    assert not traces(node, "u-zebra-9")


def test_no_one_of_a_type_that_means_people_comes_in(node: Node, api: TestClient) -> None:
    for type in ("Person", "Pedestrian", "https://example.org/ns#Patient"):
        whole = {"id": "urn:ngsi-ld:X:zebra", "type": type, "height": prop(1.7)}
        answer = api.post(f"{API}/entities", json=whole)
        assert (answer.status_code, answer.json()["title"] != "") == (403, True)
        assert "PersonalData" in answer.text
        assert "zebra" not in answer.text
    made = {"id": ID, "type": ["Camera", "Person"]}
    assert "PersonalData" in api.patch(f"{API}/entities/{ID}", json=made).text
    assert node.local_store().get("urn:ngsi-ld:X:zebra") is None


def test_other_tenants_and_snapshots_are_no_way_round(node: Node, api: TestClient) -> None:
    body = entity(NEW, "owner", "Ann Smith of Lime Street")
    answer = api.post(f"{API}/entities", json=body, headers={"NGSILD-Tenant": "elsewhere"})
    assert "PersonalData" in answer.text
    store = node.gate.make_snapshot(LOCAL, None, "urn:ngsi-ld:Snapshot:1")
    person = {
        "id": NEW,
        "type": ["https://x.example/Person"],
        "https://x.example/height": [prop(2)],
    }
    (outcome,) = store.write([copied(person, passed=False)]).result()
    assert isinstance(outcome, PersonalData), "copies of what other nodes hold are asked, too"
    past = Added(NEW, ("https://x.example/Person",), {"https://x.example/height": [prop(2)]})
    (outcome,) = store.record_history([past]).result()
    assert isinstance(outcome, PersonalData)
    (outcome,) = store.write([copied(person, passed=True)]).result()
    assert not isinstance(outcome, HansaError), "what this node stores already may be copied"
    node.gate.drop_snapshot(LOCAL, None, "urn:ngsi-ld:Snapshot:1")


def test_what_the_node_writes_by_itself_is_asked_too(node: Node) -> None:
    owned = {
        "id": NEW,
        "type": ["https://x.example/Camera"],
        "https://x.example/owner": [prop("A")],
    }
    (outcome,) = (
        node.local_store().write([Write(NEW, lambda _: Edited(owned), made=owned)]).result()
    )
    assert isinstance(outcome, PersonalData)


def test_no_table_of_history_brings_it(node: Node, tmp_path: Path) -> None:
    (tmp_path / "past.csv").write_text(
        f"entity,type,attribute,time,value\n{NEW},Camera,speed,{AT},5\n{NEW},Camera,owner,{AT},Ann\n"
    )
    given = {"file": str(tmp_path / "past.csv"), "mapping": None, "dryRun": False, "tenant": None}
    with pytest.raises(PersonalData, match="owner"):
        do_history(node, "import", given, lambda done, whole: None)


# -- sources with steps -------------------------------------------------------------------------------

STEPS: list[dict[str, Any]] = [
    {"step": "drop", "attributes": ["telephone", "clientCode"]},
    {"step": "pseudonymise", "attributes": ["userId"], "rotate": "P1D"},
    {"step": "keep", "attributes": ["owner"], "because": "the owner of a lamp is a company"},
]


@pytest.fixture
def meters(node: Node, api: TestClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """What comes with the token is of a source with steps."""
    raw = {**WHOLE, "data": ["personal", "tabular"], "lawful_basis": "public_task"}
    raw |= {"retention_period": "P30D", "retention": ["data_retained"], "anonymise": STEPS}
    node.trust.sources.declare(LOCAL, "meters", raw)
    who = replace(OPERATOR, kind="staff", roles=frozenset({"administrator"}), source="meters")
    assert isinstance(who, Principal)
    monkeypatch.setattr(node.gate, "identify", lambda authorization: who)
    yield node
    store = node.local_store()
    for raw_entity in list(store.scan()):
        id = orjson.loads(raw_entity)["id"]
        if ":Lamp:" in id:
            store.write([Write(id, lambda _: Edited(None))]).result()


LAMP = "urn:ngsi-ld:Lamp:1"


def lamp(**more: Any) -> dict[str, Any]:
    return {"id": LAMP, "type": "Lamp", "owner": prop("Lamps Ltd"), "level": prop(5), **more}


def test_what_the_api_brings_goes_through_the_steps_of_its_source(
    meters: Node, api: TestClient
) -> None:
    raw = lamp(telephone=prop("zebra-1"), clientCode=prop("zebra-2"), userId=prop("zebra-3"))
    assert api.post(f"{API}/entities", json=raw).status_code == 201
    for door in ("append", "update"):
        change = {"userId": prop("zebra-3"), "clientCode": prop("zebra-2"), "level": prop(door)}
        method = "POST" if door == "append" else "PATCH"
        answer = api.request(method, f"{API}/entities/{LAMP}/attrs", json=change)
        assert answer.status_code in {204, 207}, answer.text
    answer = api.post(f"{API}/entityOperations/upsert", json=[raw])
    assert answer.status_code in {201, 204}, answer.text
    past = {"id": LAMP, "type": "Lamp", "clientCode": [prop("zebra-2", observedAt=AT)]}
    assert api.post(f"{API}/temporal/entities", json=past).status_code in {201, 204}
    stored = orjson.loads(meters.local_store().get(LAMP) or b"{}")
    names = {name.rsplit("/", 1)[-1]: value for name, value in stored.items()}
    assert names["owner"][0]["value"] == "Lamps Ltd"
    assert {"telephone", "clientCode"}.isdisjoint(names)
    assert names["userId"][0]["value"].startswith("p-")
    for value in ("zebra-1", "zebra-2", "zebra-3"):
        assert not traces(meters, value)
    meters.trust.privacy.flush()
    assert meters.trust.privacy.account("meters")["done"]["drop"] >= 3


def test_another_name_in_full_is_no_way_round_a_step(meters: Node, api: TestClient) -> None:
    body = {
        **lamp(clientCode=prop("zebra-4")),
        "@context": {"clientCode": "https://other.example/clientCode"},
    }
    headers = {"Content-Type": "application/ld+json"}
    answer = api.post(f"{API}/entities", content=orjson.dumps(body), headers=headers)
    assert answer.status_code == 403, answer.text
    assert not traces(meters, "zebra-4")


@pytest.mark.parametrize(
    "step",
    [
        {"step": "pseudonymise", "attributes": ["id"], "rotate": "P1D"},
        {"step": "suppress", "k": 3, "by": ["level"], "window": "PT1M"},
    ],
    ids=["identifier", "groups"],
)
def test_what_cannot_be_done_to_one_write_is_refused(
    meters: Node, api: TestClient, step: dict[str, Any]
) -> None:
    record = meters.trust.sources.get("meters")
    content = {n: v for n, v in record.items() if n in {*WHOLE, "anonymise"}}
    meters.trust.sources.declare(LOCAL, "meters", content | {"anonymise": [step]})
    answer = api.post(f"{API}/entities", json={"id": LAMP, "type": "Lamp", "level": prop(1)})
    assert answer.status_code == 403, answer.text
    assert "import" in answer.text
    assert meters.local_store().get(LAMP) is None


def test_what_is_known_to_be_harmless_is_asked_for_what_it_holds() -> None:
    screen = Screening()
    good = {"id": "urn:x:1", "type": ["T"], "speed": [prop(5)]}
    for _ in range(2):
        screen.check(good)
    for bad in (
        {**good, "speed": [prop(5, userId=[prop("a")])]},
        {**good, "speed": [prop({"email": "a@b.example"})]},
        {**good, "speed": [prop([{"telephone": "1"}])]},
        {**good, "speed": [prop(5), prop({"a": [{"owner": 1}]})]},
        {**good, "email": [prop("a")]},
        {**good, "type": ["Person"]},
    ):
        with pytest.raises(PersonalData):
            screen.check(bad)
        screen.check(bad, bad)
        screen.check(bad, None, True)
        Screening(personal=False).check(bad)
