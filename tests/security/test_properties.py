"""Property-level authorisation (API3): what of a record somebody sees, and what of it they may set.

Reading: attributes that a rule hides are nowhere in any form of any answer, and what proves who somebody is is in
no answer at all. Writing (mass assignment): members that only the node sets are set by nobody else, whatever stands
beside what a request or form asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.trust.policy.documents import constraint, document, rule
from tests.trust.sources.test_record import WHOLE

from .people import API, HOME, People, opened, prop

LONG_AGO = "2001-01-01T00:00:00Z"
SECRET = "a long way to Visby"
MEASURED = "2026-02-03T04:05:06Z"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    with opened(tmp_path_factory.mktemp("properties")) as made:
        place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [-71.0, -30.0]}}
        house = {
            "id": "urn:ngsi-ld:House:1",
            "type": "House",
            "height": {**prop(12), "observedAt": MEASURED},
            "keeper": {**prop("medlar"), "observedAt": MEASURED, "why": prop("medlar, too")},
            "location": place,
        }
        assert made["operator"].post(f"{API}/entities", json=house).status_code == 201
        open_but = document(
            permission=[
                rule("read", "everyone"),
                rule("read", "role:planner", constraint("entityType", "isAnyOf", ["House"])),
            ],
            prohibition=[
                rule(
                    "read",
                    "everyone",
                    constraint("entityType", "isAnyOf", ["House"]),
                    constraint("attribute", "isAnyOf", ["keeper"]),
                )
            ],
        )
        put = made["dora"].put("/hansa/v1/policies/houses", json=open_but)
        assert put.status_code in (200, 201), put.text
        yield made


# -- what is read ----------------------------------------------------------------------------------

FORMS = (
    "/entities/urn:ngsi-ld:House:1",
    "/entities/urn:ngsi-ld:House:1?options=keyValues",
    "/entities/urn:ngsi-ld:House:1?options=concise",
    "/entities/urn:ngsi-ld:House:1?options=sysAttrs",
    "/entities/urn:ngsi-ld:House:1?pick=id,type,keeper",
    "/entities?type=House",
    "/entities?type=House&options=keyValues",
    "/entities?type=House&options=concise,sysAttrs",
    "/entities?type=House&attrs=keeper",
    "/entities?q=keeper==%22medlar%22&type=House",
    "/entities?q=keeper&type=House",
    "/entities?type=House&orderBy=keeper",
    "/temporal/entities/urn:ngsi-ld:House:1",
    "/temporal/entities/urn:ngsi-ld:House:1?options=temporalValues",
    "/temporal/entities/urn:ngsi-ld:House:1?attrs=keeper",
    "/temporal/entities?type=House&timerel=after&timeAt=2020-01-01T00:00:00Z",
    "/temporal/entities?type=House&timerel=after&timeAt=2020-01-01T00:00:00Z&q=keeper",
    "/types/House",
    "/types?details=true",
    "/attributes",
    "/attributes/keeper",
)


@pytest.mark.parametrize("form", FORMS)
def test_a_hidden_attribute_is_in_no_form_of_an_answer(people: People, form: str) -> None:
    assert "keeper" in people["operator"].get(API + form).text or "q=" in form or "order" in form
    for name in ("public", "rosa", "paul"):
        answer = people[name].get(API + form)
        told = answer.text.replace("keeper is", "").replace(HOME, "")
        asked = "keeper" in form
        assert "medlar" not in told, (name, form)
        assert asked or "keeper" not in told, (name, form)
        if "q=keeper" in form:
            assert answer.json() == [], (name, form)
        shown = answer.json() if answer.status_code == 200 else None
        if isinstance(shown, dict) and "id" in shown and "attributes" not in form:
            assert "keeper" not in shown


def test_a_hidden_attribute_is_found_by_no_question_in_a_body(people: People) -> None:
    query = {"type": "Query", "entities": [{"type": "House"}]}
    for more in ({}, {"attrs": ["keeper"]}, {"q": "keeper"}, {"q": 'keeper=="medlar"'}):
        for path in ("/entityOperations/query", "/temporal/entityOperations/query"):
            since = {"temporalQ": {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}}
            body = query | more | (since if "temporal" in path else {})
            assert "medlar" in people["operator"].post(API + path, json=body).text
            assert "medlar" not in people["public"].post(API + path, json=body).text


def test_a_hidden_attribute_is_on_no_page_and_in_no_file(people: People) -> None:
    for path in (
        "/entity/urn:ngsi-ld:House:1",
        "/data/House",
        "/data/House.geojson",
        "/data/House.jsonld",
        "/data",
        "/live",
        "/city/search?q=edlar",
    ):
        assert "medlar" not in people["public"].get(path).text, path


def test_what_proves_who_somebody_is_is_in_no_answer(people: People) -> None:
    desk = people.node.trust.desk
    desk.choose_password("vera", SECRET)
    codes = desk.set_totp("vera", *_app(people))
    where: Any = {"issuer": "https://id.example", "client_id": "hansa"}
    if not desk.providers.all():
        desk.providers.add("visby", **where, secret="s/e cret of 2026!")
    kept = desk.accounts.named("vera")
    token, text = desk.tokens.add("vera", "hers")
    hashes = [each["hash"] for each in people.node.trust.vault.all("token")]
    secrets = [kept.password, kept.totp, *kept.recovery, *codes, text, *hashes, "s/e cret"]
    assert all(secrets)
    places = [
        "/hansa/v1/accounts",
        "/hansa/v1/providers",
        "/hansa/v1/clients",
        "/hansa/v1/me",
        "/hansa/v1/me/data",
        "/hansa/v1/log/entries?limit=500",
        "/hansa/v1/policies/explain?who=vera&what=House",
        "/openapi.json",
    ]
    told = {path: people["anna"].get(path).text for path in places}
    browser, _ = people.session("vera")
    for path in ("/account", "/admin/accounts", "/admin/clients", "/my-data"):
        told[path] = browser.get(path).text
    assert '"vera"' in told["/hansa/v1/accounts"] and "vera" in told["/admin/accounts"]
    assert token.id not in told["/hansa/v1/accounts"]
    for path, answer in told.items():
        assert not [each for each in secrets if each in answer], path


def _app(people: People) -> tuple[str, str]:
    from hansa.trust.identity.second import _totp

    key = people.node.trust.desk.new_totp()
    return key, _totp(key).generate(people.node.clock.now().timestamp()).decode()


def test_what_a_subscriber_s_endpoint_is_told_in_confidence_is_not_shown_to_readers(
    people: People,
) -> None:
    """Only who may change a subscription sees it at all; a registration's credentials nobody sees."""
    info = [{"key": "Authorization", "value": "Bearer medlar-token"}]
    source = {
        "id": "urn:ngsi-ld:ContextSourceRegistration:c1",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Ferry"}]}],
        "endpoint": "https://broker.example",
        "contextSourceInfo": info,
    }
    made = people["operator"].post(f"{API}/csourceRegistrations", json=source)
    assert made.status_code == 201, made.text
    for name in ("public", "rosa", "paul", "reads"):
        for path in ("", f"/{source['id']}", "?type=Ferry"):
            answer = people[name].get(f"{API}/csourceRegistrations{path}")
            assert "medlar" not in answer.text, (name, path)
    assert (
        people["operator"].delete(f"{API}/csourceRegistrations/{source['id']}").status_code == 204
    )


