"""What is held about a resident, who read it, what they agree to and ask for; and that erased is erased."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hansa.kernel.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized, Unavailable
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.principals import LOCAL, OPERATOR, PUBLIC, Principal, token_hash
from tests.trust.policy.documents import constraint, document, rule

SECRET = "the operator's own token"
METER = "urn:ngsi-ld:SmartMeter:rosa"
OTHER = "urn:ngsi-ld:SmartMeter:otto"
ROSA = Principal("rosa", "resident")
OFFICER = Principal("dora", "staff", frozenset({"data_officer"}))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(
        tmp_path / "node", Settings(city="Visby", operator_token_hash=token_hash(SECRET))
    )
    made.trust.desk.accounts.add("rosa", kind="resident", full_name="Rosa Holm")
    made.trust.desk.accounts.add("dora", roles=["data_officer"])
    for id in (METER, OTHER):
        write(made, id, 7)
    made.trust.residents.link(OFFICER, "rosa", METER, "contract 4711 seen")
    yield made
    made.close()


def client(node: Node, who: str | None = None, scopes: tuple[str, ...] = ("read",)) -> TestClient:
    headers = {}
    if who:
        _, token = node.trust.desk.tokens.add(who, "test", scopes=scopes)
        headers["Authorization"] = f"Bearer {token}"
    return TestClient(node.app, base_url="http://127.0.0.1:1356", headers=headers)


def write(node: Node, id: str, value: float) -> None:
    """As the operator does."""
    entity = {"id": id, "type": "SmartMeter", "used": {"type": "Property", "value": value}}
    operator = {"Authorization": f"Bearer {SECRET}"}
    upsert = "/ngsi-ld/v1/entityOperations/upsert"
    answer = client(node).post(upsert, json=[entity], headers=operator)
    assert answer.status_code in (201, 204), answer.text


def close_meters(node: Node) -> None:
    """Let planners read meters, and everybody the rest of the city."""
    meters = constraint("entityType", "isAnyOf", ["SmartMeter"])
    zones = constraint("entityType", "isAnyOf", ["TransportZone"])
    policies = node.trust.policies
    policies.declare(LOCAL, "published", document(permission=[rule("read", "everyone", zones)]))
    may = rule("read", "role:planner", meters)
    policies.declare(LOCAL, "household-statistics", document(permission=[may]))


def test_what_is_held_and_by_what_it_is_known(node: Node) -> None:
    found = node.trust.residents.data(ROSA)
    assert found["account"]["fullName"] == "Rosa Holm"
    (entity,) = found["entities"]
    assert entity["id"] == METER
    assert entity["basis"] == "contract 4711 seen"
    assert entity["data"]["used"]["value"] == 7
    assert OTHER not in json.dumps(found)


def test_who_read_it_when_and_why(node: Node) -> None:
    recorder = node.trust.recorder
    recorder.read(OFFICER, [METER, OTHER], ["household-statistics"])
    recorder.read(OFFICER, [OTHER], ["household-statistics"])
    node.trust.residents.data(ROSA)
    (read,) = node.trust.residents.reads(ROSA)
    assert (read["who"], read["entity"]) == ("dora", METER)
    assert read["rules"] == ["household-statistics"]
    assert read["time"]
    own = node.trust.log.about("who", "rosa")
    assert [each.entry.reason for each, _ in own] == ["own-data"], "but it is logged as well"


def test_a_read_through_the_gate_is_seen_by_the_owner(node: Node) -> None:
    close_meters(node)
    node.trust.desk.accounts.add("pia", roles=["planner"])
    path = f"/ngsi-ld/v1/entities/{METER}"
    assert client(node).get(path).status_code in (401, 404)
    assert node.trust.residents.reads(ROSA) == []
    assert client(node, "pia").get(path).status_code == 200
    (read,) = node.trust.residents.reads(ROSA)
    assert (read["who"], read["reason"]) == ("pia", "by-rule")
    assert any("household-statistics" in each for each in read["rules"])


@pytest.mark.parametrize(
    "who",
    [PUBLIC, Principal("client:x", "service"), OPERATOR],
    ids=["public", "service", "operator"],
)
def test_my_data_are_of_somebody(node: Node, who: Principal) -> None:
    with pytest.raises((Unauthorized, Forbidden)):
        node.trust.residents.data(who)


def test_the_archive_holds_all_of_it(node: Node) -> None:
    write(node, METER, 8)
    packed = zipfile.ZipFile(io.BytesIO(node.trust.residents.export(ROSA)))
    assert packed.testzip() is None
    assert set(packed.namelist()) == {"my-data.json", "entity-1.jsonld", "history-1.json"}
    entity = json.loads(packed.read("entity-1.jsonld"))
    assert entity["id"] == METER
    assert entity["@context"]
    history = json.loads(packed.read("history-1.json"))
    values = [each["value"] for each in history["attributes"]["used"]]
    assert values == [7, 8]


def test_only_staff_say_whose_it_is(node: Node) -> None:
    residents = node.trust.residents
    for who in (ROSA, PUBLIC, Principal("p", "staff", frozenset({"planner"}))):
        with pytest.raises((Forbidden, Unauthorized)):
            residents.link(who, "rosa", OTHER, "I say so")
        with pytest.raises((Forbidden, Unauthorized)):
            residents.erase(who, OTHER)
    with pytest.raises(BadRequest):
        residents.link(OFFICER, "rosa", OTHER, " ")
    for account, entity in (("nobody", OTHER), ("rosa", "urn:ngsi-ld:X:none")):
        with pytest.raises(NotFound):
            residents.link(OFFICER, account, entity, "a proof")
    residents.unlink(OFFICER, "rosa", METER)
    assert residents.data(ROSA)["entities"] == []
    with pytest.raises(NotFound):
        residents.unlink(OFFICER, "rosa", METER)


def test_nobody_asks_about_what_is_not_theirs(node: Node) -> None:
    with pytest.raises(Forbidden):
        node.trust.residents.ask(ROSA, OTHER, "erase")
    with pytest.raises(BadRequest):
        node.trust.residents.ask(ROSA, METER, "sell")
    with pytest.raises(BadRequest):
        node.trust.residents.ask(ROSA, METER, "correct", " ")


def test_a_refusal_has_a_reason_and_a_decision_is_one(node: Node) -> None:
    residents = node.trust.residents
    wish = residents.ask(ROSA, METER, "correct", "it shows 8, not 7")
    with pytest.raises(BadRequest):
        residents.decide(OFFICER, wish.id, granted=False)
    residents.decide(OFFICER, wish.id, granted=False, reason="it was read by a technician")
    with pytest.raises(Conflict):
        residents.decide(OFFICER, wish.id, granted=True)
    (shown,) = residents.data(ROSA)["requests"]
    assert (shown["decision"], shown["reason"]) == ("refused", "it was read by a technician")


def test_erased_is_erased(node: Node) -> None:
    """The entity, its history, what the log could tell, what was said of it; the log still verifies."""
    write(node, METER, 8)
    node.trust.recorder.read(OFFICER, [METER], ["r"])
    residents = node.trust.residents
    wish = residents.ask(ROSA, METER, "erase", "I moved away from 12 Harbour Street")
    residents.decide(OFFICER, wish.id, granted=True)
    assert residents.data(ROSA)["entities"] == []
    assert residents.reads(ROSA) == []
    assert node.trust.log.about("what", METER) == []
    api = client(node)
    for path in (f"/ngsi-ld/v1/entities/{METER}", f"/ngsi-ld/v1/temporal/entities/{METER}"):
        assert api.get(path).status_code == 404
    assert api.get(f"/ngsi-ld/v1/entities/{OTHER}").status_code == 200
    (shown,) = residents.data(ROSA)["requests"]
    assert (shown["decision"], shown["entity"], shown["words"]) == ("granted", None, "")
    residents.erase(OFFICER, METER)
    reasons = [each.entry.reason for each in node.trust.log.entries(0, 100)]
    assert "resident.erased" in reasons


def test_what_was_erased_does_not_come_again(node: Node, tmp_path: Path) -> None:
    node.trust.residents.erase(OFFICER, METER)
    operator = {"Authorization": f"Bearer {SECRET}"}
    again = {"id": METER, "type": "SmartMeter", "used": {"value": 7}}
    new = {**again, "id": METER + "-2"}
    for base in ("/ngsi-ld/v1/entities", "/ngsi-ld/v1/temporal/entities"):
        answer = client(node).post(base, json=again, headers=operator)
        assert answer.status_code == 403 and "erased at the wish" in answer.text, base
    batch = "/ngsi-ld/v1/entityOperations/upsert"
    answer = client(node).post(batch, json=[again, new], headers=operator)
    assert answer.status_code == 207 and answer.json()["success"] == [new["id"]]
    assert METER not in json.dumps(node.trust.vault.all("erased"))
    folder, settings = node.folder.root, node.settings
    node.close()
    reopened = Node.open(folder, settings)
    try:
        assert client(reopened).post(batch, json=[again], headers=operator).status_code == 207
        with pytest.raises(Unauthorized):
            reopened.trust.residents.readmit(PUBLIC, METER)
        reopened.trust.residents.readmit(OFFICER, METER)
        with pytest.raises(NotFound):
            reopened.trust.residents.readmit(OFFICER, METER)
        assert client(reopened).post(batch, json=[again], headers=operator).status_code == 201
    finally:
        reopened.close()


def test_an_erasure_that_was_broken_off_is_granted_again(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    residents = node.trust.residents
    wish = residents.ask(ROSA, METER, "erase", "I moved away")

    def broken(_: object) -> None:
        raise Unavailable("the disk", "is full")

    with monkeypatch.context() as patch:
        patch.setattr(residents.wishes, "keep", broken)
        with pytest.raises(Unavailable):
            residents.decide(OFFICER, wish.id, granted=True)
    assert not residents.wishes.waiting(wish.id).decision
    residents.decide(OFFICER, wish.id, granted=True)
    (shown,) = residents.data(ROSA)["requests"]
    assert (shown["decision"], shown["entity"], shown["words"]) == ("granted", None, "")
    assert node.trust.log.about("what", METER) == []


def test_a_consent_is_for_a_purpose_and_a_time(node: Node) -> None:
    consents = node.trust.residents.consents
    given = consents.give(ROSA, "energy-advice", days=30)
    now = node.clock.now()
    assert consents.consented("rosa", "energy-advice")
    assert not consents.consented("rosa", "advertising")
    assert not consents.consented("otto", "energy-advice")
    assert not consents.consented("rosa", "energy-advice", now - timedelta(minutes=1))
    assert not consents.consented("rosa", "energy-advice", now + timedelta(days=31))
    consents.withdraw(ROSA, "energy-advice")
    assert not consents.consented("rosa", "energy-advice")
    assert consents.consented("rosa", "energy-advice", now), "it was so then"
    consents.withdraw(ROSA, "energy-advice")
    consents.give(ROSA, "energy-advice", days=1)
    assert consents.consented("rosa", "energy-advice")
    assert consents.consented("rosa", "energy-advice", now), "its history is kept"
    assert given.account == "rosa"
    for purpose, days in (("two words", 1), ("", 1), ("x", 0), ("x", 5000)):
        with pytest.raises(BadRequest):
            consents.give(ROSA, purpose, days)
    with pytest.raises(NotFound):
        consents.withdraw(ROSA, "advertising")
    entries = [each.entry for each in node.trust.log.entries(0, 100)]
    assert [each.reason for each in entries if each.kind == "consent"] == [
        "consent.given",
        "consent.withdrawn",
        "consent.withdrawn",
        "consent.given",
    ]


def test_the_interface_for_programs(node: Node) -> None:
    rosa = client(node, "rosa", ("read", "write"))
    assert rosa.get("/hansa/v1/me/data").json()["entities"][0]["id"] == METER
    packed = rosa.get("/hansa/v1/me/data/export")
    assert packed.headers["content-type"] == "application/zip"
    assert packed.headers["cache-control"] == "no-store"
    assert rosa.put("/hansa/v1/me/consents/energy-advice", json={"days": 9}).status_code == 200
    assert node.trust.residents.consents.consented("rosa", "energy-advice")
    assert rosa.delete("/hansa/v1/me/consents/energy-advice").status_code == 204
    assert rosa.delete("/hansa/v1/me/consents/other").status_code == 404
    asked = {"entity": METER, "want": "correct", "words": "wrong"}
    assert rosa.post("/hansa/v1/me/requests", json=asked).status_code == 201
    other = {**asked, "entity": OTHER}
    assert rosa.post("/hansa/v1/me/requests", json=other).status_code == 403
    for body in (b"[]", b"{", b"x" * 30_000):
        answer = rosa.post("/hansa/v1/me/requests", content=body)
        assert answer.status_code in (400, 413)
        assert answer.headers["content-type"].startswith("application/problem+json")
    days = rosa.put("/hansa/v1/me/consents/x", json={"days": "many"})
    assert days.status_code == 400
    reads = client(node, "rosa")
    assert reads.put("/hansa/v1/me/consents/x", json={}).status_code == 403
    nobody = client(node)
    assert nobody.get("/hansa/v1/me/data").status_code == 401
    assert nobody.get("/hansa/v1/me/data/export").status_code == 401


def test_the_command(node: Node) -> None:
    from hansa.cli.resident_work import do_resident

    shown = do_resident(node, "list", {})["links"]
    assert [(each["account"], each["entity"]) for each in shown] == [("rosa", METER)]
    given = {"name": "rosa", "what": OTHER, "basis": "a proof"}
    do_resident(node, "link", given)
    do_resident(node, "unlink", given)
    wish = node.trust.residents.ask(ROSA, METER, "erase")
    assert do_resident(node, "requests", {})["requests"][0]["id"] == wish.id
    do_resident(node, "grant", {"name": wish.id})
    assert do_resident(node, "list", {})["links"] == []
    node.trust.residents.consents.give(ROSA, "x")
    assert len(do_resident(node, "consents", {"name": "rosa"})["consents"]) == 1
    do_resident(node, "erase", {"name": OTHER})
    with pytest.raises(BadRequest):
        do_resident(node, "sell", {})