# -- what is written -------------------------------------------------------------------------------


def test_a_form_gives_nobody_more_than_it_asks_for(people: People) -> None:
    """A role, a kind, another account beside what a form is for: nothing of it is taken."""
    desk = people.node.trust.desk
    desk.accounts.add("greta", roles=["planner"])
    desk.choose_password("greta", SECRET)
    more = {
        "role": "administrator",
        "roles": "administrator",
        "kind": "staff",
        "disabled": "",
        "account": "anna",
        "name": "anna",
        "full_name": "root",
        "subject": "x",
        "passkeys": "x",
        "who": "anna",
    }
    before = {each.name: each for each in desk.accounts.all()}
    browser, form = people.session("greta")
    asked = {"do": "token", "label": "mine", "scope": ["read", "write", "admin"], "days": "9"}
    assert browser.post("/account", data=form | more | asked | {"current": SECRET}).is_success
    (token,) = desk.tokens.all("greta")
    assert token.account == "greta"
    assert [each for each in desk.tokens.all("anna") if each.name == "mine"] == []
    browser, form = people.session("greta")  # the other one was renewed
    changed = {"do": "password", "password": SECRET + "!", "again": SECRET + "!"}
    assert browser.post("/account", data=form | more | changed | {"current": SECRET}).is_success
    link = desk.links.make("greta")
    chosen = {"password": SECRET, "again": SECRET}
    assert browser.post(f"/link/{link}", data=more | chosen).status_code in (303, 403)
    logged_in = {"name": "greta", "password": SECRET}
    browser.post("/login", data=more | logged_in)
    for name, account in before.items():
        now = desk.accounts.named(name)
        assert (now.roles, now.kind, now.subject, now.disabled, now.full_name) == (
            account.roles,
            account.kind,
            account.subject,
            account.disabled,
            account.full_name,
        ), name
    assert desk.accounts.named("anna").password == before["anna"].password


def test_a_new_account_is_what_the_form_s_own_fields_make_it(people: People) -> None:
    browser, form = people.session("anna")
    asked = {"do": "add", "name": "kai", "kind": "resident", "role": "administrator"}
    more = {"password": "x", "totp": "x", "subject": "x", "last_login": LONG_AGO}
    assert browser.post("/admin/accounts", data=form | more | asked).status_code == 200
    made = people.node.trust.desk.accounts.named("kai")
    assert (made.roles, made.kind, made.password, made.totp) == ((), "resident", "", "")
    assert (made.subject, made.last_login) == ("", "")


def test_a_resident_s_request_is_not_decided_by_who_makes_it(people: People) -> None:
    meter = {"id": "urn:ngsi-ld:SmartMeter:r", "type": "SmartMeter"}
    assert people["operator"].post(f"{API}/entities", json=meter).status_code == 201
    people.link("rosa", meter["id"])
    wish = {
        "entity": meter["id"],
        "want": "erase",
        "words": "please",
        "decision": "granted",
        "granted": True,
        "account": "nils",
        "id": "mine",
        "reason": "because",
    }
    assert people["rosa"].post("/hansa/v1/me/requests", json=wish).status_code == 201
    residents = people.node.trust.residents
    (kept,) = residents.wishes.of("rosa")
    assert (kept.account, kept.decision, kept.reason) == ("rosa", "", "")
    assert kept.id != "mine"
    assert residents.wishes.of("nils") == []
    consents = "/hansa/v1/me/consents/parking"
    for more in ({"account": "nils"}, {"given": LONG_AGO}, {"until": "2099-01-01T00:00:00Z"}):
        assert people["rosa"].put(consents, json={"days": 9, **more}).status_code == 400
    assert residents.consents.of("rosa") == []
    assert people["rosa"].put(consents, json={"days": 9}).is_success
    (consent,) = residents.consents.of("rosa")
    assert consent.given > "2020" and consent.until < "2099"
    assert residents.consents.of("nils") == []
    assert people["operator"].get(f"{API}/entities/{meter['id']}").status_code == 200


NODES_OWN = {
    "status": "withdrawn",
    "version": 99,
    "made": LONG_AGO,
    "declared": LONG_AGO,
    "changed": LONG_AGO,
    "by": "anna",
    "who": "anna",
    "hash": "x",
    "id": "another",
}


def test_a_record_of_a_register_does_not_say_what_the_node_says_of_it(people: People) -> None:
    dora = people["dora"]
    for path, body in (
        ("/hansa/v1/sources/meters", WHOLE),
        ("/hansa/v1/policies/parks", document(permission=[rule("read", "everyone")])),
    ):
        assert dora.put(path, json=body).is_success, dora.put(path, json=body).text
        plain = dora.get(path).json()
        for name, value in NODES_OWN.items():
            answer = dora.put(path, json={**body, name: value})
            now = dora.get(path).json()
            assert now.get("id", "").rpartition(":")[2] != "another"
            assert now.get("status", "declared") == plain.get("status", "declared"), (path, name)
            assert LONG_AGO not in dora.get(path).text, (path, name)
            assert answer.status_code in (200, 201, 400, 422), (path, name)
        assert dora.get(f"{path.rpartition('/')[0]}/another").status_code == 404


def test_what_the_node_keeps_of_a_record_of_the_api_is_set_by_nobody(people: People) -> None:
    """Counters, states, owners, times: of subscriptions, registrations, snapshots and entities."""
    operator = people["operator"]
    told = {
        "createdAt": LONG_AGO,
        "modifiedAt": LONG_AGO,
        "deletedAt": LONG_AGO,
        "status": "failed",
        "timesSent": 4_000_042,
        "timesFailed": 4_000_042,
        "lastNotification": LONG_AGO,
        "lastSuccess": LONG_AGO,
        "owner": {"kind": "staff", "name": "medlar"},
        "origin": "medlar",
        "snapshotStatus": "medlar",
        "lastUsedAt": LONG_AGO,
    }
    endpoint = {"endpoint": {"uri": "http://127.0.0.1:9/told"}}
    cars = [{"type": "Car"}]
    bodies = {
        "/subscriptions": {"type": "Subscription", "entities": cars, "notification": endpoint},
        "/csourceRegistrations": {
            "type": "ContextSourceRegistration",
            "information": [{"entities": cars}],
            "endpoint": "https://broker.example",
        },
        "/snapshots": {
            "type": "Snapshot",
            "snapshotQueries": [{"type": "Query", "entities": cars}],
        },
    }
    for path, body in bodies.items():
        others = {"owner", "origin", "lastNotification", "snapshotStatus", "lastUsedAt"}
        own = others if path == "/csourceRegistrations" else set()  # properties of its own (5.2.9)
        for name, value in ((n, v) for n, v in told.items() if n not in own):
            id = f"urn:ngsi-ld:X:{name}"
            made = operator.post(API + path, json={**body, "id": id, name: value})
            assert made.status_code in (201, 400), (path, name)
            seen = operator.get(f"{API}{path}/{id}?options=sysAttrs").text
            assert "2001-01-01" not in seen and "4000042" not in seen, (path, name)
            assert made.status_code == 400 or "medlar" not in seen, (path, name)
            if made.status_code == 201:
                operator.patch(f"{API}{path}/{id}", json={name: value})
                seen = operator.get(f"{API}{path}/{id}?options=sysAttrs").text
                assert "2001-01-01" not in seen and "4000042" not in seen, (path, name)
                assert operator.delete(f"{API}{path}/{id}").status_code == 204
    for name in ("createdAt", "modifiedAt", "deletedAt"):
        boat = {"id": f"urn:ngsi-ld:Boat:{name}", "type": "Boat", "name": prop("Greif")}
        inner = {**boat, "name": {**prop("Greif"), name: LONG_AGO}}
        for body in ({**boat, name: LONG_AGO}, inner):
            operator.post(f"{API}/entityOperations/upsert", json=[body])
            operator.patch(f"{API}/entities/{boat['id']}", json={name: LONG_AGO})
            operator.patch(f"{API}/entities/{boat['id']}/attrs/name", json=inner["name"])
            for path in ("entities", "temporal/entities"):
                seen = operator.get(f"{API}/{path}/{boat['id']}?options=sysAttrs")
                assert "2001-01-01" not in seen.text, (name, path)


def test_a_change_of_a_record_changes_neither_its_kind_nor_whose_it_is(people: People) -> None:
    operator = people["operator"]
    boat = {"id": "urn:ngsi-ld:Boat:7", "type": "Boat", "name": prop("Greif")}
    assert operator.post(f"{API}/entities", json=boat).status_code == 201
    for verb, path in (("PATCH", ""), ("PATCH", "/attrs"), ("POST", "/attrs"), ("PUT", "")):
        body = {**boat, "id": "urn:ngsi-ld:Boat:8"}
        operator.request(verb, f"{API}/entities/{boat['id']}{path}", json=body)
        assert operator.get(f"{API}/entities/urn:ngsi-ld:Boat:8").status_code == 404
        assert operator.get(f"{API}/entities/{boat['id']}").json()["id"] == boat["id"]
